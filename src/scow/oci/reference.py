"""Image references: ``[host[:port]/]path[:tag][@digest]`` (distribution-spec; docker's short names).

``nginx`` means ``docker.io/library/nginx:latest``. The first component is a host when it holds a ``.`` or ``:``,
is ``localhost``, or is upper case.
"""

from __future__ import annotations

import re

import msgspec

from scow.errors import Invalid
from scow.oci.digest import Digest

HUB = "docker.io"
#: Other names of the Hub's.
HUB_NAMES = {"index.docker.io": HUB, "registry-1.docker.io": HUB, "registry.hub.docker.com": HUB}
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+(?:%[a-zA-Z0-9]+)?\])(?::[0-9]{{1,5}})?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_HEX64 = r"[a-f0-9]{64}"
_PATH_LIMIT = 255


class Reference(msgspec.Struct, frozen=True):
    """One image at one registry. ``path`` is the repository without its host."""

    host: str
    path: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str, *, default_tag: str | None = "latest") -> Reference:
        """Read a user's reference; without tag and digest it gets ``default_tag``. Raises :class:`Invalid`."""
        name, digest = _split_digest(text)
        name, tag = _split_tag(name, text)
        host, path = _split_host(name)
        if re.fullmatch(_HEX64, name):
            raise _refused(text, "a name of 64 hex digits would be mistaken for an image id")
        if not path:
            raise _refused(text, "the repository name is missing")
        if path != path.lower():
            raise _refused(text, "repository name must be lowercase")
        if not re.fullmatch(_PATH, path):
            raise _refused(text)
        if not re.fullmatch(_HOST, host):
            raise _refused(text, f"{host!r} is not a host")
        if len(path) > _PATH_LIMIT:
            raise _refused(text[:60] + "…", f"repository name must not be more than {_PATH_LIMIT} characters")
        if tag is None and digest is None:
            tag = default_tag
        return cls(host, path, tag, digest)

    @property
    def repository(self) -> str:
        """``host/path``, in full."""
        return f"{self.host}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The repository as docker shows it: ``nginx``, ``me/app``, ``host:5000/app``."""
        short = self.path.removeprefix("library/") if self.path.count("/") == 1 else self.path
        means_this = _split_host(short) == (self.host, self.path)  # "docker.io/a.b/c" has no shorter form
        return short if means_this else self.repository

    @property
    def familiar(self) -> str:
        """The shortest text that parses to this reference again."""
        return self.familiar_name + self._suffix

    @property
    def selector(self) -> str:
        """What a registry is asked for: the digest, else the tag."""
        return self.digest or self.tag or "latest"

    def with_digest(self, digest: Digest) -> Reference:
        """The same with a digest."""
        return msgspec.structs.replace(self, digest=digest)

    def with_tag(self, tag: str) -> Reference:
        """The same with another tag and no digest."""
        return msgspec.structs.replace(self, tag=tag, digest=None)

    def __str__(self) -> str:
        return self.repository + self._suffix

    @property
    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def _refused(text: str, why: str = "") -> Invalid:
    scheme, colon, rest = text.partition("://")
    hint = "" if why else "[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]"
    if colon and scheme in ("http", "https", "docker"):
        hint = f"without {scheme}://: {rest}"
    return Invalid(f"invalid reference format{why and f': {why}'}", subject=repr(text), hint=hint)


def _split_digest(text: str) -> tuple[str, Digest | None]:
    name, at, digest = text.partition("@")
    if not at:
        return name, None
    try:
        return name, Digest(digest)
    except Invalid as error:
        raise _refused(text, error.problem) from None


def is_tag(text: str) -> bool:
    """Whether a registry may have a tag of this name (distribution-spec, "Pulling manifests")."""
    return re.fullmatch(_TAG, text) is not None


def _split_tag(name: str, text: str) -> tuple[str, str | None]:
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag or tag.endswith("]"):
        return name, None
    if not is_tag(tag):
        raise _refused(text, f"{tag!r} is not a tag")
    return head, tag


def _split_host(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        host, path = HUB_NAMES.get(first, first), rest
    else:
        host, path = HUB, name
    if host == HUB and path and "/" not in path:
        path = f"library/{path}"
    return host, path
