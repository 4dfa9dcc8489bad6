"""Taking a container's cgroups away once nothing runs in them. Light."""

from __future__ import annotations

import errno
import os
import time

BASE = "/sys/fs/cgroup"

_PAUSE = 0.01


def remove(path: str, patience: float = 0.0) -> None:
    """Remove the empty cgroups at ``path`` (a spec's ``linux.cgroupsPath``) in every hierarchy.

    What is not there does not matter; what is still in use is tried again for ``patience`` seconds.
    """
    try:
        left = [f"{BASE}{path}", *(f"{BASE}/{name}{path}" for name in os.listdir(BASE))]
    except OSError:
        return
    end = time.monotonic() + patience
    while True:
        left = [cgroup for cgroup in left if _in_use(cgroup)]
        if not left or time.monotonic() > end:
            return
        time.sleep(_PAUSE)


def _in_use(cgroup: str) -> bool:
    """Try to remove it; True when a process in it was in the way."""
    try:
        os.rmdir(cgroup)
    except OSError as error:
        return error.errno == errno.EBUSY
    return False
