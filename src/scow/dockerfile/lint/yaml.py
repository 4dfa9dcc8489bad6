"""The YAML that settings are written in, and no more of it: maps and lists of plain and quoted scalars, by indent.

::

    document := [ "---" ] ( key ":" ( scalar | "[" scalar, … "]" | block ) )*
    block    := ( indent "- " scalar )+  |  ( indent key ":" ( scalar | "[" … "]" | block ) )+

Anchors, tags, multi-line scalars, flow maps and tabs are refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scow.errors import Invalid, Limit, Where

#: Settings are never larger, in bytes, or deeper.
LARGEST = 1 << 16
DEEPEST = 4

Value = str | list[str] | dict[str, "Value"]

_KEY = re.compile(r"(?P<key>[A-Za-z0-9_.\-/]+|\"[^\"\\]*\"|'[^']*')\s*:(?:\s+(?P<value>.*))?\Z")
_REFUSED = {
    "&": "anchors", "*": "aliases", "!": "tags", "|": "multi-line scalars", ">": "multi-line scalars", "{": "flow maps",
    "@": "@", "`": "`", "%": "directives", "?": "complex keys",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    indent: int
    text: str
    whole: str


def read(text: bytes, source: str) -> dict[str, Value]:
    """The document's map. Invalid with the line for what is outside the subset, Limit for too much of it."""
    if len(text) > LARGEST:
        raise Limit(f"settings are larger than {LARGEST} bytes", subject=source)
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("settings are not UTF-8", subject=source) from None
    lines = _lines(decoded, source)
    return _Reader(lines, source).map(0, 0) if lines else {}


def _lines(text: str, source: str) -> list[_Line]:
    found: list[_Line] = []
    for number, whole in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = _uncommented(whole.rstrip("\r")).rstrip()
        if not line.strip() or (line == "---" and not found):
            continue
        if "\t" in line[: len(line) - len(line.lstrip())]:
            raise Invalid("tabs do not indent YAML", where=Where(source, number, 1, 1, whole))
        found.append(_Line(number, len(line) - len(line.lstrip()), line.strip(), whole))
    return found


def _uncommented(line: str) -> str:
    quote = ""
    for at, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and (at == 0 or line[at - 1] in " [,:-"):
            quote = char
        elif char == "#" and (at == 0 or line[at - 1] in " \t"):
            return line[:at]
    return line


@dataclass(slots=True)
class _Reader:
    lines: list[_Line]
    source: str
    at: int = 0

    def map(self, indent: int, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while self.at < len(self.lines) and (line := self.lines[self.at]).indent >= indent:
            if line.indent > indent:
                raise self._invalid("this is indented more than what it belongs to", line)
            parts = _KEY.match(line.text)
            if parts is None:
                raise self._invalid("expected KEY: VALUE", line)
            key = self._scalar(parts["key"], line)
            if key in found:
                raise self._invalid(f"{key} is said twice", line)
            self.at += 1
            found[key] = self._flow(parts["value"], line) if parts["value"] else self._block(line, depth)
        return found

    def _block(self, above: _Line, depth: int) -> Value:
        """What is indented below a key; a list may stand as far left as its key."""
        line = self.lines[self.at] if self.at < len(self.lines) else None
        if line is not None and line.text.startswith("-") and line.indent >= above.indent:
            return self._list(line.indent)
        if line is None or line.indent <= above.indent:
            return ""
        if depth >= DEEPEST:
            raise self._invalid(f"settings are deeper than {DEEPEST}", line)
        return self.map(line.indent, depth + 1)

    def _list(self, indent: int) -> list[str]:
        found: list[str] = []
        while self.at < len(self.lines) and (line := self.lines[self.at]).indent == indent:
            if not (line.text == "-" or line.text.startswith("- ")):
                break
            found.append(self._scalar(line.text[1:].strip(), line))
            self.at += 1
        return found

    def _flow(self, text: str, line: _Line) -> Value:
        if not text.startswith("["):
            return self._scalar(text, line)
        if not text.endswith("]"):
            raise self._invalid("a list in brackets ends on its line", line)
        items = text[1:-1].strip().removesuffix(",")
        return [self._scalar(item.strip(), line) for item in items.split(",")] if items else []

    def _scalar(self, text: str, line: _Line) -> str:
        if text[:1] in {'"', "'"}:
            if len(text) < 2 or text[-1] != text[0] or text[0] in text[1:-1] or "\\" in text:
                raise self._invalid("quotes that are more than quotes are not read here", line)
            return text[1:-1]
        if text[:1] in _REFUSED or text[:2] in {"- ", "[ "} or text.startswith("["):
            what = _REFUSED.get(text[:1], "lists in lists")
            raise self._invalid(f"{what}: this part of YAML is not read here", line)
        if ": " in text or text.endswith(":"):
            raise self._invalid("a map within a line is not read here", line)
        return text

    def _invalid(self, problem: str, line: _Line) -> Invalid:
        width = len(line.whole.strip())
        return Invalid(problem, where=Where(self.source, line.number, line.indent + 1, width, line.whole))
