"""Upgrades beside an exhaustive search over made-up advisories, whose versions are whole numbers."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from scow.scan.advice import advise
from scow.scan.advisory import Record, parse
from scow.scan.finding import Report
from scow.scan.match import match
from scow.scan.package import Catalog, Package

#: An advisory: what it affects from the first version up to the second, which is not (None: to the end).
Spans = list[tuple[int, int | None]]


def made(dice: random.Random) -> list[Spans]:
    several = []
    for _ in range(dice.randint(1, 9)):
        starts = sorted(dice.sample(range(12), dice.choice([1, 1, 1, 2])))
        ends: list[int | None] = [dice.randint(start + 1, 13) for start in starts]
        ends[-1] = dice.choice([ends[-1], ends[-1], ends[-1], None])
        if len(starts) == 2 and (ends[0] or 0) > starts[1]:
            ends[0] = starts[1]
        several.append(list(zip(starts, ends, strict=True)))
    return several


def told(number: int, spans: Spans) -> dict[str, Any]:
    ranges = [
        {"type": "SEMVER", "events": [{"introduced": f"{since}.0.0"}, *([{"fixed": f"{end}.0.0"}] if end else [])]}
        for since, end in spans
    ]
    affected = {"package": {"ecosystem": "npm", "name": "x"}, "ranges": ranges}
    return {"id": f"A-{number}", "modified": "2024-01-01T00:00:00Z", "affected": [affected]}


def has(spans: Spans, version: int) -> bool:
    return any(since <= version and (end is None or version < end) for since, end in spans)


def fix(spans: Spans, version: int) -> int | None:
    """The smallest version above that ends the defect."""
    ends = sorted(end for _, end in spans if end is not None and end > version)
    return next((end for end in ends if not has(spans, end)), None)


def upgrade(several: list[Spans], version: int) -> tuple[int, int] | None:
    """The smallest fixed version without all that can be left behind, and how many findings go; by trying all."""
    now = [spans for spans in several if has(spans, version)]
    mended = [spans for spans in now if fix(spans, version) is not None]
    if not mended:
        return None
    others = [spans for spans in several if spans not in now or spans in mended]
    last = max(fix(spans, version) or 0 for spans in mended)
    known = sorted({end for spans in others for _, end in spans if end is not None and end >= last})
    for at, candidate in enumerate(known):
        if not any(
            has(spans, candidate) and not all(has(spans, later) for later in known[at + 1 :]) for spans in others
        ):
            return candidate, len(mended)
    raise AssertionError("the last of them has nothing that a later one is without")


@pytest.mark.parametrize("seed", range(10))
def test_an_upgrade_is_the_smallest_that_leaves_everything_behind_that_can_be(seed: int) -> None:
    dice, advised = random.Random(seed), 0
    for _ in range(100):
        several, version = made(dice), dice.randint(0, 10)
        records = [
            Record(advisory, one)
            for number, spans in enumerate(several)
            for advisory, parts in [parse(json.dumps(told(number, spans)).encode())]
            for one in parts
        ]
        package = Package("x", f"{version}.0.0", "npm", "npm")
        findings, _ = match([package], {("npm", "x"): records})
        assert {one.name: one.fixed for one in findings} == {
            f"A-{number}": f"{end}.0.0" if (end := fix(spans, version)) else ""
            for number, spans in enumerate(several)
            if has(spans, version)
        }
        expected = upgrade(several, version)
        shown = advise(Report(Catalog("x", packages=(package,)), findings=findings))
        assert [(one.what, one.to, one.removes) for one in shown] == (
            [("x", f"{expected[0]}.0.0", expected[1])] if expected else []
        ), several
        advised += bool(expected)
    assert advised > 30
