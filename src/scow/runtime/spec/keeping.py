"""What a user asks of the process that keeps a container: its log, its restarts, its health, its end. Pure."""

# Annotations are not deferred: msgspec would compile each of them before the first document is read.

from typing import Any

import msgspec

from scow.errors import Invalid
from scow.oci.config import Healthcheck
from scow.runtime.spec.restarting import POLICIES

_SECOND = 1_000_000_000
_TIMES = {"interval": 30.0, "timeout": 30.0, "start_period": 0.0, "start_interval": 5.0}  # docker's defaults
_RETRIES = 3


class Log(msgspec.Struct, frozen=True):
    """``largest`` bytes (0: no bound) for each of ``files`` files; ``driver`` is json-file, local or none."""

    driver: str = "json-file"
    largest: int = 0
    files: int = 1


class Keeping(msgspec.Struct, frozen=True):
    """How a container is kept.

    ``restart`` is one of docker's policies, ``most`` bounds the restarts of on-failure (0: no bound). ``remove``: it
    goes away with its end. ``stop_timeout`` is in seconds, -1 waits for ever, None is the default. ``health`` is a
    health check; what it leaves open is the image's.
    """

    restart: str = "no"
    most: int = 0
    log: Log = Log()
    health: Healthcheck | None = None
    remove: bool = False
    stop_timeout: int | None = None


def restart_policy(text: str) -> tuple[str, int]:
    """``on-failure:3`` -> the policy and its bound; raises :class:`Invalid`."""
    name, colon, most = text.partition(":")
    if not name:
        return "no", 0
    if name not in POLICIES:
        raise Invalid(f"invalid restart policy: unknown policy '{name}'", hint=f"one of {', '.join(POLICIES)}")
    if not colon:
        return name, 0
    if not (most.isascii() and most.isdigit()):
        raise Invalid("invalid restart policy format: maximum retry count must be an integer")
    if name != "on-failure":
        raise Invalid("invalid restart policy: maximum retry count can only be used with 'on-failure'")
    return name, int(most)


def healthcheck(asked: Healthcheck | None, image: Healthcheck | None) -> Healthcheck | None:
    """What is asked for, the rest as the image has it; None where neither says anything."""
    both = [one for one in (asked, image) if one is not None]
    fields = {
        name: next((v for one in both if (v := getattr(one, name))), None) for name in Healthcheck.__struct_fields__
    }
    return Healthcheck(**{name: value for name, value in fields.items() if value is not None}) if both else None


def in_effect(check: Healthcheck | None) -> Healthcheck | None:
    """The check, if it checks anything."""
    return check if check and check.test and check.test[0] != "NONE" else None


def check_arguments(check: Healthcheck, shell: tuple[str, ...] | None) -> tuple[str, ...]:
    """The program of a health check: ``CMD`` and its words, or ``CMD-SHELL`` and a line for the image's shell."""
    kind, *words = check.test
    return (*(shell or ("/bin/sh", "-c")), *words) if kind == "CMD-SHELL" else tuple(words)


def told(
    keeping: Keeping, health: dict[str, Any] | None, *, terminal: bool, stdin: bool, stdin_once: bool, stop_signal: int
) -> dict[str, Any]:
    """What a monitor is told of it, in plain values; times in seconds."""
    return {
        "restart": keeping.restart,
        "most": keeping.most,
        "log": msgspec.to_builtins(keeping.log),
        "remove": keeping.remove,
        "health": health,
        "terminal": terminal,
        "stdin": stdin,
        "stdin_once": stdin_once,
        "stop_signal": stop_signal,
    }


def health(check: Healthcheck, plan: dict[str, Any]) -> dict[str, Any]:
    """A health check in plain values; ``plan`` starts its program in the container."""
    seconds = {name: getattr(check, name) / _SECOND or default for name, default in _TIMES.items()}
    return {"plan": plan, "retries": check.retries or _RETRIES, **seconds}
