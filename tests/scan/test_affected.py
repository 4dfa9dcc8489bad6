"""Whether a version is affected: beside a second opinion, on made-up ranges and on every real record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version
from tests.support import osv

from scow.errors import Invalid, Unsupported
from scow.scan.advisory import parse
from scow.scan.affected import Ruling, fixed_version, is_affected, ruling
from scow.scan.versions.order import order_of, place


def document(*ranges: dict[str, Any], ecosystem: str = "npm", versions: tuple[str, ...] = ()) -> dict[str, Any]:
    """An advisory on the package ``x``."""
    affected = {"package": {"ecosystem": ecosystem, "name": "x"}, "ranges": ranges, "versions": versions}
    return {"id": "T-1", "modified": "2024-01-01T00:00:00Z", "affected": [affected]}


def semver(*events: tuple[str, str], kind: str = "SEMVER") -> dict[str, Any]:
    return {"type": kind, "events": [{name: version} for name, version in events]}


def ours(version: str, told: dict[str, Any]) -> bool:
    (affected,) = parse(msgspec.json.encode(told))[1]
    return is_affected(version, ruling(affected))


def compare(ecosystem: str) -> osv.Compare:
    """An order as a comparison: Python's by its own library, others by ours (which have tests of their own)."""
    if ecosystem == "PyPI":
        return _python
    order = order_of(ecosystem)
    assert order is not None
    return lambda left, right: (place(order, left) > place(order, right)) - (place(order, left) < place(order, right))


def _python(left: str, right: str) -> int:
    first, second = Version(left), Version(right)
    return (first > second) - (first < second)


CASES = [
    ("introduced and fixed", [("introduced", "1.0.0"), ("fixed", "1.2.0")], "0.9.0 - 1.0.0 + 1.1.9 + 1.2.0 -"),
    ("from the beginning", [("introduced", "0"), ("fixed", "1.0.0")], "0.0.0-a + 0.1.0 + 1.0.0 -"),
    ("for ever", [("introduced", "1.0.0")], "0.9.0 - 1.0.0 + 99.0.0 +"),
    ("last affected is affected", [("introduced", "0"), ("last_affected", "1.0.0")], "1.0.0 + 1.0.1 -"),
    (
        "several turns, in any order",
        [("fixed", "3.1.0"), ("introduced", "3.0.0"), ("introduced", "0"), ("fixed", "2.1.0")],
        "2.0.0 + 2.1.0 - 3.0.0 + 3.1.0 -",
    ),
    ("a limit", [("introduced", "1.0.0"), ("limit", "2.0.0")], "1.5.0 + 2.0.0 -"),
    ("any limit", [("introduced", "1.0.0"), ("limit", "2.0.0"), ("limit", "*")], "1.5.0 + 2.0.0 +"),
    ("never affected", [("introduced", "0"), ("fixed", "0")], "0.0.1 - 1.0.0 -"),
    ("no events", [], "1.0.0 -"),
    ("a pre-release of the fix", [("introduced", "0"), ("fixed", "1.0.0")], "1.0.0-rc.1 + 1.0.0+build -"),
]


