"""A stream of bytes as lines of text, each of bounded length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scow.content.target import Reader
from scow.errors import Limit

_LINE_LIMIT: Final = 4096
_CHUNK: Final = 1 << 16


def lines(reader: Reader, subject: str) -> Iterator[str]:
    """The lines that are not empty, without blanks around them. Raises :class:`~scow.errors.Limit`."""
    rest = b""
    while chunk := reader.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace").strip() for line in whole if line.strip())
        if len(rest) > _LINE_LIMIT:
            raise Limit(f"a line is longer than {_LINE_LIMIT} bytes", subject=subject)
    if rest.strip():
        yield rest.decode(errors="replace").strip()
