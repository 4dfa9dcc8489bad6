"""Upload sessions that outlive the command: where the registry goes on with a blob, a file each.

::

    <digest hex>-<hash of host and repository>.upload     {"location": …, "offset": …}

A location may hold a signature, so the file is its owner's alone. Losing one costs time only.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import msgspec

from scow.errors import ScowError
from scow.files import replacing
from scow.oci.descriptor import Descriptor
from scow.oci.documents import decode, encode

SUFFIX = ".upload"


class Session(msgspec.Struct, frozen=True):
    """``location`` takes what comes after the first ``offset`` bytes."""

    location: str
    offset: int


class Sessions:
    """The sessions of one repository: in memory and, for the next command, in ``directory``, if that is there."""

    def __init__(self, directory: Path | None, host: str, path: str) -> None:
        self._directory = directory
        self._place = hashlib.sha256(f"{host}/{path}".encode()).hexdigest()[:16]
        self._held: dict[str, Session] = {}

    def find(self, descriptor: Descriptor) -> Session | None:
        """The session in which a blob's upload stopped."""
        held = self._held.get(descriptor.digest)
        if held is None and self._directory is not None:
            with contextlib.suppress(OSError, ScowError):
                return decode(self._file(self._directory, descriptor).read_bytes(), Session, "upload session")
        return held

    def keep(self, descriptor: Descriptor, session: Session) -> None:
        """Note how far a blob's upload is."""
        self._held[descriptor.digest] = session
        if self._directory is not None:
            with contextlib.suppress(OSError), replacing(self._file(self._directory, descriptor)) as file:
                file.write(encode(session))

    def forget(self, descriptor: Descriptor) -> None:
        """The upload is done, or the registry knows nothing of it."""
        self._held.pop(descriptor.digest, None)
        if self._directory is not None:
            with contextlib.suppress(OSError):
                self._file(self._directory, descriptor).unlink()

    def _file(self, directory: Path, descriptor: Descriptor) -> Path:
        return directory / f"{descriptor.digest.hex}-{self._place}{SUFFIX}"
