"""Being attached to a container: its streams and the user's, copied until the end or the detach keys."""

from __future__ import annotations

import contextlib
import os
import select

from scow.runtime import terminal, wire
from scow.runtime.child import Stdio
from scow.runtime.session import KILLED, Session
from scow.runtime.spec.keys import Typed

_CHUNK = 64 * 1024


def copy(session: Session, stdio: Stdio, detach_keys: bytes) -> int | None:
    """Copy between the container and ``stdio`` until the end of this run; its exit code, None when detached.

    A ``stdin`` that is a terminal is raw meanwhile, if the container has a terminal too; only then keys detach.
    """
    stdin = stdio.stdin if session.entrance is not None else None
    with contextlib.ExitStack() as stack:
        stack.callback(session.close)
        copying = _Copying(session, stdio, stdin)
        if session.terminal and session.entrance is not None:
            screen = stdio.stdout if stdin is None else stdin
            stack.enter_context(terminal.raw(stdin))
            changed = stack.enter_context(terminal.resizing(session.entrance, screen))
            copying.watch_screen(changed, screen, Typed(detach_keys))
        return copying.run()


class _Copying:
    def __init__(self, session: Session, stdio: Stdio, stdin: int | None) -> None:
        self.session, self.stdio, self.stdin = session, stdio, stdin
        self.changed: int | None = None
        self.screen = 0
        self.typed: Typed | None = None
        self.received, self.waiting = bytearray(), b""

    def watch_screen(self, changed: int, screen: int, typed: Typed) -> None:
        self.changed, self.screen, self.typed = changed, screen, typed

    def run(self) -> int | None:
        channel = self.session.channel
        while True:
            for fd in self._ready():
                if fd == channel.fileno():
                    code = self._output()
                    if code is not None:
                        return code
                elif fd == self.changed and self.session.entrance is not None:
                    os.read(fd, 64)
                    terminal.resize(self.session.entrance, self.screen)
                elif self.waiting:
                    self._pass_on()
                elif fd == self.stdin:
                    self._input()
            if self.typed and self.typed.detached and not self.waiting:
                return None

    def _ready(self) -> list[int]:
        """What can be read; or written, while something waits for the container to take it: then no more is read."""
        poll = select.poll()
        entrance = self.session.entrance
        poll.register(self.session.channel.fileno(), select.POLLIN)
        if self.changed is not None:
            poll.register(self.changed, select.POLLIN)
        if self.waiting and entrance is not None:
            poll.register(entrance, select.POLLOUT)
        elif self.stdin is not None:
            poll.register(self.stdin, select.POLLIN)
        return [fd for fd, _ in poll.poll()]

    def _output(self) -> int | None:
        try:
            part = self.session.channel.recv(_CHUNK)
        except ConnectionError:
            part = b""
        if not part:
            return KILLED  # the monitor is gone, and with it the container
        self.received += part
        for message in wire.unframed(self.received) or ():
            if "exit" in message:
                return int(message["exit"])
            for name, fd in (("out", self.stdio.stdout), ("err", self.stdio.stderr)):
                if name in message:
                    terminal.write(fd, message[name])
        return None

    def _input(self) -> None:
        assert self.stdin is not None  # noqa: S101 - it was ready
        part = os.read(self.stdin, _CHUNK)
        if part:
            self.waiting = self.typed.passed(part) if self.typed else part
            self._pass_on()
            return
        self.stdin = None
        if self.session.terminal:
            self.waiting = terminal.END_OF_FILE
            self._pass_on()
        else:
            self.session.end_input()

    def _pass_on(self) -> None:
        entrance = self.session.entrance
        try:
            while self.waiting and entrance is not None:
                self.waiting = self.waiting[os.write(entrance, self.waiting) :]
        except BlockingIOError:
            return
        except OSError:  # it reads no more
            self.waiting = b""
