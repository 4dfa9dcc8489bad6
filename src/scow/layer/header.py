"""Writing tar headers: ustar where it fits, PAX records where it does not (POSIX.1-2017 pax). Pure.

The same entry gives the same bytes everywhere.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from scow.layer import pax
from scow.layer.entry import Entry, marker

_FLAGS: Final = {
    "file": b"0",
    "hardlink": b"1",
    "symlink": b"2",
    "char": b"3",
    "block": b"4",
    "dir": b"5",
    "fifo": b"6",
    "whiteout": b"0",
    "opaque": b"0",
}
_EIGHT: Final = 0o7777777
_TWELVE: Final = 0o77777777777
END: Final = bytes(1024)


def header(entry: Entry) -> bytes:
    """The blocks that introduce ``entry``; its content, padded to 512 bytes, follows."""
    name = _name(entry)
    size = entry.size if entry.kind == "file" else 0
    seconds, fraction = divmod(entry.mtime, 10**9)
    split = _split(name)
    records = [pax.record(pax.XATTR + key, value) for key, value in entry.xattrs]
    if split is None:
        records.append(pax.record(b"path", name))
        split = (b"", name[:100])
    if len(entry.link) > 100:
        records.append(pax.record(b"linkpath", entry.link))
    for key, value, limit in ((b"uid", entry.uid, _EIGHT), (b"gid", entry.gid, _EIGHT), (b"size", size, _TWELVE)):
        if value > limit:
            records.append(pax.record(key, b"%d" % value))
    if fraction or not 0 <= seconds <= _TWELVE:
        records.append(pax.record(b"mtime", pax.time_text(entry.mtime)))
    block = _block(split, _FLAGS[entry.kind], entry, size, max(seconds, 0))
    return _extension(b"".join(sorted(records))) + block if records else block


def _name(entry: Entry) -> bytes:
    if entry.kind == "file" and entry.path:
        return entry.path  # nearly all
    if entry.kind == "opaque":
        return marker(entry)
    return marker(entry) + (b"/" if entry.kind == "dir" and entry.path else b"./" if not entry.path else b"")


def padding(size: int) -> bytes:
    """What fills a content of ``size`` bytes up to whole blocks."""
    return bytes(-size % 512)


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """``(prefix, name)`` of a ustar header; ``None`` when the name does not fit one."""
    if len(name) <= 100:
        return b"", name
    slash = name.find(b"/", len(name) - 101)
    if 0 < slash <= 155 and slash < len(name) - 1:
        return name[:slash], name[slash + 1 :]
    return None


def _extension(records: bytes) -> bytes:
    entry = Entry(b"PaxHeaders/x", "file", 0o644)
    return _block((b"", entry.path), b"x", entry, len(records), 0) + records + padding(len(records))


def _block(split: tuple[bytes, bytes], flag: bytes, entry: Entry, size: int, seconds: int) -> bytes:
    prefix, name = split
    numbers = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        entry.mode,
        entry.uid if entry.uid <= _EIGHT else 0,
        entry.gid if entry.gid <= _EIGHT else 0,
        size if size <= _TWELVE else 0,
        seconds if seconds <= _TWELVE else 0,
    )
    rest, total = _rest(flag, entry.link[:100], entry.major, entry.minor, prefix)
    return name.ljust(100, b"\0") + numbers + b"%06o\0 " % (sum(name) + sum(numbers) + total) + rest


@lru_cache(256)
def _rest(flag: bytes, link: bytes, major: int, minor: int, prefix: bytes) -> tuple[bytes, int]:
    """What follows the checksum, and its part of that; the same for nearly all files of a layer."""
    devices = b"%07o\0%07o\0" % (major, minor)
    pieces = (flag, link.ljust(100, b"\0"), b"ustar\00000", bytes(64), devices, prefix.ljust(155, b"\0"), bytes(12))
    rest = b"".join(pieces)
    return rest, sum(rest) + sum(b" " * 8)
