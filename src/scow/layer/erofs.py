"""An EROFS image whose files' contents lie in a plain tar beside it, as they are there: only metadata is written. Pure.

The kernel mounts such a file (Linux 6.12, "file-backed mounts") with the tar as its one extra device, so a whole layer
is there without a system call for each of its files. The block size is the tar's own, 512 bytes; the tar's blocks are
numbered on from those of the metadata; every inode is an extended one, its data in one piece (kernel
Documentation/filesystems/erofs.rst, fs/erofs/erofs_fs.h).

::

    0         1024         1152     1536
    |  zeros  | superblock | device |  inodes  |  directories, symlink targets  |
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from os import major, minor
from typing import Final, NamedTuple

import msgspec

BLOCK: Final = 512
SUPERBLOCK: Final = 1024
#: Where 16 bytes of the superblock are anybody's.
UUID: Final = SUPERBLOCK + 48
#: Where what :func:`image` gives in pieces begins.
METADATA: Final = 1536
_BITS: Final = 9
_MAGIC: Final = 0xE0F5E1E2
_SLOT: Final = 32  # an inode's number is where it lies, in these
_FIRST: Final = 64  # no inode lies at 0: readdir(3) takes that number for nothing
_EXTENDED_PLAIN: Final = 1  # i_format: the long form, data in one piece
_DEVICE_TABLE: Final = 8  # a feature that whoever mounts it must know
#: magic, block size, root's number, inodes, blocks, first block of the inodes, features, devices, where these are (in
#: 128 bytes); then the device's blocks, and the number of its first one. What is not said is 0.
_HEADER: Final = "<I8xBxHQ12xII36xI2xHH38x 64xII56x"
_DEVICE: Final = SUPERBLOCK // 128 + 1
_INODE: Final = struct.Struct("<HHHHQIIIIqII16x")
_DIRENT: Final = struct.Struct("<QHBB")
_XATTR: Final = struct.Struct("<BBH")
_XATTRS_HEADER: Final = bytes(12)
#: xattr names begin with a number that stands for one of these. Others cannot be held.
_PREFIXES: Final = {
    b"user.": 1,
    b"system.posix_acl_access": 2,
    b"system.posix_acl_default": 3,
    b"trusted.": 4,
    b"security.": 6,
}
_TYPES: Final = {
    stat.S_IFREG: 1,
    stat.S_IFDIR: 2,
    stat.S_IFCHR: 3,
    stat.S_IFBLK: 4,
    stat.S_IFIFO: 5,
    stat.S_IFLNK: 7,
}
_TYPE: Final = 0o170000
_SECOND: Final = 10**9
_PIECE: Final = 4096  # inodes at a time


class Node(msgspec.Struct, eq=False):
    """A file of any kind; names of one file share it. ``mode`` has the type's bits, ``mtime`` is in nanoseconds.

    ``offset`` and ``size`` say where a file's content lies in the tar, ``target`` is a symlink's, ``device`` a device's
    number. The rest is found out when the image is written: ``at`` in bytes from the first
    inode on, ``room`` in bytes behind the inodes.
    """

    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    offset: int = 0
    size: int = 0
    target: bytes = b""
    device: int = 0
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    at: int = 0
    names: int = 0
    room: int = 0
    packed: bytes = b""


class Directory(Node, eq=False):
    """A directory, and what lies in it by name."""

    children: dict[bytes, Node] = {}


def image(root: Directory, tar_size: int) -> tuple[bytes, Iterator[bytes]]:
    """What lies from :data:`SUPERBLOCK` on, and in pieces what does from :data:`METADATA` on."""
    nodes, directories, end = _numbered(root)
    start = METADATA // BLOCK
    data = start + _blocks(end)
    tar = data + sum(_blocks(node.room) for node in nodes)
    known = _BITS, root.at // _SLOT, len(nodes), tar, start, _DEVICE_TABLE, 1, _DEVICE, _blocks(tar_size), tar
    return struct.pack(_HEADER, _MAGIC, *known), _metadata(nodes, directories, end, data, tar)


class _Listing(NamedTuple):
    """A directory: the one above it, and its names as they share blocks."""

    parent: Directory
    blocks: list[list[bytes]]


def _metadata(nodes: list[Node], directories: dict[int, _Listing], end: int, data: int, tar: int) -> Iterator[bytes]:
    yield bytes(_FIRST)
    for first in range(0, len(nodes), _PIECE):
        piece = []
        for node in nodes[first : first + _PIECE]:
            piece.append(_inode(node, data, tar))
            if node.room:
                data += _blocks(node.room)
        yield b"".join(piece)
    yield bytes(-end % BLOCK)
    for node in nodes:
        if node.room:
            content = _directory(node, directories[node.at]) if isinstance(node, Directory) else node.target
            yield content + bytes(-len(content) % BLOCK)


def _numbered(root: Directory) -> tuple[list[Node], dict[int, _Listing], int]:
    """Every node once, the root first; the directories by their place among the inodes; where the inodes end."""
    found: list[Node] = []
    directories: dict[int, _Listing] = {}
    at = _FIRST
    todo = [(root, root)]
    while todo:
        node, parent = todo.pop()
        blocks, node.room = _in_blocks(sorted([b".", b"..", *node.children]))
        directories[at] = _Listing(parent, blocks)
        node.names += 2
        at = _place(node, at, found)
        for child in node.children.values():
            if isinstance(child, Directory):
                node.names += 1
                todo.append((child, node))
                continue
            child.names += 1
            if child.names == 1:
                child.room = len(child.target)
                at = _place(child, at, found)
    return found, directories, at


def _place(node: Node, at: int, found: list[Node]) -> int:
    """Give a node its place; where the next one's is."""
    node.at = at
    found.append(node)
    if not node.xattrs:
        return at + _INODE.size
    node.packed = _xattrs(node)
    return at + -(-(_INODE.size + len(node.packed)) // _SLOT) * _SLOT


def _inode(node: Node, data: int, tar: int) -> bytes:
    mode, packed = node.mode, node.packed
    size, where = node.room, data
    if stat.S_ISREG(mode):
        size, where = node.size, tar + node.offset // BLOCK if node.size else 0
    elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        low = minor(node.device)
        where = low & 0xFF | major(node.device) << 8 | (low & ~0xFF) << 12
    seconds, nanoseconds = divmod(node.mtime, _SECOND)
    count = (len(packed) - len(_XATTRS_HEADER)) // 4 + 1 if packed else 0
    number = node.at // _SLOT & 0xFFFFFFFF
    fixed = _INODE.pack(
        _EXTENDED_PLAIN, count, mode, 0, size, where, number, node.uid, node.gid, seconds, nanoseconds, node.names
    )
    return fixed + packed + bytes(-(_INODE.size + len(packed)) % _SLOT) if packed else fixed


def _xattrs(node: Node) -> bytes:
    """The xattrs right behind an inode; those whose names cannot be held are left out."""
    parts = []
    for name, value in node.xattrs:
        prefix = next((one for one in _PREFIXES if name.startswith(one)), b"")
        if prefix:
            rest = name[len(prefix) :]
            part = _XATTR.pack(len(rest), _PREFIXES[prefix], len(value)) + rest + value
            parts.append(part + bytes(-len(part) % 4))
    return _XATTRS_HEADER + b"".join(parts) if parts else b""


def _in_blocks(names: list[bytes]) -> tuple[list[list[bytes]], int]:
    """Sorted names as they share blocks, each with a record; and the bytes that all of it takes."""
    blocks: list[list[bytes]] = []
    room = 0
    for name in names:
        need = _DIRENT.size + len(name)
        if need > room:
            block: list[bytes] = []
            blocks.append(block)
            room = BLOCK
        block.append(name)
        room -= need
    return blocks, len(blocks) * BLOCK - room


def _directory(node: Directory, listing: _Listing) -> bytes:
    """A directory's blocks: records first, then their names."""
    nodes = {**node.children, b".": node, b"..": listing.parent}
    written = []
    for names in listing.blocks:
        at = _DIRENT.size * len(names)
        records = []
        for name in names:
            child = nodes[name]
            records.append(_DIRENT.pack(child.at // _SLOT, at, _TYPES[child.mode & _TYPE], 0))
            at += len(name)
        block = b"".join([*records, *names])
        written.append(block + bytes(-len(block) % BLOCK))
    return b"".join(written)[: node.room]


def _blocks(size: int) -> int:
    return -(-size // BLOCK)
