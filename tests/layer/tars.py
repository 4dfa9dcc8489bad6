"""Tar streams for the tests: by hand (hostile ones), and the shortest ways to read and apply one."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scow.layer import header as headers
from scow.layer.apply import apply
from scow.layer.entry import Entry
from scow.layer.index import Index, Writer
from scow.layer.rights import rights
from scow.layer.tar import members
from scow.layer.tree import NoTree, OverlayTree, Tree

END = bytes(1024)


def block(
    name: bytes = b"x",
    flag: bytes = b"0",
    size: int = 0,
    *,
    mode: bytes = b"0000644\0",
    uid: bytes = b"0000000\0",
    gid: bytes = b"0000000\0",
    length: bytes | None = None,
    mtime: bytes = b"00000000000\0",
    link: bytes = b"",
    magic: bytes = b"ustar\00000",
    major: bytes = b"0000000\0",
    minor: bytes = b"0000000\0",
    prefix: bytes = b"",
    tail: bytes = b"",
    signed: bool = False,
) -> bytes:
    """One header block, every field as wanted; the checksum is right, in the old signed way if ``signed``."""
    raw = b"".join(
        (
            name.ljust(100, b"\0"), mode, uid, gid, b"%011o\0" % size if length is None else length, mtime, b" " * 8,
            flag, link.ljust(100, b"\0"), magic, bytes(64), major, minor, prefix.ljust(155, b"\0"), bytes(12),
        )
    )  # fmt: skip
    if tail:  # what old GNU headers keep where ustar has the prefix
        raw = raw[:345] + tail + raw[345 + len(tail) :]
    assert len(raw) == 512
    total = sum(byte - 256 if byte > 127 else byte for byte in raw) if signed else sum(raw)
    return raw[:148] + b"%06o\0 " % (total & 0o777777) + raw[156:]


def padded(data: bytes) -> bytes:
    """``data`` in whole blocks."""
    return data + bytes(-len(data) % 512)


def file(name: bytes, data: bytes = b"data", **fields: bytes) -> bytes:
    """A regular file."""
    return block(name, b"0", len(data), **fields) + padded(data)  # type: ignore[arg-type]


def directory(name: bytes, mode: int = 0o755) -> bytes:
    """A directory."""
    return block(name + b"/", b"5", mode=b"%07o\0" % mode)


def symlink(name: bytes, target: bytes) -> bytes:
    """A symlink."""
    return block(name, b"2", link=target)


def hardlink(name: bytes, target: bytes) -> bytes:
    """A hard link."""
    return block(name, b"1", link=target)


def pax(records: bytes, flag: bytes = b"x") -> bytes:
    """An extended header."""
    return block(b"PaxHeaders/x", flag, len(records)) + padded(records)


def record(key: bytes, value: bytes) -> bytes:
    """One PAX record, its length found by trying."""
    rest = b" " + key + b"=" + value + b"\n"
    return next(b"%d" % n + rest for n in range(len(rest), len(rest) + 12) if n == len(b"%d" % n) + len(rest))


def gnu_long(data: bytes, flag: bytes) -> bytes:
    """GNU's long name (``L``) or link name (``K``)."""
    return block(b"././@LongLink", flag, len(data) + 1) + padded(data + b"\0")


def base256(value: int, width: int) -> bytes:
    """GNU's binary numbers."""
    raw = (value & ((1 << 8 * width) - 1)).to_bytes(width, "big")
    return bytes([raw[0] | 0x80]) + raw[1:]


@dataclass(frozen=True, slots=True)
class Member:
    """An entry with all its bytes, holes as zeros."""

    entry: Entry
    data: bytes


def read(stream: bytes | io.BufferedIOBase) -> list[Member]:
    """Every member of a tar."""
    reader = io.BytesIO(stream) if isinstance(stream, bytes) else stream
    found = []
    for entry, body in members(reader):
        data = bytearray(entry.size)
        for at, piece in body.pieces():
            data[at : at + len(piece)] = piece
        found.append(Member(entry, bytes(data)))
    return found


@dataclass(frozen=True, slots=True)
class Item:
    """An entry to write, with its content."""

    entry: Entry
    data: bytes = b""


def write(items: Iterable[Item]) -> bytes:
    """The tar that scow's own headers make of ``items``."""
    parts = [headers.header(item.entry) + padded(item.data) for item in items]
    return b"".join(parts) + END


def item(path: str, kind: str = "file", data: bytes = b"", **fields: Any) -> Item:
    """An :class:`Item`, short: ``item("etc/passwd", data=b"…")``."""
    size = len(data) if kind == "file" else 0
    return Item(Entry(path.encode(), kind, size=size, **fields), data)  # type: ignore[arg-type]


def into(tree: Tree, stream: bytes) -> tuple[list[Entry], bool]:
    """Apply ``stream`` to ``tree``; the index's entries, and whether the layer was plain."""
    fd = os.memfd_create("index")
    with os.fdopen(fd, "w+b") as file:
        writer = Writer(file)
        plain = apply(io.BytesIO(stream), tree, writer)
        writer.finish(len(stream), plain=plain)
        with Index(f"/proc/self/fd/{fd}") as index:
            return list(index), plain


def overlay_tree(path: Path, stream: bytes) -> tuple[list[Entry], bool]:
    """Apply ``stream`` to a new tree for overlayfs at ``path``."""
    path.mkdir()
    tree = OverlayTree(path, rights())
    try:
        return into(tree, stream)
    finally:
        tree.close()


def no_tree(stream: bytes) -> tuple[list[Entry], bool]:
    """Only look at ``stream``."""
    return into(NoTree(), stream)


def sha256(data: bytes) -> bytes:
    """Raw, as the index has it."""
    return hashlib.sha256(data).digest()
