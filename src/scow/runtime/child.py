"""A small process of ours (:mod:`scow.runtime.spawn`) as its starter sees it: its streams, and what it answers."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from scow import errors
from scow.errors import ScowError, Unavailable
from scow.runtime import wire

_KINDS: dict[str, type[ScowError]] = {
    "Invalid": errors.Invalid,
    "Denied": errors.Denied,
    "Limit": errors.Limit,
    "Unsupported": errors.Unsupported,
    "Conflict": errors.Conflict,
    "NotFound": errors.NotFound,
}


class Stdio(msgspec.Struct, frozen=True):
    """The descriptors a container's process gets; ``stdin`` None is /dev/null. They stay the caller's to close."""

    stdin: int | None = None
    stdout: int = 1
    stderr: int = 2


def began(launcher: int, control: int) -> int | None:
    """Wait for the answer: the terminal's master, if there is one."""
    try:
        answer = wire.receive(control)
        if answer and answer.get("console"):
            return wire.taken(control)[0]
    except (OSError, IndexError):
        answer = None
    except BaseException:  # interrupted: nothing may stay behind
        os.close(control)
        os.waitpid(launcher, 0)
        raise
    if answer and "started" in answer:
        return None
    os.close(control)
    _, status = os.waitpid(launcher, 0)
    if answer is None:
        raise Unavailable(f"the launcher ended early (status {os.waitstatus_to_exitcode(status)})")
    raise told(answer["error"])


def told(fields: dict[str, Any]) -> ScowError:
    """The error that a small process of ours reported."""
    problem, subject, hint = (str(fields[name]) for name in ("problem", "subject", "hint"))
    if fields["kind"] == "Process":
        return errors.Process(problem, exit_code=int(fields["exit_code"]), subject=subject, hint=hint)
    return _KINDS[str(fields["kind"])](problem, subject=subject, hint=hint)
