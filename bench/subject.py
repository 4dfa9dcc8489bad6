"""What is measured: an image of 15 000 files and 390 MB, and a build context of 8 000 files and one of 64 MB. Two
contexts more: 50 000 files of which all but one are ignored, and a file of 2 GB.

Both come from a seeded generator, are the same on every machine, and are kept beside the suite's root file systems.
Nothing here is made by scow: the OCI layout is written with tarfile, gzip and json.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import platform
import random
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.rootfs import MTIME, busybox_tar_path, cache_directory, locked

FILES = 15_000
IMAGE_BYTES = 390_000_000
LAYERS = 4
CONTEXT_FILES = 8_000
CONTEXT_BYTES = 32_000_000
RANDOM_BYTES = 64 * 1024 * 1024
IGNORED_FILES = 50_000
LARGE_BYTES = 2 << 30
TAG = "1"
_RECIPE = f"bench-1.{platform.machine()}"
_POOL = 32 * 1024 * 1024

DOCKERFILE = """\
ARG BASE
FROM ${BASE}
WORKDIR /app
COPY . .
RUN find /app -type f | wc -l > /files
CMD ["cat", "/files"]
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """``layout`` is an OCI layout with the tag ``1``; ``context``, ``ignored`` and ``large`` are directories with a
    Dockerfile that builds on it."""

    layout: Path
    context: Path
    ignored: Path
    large: Path

    @property
    def compressed_bytes(self) -> int:
        """The size of all blobs."""
        return sum(path.stat().st_size for path in (self.layout / "blobs/sha256").iterdir())


