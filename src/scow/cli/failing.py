"""Errors for people: one clear message on standard error, and an honest exit code.

===========================================  ====
the program of ``run`` or a build step       its own
``run`` that scow could not start            125
every other error                            1
interrupted                                  130
whoever read the output has left             141
===========================================  ====
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Final

from scow.errors import Process, ScowError, Where, printable

FAILURE: Final = 1
INTERRUPTED: Final = 130
UNREAD: Final = 141
RUN_FAILURE: Final = 125


def exit_code(error: ScowError, *, running: bool = False) -> int:
    """The exit code for ``error``; ``running`` is for ``run``, whose own failures are 125."""
    if running:
        return error.exit_code if isinstance(error, Process) else RUN_FAILURE
    return FAILURE


def drop_output() -> None:
    """What is still to be written goes nowhere: nobody takes it."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def told(error: ScowError, program: str = "scow") -> str:
    """The message: what happened, to which thing, the place with a caret, what to do next."""
    lines = [f"{program}: {error}"]
    if error.where is not None and error.where.text:
        lines += caret(error.where)
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return "\n".join(lines)


def caret(where: Where) -> list[str]:
    """The line of the Dockerfile with a caret under what is meant."""
    number = f"{where.line:>5} | "
    shown = "".join(char if char == printable(char) else "\ufffd" for char in where.text.expandtabs(1))
    before = " " * (len(number) + where.column - 1)
    return [number + shown, before + "^" * max(1, min(where.width, len(shown) - where.column + 1 or 1))]
