"""Where a container's cgroups are, and taking them away once nothing runs in them. Light."""

from __future__ import annotations

import os

BASE = "/sys/fs/cgroup"


def path_of(container_id: str) -> str:
    """The spec's ``linux.cgroupsPath``."""
    return f"/scow/{container_id}"


def remove(container_id: str) -> None:
    """Remove the empty cgroups of a container that ended, in every hierarchy; what is not there does not matter."""
    try:
        hierarchies = [BASE, *(f"{BASE}/{name}" for name in os.listdir(BASE))]
    except OSError:
        return
    for hierarchy in hierarchies:
        try:  # noqa: SIM105 -- contextlib is not loaded here
            os.rmdir(hierarchy + path_of(container_id))
        except OSError:
            pass  # another mode, or somebody is still in it
