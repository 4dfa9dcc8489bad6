"""Text as Go quotes it (``%q``), in an image's history and in messages and templates of docker's; and as Markdown has
it, in reports. Pure."""

from __future__ import annotations

from typing import Final

_ESCAPES: Final = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v", 92: "\\\\"}

_MARKDOWN: Final = {ord(mark): f"\\{mark}" for mark in "\\`*_{}[]()#+!|~$^-"} | {
    ord("<"): "&lt;", ord(">"): "&gt;", ord("&"): "&amp;", ord("@"): "&#64;",
}  # fmt: skip


def quote(text: str, mark: str = '"', ascii_only: bool = False) -> str:
    """Go's quoted form: what cannot be printed is escaped."""
    return mark + "".join(_quoted(char, mark, ascii_only) for char in text) + mark


def _quoted(char: str, mark: str, ascii_only: bool) -> str:
    code = ord(char)
    if char == mark:
        return "\\" + char
    if code in _ESCAPES:
        return _ESCAPES[code]
    if char.isprintable() and (code < 128 or not ascii_only):
        return char
    if code < 32 or code == 127:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def markdown(text: str) -> str:
    """Text that Markdown (GitHub's, too), and the HTML in it, shows as it is: no markup, no link, no mention."""
    return text.translate(_MARKDOWN).replace("://", ":&#47;&#47;").replace("www.", "www&#46;")
