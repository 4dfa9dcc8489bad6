"""Tables of contents that layers carry for readers by range: eStargz and zstd:chunked. Pure.

A table lists a layer's entries, and for each file where in the *compressed* blob its content begins. It is trusted
because the manifest has its digest, in an annotation; a table without one is none.

- eStargz (containerd/stargz-snapshotter, docs/estargz.md): a gzip member that holds a tar with one file of JSON; the
  blob's last 51 bytes, an empty gzip member, say where. The annotation is of the JSON.
- zstd:chunked (containers/storage, pkg/chunked): JSON in a zstd frame within a skippable one; annotations say where it
  is and have the digest of the frame.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import msgspec

from scow.errors import Invalid, Limit
from scow.layer.entry import SIZE_LIMIT, TIME_LIMIT, Entry, Kind, judge
from scow.oci.known import known

#: Bytes of a table that are read at most, compressed and as JSON.
TABLE_LIMIT: Final = 64 << 20
#: The length of eStargz's footer, and the file in its table's tar.
FOOTER: Final = 51
TABLE_NAME: Final = b"stargz.index.json"

_STARGZ_DIGEST: Final = "containerd.io/snapshot/stargz/toc.digest"
_CHUNKED: Final = ("io.github.containers.zstd-chunked.", "io.containers.zstd-chunked.")
#: gzip header with an extra field of 26 bytes: subfield SG of 22, an offset in hex, STARGZ (RFC 1952, 2.3.1.1).
_FOOTER: Final = re.compile(rb"\x1f\x8b\x08\x04.{6}\x1a\0SG\x16\0([0-9a-f]{16})STARGZ", re.DOTALL)
_POSITION: Final = re.compile(r"(\d{1,18}):(\d{1,18}):(\d{1,18}):(\d{1,3})")
_TIME: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))")
_KINDS: Final[dict[str, Kind]] = {
    "reg": "file",
    "dir": "dir",
    "symlink": "symlink",
    "hardlink": "hardlink",
    "char": "char",
    "block": "block",
    "fifo": "fifo",
}


class Place(msgspec.Struct, frozen=True):
    """Where a table is: from ``start`` to ``end`` in the blob. ``digest`` is of the bytes there (``packed``), or of
    the JSON in them."""

    start: int
    end: int
    digest: str
    packed: bool


class Piece(msgspec.Struct, frozen=True):
    """A file's content: inflate from ``start`` (to ``end`` at most) and leave out the first ``inner`` bytes."""

    start: int
    end: int
    inner: int = 0


class Table(msgspec.Struct, frozen=True):
    """``entries`` in the layer's order; the ``pieces`` of files that have content, by path."""

    entries: tuple[Entry, ...]
    pieces: Mapping[bytes, Piece]


class _Line(msgspec.Struct, rename="camel"):
    name: str
    type: str
    size: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    modtime: str = ""
    link_name: str = ""
    digest: str = ""
    offset: int = 0
    end_offset: int = 0
    inner_offset: int = 0
    dev_major: int = 0
    dev_minor: int = 0
    xattrs: dict[str, bytes] | None = None


class _Document(msgspec.Struct):
    version: int
    entries: list[_Line]


def stargz(annotations: Mapping[str, str] | None) -> str:
    """The digest of an eStargz layer's table; empty for any other layer."""
    return (annotations or {}).get(_STARGZ_DIGEST, "")


def chunked(annotations: Mapping[str, str] | None, size: int) -> Place | None:
    """Where a zstd:chunked layer of ``size`` bytes has its table; ``None`` for any other layer."""
    for prefix in _CHUNKED:
        digest = (annotations or {}).get(f"{prefix}manifest-checksum")
        found = _POSITION.fullmatch((annotations or {}).get(f"{prefix}manifest-position", ""))
        if digest and found and found[4] == "1":
            return _bounded(Place(int(found[1]), int(found[1]) + int(found[2]), digest, True), size)
    return None


