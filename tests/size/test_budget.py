"""dive's score and rules, and budgets of our own."""

from __future__ import annotations

import pytest
from tests.size.planted import entry, looked_at

from scow.errors import Invalid
from scow.size.budget import DEFAULT, Budget, dive_rules, judge, share


def test_the_score_is_what_dive_says() -> None:
    """The numbers are those of dive 0.12.0 for an image of these layers."""
    layers = [
        [entry("bin/busybox", 1_982_421)],
        [entry("data", 60_000)],
        [entry("m", 5000)],
        [entry("d", 0, "dir"), entry("d/m1", 5000), entry("d/s1", 900)],
        [entry("m", 0, "whiteout"), entry("data", 6)],
        [entry("data", 6, uid=1)],
        [entry("d", 0, "whiteout")],
        [entry("m", 900)],
    ]
    found = looked_at(*layers, instructions=("RUN x",) * len(layers)).efficiency
    assert found.wasted == 65_912
    assert found.user_wasted == pytest.approx(0.9178410293544255)
    assert f"{100 * found.score:.4f}" == "96.8009"


def test_a_directory_without_content_is_a_path_of_its_layer() -> None:
    """As ``RUN mkdir`` leaves it; one that something lies in is none. The numbers are those of dive 0.12.0."""
    made = [entry("c", 0, "dir"), entry("c/d", 0, "dir"), entry("c/d/f5", 860), entry("f2", 1401), entry("a", 0, "dir"),
            entry("a/f4", 2349), entry("a/b", 0, "dir")]  # fmt: skip
    emptied = [entry("c", 0, "dir"), entry("a", 0, "dir"), entry("f2", 0, "whiteout"), entry("c/d/f5", 0, "whiteout")]
    filled = [entry("a", 0, "dir"), entry("a/b", 0, "dir"), entry("a/b/f0", 10), entry("a/f1", 2725)]
    gone = [entry("a/b", 0, "whiteout"), entry("c", 0, "whiteout"), entry("c", 0, "dir"), entry("c/f1", 1462)]
    layers = [made, emptied, filled, gone]
    found = looked_at(*layers, instructions=("RUN x",) * len(layers)).efficiency
    assert found.score == pytest.approx(0.7424293977543382)
    assert found.wasted == 2271


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
