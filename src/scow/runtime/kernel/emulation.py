"""Which foreign programs this kernel can start: what is registered with binfmt_misc (Documentation/admin-guide)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from scow.oci.platform import Platform

_REGISTERED: Final = Path("/proc/sys/fs/binfmt_misc")
#: architecture → ELF's e_machine, and its byte order
_MACHINES: Final[dict[str, tuple[int, str]]] = {
    "386": (3, "little"), "amd64": (62, "little"), "arm": (40, "little"), "arm64": (183, "little"),
    "loong64": (258, "little"), "mips64le": (8, "little"), "ppc64le": (21, "little"), "riscv64": (243, "little"),
    "s390x": (22, "big"),
}  # fmt: skip
#: machine → what it runs without help
_NATIVE: Final = {"amd64": ("386",), "arm64": ("arm",)}
_MACHINE_AT: Final = 18  # in an ELF header


def missing(platform: Platform, machine: Platform, registered: Path = _REGISTERED) -> str | None:
    """What ``machine`` lacks to run programs of ``platform``; ``None`` when it can."""
    wanted, here = platform.normalised(), machine.normalised()
    if wanted.os != here.os:
        return f"this machine runs {here.os}"
    if wanted.architecture in (here.architecture, *_NATIVE.get(here.architecture, ())):
        return None
    if wanted.architecture not in _MACHINES:
        return "no emulator is known for it"
    flags = [found for name in _names(registered) if (found := _flags(registered / name, wanted.architecture))]
    if not flags:
        return "no emulator is registered with binfmt_misc"
    if not any("F" in found for found in flags):
        return "its emulator is registered without the flag F, so it cannot be found in a container"
    return None


def _names(registered: Path) -> list[str]:
    try:
        return sorted({*os.listdir(registered)} - {"register", "status"})
    except OSError:
        return []


def _flags(entry: Path, architecture: str) -> str | None:
    """The flags of an entry that is enabled and for this architecture, with a dot before them."""
    try:
        state, *lines = entry.read_text().splitlines()
    except (OSError, ValueError):
        return None
    told = dict(line.replace("flags:", "flags", 1).partition(" ")[::2] for line in lines)
    number, order = _MACHINES[architecture]
    magic = bytes.fromhex(told.get("magic", ""))
    begins = _MACHINE_AT - int(told.get("offset", "0") or 0)
    machine = magic[begins : begins + 2]
    same = state == "enabled" and machine == number.to_bytes(2, "little" if order == "little" else "big")
    return f".{told.get('flags', '').strip()}" if same else None
