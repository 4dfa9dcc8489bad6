"""The ``--name=value`` flags of an instruction, checked against the table of those it knows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

from scow.dockerfile.span import LogicalLine, Token
from scow.dockerfile.suggest import hint


class Kind(Enum):
    """What a flag takes: ``true`` or ``false`` (no value is true), one value, or a value each time it is given."""

    BOOLEAN = "boolean"
    ONE = "one"
    MANY = "many"


class Flags(msgspec.Struct, frozen=True):
    """The flags an instruction was given; every value keeps its place."""

    values: Mapping[str, tuple[Token, ...]]

    def one(self, name: str, default: str = "") -> str:
        """The value of a flag, or ``default``."""
        return self.values[name][0].text if name in self.values else default

    def token(self, name: str) -> Token | None:
        """The value of a flag with its place."""
        return self.values[name][0] if name in self.values else None

    def many(self, name: str) -> tuple[str, ...]:
        """The values of a flag that may be repeated."""
        return tuple(token.text for token in self.tokens(name))

    def tokens(self, name: str) -> tuple[Token, ...]:
        """The values of a flag that may be repeated, with their places."""
        return self.values.get(name, ())

    def boolean(self, name: str) -> bool:
        """Is the flag given and true?"""
        return self.optional(name) is True

    def optional(self, name: str) -> bool | None:
        """True or false as given; None where the flag is not given."""
        return self.one(name) == "true" if name in self.values else None


def flags(line: LogicalLine, tokens: tuple[Token, ...], known: Mapping[str, Kind]) -> Flags:
    """Check ``tokens`` against the ``known`` flags; Invalid at the first that is unknown, repeated or ill-formed."""
    values: dict[str, list[Token]] = {}
    for token in tokens:
        written, equals, _ = token.text.partition("=")
        name = written[2:]
        kind = known.get(name)
        if kind is None:
            raise line.invalid(f"unknown flag: {written}", token.part(0, len(written)), hint=_hint(name, known))
        if name in values and kind is not Kind.MANY:
            raise line.invalid(f"duplicate flag specified: {written}", token.part(0, len(written)))
        value = token.part(len(written) + len(equals), len(token.text))
        value = Token(token.text[len(written) + len(equals) :], value.start, min(value.end, token.end))
        values.setdefault(name, []).append(_value(line, kind, written, value, token, given=bool(equals)))
    return Flags({name: tuple(given) for name, given in values.items()})


def _hint(name: str, known: Mapping[str, Kind]) -> str:
    return hint(name, known).replace("mean ", "mean --") if known else "this instruction has no flags"


def _value(line: LogicalLine, kind: Kind, written: str, value: Token, token: Token, *, given: bool) -> Token:
    if kind is not Kind.BOOLEAN:
        if not given:
            raise line.invalid(f"missing a value on flag: {written}", token)
        return value
    if given and not value.text:
        raise line.invalid(f"missing a value on flag: {written}", token)
    text = value.text.lower() or "true"
    if text not in {"true", "false"}:
        raise line.invalid(f"expecting boolean value for flag {written}, not: {value.text}", value)
    return Token(text, value.start, value.end)
