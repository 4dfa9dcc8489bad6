"""What a directory or a tar holds, path by path, in one form that can be compared. Python's tarfile is the oracle."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.support.peers import path_of
from tests.support.processes import CLEAN_ENVIRONMENT


@dataclass(frozen=True, slots=True)
class Record:
    """One path. ``kind`` is one of ``file directory symlink character block fifo socket``; ``mode`` has no type bits.

    ``size`` and ``content`` (a sha256) are of files only; ``mtime_ns`` counts from 1970; ``links`` holds every path of
    the tree that is the same file, this one included, or is empty when it is the only one.
    """

    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    target: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[str, bytes], ...] = ()
    content: str = ""
    links: tuple[bytes, ...] = ()


Tree = Mapping[bytes, Record]

_KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFCHR: "character",
    stat.S_IFBLK: "block", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket",
}  # fmt: skip
_TAR_KINDS = {
    tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.CONTTYPE: "file", tarfile.GNUTYPE_SPARSE: "file",
    tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink", tarfile.CHRTYPE: "character",
    tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo",
}  # fmt: skip


def _hash(stream: IO[bytes]) -> str:
    return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]


def _content(path: bytes) -> str:
    with open(path, "rb") as stream:
        return _hash(stream)


def _xattrs(path: bytes) -> tuple[tuple[str, bytes], ...]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return ()
    kept = sorted(
        name for name in names if not name.startswith(("security.selinux", "trusted.overlay", "user.overlay"))
    )
    return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in kept)


def _record(path: bytes, found: os.stat_result) -> Record:
    kind = _KINDS[stat.S_IFMT(found.st_mode)]
    return Record(
        kind=kind,
        mode=stat.S_IMODE(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        size=found.st_size if kind == "file" else 0,
        mtime_ns=found.st_mtime_ns,
        target=os.readlink(path) if kind == "symlink" else b"",
        device=(os.major(found.st_rdev), os.minor(found.st_rdev)) if kind in ("character", "block") else (0, 0),
        xattrs=_xattrs(path),
        content=_content(path) if kind == "file" else "",
    )


def _with_links(records: dict[bytes, Record], groups: Iterable[list[bytes]]) -> dict[bytes, Record]:
    for group in groups:
        if len(group) > 1:
            for path in group:
                records[path] = dataclasses.replace(records[path], links=tuple(sorted(group)))
    return records


def snapshot_tree(root: Path | str) -> dict[bytes, Record]:
    """Every path beneath ``root``, relative, without ``./``; the root itself is ``b"."``. Needs the right to read."""
    top = os.fsencode(root)
    records = {b".": _record(top, os.lstat(top))}
    same: dict[tuple[int, int], list[bytes]] = {}
    for directory, names, files in os.walk(top):
        for name in names + files:
            full = os.path.join(directory, name)
            path, found = os.path.relpath(full, top), os.lstat(full)
            records[path] = _record(full, found)
            if not stat.S_ISDIR(found.st_mode):
                same.setdefault((found.st_dev, found.st_ino), []).append(path)
    return _with_links(records, same.values())


def _tar_xattrs(member: tarfile.TarInfo) -> tuple[tuple[str, bytes], ...]:
    prefix = "SCHILY.xattr."
    found = ((key, value) for key, value in member.pax_headers.items() if key.startswith(prefix))
    return tuple(sorted((key.removeprefix(prefix), os.fsencode(value)) for key, value in found))


def _mtime_ns(member: tarfile.TarInfo) -> int:
    text = member.pax_headers.get("mtime")
    if text is None:
        return int(member.mtime) * 1_000_000_000
    whole, _, fraction = text.partition(".")
    nanoseconds = int(fraction[:9].ljust(9, "0") or 0)
    return int(whole) * 1_000_000_000 + (-nanoseconds if whole.startswith("-") else nanoseconds)


def _tar_record(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Record:
    kind = _TAR_KINDS[member.type]
    stream = archive.extractfile(member) if kind == "file" else None
    return Record(
        kind=kind,
        mode=member.mode & 0o7777,
        uid=member.uid,
        gid=member.gid,
        size=member.size if kind == "file" else 0,
        mtime_ns=_mtime_ns(member),
        target=os.fsencode(member.linkname) if kind == "symlink" else b"",
        device=(member.devmajor, member.devminor) if kind in ("character", "block") else (0, 0),
        xattrs=_tar_xattrs(member),
        content=_hash(stream) if stream else "",
    )


def tar_name(name: str) -> bytes:
    """A member's name as :func:`snapshot_tree` spells it."""
    return os.fsencode(name).removeprefix(b"./").strip(b"/") or b"."


def snapshot_tar(path: Path | str) -> dict[bytes, Record]:
    """What a tar (any compression tarfile reads) leaves when it is unpacked: the last entry of a path counts."""
    records: dict[bytes, Record] = {}
    group_of: dict[bytes, list[bytes]] = {}
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            name = tar_name(member.name)
            if name in group_of:
                group_of.pop(name).remove(name)
            if member.islnk():
                first = tar_name(member.linkname)
                records[name] = records[first]
                group_of[name] = group_of.setdefault(first, [first])
                group_of[name].append(name)
            else:
                records[name] = _tar_record(archive, member)
    return _with_links(records, {id(group): group for group in group_of.values()}.values())


def _shown(field: str, value: object) -> str:
    return oct(value) if field == "mode" and isinstance(value, int) else repr(value)


def _differing(left: Record, right: Record, ignore: frozenset[str]) -> list[str]:
    fields = [field.name for field in dataclasses.fields(Record) if field.name not in ignore]
    pairs = ((name, getattr(left, name), getattr(right, name)) for name in fields)
    return [f"{name} {_shown(name, one)} != {_shown(name, other)}" for name, one, other in pairs if one != other]


def difference(left: Tree, right: Tree, *, ignore: Iterable[str] = (), whole_seconds: bool = False) -> list[str]:
    """One readable line for each path that is not the same; an empty list means equal trees.

    ``ignore`` names fields of :class:`Record`; ``whole_seconds`` compares times without their fractions.
    """
    skipped = frozenset(ignore)
    lines = []
    for path in sorted(left.keys() | right.keys()):
        one, other = left.get(path), right.get(path)
        if one is None or other is None:
            lines.append(f"{os.fsdecode(path)}: only on the {'right' if one is None else 'left'}")
            continue
        if whole_seconds:
            one, other = _floored(one), _floored(other)
        lines += [f"{os.fsdecode(path)}: {what}" for what in _differing(one, other, skipped)]
    return lines


def _floored(record: Record) -> Record:
    return dataclasses.replace(record, mtime_ns=record.mtime_ns // 1_000_000_000 * 1_000_000_000)


def umoci_unpack(layout: Path, tag: str, destination: Path) -> Path:
    """Unpack ``layout:tag`` with umoci; the root file system's path. ``destination`` must not exist. As root.

    It is ``raw``: the list of all digests that a bundle has takes as long again.
    """
    argv = [path_of("umoci"), "raw", "unpack", "--image", f"{layout}:{tag}", str(destination)]
    done = subprocess.run(argv, env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"umoci unpack {layout}:{tag}: {done.stderr}"
    return destination
