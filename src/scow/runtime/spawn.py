"""Starting our own small interpreters: launchers, monitors, joiners and carriers. They load nothing heavy.

Each begins at :mod:`scow.runtime.entry`, where it says that it is ready and waits to be told what to do. A verb that
will want one has it started before it loads what it needs itself (:func:`ahead`): the two then start side by side.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from scow.errors import Unavailable
from scow.runtime import wire

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# The package itself is stood in for: its own __init__ imports typing, which would be a tenth of a start.
_ENTRY = """
import sys
package = sys.modules["scow"] = type(sys)("scow")
package.__path__ = [sys.argv[1]]
from scow.runtime.entry import main
main(sys.argv[2])
"""
_ahead: list[tuple[int, int]] = []


def ahead(module: str) -> None:
    """Start an interpreter that loads ``module`` (see :mod:`scow.runtime.entry`); the next :func:`start` takes it.

    When none comes, it leaves with this process. Nothing happens for an ordinary user, who may first have to become
    root of a user namespace, and nothing where it cannot be started: :func:`start` will say why.
    """
    if sys.platform == "linux" and os.geteuid() == 0:
        with contextlib.suppress(OSError):
            _ahead.append(_spawned(module))


def dismiss() -> None:
    """Let go of what :func:`ahead` started: this process has become another user, or gone elsewhere."""
    while _ahead:
        _end(*_ahead.pop())


def start(module: str, plan: dict[str, Any], streams: Sequence[int | None], kept: int | None = None) -> tuple[int, int]:
    """Have ``module`` run ``plan``; the process, and the line to it.

    ``streams`` become its standard streams, None is /dev/null; ``kept`` is a descriptor that it holds open.
    Raises :class:`Unavailable` when no interpreter starts.
    """
    process, control = _ready(module)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        given = [null if fd is None else fd for fd in streams]
        wire.give(control, given if kept is None else [*given, kept])
        wire.send(control, {"module": module, "plan": plan})
    except BaseException as error:  # interrupted, too: nothing may stay behind
        _end(process, control)
        if isinstance(error, OSError):
            raise _cannot(module, error) from None
        raise
    finally:
        os.close(null)
    return process, control


def _cannot(module: str, error: OSError) -> Unavailable:
    return Unavailable(f"cannot start scow-{module}: {error.strerror}", subject=sys.executable)


def _ready(module: str) -> tuple[int, int]:
    """An interpreter that waits to be told. One that cannot be written to where that is possible, else a plain one."""
    try:
        process, control = _ahead.pop() if _ahead else _spawned(module)
        if _says_ready(process, control):
            return process, control
        process, control = _plain(module)
        if _says_ready(process, control):
            return process, control
    except OSError as error:
        raise _cannot(module, error) from None
    raise Unavailable(f"scow-{module} does not start", subject=sys.executable)


def _says_ready(process: int, control: int) -> bool:
    try:
        if os.read(control, 1):
            return True
    except OSError:
        pass
    except BaseException:  # interrupted: nothing may stay behind
        _end(process, control)
        raise
    _end(process, control)
    return False


def _end(process: int, control: int) -> None:
    """Without its line it leaves."""
    os.close(control)
    os.waitpid(process, 0)


def _spawned(module: str) -> tuple[int, int]:
    """An interpreter that cannot be written through /proc/self/exe, whatever a container makes of it.

    Until its program is executed a container's process is this interpreter, and root there may be root here. A mount
    that is read-only and attached nowhere takes the way back (what CVE-2019-5736 did to runc). The plain interpreter
    for an ordinary user, who cannot write it, and where the kernel is too old for it (before 5.12).
    """
    try:
        with _sealed_interpreter() as interpreter:
            return _begin(module, interpreter)
    except OSError:
        return _plain(module)


def _plain(module: str) -> tuple[int, int]:
    return _begin(module, sys.executable)


@contextlib.contextmanager
def _sealed_interpreter() -> Iterator[str]:
    from scow.runtime.kernel import linux

    low = linux.open_tree(os.path.realpath(sys.executable))
    fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, wire.HIGH)
    os.close(low)
    try:
        linux.mount_setattr(fd, linux.MOUNT_ATTR_RDONLY)
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


def _begin(module: str, interpreter: str) -> tuple[int, int]:
    """The interpreter, in a session of its own so that the keys of a terminal do not reach it."""
    ours, theirs = wire.pair()
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    high = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, wire.HIGH)
    places = [(os.POSIX_SPAWN_DUP2, fd, place) for fd, place in ((null, 0), (null, 1), (high, wire.CONTROL))]
    words = [sys.executable, "-I", "-S", "-c", _ENTRY, _PACKAGE, module]
    try:
        process = os.posix_spawn(interpreter, words, os.environ, file_actions=places, setsid=True, setsigmask=())
    except BaseException:
        os.close(ours)
        raise
    finally:
        for fd in (theirs, high, null):
            os.close(fd)
    return process, ours
