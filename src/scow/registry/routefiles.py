"""Reads the registries' settings: TOML files of rules, and certificates in docker's and containers' directories."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scow.errors import Denied
from scow.registry.hosts import HostSettings

if TYPE_CHECKING:
    from scow.registry.routes import Rule

#: A line that begins a registry's table, or a list of them.
_SPEAKS: Final = rb"""(?m)^\s*(\[[\s\[]*["']?registr|["']?registry["']?\s*=\s*\[)"""


def read_rules(files: Iterable[Path]) -> tuple[Rule, ...]:
    """The rules of the files that are there; of a directory, those of its ``*.conf``. The first one counts.

    A ``.toml`` is ours, and may say nothing that is not known; a ``.conf`` is shared with other tools, and read as far
    as it speaks of registries: most hold long lists of short names.
    """
    told = [(path, raw) for path, raw in _contents(files) if path.suffix == ".toml" or re.search(_SPEAKS, raw)]
    if not told:
        return ()
    from scow.registry.routes import merged, parse

    return merged(parse(raw, str(path), strict=path.suffix == ".toml") for path, raw in told)


def _contents(files: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
    for path in files:
        try:
            if path.is_dir():
                yield from _contents(sorted(path.glob("*.conf"), reverse=True))  # the last one in it counts most
            else:
                yield path, path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            if not os.path.lexists(path):  # HOME is another user's, as where sudo or a pod chose only the user
                continue
            raise Denied(f"cannot read: {(error.strerror or '').lower()}", subject=str(path)) from None


def read_certificates(directories: Iterable[Path]) -> Mapping[str, HostSettings]:
    """Host → what ``DIRECTORY/HOST[:PORT]/`` holds: each ``*.crt`` to trust, the first ``*.cert`` with its ``*.key``
    to show (containers-certs.d(5)). The first directory counts."""
    found: dict[str, HostSettings] = {}
    for directory in directories:
        try:
            homes = sorted(path for path in directory.iterdir() if path.is_dir())
        except OSError:
            continue
        for home in homes:
            if settings := _certificates(home):
                found.setdefault(home.name, settings)
    return found


def _certificates(home: Path) -> HostSettings | None:
    try:
        names = sorted(os.listdir(home))
    except OSError:
        return None
    authorities = tuple(str(home / name) for name in names if name.endswith(".crt"))
    cert = next((name for name in names if name.endswith(".cert")), "")
    key = f"{cert.removesuffix('.cert')}.key"
    if not (authorities or cert):
        return None
    shown = str(home / cert) if cert else None
    return HostSettings(False, authorities, shown, str(home / key) if key in names else None)
