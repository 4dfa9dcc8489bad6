"""The screen as lines: layers and what is known of one thing at the left, files at the right. Where the terminal is
narrow, layers stand above files. Only lines that are seen are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from scow.cli.sizes.explorer.line import Line, Piece, fitted, styled, wrapped
from scow.cli.sizes.explorer.screen import Screen
from scow.cli.units import human_size
from scow.errors import printable
from scow.size.browse import Mark, Node, Row
from scow.size.report.text import bar, path, shortened
from scow.size.tree import text

_KEYS: Final = "tab layers/files  enter open  / filter  c changes  s size/name  w waste  q quit"
_LOOKING: Final = "arrows scroll  q back"
_NARROW: Final = 72
_LEFT: Final = 42
_ABOUT: Final = 14
_BAR: Final = 8
_SIGNS: Final[dict[Mark, Piece]] = {
    "": (" ", ""), "added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red strike"),
    "within": ("·", ""),
}  # fmt: skip


def frame(screen: Screen, width: int, height: int) -> list[Line]:
    """Exactly ``height`` lines of ``width`` cells."""
    rows = max(0, height - 1)
    if screen.look is not None:
        body = _column([[(screen.look.title, "bold")]], screen.look.lines(rows - 1), width, rows)
        footer = _LOOKING
    else:
        body = _stacked(screen, width, rows) if width < _NARROW else _beside(screen, width, rows)
        footer = screen.notice or _KEYS
    if screen.asked is not None:
        footer = f"/{screen.asked}▏"
    style = "dim" if footer in (_KEYS, _LOOKING) else "reverse"
    return [*body, fitted([(footer, style)], width)]


def _beside(screen: Screen, width: int, height: int) -> list[Line]:
    left = min(_LEFT, width * 2 // 5)
    about = min(_ABOUT, height // 2)
    layers = height - about
    lines = [
        *_column(_layers_title(screen), _layers(screen, layers - 1), left, layers),
        *_column([[("About", "bold")]], _about(screen, left), left, about),
    ]
    files = _column(_files_title(screen), _files(screen, height - 1), width - left - 3, height)
    return [[*one, (" │ ", "dim"), *other] for one, other in zip(lines, files, strict=True)]


def _stacked(screen: Screen, width: int, height: int) -> list[Line]:
    layers = min(len(screen.exploration.layers) + 1, height // 3)
    files = height - layers
    return [
        *_column(_layers_title(screen), _layers(screen, layers - 1), width, layers),
        *_column(_files_title(screen), _files(screen, files - 1), width, files),
    ]


def _column(title: Iterable[Line], lines: Iterable[Line], width: int, height: int) -> list[Line]:
    """A title and lines below it, in exactly this much room."""
    chosen = list(islice((*title, *lines), max(0, height)))
    return [fitted(line, width) for line in (*chosen, *[()] * (height - len(chosen)))]


def _layers_title(screen: Screen) -> list[Line]:
    return [[("Layers", "bold underline" if screen.focus == "layers" else "bold")]]


def _files_title(screen: Screen) -> list[Line]:
    listing = screen.listing
    told = [f"after layer {listing.layer}"] if screen.exploration.layers else ["has no layers"]
    told += ["changes only"] * listing.changes + [f"filter: {screen.wanted}"] * bool(screen.wanted)
    style = "bold underline" if screen.focus == "files" else "bold"
    return [[(printable(screen.exploration.name), style), ("  " + ", ".join(told), "dim")]]


def _layers(screen: Screen, height: int) -> Iterator[Line]:
    layers = screen.exploration.layers
    largest = max((one.size for one in layers), default=0) or 1
    for at in screen.layers.shown(len(layers), height):
        layer = layers[at]
        made_by = shortened(layer.instruction or "?", 120)
        line = [(f"{at:>2} {human_size(layer.size):>7} {bar(layer.size / largest, _BAR)} {made_by}", "")]
        yield _marked(line, screen.focus == "layers") if at == screen.layers.at else line


def _files(screen: Screen, height: int) -> Iterator[Line]:
    rows = screen.listing.rows
    for at in screen.files.shown(len(rows), height):
        line = _row(screen, rows[at])
        yield _marked(line, screen.focus == "files") if at == screen.files.at else line


def _marked(line: Line, focused: bool) -> Line:
    return styled(line, "reverse" if focused else "bold")


def _row(screen: Screen, row: Row) -> Line:
    node, layer = row.node, screen.listing.layer
    sign, style = _SIGNS[node.mark(layer)]
    entry = node.at(layer) or node.at(layer - 1)
    fold = " "
    if entry is not None and entry.kind == "dir":
        fold = "▾" if node in screen.listing.open else "▸"
    name = printable(text(node.name))
    if entry is not None and entry.kind == "symlink":
        name += " → " + printable(text(entry.link))
    size = node.size(layer) or (-node.deltas.get(layer, 0) if sign == "-" else 0)
    return [
        (f" {sign} ", style),
        (f"{human_size(size) if size else '':>8} ", "dim"),
        ("  " * row.depth + fold + " ", ""),
        (name, style),
    ]


def _about(screen: Screen, width: int) -> Iterator[Line]:
    """The layer's instruction, and what the cursor stands on."""
    layers, node = screen.exploration.layers, screen.node
    lines = [shortened(layers[screen.listing.layer].instruction, 3 * width), ""] if layers else []
    if node is not None:
        lines += [path(node.path), *_facts(screen, node)]
    for line in (*lines, "", *screen.about.splitlines()):
        for part in wrapped(line, width):
            yield [(part, "")]


def _facts(screen: Screen, node: Node) -> Iterator[str]:
    layer = screen.listing.layer
    entry, mark = node.at(layer), node.mark(layer)
    yield f"{human_size(node.size(layer))}  {mark if mark != 'within' else 'changed within'}"
    if entry is not None:
        yield f"{entry.kind} {entry.mode:04o} {entry.uid}:{entry.gid}"
    yield "layers " + ", ".join(f"{'-' if there is None else '+'}{number}" for number, there in node.events)
