"""Credentials in docker's config.json and podman's auth.json (docker CLI reference, containers-auth.json(5)).

For a host the order is ``credHelpers[host]``, then ``credsStore``, then ``auths``. The keys of ``auths`` are hosts, for
the Hub ``https://index.docker.io/v1/``, in old files URLs, and with podman also ``host/repository``: the longest that
fits wins. Where the files are, the caller says: nothing here reads the environment.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from scow.errors import Invalid
from scow.oci.reference import HUB, HUB_NAMES
from scow.registry.authfile import read_config, write_config

if TYPE_CHECKING:
    from scow.registry.helper import Helper

HUB_KEY = "https://index.docker.io/v1/"
#: The user name under which a helper keeps an identity token.
_TOKEN_USER = "<token>"  # noqa: S105 - the protocol's word, not a secret


class Credential(msgspec.Struct, frozen=True):
    """A password, or an identity token (OAuth 2 refresh token), or a ready bearer token."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __repr__(self) -> str:
        return f"Credential(username={self.username!r})"


ANONYMOUS = Credential()


class CredentialStore:
    """The user's credentials.

    ``inline`` is the content of DOCKER_AUTH_CONFIG and is asked first; then ``files`` in order. The first file is the
    one that :meth:`store` writes.
    """

    def __init__(self, files: Sequence[Path] = (), inline: str | None = None) -> None:
        self._files = tuple(files)
        self._inline = inline

    def lookup(self, host: str, path: str = "") -> Credential | None:
        """What there is for repository ``path`` at ``host``. Raises :class:`Invalid` for a broken file."""
        for name, config in self._configs():
            if found := _from_config(config, host, path, name):
                return found
        return None

    def store(self, host: str, credential: Credential) -> str:
        """Keep ``credential`` for ``host``; returns where: a file's path or a helper's program."""
        if not self._files:
            raise Invalid("there is no file to keep credentials in")
        file = self._files[0]
        config = read_config(file)
        key, auths = server_key(host), _table(config, "auths")
        _forget(auths, host)
        helper = _helper(config, host)
        if helper is not None:
            secret = credential.identity_token or credential.password
            helper.store(key, _TOKEN_USER if credential.identity_token else credential.username, secret)
            auths[key] = {}  # as docker: says that there is a login, and keeps nothing of it
        else:
            auths[key] = _entry(credential)
        write_config(file, {**config, "auths": auths})
        return helper.program if helper is not None else str(file)

    def erase(self, host: str) -> bool:
        """Forget ``host`` everywhere; whether there was anything to forget."""
        found = False
        for file in self._files:
            config = read_config(file)
            auths = _table(config, "auths")
            forgotten = _forget(auths, host)
            if (helper := _helper(config, host)) is not None:
                found = found or helper.get(server_key(host)) is not None
                helper.erase(server_key(host))
            if forgotten:
                write_config(file, {**config, "auths": auths})
            found = found or forgotten
        return found

    def _configs(self) -> Iterator[tuple[str, dict[str, Any]]]:
        if self._inline:
            yield "DOCKER_AUTH_CONFIG", read_config(self._inline.encode(), "DOCKER_AUTH_CONFIG")
        for file in self._files:
            yield str(file), read_config(file)


def server_key(host: str) -> str:
    """What docker calls ``host`` in its files and towards helpers."""
    return HUB_KEY if HUB_NAMES.get(host, host) == HUB else host


def normal_key(key: str) -> str:
    """``host`` or ``host/repository`` for a key of ``auths``, whatever its age."""
    _, scheme, rest = key.rpartition("://")
    if scheme:  # a URL names a registry and its API, never a repository
        rest = rest.partition("/")[0]
    rest = rest.rstrip("/")
    head, _, last = rest.rpartition("/")
    if head and "/" not in head and last in ("v1", "v2"):
        rest = head
    host, slash, path = rest.partition("/")
    return HUB_NAMES.get(host, host) + slash + path


def _from_config(config: Mapping[str, Any], host: str, path: str, name: str) -> Credential | None:
    helper = _helper(config, host)
    if helper is not None and (found := helper.get(server_key(host))):
        username, secret = found
        if username == _TOKEN_USER:
            return Credential(identity_token=secret)
        return Credential(username, secret)
    auths = _table(config, "auths")
    exact = {key: entry for key, entry in auths.items() if "://" not in key}
    for wanted in _candidates(HUB_NAMES.get(host, host), path):
        for keys in (exact, auths):  # a plain key is newer than a URL
            for key, entry in keys.items():
                if normal_key(key) == wanted and (credential := _credential(entry, f"{name}: auths {key}")):
                    return credential
    return None


def _candidates(host: str, path: str) -> Iterator[str]:
    """``host/a/b``, ``host/a``, ``host``."""
    parts = path.split("/") if path else []
    for count in range(len(parts), -1, -1):
        yield "/".join((host, *parts[:count]))


def _helper(config: Mapping[str, Any], host: str) -> Helper | None:
    """The helper for ``host``; an empty name in ``credHelpers`` means: none, whatever ``credsStore`` says."""
    helpers, store = _table(config, "credHelpers"), config.get("credsStore")
    if not helpers and not store:
        return None
    from scow.registry.helper import Helper  # starts programs: not for those who have none

    key = server_key(host)
    keys = (key, HUB, *sorted(HUB_NAMES)) if key == HUB_KEY else (host,)
    for key in keys:
        if key in helpers:
            return Helper(str(helpers[key])) if helpers[key] else None
    return Helper(store) if isinstance(store, str) and store else None


def _credential(entry: Any, where: str) -> Credential | None:
    if not isinstance(entry, dict):
        raise Invalid("is not a table", subject=where)
    username, password = _text(entry, "username"), _text(entry, "password")
    if packed := _text(entry, "auth"):
        username, password = _unpacked(packed, where)
    identity, registry = _text(entry, "identitytoken"), _text(entry, "registrytoken")
    if not (username or identity or registry):
        return None
    return Credential(username, password, identity, registry)


def _unpacked(packed: str, where: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(packed, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Invalid("auth is not base64 of user:password", subject=where) from None
    username, colon, password = text.partition(":")
    if not colon or not username:
        raise Invalid("auth is not base64 of user:password", subject=where)
    return username, password.rstrip("\0")


def _entry(credential: Credential) -> dict[str, str]:
    packed = base64.b64encode(f"{credential.username}:{credential.password}".encode()).decode()
    if not credential.identity_token:
        return {"auth": packed}
    packed = base64.b64encode(f"{credential.username or _TOKEN_USER}:".encode()).decode()
    return {"auth": packed, "identitytoken": credential.identity_token}


def _forget(auths: dict[str, Any], host: str) -> bool:
    keys = [key for key in auths if normal_key(key) == HUB_NAMES.get(host, host)]
    for key in keys:
        del auths[key]
    return bool(keys)


def _table(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = config.get(name)
    return dict(value) if isinstance(value, dict) else {}


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""
