"""Which source paths a pattern of COPY names, over a listing."""

from __future__ import annotations

import re
from typing import Final

from scow.build.listing import Listing, real_path
from scow.dockerfile.ignore import match
from scow.errors import NotFound

_WILD: Final = re.compile(r"(?<!\\)(?:\\\\)*[*?\[]")  # a backslash alone makes no pattern


def is_wild(pattern: str) -> bool:
    """Whether it may name any number of paths."""
    return _WILD.search(pattern) is not None


def matches(listing: Listing, pattern: str, *, follow: bool) -> list[bytes]:
    """The source paths that a pattern names. ``follow``: links above the pattern's first wildcard are followed.

    Without, ``**`` is any number of directories (``--parents``); with, it is a ``*`` as any other.
    """
    parts = [part for part in pattern.encode("utf-8", "surrogateescape").split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        parts = _without_dotdot(parts)
    if not is_wild(pattern):
        path = b"/".join(parts)
        if listing.find(real_path(listing, path)) is None:
            raise NotFound(f'"/{text(path)}": not found', hint=_near(listing, path))
        return [path]
    wild = next(number for number, part in enumerate(parts) if is_wild(text(part)))
    prefix = b"/".join(parts[:wild])
    if not follow and b"**" in parts:
        return _matches_anywhere(listing, prefix, text(b"/".join(parts)))
    found = [real_path(listing, prefix) if follow else prefix]
    for part in parts[wild:]:  # no link that a pattern matches is followed
        wanted = text(part)
        below = (child for path in found for child in _below(listing, path))
        found = [child for child in below if match(wanted, text(child.rpartition(b"/")[2]))]
    return found


def _matches_anywhere(listing: Listing, top: bytes, pattern: str) -> list[bytes]:
    """What below ``top`` the whole pattern matches; what lies below a match belongs to that."""
    found = []
    todo = _below(listing, top)[::-1]
    while todo:
        path = todo.pop()
        if match(pattern, text(path), globstar=True):
            found.append(path)
        else:
            todo += _below(listing, path)[::-1]
    return found


def _below(listing: Listing, path: bytes) -> list[bytes]:
    entry = listing.find(path)
    return listing.children(path) if entry and entry.kind == "dir" else []


def _near(listing: Listing, path: bytes) -> str:
    from difflib import get_close_matches

    parent, _, name = path.rpartition(b"/")
    names = [text(child.rpartition(b"/")[2]) for child in _below(listing, parent)]
    near = get_close_matches(text(name), names, 1)
    return f"did you mean {near[0]!r}?" if near else "is it in the build context, and not in .dockerignore?"


def pivot(pattern: str) -> int:
    """How many components of a pattern stand before its ``/./``."""
    before, found, _ = pattern.partition("/./")
    parts = [part for part in before.encode().split(b"/") if part not in (b"", b".")] if found else []
    return len(_without_dotdot(parts))


def flat_before_pivot(pattern: str) -> str:
    """The pattern with each ``**`` before its ``/./`` a ``*``, as BuildKit has it: one directory, not any number."""
    before, found, after = pattern.partition("/./")
    return before.replace("**", "*") + found + after if found else pattern


def _without_dotdot(parts: list[bytes]) -> list[bytes]:
    """``..`` never leaves the root of what is copied from."""
    kept: list[bytes] = []
    for part in parts:
        if part != b"..":
            kept.append(part)
        elif kept:
            kept.pop()
    return kept


def text(path: bytes) -> str:
    """A path as text; bytes that are not UTF-8 are kept."""
    return path.decode("utf-8", "surrogateescape")
