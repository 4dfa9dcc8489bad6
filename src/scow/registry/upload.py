"""A blob on its way out (distribution-spec, "Pushing Blobs").

Mounted from another repository where the registry agrees; else a session (POST) and the whole blob in one PUT, the
form that every registry takes and that costs the fewest round trips. A try that fails starts a session of its own.

A large blob goes in chunks (PATCH): what the registry has acknowledged is not sent again, neither after a broken
connection nor by the next command (:mod:`scow.registry.sessions`). A registry that takes no chunks gets one PUT.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence

from scow.content.target import Source
from scow.errors import Denied, Integrity, NotFound, ScowError
from scow.oci.descriptor import Descriptor
from scow.registry import protocol
from scow.registry.auth import Scopes
from scow.registry.endpoint import Asked, Endpoint
from scow.registry.protocol import Answer
from scow.registry.retry import Trouble
from scow.registry.sessions import Session, Sessions
from scow.registry.transport import Body, Response

#: One write to the socket.
_PIECE = 1 << 20
_CREATED = frozenset({200, 201, 202, 204})
#: Blobs of more bytes go in chunks of so many, the last of which is up to half as large again.
CHUNKED = 128 << 20
CHUNK = 64 << 20
#: The session is gone, or was never meant for chunks.
_NO_CHUNKS = frozenset({400, 404, 405, 411, 416, 501})
_RECEIVED = r"(?:bytes=)?0-(\d{1,18})"
#: Repositories that are tried for a mount; the rest would cost more than they save.
_MOUNTS = 4


class Upload:
    """Sends blobs to repository ``path``."""

    def __init__(self, endpoint: Endpoint, path: str, scopes: Scopes, asked: Asked, sessions: Sessions) -> None:
        self._endpoint = endpoint
        self._sessions = sessions
        self._path = path
        self._scopes = scopes
        self._asked = asked

    def mount(self, descriptor: Descriptor, candidates: Sequence[str]) -> bool:
        """Have the registry take the blob from one of its own repositories. A refusal is not an error."""
        session = self._offered(descriptor, candidates)
        if session:
            self._cancel(session)
        return session is None

    def send(self, descriptor: Descriptor, source: Source, candidates: Sequence[str] = ()) -> None:
        """Mount the blob, or send the bytes; whole and with their digest, or not at all."""
        offered = self._offered(descriptor, candidates)
        if offered is None:
            return
        sessions = iter([offered] if offered else [])
        attempt = self._in_chunks if descriptor.size > CHUNKED else self._whole
        self._endpoint.transport.patiently(lambda: attempt(descriptor, source, next(sessions, "")))

    def _offered(self, descriptor: Descriptor, candidates: Sequence[str]) -> str | None:
        """``None`` once it was mounted; else the session that the last refusal opened, ``""`` when none did."""
        session = ""
        for candidate in candidates[:_MOUNTS]:
            scopes = tuple(sorted({*self._scopes, f"repository:{candidate}:pull"}))
            request = protocol.start_upload(self._path, descriptor.digest, candidate)
            try:
                response = self._endpoint.send(request, scopes)
            except (Denied, NotFound):  # the token server may refuse the other repository's scope
                continue
            status, answer = response.status, response.excerpt()
            if status in (201, 202) and session:
                self._cancel(session)
            if status == 201:
                return None
            if status == 202:  # not there: this opened a session instead
                session = protocol.location(answer, response.url)
        return session

    def _whole(self, descriptor: Descriptor, source: Source, session: str) -> None:
        self._finish(session or self._started(), descriptor, lambda: _pieces(descriptor, source), descriptor.size)

    def _in_chunks(self, descriptor: Descriptor, source: Source, offered: str) -> None:
        session = self._resumed(descriptor)
        if session and offered:
            self._cancel(offered)
        session = session or Session(offered or self._started(), 0)
        while session.offset < descriptor.size:
            left = descriptor.size - session.offset
            length = left if left < CHUNK * 3 // 2 else CHUNK
            following = self._appended(session, descriptor, source, length)
            if following is None and not session.offset:
                self._whole(descriptor, source, "")
                return
            if following is None:
                self._sessions.forget(descriptor)
                raise Trouble("the registry lost the upload", "broken", subject=descriptor.digest)
            session = following
            self._sessions.keep(descriptor, session)
        try:
            self._finish(session.location, descriptor, lambda: (), 0)
        except Trouble:
            raise  # the session may still be there, whole
        except ScowError:
            self._sessions.forget(descriptor)
            raise
        self._sessions.forget(descriptor)

    def _appended(self, session: Session, descriptor: Descriptor, source: Source, length: int) -> Session | None:
        """The session after one more chunk; ``None`` when the registry takes none here."""
        self._trusted(session.location)
        response = self._endpoint.send(
            protocol.append_upload(session.location, session.offset, length),
            self._scopes,
            body=lambda: _pieces(descriptor, source, session.offset, length),
            length=length,
            retry=False,
        )
        if response.status in _NO_CHUNKS:
            response.excerpt()
            return None
        if response.status not in _CREATED:
            raise self._judged(response, descriptor)
        answer = response.excerpt()
        location = answer.headers.get("location")
        following = protocol.same_place(location, response.url) if location else session.location
        end = session.offset + length  # unless less of it is acknowledged
        taken = _received(answer)
        return Session(following, taken if session.offset < taken < end else end)

    def _resumed(self, descriptor: Descriptor) -> Session | None:
        """Where an earlier try stopped, if the registry still knows."""
        known = self._sessions.find(descriptor)
        if known is None:
            return None
        with contextlib.suppress(ScowError):
            self._trusted(known.location)
            response = self._endpoint.send(protocol.Request("GET", known.location), self._scopes, retry=False)
            answer = response.excerpt()
            offset = _received(answer)
            if response.status in _CREATED and 0 < offset <= descriptor.size:
                location = answer.headers.get("location")
                return Session(protocol.same_place(location, response.url) if location else known.location, offset)
        self._sessions.forget(descriptor)
        return None

    def _finish(self, location: str, descriptor: Descriptor, body: Body, length: int) -> None:
        self._trusted(location)
        response = self._endpoint.send(
            protocol.finish_upload(location, descriptor.digest), self._scopes, body=body, length=length, retry=False
        )
        if response.status not in _CREATED:
            raise self._judged(response, descriptor)
        stored = response.excerpt().headers.get("docker-content-digest", descriptor.digest)
        if stored != descriptor.digest and stored.startswith(descriptor.digest.algorithm):
            raise _changed(descriptor, stored)

    def _trusted(self, location: str) -> None:
        if self._endpoint.origin.startswith("https:") and not self._endpoint.transport.trusts(location):
            raise Denied("the registry wants the upload sent over plain http", subject=self._endpoint.host)

    def _started(self) -> str:
        response = self._endpoint.send(protocol.start_upload(self._path), self._scopes, retry=False)
        if response.status not in _CREATED:
            raise self._endpoint.refused(response, self._asked)
        return protocol.location(response.excerpt(), response.url)

    def _judged(self, response: Response, descriptor: Descriptor) -> ScowError:
        error = self._endpoint.refused(response, self._asked)
        return _changed(descriptor, error.problem) if isinstance(error, Integrity) else error

    def _cancel(self, location: str) -> None:
        """Tell the registry that a session is not needed; it forgets sessions by itself in time."""
        try:
            self._endpoint.send(protocol.Request("DELETE", location), self._scopes, retry=False).excerpt()
        except ScowError:
            return


def _received(answer: Answer) -> int:
    """Bytes that the registry has of a session; none and one are both told as 0-0."""
    match = re.fullmatch(_RECEIVED, answer.headers.get("range", ""))
    return int(match[1]) + 1 if match and int(match[1]) else 0


def _pieces(descriptor: Descriptor, source: Source, offset: int = 0, length: int = -1) -> Iterator[bytes]:
    """The blob, or ``length`` bytes of it, in pieces fit for the socket. Raises :class:`Integrity` rather than send
    more or fewer bytes."""
    left = wanted = descriptor.size if length < 0 else length
    with source.open(descriptor, offset) as reader:
        while (piece := reader.read(_PIECE if length < 0 else min(left, _PIECE))) and left >= 0:
            left -= len(piece)
            if left < 0:
                break
            yield piece
            if not left and length >= 0:
                break
    if left:
        raise Integrity(
            "content does not have its size",
            subject=descriptor.digest,
            expected=f"{wanted} bytes",
            actual=f"{wanted - left} bytes" if left > 0 else "more",
        )


def _changed(descriptor: Descriptor, actual: str) -> Integrity:
    return Integrity(
        "content does not have its digest: the registry received something else",
        subject=descriptor.digest,
        expected=descriptor.digest,
        actual=actual,
    )
