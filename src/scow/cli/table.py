"""PURE. Rows as docker's ``--format`` shows them: a table, a template for each row, JSON lines, or bare ids.

A column is ``(header, field)``: ``("IMAGE ID", "ID")``. A row maps every field a template may name to its text (or to a
:class:`~scow.cli.gotemplate.values.Function` such as :func:`labelled`). The template engine is imported when there is a
template: a plain table needs none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scow.cli.units import width
from scow.errors import printable

if TYPE_CHECKING:
    from scow.cli.gotemplate.values import Function

Row = Mapping[str, Any]
Columns = Sequence[tuple[str, str]]
_NARROWEST = 10
_GAP = 3
#: what C0, DEL and C1 are shown as in a cell
_BLANK = dict.fromkeys((*range(32), *range(127, 160)), " ")


def render(
    rows: Iterable[Row],
    columns: Columns,
    format: str = "table",  # noqa: A002  (the flag's name)
    *,
    quiet: bool = False,
    no_headers: bool = False,
    headers: Mapping[str, str] | None = None,
    key: str = "ID",
) -> str:
    """Everything to print, with its last newline.

    ``format`` is ``table``, ``table TEMPLATE``, ``json`` or ``TEMPLATE``; empty means ``table``. ``columns`` are those
    of the plain table; ``headers`` names further fields (``{"CreatedAt": "CREATED AT"}``) for ``table TEMPLATE``. With
    ``quiet`` a table is the field ``key`` of each row.
    """
    if quiet and (not format or format.startswith("table")):
        return "".join(f"{row[key]}\n" for row in rows)
    if format in ("", "table"):
        lines = [] if no_headers else ["\t".join(header for header, _ in columns)]
        lines += ["\t".join(_cell(row[field]) for _, field in columns) for row in rows]
        return align("".join(line + "\n" for line in lines))
    names = None if no_headers else {**{field: header for header, field in columns}, **(headers or {})}
    return _templated(rows, format, names)


def _cell(value: Any) -> str:
    """One line, and nothing that speaks to a terminal: the text may come from somebody else's image."""
    text = str(value)
    return text if text.isascii() and text.isprintable() else printable(text.translate(_BLANK))


def _templated(rows: Iterable[Row], format: str, names: Mapping[str, str] | None) -> str:  # noqa: A002
    """The rows under a template; above a table, its header, made by the same template from ``names``."""
    from scow.cli.gotemplate import template as gotemplate

    table = format.startswith("table")
    template = _unquoted(format.removeprefix("table"))
    compiled = gotemplate.compile("{{json .}}" if format == "json" else template)
    lines = "".join(compiled.render(dict(sorted(row.items()))) + "\n" for row in rows)
    if table and names is not None:
        header = {"Label": _function(("string",), label_header), **names}
        lines = compiled.render(header, _header_functions()) + "\n" + lines
    return align(lines) if table else lines


def _unquoted(template: str) -> str:
    """The shell leaves ``\\t`` and ``\\n`` as two characters each."""
    return template.strip(" ").replace("\\t", "\t").replace("\\n", "\n")


def labelled(labels: Mapping[str, str]) -> Function:
    """The value of a row's ``Label``: ``{{.Label "name"}}`` is that label, or nothing."""
    return _function(("string",), lambda name: labels.get(name, ""))


def label_header(name: str) -> str:
    """The header of ``{{.Label "com.example.build-date"}}``: ``build date``."""
    return name.rpartition(".")[2].replace("-", " ").replace("_", " ")


def _function(wants: tuple[str, ...], call: Callable[..., str]) -> Function:
    from scow.cli.gotemplate.values import Function

    return Function(wants, call)


def _header_functions() -> dict[str, Function]:
    """A header stays as it is, whatever the template does to the values below it."""
    wants = {
        **dict.fromkeys(("json", "title", "lower", "upper"), ("string",)),
        **dict.fromkeys(("split", "join"), ("string", "string")),
        "truncate": ("string", "int"),
    }
    return {name: _function(types, lambda text, *_: text) for name, types in wants.items()}


def align(text: str) -> str:
    """Lines whose cells end in tabs -> columns, as Go's ``text/tabwriter`` lays them out.

    A column is a block of consecutive lines that have that cell; it is as wide as its widest cell and 3 spaces, at
    least 10. What follows the last tab of a line is in no column.
    """
    lines = [line.split("\t") for line in text.split("\n")]
    _pad_columns(lines)
    return "\n".join("".join(cells) for cells in lines)


def _pad_columns(lines: list[list[str]]) -> None:
    for column in range(max(map(len, lines)) - 1):
        block: list[list[str]] = []
        for line in [*lines, []]:
            if len(line) - 1 > column:
                block.append(line)
                continue
            _pad_block(block, column)
            block = []


def _pad_block(block: list[list[str]], column: int) -> None:
    if block:
        wide = max(_NARROWEST, *(width(line[column]) + _GAP for line in block))
        for line in block:
            line[column] += " " * (wide - width(line[column]))
