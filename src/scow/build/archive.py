"""ADD unpacks archives, recognised by their content: plain tar, or tar in gzip, bzip2, xz or zstd.

The plain tar is spooled to a file, so that each member's bytes can be read when the layer is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from scow.build.parents import Parents
from scow.build.placed import Placed
from scow.errors import ScowError
from scow.layer.compression import detected, inflated
from scow.layer.entry import Entry
from scow.layer.pack import Content, Item
from scow.layer.stream import BLOCK, Reader
from scow.layer.tar import members

_CHUNK: Final = 1 << 20


def unpacker(scratch: Path, latest: int | None) -> Callable[[Content], Iterator[Item] | None]:
    """A function from a file's content to its members; spools go to ``scratch``, an existing directory. ``latest`` is
    the ceiling of their times in nanoseconds, where there is one."""

    def unpack(content: Content) -> Iterator[Item] | None:
        if isinstance(content, bytes):
            return None
        with os.fdopen(content(), "rb") as file:
            try:
                reader = inflated(*detected(file))
                head = _head(reader)
            except ScowError:
                return None
            if not _is_tar(head):
                return None
            spool = scratch / f"add-{os.urandom(8).hex()}"
            with spool.open("xb") as out:
                out.write(head)
                while chunk := reader.read(_CHUNK):
                    out.write(chunk)
        return _members(spool, latest)

    return unpack


def place(
    members: Iterable[Item], target: bytes, placed: Placed, parents: Parents, owner: tuple[int, int] | None
) -> None:
    """Put ``members`` below the directory ``target``, as ``owner``'s where there is one."""
    for member, content in members:
        if not member.path:
            continue  # the target is as it was, or as it is made: what the archive says of its own top is not for it
        path = _below(target, member.path)
        found = placed.lies(path)
        if member.kind != "dir" and found and found.kind == "dir":
            placed.clear(path)  # what the archive itself put there goes along
        link = _below(target, member.link) if member.kind == "hardlink" else member.link
        uid, gid = owner or (member.uid, member.gid)
        placed.put(replace(member, path=path, link=link, uid=uid, gid=gid), content)
        while (path := path.rpartition(b"/")[0]) and path != target and path not in placed.items:
            if placed.view.find(path) is None:
                parents.make_roots(path)


def _below(target: bytes, path: bytes) -> bytes:
    return target + b"/" + path if target and path else target or path


def _head(reader: Reader) -> bytes:
    head = b""
    while len(head) < BLOCK and (chunk := reader.read(_CHUNK)):
        head += chunk
    return head


def _is_tar(head: bytes) -> bool:
    """Whether the first block is a tar header whose checksum holds."""
    if len(head) < BLOCK or not head[0]:
        return False
    digits = head[148:156].strip(b" \0")
    return digits.isdigit() and int(digits, 8) == sum(head[:148]) + 8 * 32 + sum(head[156:BLOCK])


def _members(spool: Path, latest: int | None) -> Iterator[Item]:
    with spool.open("rb") as file:
        for entry, body in members(file):
            if entry.kind in ("whiteout", "opaque"):
                continue  # an archive is not a layer
            if entry.kind == "file" and body.map is not None:
                raise ScowError("sparse archives cannot be added", subject=entry.text)
            yield _clamped(entry, latest), _slice(spool, entry.offset)


def _clamped(entry: Entry, latest: int | None) -> Entry:
    mode = 0o777 if entry.kind == "symlink" else entry.mode  # whatever the archive says
    mtime = entry.mtime if latest is None else min(entry.mtime, latest)
    return replace(entry, mode=mode, mtime=mtime, offset=-1)


def _slice(spool: Path, offset: int) -> Callable[[], int]:
    def open_it() -> int:
        fd = os.open(spool, os.O_RDONLY | os.O_CLOEXEC)
        os.lseek(fd, max(offset, 0), os.SEEK_SET)
        return fd

    return open_it
