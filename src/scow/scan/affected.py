"""PURE. Whether a version is affected: the OSV schema's evaluation algorithm ("Evaluation").

A version is affected when it is listed, or when a range includes it. GIT ranges say nothing about versions and are left
out, not taken for a no. What cannot be compared is :class:`~scow.errors.Invalid`, never a no.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from scow.errors import Invalid, Unsupported
from scow.scan.advisory import Affected, Event, Range
from scow.scan.versions import semver
from scow.scan.versions.order import Order, order_of, place, reach

#: orders that read semantic versions already
_SEMANTIC: Final = frozenset({semver.key, semver.go_key, semver.pub_key, semver.nuget_key})
_BEGINNING: Final = Event("introduced", "0")
#: Fixes that are tried; a real package has a branch or two to be fixed in.
_CANDIDATES: Final = 32

#: Affected versions by their places: from the first (None: from the beginning) to the second (None: to the end), which
#: is itself affected if the third says so.
Span = tuple[Any, Any, bool]


class Placed(msgspec.Struct, frozen=True, gc=False):
    """A range whose versions have their places in ``order``. Nothing is affected from ``limit`` on, if there is one.
    ``fixes`` are fixed versions, each with its place."""

    order: Order
    spans: tuple[Span, ...]
    fixes: tuple[tuple[str, Any], ...]
    limit: Any = None


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """What an advisory says of a package, ready to be asked about many versions. ``problem``: of a range of which
    nothing can be told."""

    affected: Affected
    ranges: tuple[Placed, ...]
    problem: Invalid | Unsupported | None = None


def ruling(affected: Affected) -> Ruling:
    """Everything that is the same for all versions, found once."""
    ranges: list[Placed] = []
    problem: Invalid | Unsupported | None = None
    for one in affected.ranges:
        try:
            ranges.append(_placed(one, _order(one.kind, affected.ecosystem)))
        except (Invalid, Unsupported) as error:
            problem = error
    return Ruling(affected, tuple(ranges), problem)


def is_affected(version: str, one: Ruling) -> bool:
    """Whether ``version`` is. Raises :class:`~scow.errors.Invalid` or ``Unsupported`` when that cannot be told."""
    return version in one.affected.versions or _in_ranges(version, one) or _listed(version, one.affected)


def fixed_version(version: str, several: Sequence[Ruling]) -> str:
    """The smallest fixed version above ``version`` that none of ``several`` affects; empty for none.

    Databases may disagree: when no fix satisfies all of them, the last one counts.
    """
    found = _fixes(several, version)
    if len(found) == 1 and len(several) == 1 and [len(each.spans) for each in several[0].ranges] == [1]:
        return next(iter(found))  # a span does not hold the fix that ends it
    rising = sorted(found, key=found.__getitem__)
    return _unaffected(rising, several) or (rising[-1] if rising and len(several) > 1 else "")


def clean_version(fixes: Sequence[str], several: Sequence[Ruling]) -> str:
    """The smallest fixed version, from the last of ``fixes`` on, that none of ``several`` affects. An upgrade may lead
    into what was introduced since; what all later versions have too keeps none away.
    """
    found = _fixes(several)
    last = max(set(fixes), key=found.__getitem__)
    rising = sorted((fix for fix in found if found[fix] >= found[last]), key=found.__getitem__)
    return _unaffected(rising, several) or _settled(rising[:_CANDIDATES], several)


def _fixes(several: Sequence[Ruling], version: str | None = None) -> dict[str, Any]:
    """Fixed version → its place; those above ``version`` alone."""
    found: dict[str, Any] = {}
    for one in several:
        if one.problem:
            raise one.problem
        for each in one.ranges:
            own = place(each.order, version) if version is not None else None
            found |= each.fixes if own is None else [(fix, at) for fix, at in each.fixes if at > own]
    return found


def _unaffected(rising: Sequence[str], several: Sequence[Ruling]) -> str:
    """The first of the versions that none of ``several`` affects; empty for none."""
    for fix in rising[:_CANDIDATES]:
        if not any(_in_ranges(fix, one) for one in several):
            return fix
    return ""


def _settled(rising: Sequence[str], several: Sequence[Ruling]) -> str:
    """The first of the versions that has nothing which a later one is without."""
    first, lasting = rising[-1], {*range(len(several))}
    for fix in reversed(rising):
        having = {at for at, one in enumerate(several) if _in_ranges(fix, one)}
        if having <= lasting:
            first = fix
        lasting &= having
    return first


def _listed(version: str, affected: Affected) -> bool:
    """Listed in another spelling: ``1.0`` and ``1.0.0`` are the same version to Python."""
    order = order_of(affected.ecosystem) if affected.versions else None
    if order is None:
        return False
    own = place(order, version)
    for other in affected.versions:
        try:
            at = place(order, other)
            if at == own or at < own <= reach(order, other):
                return True
        except Invalid:  # not a version: then it is not this one
            continue
    return False


def _in_ranges(version: str, one: Ruling) -> bool:
    problem = one.problem
    for each in one.ranges:
        try:
            own = place(each.order, version)
        except Invalid as error:
            problem = error  # another range may still say yes
            continue
        for since, until, last in each.spans:
            begun = since is None or own >= since
            over = until is not None and (own > until if last else own >= until)
            if begun and not over and (each.limit is None or own < each.limit):
                return True
    if problem:
        raise problem
    return False


# -- a range ----------------------------------------------------------------------------------------------------------


def _order(kind: str, ecosystem: str) -> Order:
    order = order_of(ecosystem)
    if kind == "SEMVER" and order not in _SEMANTIC:
        return semver.key
    if order is None:
        raise Unsupported(f"how {ecosystem or 'its ecosystem'} orders versions is not known")
    return order


def _placed(one: Range, order: Order) -> Placed:
    events = one.events
    if len(events) == 2 and events[0] == _BEGINNING and events[1].kind == "fixed":  # as nearly every range says
        fix = events[1].version
        at = place(order, fix)
        return Placed(order, ((None, at, False),), ((fix, at),))
    limits = [event.version for event in events if event.kind == "limit"]
    limit = max(place(order, each) for each in limits) if limits and "*" not in limits else None
    fixes = tuple((event.version, place(order, event.version)) for event in events if event.kind == "fixed")
    return Placed(order, tuple(_spans(events, order)), fixes, limit)


def _spans(events: Sequence[Event], order: Order) -> Iterator[Span]:
    """What the events turn on and off: by version, ``0`` first, as they came where they are equal: ``introduced 0,
    fixed 0`` affects nothing."""
    first = [event for event in events if event.kind == "introduced" and event.version == "0"]
    others = [event for event in events if event not in first and event.kind != "limit"]
    since, on = None, bool(first)
    for at, kind in sorted(((_turn(one, order), one.kind) for one in others), key=lambda each: each[0]):
        if kind == "introduced":
            since, on = (since, on) if on else (at, True)
        elif on:
            yield since, at, kind == "last_affected"
            on = False
    if on:
        yield since, None, False


def _turn(event: Event, order: Order) -> Any:
    return reach(order, event.version) if event.kind == "last_affected" else place(order, event.version)
