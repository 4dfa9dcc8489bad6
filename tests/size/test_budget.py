"""dive's score and rules, and budgets of our own."""

from __future__ import annotations

import pytest
from tests.size.planted import entry, looked_at

from scow.errors import Invalid
from scow.size.budget import DEFAULT, Budget, dive_rules, judge, share


def test_the_score() -> None:
    lower = [entry("a", 100), entry("d/b", 50), entry("c", 10)]
    analysis = looked_at(lower, [entry("a", 60), entry("d", 0, "whiteout"), entry("new", 30)])
    # least: a 60, d/b 0 (it is gone), c 10, new 30; in all: a 160, d/b 50, c 10, new 30
    assert analysis.efficiency.score == pytest.approx(100 / 250)
    assert analysis.efficiency.wasted == 160 + 50
    assert analysis.efficiency.user_wasted == pytest.approx(210 / 90)


def test_nothing_is_efficient() -> None:
    assert looked_at([]).efficiency.score == 1.0


def test_verdicts() -> None:
    analysis = looked_at([entry("tmp/x", 100), entry("b", 900)])
    assert [one.kept for one in judge(analysis, DEFAULT)] == [True, True]
    broken = judge(analysis, Budget(waste=99, waste_share=0.1, size=999))
    assert [(one.limit, one.actual, one.kept) for one in broken] == [
        ("max-waste", 100, False),
        ("max-waste-share", 0.1, True),
        ("max-size", 1000, False),
    ]
    assert judge(analysis, Budget()) == ()


def test_the_file_of_dive() -> None:
    text = """
# comment
rules:
  # If the efficiency is measured below X%, mark as failed.
  lowestEfficiency: 0.95
  highestWastedBytes: '20MB'  # more
  highestUserWastedPercent: "disabled"
other:
  ignored: 1
"""
    assert dive_rules(text) == Budget(efficiency=0.95, wasted=20_000_000, user_wasted=None)
    assert dive_rules("") == DEFAULT


@pytest.mark.parametrize(
    "text",
    ["rules:\n  lowestEfficency: 1", "rules:\n  lowestEfficiency: 2", "rules:\n  highestWastedBytes: many"],
)
def test_what_dive_would_not_take(text: str) -> None:
    with pytest.raises(Invalid):
        dive_rules(text)


def test_shares() -> None:
    assert (share("0.5"), share("12.5%")) == (0.5, 0.125)
    for text in ("x", "2", "-1%", "nan"):
        with pytest.raises(Invalid):
            share(text)
