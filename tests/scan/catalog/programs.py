"""ELF programs made by hand: no code, only the sections and segments that are read."""

from __future__ import annotations

import json
import struct
import zlib

#: class -> formats of the header (with e_ident apart), a segment, a section
_HEADERS = {1: "HHIIIIIHHHHHH", 2: "HHIQQQIHHHHHH"}
_SECTIONS = {1: "IIIIIIIIII", 2: "IIQQQQIIQQ"}
_BASE = 0x400000


def elf(sections: dict[bytes, bytes], *, wide: bool = True, big_endian: bool = False, named: bool = True) -> bytes:
    """A program with ``sections``, all of them in one writable segment that is mapped from 0x400000 on."""
    kind, order = (2 if wide else 1), (">" if big_endian else "<")
    names = b"\0" + b"".join(name + b"\0" for name in [*sections, b".shstrtab"])
    header = struct.calcsize(order + _HEADERS[kind]) + 16
    segment_size = 56 if wide else 32
    at = -(-(header + segment_size) // 16) * 16
    body, rows = b"", [(0, 0, 0)]
    for name, data in [*sections.items(), (b".shstrtab", names)]:
        rows.append((names.index(b"\0" + name + b"\0") + 1, at + len(body), len(data)))
        body += data + bytes(-len(data) % 16)
    end = at + len(body)
    if wide:
        segment = struct.pack(f"{order}IIQQQQQQ", 1, 6, 0, _BASE, _BASE, end, end, 4096)
    else:
        segment = struct.pack(f"{order}IIIIIIII", 1, 0, _BASE, _BASE, end, end, 6, 4096)
    table = b"".join(
        struct.pack(order + _SECTIONS[kind], name, 1, 3, _BASE + start, start, size, 0, 0, 16, 0)
        for name, start, size in rows
    )
    count, shoff = (len(rows), end) if named else (0, 0)
    ident = b"\x7fELF" + bytes([kind, 2 if big_endian else 1, 1]) + bytes(9)
    fields = (2, 62, 1, _BASE, header, shoff, 0, header, segment_size, 1, 64 if wide else 40, count, max(0, count - 1))
    raw = ident + struct.pack(order + _HEADERS[kind], *fields) + segment
    return raw.ljust(at, b"\0") + body + (table if named else b"") + bytes(4096)  # real ones are larger still


MODULES = "path\texample.com/app\nmod\texample.com/app\t(devel)\t\ndep\tgolang.org/x/text\tv0.3.5\th1:abc=\n" \
    "dep\texample.com/old\tv1.0.0\n=>\texample.com/new\tv1.1.0\th1:x=\nbuild\t-compiler=gc\n"  # fmt: skip


def framed(modules: str) -> bytes:
    """The module text between the marks that programs search for."""
    return b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6" + modules.encode() + b"\xf9" * 16


def _varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def go(version: str = "go1.20.3", modules: str = MODULES, **form: bool) -> bytes:
    """A program as Go 1.18 and newer make them: the texts stand in the block."""
    texts = b"".join(_varint(len(one)) + one for one in (version.encode(), framed(modules)))
    return elf({b".go.buildinfo": b"\xff Go buildinf:" + b"\x08\x02" + bytes(16) + texts}, **form)


def old_go(version: str = "go1.16.7", modules: str = MODULES, *, wide: bool = True, big_endian: bool = False,
           named: bool = True) -> bytes:  # fmt: skip
    """A program as older ones make them: pointers to the headers of two strings."""
    width, order = (8, "big" if big_endian else "little") if wide else (4, "big" if big_endian else "little")
    texts = version.encode(), framed(modules)
    at = _BASE + (128 if wide else 96)

    def word(number: int) -> bytes:
        return number.to_bytes(width, order)  # type: ignore[arg-type]

    heads = at + 32
    first = heads + 4 * width
    strings = (
        word(first) + word(len(texts[0])) + word(first + len(texts[0])) + word(len(texts[1])) + texts[0] + texts[1]
    )
    block = b"\xff Go buildinf:" + bytes([width, big_endian]) + word(heads) + word(heads + 2 * width)
    return elf({b".go.buildinfo": block.ljust(32, b"\0") + strings}, wide=wide, big_endian=big_endian, named=named)


def rust(packages: list[dict[str, object]]) -> bytes:
    """A program as cargo-auditable makes them."""
    return elf({b".text": b"code", b".dep-v0": zlib.compress(json.dumps({"packages": packages}).encode())})
