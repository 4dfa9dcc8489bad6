"""Following symlinks beneath a root, as the kernel does in a chroot. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from scow.errors import Invalid
from scow.layer.entry import shown

_HOPS: Final = 40  # the kernel's own limit


def follow(path: bytes, link_at: Callable[[bytes], bytes | None], *, last: bool = True) -> bytes:
    """``path`` with its symlinks followed: clean, relative to the root, which ``..`` never leaves.

    ``link_at`` gives the target of the symlink at a path, ``None`` where there is none (or nothing). ``last``: the
    final component is followed too. Raises :class:`Invalid` for a loop.
    """
    todo = _parts(path)
    at, hops = b"", 0
    while todo:
        name = todo.pop()
        if name == b"..":
            at = at.rpartition(b"/")[0]
            continue
        here = at + b"/" + name if at else name
        target = link_at(here) if todo or last else None
        if target is None:
            at = here
            continue
        hops += 1
        if hops > _HOPS:
            raise Invalid("too many levels of symbolic links", subject=shown(path))
        todo += _parts(target)
        if target.startswith(b"/"):
            at = b""
    return at


def _parts(path: bytes) -> list[bytes]:
    """The components that say something, the last one first."""
    return [part for part in path.split(b"/") if part not in (b"", b".")][::-1]
