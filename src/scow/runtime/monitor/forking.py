"""Forks of a monitor that become something else, with nothing of the monitor's but what they are given. Light."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the module without enum
import fcntl
import os

from scow.runtime.kernel import linux

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_HIGH = 64  # descriptors are first moved out of the way of their places
_STANDARD = 3
_SIGNALS = tuple(number for number in range(1, 32) if number not in (9, 19))


def forked(given: list[int], act: Callable[[], object]) -> int:
    """Fork; ``given[n]`` becomes the child's descriptor n, signals are as at the beginning, and in a session of its own
    it does ``act``, from which nobody returns. The child's process id."""
    child = os.fork()
    if child:
        return child
    try:
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH) for fd in given]
        for place, fd in enumerate(high):
            os.dup2(fd, place, inheritable=place < _STANDARD)
        linux.close_range(len(given), (1 << 31) - 1)
        os.chdir("/")
        os.setsid()
        act()
    finally:
        os._exit(125)
