"""Starting our own small interpreters: launchers, monitors, and what joins a container. They load nothing heavy."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from scow.errors import Unavailable

_PACKAGE = str(Path(__file__).absolute().parents[1])
# The package itself is stood in for: its own __init__ imports typing, which would be a tenth of a start.
_ENTRY = """
import sys
package = sys.modules["scow"] = type(sys)("scow")
package.__path__ = [sys.argv[1]]
from scow.runtime.{} import main
main()
"""
_HIGH = 64  # the descriptors handed over are first moved out of the way of their places

_Started = TypeVar("_Started")


def sealed(start: Callable[[str], _Started], wanted: bool) -> _Started:
    """``start`` with an interpreter that cannot be written through /proc/self/exe, whatever a container makes of it.

    Until its program is executed a container's process is this interpreter, and root there may be root here. A mount
    that is read-only and attached nowhere takes the way back (what CVE-2019-5736 did to runc). The plain interpreter
    where that is not ``wanted``, where the kernel is too old for it (before 5.12), or where it does not start so.
    """
    if wanted:
        try:
            with _sealed_interpreter() as interpreter:
                return start(interpreter)
        except (OSError, Unavailable):
            pass
    return start(sys.executable)


@contextlib.contextmanager
def _sealed_interpreter() -> Iterator[str]:
    from scow.runtime import linux

    low = linux.open_tree(os.path.realpath(sys.executable))
    fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    os.close(low)
    try:
        linux.mount_setattr(fd, linux.MOUNT_ATTR_RDONLY)
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


def spawn(module: str, given: Sequence[int | None], interpreter: str) -> int:
    """Start ``scow.runtime.MODULE``; ``given[n]`` becomes its descriptor n, None is /dev/null. Returns the process id.

    Raises :class:`Unavailable`.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    high = [fcntl.fcntl(null if fd is None else fd, fcntl.F_DUPFD_CLOEXEC, _HIGH) for fd in given]
    try:
        places = [(os.POSIX_SPAWN_DUP2, fd, place) for place, fd in enumerate(high)]
        words = [sys.executable, "-I", "-S", "-c", _ENTRY.format(module), _PACKAGE]
        return os.posix_spawn(interpreter, words, os.environ, file_actions=places, setsigmask=())
    except OSError as error:
        raise Unavailable(f"cannot start the {module}: {error.strerror}", subject=sys.executable) from None
    finally:
        for fd in [*high, null]:
            os.close(fd)
