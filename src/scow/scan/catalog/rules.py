"""Which files say something, and who reads them: one table. Pure.

A pattern's last part is a name, ``*.ext``, ``*`` or what stands between; ``**/`` means any directories or none. What
is executable, or a ``.so``, is looked at for its first bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

import msgspec

from scow.scan.catalog import (
    apk,
    chisel,
    documents,
    dpkg,
    java,
    lockfiles,
    osrelease,
    pacman,
    programs,
    python,
    rpm,
    ruby,
    sbom,
)
from scow.scan.catalog.reading import Reading
from scow.scan.catalog.window import Window

_KIB: Final = 1 << 10
_MIB: Final = 1 << 20


class Rule(msgspec.Struct, frozen=True):
    """``read`` is handed the whole file, at most ``limit`` bytes; ``search`` instead looks around in it.

    ``requested``: what the file says counts only where lockfiles are asked for.
    """

    pattern: str
    read: Callable[[bytes, bytes], Reading] | None = None
    search: Callable[[bytes, Window], Reading] | None = None
    limit: int = 4 * _MIB
    requested: bool = False


#: Executable files that begin as programs do.
PROGRAMS: Final = Rule("", search=programs.program, limit=2048 * _MIB)

RULES: Final = (
    Rule("etc/os-release", osrelease.os_release, limit=64 * _KIB),
    Rule("usr/lib/os-release", osrelease.os_release, limit=64 * _KIB),
    Rule("var/lib/dpkg/status", dpkg.status, limit=32 * _MIB),
    Rule("var/lib/dpkg/status.d/*.md5sums", dpkg.sums),
    Rule("var/lib/dpkg/status.d/*", dpkg.status),
    Rule("var/lib/dpkg/info/*.list", dpkg.files, limit=16 * _MIB),
    Rule("var/lib/chisel/manifest.wall", chisel.manifest, limit=16 * _MIB),
    Rule("lib/apk/db/installed", apk.installed, limit=64 * _MIB),
    Rule("usr/lib/apk/db/installed", apk.installed, limit=64 * _MIB),
    Rule("var/lib/pacman/local/*/desc", pacman.desc),
    Rule("var/lib/pacman/local/*/files", pacman.files, limit=16 * _MIB),
    *(Rule(path, search=rpm.database, limit=512 * _MIB) for path in rpm.DATABASES),
    Rule("var/lib/rpm/rpmdb.sqlite-wal", rpm.journal, limit=64 * _MIB),
    Rule("usr/lib/sysimage/rpm/rpmdb.sqlite-wal", rpm.journal, limit=64 * _MIB),
    Rule("var/lib/rpmmanifest/container-manifest-2", rpm.manifest),
    Rule("**/*.dist-info/METADATA", python.metadata),
    Rule("**/*.egg-info/PKG-INFO", python.metadata),
    Rule("**/EGG-INFO/PKG-INFO", python.metadata),
    Rule("**/*.egg-info", python.metadata),
    Rule("**/conda-meta/*.json", python.conda, limit=32 * _MIB),
    Rule("**/node_modules/*/package.json", documents.npm),
    Rule("**/node_modules/@*/*/package.json", documents.npm),
    Rule("**/package-lock.json", lockfiles.package_lock, limit=16 * _MIB, requested=True),
    Rule("**/npm-shrinkwrap.json", lockfiles.package_lock, limit=16 * _MIB, requested=True),
    Rule("**/yarn.lock", lockfiles.yarn_lock, limit=16 * _MIB, requested=True),
    Rule("**/pnpm-lock.yaml", lockfiles.pnpm_lock, limit=16 * _MIB, requested=True),
    Rule("**/specifications/*.gemspec", ruby.gemspec),
    Rule("**/specifications/default/*.gemspec", ruby.gemspec),
    Rule("**/composer/installed.json", documents.composer, limit=16 * _MIB),
    Rule("**/*.deps.json", documents.dotnet, limit=16 * _MIB),
    Rule("opt/bitnami/**/.spdx-*.spdx", sbom.bill, limit=16 * _MIB),
    Rule("var/lib/db/sbom/*.spdx.json", sbom.bill, limit=16 * _MIB),
    Rule("**/*.cdx.json", sbom.bill, limit=16 * _MIB),
    Rule("**/*.spdx.json", sbom.bill, limit=16 * _MIB),
    *(Rule(f"**/*{ending.decode()}", search=java.archive, limit=1024 * _MIB) for ending in java.ARCHIVES),
)


@cache
def _pattern(pattern: str) -> re.Pattern[bytes]:
    """Compiled when the first path asks for it: most images are of few kinds."""
    text = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
    return re.compile(text.encode(), re.DOTALL)


def _sorted_in(rules: Sequence[Rule]) -> Mapping[bytes, Sequence[Rule]]:
    """The rules by what finds them quickly: a last part's ending after its last dot, its whole name, or ``*``."""
    found: dict[bytes, list[Rule]] = {}
    for rule in rules:
        last = rule.pattern.rpartition("/")[2]
        key = last.rpartition(".")[2] if "*" in last else last
        found.setdefault(key.encode(), []).append(rule)
    return found


_BY_KEY: Final = _sorted_in(RULES)
#: What a Python package carries of others in itself is a part of it: pip lists none of it, and upgrades the whole. Some
#: carry a bill of it too (pip's ``_vendor/bom.cdx.json``). What pip or npm renamed, to ``~x`` or ``.x-<8 letters>``, it
#: was removing when it was stopped; neither lists it.
_NOT_INSTALLED: Final = re.compile(
    rb"(?:^|/)(?:(?:site|dist)-packages/(?:~|.*/_vendor/)|node_modules/(?:@[^/]+/)?\.[^/]+-[A-Za-z0-9]{8}/)", re.DOTALL
)
#: directories in which any name counts
_ANY_NAME: Final = tuple(rule.pattern[:-1].encode() for rule in RULES if rule.pattern.endswith("/*"))


def rule_for(path: bytes) -> Rule | None:
    """Who reads the file at ``path``, by its name alone."""
    name = path[path.rfind(b"/") + 1 :]
    candidates = _BY_KEY.get(name) or _BY_KEY.get(name[name.rfind(b".") + 1 :]) or ()
    if path.startswith(_ANY_NAME):
        candidates = (*candidates, *_BY_KEY[b"*"])
    if not candidates or _NOT_INSTALLED.search(path):  # nearly every path has none
        return None
    return next((rule for rule in candidates if _pattern(rule.pattern).fullmatch(path)), None)
