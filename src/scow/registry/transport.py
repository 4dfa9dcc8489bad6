"""The only way to the network: HTTP over kept connections, with our own redirects and our own retries.

- A redirect to another origin gets a fresh header set: what the request says about content, nothing about us.
- ``Authorization`` never goes over plain http, except where :meth:`Hosts.allows_http` says so.
- Bodies stream both ways and are never decoded: digests are of the bytes as they are stored.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
import urllib3
from urllib3.response import BaseHTTPResponse

from scow.errors import Denied, Limit, Unavailable
from scow.registry.connection import Connections, place, told
from scow.registry.hosts import Hosts, Proxies
from scow.registry.protocol import ERROR_LIMIT, Answer, same_place
from scow.registry.refusal import TRANSIENT_STATUS, refusal
from scow.registry.retry import Patience, Trouble

#: One read from a response hands out at most this much. The room is taken before the bytes come: more of it than this
#: glibc gives back to the kernel each time, which clears it for the next read (a tenth of a pull's time).
PIECE = 512 << 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECT_LIMIT = 10
#: What a request says about content; everything else stays with the origin it was written for.
_CONTENT_HEADERS = frozenset({"accept", "range", "content-type", "content-length", "content-range"})

#: A body of this type holds a token; it stays with the origin that it was written for, too.
FORM = "application/x-www-form-urlencoded"
_OWN_HEADERS = {"User-Agent": "scow", "Accept-Encoding": "identity"}
#: Bytes a second, seen over one timeout, below which a connection is taken for a broken one.
_SLOWEST = 100
#: Makes a request's body anew for every try.
Body = Callable[[], Iterable[bytes]]
T = TypeVar("T")


class Call(msgspec.Struct, frozen=True):
    """One HTTP request. ``body`` yields ``length`` bytes in all."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: Body | None = None
    length: int = 0

    def __repr__(self) -> str:  # headers hold secrets
        return f"Call({self.method!r}, {self.url!r}, length={self.length})"


class Response:
    """An answer whose body is still on the wire. A context manager: leaving it early drops the connection."""

    def __init__(self, raw: BaseHTTPResponse, url: str, window: float = 60.0) -> None:
        self._raw = raw
        self._window, self._since, self._came = window, time.monotonic(), 0
        self.url = url
        self.status = raw.status
        # merged: a registry may send several challenges in headers of their own
        self.headers: dict[str, str] = {name.lower(): value for name, value in raw.headers.itermerged()}

    def read(self, size: int = -1, /) -> bytes:
        """What has arrived, at most ``size`` bytes; ``b""`` at the end. Raises :class:`Trouble` when cut short."""
        try:
            data = self._raw.read1(PIECE if size < 0 else min(size, PIECE), decode_content=False) or b""
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise told(error, self.url) from None
        self._keeps_pace(len(data))
        return data

    def _keeps_pace(self, count: int) -> None:
        """A server that hands out a byte now and then would hold us for ever: no single wait is too long."""
        self._came += count
        now = time.monotonic()
        if count and now - self._since >= self._window:
            if self._came < self._window * _SLOWEST:
                raise Trouble(f"{place(self.url)} sends too slowly", "timeout")
            self._since, self._came = now, 0

    def answer(self, limit: int) -> Answer:
        """The whole of it. Raises :class:`Limit` when the body is longer than ``limit``."""
        with self:
            body = self._gather(limit + 1)
        if len(body) > limit:
            raise Limit(f"answer is longer than {limit} bytes", subject=place(self.url))
        return Answer(self.status, self.headers, body)

    def excerpt(self) -> Answer:
        """The answer with as much of its body as an error needs; one that breaks off is taken as it is."""
        with self:
            return Answer(self.status, self.headers, self._gather(ERROR_LIMIT, forgiving=True))

    def close(self) -> None:
        """Let go. A body that was read to its end has given its connection back already."""
        self._raw.close()

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _gather(self, limit: int, *, forgiving: bool = False) -> bytes:
        body = bytearray()
        try:
            while len(body) < limit and (part := self.read(limit - len(body))):
                body += part
        except Trouble:
            if not forgiving:
                raise
        return bytes(body)


