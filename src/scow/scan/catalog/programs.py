"""Programs that say what they were built from: Go's build information, and Rust's with cargo-auditable. Pure.

Go: debug/buildinfo of its standard library is the description. The block begins with a magic on a 16-byte boundary of
the data; since 1.18 the texts follow in it, before there are two pointers to them.
Rust: https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md: JSON, zlib, section ``.dep-v0``.
"""

from __future__ import annotations

import re
import zlib
from itertools import islice
from typing import Final

import msgspec

from scow.scan.catalog.elf import MAGIC, Program
from scow.scan.catalog.reading import PACKAGES_LIMIT, Reading, document, text
from scow.scan.catalog.window import Window
from scow.scan.package import Package

#: programs begin with this; nothing else is looked into
PROGRAM: Final = MAGIC
_GO: Final = re.compile(rb"\xff Go buildinf:")
_GO_SEARCHED: Final = 1 << 20
_TEXT_LIMIT: Final = 4 << 20
_INLINE, _BIG_ENDIAN = 2, 1
_MARKER: Final = 16  # bytes around the module text, for programs that search for it
_RUST_LIMIT: Final = 8 << 20
_GO_VERSION: Final = re.compile(r"go(\d+)\.(\d+)(?:\.(\d+))?(?:(rc|beta)(\d+))?(?:[ -].*)?")


def program(path: bytes, file: Window) -> Reading:
    """The packages in a program; nothing for one that does not say."""
    elf = Program(file)
    packages: list[Package] = []
    reasons: list[str] = []
    for part in (_go(path, elf), _rust(path, elf)):
        packages += part.packages
        reasons += part.reasons
    return Reading(tuple(packages), tuple(reasons))


def _go(path: bytes, elf: Program) -> Reading:
    for place in _go_places(elf):
        searched = place.at(0, _GO_SEARCHED)
        at = next((one.start() for one in _GO.finditer(searched) if one.start() % 16 == 0), None)
        if at is not None:
            version, modules = _go_texts(elf, place.part(at, place.size))
            if not version:
                return Reading(reasons=("is a Go program whose build information cannot be read",))
            return Reading((*_go_standard(path, version), *_go_modules(path, modules)))
    return Reading()


def _go_places(elf: Program) -> list[Window]:
    """Where the block may be: its section, else the data (of a program without section names)."""
    section = elf.sections.get(b".go.buildinfo")
    if section is not None:
        return [section]
    if elf.sections:
        return []
    return [elf.file.part(one.offset, one.size) for one in elf.segments if one.writable]


def _go_texts(elf: Program, block: Window) -> tuple[str, str]:
    """Go's version, and the lines that name the modules."""
    header = block.at(0, 32)
    if len(header) < 32:
        return "", ""
    width, flags = header[14], header[15]
    if flags & _INLINE:
        version, after = _go_inline(block, 32)
        modules, _ = _go_inline(block, after)
    elif width in (4, 8):
        order = ">" if flags & _BIG_ENDIAN else "<"
        version = _go_pointed(elf, block.number(16, width, order), width, order)
        modules = _go_pointed(elf, block.number(16 + width, width, order), width, order)
    else:
        return "", ""
    if len(modules) > 2 * _MARKER and modules[-_MARKER - 1 : -_MARKER] == b"\n":
        modules = modules[_MARKER:-_MARKER]
    return text(version), text(modules)


def _go_inline(block: Window, at: int) -> tuple[bytes, int]:
    """A text with its length before it as a varint, and where it ends."""
    length = shift = 0
    for byte in block.at(at, 10):
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return block.at(at, min(length, _TEXT_LIMIT)), at + length


def _go_pointed(elf: Program, pointer: int, width: int, order: str) -> bytes:
    """The text of a Go string: its header lies at ``pointer``."""
    header = elf.address(pointer, 2 * width)
    where, length = (int.from_bytes(header[at : at + width], "little" if order == "<" else "big") for at in (0, width))
    return elf.address(where, min(length, _TEXT_LIMIT))


def _go_standard(path: bytes, version: str) -> tuple[Package, ...]:
    """Go's own library, in the advisories' terms: ``go1.21rc2`` is ``stdlib`` 1.21.0-rc.2."""
    found = _GO_VERSION.fullmatch(version)
    if not found:
        return (Package("stdlib", version[:100], "golang", "Go", location=path),)
    major, minor, patch, early, number = found.groups()
    told = f"{major}.{minor}.{patch or 0}" + (f"-{early}.{number}" if early else "")
    return (Package("stdlib", told, "golang", "Go", location=path),)


def _go_modules(path: bytes, lines: str) -> list[Package]:
    """``mod``, ``dep`` and, for the one before it, ``=>``: path, version and checksum, with tabs."""
    packages: list[Package] = []
    for line in islice(lines.split("\n"), PACKAGES_LIMIT + 1):
        kind, _, rest = line.partition("\t")
        name, _, rest = rest.partition("\t")
        package = Package(name, rest.partition("\t")[0] or "(devel)", "golang", "Go", location=path)
        if kind == "=>" and packages and name.startswith((".", "/")):  # by a directory: whatever is in there
            packages[-1] = msgspec.structs.replace(packages[-1], version="(devel)")
        elif kind == "=>" and packages:
            packages[-1] = package
        elif kind in ("mod", "dep"):
            packages.append(package)
    return packages


class _Crate(msgspec.Struct):
    name: str = ""
    version: str = ""
    source: str = ""
    kind: str = "runtime"


class _Audit(msgspec.Struct):
    packages: list[_Crate] = []


def _rust(path: bytes, elf: Program) -> Reading:
    section = elf.sections.get(b".dep-v0")
    if section is None:
        return Reading()
    try:
        data = zlib.decompressobj().decompress(section.at(0, _RUST_LIMIT), _RUST_LIMIT)
    except zlib.error:
        return Reading(reasons=("its list of crates is damaged",))
    audit = document(data, _Audit)
    if isinstance(audit, str):
        return Reading(reasons=(f"its list of crates {audit}",))
    return Reading(tuple(_crate(path, one) for one in audit.packages if one.kind != "build"))


def _crate(path: bytes, crate: _Crate) -> Package:
    """A crate. What comes from elsewhere has the name of one on crates.io at most by chance."""
    ecosystem = "crates.io" if crate.source == "crates.io" else ""
    return Package(crate.name, crate.version, "cargo", ecosystem, location=path)
