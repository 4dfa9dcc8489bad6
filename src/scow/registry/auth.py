"""Who may ask for what: answers a registry's challenges (docker's token authentication specification).

One :class:`Authorizer` speaks for one repository at one registry. It sends nothing until it was challenged; then a
password goes along (basic) or a token is asked for at the realm (bearer), which lives until shortly before it expires.
Layers go side by side, so one lock sees to it that a token is asked for once.
"""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode, urlsplit

import msgspec

from scow.errors import Denied, Invalid, ScowError
from scow.oci.documents import decode
from scow.registry.credentials import ANONYMOUS, Credential
from scow.registry.protocol import Answer, http_url
from scow.registry.refusal import refusal
from scow.registry.transport import FORM, Call, Transport

if TYPE_CHECKING:
    from scow.registry.challenge import Challenge

_CLIENT_ID = "scow"
_TOKEN_LIMIT = 256 << 10
#: The specification's lifetime for a token that does not tell its own.
_LIFETIME = 60.0
#: A token is renewed this long before it expires: what is asked with it must arrive in time.
_MARGIN = 10.0
#: As docker says it.
BAD_LOGIN = "unauthorized: incorrect username or password"

Scopes = tuple[str, ...]


class Keys(Protocol):
    """Where credentials come from."""

    def lookup(self, host: str, path: str = "") -> Credential | None: ...


class Token(msgspec.Struct, frozen=True):
    """A bearer token, good until ``expires`` on the authorizer's clock; ``refresh`` is an identity token or empty."""

    text: str
    expires: float
    refresh: str = ""

    def __repr__(self) -> str:
        return f"Token(expires={self.expires!r})"


class _Grant(msgspec.Struct):
    token: str | None = None
    access_token: str | None = None
    expires_in: float | None = None
    refresh_token: str | None = None


