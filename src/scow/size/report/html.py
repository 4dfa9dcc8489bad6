"""An analysis, or a comparison, as one page that needs nothing else: no network, works from a file, in light and dark,
by keyboard. Pure.

The page's template, style and script lie beside this module; they are the only code in it. The analysis is a JSON block
in which no character can end a script, names become text nodes, and a policy in the page lets no other script run. A
comparison's page has no script at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any, Final

from scow.errors import printable
from scow.size.analysis import Analysis
from scow.size.budget import Verdict
from scow.size.compare import Comparison
from scow.size.report.document import document
from scow.size.report.text import Human, counted, path, signed

#: What a page lists of one group of waste, the largest files first.
_LISTED: Final = 60
#: What a page lists of the changed paths.
_CHANGES: Final = 2000
_ESCAPES: Final = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def report(analysis: Analysis, verdicts: Sequence[Verdict]) -> str:
    """The page."""
    script = _part("page.js")
    fields = {
        "TITLE": escape(f"{analysis.name}: where the bytes went"),
        "STYLE": _part("page.css"),
        "SCRIPT_HASH": "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "SCRIPT": script,
        "DATA": _data(_shortened(document(analysis, verdicts))),
    }
    return _filled(_part("page.html"), fields)


def comparison(found: Comparison, human: Human) -> str:
    """The page of what is different in the second image."""
    delta, more = found.after - found.before, len(found.changes) - _CHANGES
    facts = (
        ("Difference", signed(delta, human), counted(len(found.changes), "path") + " changed"),
        ("Before", human(found.before), counted(found.layers[0], "layer")),
        ("After", human(found.after), f"{counted(found.layers[1], 'layer')}, {found.shared} in common"),
    )
    changes = (
        (signed(one.after - one.before, human), path(one.path), ", ".join(one.what)) for one in found.largest(_CHANGES)
    )
    fields = {
        "TITLE": escape(f"{printable(found.b)} against {printable(found.a)}"),
        "STYLE": _part("page.css"),
        "FACTS": "".join(
            f"<div><dt>{name}</dt><dd>{value} <small>{about}</small></dd></div>" for name, value, about in facts
        ),
        "GROWTH": _rows((signed(one.size, human), path(one.path)) for one in found.growth),
        "CHANGES": _rows(changes),
        "MORE": f"and {more} more" if more > 0 else "",
    }
    return _filled(_part("compare.html"), fields)


def _rows(rows: Iterable[Sequence[str]]) -> str:
    """Table rows: a number, a path, and perhaps more."""
    return "".join(
        f'<tr><td class="number">{size}</td><td class="mono">{escape(name)}</td>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for size, name, *cells in rows
    )


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _filled(template: str, fields: Mapping[str, str]) -> str:
    """The template with each ``@NAME@`` filled in, once: what was filled in is not looked at again."""
    parts = template.split("@")
    return "".join(fields[part] if at % 2 else part for at, part in enumerate(parts))


def _data(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)


def _shortened(told: dict[str, Any]) -> dict[str, Any]:
    waste = [{**one, "findings": one["findings"][:_LISTED]} for one in told["waste"]]
    return {**told, "waste": waste}
