"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  const HEADER = 18, ROOM = 34, GAP = 2, LISTED = 60;

  /** An element; what comes from the image only ever becomes text. */
  const make = (name, options = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(options)) {
      if (key === "class") element.className = value;
      else if (key === "hue") element.style.setProperty("--hue", value);
      else if (value !== undefined && value !== null) element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  };

  const UNITS = ["B", "kB", "MB", "GB", "TB"];
  const human = (size) => {
    let at = 0;
    while (size >= 1000 && at < UNITS.length - 1) { size /= 1000; at += 1; }
    return `${at ? Number(size.toPrecision(3)) : size} ${UNITS[at]}`;
  };
  const counted = (count, name) => `${count} ${name}${count === 1 ? "" : "s"}`;
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const share = (part, whole) => (whole ? part / whole : 0);
  const hue = (layer) => (250 + layer * 137.508) % 360;
  const plain = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
  const made = (layer) => plain(data.layers[layer]?.instruction || "(history does not say)");

  // -- head ---------------------------------------------------------------------------------------------------------
  const fact = (name, value, more) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, value, " ", make("small", {}, more)));
  const drawHead = () => {
    find("name").textContent = plain(data.name);
    find("about").textContent = [data.platform, data.id].filter(Boolean).join(" · ");
    find("facts").append(
      fact("Size", human(data.size), "in " + counted(data.layers.length, "layer")),
      fact("A container sees", human(data.visible), percent(share(data.visible, data.size))),
      fact("Waste", human(data.wasted), percent(share(data.wasted, data.size))),
      fact("Efficiency", percent(data.efficiency.score), "as dive scores it"),
    );
  };
  const SHARES = new Set(["min-efficiency", "max-user-wasted", "max-waste-share"]);
  const drawBudget = () => {
    find("budget").hidden = !data.budget.length;
    for (const one of data.budget) {
      const told = SHARES.has(one.limit) ? percent : human;
      const text = `${one.limit}: allowed ${told(one.allowed)}, is ${told(one.actual)}`;
      find("verdicts").append(make("li", { class: one.kept ? "kept" : "broken" }, text));
    }
  };

  // -- layers -------------------------------------------------------------------------------------------------------
  let chosen = null;
  const drawLayers = () => {
    const largest = Math.max(1, ...data.layers.map((layer) => layer.size));
    for (const layer of data.layers) {
      const wasted = make("i");
      wasted.style.width = `${100 * share(layer.waste, layer.size)}%`;
      const bar = make("span", { class: "bar", hue: hue(layer.number) }, wasted);
      bar.style.width = `${100 * share(layer.size, largest)}%`;
      const button = make("button", { "aria-pressed": "false", title: made(layer.number), "data-layer": layer.number },
        make("span", { class: "number dim" }, String(layer.number)),
        make("span", { class: "rail", "aria-hidden": "true" }, bar),
        make("span", { class: "number" }, human(layer.size)),
        make("span", { class: "number dim wasted" }, layer.waste ? `${human(layer.waste)} waste` : ""),
        make("span", { class: "instruction mono" }, made(layer.number)));
      button.addEventListener("click", () => choose(layer.number));
      find("layers").append(make("li", {}, button));
    }
  };
  const choose = (layer) => {
    chosen = chosen === layer ? null : layer;
    for (const button of find("layers").querySelectorAll("button"))
      button.setAttribute("aria-pressed", String(Number(button.dataset.layer) === chosen));
    fade();
  };
  const fade = () => {
    for (const tile of find("map").children)
      tile.classList.toggle("faded", chosen !== null && !tile.node.layers.some(([layer]) => layer === chosen));
  };

  // -- map ----------------------------------------------------------------------------------------------------------
  /** Squarified: rows whose worst tile is as square as it can be. Yields [node, x, y, width, height]. */
  function* squarified(nodes, x, y, width, height) {
    const whole = nodes.reduce((sum, node) => sum + node.size, 0);
    if (!whole || width <= 0 || height <= 0) return;
    const scale = (width * height) / whole;
    let rest = nodes.filter((node) => node.size > 0).sort((a, b) => b.size - a.size);
    while (rest.length) {
      const side = Math.min(width, height);
      const row = [];
      let area = 0, worst = Infinity;
      for (const node of rest) {
        const next = area + node.size * scale;
        const largest = (row.length ? row[0].size : node.size) * scale, smallest = node.size * scale;
        const ratio = Math.max((side * side * largest) / (next * next), (next * next) / (side * side * smallest));
        if (ratio > worst) break;
        row.push(node); area = next; worst = ratio;
      }
      const thick = area / side;
      let at = 0;
      for (const node of row) {
        const long = (node.size * scale) / thick;
        yield width >= height ? [node, x, y + at, thick, long] : [node, x + at, y, long, thick];
        at += long;
      }
      if (width >= height) { x += thick; width -= thick; } else { y += thick; height -= thick; }
      rest = rest.slice(row.length);
    }
  }

  let trail = [data.tree];
  const pathOf = (nodes) => "/" + nodes.slice(1).map((node) => node.name).join("/");
  const mixed = (node) => {
    const [first] = [...node.layers].sort((a, b) => b[1] - a[1]);
    if (node.layers.length < 2) return [first ? hue(first[0]) : 0, "none"];
    let at = 0;
    const stops = node.layers.map(([layer, size]) => {
      const from = at;
      at += 100 * share(size, node.size);
      return `oklch(var(--tile-l) var(--tile-c) ${hue(layer)}) ${from}% ${at}%`;
    });
    return [hue(first[0]), `linear-gradient(100deg, ${stops.join(", ")})`];
  };
  const label = (node) => (node.rest ? `${node.files} smaller` : plain(node.name) + (node.children ? "/" : ""));

  const tile = (nodes, x, y, width, height) => {
    const node = nodes[nodes.length - 1];
    const path = plain(pathOf(node.rest ? nodes.slice(0, -1) : nodes));
    const name = node.rest ? `${node.files} smaller files in ${path}` : path;
    const open = Boolean(node.children) && width > 2.4 * ROOM && height > HEADER + ROOM && nodes.length - trail.length < 7;
    const [colour, mix] = mixed(node);
    const element = make("button", {
      class: `tile${open ? " open" : ""}${node.rest ? " rest" : ""}`, hue: colour, tabindex: "-1",
      "aria-label": `${name}, ${human(node.size)}`, "data-path": name, "data-size": node.size,
    });
    Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
    element.style.setProperty("--mix", mix);
    if (width > ROOM && height > 14) element.append(make("span", {}, open ? `${label(node)}  ${human(node.size)}` : label(node)));
    if (!open && width > 44 && height > 32) element.append(make("span", { class: "dim" }, human(node.size)));
    element.node = node;
    element.nodes = nodes;
    find("map").append(element);
    if (!open) return;
    const inner = squarified(node.children, x + GAP, y + HEADER, width - 2 * GAP, height - HEADER - GAP);
    for (const [child, left, top, wide, high] of inner) tile([...nodes, child], left, top, wide, high);
  };

  const drawMap = () => {
    const map = find("map"), here = trail[trail.length - 1];
    map.replaceChildren();
    const nodes = here.children || [here];
    for (const [node, x, y, width, height] of squarified(nodes, 0, 0, map.clientWidth, map.clientHeight))
      tile(node === here ? trail : [...trail, node], x, y, width, height);
    if (map.firstChild) map.firstChild.tabIndex = 0;
    drawCrumbs();
    fade();
    tell(null);
  };
  const drawCrumbs = () => {
    const crumbs = trail.map((node, at) => {
      const current = at === trail.length - 1 ? "location" : null;
      const button = make("button", { "aria-current": current }, at ? plain(node.name) : "/");
      if (!current) button.addEventListener("click", () => { trail = trail.slice(0, at + 1); drawMap(); });
      return button;
    });
    find("crumbs").replaceChildren(...crumbs.flatMap((crumb, at) => (at > 1 ? ["/", crumb] : [crumb])));
  };
  const tell = (element) => {
    const here = trail[trail.length - 1];
    const node = element ? element.node : here;
    const name = element ? element.dataset.path : plain(pathOf(trail));
    const layers = [...node.layers].sort((a, b) => b[1] - a[1]).slice(0, 3).map(([layer, size]) =>
      make("div", {}, make("span", { class: "chip", hue: hue(layer) }),
        `${human(size)} from layer ${layer}: `, make("code", {}, made(layer).slice(0, 160))));
    find("told").replaceChildren(make("strong", { class: "mono" }, name),
      ` ${human(node.size)}, ${percent(share(node.size, data.tree.size))} of the file system`, ...layers);
  };
  const opened = (element) => {
    const nodes = element.node.children ? element.nodes : element.nodes.slice(0, -1);
    if (nodes.length <= trail.length) return;
    trail = nodes;
    drawMap();
    find("map").firstChild?.focus();
  };
  const up = () => { if (trail.length > 1) { trail = trail.slice(0, -1); drawMap(); find("map").firstChild?.focus(); } };

  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const middle = (box) => [box.left + box.width / 2, box.top + box.height / 2];
  const neighbour = (from, [dx, dy]) => {
    const [x, y] = middle(from.getBoundingClientRect());
    let best = null, least = Infinity;
    for (const other of find("map").children) {
      const [ox, oy] = middle(other.getBoundingClientRect());
      const along = (ox - x) * dx + (oy - y) * dy, aside = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
      const far = along + 3 * aside;
      if (other !== from && along > 1 && far < least) { best = other; least = far; }
    }
    return best;
  };
  const watchMap = () => {
    const map = find("map");
    map.addEventListener("click", (event) => { const at = event.target.closest(".tile"); if (at) opened(at); });
    map.addEventListener("mouseover", (event) => { const at = event.target.closest(".tile"); if (at) tell(at); });
    map.addEventListener("mouseleave", () => tell(null));
    map.addEventListener("focusin", (event) => {
      for (const other of map.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
      event.target.tabIndex = 0;
      tell(event.target);
    });
    map.addEventListener("keydown", (event) => {
      if (event.key === "Backspace" || event.key === "Escape") { event.preventDefault(); up(); }
      const move = MOVES[event.key];
      if (!move) return;
      event.preventDefault();
      neighbour(event.target, move)?.focus();
    });
    let width = map.clientWidth;
    addEventListener("resize", () => { if (map.clientWidth !== width) { width = map.clientWidth; drawMap(); } });
  };

  // -- waste --------------------------------------------------------------------------------------------------------
  const from = (layer, text) => make("div", {}, make("span", { class: "chip", hue: hue(layer) }),
    make("code", {}, plain(text || "(history does not say)")));
  const fileRow = (one) => {
    const more = [one.also && ` (${one.also})`, one.like && ` = ${plain(one.like)}`].filter(Boolean).join("");
    return make("li", {}, make("code", {}, plain(one.path) + more), make("span", { class: "number dim" }, human(one.size)));
  };
  const files = (waste) => {
    const rows = waste.findings.slice(0, LISTED).map(fileRow);
    if (waste.files > rows.length) rows.push(make("li", { class: "dim" }, `and ${waste.files - rows.length} more`));
    return make("details", {}, make("summary", {}, counted(waste.files, "file")), make("ul", { class: "files" }, ...rows));
  };
  const wasteRow = (waste) => {
    const instruction = make("td", {}, from(waste.layer, waste.instruction));
    if (waste.cause !== null && waste.cause !== waste.layer)
      instruction.append(make("div", { class: "dim" }, `hidden by layer ${waste.cause}:`), from(waste.cause, waste.caused_by));
    return make("tr", { "data-size": waste.size },
      make("td", { class: "number" }, human(waste.size)),
      make("td", {}, waste.title, make("br"), make("span", { class: `sort ${waste.sort}` }, waste.sort)),
      make("td", { class: "number" }, String(waste.layer)), instruction,
      make("td", {}, files(waste), make("p", { class: "advice dim" }, waste.advice)));
  };
  const drawWaste = (wastes) => find("wastes").tBodies[0].replaceChildren(...wastes.map(wasteRow));
  const sortBy = (button) => {
    const heading = button.parentElement, key = button.dataset.key;
    const down = heading.getAttribute("aria-sort") !== "descending";
    for (const other of heading.parentElement.children) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const sign = down ? -1 : 1;
    drawWaste([...data.waste].sort((a, b) => sign * (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0)));
  };
  const drawWastes = () => {
    find("no-waste").hidden = data.waste.length > 0;
    find("wastes").hidden = !data.waste.length;
    drawWaste(data.waste);
    for (const button of find("wastes").querySelectorAll("th button")) button.addEventListener("click", () => sortBy(button));
  };

  const drawPackages = () => {
    find("packages").hidden = !data.packages.length;
    for (const one of data.packages.slice(0, LISTED))
      find("package-list").append(make("li", {}, make("code", {}, plain(one.name)), make("span", { class: "number" }, human(one.size))));
  };

  drawHead();
  drawBudget();
  drawLayers();
  watchMap();
  drawMap();
  drawWastes();
  drawPackages();
})();
