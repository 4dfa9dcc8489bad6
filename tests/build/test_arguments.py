"""Build arguments that say something to the builder itself: ``BUILDKIT_…``."""

from __future__ import annotations

import pytest
from tests.build.conftest import Kitchen

from scow.errors import Unsupported

FRONT_ENDS = {
    "docker/dockerfile": True, "docker/dockerfile:1": True, "docker/dockerfile:1.20.0": True,
    "docker/dockerfile:1-labs": True, "docker/dockerfile:experimental": True, "docker/dockerfile:labs": True,
    "docker.io/docker/dockerfile-upstream:master": True, f"docker/dockerfile:1@sha256:{'0' * 64}": True,
    "docker/dockerfile:2": False, "docker/dockerfile:10": False, "docker/dockerfile:1@sha256:0": False,
    "x.org/docker/dockerfile:1": False, "other/front:1": False,
}  # fmt: skip


@pytest.mark.parametrize(("name", "runs"), FRONT_ENDS.items())
def test_front_ends(kitchen: Kitchen, name: str, runs: bool) -> None:
    for text, args in ((f"# syntax={name}\nFROM scratch\n", {}), ("FROM scratch\n", {"BUILDKIT_SYNTAX": name})):
        if runs:
            kitchen.build(text, build_args=args)
        else:
            with pytest.raises(Unsupported, match="cannot be run"):
                kitchen.build(text, build_args=args)


def test_the_name_of_the_machine(kitchen: Kitchen) -> None:
    """Another name is another step."""
    kitchen.build("RUN hostname", build_args={"BUILDKIT_SANDBOX_HOSTNAME": "mine"})
    assert kitchen.output == "mine\n"
    kitchen.build("RUN hostname", build_args={"BUILDKIT_SANDBOX_HOSTNAME": "other"})
    assert kitchen.output == "other\n"
    kitchen.build("RUN env | grep HOSTNAME || echo none\nENV HOSTNAME=own\nRUN env | grep HOSTNAME")
    assert kitchen.output == "none\nHOSTNAME=own\n"  # only what the Dockerfile says, as with BuildKit


def test_cache_mounts_of_a_namespace(kitchen: Kitchen) -> None:
    text = "RUN --mount=type=cache,target=/c,id=one ls /c; touch /c/$A"
    for namespace, number, seen in (("", 1, ""), ("a", 2, ""), ("", 3, "1\n"), ("a", 4, "2\n")):
        given = {"BUILDKIT_CACHE_MOUNT_NS": namespace, "A": str(number)}
        kitchen.build(f"FROM busybox\nARG A\n{text}", build_args=given)
        assert kitchen.output == seen
