"""Platforms: one spelling each, and the entry that serves a machine best."""

from __future__ import annotations

import pytest

from scow.errors import Invalid
from scow.oci.platform import Platform, best, wanted

SPELLINGS = {
    "linux/amd64": "linux/amd64", "amd64": "linux/amd64", "linux/x86_64": "linux/amd64", "x86-64": "linux/amd64",
    "LINUX/AMD64": "linux/amd64", "linux/arm64": "linux/arm64", "linux/arm64/v8": "linux/arm64",
    "aarch64": "linux/arm64", "linux/arm/v7": "linux/arm/v7", "armhf": "linux/arm/v7", "armel": "linux/arm/v6",
    "linux/arm/v6": "linux/arm/v6", "linux/arm": "linux/arm", "linux/386": "linux/386", "i386": "linux/386",
    "linux/amd64/v1": "linux/amd64", "linux/amd64/v3": "linux/amd64/v3", "macos/arm64": "darwin/arm64",
    "windows/amd64": "windows/amd64", "linux/riscv64": "linux/riscv64", "linux/s390x": "linux/s390x",
    " linux/ppc64le ": "linux/ppc64le",
}  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS)
def test_one_spelling(text: str) -> None:
    found = Platform.parse(text)
    assert str(found) == SPELLINGS[text]
    assert Platform.parse(str(found)) == found
    assert found.normalised() == found


@pytest.mark.parametrize(
    "text", ["", "/", "linux/", "/amd64", "a/b/c/d", "linux/amd 64", "linux/../x", "linux//v7", "bogus"]
)
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(Invalid):
        Platform.parse(text)


def test_what_is_asked_for_where_we_are() -> None:
    here = Platform("arm", "linux", "v6")
    assert wanted(None, here) == here
    assert [str(wanted(text, here)) for text in ("linux", "windows", "macos", "amd64", "linux/arm")] == [
        "linux/arm/v6", "windows/arm/v6", "darwin/arm/v6", "linux/amd64", "linux/arm",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "bogus/x", "bogus/amd64", "linux/amd46", "linux/bogus/v8"])
def test_what_no_image_is_for_is_not_asked_for(text: str) -> None:
    with pytest.raises(Invalid):
        wanted(text, Platform("amd64", "linux"))


#: wanted, what there is, which of them
BEST = [
    ("linux/amd64", ["linux/arm64", "linux/amd64"], 1),
    ("linux/amd64", ["linux/arm64", "windows/amd64"], None),
    ("linux/amd64", [], None),
    ("linux/amd64", ["unknown/unknown", "linux/amd64", "linux/amd64"], 1),
    ("linux/amd64", ["linux/amd64/v2", "linux/amd64/v3"], None),
    ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2"], 1),
    ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v4"], 0),
    ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v3"], 1),
    ("linux/arm64", ["linux/arm64/v8"], 0),
    ("linux/arm64/v8", ["linux/arm64"], 0),
    ("linux/arm64", ["linux/arm/v7"], None),
    ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], 1),
    ("linux/arm/v7", ["linux/arm/v6", "linux/arm/v7"], 1),
    ("linux/arm/v7", ["linux/arm/v6", "linux/arm"], 1),
    ("linux/arm/v6", ["linux/arm/v7"], None),
    ("linux/arm/v6", ["linux/arm/v7", "linux/arm/v5"], 1),
    ("linux/arm", ["linux/arm/v6", "linux/arm/v7"], 1),
    ("linux/386", ["linux/amd64"], None),
    ("linux/riscv64/v2", ["linux/riscv64/v1"], None),  # only of these three is it known that a new one runs what is old
]


@pytest.mark.parametrize(("asked", "there", "found"), BEST)
def test_best(asked: str, there: list[str], found: int | None) -> None:
    assert best([Platform.parse(text) for text in there], Platform.parse(asked)) == found


def test_entries_that_say_nothing_do_not_count() -> None:
    assert best([None, Platform("amd64", "linux")], Platform("amd64", "linux")) == 1
    assert best([None], Platform("amd64", "linux")) is None
    assert best([Platform("arm", "linux", "5")], Platform("arm", "linux", "v7")) is None


def test_attestations_are_not_known() -> None:
    assert not Platform("unknown", "unknown").known
    assert not Platform("amd64", "unknown").known
    assert not Platform("unknown", "linux").known
    assert best([Platform("unknown", "unknown")], Platform("unknown", "unknown")) is None
    assert Platform("amd64", "linux").known
