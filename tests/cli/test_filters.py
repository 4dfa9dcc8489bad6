"""``--filter`` as docker reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.cli.filters import Filters, parse_filters
from scow.cli.misuse import Misuse
from scow.errors import Invalid

KNOWN = ("label", "dangling", "reference", "until")


def filters(*texts: str) -> Filters:
    return parse_filters(texts, KNOWN)


def test_values_of_one_key_are_alternatives() -> None:
    asked = filters("reference=alpine", "reference = debian ", "dangling=false")
    assert asked.of("reference") == ("alpine", "debian")
    assert asked.exact("reference", "alpine")
    assert asked.exact("reference", "debian")
    assert not asked.exact("reference", "busybox")
    assert asked.match("reference", lambda value: value.startswith("alp"))


def test_what_was_not_asked_for_holds() -> None:
    assert filters().exact("reference", "anything")
    assert filters("").of("label") == ()
    assert not filters()
    assert filters("until=1h")
    assert "until" in filters("until=1h")
    assert "label" not in filters("until=1h")


@pytest.mark.parametrize(
    ("texts", "passes"),
    [
        (["label=a"], True),
        (["label=b"], False),
        (["label=a=1"], True),
        (["label=a=2"], False),
        (["label=a=1", "label=c"], True),
        (["label=a", "label=b"], False),  # every label must be there
        (["label!=b"], True),
        (["label!=a"], False),
        (["label!=a=2"], True),
        (["label!=a=1"], False),
        (["label!=b", "label!=c"], False),
        (["label=eq=x=y"], True),
        (["label=empty="], True),
        (["label=a="], False),
    ],
)
def test_labels(texts: list[str], passes: bool) -> None:
    labels = {"a": "1", "c": "", "eq": "x=y", "empty": ""}
    assert filters(*texts).labels(labels) is passes


@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("T", True), ("0", False), ("False", False)])
def test_flags(text: str, value: bool) -> None:
    assert filters(f"dangling={text}").flag("dangling") is value


def test_a_flag_must_be_one_truth() -> None:
    assert filters().flag("dangling") is None
    assert filters().flag("dangling", default=True) is True
    for texts in (["dangling=maybe"], ["dangling=true", "dangling=false"]):
        with pytest.raises(Invalid, match="invalid filter 'dangling="):
            filters(*texts).flag("dangling")


def test_until() -> None:
    assert filters("until=1h").until(now=10_000) == 6_400
    assert filters().until(now=10_000) is None
    with pytest.raises(Invalid, match="more than one until"):
        filters("until=1h", "until=2h").until(now=0)
    with pytest.raises(Invalid, match="invalid time"):
        filters("until=soon").until(now=0)


def test_unknown_keys_and_bad_forms() -> None:
    with pytest.raises(Invalid) as caught:
        filters("colour=red")
    assert str(caught.value) == "invalid filter 'colour'"
    assert "dangling" in caught.value.hint
    with pytest.raises(Invalid, match="invalid filter 'label!'"):
        parse_filters(["label!=a"], ["until"])
    with pytest.raises(Misuse, match="bad format of filter") as misuse:
        filters("dangling")
    assert misuse.value.exit_code == 125


@given(st.lists(st.tuples(st.sampled_from(KNOWN), st.text())))
def test_every_value_is_kept_in_order(pairs: list[tuple[str, str]]) -> None:
    asked = filters(*(f"{key}={value}" for key, value in pairs))
    for key in KNOWN:
        assert asked.of(key) == tuple(value.strip() for name, value in pairs if name == key)
