"""Where an image is, as people write it: ``docker://NAME``, ``oci:DIR[:NAME]``, ``oci-archive:FILE[:NAME]``,
``docker-archive:FILE[:NAME]``, ``dir:ROOT``, ``store:NAME``, or a bare name (containers-transports(5)). Pure.

>>> Location.parse("oci:/images:app:v1")
Location(kind='oci', path='/images', name='app:v1')
>>> Location.parse("docker://debian:12")
Location(kind='docker', path='', name='debian:12')
>>> Location.parse("debian:12")
Location(kind='', path='', name='debian:12')
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from scow.errors import Invalid

Kind = Literal["", "store", "docker", "oci", "oci-archive", "docker-archive", "dir"]

_NAMED: Final[dict[str, Kind]] = {"docker://": "docker", "store:": "store"}
_PLACED: Final[dict[str, Kind]] = {
    "oci:": "oci",
    "oci-archive:": "oci-archive",
    "docker-archive:": "docker-archive",
    "dir:": "dir",
}
_WHOLE: Final = frozenset({"dir"})


class Location(msgspec.Struct, frozen=True):
    """``kind`` of place (``""``: nobody said), ``path`` of a directory or file, ``name`` of the image there."""

    kind: Kind
    path: str = ""
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Location:
        """Read a user's location. Raises :class:`Invalid` for one without its name or path."""
        for prefix, kind in _NAMED.items():
            if text.startswith(prefix):
                return cls(kind, name=_said(text[len(prefix) :], text))
        for prefix, kind in _PLACED.items():
            if text.startswith(prefix):
                path, name = text[len(prefix) :], ""
                if kind not in _WHOLE:
                    path, _, name = path.partition(":")
                return cls(kind, _said(path, text), name)
        return cls("", name=_said(text, text))

    def readings(self) -> Iterator[Location]:
        """This location, then the others that its text may mean: a path may hold colons, too."""
        yield self
        path, name = self.path, self.name
        while self.path and name:
            part, _, name = name.partition(":")
            path = f"{path}:{part}"
            yield Location(self.kind, path, name)

    def __str__(self) -> str:
        prefix = next((known for known, kind in {**_NAMED, **_PLACED}.items() if kind == self.kind), "")
        return prefix + ":".join(part for part in (self.path, self.name) if part)


def _said(part: str, text: str) -> str:
    if not part:
        raise Invalid(
            "names no image", subject=repr(text), hint="docker://NAME, oci:DIR[:NAME], or a name of the store"
        )
    return part
