"""A blob on its way out (distribution-spec, "Pushing Blobs").

Mounted from another repository where the registry agrees; else a session (POST) and the whole blob in one PUT, the
form that every registry takes and that costs the fewest round trips. A try that fails starts a session of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scow.content.target import Source
from scow.errors import Denied, Integrity, NotFound, ScowError
from scow.oci.descriptor import Descriptor
from scow.registry import protocol
from scow.registry.auth import Scopes
from scow.registry.endpoint import Contexts, Endpoint
from scow.registry.transport import Response

#: One write to the socket.
_PIECE = 1 << 20
_CREATED = frozenset({200, 201, 202, 204})
#: Repositories that are tried for a mount; the rest would cost more than they save.
_MOUNTS = 4


class Upload:
    """Sends blobs to repository ``path``."""

    def __init__(self, endpoint: Endpoint, path: str, scopes: Scopes, contexts: Contexts) -> None:
        self._endpoint = endpoint
        self._path = path
        self._scopes = scopes
        self._contexts = contexts

    def mount(self, descriptor: Descriptor, candidates: Sequence[str]) -> bool:
        """Have the registry take the blob from one of its own repositories. A refusal is not an error."""
        for candidate in candidates[:_MOUNTS]:
            scopes = tuple(sorted({*self._scopes, f"repository:{candidate}:pull"}))
            request = protocol.start_upload(self._path, descriptor.digest, candidate)
            try:
                response = self._endpoint.send(request, scopes)
            except (Denied, NotFound):  # the token server may refuse the other repository's scope
                continue
            status, answer = response.status, response.excerpt()
            if status == 201:
                return True
            if status == 202:  # not there: this opened a session instead, which is not wanted yet
                self._cancel(protocol.location(answer, response.url))
        return False

    def send(self, descriptor: Descriptor, source: Source) -> None:
        """Send the bytes; whole and with their digest, or not at all."""
        self._endpoint.transport.patiently(lambda: self._attempt(descriptor, source))

    def _attempt(self, descriptor: Descriptor, source: Source) -> None:
        location = self._started()
        if self._endpoint.origin.startswith("https:") and not self._endpoint.transport.trusts(location):
            raise Denied("the registry wants the upload sent over plain http", subject=self._endpoint.host)
        response = self._endpoint.send(
            protocol.finish_upload(location, descriptor.digest),
            self._scopes,
            body=lambda: _pieces(descriptor, source),
            length=descriptor.size,
            retry=False,
        )
        if response.status not in _CREATED:
            raise self._judged(response, descriptor)
        stored = response.excerpt().headers.get("docker-content-digest", descriptor.digest)
        if stored != descriptor.digest and stored.startswith(descriptor.digest.algorithm):
            raise _changed(descriptor, stored)

    def _started(self) -> str:
        response = self._endpoint.send(protocol.start_upload(self._path), self._scopes, retry=False)
        if response.status not in _CREATED:
            raise self._endpoint.refused(response, self._contexts)
        return protocol.location(response.excerpt(), response.url)

    def _judged(self, response: Response, descriptor: Descriptor) -> ScowError:
        error = self._endpoint.refused(response, self._contexts)
        return _changed(descriptor, error.problem) if isinstance(error, Integrity) else error

    def _cancel(self, location: str) -> None:
        """Tell the registry that a session is not needed; it forgets sessions by itself in time."""
        try:
            self._endpoint.send(protocol.Request("DELETE", location), self._scopes, retry=False).excerpt()
        except ScowError:
            return


def _pieces(descriptor: Descriptor, source: Source) -> Iterator[bytes]:
    """The blob in pieces fit for the socket. Raises :class:`Integrity` rather than send more or fewer bytes."""
    left = descriptor.size
    with source.open(descriptor) as reader:
        while piece := reader.read(_PIECE):
            left -= len(piece)
            if left < 0:
                break
            yield piece
    if left:
        raise Integrity(
            "content does not have its size",
            subject=descriptor.digest,
            expected=f"{descriptor.size} bytes",
            actual=f"{descriptor.size - left} bytes" if left > 0 else "more",
        )


def _changed(descriptor: Descriptor, actual: str) -> Integrity:
    return Integrity(
        "content does not have its digest: the registry received something else",
        subject=descriptor.digest,
        expected=descriptor.digest,
        actual=actual,
    )
