"""A container's terminal and the user's: raw mode, window size, and copying between the two until it ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import signal
import struct
import termios
import threading
import tty
from collections.abc import Iterator

from scow.runtime.spec.keys import Typed

_CHUNK = 64 * 1024
END_OF_FILE = b"\x04"


def size_of(fd: int) -> tuple[int, int] | None:
    """(rows, columns) of a terminal; None when ``fd`` is none."""
    try:
        rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))
    except OSError:
        return None
    return rows, columns


def copy(master: int, stdin: int | None, stdout: int, detach_keys: bytes = b"") -> bool:
    """Copy until the container's side closes: ``stdin`` (if any) to ``master``, ``master`` to ``stdout``.

    A ``stdin`` that is a terminal is raw meanwhile, and ``stdout``'s changes of size go to the container. False when
    the ``detach_keys`` were typed before that.
    """
    typed = Typed(detach_keys) if detach_keys else None
    with raw(stdin), resizing(master, stdout if stdin is None else stdin) as changed:
        return _pump(master, stdin, stdout, changed, typed)


def _pump(master: int, stdin: int | None, stdout: int, changed: int, typed: Typed | None) -> bool:
    poll = select.poll()
    poll.register(master, select.POLLIN)
    poll.register(changed, select.POLLIN)
    if stdin is not None:
        poll.register(stdin, select.POLLIN)
    while not (typed and typed.detached):
        for fd, _ in poll.poll():
            if fd == changed:
                os.read(changed, 64)
                resize(master, stdout if stdin is None else stdin)
            elif fd == stdin:
                part = os.read(stdin, _CHUNK)
                write(master, (typed.passed(part) if typed else part) if part else END_OF_FILE)
                if not part:
                    poll.unregister(stdin)
            elif not _forward(master, stdout):
                return True
    return False


def _forward(master: int, stdout: int) -> bool:
    """One read of the container's output; False at its end (a pty's end is EIO)."""
    try:
        part = os.read(master, _CHUNK)
    except OSError as error:
        if error.errno == errno.EIO:
            return False
        raise
    write(stdout, part)
    return bool(part)


def write(fd: int, part: bytes) -> None:
    """Write all of it, or nothing more once the reader left: the container goes on."""
    with contextlib.suppress(OSError):
        while part:
            part = part[os.write(fd, part) :]


def resize(master: int, terminal: int) -> None:
    """Give the container's terminal the size of the user's, if that is one."""
    size = size_of(terminal)
    if size:
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))


@contextlib.contextmanager
def raw(fd: int | None) -> Iterator[None]:
    """``fd``, if it is a terminal, hands over every key as it is, for the length of the block."""
    if fd is None or not os.isatty(fd):
        yield
        return
    before = termios.tcgetattr(fd)
    tty.setraw(fd, termios.TCSANOW)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


@contextlib.contextmanager
def resizing(master: int, terminal: int) -> Iterator[int]:
    """Give the container's terminal the user's size, now; a descriptor that becomes readable when that changes."""
    resize(master, terminal)
    with window_changes() as reader:
        yield reader


@contextlib.contextmanager
def window_changes() -> Iterator[int]:
    """A descriptor that becomes readable when the user's window changes its size."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    main = threading.current_thread() is threading.main_thread()  # only there may signals be caught
    before = signal.signal(signal.SIGWINCH, lambda *_: _wake(writer)) if main else None
    try:
        yield reader
    finally:
        if main:
            signal.signal(signal.SIGWINCH, before)
        os.close(reader)
        os.close(writer)


def _wake(writer: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.write(writer, b"w")
