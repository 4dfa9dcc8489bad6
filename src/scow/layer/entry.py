"""What one tar header means, judged before anything is written (image-spec layer.md). Pure.

A path is clean bytes relative to the root: no leading, trailing or doubled slash, no ``.`` or ``..``; ``b""`` is the
root itself. Whiteouts carry the path they hide, not their marker's name.
"""

# Annotations are not deferred: msgspec would compile each of them before the first document is read.

import re
import stat
from typing import Final, Literal

import msgspec

from scow.errors import Invalid, Limit

Kind = Literal["file", "dir", "symlink", "hardlink", "char", "block", "fifo", "whiteout", "opaque"]
#: A file's format in its mode → what an entry of it is.
KINDS: Final[dict[int, Kind]] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
}
FORMATS: Final = {kind: form for form, kind in KINDS.items()}

_PREFIX: Final = b".wh."
_OPAQUE: Final = b".wh..wh..opq"
_META: Final = b".wh..wh."  # aufs' own bookkeeping: not part of any image
PATH_LIMIT: Final = 4096
SIZE_LIMIT: Final = 1 << 62
TIME_LIMIT: Final = (1 << 63) - 1  # nanoseconds: the years 1677 to 2262
_NAME_LIMIT: Final = 255
_UNCLEAN: Final = re.compile(rb"^[/.]|/[/.]|\0")

#: xattrs that mean something to overlayfs itself: an image must not speak to the kernel that mounts it.
_OVERLAY_XATTRS: Final = (b"trusted.overlay.", b"user.overlay.")


class Entry(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """One path of a layer, as the image has it.

    ``mode`` is the permission bits (07777), ``mtime`` nanoseconds since 1970, ``size`` bytes of content,
    ``link`` a symlink's target or a hard link's (clean) path, ``digest`` the raw sha256 of the content and ``offset``
    where it begins in the uncompressed tar (-1: not in one piece there).
    """

    path: bytes
    kind: Kind
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime: int = 0
    link: bytes = b""
    digest: bytes = b""
    offset: int = -1
    major: int = 0
    minor: int = 0
    xattrs: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def parent(self) -> bytes:
        """The path of the directory it lies in."""
        return self.path.rpartition(b"/")[0]

    @property
    def text(self) -> str:
        """The path for people."""
        return shown(self.path)


def shown(path: bytes) -> str:
    """A path of an image for people, from the root; what is no UTF-8 as ``\\xff``."""
    return "/" + path.decode(errors="backslashreplace")


def clean(path: bytes) -> bytes:
    """``path`` as the root sees it. Raises :class:`Invalid` when it would leave the root."""
    short = path.rstrip(b"/")
    if len(short) <= _NAME_LIMIT and not _UNCLEAN.search(short):
        return short  # nearly every path
    if b"\0" in path:
        raise Invalid("name holds a NUL byte", subject=repr(path[:80]))
    if len(path) > PATH_LIMIT:
        raise Limit(f"name of {len(path)} bytes is over the limit of {PATH_LIMIT}", subject=repr(path[:80]))
    parts = [part for part in path.split(b"/") if part and part != b"."]
    for part in parts:
        if part == b"..":
            raise Invalid("name leaves the layer's root", subject=path.decode(errors="backslashreplace"))
        if len(part) > _NAME_LIMIT:
            raise Limit(
                f"name component of {len(part)} bytes is over the limit of {_NAME_LIMIT}", subject=repr(part[:80])
            )
    return b"/".join(parts)


def judge(entry: Entry) -> Entry | None:
    """The entry that a raw one (name as in the header) amounts to; ``None`` for one to pass over.

    Raises :class:`Invalid` for names that leave the root, links to nothing, whiteouts of ``.`` and ``..``, and a root
    that is not a directory (CVE-2021-29136).
    """
    path = clean(entry.path)
    name = path.rpartition(b"/")[2]
    if name.startswith(_PREFIX):
        return _whiteout(path, name)
    if not path and entry.kind != "dir":
        raise Invalid(f"the layer's root is a {entry.kind}", subject="/")
    link = entry.link
    if entry.kind == "hardlink":
        link = clean(link)
        if link == path:
            raise Invalid("hard link to itself", subject=entry.text)
    if entry.kind in ("hardlink", "symlink") and (not link or b"\0" in link or len(link) >= PATH_LIMIT):
        raise Invalid(f"{entry.kind} without a usable target", subject=entry.text)
    xattrs = entry.xattrs
    if xattrs:
        xattrs = tuple(pair for pair in xattrs if not pair[0].startswith(_OVERLAY_XATTRS))
    if path == entry.path and link == entry.link and xattrs == entry.xattrs:
        return entry
    return msgspec.structs.replace(entry, path=path, link=link, xattrs=xattrs)


def _whiteout(path: bytes, name: bytes) -> Entry | None:
    parent = path[: -len(name)].rstrip(b"/")
    if name == _OPAQUE:
        return Entry(parent, "opaque")
    if name.startswith(_META):
        return None
    hidden = name[len(_PREFIX) :]
    if hidden in (b"", b".", b".."):
        raise Invalid("whiteout of nothing", subject=path.decode(errors="backslashreplace"))
    return Entry(parent + b"/" + hidden if parent else hidden, "whiteout")


def marker(entry: Entry) -> bytes:
    """The name in a tar: a whiteout's marker file, else the path."""
    if entry.kind == "opaque":
        return entry.path + b"/" + _OPAQUE if entry.path else _OPAQUE
    if entry.kind == "whiteout":
        parent, slash, name = entry.path.rpartition(b"/")
        return parent + slash + _PREFIX + name
    return entry.path
