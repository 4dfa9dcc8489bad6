"""A blob on its way into the store: checked while it is written, and gone on with where an earlier try ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from scow.content.target import Reader, Source
from scow.content.verify import Verifier
from scow.files import regular
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest

_CHUNK: Final = 1 << 20
_PIECE: Final = 4 << 20


class Growing:
    """A file that is written to from its ``size`` on: what is there is sent to the disk while more arrives, so that
    there is little left to sync."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size, self._sent = file, size, size

    def write(self, data: bytes | bytearray, /) -> None:
        """Append all of it. Advice on dirty pages starts writing them (mm/fadvise.c), and leaves them in the cache."""
        view = memoryview(data)
        while len(view):
            view = view[self._file.write(view) :]
        self._size += len(data)
        if self._size - self._sent >= _PIECE and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file.fileno(), self._sent, self._size - self._sent, os.POSIX_FADV_DONTNEED)
            self._sent = self._size


class BlobDraft(Growing):
    """A blob being written; :meth:`keep` gives it its name, by ``settle``."""

    def __init__(self, file: BinaryIO, path: Path, settle: Callable[[BinaryIO, Path, Digest], None]) -> None:
        super().__init__(file, 0)
        self._path, self._settle = path, settle

    def keep(self, digest: Digest) -> None:
        """Put it in place; the caller hashed what it wrote."""
        self._settle(self._file, self._path, digest)


@contextlib.contextmanager
def taking_turns(path: Path) -> Iterator[BinaryIO]:
    """``path`` open for reading and writing, locked; another command may rename it away while we wait."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = regular(path, os.O_RDWR | os.O_CREAT)
        with os.fdopen(fd, "r+b", buffering=0) as file:
            fcntl.flock(fd, fcntl.LOCK_EX)
            try:
                same = os.path.samestat(os.fstat(fd), os.stat(path))
            except FileNotFoundError:
                same = False
            if same:
                yield file
                return


def fill(file: BinaryIO, descriptor: Descriptor, source: Source, watch: Callable[[bytes], None] | None = None) -> None:
    """Bring to ``file`` what it lacks of the blob. ``watch`` sees every byte, and ``b""`` once all are what they should
    be. Raises :class:`~scow.errors.Integrity` when they are not."""
    verifier = Verifier(descriptor)
    for chunk in _chunks(file, verifier):
        if watch:
            watch(chunk)
    if verifier.size < descriptor.size or not descriptor.size:
        growing = Growing(file, verifier.size)
        with source.open(descriptor, verifier.size) as reader:
            for chunk in _chunks(reader, verifier):
                growing.write(chunk)
                if watch:
                    watch(chunk)
    verifier.finish()
    if watch:
        if descriptor.size > _PIECE:
            os.fsync(file.fileno())  # beside who watches, who has some MiB to do yet
        watch(b"")


def _chunks(reader: Reader, verifier: Verifier) -> Iterator[bytes]:
    while chunk := reader.read(_CHUNK):
        verifier.update(chunk)
        yield chunk
