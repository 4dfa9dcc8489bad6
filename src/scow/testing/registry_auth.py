"""How the in-process registry lets people in: not at all closed, by password, or by token."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs

#: Method -> the action that a token must allow.
_ACTIONS = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}


@dataclass
class Gate:
    """``kind`` ``"bearer"`` hands out tokens at ``/token`` that live for ``lifetime`` seconds."""

    kind: Literal["open", "basic", "bearer"] = "open"
    username: str = ""
    password: str = field(default="", repr=False)
    lifetime: float = 300.0
    anonymous_pull: bool = False
    _tokens: dict[str, tuple[float, dict[str, set[str]]]] = field(default_factory=dict, repr=False)
    _identities: set[str] = field(default_factory=set, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def admits(self, method: str, repository: str, authorization: str) -> bool:
        """Whether a request may pass; ``repository`` is empty for ``/v2/`` itself."""
        if self.kind == "open":
            return True
        if self.kind == "basic":
            return self._knows(authorization)
        scheme, _, token = authorization.partition(" ")
        with self._lock:
            expires, scopes = self._tokens.get(token, (0.0, {}))
        if scheme.lower() != "bearer" or expires < time.monotonic():
            return False
        return not repository or _ACTIONS.get(method, "push") in scopes.get(repository, set())

    def challenge(self, method: str, repository: str, base: str) -> str:
        """The WWW-Authenticate header for who was not admitted."""
        if self.kind == "basic":
            return 'Basic realm="scow test registry"'
        action = _ACTIONS.get(method, "push")
        actions = {"push": "pull,push"}.get(action, action)
        scope = f',scope="repository:{repository}:{actions}"' if repository else ""
        return f'Bearer realm="{base}/token",service="scow-test"{scope}'

    def token(self, query: str, authorization: str) -> dict[str, object] | None:
        """The token endpoint's answer to GET, or ``None``: wrong password."""
        asked = parse_qs(query)
        known = self._knows(authorization)
        if (authorization and not known) or not (known or self.anonymous_pull):
            return None
        answer = self._issue(asked.get("scope", []), known)
        if known and asked.get("offline_token") == ["true"]:
            identity = secrets.token_urlsafe(24)
            self._identities.add(identity)
            answer["refresh_token"] = identity
        return answer

    def exchange(self, form: str) -> dict[str, object] | None:
        """The token endpoint's answer to POST (OAuth 2), for identity tokens."""
        asked = parse_qs(form)
        if asked.get("grant_type") != ["refresh_token"] or asked.get("refresh_token", [""])[0] not in self._identities:
            return None
        answer = self._issue(" ".join(asked.get("scope", [])).split(), True)
        answer["access_token"] = answer.pop("token")
        return answer

    def revoke(self) -> None:
        """Forget every token handed out."""
        with self._lock:
            self._tokens.clear()

    def _issue(self, scopes: list[str], known: bool) -> dict[str, object]:
        granted: dict[str, set[str]] = {}
        for scope in " ".join(scopes).split():
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            if kind == "repository":
                granted.setdefault(name, set()).update(set(actions.split(",")) if known else {"pull"})
        token, now = secrets.token_urlsafe(24), time.monotonic()
        with self._lock:
            self._tokens = {one: known for one, known in self._tokens.items() if known[0] >= now}
            self._tokens[token] = (now + self.lifetime, granted)
        return {"token": token, "expires_in": self.lifetime}

    def _knows(self, authorization: str) -> bool:
        scheme, _, packed = authorization.partition(" ")
        try:
            told = base64.b64decode(packed, validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(told, f"{self.username}:{self.password}".encode())