@pytest.mark.parametrize(("events", "verdicts"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_events(events: list[tuple[str, str]], verdicts: str) -> None:
    words = verdicts.split()
    told = document(semver(*events))
    for version, verdict in zip(words[::2], words[1::2], strict=True):
        assert ours(version, told) is (verdict == "+"), version
        assert osv.is_vulnerable("npm", "x", version, told, compare("npm")) is (verdict == "+"), version


def test_git_ranges_are_skipped_and_not_final() -> None:
    commits = semver(("introduced", "0"), ("fixed", "4579d5538f06c5ef615a15bc67ebb9ac0523a973"), kind="GIT")
    assert not ours("1.0", document(commits, ecosystem="PyPI"))
    assert ours("1.0", document(commits, ecosystem="PyPI", versions=("1.0",)))
    assert ours("1.0", document(commits, semver(("introduced", "0"), kind="ECOSYSTEM"), ecosystem="PyPI"))


def test_a_listed_version_is_affected_however_it_is_spelled() -> None:
    told = document(ecosystem="PyPI", versions=("1.0.0", "2.0RC1", "not a version"))
    assert ours("1.0", told)
    assert ours("v2.0rc1", told)
    assert not ours("1.1", told)


def test_what_cannot_be_compared_is_never_a_no() -> None:
    told = document(semver(("introduced", "0"), ("fixed", "1.0"), kind="ECOSYSTEM"), ecosystem="Debian:12")
    with pytest.raises(Invalid, match="not a Debian version"):
        ours("one point two", told)
    with pytest.raises(Invalid):
        ours("1.0", document(semver(("introduced", "0"), ("fixed", "?!")), ecosystem="npm"))
    with pytest.raises(Unsupported, match="how Nowhere orders versions"):
        ours("1.0", document(semver(("introduced", "0"), kind="ECOSYSTEM"), ecosystem="Nowhere"))


def test_a_yes_counts_though_another_range_cannot_be_compared() -> None:
    bad, good = semver(("introduced", "?!")), semver(("introduced", "0"))
    assert ours("1.0.0", document(bad, good))


@pytest.mark.parametrize(
    ("version", "fix"),
    [("1.0.0", "1.5.0"), ("1.4.9", "1.5.0"), ("2.0.0", "2.2.0"), ("3.0.0", ""), ("0.1.0", "1.5.0")],
)
def test_the_smallest_fix_above(version: str, fix: str) -> None:
    one = semver(("introduced", "0"), ("fixed", "1.5.0"), ("introduced", "2.0.0"), ("fixed", "2.2.0"))
    two = semver(("introduced", "3.0.0"), ("last_affected", "4.0.0"))
    (affected,) = parse(msgspec.json.encode(document(two, one)))[1]
    assert fixed_version(version, [ruling(affected)]) == fix


def test_a_fix_that_another_range_still_has_is_none() -> None:
    one, two = semver(("introduced", "0"), ("fixed", "1.1.0")), semver(("introduced", "0"), ("fixed", "1.2.0"))
    (affected,) = parse(msgspec.json.encode(document(one, two)))[1]
    assert fixed_version("1.0.0", [ruling(affected)]) == "1.2.0"


def test_databases_that_disagree_about_the_fix() -> None:
    def part(*events: tuple[str, str]) -> Ruling:
        return ruling(parse(msgspec.json.encode(document(semver(("introduced", "0"), *events))))[1][0])

    assert fixed_version("1.0.0", [part(("fixed", "1.1.0")), part(("fixed", "1.2.0"))]) == "1.2.0"
    assert fixed_version("1.0.0", [part(("fixed", "1.1.0")), part(("last_affected", "1.0.5"))]) == "1.1.0"
    assert fixed_version("1.0.0", [part(("fixed", "1.1.0")), part()]) == "1.1.0"
    assert fixed_version("1.0.0", [part()]) == ""


_NUMBERS = st.sampled_from(["0.1.0", "1.0.0", "1.0.0-rc.1", "1.1.0", "2.0.0", "2.0.1", "3.0.0"])
_EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("introduced"), st.one_of(st.just("0"), _NUMBERS)),
        st.tuples(st.sampled_from(["fixed", "last_affected"]), _NUMBERS),
    ),
    max_size=6,
    unique_by=lambda event: event[1],  # of two events at one version the text does not say which comes first
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_EVENTS, max_size=3), st.lists(_NUMBERS, max_size=2), st.lists(_NUMBERS, max_size=1), _NUMBERS)
def test_made_up_ranges_beside_the_second_opinion(
    ranges: list[list[tuple[str, str]]], versions: list[str], limits: list[str], version: str
) -> None:
    told = document(
        *(semver(*events, *(("limit", limit) for limit in limits)) for events in ranges), versions=tuple(versions)
    )
    assert ours(version, told) is osv.is_vulnerable("npm", "x", version, told, compare("npm"))


@pytest.mark.parametrize("ecosystem", ["PyPI", "Go", "crates.io", "npm", "Maven", "Debian", "Alpine", "RubyGems"])
def test_every_real_record_beside_the_second_opinion(ecosystem: str) -> None:
    """At each version that a record mentions, which is where verdicts turn."""
    by, checked, yes = compare(ecosystem), 0, 0
    for told in osv.documents(ecosystem):
        for one, affected in zip(told["affected"], parse(msgspec.json.encode(told))[1], strict=True):
            if not one["package"]["ecosystem"].startswith(ecosystem) or told.get("withdrawn"):
                continue
            alone = {**told, "affected": [one]}
            for version in _mentioned(one):
                expected = _told_by(lambda v=version, a=alone, o=one: _second(a, o, v, by))  # type: ignore[misc]
                assert expected is None or is_affected(version, ruling(affected)) is expected, (told["id"], version)
                checked, yes = checked + (expected is not None), yes + bool(expected)
    assert 0 < yes < checked


def _mentioned(affected: dict[str, Any]) -> set[str]:
    events = [event for one in affected.get("ranges") or () if one["type"] != "GIT" for event in one["events"]]
    listed = (affected.get("versions") or ())[:10]
    return {version for event in events for version in event.values() if version != "0"} | {
        "0.0.1",
        "9999.0.0",
        *listed,
    }


def _second(told: dict[str, Any], one: dict[str, Any], version: str, by: osv.Compare) -> bool:
    package = one["package"]
    return osv.is_vulnerable(package["ecosystem"], package["name"], version, told, by)


def _told_by(ask: Callable[[], bool]) -> bool | None:
    """What the second opinion says, unless a version of them is none."""
    try:
        return ask()
    except (InvalidVersion, Invalid):
        return None
