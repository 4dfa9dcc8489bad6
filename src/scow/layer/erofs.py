"""An EROFS image whose files' contents are the bytes of a plain tar: superblock, the tar as it is, metadata. Pure.

The kernel mounts such a file (Linux 6.12, "file-backed mounts"), so a whole layer is there without a system call for
each of its files. The block size is the tar's own, 512 bytes; every inode is an extended one, its data in one piece
(kernel Documentation/filesystems/erofs.rst, fs/erofs/erofs_fs.h).

::

    0         1024         4096
    |  zeros  | superblock |  the tar  |  inodes  |  directories, symlink targets  |
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from typing import Final

import msgspec

BLOCK: Final = 512
SUPERBLOCK: Final = 1024
#: Where 16 bytes of the superblock are anybody's.
UUID: Final = SUPERBLOCK + 48
#: Where the tar begins.
TAR: Final = 4096
_BITS: Final = 9
_MAGIC: Final = 0xE0F5E1E2
_SLOT: Final = 32  # an inode's number is where it lies, in these
_FIRST: Final = 64  # no inode lies at 0: readdir(3) takes that number for nothing
_EXTENDED_PLAIN: Final = 1  # i_format: the long form, data in one piece
#: magic, block size, root's number, inodes, blocks, first block of the inodes; what is not said is 0.
_SUPERBLOCK: Final = "<I8xBxHQ12xII84x"
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
_SECOND: Final = 10**9


class Node(msgspec.Struct, eq=False):
    """A file of any kind; names of one file share it. ``mode`` has the type's bits, ``mtime`` is in nanoseconds.

    ``offset`` and ``size`` say where a file's content lies in the tar, ``target`` is a symlink's, ``device`` a device's
    number, ``children`` a directory's.
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
    children: dict[bytes, Node] = {}
    at: int = -1  # in bytes, from the first inode
    names: int = 0


def image(root: Node, tar_size: int) -> tuple[bytes, Iterator[bytes]]:
    """The superblock, and in pieces what follows the tar (from the next multiple of :data:`BLOCK` on)."""
    nodes = _numbered(root)
    end = nodes[-1][0].at + _length(nodes[-1][0])
    start = TAR // BLOCK + _blocks(tar_size)
    data = start + _blocks(end)
    total = data + sum(_blocks(_content_size(node)) for node, _ in nodes)
    header = struct.pack(_SUPERBLOCK, _MAGIC, _BITS, root.at // _SLOT, len(nodes), total & 0xFFFFFFFF, start)
    return header, _metadata(nodes, data)


def _metadata(nodes: list[tuple[Node, Node]], data: int) -> Iterator[bytes]:
    yield bytes(_FIRST)
    written = _FIRST
    for node, _ in nodes:
        yield _inode(node, data)
        written += _length(node)
        data += _blocks(_content_size(node))
    yield bytes(-written % BLOCK)
    for node, parent in nodes:
        content = node.target or (_directory(node, parent) if stat.S_ISDIR(node.mode) else b"")
        yield content + bytes(-len(content) % BLOCK)


def _numbered(root: Node) -> list[tuple[Node, Node]]:
    """Every node once with its parent, the root first; where each lies, and how many names it has."""
    found: list[tuple[Node, Node]] = []
    at = _FIRST
    todo = [(root, root)]
    root.names = 2
    while todo:
        node, parent = todo.pop()
        node.at = at
        at += _length(node)
        found.append((node, parent))
        for _, child in sorted(node.children.items()):
            if stat.S_ISDIR(child.mode):
                node.names += 1
                child.names = 2
                todo.append((child, node))
                continue
            child.names += 1
            if child.names == 1:
                todo.append((child, node))
    return found


def _inode(node: Node, data: int) -> bytes:
    size, where = _content_size(node), data
    if stat.S_ISREG(node.mode):
        size, where = node.size, (TAR + node.offset) // BLOCK if node.size else 0
    elif stat.S_ISCHR(node.mode) or stat.S_ISBLK(node.mode):
        major, minor = os.major(node.device), os.minor(node.device)
        where = minor & 0xFF | major << 8 | (minor & ~0xFF) << 12
    seconds, nanoseconds = divmod(node.mtime, _SECOND)
    xattrs = _xattrs(node)
    return (
        _INODE.pack(
            _EXTENDED_PLAIN,
            (len(xattrs) - len(_XATTRS_HEADER)) // 4 + 1 if xattrs else 0,
            node.mode,
            0,
            size,
            where,
            node.at // _SLOT & 0xFFFFFFFF,
            node.uid,
            node.gid,
            seconds,
            nanoseconds,
            node.names,
        )
        + xattrs
        + bytes(-(_INODE.size + len(xattrs)) % _SLOT)
    )


def _length(node: Node) -> int:
    return -(-(_INODE.size + len(_xattrs(node))) // _SLOT) * _SLOT


def _xattrs(node: Node) -> bytes:
    """The xattrs right behind an inode; those whose names cannot be held are left out."""
    if not node.xattrs:
        return b""
    parts = []
    for name, value in node.xattrs:
        prefix = next((one for one in _PREFIXES if name.startswith(one)), b"")
        if prefix:
            rest = name[len(prefix) :]
            part = _XATTR.pack(len(rest), _PREFIXES[prefix], len(value)) + rest + value
            parts.append(part + bytes(-len(part) % 4))
    return _XATTRS_HEADER + b"".join(parts) if parts else b""


def _content_size(node: Node) -> int:
    """Bytes of what lies behind the inodes."""
    if not stat.S_ISDIR(node.mode):
        return len(node.target)
    size = room = 0
    for name in _listed(node):
        need = _DIRENT.size + len(name)
        if need > room:
            size, room = size + room, BLOCK
        size, room = size + need, room - need
    return size


def _listed(node: Node) -> list[bytes]:
    return sorted([b".", b"..", *node.children])


def _directory(node: Node, parent: Node) -> bytes:
    """A directory's blocks: fixed records first, then their names, sorted within and across blocks."""
    blocks: list[list[bytes]] = []
    room = 0
    for name in _listed(node):
        if _DIRENT.size + len(name) > room:
            blocks.append([])
            room = BLOCK
        blocks[-1].append(name)
        room -= _DIRENT.size + len(name)
    special = {b".": node, b"..": parent}
    written = []
    for names in blocks:
        at = _DIRENT.size * len(names)
        records = []
        for name in names:
            child = special.get(name) or node.children[name]
            records.append(_DIRENT.pack(child.at // _SLOT, at, _TYPES[stat.S_IFMT(child.mode)], 0))
            at += len(name)
        written.append(b"".join([*records, *names]))
    return b"".join(block + bytes(-len(block) % BLOCK) for block in written[:-1]) + written[-1]


def _blocks(size: int) -> int:
    return -(-size // BLOCK)