class Transport:
    """Sends calls. Thread safe.

    ``timeout`` and ``connect_timeout`` are in seconds and bound every single wait. ``sleep`` and ``jitter`` are there
    to be replaced by tests.
    """

    def __init__(
        self,
        hosts: Hosts | None = None,
        proxies: Proxies | None = None,
        *,
        timeout: float = 60.0,
        connect_timeout: float = 15.0,
        sleep: Callable[[float], object] = time.sleep,
        jitter: Callable[[], float] = lambda: os.urandom(1)[0] / 256,
    ) -> None:
        self.hosts = hosts or Hosts()
        self._proxies = proxies or Proxies()
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=timeout)
        self._sleep = sleep
        self._jitter = jitter
        self._connections = Connections()

    def send(self, call: Call, *, retry: bool = True, timeout: float | None = None) -> Response:
        """The answer to ``call``: redirects followed, transient failures tried again.

        Raises :class:`Unavailable` when failures go on, among them the statuses of :data:`TRANSIENT_STATUS`; any other
        status is the caller's to judge. Without ``retry`` the first failure is raised, as :class:`Trouble`.
        ``timeout`` replaces the usual waits.
        """
        waits = self._timeout if timeout is None else urllib3.Timeout(connect=timeout, read=timeout)
        return self.patiently(lambda: self._steady(call, waits)) if retry else self._steady(call, waits)

    def patiently(self, attempt: Callable[[], T]) -> T:
        """Call ``attempt`` until it raises no :class:`Trouble`, as long as there is patience left."""
        pauses = self.pauses()
        while True:
            try:
                return attempt()
            except Trouble as trouble:
                pauses.rest(trouble)

    def pauses(self) -> Pauses:
        """The waits of one piece of work."""
        return Pauses(self._sleep, self._jitter)

    def trusts(self, url: str) -> bool:
        """Whether secrets may go to ``url``: over TLS, or to a host for which plain http is good enough."""
        parts = urlsplit(url)
        return parts.scheme == "https" or (parts.scheme == "http" and self.hosts.allows_http(parts.netloc))

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _steady(self, call: Call, timeout: urllib3.Timeout) -> Response:
        response = self._follow(call, timeout)
        if response.status not in TRANSIENT_STATUS:
            return response
        answer = response.excerpt()
        error = refusal(answer, subject=place(response.url))
        if not isinstance(error, Unavailable):
            raise error
        kind = "limited" if answer.status == 429 else "status"
        raise Trouble(error.problem, kind, subject=error.subject, hint=error.hint, retry_after=error.retry_after)

    def _follow(self, call: Call, timeout: urllib3.Timeout) -> Response:
        for _ in range(_REDIRECT_LIMIT):
            response = self._exchange(call, timeout)
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or not location:
                return response
            response.excerpt()  # read to its end, the connection serves again
            call = self._redirected(call, response.status, location)
        raise Unavailable("too many redirects", subject=place(call.url))

    def _redirected(self, call: Call, status: int, location: str) -> Call:
        url = same_place(location, call.url)
        new, old = urlsplit(url), urlsplit(call.url)
        if old.scheme == "https" and not self.trusts(url):
            raise Denied(f"redirects from https to plain http at {new.netloc}", subject=place(call.url))
        headers = call.headers
        if (new.scheme, new.netloc) != (old.scheme, old.netloc):
            if headers.get("Content-Type") == FORM and status != 303:
                raise Denied(f"redirects a login to {place(url)}", subject=place(call.url))
            headers = {name: value for name, value in headers.items() if name.lower() in _CONTENT_HEADERS}
        if status == 303 and call.method != "HEAD":
            return Call("GET", url, headers)
        return msgspec.structs.replace(call, url=url, headers=headers)

    def _exchange(self, call: Call, timeout: urllib3.Timeout) -> Response:
        headers = {**_OWN_HEADERS, **call.headers}
        if "Authorization" in headers and not self.trusts(call.url):
            raise Denied("credentials are not sent over plain http", subject=place(call.url))
        if call.body is not None:
            headers["Content-Length"] = str(call.length)
        raw = self._connections.request(
            call.method,
            call.url,
            headers,
            call.body() if call.body is not None else None,
            timeout=timeout,
            tls=self.hosts.tls(urlsplit(call.url).netloc),
            proxy=self._proxies.of(call.url),
        )
        return Response(raw, call.url, float(timeout.read_timeout or 60.0))


class Pauses:
    """The waits between the tries of one piece of work."""

    def __init__(self, sleep: Callable[[float], object], jitter: Callable[[], float]) -> None:
        self._patience = Patience()
        self._sleep, self._jitter = sleep, jitter
        self._tries = 0
        self._waited = 0.0

    def rest(self, trouble: Trouble) -> None:
        """Wait before the next try, or raise what ``trouble`` means for good when there were enough."""
        self._tries += 1
        pause = self._patience.wait(trouble, self._tries, self._waited, self._jitter())
        if pause is None:
            raise trouble.final from None
        self._waited += pause
        self._sleep(pause)

    def reset(self) -> None:
        """Progress was made: the next failure is a first one again."""
        self._tries = 0
        self._waited = 0.0
