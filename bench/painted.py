"""Run a full-screen command until a text is on its screen: ``python -I -S painted.py TEXT ARGV``.

What :mod:`bench.timed` measures of it ends with the first screen: the command is killed there. The exit code is 0 when
the text came, 1 when the command ended before.
"""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import sys
import termios


def main(text: bytes, argv: list[str]) -> int:
    """Run ``argv`` in a terminal of 120 columns and 40 rows."""
    child, terminal = pty.fork()
    if not child:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.execvpe(argv[0], argv, {**os.environ, "TERM": "xterm-256color"})  # noqa: S606
    screen = b""
    while text not in screen:
        try:
            screen += os.read(terminal, 1 << 16)
        except OSError:  # a terminal that nobody has open any more
            break
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    sys.stdout.buffer.write(b"" if text in screen else screen)
    return 0 if text in screen else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].encode(), sys.argv[2:]))
