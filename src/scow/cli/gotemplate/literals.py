r"""Constants in a template: Go's interpreted strings, characters and numbers (Go specification, "Lexical elements").

::

    escape = \a \b \f \n \r \t \v \\ \" \' | \ooo | \xhh | \uhhhh | \Uhhhhhhhh
"""

from __future__ import annotations

import re

from scow.errors import Invalid

_SIMPLE = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92}
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\\"'])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")
_INTEGER = re.compile(r"[+-]?(0[xX](_?[0-9a-fA-F])+|0[oO](_?[0-7])+|0[bB](_?[01])+|0(_?[0-7])*|[1-9](_?[0-9])*)\Z")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_LONGEST = 400


def unquote(text: str) -> str:
    r"""The value of ``"interpreted"`` or ```raw``` text, quotes included. Bytes that are not UTF-8 become U+FFFD."""
    if text[0] == "`":
        return text[1:-1].replace("\r", "")
    return _unescape(text[1:-1], quote='"')


def character(text: str) -> int:
    """The code point of ``'x'``."""
    inner = text[1:-1]
    if not inner:
        raise Invalid("invalid syntax")
    value = _unescape(inner, quote="'")
    if len(value) != 1:
        raise Invalid(f"malformed character constant: {text}")
    return ord(value)


def number(text: str) -> int | float:
    """An integer of 64 bits, or a float when the text has a point or an exponent."""
    if len(text) > _LONGEST:
        raise Invalid(f'illegal number syntax: "{text[:20]}…"')
    if _INTEGER.match(text):
        return _integer(text)
    if _FLOAT.match(text):
        value = float(text)
        if not any(mark in text for mark in ".eE"):
            raise Invalid(f'integer overflow: "{text}"')
        if value in (float("inf"), float("-inf")):
            raise Invalid(f'illegal number syntax: "{text}"')
        return value
    raise Invalid(f'illegal number syntax: "{text}"')


def _integer(text: str) -> int:
    digits = text.replace("_", "").lower().lstrip("+-")
    octal = len(digits) > 1 and digits.isdigit() and digits[0] == "0"
    value = int(digits, 8) if octal else int(digits, 0)
    value = -value if text[0] == "-" else value
    if not -(1 << 63) <= value < 1 << 64:
        raise Invalid(f'integer overflow: "{text}"')
    if value >= 1 << 63:
        raise Invalid(f"{text} overflows int")
    return value


def _unescape(inner: str, quote: str) -> str:
    if "\\" not in inner:
        return inner
    out = bytearray()
    at = 0
    while at < len(inner):
        if inner[at] != "\\":
            out += inner[at].encode("utf-8", "surrogatepass")
            at += 1
            continue
        found = _ESCAPE.match(inner, at)
        if not found:
            raise Invalid("invalid syntax")
        out += _escape_bytes(found, quote)
        at = found.end()
    return out.decode("utf-8", "replace")


def _escape_bytes(found: re.Match[str], quote: str) -> bytes:
    simple, octal, two, four, eight = found.groups()
    if simple in ('"', "'"):
        if simple != quote:
            raise Invalid("invalid syntax")
        return simple.encode()
    if simple:
        return bytes([_SIMPLE[simple]])
    if octal or two:
        value = int(octal, 8) if octal else int(two, 16)
        if value > 0xFF:
            raise Invalid("invalid syntax")
        return chr(value).encode() if quote == "'" else bytes([value])
    code = int(four or eight, 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise Invalid("invalid syntax")
    return chr(code).encode()
