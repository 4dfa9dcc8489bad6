"""All registries: hands out repositories, and checks logins."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from scow.errors import Denied, Invalid, NotFound, Unavailable
from scow.oci.reference import Reference
from scow.registry import protocol
from scow.registry.auth import BAD_LOGIN, Authorizer, Keys
from scow.registry.credentials import Credential
from scow.registry.endpoint import Endpoint
from scow.registry.hosts import is_loopback
from scow.registry.repository import Repository
from scow.registry.retry import Trouble
from scow.registry.transport import Call, Response, Transport

#: Seconds that a host which may speak http gets to answer over TLS: a server may simply wait for more.
_PROBE_TIMEOUT = 5.0


class Registry:
    """Every registry there is, through one transport and one set of credentials. Thread safe.

    ``sessions`` is a directory that remembers uploads which were cut short.
    """

    def __init__(self, transport: Transport, credentials: Keys, sessions: Path | None = None) -> None:
        self._transport = transport
        self._sessions = sessions
        self._credentials = credentials
        self._origins: dict[str, str] = {}
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._lock = threading.Lock()

    def repository(
        self, reference: Reference, *, push: bool = False, mount_from: Sequence[str] = (), held_by: str = ""
    ) -> Repository:
        """The repository of ``reference``, where the settings' rules say that it is, with its mirrors.

        ``push``: ask for the right to push from the start. ``mount_from`` and ``held_by`` are those of
        :class:`Repository`. Raises :class:`Unavailable` when a registry that may speak
        http or https does not answer at all, and :class:`Denied` for a blocked one.
        """
        made = partial(Repository, push=push, mount_from=mount_from, held_by=held_by, sessions=self._sessions)
        rules = self._transport.hosts.rules
        if not rules:
            return made(reference, self._endpoint(reference))
        from scow.registry.routes import routed

        route = routed(rules, reference, push=push)
        mirrors = []
        for mirror, pull in route.mirrors:
            with contextlib.suppress(Unavailable):  # one that is away is none
                mirrors.append((Repository(mirror, self._endpoint(mirror)), pull))
        return made(route.target, self._endpoint(route.target), mirrors=mirrors)

    def _endpoint(self, reference: Reference) -> Endpoint:
        key = reference.host, reference.path
        with self._lock:
            if key not in self._endpoints:
                authorizer = Authorizer(*key, self._transport, self._credentials)
                origin = self._origin(reference.host)
                self._endpoints[key] = Endpoint(reference.host, origin, self._transport, authorizer)
            return self._endpoints[key]

    def login(self, host: str, credential: Credential) -> Credential:
        """Check ``credential`` with the registry; returns what to keep: an identity token if it gave one.

        Raises :class:`Denied` for a wrong password, :class:`NotFound` where no registry answers.
        """
        from scow.registry.challenge import choose, parse

        with self._lock:
            origin = self._origin(host)
        authorizer = Authorizer(host, "", self._transport, _Only(credential))
        endpoint = Endpoint(host, origin, self._transport, authorizer)
        with self._transport.send(Call("GET", endpoint.url("/v2/"))) as first:
            challenge = choose(parse(first.headers.get("www-authenticate", ""))) if first.status == 401 else None
            if first.status != 401:
                self._accepted(first, host)
                return credential
            first.excerpt()
        if challenge is None:
            raise Invalid("the registry asks for an authentication that is not known", subject=host)
        identity = authorizer.login(challenge, credential) if challenge.scheme == "bearer" else ""
        with endpoint.send(protocol.ping()) as second:
            self._accepted(second, host)
        return Credential(credential.username, identity_token=identity) if identity else credential

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

    def _accepted(self, response: Response, host: str) -> None:
        status = response.status
        if status in (401, 403):
            hint = "some registries want a token in place of the password"
            raise Denied(BAD_LOGIN, subject=host, hint=hint)
        if status == 404:
            raise NotFound("there is no registry at this address (/v2/ is not there)", subject=host)
        if status >= 300:
            raise Unavailable(f"unexpected HTTP status {status} from /v2/", subject=host)
        response.excerpt()

    def _origin(self, host: str) -> str:
        """``https://…``; for hosts that may speak http whichever answers: https first, but on this machine."""
        if host not in self._origins:
            place = self._transport.hosts.endpoint(host)
            plain = self._transport.hosts.allows_http(host) and self._is_plain(host, place)
            self._origins[host] = f"{'http' if plain else 'https'}://{place}"
        return self._origins[host]

    def _is_plain(self, host: str, place: str) -> bool:
        """Whether the registry speaks plain http. Raises :class:`Unavailable` when it does not answer at all."""
        if is_loopback(host) and self._speaks_http(place):  # nobody listens in between, and no TLS has to be loaded
            return True
        if self._speaks_tls(place):
            return False
        self._transport.send(Call("GET", f"http://{place}/v2/")).excerpt()
        return True

    def _speaks_http(self, place: str) -> bool:
        """A server that wants TLS may answer plain http, too: to say so."""
        try:
            answer = self._transport.send(Call("GET", f"http://{place}/v2/"), retry=False, timeout=_PROBE_TIMEOUT)
        except Unavailable:
            return False
        return answer.excerpt().status in (200, 401)

    def _speaks_tls(self, place: str) -> bool:
        try:
            self._transport.send(Call("GET", f"https://{place}/v2/"), retry=False, timeout=_PROBE_TIMEOUT).excerpt()
        except Trouble as trouble:
            return trouble.kind in ("status", "limited")
        return True


class _Only:
    """One credential for everything."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    def lookup(self, host: str, path: str = "") -> Credential:
        return self._credential
