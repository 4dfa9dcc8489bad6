"""What keeps a container while nobody looks: scow's monitor, launcher and supervisor; conmon; a shim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path


def keepers_mib(words: Sequence[str]) -> float:
    """The memory of all processes above the one with the command line ``words``, but for init: PSS, in MiB."""
    command = b"".join(word.encode() + b"\0" for word in words)
    (found,) = (one for one in Path("/proc").glob("[0-9]*") if _read(one / "cmdline") == command)
    return sum(_pss_kib(one) for one in _above(found)) / 1024


def _above(process: Path) -> Iterator[Path]:
    parent = _parent(process)
    while parent.name not in ("0", "1"):
        yield parent
        parent = _parent(parent)


def _parent(process: Path) -> Path:
    return process.with_name(_read(process / "stat").rpartition(b")")[2].split()[1].decode())


def _pss_kib(process: Path) -> int:
    lines = _read(process / "smaps_rollup").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(b"Pss:"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
