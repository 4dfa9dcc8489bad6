"""A blob on its way in: picked up where the connection left it."""

from __future__ import annotations

import re
from collections.abc import Callable

from scow.errors import Integrity, Unavailable, Unsupported
from scow.oci.descriptor import Descriptor
from scow.registry import protocol
from scow.registry.retry import Trouble
from scow.registry.transport import PIECE, Response, Transport

#: A connection that breaks again and again, even with a little progress each time, is given up at some point.
_REOPEN_LIMIT = 500
_CONTENT_RANGE = r"(?i:bytes)\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)"

#: Asks for the blob from an offset on, with or without patience of its own; raises what a refusal stands for.
OpenAt = Callable[[int, bool], Response]


class Download:
    """Reads a blob from ``offset`` on, to ``end`` or its own end: a Reader and a context manager. The bytes are not
    verified here.

    When the connection breaks it asks again from where it stands, patiently; progress renews the patience. With an
    ``end``, :class:`Unsupported` is raised where the registry does not answer with a part.
    """

    def __init__(
        self, descriptor: Descriptor, offset: int, open_at: OpenAt, transport: Transport, end: int | None = None
    ) -> None:
        self._descriptor = descriptor
        self._position = offset
        self._is_part, self._end = end is not None, descriptor.size if end is None else end
        self._open_at = open_at
        self._pauses = transport.pauses()
        self._reopened = 0
        self._response: Response | None = None
        if offset < self._end:
            try:
                self._response = self._opened(True)
            except Trouble as trouble:
                self._reopen(trouble)

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, as many as have arrived, up to ``size``; ``b""`` at the end."""
        while self._response is not None:
            trouble: Trouble | None = None
            try:
                data = self._response.read(self._due(size))
            except Trouble as error:
                data, trouble = b"", error
            if data:
                self._position += len(data)
                self._pauses.reset()
                return data
            if size == 0 or self._position >= self._end:
                return b""
            if not self._reopen(trouble):
                return b""
        return b""

    def _due(self, size: int) -> int:
        """A part is all that is handed out, whatever the registry sends."""
        left = self._end - self._position
        return size if not self._is_part else left if size < 0 else min(size, left)

    def close(self) -> None:
        """Let go of the connection."""
        if self._response is not None:
            self._response.close()
            self._response = None

    def __enter__(self) -> Download:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _reopen(self, trouble: Trouble | None) -> bool:
        """Ask for the rest. False: the registry ends there every time, and the verifier will say so."""
        self.close()
        while True:
            self._reopened += 1
            if self._reopened > _REOPEN_LIMIT:
                raise Unavailable("the download broke off too often", subject=self._descriptor.digest)
            try:
                self._pauses.rest(trouble or Trouble("the download ended early", "timeout"))
            except Unavailable:
                if trouble is None:
                    return False
                raise
            try:
                self._response = self._opened(False)
            except Trouble as error:
                trouble = error
            else:
                return self._response is not None

    def _opened(self, patient: bool) -> Response | None:
        response = self._open_at(self._position, patient)
        try:
            if response.status == 416:  # the registry has no more than what came already
                response.excerpt()
                return None
            start = self._judged(response)
            _skip(response, self._position - start)
        except BaseException:
            response.close()
            raise
        return response

    def _judged(self, response: Response) -> int:
        """Where the response starts, its size being the promised one."""
        if self._is_part and response.status != 206:
            raise Unsupported("the registry hands out whole blobs only", subject=self._descriptor.digest)
        start, total = 0, protocol.length(response.headers)
        if response.status == 206:
            match = re.fullmatch(_CONTENT_RANGE, response.headers.get("content-range", "").strip())
            if match is None or int(match[1]) > self._position:
                raise Unavailable("answered with another range than was asked for", subject=self._descriptor.digest)
            start, total = int(match[1]), None if match[3] == "*" else int(match[3])
        if total not in (None, self._descriptor.size):
            raise Integrity(
                "content does not have its size: the registry holds something else under this digest",
                subject=self._descriptor.digest,
                expected=f"{self._descriptor.size} bytes",
                actual=f"{total} bytes",
            )
        return start


def _skip(response: Response, count: int) -> None:
    """Read past ``count`` bytes of a registry that ignores ranges."""
    while count > 0:
        part = response.read(min(count, PIECE))
        if not part:
            raise Trouble("the download ended early", "broken")
        count -= len(part)
