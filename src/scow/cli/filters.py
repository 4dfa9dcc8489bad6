"""``--filter key=value``, as often as wanted: values of one key are alternatives, different keys must all hold.

``label=k`` and ``label=k=v`` are the exception that docker makes: every ``label`` must be there. ``label!=k`` and
``label!=k=v`` hold where the label is not there, or not of that value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import click
import msgspec

from scow.cli.misuse import Misuse
from scow.cli.units import moment_of, parse_time
from scow.dockerfile.truths import TRUTHS
from scow.errors import Invalid


class Filters(msgspec.Struct, frozen=True):
    """What was asked for: the values of each key, in the order given."""

    values: Mapping[str, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self.values)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def of(self, key: str) -> tuple[str, ...]:
        """The values of ``key``; empty when it was not asked for."""
        return self.values.get(key, ())

    def match(self, key: str, test: Callable[[str], bool]) -> bool:
        """True when ``key`` was not asked for, or when one of its values passes ``test``."""
        return key not in self.values or any(test(value) for value in self.values[key])

    def exact(self, key: str, value: str) -> bool:
        """:meth:`match` by equality."""
        return self.match(key, value.__eq__)

    def flag(self, key: str, *, default: bool | None = None) -> bool | None:
        """``dangling=true``, in every spelling of Go's ``ParseBool``; ``default`` when it was not asked for."""
        known = {TRUTHS.get(value) for value in self.of(key)}
        if not known:
            return default
        if None in known or len(known) > 1:
            raise Invalid(f"invalid filter '{key}={','.join(self.of(key))}'", hint="write true or false")
        return known.pop()

    def labels(self, labels: Mapping[str, str]) -> bool:
        """Whether things with these labels pass ``label`` and ``label!``."""
        wanted = all(_labelled(text, labels) for text in self.of("label"))
        return wanted and not any(_labelled(text, labels) for text in self.of("label!"))

    def until(self, now: float, key: str = "until") -> float | None:
        """The unix seconds of ``until=`` (or another ``key``): what is younger does not pass. None when it was not
        asked for."""
        texts = self.of(key)
        if len(texts) > 1:
            raise Invalid(f"more than one {key} filter specified")
        return parse_time(texts[0], now) if texts else None

    def older(self, now: float) -> Callable[[str], bool]:
        """Whether what was made at a time (RFC 3339) passes ``until``."""
        until = self.until(now)
        return lambda created: until is None or (moment_of(created) or 0.0) < until


def _labelled(text: str, labels: Mapping[str, str]) -> bool:
    name, separator, value = text.partition("=")
    return name in labels and (not separator or labels[name] == value)


def parse_filters(texts: Iterable[str], known: Collection[str]) -> Filters:
    """Each text is ``key=value``; a key that is not ``known`` is :class:`~scow.errors.Invalid`.

    ``label`` in ``known`` allows ``label!=`` too.
    """
    values: dict[str, tuple[str, ...]] = {}
    for text in filter(None, texts):
        key, separator, value = text.partition("=")
        if not separator:
            raise Misuse(
                f'invalid argument "{text}" for "-f, --filter" flag: bad format of filter (expected name=value)',
                click.get_current_context(silent=True),
            )
        key, value = key.strip().lower(), value.strip()
        if key not in known and not (key == "label!" and "label" in known):
            raise Invalid(f"invalid filter '{key}'", hint=f"the filters here are {', '.join(sorted(known))}")
        values[key] = (*values.get(key, ()), value)
    return Filters(values)
