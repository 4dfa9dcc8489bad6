"""Layers in eStargz, as its specification says (containerd/stargz-snapshotter, docs/estargz.md): our own few lines."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import tarfile
import zlib
from datetime import UTC, datetime
from typing import Any

CHUNK = 1 << 20
ANNOTATION = "containerd.io/snapshot/stargz/toc.digest"
_TYPES = {tarfile.REGTYPE: "reg", tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink"}


def estargz(plain: bytes, chunk: int = CHUNK) -> tuple[bytes, bytes, str]:
    """The blob, its plain bytes and the digest of its table of contents, for a plain tar."""
    blob, lines, taken = io.BytesIO(), [], 0
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        for member in archive:
            blob.write(gzip.compress(plain[taken : member.offset_data], mtime=0))
            lines += _lines(member, plain, blob, chunk)
            taken = member.offset_data + (member.size if member.isreg() else 0)
        padded = -taken % 512
    blob.write(gzip.compress(plain[taken : taken + padded], mtime=0))
    table = json.dumps({"version": 1, "entries": lines}).encode()
    start = blob.tell()
    tar = _tar_of(table)
    blob.write(gzip.compress(tar, mtime=0) + footer(start))
    return blob.getvalue(), plain[: taken + padded] + tar, f"sha256:{hashlib.sha256(table).hexdigest()}"


def _lines(member: tarfile.TarInfo, plain: bytes, blob: io.BytesIO, chunk: int) -> list[dict[str, Any]]:
    line: dict[str, Any] = {
        "name": member.name, "type": _TYPES[member.type], "mode": member.mode, "uid": member.uid, "gid": member.gid,
        "modtime": datetime.fromtimestamp(member.mtime, UTC).isoformat(), "linkName": member.linkname,
    }  # fmt: skip
    if not member.isreg():
        return [line]
    data = plain[member.offset_data : member.offset_data + member.size]
    line |= {"size": len(data), "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "offset": blob.tell()}
    lines = [line]
    for at in range(0, len(data), chunk):
        if at:
            lines.append({"name": member.name, "type": "chunk", "offset": blob.tell(), "chunkOffset": at})
        blob.write(gzip.compress(data[at : at + chunk], mtime=0))
    return lines


def _tar_of(table: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("stargz.index.json")
        member.size = len(table)
        archive.addfile(member, io.BytesIO(table))
    return out.getvalue()


def footer(start: int) -> bytes:
    """An empty gzip member of 51 bytes whose extra field says where the table is."""
    told = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % start
    head = b"\x1f\x8b\x08\x04" + bytes(4) + b"\0\xff" + struct.pack("<H", len(told)) + told
    return head + b"\x01\0\0\xff\xff" + struct.pack("<II", zlib.crc32(b""), 0)
