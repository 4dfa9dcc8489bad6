"""Version orders: against the field's vectors, against PEP 440's own library, and as orders in the strict sense."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version
from tests.support.shared import lines

from scow.errors import Invalid
from scow.scan.versions.order import ORDERS, order_of, place

ECOSYSTEMS = {
    "alpine": "Alpine", "cran": "CRAN", "debian": "Debian", "hackage": "Hackage", "maven": "Maven", "nuget": "NuGet",
    "packagist": "Packagist", "pub": "Pub", "pypi": "PyPI", "redhat": "Red Hat", "rubygems": "RubyGems",
    "semver": "npm",
}  # fmt: skip
GENERATED = ("alpine", "cran", "debian", "maven", "packagist", "pypi", "rubygems")
FILES = [f"{name}-versions" for name in ECOSYSTEMS] + [f"{name}-versions-generated" for name in GENERATED]

#: where we differ on purpose, one by one, each with its reason
DEVIATIONS = {
    ("packagist", "1.2.3.# = 1.2.3.1"): "what equals every number has no place in an order; no package has a #",
}


def relation(ecosystem: str, left: str, right: str) -> str:
    """``<``, ``=`` or ``>``."""
    order = order_of(ecosystem)
    assert order is not None
    first, second = place(order, left), place(order, right)
    assert (first < second) + (first > second) + (first == second) == 1
    return "<" if first < second else ">" if first > second else "="


@pytest.mark.parametrize("file", FILES)
def test_vectors(file: str) -> None:
    name = file.partition("-")[0]
    wrong, count = [], 0
    for line in lines("vectors", f"{file}.txt.gz"):
        left, sign, right = re.split(r" ([<=>]) ", line)
        count += 1
        if (name, line) not in DEVIATIONS and relation(ECOSYSTEMS[name], left, right) != sign:
            wrong.append(line)
    assert count > 3
    assert not wrong


@pytest.mark.parametrize(("name", "line"), DEVIATIONS)
def test_deviations_are_still_ones(name: str, line: str) -> None:
    left, sign, right = re.split(r" ([<=>]) ", line)
    assert relation(ECOSYSTEMS[name], left, right) != sign


RISING = [
    ("Debian", ["1.0~~", "1.0~rc1", "1.0", "1.0-0.1", "1.0-1~bpo1", "1.0-1", "1.0-1+b1", "1.0a", "1.0+dfsg", "1:0.1"]),
    ("Red Hat", ["1.0~rc1-1", "1.0-1", "1.0-1.el9", "1.0-1.1", "1.0^git1-1", "1.0a-1", "1.0.1-1", "2:0.1-1"]),
    ("Alpine", ["1.2_alpha", "1.2_rc2", "1.2", "1.2-r1", "1.2_cvs1", "1.2_git1", "1.2_p1", "1.2a", "1.2.0", "1.10"]),
    ("PyPI", ["foo-1", "1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0b1", "1.0rc1", "1.0", "1.0+l", "1.0.post1", "1!0.1"]),
    ("npm", ["1.0.0-1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.1", "1.1"]),
    ("Go", ["0.0.0-20170330155735-e4e2799dd7aa", "v0.0.1", "go1.21rc2", "go1.21.0", "1.21.4", "go1.22 X:boring"]),
    ("Pub", ["1.0.0-a", "1.0.0", "1.0.0+1", "1.0.0+a", "1.0.1"]),
    ("Maven", ["1-alpha1", "1-b2", "1-m3", "1-cr4", "1-SNAPSHOT", "1.ga", "1-sp", "1-x", "1-1", "1.1"]),
    ("RubyGems", ["1.a.0.b", "1.a", "1.a.0.1", "1.b", "1.0", "1.0.1.pre", "1.0.1", "1.10"]),
    ("NuGet", ["1.0.0-ALPHA", "1.0.0-beta", "1.0", "1.0.0.1"]),
    ("Packagist", ["v1.0-dev", "1.0-alpha", "1.0b2", "1.0RC1", "1.0", "1.0.0", "1.0-patch1"]),
    ("CRAN", ["0.9", "0.75", "1.0-1", "1.0-1.0"]),
    ("Hackage", ["0.9", "0.11.3", "0.11.3.0", "1"]),
]


@pytest.mark.parametrize(("ecosystem", "rising"), RISING)
def test_each_order_in_one_line(ecosystem: str, rising: Sequence[str]) -> None:
    for at, left in enumerate(rising):
        for right in rising[at + 1 :]:
            assert relation(ecosystem, left, right) == "<", (left, right)
            assert relation(ecosystem, right, left) == ">", (left, right)


@pytest.mark.parametrize(
    ("ecosystem", "text"),
    [
        ("Debian", ""), ("Debian", "1 2"), ("Debian", "1.0\n"), ("Debian", "a:1"), ("Red Hat", " "), ("Alpine", "1 0"),
        ("PyPI", "…"), ("PyPI", "-"), ("npm", "latest"), ("npm", "1.x"), ("Go", "(devel)"), ("Go", ""), ("Maven", " "),
        ("RubyGems", "1_0"), ("NuGet", "1.0*"), ("Packagist", "-"), ("Packagist", "dev-main"),
        ("Packagist", "1.x-dev"), ("CRAN", "1.a"), ("Hackage", "1-2"),
        ("Debian", "9" * 5000), ("npm", "1." * 400 + "0"),
    ],
)  # fmt: skip
def test_what_is_no_version_has_no_place(ecosystem: str, text: str) -> None:
    order = order_of(ecosystem)
    assert order is not None
    with pytest.raises(Invalid):
        place(order, text)


def test_an_unknown_ecosystem_has_no_order() -> None:
    assert order_of("Somewhere:1") is None
    assert order_of("Debian:12") is order_of("Debian")


_PIECES = {
    "Debian": ["0", "1", "10", ".", "~", "+", "-", "a", "b", ":"],
    "Red Hat": ["0", "1", "10", ".", "~", "^", "-", "a", "B", ":", "é"],
    "Alpine": ["0", "1", "01", ".", "_rc", "_p", "-r", "a", "~ab", "-x"],
    "PyPI": ["0", "1", "10", ".", "a", "rc", ".post", ".dev", "+", "-", "!", "x"],
    "npm": ["0", "1", "10", ".", "-", "+", "a", "B", "v"],
    "RubyGems": ["0", "1", "10", ".", "-", "a", "b"],
    "Packagist": ["0", "1", "10", ".", "-", "a", "RC", "dev", "p", "x", "v"],
    "CRAN": ["0", "1", "10", ".", "-"],
    # without a word after a zero: Maven itself has no order there
    "Maven": ["1", "10", "-", "-a", "-rc", "-sp", "-x", "-ga", ".1"],
}  # fmt: skip
_VERSIONS = {
    ecosystem: st.lists(st.sampled_from(pieces), min_size=1, max_size=7).map("".join)
    for ecosystem, pieces in _PIECES.items()
}


@pytest.mark.parametrize("ecosystem", _VERSIONS)
def test_orders_are_total(ecosystem: str) -> None:
    @settings(max_examples=150, deadline=None)
    @given(st.lists(_VERSIONS[ecosystem], min_size=3, max_size=3))
    def holds(texts: list[str]) -> None:
        order = ORDERS[ecosystem]
        try:
            keys = [order(text) for text in texts]
        except Invalid:
            return
        for key in keys:
            assert key == key and not key < key
        for a, b, c in permutations(keys):
            assert (a < b) + (b < a) + (a == b) == 1
            if a < b and b < c:
                assert a < c
            if a == b and b == c:
                assert a == c

    holds()


@pytest.mark.parametrize("ecosystem", {order: ecosystem for ecosystem, order in ORDERS.items()}.values())
def test_any_text_has_a_place_or_a_reason(ecosystem: str) -> None:
    order: Callable[[str], object] = ORDERS[ecosystem]

    @settings(max_examples=60, deadline=None)
    @given(st.text(max_size=30), st.text(alphabet="0123456789.-_~^+:abrcv", max_size=30))
    def holds(wild: str, tame: str) -> None:
        for text in (wild, tame):
            try:
                place(order, text)
            except Invalid as error:
                assert error.subject or not text

    holds()


_PUBLIC = st.from_regex(
    r"\A([1-2]!)?[0-9]{1,2}(\.[0-9]{1,2}){0,3}(\.?(a|b|rc|c|preview)[0-3]?)?((-|\.post|\.r)[0-3])?(\.dev[0-3]?)?"
    r"(\+[a-c0-9]{1,2}(\.[a-c0-9]{1,2})?)?\Z"
)


@settings(max_examples=300, deadline=None)
@given(_PUBLIC, _PUBLIC)
def test_python_versions_as_packaging_has_them(left: str, right: str) -> None:
    first, second = Version(left), Version(right)
    assert relation("PyPI", left, right) == ("<" if first < second else ">" if first > second else "=")
