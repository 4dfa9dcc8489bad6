"""PURE. Composer packages (Packagist) in the order of PHP's ``version_compare``.

Unknown words < dev < alpha < beta < RC < the end < any number < pl. A word is known by how it begins, and case counts.
PHP holds a ``#`` equal to every number, which no order can; here it is the end.
"""

from __future__ import annotations

import re

from scow.errors import Invalid

_PIECE = re.compile(r"\d+|[A-Za-z]+|#", re.ASCII)
#: ``dev-main``, ``1.2.x-dev``: what a branch was when it was installed
_BRANCH = re.compile(r"dev-.|[vV]?(?:\d+\.)*[xX*]-dev\Z", re.ASCII)
_END, _NUMBER = 5, 6
_BEGINNINGS = (("dev", 1), ("a", 2), ("b", 3), ("RC", 4), ("rc", 4), ("#", _END), ("p", 7))


def key(text: str) -> tuple[tuple[int, int], ...]:
    """The place of ``text`` in the order."""
    stripped = text.strip()
    if not stripped.isprintable() or not _PIECE.search(stripped):
        raise Invalid("not a Composer version", subject=text)
    if _BRANCH.match(stripped):
        raise Invalid("a branch, which has no place among versions", subject=text)
    stripped = stripped[1:] if stripped[0] in "vV" and stripped[1:2].isdigit() else stripped
    return (*map(_piece, _PIECE.findall(stripped)), (_END, 0))


def _piece(text: str) -> tuple[int, int]:
    if text.isdigit():
        return _NUMBER, int(text)
    return next((rank for beginning, rank in _BEGINNINGS if text.startswith(beginning)), 0), 0
