"""``WWW-Authenticate``: what a registry wants to see before it answers (RFC 9110 section 11; RFC 6750).

::

    header    = challenge *( "," challenge )
    challenge = scheme [ 1*SP ( token68 / param *( "," param ) ) ]
    param     = token "=" ( token / quoted-string )

Several challenges may share one header, and several headers arrive joined by commas. Names are case-insensitive.
PURE.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

#: A longer header is cut: no registry needs it.
_HEADER_LIMIT = 16 << 10
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAM = re.compile(rf"({_WORD})[ \t]*=[ \t]*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"]+))")
_SCHEME = re.compile(rf"({_WORD})(?:[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$)))?")
_SEPARATORS = re.compile(r"[\s,]*")
_GARBAGE = re.compile(r"[^,]*")
_ESCAPE = re.compile(r"\\(.)")


class Challenge(msgspec.Struct, frozen=True):
    """One way to authenticate: ``scheme`` and parameter names in lower case."""

    scheme: str
    params: Mapping[str, str] = {}

    @property
    def realm(self) -> str:
        """Where tokens are had."""
        return self.params.get("realm", "")

    @property
    def scopes(self) -> tuple[str, ...]:
        """What the registry says is missing (RFC 6750 section 3)."""
        return tuple(self.params.get("scope", "").split())


def parse(header: str) -> tuple[Challenge, ...]:
    """Every challenge of a header, in order. What follows no grammar is passed over: registries are sloppy."""
    text = header[:_HEADER_LIMIT]
    found: list[tuple[str, dict[str, str]]] = []
    position = _skip(_SEPARATORS, text, 0)
    while position < len(text):
        if match := _PARAM.match(text, position):
            if found:
                found[-1][1].setdefault(match[1].lower(), _value(match))
            end = match.end()
        elif match := _SCHEME.match(text, position):
            found.append((match[1].lower(), {}))
            end = match.end()
        else:
            end = max(_skip(_GARBAGE, text, position), position + 1)
        position = _skip(_SEPARATORS, text, end)
    return tuple(Challenge(scheme, params) for scheme, params in found)


def choose(challenges: Sequence[Challenge]) -> Challenge | None:
    """The challenge to answer: a bearer token is worth more than a password, and lives shorter."""
    bearers = (one for one in challenges if one.scheme == "bearer" and one.realm)
    basics = (one for one in challenges if one.scheme == "basic")
    return next(bearers, None) or next(basics, None)


def _value(match: re.Match[str]) -> str:
    quoted = match[2]
    return _ESCAPE.sub(r"\1", quoted) if quoted is not None else match[3]


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
