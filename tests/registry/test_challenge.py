"""WWW-Authenticate as registries send it, and as they should not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.registry.challenge import Challenge, choose, parse


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="x"', [Challenge("basic", {"realm": "x"})]),
        ("", []),
        ("Negotiate", [Challenge("negotiate", {})]),
        ("Negotiate YII=, Basic realm=x", [Challenge("negotiate", {}), Challenge("basic", {"realm": "x"})]),
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        (
            'BASIC Realm = "a, b=\\"c\\"" , bearer REALM=https://x/y?z=1 , service = "s"',
            [
                Challenge("basic", {"realm": 'a, b="c"'}),
                Challenge("bearer", {"realm": "https://x/y?z=1", "service": "s"}),
            ],
        ),
        (", ,Basic realm=x,,", [Challenge("basic", {"realm": "x"})]),
        ('realm="lost", Basic realm="kept"', [Challenge("basic", {"realm": "kept"})]),
        ('"", Basic realm="kept"', [Challenge("basic", {"realm": "kept"})]),
    ],
)
def test_reads_every_challenge(header: str, expected: list[Challenge]) -> None:
    assert list(parse(header)) == expected


def test_bearer_is_chosen_over_basic_wherever_it_stands() -> None:
    chosen = choose(parse('Basic realm="b", Bearer realm="https://t",scope="a b"'))
    assert chosen is not None
    assert (chosen.scheme, chosen.realm, chosen.scopes) == ("bearer", "https://t", ("a", "b"))


def test_bearer_without_a_realm_is_no_choice() -> None:
    chosen = choose(parse('Bearer service="x", Basic realm="b"'))
    assert chosen is not None
    assert chosen.scheme == "basic"
    assert choose(parse("Digest realm=x")) is None


@given(st.text(max_size=300))
def test_any_text_is_survived(text: str) -> None:
    for challenge in parse(text):
        assert challenge.scheme


_VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Basic", "Bearer", "Digest"]),
            st.dictionaries(st.sampled_from(["realm", "scope", "x"]), _VALUE, min_size=1),
        ),
        max_size=4,
    )
)
def test_what_is_written_by_the_grammar_is_read_back(challenges: list[tuple[str, dict[str, str]]]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = ", ".join(
        f"{scheme} " + ", ".join(f"{name}={quoted(value)}" for name, value in params.items())
        for scheme, params in challenges
    )
    assert parse(header) == tuple(Challenge(scheme.lower(), params) for scheme, params in challenges)
