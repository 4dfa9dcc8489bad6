"""What the machine itself needs for the same bytes: nobody can be faster than these without doing less."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.subject import TAG, Subject


def _layer_paths(subject: Subject) -> list[Path]:
    blobs = subject.layout / "blobs/sha256"
    index = json.loads((subject.layout / "index.json").read_text())
    manifest = json.loads((blobs / index["manifests"][0]["digest"].removeprefix("sha256:")).read_text())
    return [blobs / layer["digest"].removeprefix("sha256:") for layer in manifest["layers"]]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _hash(paths: list[Path]) -> None:
    for path in paths:
        with path.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")


def _inflate(paths: list[Path], place: Path) -> list[Path]:
    tars = []
    for path in paths:
        tars.append(place / f"{path.name[:12]}.tar")
        tars[-1].write_bytes(zlib.decompress(path.read_bytes(), 31))
    return tars


def _extract(tars: list[Path], place: Path) -> None:
    for number, tar in enumerate(tars):
        directory = place / f"layer{number}"
        directory.mkdir()
        subprocess.run(["tar", "--numeric-owner", "-xpf", str(tar), "-C", str(directory)], check=True)


def limits(subject: Subject, place: Path) -> Iterator[str]:
    """One line for each limit, measured now."""
    layers = _layer_paths(subject)
    scratch = place / "limits"
    scratch.mkdir()
    hashing = _seconds(lambda: _hash(layers))
    tars: list[Path] = []
    inflating = _seconds(lambda: tars.extend(_inflate(layers, scratch)))
    extracting = _seconds(lambda: _extract(tars, scratch))

    def hash_tars() -> None:
        _hash(tars)

    plain = sum(tar.stat().st_size for tar in tars)
    yield f"the image {TAG}: {subject.compressed_bytes / 1e6:.0f} MB compressed, {plain / 1e6:.0f} MB as tars"
    plainly = _seconds(hash_tars)
    yield f"limits, one thread each: sha256 of the blobs {hashing:.2f} s, of the inflated bytes {plainly:.2f} s,"
    yield f"zlib inflate and write {inflating:.2f} s, GNU tar extracting the inflated layers {extracting:.2f} s"
    yield "MiB is the largest single process of the command (for docker that is the client, not the daemon)"
