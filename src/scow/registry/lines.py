"""How an answer's lines are read: the libraries bound each of them, and the headers; what comes around has no end.

``100 Continue`` after ``100 Continue``, or a line of trailers after the other, would be read for ever, and as something
arrives all the time no wait is too long. Here an answer that has only lines for too long is a broken one.
"""

from __future__ import annotations

import http.client
import socket
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

#: Lines in a row: a status and headers are a hundred at most, a chunk's length is one.
_MOST: Final = 1000


class _Lines:
    """A connection's file of which lines are counted. Between them, what is read of a body begins the count anew."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._count = 0

    def readline(self, size: int = -1) -> bytes:
        """One line. Raises :class:`http.client.HTTPException` when it is one too many."""
        self._count += 1
        if self._count > _MOST:
            raise http.client.HTTPException("an answer of too many lines")
        line: bytes = self._file.readline(size)
        return line

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("read", "peek")):
            self._count = 0
        return getattr(self._file, name)


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *rest: Any, **named: Any) -> None:
        super().__init__(sock, *rest, **named)
        self.fp: Any = _Lines(self.fp)


class _Connection(HTTPConnection):
    response_class = _Answer


class _TlsConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


#: URL scheme -> the pool of its connections (``PoolManager.pool_classes_by_scheme``)
POOLS: Final = {"http": _Pool, "https": _TlsPool}