def footer(tail: bytes, size: int, digest: str) -> Place | None:
    """Where an eStargz layer of ``size`` bytes, which ends with ``tail``, has its table."""
    found = _FOOTER.match(tail[-FOOTER:])
    return _bounded(Place(int(found[1], 16), size - FOOTER, digest, False), size) if found else None


def _bounded(place: Place, size: int) -> Place:
    if not 0 <= place.start < place.end <= size:
        raise Invalid("table of contents lies outside of its layer")
    if place.end - place.start > TABLE_LIMIT:
        raise Limit(f"table of contents of {place.end - place.start} bytes is over the limit of {TABLE_LIMIT}")
    return place


def parse(raw: bytes, end: int) -> Table:
    """The table that ``raw`` says, of a layer whose contents end at ``end``. Raises :class:`Invalid`, ``Limit``."""
    try:
        lines = msgspec.json.decode(raw, type=known(_Document)).entries
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"damaged table of contents: {error}") from None
    starts = sorted({line.offset for line in lines if line.type in ("reg", "chunk") and 0 < line.offset < end})
    following = dict(pairwise([*starts, end]))
    last = _last_chunks(lines)
    entries: list[Entry] = []
    pieces: dict[bytes, Piece] = {}
    for line in lines:
        kind = _KINDS.get(line.type)
        entry = judge(_entry(line, kind)) if kind else None
        if entry is None:
            continue
        if entry.kind == "file" and entry.size:
            upto = line.end_offset or following.get(last.get(line.name, line.offset), 0)
            if not 0 < line.offset < upto <= end or line.inner_offset < 0:
                raise Invalid("table of contents tells of no place in its layer", subject=entry.text)
            pieces[entry.path] = Piece(line.offset, upto, line.inner_offset)
        entries.append(entry)
    return Table(tuple(entries), pieces)


def _last_chunks(lines: list[_Line]) -> dict[str, int]:
    """Where the last chunk of each file begins that has several."""
    return {line.name: line.offset for line in lines if line.type == "chunk" and line.offset > 0}


def _entry(line: _Line, kind: Kind) -> Entry:
    """The line as a tar's header would have it."""
    digest = line.digest.removeprefix("sha256:")
    is_file = kind == "file"
    if is_file and (not 0 <= line.size < SIZE_LIMIT or (line.size and not re.fullmatch("[0-9a-f]{64}", digest))):
        raise Invalid("table of contents tells no size or digest", subject=repr(line.name[:80]))
    return Entry(
        line.name.encode(errors="surrogatepass"),
        kind,
        line.mode & 0o7777,
        line.uid & 0xFFFFFFFF,
        line.gid & 0xFFFFFFFF,
        line.size if is_file else 0,
        _nanoseconds(line.modtime),
        line.link_name.encode(errors="surrogatepass") if kind in ("symlink", "hardlink") else b"",
        bytes.fromhex(digest) if is_file and line.size else b"",
        line.offset if is_file else -1,
        line.dev_major & 0xFFF,
        line.dev_minor & 0xFFFFF,
        tuple(sorted((name.encode(), value) for name, value in (line.xattrs or {}).items())),
    )


def _nanoseconds(text: str) -> int:
    """RFC 3339 → nanoseconds since 1970, as far as a layer's times go; what is no time is 1970."""
    found = _TIME.fullmatch(text)
    if found is None:
        return 0
    try:
        seconds = calendar.timegm((*(int(part) for part in found.groups()[:6]), 0, 0, 0))
    except ValueError:  # of a month or year that there is not
        return 0
    if found[8]:
        away = (int(found[9]) * 60 + int(found[10])) * 60
        seconds += -away if found[8] == "+" else away
    return max(-TIME_LIMIT, min(seconds * 10**9 + int((found[7] or "").ljust(9, "0")), TIME_LIMIT))
