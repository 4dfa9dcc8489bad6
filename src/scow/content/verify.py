"""The one place where bytes from elsewhere are counted and hashed on their way in."""

from __future__ import annotations

from scow.content.target import Reader, Source
from scow.errors import Integrity, Limit
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest, hasher
from scow.oci.documents import DOCUMENT_LIMIT


class Verifier:
    """Counts and hashes what goes by; :meth:`finish` judges it against the descriptor."""

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        self._hash = hasher(descriptor.digest.algorithm, descriptor.size)
        self.size = 0

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes; raises :class:`Integrity` as soon as there are too many."""
        self.size += len(data)
        if self.size > self._descriptor.size:
            raise self._wrong_size(f"more than {self._descriptor.size} bytes")
        self._hash.update(data)

    def finish(self) -> None:
        """Raise :class:`Integrity` unless size and digest are as promised."""
        if self.size != self._descriptor.size:
            raise self._wrong_size(f"{self.size} bytes")
        actual = Digest(f"{self._descriptor.digest.algorithm}:{self._hash.hexdigest()}")
        if actual != self._descriptor.digest:
            raise Integrity(
                "content does not have its digest: it was damaged or changed on the way",
                subject=str(self._descriptor.digest),
                expected=self._descriptor.digest,
                actual=actual,
            )

    def _wrong_size(self, actual: str) -> Integrity:
        return Integrity(
            "content does not have its size: it was cut short or changed on the way",
            subject=str(self._descriptor.digest),
            expected=f"{self._descriptor.size} bytes",
            actual=actual,
        )


def read_document(source: Source, descriptor: Descriptor) -> bytes:
    """A manifest, index or config, whole and verified; bounded by :data:`DOCUMENT_LIMIT`."""
    if descriptor.size > DOCUMENT_LIMIT:
        raise Limit(f"document of {descriptor.size} bytes is over the limit", subject=str(descriptor.digest))
    with source.open(descriptor) as reader:
        data = read_all(reader, descriptor.size + 1)
    verifier = Verifier(descriptor)
    verifier.update(data)
    verifier.finish()
    return data


def read_all(reader: Reader, limit: int) -> bytes:
    """Up to ``limit`` bytes: a reader may hand out fewer at a time than asked for."""
    parts: list[bytes] = []
    left = limit
    while left > 0 and (part := reader.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
