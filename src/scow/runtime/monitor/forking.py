"""Forks of a monitor that become something else, with nothing of the monitor's but what they are given. Light."""

from __future__ import annotations

import fcntl
import os

from scow.runtime.kernel import linux, tasks
from scow.runtime.wire import HIGH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_STANDARD = 3


def forked(given: list[int], act: Callable[[], object]) -> int:
    """Fork; ``given[n]`` becomes the child's descriptor n, signals are as at the beginning, and in a session of its own
    it does ``act``, from which nobody returns. The child's process id."""
    child = os.fork()
    if child:
        return child
    try:
        tasks.unheard()
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, HIGH) for fd in given]
        for place, fd in enumerate(high):
            os.dup2(fd, place, inheritable=place < _STANDARD)
        linux.close_range(len(given), (1 << 31) - 1)
        os.chdir("/")
        os.setsid()
        act()
    finally:
        os._exit(125)