class Authorizer:
    """Speaks for one repository. Thread safe."""

    def __init__(
        self, host: str, path: str, transport: Transport, keys: Keys, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._path = path
        self._transport = transport
        self._keys = keys
        self._clock = clock
        self._lock = threading.Lock()
        self._challenge: Challenge | None = None
        self._tokens: dict[Scopes, Token] = {}
        self._extra: dict[Scopes, Scopes] = {}
        self._credential: Credential | None = None
        #: Why there are no credentials though some are configured; belongs into the hint of a refusal.
        self.trouble = ""

    def header(self, scopes: Scopes) -> str | None:
        """The Authorization header for a request in ``scopes``, or ``None`` while nobody asked for one."""
        with self._lock:
            return self._header(scopes)

    def challenged(self, header: str, scopes: Scopes, used: str | None) -> bool:
        """Learn from a 401 to a request that went with ``used``. True: it is worth asking again."""
        from scow.registry.challenge import choose, parse

        challenge = choose(parse(header))
        if challenge is None:
            return False
        with self._lock:
            if self._header_known(scopes) not in (None, used):
                return True  # another thread was faster
            if self._challenge is not None:  # what there was is refused
                self._credential = None
            self._challenge = challenge
            if challenge.scheme == "basic":
                return self._header(scopes) not in (None, used)
            self._tokens.pop(scopes, None)
            self._extra[scopes] = tuple(sorted({*scopes, *challenge.scopes}))
            return True

    def login(self, challenge: Challenge, credential: Credential) -> str:
        """Ask for a token with ``credential`` at ``challenge``'s realm; returns an identity token, or ``""``."""
        with self._lock:
            self._challenge = challenge
            self._tokens[()] = token = self._fetch(challenge, (), credential, offline=True)
        return token.refresh

    def _header_known(self, scopes: Scopes) -> str | None:
        if self._challenge is not None and self._challenge.scheme == "basic":
            return self._header(scopes)
        token = self._tokens.get(scopes)
        return f"Bearer {token.text}" if token else None

    def _header(self, scopes: Scopes) -> str | None:
        if self._challenge is None:
            return None
        credential = self._looked_up()
        if self._challenge.scheme == "basic":
            return basic(credential) if credential.username else None
        if credential.registry_token:
            return f"Bearer {credential.registry_token}"
        token = self._tokens.get(scopes)
        if token is None or token.expires <= self._clock():
            token = self._fetch(self._challenge, self._extra.get(scopes, scopes), credential)
            self._tokens[scopes] = token
        return f"Bearer {token.text}"

    def _looked_up(self) -> Credential:
        """What the user has for this repository; kept until it is refused, as helpers are slow."""
        if self._credential is None:
            self.trouble = ""
            try:
                self._credential = self._keys.lookup(self._host, self._path) or ANONYMOUS
            except ScowError as error:  # a public image needs none, so this alone is no reason to stop
                self.trouble = str(error)
                self._credential = ANONYMOUS
        return self._credential

    def _fetch(self, challenge: Challenge, scopes: Scopes, credential: Credential, *, offline: bool = False) -> Token:
        secret = bool(credential.username or credential.identity_token)
        if secret and not self._transport.trusts(http_url(challenge.realm)):
            raise Denied(
                "the registry wants credentials sent over plain http",
                subject=self._host,
                hint="declare the registry insecure if that is meant to be",
            )
        call, asked = _token_call(challenge, scopes, credential, offline), self._clock()

        def attempt() -> Answer:
            with self._transport.send(call, retry=False) as response:
                if response.status == 200:
                    return response.answer(_TOKEN_LIMIT)
                raise self._refused(response.excerpt(), secret)

        return _token(self._transport.patiently(attempt), asked, self._host)

    def _refused(self, answer: Answer, secret: bool) -> ScowError:
        self._credential = None
        hint = login_hint(self._host)
        if answer.status == 401 and secret:
            return Denied(BAD_LOGIN, subject=self._host, hint=hint)
        subject = f"{self._host}/{self._path}".rstrip("/")
        error = refusal(answer, subject=subject, hint=hint if answer.status in (401, 403) else "")
        error.hint = ", ".join(part for part in (error.hint, self.trouble) if part)
        return error


def basic(credential: Credential) -> str:
    """RFC 7617."""
    return "Basic " + b64encode(f"{credential.username}:{credential.password}".encode()).decode()


def login_hint(host: str) -> str:
    """What to do about a refusal."""
    return "scow login" if host == "docker.io" else f"scow login {host}"


def _token_call(challenge: Challenge, scopes: Scopes, credential: Credential, offline: bool) -> Call:
    """GET with basic authentication, as every token server takes it; POST (OAuth 2) for identity tokens only."""
    service = challenge.params.get("service", "")
    realm = http_url(challenge.realm)
    if credential.identity_token:
        return _oauth_call(realm, service, scopes, credential)
    query = [("service", service)] if service else []
    query += [("scope", scope) for scope in scopes]
    headers = {}
    if credential.username:
        query.append(("account", credential.username))
        headers["Authorization"] = basic(credential)
    if offline:
        query += [("offline_token", "true"), ("client_id", _CLIENT_ID)]
    return Call("GET", _with_query(realm, query), headers)


def _oauth_call(realm: str, service: str, scopes: Scopes, credential: Credential) -> Call:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": credential.identity_token,
        "service": service,
        "client_id": _CLIENT_ID,
        "scope": " ".join(scopes),
    }
    body = urlencode(form).encode()
    return Call("POST", realm, {"Content-Type": FORM}, lambda: (body,), len(body))


def _with_query(url: str, query: list[tuple[str, str]]) -> str:
    if not query:
        return url
    return url + ("&" if urlsplit(url).query else "?") + urlencode(query)


def _token(answer: Answer, asked: float, host: str) -> Token:
    """Counts from when it was asked for: the two clocks need not agree, so ``issued_at`` is of no use."""
    grant = decode(answer.body, _Grant, f"token of {host}")
    text = grant.token or grant.access_token or ""
    if not text or not text.isascii() or not text.isprintable():
        raise Invalid("the token server answered without a token", subject=host)
    lifetime = grant.expires_in if grant.expires_in and grant.expires_in > 0 else _LIFETIME
    return Token(text, asked + lifetime - min(_MARGIN, lifetime / 4), grant.refresh_token or "")
