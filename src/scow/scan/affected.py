"""PURE. Whether a version is affected: the OSV schema's evaluation algorithm ("Evaluation").

A version is affected when it is listed, or when a range includes it. GIT ranges say nothing about versions and are left
out, not taken for a no. What cannot be compared is :class:`~scow.errors.Invalid`, never a no.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from scow.errors import Invalid, Unsupported
from scow.scan.advisory import Affected, Event, Range
from scow.scan.versions import semver
from scow.scan.versions.order import Order, order_of, place

#: orders that read semantic versions already
_SEMANTIC = frozenset({semver.key, semver.go_key, semver.pub_key, semver.nuget_key})
_BEGINNING = Event("introduced", "0")
#: Fixes that are tried; a real package has a branch or two to be fixed in.
_CANDIDATES = 32


def is_affected(version: str, affected: Affected) -> bool:
    """Whether ``version`` is. Raises :class:`~scow.errors.Invalid` or ``Unsupported`` when that cannot be told."""
    return version in affected.versions or _in_ranges(version, affected) or _listed(version, affected)


def fixed_version(version: str, several: Sequence[Affected]) -> str:
    """The smallest fixed version above ``version`` that none of ``several`` affects; empty for none.

    Databases may disagree: when no fix satisfies all of them, the last one counts.
    """
    if len(several) == 1 and len(ranges := several[0].ranges) == 1 and _is_simple(ranges[0]):
        order, fix = _order(ranges[0].kind, several[0].ecosystem), ranges[0].events[1].version
        return fix if place(order, fix) > place(order, version) else ""
    found: dict[str, Any] = {}
    for affected in several:
        for one in affected.ranges:
            order = _order(one.kind, affected.ecosystem)
            own = place(order, version)
            found |= {fix: at for fix, at in _fixes(one, order) if at > own}
    rising = sorted(found, key=found.__getitem__)
    return _unaffected(rising, several) or (rising[-1] if rising and len(several) > 1 else "")


def clean_version(fixes: Sequence[str], several: Sequence[Affected]) -> str:
    """The smallest fixed version, from the last of ``fixes`` on, that none of ``several`` affects; else that last one.

    An upgrade may lead into what was introduced since.
    """
    found: dict[str, Any] = {}
    for affected in several:
        for one in affected.ranges:
            found |= _fixes(one, _order(one.kind, affected.ecosystem))
    last = max(fixes, key=found.__getitem__)
    rising = sorted((fix for fix in found if found[fix] >= found[last]), key=found.__getitem__)
    return _unaffected(rising, several) or last


def _fixes(one: Range, order: Order) -> list[tuple[str, Any]]:
    """Fixed version → its place."""
    return [(event.version, place(order, event.version)) for event in one.events if event.kind == "fixed"]


def _unaffected(rising: Sequence[str], several: Sequence[Affected]) -> str:
    """The first of the versions that none of ``several`` affects; empty for none."""
    for fix in rising[:_CANDIDATES]:
        if not any(_in_ranges(fix, affected) for affected in several):
            return fix
    return ""


def _listed(version: str, affected: Affected) -> bool:
    """Listed in another spelling: ``1.0`` and ``1.0.0`` are the same version to Python."""
    order = order_of(affected.ecosystem) if affected.versions else None
    if order is None:
        return False
    own = place(order, version)
    for other in affected.versions:
        try:
            if place(order, other) == own:
                return True
        except Invalid:  # not a version: then it is not this one
            continue
    return False


def _in_ranges(version: str, affected: Affected) -> bool:
    problem: Invalid | Unsupported | None = None
    for one in affected.ranges:
        try:
            if _includes(one, version, _order(one.kind, affected.ecosystem)):
                return True
        except (Invalid, Unsupported) as error:
            problem = error  # another range may still say yes
    if problem:
        raise problem
    return False


@lru_cache(maxsize=1024)
def _order(kind: str, ecosystem: str) -> Order:
    order = order_of(ecosystem)
    if kind == "SEMVER" and order not in _SEMANTIC:
        return semver.key
    if order is None:
        raise Unsupported(f"how {ecosystem or 'its ecosystem'} orders versions is not known")
    return order


def _includes(one: Range, version: str, order: Order) -> bool:
    own = place(order, version)
    if _is_simple(one):
        return not own >= place(order, one.events[1].version)
    limits = [event.version for event in one.events if event.kind == "limit"]
    if limits and not any(limit == "*" or own < place(order, limit) for limit in limits):
        return False
    vulnerable = False
    for event in _sorted(one.events, order):
        vulnerable = _turn(event, own, order, vulnerable)
    return vulnerable


def _is_simple(one: Range) -> bool:
    """Whether all versions before a fix are affected, as nearly every range says."""
    return len(one.events) == 2 and one.events[0] == _BEGINNING and one.events[1].kind == "fixed"


def _turn(event: Event, own: Any, order: Order, vulnerable: bool) -> bool:
    """What is known after one event."""
    if event.kind == "introduced":
        return vulnerable or event.version == "0" or own >= place(order, event.version)
    if event.kind == "fixed":
        return vulnerable and not own >= place(order, event.version)
    return vulnerable and not (event.kind == "last_affected" and own > place(order, event.version))


def _sorted(events: Sequence[Event], order: Order) -> Sequence[Event]:
    """By version, ``0`` first, as they came where they are equal: ``introduced 0, fixed 0`` affects nothing."""
    first = [event for event in events if event.kind == "introduced" and event.version == "0"]
    others = [event for event in events if event not in first and event.kind != "limit"]
    return first + sorted(others, key=lambda event: place(order, event.version))
