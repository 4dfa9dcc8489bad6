"""Where an image is, as text."""

from __future__ import annotations

import pytest

from scow.errors import Invalid
from scow.oci.location import Location

CASES = [
    ("debian:12", Location("", name="debian:12")),
    ("localhost:5000/a@sha256:" + "0" * 64, Location("", name="localhost:5000/a@sha256:" + "0" * 64)),
    ("docker://localhost:5000/a:b", Location("docker", name="localhost:5000/a:b")),
    ("store:debian:12", Location("store", name="debian:12")),
    ("oci:/a/b", Location("oci", "/a/b")),
    ("oci:dir:v1", Location("oci", "dir", "v1")),
    ("oci:dir:host:5000/a:v1", Location("oci", "dir", "host:5000/a:v1")),
    ("oci-archive:a.tar:v1", Location("oci-archive", "a.tar", "v1")),
    ("docker-archive:/a.tar:busybox:1", Location("docker-archive", "/a.tar", "busybox:1")),
    ("dir:/a:b", Location("dir", "/a:b")),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_reads_and_writes(text: str, expected: Location) -> None:
    assert Location.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize("text", ["", "docker://", "oci:", "oci::v1", "oci-archive:", "dir:", "store:"])
def test_without_what_it_needs(text: str) -> None:
    with pytest.raises(Invalid):
        Location.parse(text)


def test_a_path_may_hold_colons() -> None:
    assert list(Location.parse("oci:/a:b:c").readings()) == [
        Location("oci", "/a", "b:c"), Location("oci", "/a:b", "c"), Location("oci", "/a:b:c"),
    ]  # fmt: skip
    assert list(Location.parse("docker://a:1").readings()) == [Location("docker", name="a:1")]
