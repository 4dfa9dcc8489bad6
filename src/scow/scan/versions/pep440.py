"""PURE. Python's order (PEP 440, appendix B and "Summary of permitted suffixes and relative ordering").

What PEP 440 does not take was ordered by setuptools, and old releases carry such versions: they are older than all
others, among themselves in setuptools' order.
"""

from __future__ import annotations

import re

from scow.errors import Invalid

_VERSION = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?P<pre_n>\d*))?"
    r"(?P<post>-(?P<post_n1>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_n2>\d*))?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_n>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\Z",
    re.ASCII,
)
_PRE = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
_FIRST: tuple[int, ...] = (-1,)
_LAST: tuple[int, ...] = (1,)
_BEHIND_LOCALS: tuple[tuple[int, int, str], ...] = ((2, 0, ""),)
_OLD_PIECE = re.compile(r"(\d+|[a-z]+|\.|-)")
_OLD_NAMES = {"pre": "c", "preview": "c", "-": "final-", "rc": "c", "dev": "@"}


def key(text: str) -> tuple[object, ...]:
    """The place of ``text`` in the order."""
    lowered = text.strip().lower()
    found = _VERSION.match(lowered)
    if found is not None:
        return _key(found)
    if not lowered.isascii() or not lowered.isprintable() or not any(map(str.isalnum, lowered)):
        raise Invalid("not a Python version", subject=text)
    return -1, _old_key(lowered)


def _key(found: re.Match[str]) -> tuple[object, ...]:
    release = [int(number) for number in found["release"].split(".")]
    while release and not release[-1]:
        release.pop()
    pre, post, dev = found["pre"], found["post"], found["dev"]
    return (
        int(found["epoch"] or 0),
        tuple(release),
        (0, _PRE.get(pre, pre), int(found["pre_n"] or 0)) if pre else _FIRST if dev and not post else _LAST,
        int(found["post_n1"] or found["post_n2"] or 0) if post else -1,
        (0, int(found["dev_n"] or 0)) if dev else _LAST,
        _local(found["local"]),
    )


def behind_locals(place: tuple[object, ...]) -> tuple[object, ...]:
    """The place behind all local versions of a public one ("Version matching"); a local one's own."""
    return (*place[:-1], _BEHIND_LOCALS) if place[-1] == () else place


def _local(text: str | None) -> tuple[tuple[int, int, str], ...]:
    """Numbers are younger than words; no local version is older than any."""
    pieces = re.split(r"[-_.]", text) if text else ()
    return tuple((1, int(piece), "") if piece.isdigit() else (0, 0, piece) for piece in pieces)


def _old_key(lowered: str) -> tuple[str, ...]:
    parts: list[str] = []
    for piece in filter(lambda one: one != ".", _OLD_PIECE.findall(lowered)):
        part = _OLD_NAMES.get(piece, piece)
        part = part.zfill(8) if part.isdigit() else f"*{part}"
        if part < "*final":
            while parts and parts[-1] == "*final-":
                parts.pop()
        while part.startswith("*") and parts and parts[-1] == "00000000":
            parts.pop()
        parts.append(part)
    return (*parts, "*final")
