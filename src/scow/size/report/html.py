"""An analysis as one page that needs nothing else: no network, works from a file, in light and dark, by keyboard. Pure.

The page's template, style and script lie beside this module; they are the only code in it. The analysis is a JSON block
in which no character can end a script, names become text nodes, and a policy in the page lets no other script run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

from scow.size.analysis import Analysis
from scow.size.budget import Verdict
from scow.size.report.document import document

#: What a page lists of one group of waste, the largest files first.
_LISTED: Final = 60
_ESCAPES: Final = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_HTML: Final = {ord("<"): "&lt;", ord(">"): "&gt;", ord("&"): "&amp;", ord('"'): "&quot;"}


def report(analysis: Analysis, verdicts: Sequence[Verdict]) -> str:
    """The page."""
    script = _part("page.js")
    fields = {
        "TITLE": f"{analysis.name}: where the bytes went".translate(_HTML),
        "STYLE": _part("page.css"),
        "SCRIPT_HASH": "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "SCRIPT": script,
        "DATA": _data(_shortened(document(analysis, verdicts))),
    }
    return _filled(_part("page.html"), fields)


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
