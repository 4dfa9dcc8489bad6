"""The HTML report in a real browser: it draws what the JSON says, is silent, and asks nobody."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.size.planted import entry, planted, stacked
from tests.size.test_reports import HOSTILE, INSTRUCTION
from tests.support.chromium import Visit, visit

from scow.size.analysis import Analysis
from scow.size.analyzing import analyze
from scow.size.report import html
from scow.size.report.document import document

peers = pytest.mark.peers


def whole() -> Analysis:
    """Planted waste, hostile names, and enough directories to open."""
    layers, _ = planted()
    layers[1] += [entry(f"usr/lib/x/{at}", 40_000 + at) for at in range(60)]
    layers[2] += [entry(path, 70_000 + at) for at, path in enumerate(HOSTILE)]
    made_by = ["ADD / /", INSTRUCTION, "COPY . .", "RUN make", "RUN chmod"]
    return analyze(stacked(*layers, instructions=made_by), name="</title><script>alert(1)</script>")


def block(page: str) -> dict[str, Any]:
    """The JSON in the page."""
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert match
    found: dict[str, Any] = json.loads(match[1])
    return found


def test_nothing_in_an_image_is_more_than_text_in_the_page() -> None:
    page = html.report(whole(), ())
    assert len(re.findall(r"<script", page)) == len(re.findall(r"</script>", page)) == 2
    assert "alert(1)" in page
    assert "<title>&lt;/title&gt;" in page
    assert block(page)["name"] == "</title><script>alert(1)</script>"
    assert "@" not in re.sub(r"<script type.*", "", page.split("<style>")[0])  # every part was filled in


def test_a_page_lists_no_more_than_can_be_read() -> None:
    analysis = analyze(stacked([entry(f"tmp/{at}", 1 + at) for at in range(100)]))
    (waste,) = block(html.report(analysis, ()))["waste"]
    assert (waste["files"], len(waste["findings"]), waste["findings"][0]["size"]) == (100, 60, 100)


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Visit:
    scratch = tmp_path_factory.mktemp("page")
    (scratch / "report.html").write_text(html.report(whole(), ()), encoding="utf-8")
    return visit(scratch / "report.html", scratch)


@peers
def test_it_is_silent_and_asks_nobody(visited: Visit) -> None:
    assert visited.console == []
    assert visited.requests == []


@peers
def test_the_map_has_the_numbers_of_the_json(visited: Visit) -> None:
    told = document(whole())
    tiles = {
        one.attributes["data-path"]: int(one.attributes["data-size"])
        for one in visited.elements
        if "data-path" in one.attributes
    }
    expected = dict(paths(told["tree"], ""))
    assert tiles.items() <= expected.items()
    top = [f"/{child['name']}" for child in told["tree"]["children"] if not child.get("rest")]
    assert set(top) <= set(tiles)
    assert sum(tiles[path] for path in top) + rest(told["tree"]) == told["visible"] == told["tree"]["size"]
    assert "/usr/lib/x/59" in tiles  # directories are opened on the map
    wastes = [
        int(one.attributes["data-size"])
        for one in visited.elements
        if one.name == "tr" and "data-size" in one.attributes
    ]
    assert wastes == [one["size"] for one in told["waste"]]
    layers = [one.attributes["data-layer"] for one in visited.elements if "data-layer" in one.attributes]
    assert layers == [str(layer["number"]) for layer in told["layers"]]


def rest(node: dict[str, Any]) -> int:
    return sum(child["size"] for child in node["children"] if child.get("rest"))


def paths(node: dict[str, Any], at: str) -> list[tuple[str, int]]:
    """(what a tile is called, size) of everything in the tree."""
    found = []
    for child in node.get("children", ()):
        name = f"{child['files']} smaller files in {at or '/'}" if child.get("rest") else f"{at}/{plain(child['name'])}"
        found += [(name, child["size"]), *paths(child, name)]
    return found


def plain(name: str) -> str:
    odd = r"[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
    return re.sub(odd, lambda match: f"\\x{ord(match[0]):02x}", name)


@peers
def test_it_can_be_used_by_keyboard(tmp_path: Path) -> None:
    """One tile is in the tab order; arrows move to others, Enter opens a directory, Backspace goes up again."""
    page = html.report(whole(), ())
    steps = """
      addEventListener("load", () => {
        const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
        const said = [];
        const map = document.getElementById("map");
        said.push(map.querySelectorAll('[tabindex="0"]').length);
        map.querySelector('[tabindex="0"]').focus();
        const first = document.activeElement.dataset.path;
        press("ArrowRight");
        said.push(document.activeElement.dataset.path !== first, map.querySelectorAll('[tabindex="0"]').length);
        map.querySelector('[data-path="/usr"]').click();
        said.push(document.getElementById("crumbs").textContent);
        press("Backspace");
        said.push(document.getElementById("crumbs").textContent);
        document.querySelector("#layers button").click();
        said.push(map.querySelectorAll(".faded").length > 0);
        document.querySelector('th button[data-key="layer"]').click();
        const rows = [...document.querySelectorAll("#wastes tbody tr")];
        const layers = rows.map((row) => Number(row.cells[2].textContent));
        said.push(layers.every((layer, at) => !at || layers[at - 1] >= layer));
        document.body.dataset.said = JSON.stringify(said);
      });
    """
    policy = re.sub(r"script-src '[^']+'", "script-src 'unsafe-inline'", page)
    (tmp_path / "keys.html").write_text(policy.replace("</body>", f"<script>{steps}</script></body>"), encoding="utf-8")
    seen = visit(tmp_path / "keys.html", tmp_path)
    assert seen.console == []
    (body,) = [one for one in seen.elements if one.name == "body"]
    assert json.loads(body.attributes["data-said"]) == [1, True, 1, "/usr", "/", True, True]


@peers
def test_another_script_does_not_run(tmp_path: Path) -> None:
    page = html.report(whole(), ()).replace("</body>", "<script>document.title = 'taken'</script></body>")
    (tmp_path / "taken.html").write_text(page, encoding="utf-8")
    seen = visit(tmp_path / "taken.html", tmp_path)
    assert "<title>taken" not in seen.dom
    assert any("Content Security Policy" in line for line in seen.console)
