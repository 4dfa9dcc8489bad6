"""Kept connections by TLS settings and proxy, and the words for what goes wrong on them."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3 import exceptions
from urllib3.response import BaseHTTPResponse

from scow.errors import Invalid, ScowError, Unsupported
from scow.registry.hosts import Tls
from scow.registry.lines import POOLS
from scow.registry.refusal import quoted
from scow.registry.retry import Trouble

_Opener = urllib3.PoolManager | urllib3.HTTPConnectionPool
_POOLS = 16
_CONNECTIONS_PER_HOST = 16
#: Kind of failure -> what is said about it where the cause has no words of its own; the first row that fits counts.
_FAILURES: tuple[tuple[type[Exception], str, str], ...] = (
    (exceptions.NameResolutionError, "name", "name not known"),
    (exceptions.NewConnectionError, "refused", ""),
    (exceptions.ConnectTimeoutError, "connect", "connection timed out"),
    (exceptions.ReadTimeoutError, "timeout", "no answer in time"),
    (TimeoutError, "timeout", "no answer in time"),
    (exceptions.SSLError, "never", ""),
    (ssl.SSLError, "never", ""),
    (exceptions.ProxyError, "connect", ""),
    (exceptions.ProtocolError, "broken", "connection broken off"),
    (OSError, "broken", "connection broken off"),
    (exceptions.HTTPError, "broken", "connection broken off"),
)
#: What is in the words of a failure -> what helps; the first row that fits counts.
_HINTS = (
    ("certificate", "give the registry's CA file (SCOW_CA_FILE, ca-file), or declare the registry insecure if it is"),
    ("wrong version number", "it may speak plain HTTP: declare the registry insecure if it is meant to be"),
    ("name not known", "HTTPS_PROXY may name a proxy, registries.toml a mirror"),
    ("", ""),
)


class Connections:
    """Connection pools, one family per TLS settings and proxy. Thread safe."""

    def __init__(self) -> None:
        self._managers: dict[tuple[Tls, str | None], urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Iterable[bytes] | bytes | None,
        *,
        timeout: urllib3.Timeout,
        tls: Tls,
        proxy: str | None,
    ) -> BaseHTTPResponse:
        """One exchange, nothing followed, nothing repeated. Raises :class:`Trouble` or :class:`Invalid`."""
        try:
            opener, target = self._opener(url, tls, proxy)
            return opener.urlopen(
                method,
                target,
                headers=headers,
                body=body,
                timeout=timeout,
                redirect=False,
                retries=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
            )
        except ScowError:
            raise
        except (exceptions.HTTPError, OSError, ValueError) as error:
            raise told(error, url, proxy) from None

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            managers = list(self._managers.values())
            self._managers.clear()
        for manager in managers:
            manager.clear()

    def _opener(self, url: str, tls: Tls, proxy: str | None) -> tuple[_Opener, str]:
        """Who sends it, and what there is to ask for: the pool of its host, or who knows what a proxy must be told.

        The manager's own way to a pool needs patterns of IPv6 that take a tenth of a short command to compile.
        """
        manager = self._manager(tls, proxy)
        if proxy:
            return manager, url
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        pool = manager.connection_from_host(host, parts.port, parts.scheme)
        return pool, f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"

    def _manager(self, tls: Tls, proxy: str | None) -> urllib3.PoolManager:
        with self._lock:
            manager = self._managers.get((tls, proxy))
            if manager is None:
                manager = self._managers[tls, proxy] = _make_manager(tls, proxy)
                manager.pool_classes_by_scheme = POOLS
            return manager


def told(error: Exception, url: str, proxy: str | None = None) -> ScowError:
    """What a failure of urllib3 or the socket means to us; host and proxy are named, the rest of the URLs is not."""
    host = place(url)
    if isinstance(error, exceptions.LocationValueError) or not isinstance(error, (exceptions.HTTPError, OSError)):
        return Invalid("not a usable URL or header", subject=host)
    cause = _cause(error)
    kind, words = next((kind, words) for family, kind, words in _FAILURES if isinstance(cause, family))
    words = words or _words(cause)
    through = f" through the proxy {place(proxy)}" if proxy else ""
    hint = next(hint for part, hint in _HINTS if part in words)
    return Trouble(f"cannot reach {host}{through}: {words}", kind, subject=host, named=True, hint=hint)


def place(url: str) -> str:
    """Host and port of a URL: no user, no password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _cause(error: Exception) -> Exception:
    """Behind a proxy or a protocol error often stands a plainer one."""
    if isinstance(error, exceptions.ProxyError):
        return error
    inner = error.args[-1] if isinstance(error, exceptions.ProtocolError) and error.args else None
    return inner if isinstance(inner, (TimeoutError, ssl.SSLError)) else error


def _words(error: Exception) -> str:
    """The operating system's or TLS library's words, without addresses of Python objects."""
    seen: list[BaseException] = [error]
    while len(seen) < 6:
        last = seen[-1]
        following = last.__cause__ or last.__context__ or next((a for a in last.args if isinstance(a, Exception)), None)
        if following is None or following in seen:
            break
        seen.append(following)
    for one in reversed(seen):
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"certificate not trusted: {one.verify_message}"
        if isinstance(one, socket.gaierror):
            return "name not known"
        if isinstance(one, ssl.SSLError):
            return f"TLS: {(one.reason or 'handshake failed').lower().replace('_', ' ')}"
        if isinstance(one, OSError) and one.strerror:
            return quoted(one.strerror.lower(), 120)
    return "certificate not trusted" if "certificate" in str(error) else "connection failed"


def _make_manager(tls: Tls, proxy: str | None) -> urllib3.PoolManager:
    context = _tls_context(tls)
    if proxy is None:
        return urllib3.PoolManager(_POOLS, maxsize=_CONNECTIONS_PER_HOST, ssl_context=context)
    parts = urlsplit(proxy)
    try:
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if not usable:
        raise Invalid("not a usable proxy URL", subject=place(proxy), hint="HTTP_PROXY, HTTPS_PROXY")
    if parts.scheme not in ("http", "https"):
        raise Unsupported(f"proxy scheme {parts.scheme!r} is not supported", hint="use an http:// or https:// proxy")
    told_user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    return urllib3.ProxyManager(
        f"{parts.scheme}://{place(proxy)}",
        _POOLS,
        proxy_headers=urllib3.make_headers(proxy_basic_auth=told_user) if told_user else None,
        maxsize=_CONNECTIONS_PER_HOST,
        ssl_context=context,
    )


def _tls_context(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    named: str | None = None
    try:
        if tls.verify:
            context.load_default_certs()
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            urllib3.disable_warnings(exceptions.InsecureRequestWarning)  # it was asked for, by name
        for named in tls.ca_files:
            context.load_verify_locations(named)
        if tls.client_cert:
            named = tls.client_cert
            context.load_cert_chain(tls.client_cert, tls.client_key)
    except (OSError, ssl.SSLError) as error:
        raise Invalid(f"cannot use the certificates: {_words(error)}", subject=named or "") from None
    return context
