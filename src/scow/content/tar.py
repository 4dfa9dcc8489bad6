"""The members of a tar that can be sought, by name: only headers are read, and each of them is bounded.

ustar, PAX and GNU long names, as whoever writes images uses them. What a layer's tar may hold beyond that (sparse
files, xattrs, whiteouts) has no place in an archive of images.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from scow.content.target import Reader
from scow.errors import Invalid, Limit, NotFound
from scow.oci.documents import DOCUMENT_LIMIT

_BLOCK: Final = 512
_MEMBERS_LIMIT: Final = 100_000
_EXTENDED_LIMIT: Final = 1 << 20
_LINKS: Final = 8
_CHUNK: Final = 1 << 20
_Kind = Literal["file", "symlink", "hardlink", "other"]
_KINDS: Final[dict[bytes, _Kind]] = {
    b"0": "file", b"\0": "file", b"7": "file", b"1": "hardlink", b"2": "symlink",
}  # fmt: skip
_BODILESS: Final = b"123456"
#: Type flag of a header about the next member → the record it is; of PAX headers, which hold several, none.
_EXTENDED: Final = {b"L": "path", b"K": "linkpath", b"x": "", b"g": ""}
_Records = dict[str, str]


class _Member(msgspec.Struct, frozen=True, gc=False):
    """``start`` and ``size`` of a file's bytes; where a link leads."""

    kind: _Kind
    start: int
    size: int
    link: str


class Tar:
    """The members of a seekable tar by name, links between them followed.

    ``file`` is its path, or a descriptor, which stays the caller's; ``told`` is what errors call it. Raises
    :class:`Invalid` when it is no tar, and :class:`Limit`.
    """

    def __init__(self, file: Path | int, told: str = "") -> None:
        self._file = open(os.dup(file) if isinstance(file, int) else file, "rb")  # noqa: SIM115 - closed by close()
        self._members: dict[str, _Member] = {}
        try:
            for name, member in _members(self._file.fileno()):
                self._members[_clean(name)] = member
                if len(self._members) > _MEMBERS_LIMIT:
                    raise Limit(f"archive has more than {_MEMBERS_LIMIT} members")
        except (Invalid, Limit) as error:
            self.close()
            error.subject = told or str(file)
            raise

    def __contains__(self, name: str) -> bool:
        return _clean(name) in self._members

    def find(self, name: str) -> tuple[int, int]:
        """Where a file's bytes begin, and how many there are. Raises :class:`NotFound`."""
        name = _clean(name)
        for _ in range(_LINKS):
            member = self._members.get(name)
            if member is None or member.kind == "other":
                break
            if member.kind == "file":
                return member.start, member.size
            base = os.path.dirname(name) if member.kind == "symlink" else ""
            name = _clean(os.path.normpath(os.path.join(base, member.link)))
        raise NotFound("archive has no such file", subject=name)

    @contextlib.contextmanager
    def open(self, name: str, offset: int = 0) -> Iterator[Reader]:
        """A file's bytes from ``offset`` on; may be read side by side."""
        start, size = self.find(name)
        yield _Range(self._file.fileno(), start + offset, max(size - offset, 0))

    def read(self, name: str) -> bytes:
        """A small file, whole."""
        start, size = self.find(name)
        if size > DOCUMENT_LIMIT:
            raise Invalid("document is too large", subject=name)
        return os.pread(self._file.fileno(), size, start)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class _Range:
    """Some bytes of a file, by pread: readers do not disturb each other."""

    def __init__(self, fd: int, at: int, size: int) -> None:
        self._fd, self._at, self._left = fd, at, size

    def read(self, size: int = -1, /) -> bytes:
        wanted = min(self._left, size if size >= 0 else _CHUNK)
        data = os.pread(self._fd, wanted, self._at) if wanted else b""
        self._at += len(data)
        self._left -= len(data)
        return data


def _members(fd: int) -> Iterator[tuple[str, _Member]]:
    """Every member but those about others, with the last name that it was given."""
    at, end = 0, os.fstat(fd).st_size
    shared: _Records = {}
    own: _Records = {}
    if not end:
        raise Invalid("not a tar archive: empty file")
    while (block := os.pread(fd, _BLOCK, at)).strip(b"\0"):
        flag, size = _checked(block)
        at += _BLOCK
        if flag in _EXTENDED:
            (shared if flag == b"g" else own).update(_extended(fd, at, size, _EXTENDED[flag]))
        else:
            records = {**shared, **own}
            own = {}
            size = _number(records["size"].encode()) if "size" in records else size
            size = 0 if flag in _BODILESS else size
            yield _named(block, flag, at, size, records)
        at += size + -size % _BLOCK
        if at > end:
            raise Invalid("not a tar archive: unexpected end of data")


def _checked(block: bytes) -> tuple[bytes, int]:
    """The type flag and size of a header whose checksum holds."""
    rest = block[:148] + b" " * 8 + block[156:]
    total, said = sum(rest), _octal(block[148:156])
    signed = total - 256 * sum(byte > 127 for byte in rest)  # as some wrote it long ago
    if len(block) < _BLOCK or said not in (total, signed):
        raise Invalid("not a tar archive: invalid header")
    large = block[124] & 0x80  # GNU's way to write what octal digits cannot
    return block[156:157], _bounded(int.from_bytes(block[125:136], "big") if large else _octal(block[124:136]))


def _octal(field: bytes) -> int:
    digits = field.partition(b"\0")[0].strip()
    if digits.strip(b"01234567"):
        raise Invalid("not a tar archive: invalid header")
    return int(digits or b"0", 8)


def _number(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 19:
        raise Invalid("not a tar archive: invalid extended header")
    return _bounded(int(digits))


def _bounded(size: int) -> int:
    if size >= 1 << 62:
        raise Invalid("not a tar archive: impossible size")
    return size


def _extended(fd: int, at: int, size: int, key: str) -> _Records:
    if size > _EXTENDED_LIMIT:
        raise Limit(f"tar extended header of {size} bytes is over the limit of {_EXTENDED_LIMIT}")
    data = os.pread(fd, size, at)
    return {key: os.fsdecode(data.partition(b"\0")[0])} if key else _pax(data)


def _pax(data: bytes) -> _Records:
    """``length key=value\\n``, again and again; what says something here, and whether there are holes."""
    records: _Records = {}
    start = 0
    while start < len(data) and data[start]:
        digits = data[start : start + 20].partition(b" ")[0]
        end = start + _number(digits)
        key, _, value = data[start + len(digits) + 1 : end - 1].partition(b"=")
        if end > len(data) or end <= start:
            raise Invalid("not a tar archive: invalid extended header")
        if key in (b"path", b"linkpath", b"size"):
            records[key.decode()] = os.fsdecode(value)
        elif key.startswith(b"GNU.sparse."):
            records["sparse"] = ""
        start = end
    return records


def _named(block: bytes, flag: bytes, at: int, size: int, records: _Records) -> tuple[str, _Member]:
    name, link = (block[start : start + 100].partition(b"\0")[0] for start in (0, 157))
    if block[345] and block[257:263] == b"ustar\0":
        name = block[345:500].partition(b"\0")[0] + b"/" + name
    kind: _Kind = "other" if "sparse" in records else _KINDS.get(flag, "other")
    told = records.get("linkpath") or os.fsdecode(link)
    return records.get("path") or os.fsdecode(name), _Member(kind, at, size, told)


def _clean(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))
