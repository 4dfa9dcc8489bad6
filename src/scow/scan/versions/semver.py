"""PURE. Semantic versions (semver.org 2.0.0, section 11), and the three ecosystems that bend them.

Numbers may be fewer or more than three, and a leading ``v`` is nothing.
"""

from __future__ import annotations

import re

from scow.errors import Invalid

_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"[vV=]?(\d+(?:\.\d+)*)(?:-({_IDENTIFIERS}))?(?:\+({_IDENTIFIERS}))?\Z", re.ASCII)
#: ``go1.21rc2``: the releases of Go itself
_GO_RELEASE = re.compile(r"(?:go)?(\d+\.\d+(?:\.\d+)?)(?:(alpha|beta|rc)(\d+))?(?:[ -].*)?\Z", re.ASCII)
_RELEASE: tuple[object, ...] = ((2,),)

Identifiers = tuple[object, ...]


def key(text: str) -> tuple[object, ...]:
    """Precedence as the specification has it: build metadata does not count."""
    return _parsed(text)[:2]


def pub_key(text: str) -> tuple[object, ...]:
    """Dart's order: of equal versions, the one with build metadata is younger."""
    return _parsed(text)


def nuget_key(text: str) -> tuple[object, ...]:
    """NuGet's order: pre-releases regardless of case."""
    return key(text.lower())


def go_key(text: str) -> tuple[object, ...]:
    """Go modules are semantic versions; Go's own releases are read too: ``go1.21rc2`` is ``1.21.0-rc.2``."""
    release = _GO_RELEASE.match(text) if text.startswith("go") or not _VERSION.match(text) else None
    if release is None:
        return key(text)
    return key(f"{release[1]}-{release[2]}.{release[3]}" if release[2] else release[1])


def _parsed(text: str) -> tuple[object, Identifiers, Identifiers]:
    found = _VERSION.match(text.strip())
    if found is None:
        raise Invalid("not a semantic version", subject=text)
    numbers = [int(number) for number in found[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers), _identifiers(found[2]) if found[2] else _RELEASE, _identifiers(found[3] or "")


def _identifiers(text: str) -> Identifiers:
    """Numbers are older than words; a longer list is younger than its beginning."""
    pieces = text.split(".") if text else ()
    return tuple((0, int(piece)) if piece.isdigit() else (1, piece) for piece in pieces)
