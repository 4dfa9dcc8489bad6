"""What the machine itself needs for the same bytes: nobody can be faster than these without doing less.

Of each row the bytes that have to be received (over loopback), hashed, inflated and written are known, and those that
the registry has to take in. Each part is done by itself, on all cores there are, with the fastest that is at hand. The
slowest one is the row's limit; who has both cores busy all the time needs what all parts take one after the other.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

from bench.subject import Subject
from scow.layer.compression import inflated

_PIECE = 256 << 10
#: row -> part -> which files it is done with; a kept file is synced, one that is only written is not.
_PARTS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "pull": {"loopback": ["blobs"], "sha256": ["blobs", "tars"], "inflate": ["blobs"], "write": ["blobs", "tars"]},
    "blobs": {"loopback": ["blobs"], "sha256": ["blobs"], "write": ["blobs"]},
    "push": {"loopback": ["sent"], "sha256": ["sent"], "registry": ["sent"]},
    "save": {"write": ["saved"]},
    "load": {"sha256": ["tars"], "write": ["loaded"]},
}
#: What a row keeps: it is no use before it is on the disk.
_SYNCED = frozenset({"blobs", "loaded", "saved"})


@dataclass
class Machine:
    """The measurements: row -> part -> seconds, a round each."""

    files: dict[str, list[Path]]
    registry: str  # its host
    scratch: Path
    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def round(self, rows: Iterable[str]) -> None:
        """Measure every part of the rows once."""
        for row in rows:
            for part, names in _PARTS.get(row, {}).items():
                if all(self.files.get(name) for name in names):
                    seconds = self._part(part, names)
                    self.seconds.setdefault(row, {}).setdefault(part, []).append(seconds)

    def parts(self, row: str) -> dict[str, float]:
        """Part -> the median of its seconds; nothing for a row without parts."""
        return {part: statistics.median(found) for part, found in self.seconds.get(row, {}).items()}

    def _part(self, part: str, names: Sequence[str]) -> float:
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        os.sync()
        work = [(path, name in _SYNCED) for name in names for path in self.files[name]]
        start = time.perf_counter()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda one: _WORK[part](self, *one), work))
        return time.perf_counter() - start


def machine(subject: Subject, registry: str, archive: Path, place: Path) -> Machine:
    """What there is to measure with."""
    blobs, tars = _layer_paths(subject), []
    (place / "tars").mkdir()
    for blob in blobs:
        tars.append(place / "tars" / blob.name)
        with gzip.open(blob) as plain, tars[-1].open("wb") as file:
            shutil.copyfileobj(plain, file, 1 << 20)
    files = {"blobs": blobs, "tars": tars, "saved": blobs, "loaded": [archive]}
    return Machine(files, registry, place / "limits")


def _layer_paths(subject: Subject) -> list[Path]:
    blobs = subject.layout / "blobs/sha256"
    index = json.loads((subject.layout / "index.json").read_text())
    manifest = json.loads((blobs / index["manifests"][0]["digest"].removeprefix("sha256:")).read_text())
    return [blobs / layer["digest"].removeprefix("sha256:") for layer in manifest["layers"]]


def _receive(machine: Machine, path: Path, synced: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = threading.Thread(target=_send, args=(server, path))
        sender.start()
        with socket.create_connection(server.getsockname()) as line:
            room = bytearray(_PIECE)
            while line.recv_into(room):
                pass
        sender.join()


def _send(server: socket.socket, path: Path) -> None:
    line, _ = server.accept()
    with line, path.open("rb") as file:
        line.sendfile(file)


def _hash(machine: Machine, path: Path, synced: bool) -> None:
    with path.open("rb", buffering=0) as file:
        hashlib.file_digest(file, "sha256")


def _inflate(machine: Machine, path: Path, synced: bool) -> None:
    with path.open("rb", buffering=0) as file:
        plain = inflated(file, "gzip")
        while plain.read():
            pass


def _write(machine: Machine, path: Path, synced: bool) -> None:
    left = path.stat().st_size
    piece = os.urandom(_PIECE)
    with (machine.scratch / f"{path.name}{time.perf_counter_ns()}").open("wb", buffering=0) as file:
        while left > 0:
            left -= file.write(piece)
            if synced and not left % (32 * _PIECE):
                with suppress(OSError):  # advice: begin with what is there
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if synced:
            os.fsync(file.fileno())


def _put(machine: Machine, path: Path, synced: bool) -> None:
    """One request brings a blob that the registry keeps beneath its digest, to another repository."""
    size = {"Content-Length": str(path.stat().st_size)}
    with closing(HTTPConnection(machine.registry, blocksize=_PIECE)) as line, path.open("rb") as file:
        line.request("POST", "/v2/limits/blobs/uploads/")
        with line.getresponse() as begun:
            begun.read()
        line.request("PUT", f"{begun.headers['Location']}&digest=sha256:{path.parent.name}", file, size)
        with line.getresponse() as done:
            if done.status != HTTPStatus.CREATED:
                raise ValueError(f"the registry refuses a blob: {done.status}")


_WORK: Mapping[str, Callable[[Machine, Path, bool], None]] = {
    "loopback": _receive,
    "registry": _put,
    "sha256": _hash,
    "inflate": _inflate,
    "write": _write,
}
