"""The instructions that set metadata (and WORKDIR), one function each. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from typing import Any, Final

from scow.build.draft import Draft, health
from scow.build.ops import MakeDirectoryOp
from scow.dockerfile import instructions as ins
from scow.dockerfile.durations import told
from scow.dockerfile.ports import ports
from scow.dockerfile.signals import is_signal
from scow.dockerfile.span import located
from scow.errors import Invalid
from scow.oci.config import Healthcheck
from scow.oci.quoting import quote


def _arg(draft: Draft, instruction: ins.Arg) -> None:
    told = []
    for definition in instruction.definitions:
        default = draft.expand(definition.default) if definition.default is not None else None
        name = draft.expand(definition.name)
        value = draft.variables.declare(name, default)
        told.append(name if value is None else f"{name}={value}")
    draft.step(f"ARG {' '.join(told)}")


def _env(draft: Draft, instruction: ins.Env) -> None:
    # All values are replaced before any is set: ``ENV abc=bye def=$abc`` uses the old abc.
    pairs = [(draft.expand(pair.key), draft.expand(pair.value)) for pair in instruction.pairs]
    draft.variables.set(dict(pairs))
    draft.process["Env"] = [f"{name}={value}" for name, value in draft.variables.env.items()]
    draft.step("ENV " + " ".join(f"{name}={value}" for name, value in pairs))


def _label(draft: Draft, instruction: ins.Label) -> None:
    pairs = [(draft.expand(pair.key), draft.expand(pair.value)) for pair in instruction.pairs]
    draft.process["Labels"] = {**draft.process.get("Labels", {}), **dict(pairs)}
    draft.step("LABEL " + " ".join(f"{name}={value}" for name, value in pairs))


def _workdir(draft: Draft, instruction: ins.Workdir) -> None:
    path = posixpath.normpath(posixpath.join("/", draft.workdir, draft.expand(instruction.path)))
    path = "/" + path.lstrip("/")
    draft.process["WorkingDir"] = path
    draft.step(f"WORKDIR {path}", MakeDirectoryOp(path, draft.process.get("User", "")) if path != "/" else None)


def _user(draft: Draft, instruction: ins.User) -> None:
    draft.process["User"] = draft.expand(instruction.user)
    draft.step(f"USER {draft.process['User']}")


def _cmd(draft: Draft, instruction: ins.Cmd) -> None:
    draft.process["Cmd"] = list(draft.argv(instruction.command))
    draft.own_command = True
    draft.step(f"CMD {_array(draft.process['Cmd'])}")


def _entrypoint(draft: Draft, instruction: ins.Entrypoint) -> None:
    draft.process["Entrypoint"] = list(draft.argv(instruction.command))
    if not draft.own_command:
        draft.process.pop("Cmd", None)  # a new entrypoint resets the base image's CMD
    draft.step(f"ENTRYPOINT {_array(draft.process['Entrypoint'])}")


def _array(words: Sequence[str]) -> str:
    """As docker's history has it: quoted, with spaces between."""
    return f"[{' '.join(quote(word) for word in words)}]"


def _expose(draft: Draft, instruction: ins.Expose) -> None:
    words = [word for port in sorted(instruction.ports) for word in draft.expand(port).split()]
    try:
        found = [port for word in words for port in ports(word)]
    except Invalid as error:
        raise located(error, draft.stages.dockerfile.where(draft.span)) from None
    draft.process["ExposedPorts"] = {**draft.process.get("ExposedPorts", {}), **{port: {} for port in found}}
    draft.step(f"EXPOSE [{' '.join(found)}]")


def _volume(draft: Draft, instruction: ins.Volume) -> None:
    paths = [draft.expand(path) for path in instruction.paths]
    if "" in paths:
        raise draft.invalid("VOLUME specified can not be an empty string")
    draft.process["Volumes"] = {**draft.process.get("Volumes", {}), **{path: {} for path in paths}}
    draft.step(f"VOLUME [{' '.join(paths)}]")


def _shell(draft: Draft, instruction: ins.Shell) -> None:
    draft.process["Shell"] = list(instruction.argv)
    draft.step(f"SHELL [{' '.join(instruction.argv)}]")


def _stopsignal(draft: Draft, instruction: ins.Stopsignal) -> None:
    signal = draft.expand(instruction.signal)
    if not is_signal(signal):
        raise draft.invalid(f"Invalid signal: {signal}", hint="a name such as SIGTERM, or a number")
    draft.process["StopSignal"] = signal
    draft.step(f"STOPSIGNAL {draft.process['StopSignal']}")


def _healthcheck(draft: Draft, instruction: ins.Healthcheck) -> None:
    command = instruction.command
    if command is None:
        test: tuple[str, ...] = ("NONE",)
    elif isinstance(command, ins.ExecForm):
        test = ("CMD", *command.argv)
    else:
        test = ("CMD-SHELL", command.text)
    check = Healthcheck(
        test,
        instruction.interval,
        instruction.timeout,
        instruction.start_period,
        instruction.start_interval,
        instruction.retries,
    )
    draft.process["Healthcheck"] = health(check)
    times = ("Interval", check.interval), ("Timeout", check.timeout), ("StartPeriod", check.start_period)
    said = " ".join(f"{name}:{told(time)}" for name, time in (*times, ("StartInterval", check.start_interval)))
    draft.step(f"HEALTHCHECK {{Test:[{' '.join(test)}] {said} Retries:{check.retries}}}")


def _onbuild(draft: Draft, instruction: ins.Onbuild) -> None:
    draft.process["OnBuild"] = [*draft.process.get("OnBuild", []), instruction.expression]  # as docker, not in history


def _maintainer(draft: Draft, instruction: ins.Maintainer) -> None:
    draft.author = instruction.name
    draft.step(f"MAINTAINER {instruction.name}")


#: Each instruction's class → what it does to a draft.
SETTINGS: Final[dict[type, Callable[[Draft, Any], None]]] = {
    ins.Arg: _arg,
    ins.Env: _env,
    ins.Label: _label,
    ins.Workdir: _workdir,
    ins.User: _user,
    ins.Cmd: _cmd,
    ins.Entrypoint: _entrypoint,
    ins.Expose: _expose,
    ins.Volume: _volume,
    ins.Shell: _shell,
    ins.Stopsignal: _stopsignal,
    ins.Healthcheck: _healthcheck,
    ins.Onbuild: _onbuild,
    ins.Maintainer: _maintainer,
}
