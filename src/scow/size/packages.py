"""Sizes by package of the operating system, from the lists that dpkg and apk keep. Pure: their bytes come in.

dpkg has a list of paths for each package (``info/NAME.list``; distroless images ``status.d/NAME.md5sums``), apk one
document for all (``installed``: ``P:`` a package, ``F:`` a directory, ``R:`` a file in it). rpm's databases are read by
:mod:`scow.scan.catalog.rpm`; the engine brings the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from scow.size.analysis import PackageSize
from scow.size.fates import File

#: Where the lists are, as a pattern on a path.
LISTS: Final = re.compile(
    rb"var/lib/dpkg/(?:info/[^/]+\.list|status\.d/[^/]+\.md5sums)|lib/apk/db/installed|usr/lib/apk/db/installed"
)
_TO_BUILD: Final = re.compile(
    r"(?:build-essential|dpkg-dev|binutils.*|make|cmake.*|ninja-build|autoconf|automake|autotools-dev|libtool|bison"
    r"|flex|gdb|patch|pkgconf.*|pkg-config|fakeroot|meson|rustc|cargo|golang(?:-.*)?|default-jdk.*|openjdk-.*-jdk.*"
    r"|(?:gcc|g\+\+|cpp|clang|llvm)(?:-.*)?|lib(?:gcc|stdc\+\+|asan|tsan|ubsan|lsan|hwasan|cc1|itm|quadmath)[-.0-9]*-?dev"
    r"|musl-dev|.+-dev(?:el)?)"
)
_NOT_TO_BUILD: Final = re.compile(r"gcc-\d+(?:\.\d+)?-base|libgcc.*(?<!-dev)|llvm-\d+-runtime")


def to_build_with(package: str) -> bool:
    """Whether a package only serves to build others: compilers, headers, build systems."""
    return bool(package and _TO_BUILD.fullmatch(package) and not _NOT_TO_BUILD.fullmatch(package))


def owners(owned: Iterable[tuple[bytes, str]], real: Callable[[bytes], bytes]) -> dict[bytes, str]:
    """Path → package, from (path, package) of every list; ``real`` says where a directory really lies."""
    known: dict[bytes, str] = {}
    parents: dict[bytes, bytes] = {}
    for path, package in owned:
        parent, _, name = path.rpartition(b"/")
        at = parents.get(parent)
        if at is None:
            at = parents[parent] = real(parent)
        known[at + b"/" + name if at else name] = package
    return known


def listed(path: bytes, content: bytes) -> Iterator[tuple[bytes, str]]:
    """(path, package) of every file that the list at ``path`` tells of."""
    name = path.rpartition(b"/")[2]
    if name == b"installed":
        yield from _apk(content)
        return
    package = name.rpartition(b".")[0].partition(b":")[0].decode(errors="backslashreplace")
    for line in content.split(b"\n"):
        owned = line.partition(b"  ")[2] if name.endswith(b".md5sums") else line
        if len(owned) > 1:
            yield owned.strip(b"/"), package


def _apk(content: bytes) -> Iterator[tuple[bytes, str]]:
    package, directory = "", b""
    for line in content.split(b"\n"):
        field, value = line[:2], line[2:]
        if field == b"P:":
            package = value.decode(errors="backslashreplace")
        elif field == b"F:":
            directory = value
        elif field == b"R:":
            yield (directory + b"/" + value if directory else value), package


def sizes(files: Iterable[File], owned: Mapping[bytes, str]) -> tuple[PackageSize, ...]:
    """What the packages' files in the final file system weigh, the largest first."""
    totals: dict[str, list[int]] = {}
    for file in files:
        package = owned.get(file.entry.path)
        if package and not file.fate:
            total = totals.setdefault(package, [0, 0])
            total[0] += file.entry.size
            total[1] += 1
    found = (PackageSize(name, size, count) for name, (size, count) in totals.items())
    return tuple(sorted(found, key=lambda one: (-one.size, one.name)))