def _text_pool(chance: random.Random) -> bytes:
    """Words in lines, about as compressible as source text (3x)."""
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 11))) for _ in range(6000)]
    weights = [1 / (rank + 8) for rank in range(len(words))]
    kilobytes = " ".join(chance.choices(words, weights, k=1_000_000)).encode()
    pieces = (kilobytes[(at := chance.randrange(len(kilobytes) - 4000)) : at + 4000] for _ in range(_POOL // 4000))
    return b"\n".join(pieces)


def _binary_pool(chance: random.Random) -> bytes:
    """Half noise, half runs: machine code and images come out near 2x."""
    return b"".join(chance.randbytes(96) + bytes([chance.randrange(256)]) * 96 for _ in range(_POOL // 192))


def _sizes(chance: random.Random, count: int, total: int) -> list[int]:
    """``count`` sizes, most of them small and a few large, whose sum is ``total`` or nearly."""
    drawn = [chance.lognormvariate(0, 2.0) for _ in range(count)]
    scale = total / sum(drawn)
    return [int(size * scale) for size in drawn]


def _contents(chance: random.Random, count: int, total: int) -> Iterator[tuple[str, bytes]]:
    """``(path, content)`` pairs in a tree of directories with about 25 files in each."""
    pools = [("txt", _text_pool(chance)), ("txt", _text_pool(chance)), ("bin", _binary_pool(chance))]
    for number, size in enumerate(_sizes(chance, count, total)):
        suffix, pool = chance.choice(pools)
        start = chance.randrange(len(pool))
        content = (pool[start:] + pool * (size // len(pool) + 1))[:size] if start + size > len(pool) else None
        content = pool[start : start + size] if content is None else content
        yield f"part{number // 500:02d}/dir{number // 25:04d}/file{number:05d}.{suffix}", content


def _write_layer(path: Path, files: list[tuple[str, bytes]], top: str) -> None:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        made: set[str] = set()
        for name, content in files:
            full = f"{top}/{name}"
            parts = full.split("/")[:-1]
            for depth in range(1, len(parts) + 1):
                directory = "/".join(parts[:depth])
                if directory not in made:
                    made.add(directory)
                    member = tarfile.TarInfo(directory)
                    member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, MTIME
                    archive.addfile(member)
            member = tarfile.TarInfo(full)
            member.mode, member.mtime, member.size = 0o644, MTIME, len(content)
            archive.addfile(member, io.BytesIO(content))


class Layout:
    """An OCI image layout being written, or written anew."""

    def __init__(self, path: Path) -> None:
        self.blobs = path / "blobs" / "sha256"
        self.blobs.mkdir(parents=True, exist_ok=True)
        self.path = path

    def add(self, content: bytes, media_type: str) -> dict[str, object]:
        """Write a blob; its descriptor."""
        encoded = hashlib.sha256(content).hexdigest()
        (self.blobs / encoded).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{encoded}", "size": len(content)}

    def finish(self, layers: list[dict[str, object]], diff_ids: list[str]) -> None:
        """Write config, manifest, index and marker."""
        architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        config = {
            "created": "2024-01-01T00:00:00Z", "architecture": architecture, "os": "linux",
            "config": {"Env": ["PATH=/bin:/sbin:/usr/bin"], "Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [{"created": "2024-01-01T00:00:00Z", "created_by": f"layer {i}"} for i in range(len(layers))],
        }  # fmt: skip
        manifest = {
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.add(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
            "layers": layers,
        }  # fmt: skip
        described = self.add(json.dumps(manifest).encode(), str(manifest["mediaType"]))
        described["annotations"] = {"org.opencontainers.image.ref.name": TAG}
        (self.path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))
        (self.path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def _make_image(path: Path) -> None:
    chance = random.Random(20240101)  # noqa: S311
    files = list(_contents(chance, FILES, IMAGE_BYTES))
    layout, layers, diff_ids = Layout(path), [], []
    tars = [busybox_tar_path()]
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        for number in range(LAYERS):
            tars.append(Path(scratch) / f"{number}.tar")
            _write_layer(tars[-1], files[number::LAYERS], f"usr/share/layer{number}")
        for tar in tars:
            content = tar.read_bytes()
            diff_ids.append(f"sha256:{hashlib.sha256(content).hexdigest()}")
            zipped = gzip.compress(content, compresslevel=6, mtime=0)
            layers.append(layout.add(zipped, "application/vnd.oci.image.layer.v1.tar+gzip"))
    layout.finish(layers, diff_ids)


def _make_context(path: Path) -> None:
    chance = random.Random(20240202)  # noqa: S311
    path.mkdir()
    for name, content in _contents(chance, CONTEXT_FILES, CONTEXT_BYTES):
        file = path / "src" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (path / "random.bin").write_bytes(chance.randbytes(RANDOM_BYTES))
    (path / "Dockerfile").write_text(DOCKERFILE)
    (path / ".dockerignore").write_text(".git\n**/*.log\n")


def _make_ignored(path: Path) -> None:
    for number in range(IGNORED_FILES):
        file = path / f"part{number // 1000:02d}" / f"dir{number // 50:04d}" / f"file{number:05d}.txt"
        if number % 50 == 0:
            file.parent.mkdir(parents=True)
        file.write_text(f"{number}\n")
    (path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY . /one/\n")
    (path / ".dockerignore").write_text("**\n!part49/dir0999/file49999.txt\n")


def _make_large(path: Path) -> None:
    path.mkdir()
    with (path / "large.bin").open("wb") as file:
        piece = random.Random(20240303).randbytes(RANDOM_BYTES)  # noqa: S311
        for _ in range(LARGE_BYTES // len(piece)):
            file.write(piece)
    (path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY . /large/\n")


def _kept(name: str, make: Callable[[Path], None]) -> Path:
    path = cache_directory() / f"{_RECIPE}.{name}"
    with locked(path.with_name(f".{path.name}.lock")):
        if not path.exists():
            making = path.with_name(f".making-{path.name}")
            shutil.rmtree(making, ignore_errors=True)
            make(making)
            making.rename(path)
    return path


def prepare(place: Path) -> Subject:
    """The subject, made when this machine has none yet; the context is a copy in ``place`` that may be changed."""
    context = place / "context"
    shutil.copytree(_kept("context", _make_context), context)
    more = _kept("ignored", _make_ignored), _kept("large", _make_large)
    return Subject(_kept("image", _make_image), context, *more)


def change_one_file(context: Path, salt: str) -> None:
    """Make one small file of the context say something that it never said before."""
    (context / "src" / "changed.txt").write_text(f"{salt} {os.urandom(8).hex()}\n")
