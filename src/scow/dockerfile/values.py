"""Small values as Go's tools read them: booleans, sizes, numbers, and the fields of one line of CSV."""

from __future__ import annotations

import re

from scow.dockerfile.truths import TRUTHS
from scow.errors import Invalid

_SIZE = re.compile(r"([0-9]{1,20}|(?=\.[0-9]))(?:\.([0-9]{0,20}))? ?(?:([kmgtp])(?:i?b)?|b)?", re.ASCII | re.IGNORECASE)


def boolean(text: str) -> bool | None:
    """strconv.ParseBool; None where the text is no boolean."""
    return TRUTHS.get(text)


def size(text: str) -> int | None:
    """Bytes in ``"64m"``, ``"1.5 GiB"``, ``"1024"``; None where the text is no size."""
    found = _SIZE.fullmatch(text)
    if found is None:
        return None
    unit: int = 1024 ** " kmgtp".index((found[3] or " ").lower())
    fraction = found[2] or "0"
    scale: int = 10 ** len(fraction)
    return int(found[1] or "0") * unit + int(fraction) * unit // scale


def number(text: str, base: int) -> int | None:
    """An unsigned number of 32 bits, digits only; None otherwise."""
    digits = "0123456789"[:base]
    if not text or len(text) > 32 or text.strip(digits):
        return None
    value = int(text, base)
    return value if value < 1 << 32 else None


def csv(text: str) -> list[tuple[str, int, int]]:
    """The fields of one line of CSV (RFC 4180): value, and where it starts and ends in ``text``."""
    fields: list[tuple[str, int, int]] = []
    at = 0
    while True:
        if text.startswith('"', at):
            value, end = _quoted(text, at)
        else:
            end = text.find(",", at)
            end = len(text) if end < 0 else end
            value = text[at:end]
            if '"' in value:
                raise Invalid('bare " in non-quoted field')
        fields.append((value, at, end))
        if end == len(text):
            return fields
        at = end + 1


def _quoted(text: str, at: int) -> tuple[str, int]:
    end = at + 1
    while True:
        end = text.find('"', end)
        if end < 0:
            raise Invalid('extraneous or missing " in quoted-field')
        if not text.startswith('""', end):
            break
        end += 2
    if text[end + 1 : end + 2] not in {"", ","}:
        raise Invalid('extraneous or missing " in quoted-field')
    return text[at + 1 : end].replace('""', '"'), end + 1
