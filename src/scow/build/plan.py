"""Stages and arguments → the graph of what to do. Nothing runs until the whole graph exists. Pure.

Every instruction class has its function in one table; what cannot be built is refused here, with its place.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from scow.build.ops import (
    CopyOp,
    FromContext,
    FromImage,
    FromStage,
    Graph,
    MakeDirectoryOp,
    Op,
    Origin,
    PlannedStage,
    RunOp,
    Step,
)
from scow.build.variables import PROXIES, Variables
from scow.dockerfile import instructions as ins
from scow.dockerfile import shell
from scow.dockerfile import stages as st
from scow.dockerfile.parser import parse_trigger
from scow.dockerfile.ports import ports
from scow.dockerfile.span import Span, located
from scow.dockerfile.stages import SCRATCH, Stage, Stages
from scow.errors import Invalid, Unsupported
from scow.oci.config import Config, Healthcheck
from scow.oci.platform import Platform

DEFAULT_SHELL: Final = ("/bin/sh", "-c")
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the user gives a build: ``--build-arg``, ``--target``, the platforms, ``--network``."""

    given: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    platform: Platform = Platform("amd64", "linux")  # noqa: RUF009 - frozen
    build_platform: Platform = Platform("amd64", "linux")  # noqa: RUF009 - frozen
    network: str = "default"


def select(stages: Stages, arguments: Arguments) -> tuple[Stages, tuple[Stage, ...], dict[str, str]]:
    """The stages with FROM's variables replaced, those the target needs, and the values of the variables outside."""
    outside = st.meta_values(stages, arguments.given, _platform_arguments(arguments))
    expanded = st.expanded(stages, outside)
    return expanded, needed(expanded, arguments), outside


def needed(stages: Stages, arguments: Arguments) -> tuple[Stage, ...]:
    """The stages that the target needs, each after those it needs."""
    return st.reachable(stages, st.select(stages, arguments.target))


def triggered(stages: Stages, bases: Mapping[str, Config]) -> Stages:
    """The stages with the ONBUILD triggers of the images they stand on before their own instructions."""
    return replace(stages, stages=tuple(_triggered(stages, stage, bases) for stage in stages.stages))


def _triggered(stages: Stages, stage: Stage, bases: Mapping[str, Config]) -> Stage:
    config = bases.get(stage.image) if st.base(stages, stage) is None else None
    expressions = (config.process.on_build or ()) if config else ()
    triggers = tuple(parse_trigger(text, f"ONBUILD of {stage.image}") for text in expressions)
    return replace(stage, instructions=(*triggers, *stage.instructions))


def image_names(stages: Stages, reachable: Sequence[Stage]) -> dict[str, Stage]:
    """The images that the stages stand on or take files from, with the stage that names each first."""
    names: dict[str, Stage] = {}
    for stage in reachable:
        if stage.image != SCRATCH and st.base(stages, stage) is None:
            names.setdefault(stage.image, stage)
        for instruction, reference in st.references(stage):
            if st.source(stages, stage, instruction, reference) is None and reference != "context":
                names.setdefault(reference, stage)
    return names


def plan(
    stages: Stages,
    reachable: Sequence[Stage],
    outside: Mapping[str, str],
    arguments: Arguments,
    bases: Mapping[str, Config],
) -> Graph:
    """The graph for the last of ``reachable``; ``bases`` are the configs of the images the stages stand on."""
    planned: list[PlannedStage] = []
    drafts: dict[int, _Draft] = {}
    for stage in reachable:
        draft = _Draft.begin(stages, stage, outside, arguments, bases, drafts)
        for instruction in stage.instructions:
            draft.instruction = instruction
            _APPLY[type(instruction)](draft, instruction)
        drafts[stage.index] = draft
        base = st.base(stages, stage)
        origin = base.index if base else None if stage.image == SCRATCH else stage.image
        planned.append(PlannedStage(stage.index, stage.title, origin, tuple(draft.steps), draft.process, draft.author))
    return Graph(tuple(planned), _unused(stages, arguments))


def _unused(stages: Stages, arguments: Arguments) -> tuple[str, ...]:
    declared = {
        definition.name
        for instruction in stages.dockerfile.instructions
        if isinstance(instruction, ins.Arg)
        for definition in instruction.definitions
    }
    return tuple(sorted(set(arguments.given) - declared - PROXIES - {"SOURCE_DATE_EPOCH"}))


def _platform_arguments(arguments: Arguments) -> dict[str, str]:
    values: dict[str, str] = {}
    for prefix, platform in (("TARGET", arguments.platform), ("BUILD", arguments.build_platform)):
        values |= {
            f"{prefix}PLATFORM": str(platform),
            f"{prefix}OS": platform.os,
            f"{prefix}ARCH": platform.architecture,
            f"{prefix}VARIANT": platform.variant or "",
        }
    return values


@dataclass
class _Draft:
    """A stage while its instructions are gone through."""

    stages: Stages
    stage: Stage
    variables: Variables
    process: dict[str, Any]
    network: str
    steps: list[Step] = field(default_factory=list)
    author: str = ""
    instruction: ins.Instruction | None = None
    own_command: bool = False

    @classmethod
    def begin(
        cls,
        stages: Stages,
        stage: Stage,
        outside: Mapping[str, str],
        arguments: Arguments,
        bases: Mapping[str, Config],
        drafts: Mapping[int, _Draft],
    ) -> _Draft:
        """The state after FROM."""
        _check_platform(stages, stage, arguments)
        base = st.base(stages, stage)
        if base is not None:
            below = drafts[base.index]
            return cls(stages, stage, below.variables.copy(), dict(below.process), arguments.network)
        config = bases[stage.image] if stage.image != SCRATCH else Config()
        process = _process(config)
        env = dict(entry.partition("=")[::2] for entry in process.get("Env") or ())
        process.pop("OnBuild", None)  # its triggers are this stage's first instructions
        variables = Variables(arguments.given, outside, env)
        return cls(stages, stage, variables, process, arguments.network)

    def expand(self, word: str, *, quotes: bool = True) -> str:
        """``word`` with its variables replaced."""
        escape = self.stages.dockerfile.directives.escape
        try:
            return shell.expand(word, self.variables.lookup, escape, quotes=quotes)
        except Invalid as error:
            raise located(error, self.stages.dockerfile.where(self.span)) from None

    @property
    def span(self) -> Span:
        return self.instruction.span if self.instruction else self.stage.start.span

    def unsupported(self, what: str, hint: str = "") -> Unsupported:
        """The refusal of something that is written but cannot be built."""
        where = self.stages.dockerfile.where(self.span)
        return Unsupported(f"{what} is not supported yet", subject=str(where), hint=hint)

    def step(self, created_by: str, op: Op | None = None) -> None:
        """Note a step."""
        title = self.instruction.original if self.instruction else created_by
        self.steps.append(Step(title, created_by, self.span, op, self.author))

    @property
    def workdir(self) -> str:
        return self.process.get("WorkingDir") or "/"

    @property
    def shell(self) -> tuple[str, ...]:
        return tuple(self.process.get("Shell") or DEFAULT_SHELL)

    def argv(self, command: ins.Command) -> tuple[str, ...]:
        """The argument vector of a command in either form."""
        return command.argv if isinstance(command, ins.ExecForm) else (*self.shell, command.text)


def _check_platform(stages: Stages, stage: Stage, arguments: Arguments) -> None:
    if stage.platform:
        wanted = Platform.parse(stage.platform)
        if wanted not in (arguments.platform.normalised(), arguments.build_platform.normalised()):
            where = stages.dockerfile.where(stage.start.span)
            raise Unsupported(f"building a stage for {wanted} is not supported yet", subject=str(where))


def _process(config: Config) -> dict[str, Any]:
    """The config object of an image with docker's field names, set fields only."""
    process = config.process
    health = process.healthcheck
    fields: dict[str, Any] = {
        "User": process.user,
        "Env": list(process.env or ()),
        "Entrypoint": list(process.entrypoint or ()),
        "Cmd": list(process.cmd or ()),
        "WorkingDir": process.working_dir,
        "Labels": dict(process.labels or {}),
        "ExposedPorts": dict(process.exposed_ports or {}),
        "Volumes": dict(process.volumes or {}),
        "StopSignal": process.stop_signal,
        "Healthcheck": _health(health) if health else None,
        "OnBuild": list(process.on_build or ()),
        "Shell": list(process.shell or ()),
    }
    return {name: value for name, value in fields.items() if value}


def _health(health: Healthcheck) -> dict[str, Any]:
    """docker's field names, set fields only."""
    fields = {
        "Test": list(health.test),
        "Interval": health.interval,
        "Timeout": health.timeout,
        "StartPeriod": health.start_period,
        "StartInterval": health.start_interval,
        "Retries": health.retries,
    }
    return {name: value for name, value in fields.items() if value}


# -- one function per instruction -------------------------------------------------------------------------------------


def _arg(draft: _Draft, instruction: ins.Arg) -> None:
    told = []
    for definition in instruction.definitions:
        default = draft.expand(definition.default) if definition.default is not None else None
        value = draft.variables.declare(definition.name, default)
        told.append(definition.name + (f"={value}" if value is not None and definition.name not in PROXIES else ""))
    draft.step(f"ARG {' '.join(told)}")


def _env(draft: _Draft, instruction: ins.Env) -> None:
    # All values are replaced before any is set: ``ENV abc=bye def=$abc`` uses the old abc.
    pairs = [(draft.expand(pair.key), draft.expand(pair.value)) for pair in instruction.pairs]
    draft.variables.env.update(pairs)
    draft.process["Env"] = [f"{name}={value}" for name, value in draft.variables.env.items()]
    draft.step("ENV " + " ".join(f"{name}={value}" for name, value in pairs))


def _label(draft: _Draft, instruction: ins.Label) -> None:
    pairs = [(draft.expand(pair.key), draft.expand(pair.value)) for pair in instruction.pairs]
    draft.process["Labels"] = {**draft.process.get("Labels", {}), **dict(pairs)}
    draft.step("LABEL " + " ".join(f"{name}={value}" for name, value in pairs))


def _workdir(draft: _Draft, instruction: ins.Workdir) -> None:
    path = posixpath.normpath(posixpath.join("/", draft.workdir, draft.expand(instruction.path)))
    path = "/" + path.lstrip("/")
    draft.process["WorkingDir"] = path
    draft.step(f"WORKDIR {path}", MakeDirectoryOp(path) if path != "/" else None)


def _user(draft: _Draft, instruction: ins.User) -> None:
    draft.process["User"] = draft.expand(instruction.user)
    draft.step(f"USER {draft.process['User']}")


def _cmd(draft: _Draft, instruction: ins.Cmd) -> None:
    draft.process["Cmd"] = list(draft.argv(instruction.command))
    draft.own_command = True
    draft.step(f"CMD {json.dumps(draft.process['Cmd'], ensure_ascii=False, separators=(',', ':'))}")


def _entrypoint(draft: _Draft, instruction: ins.Entrypoint) -> None:
    draft.process["Entrypoint"] = list(draft.argv(instruction.command))
    if not draft.own_command:
        draft.process.pop("Cmd", None)  # a new entrypoint resets the base image's CMD
    draft.step(f"ENTRYPOINT {json.dumps(draft.process['Entrypoint'], ensure_ascii=False, separators=(',', ':'))}")


def _expose(draft: _Draft, instruction: ins.Expose) -> None:
    words = [word for port in instruction.ports for word in draft.expand(port).split()]
    try:
        found = [port for word in words for port in ports(word)]
    except Invalid as error:
        raise located(error, draft.stages.dockerfile.where(draft.span)) from None
    draft.process["ExposedPorts"] = {**draft.process.get("ExposedPorts", {}), **{port: {} for port in found}}
    draft.step(f"EXPOSE {' '.join(found)}")


def _volume(draft: _Draft, instruction: ins.Volume) -> None:
    paths = [draft.expand(path) for path in instruction.paths]
    draft.process["Volumes"] = {**draft.process.get("Volumes", {}), **{path: {} for path in paths}}
    draft.step(f"VOLUME [{' '.join(paths)}]")


def _shell(draft: _Draft, instruction: ins.Shell) -> None:
    draft.process["Shell"] = list(instruction.argv)
    draft.step(f"SHELL [{' '.join(instruction.argv)}]")


def _stopsignal(draft: _Draft, instruction: ins.Stopsignal) -> None:
    draft.process["StopSignal"] = draft.expand(instruction.signal)
    draft.step(f"STOPSIGNAL {draft.process['StopSignal']}")


def _healthcheck(draft: _Draft, instruction: ins.Healthcheck) -> None:
    command = instruction.command
    if command is None:
        test: tuple[str, ...] = ("NONE",)
    elif isinstance(command, ins.ExecForm):
        test = ("CMD", *command.argv)
    else:
        test = ("CMD-SHELL", command.text)
    health = Healthcheck(
        test,
        instruction.interval,
        instruction.timeout,
        instruction.start_period,
        instruction.start_interval,
        instruction.retries,
    )
    draft.process["Healthcheck"] = _health(health)
    draft.step(f"HEALTHCHECK {json.dumps(draft.process['Healthcheck'], ensure_ascii=False)}")


def _onbuild(draft: _Draft, instruction: ins.Onbuild) -> None:
    draft.process["OnBuild"] = [*draft.process.get("OnBuild", []), instruction.expression]
    draft.step(f"ONBUILD {instruction.expression}")


def _maintainer(draft: _Draft, instruction: ins.Maintainer) -> None:
    draft.author = instruction.name
    draft.step(f"MAINTAINER {instruction.name}")


def _run(draft: _Draft, instruction: ins.Run) -> None:
    if instruction.mounts:
        raise draft.unsupported(f"RUN --mount=type={instruction.mounts[0].type}")
    if instruction.devices:
        raise draft.unsupported("RUN --device")
    if instruction.security != "sandbox":
        raise draft.unsupported(f"RUN --security={instruction.security}")
    argv = _run_argv(draft, instruction)
    args = draft.variables.run_args
    env = dict(entry.partition("=")[::2] for entry in args) | {"PATH": DEFAULT_PATH} | draft.variables.env
    network = instruction.network if instruction.network != "default" else draft.network
    op = RunOp(
        argv,
        tuple(f"{name}={value}" for name, value in env.items()),
        draft.workdir,
        draft.process.get("User", ""),
        network,
        draft.variables.proxies,
    )
    prefix = f"|{len(args)} {' '.join(args)} " if args else ""
    draft.step(f"RUN {prefix}{' '.join(argv)}", op)


def _run_argv(draft: _Draft, instruction: ins.Run) -> tuple[str, ...]:
    command = instruction.command
    if isinstance(command, ins.ExecForm) or not command.heredocs:
        return draft.argv(command)
    first = command.heredocs[0]
    if len(command.heredocs) == 1 and _only_heredoc(command.text):
        if first.text.startswith("#!"):
            raise draft.unsupported("a heredoc with a #! line", "name the interpreter: RUN python3 <<EOF")
        return (*draft.shell, first.text)
    bodies = "".join(f"{doc.content}{doc.name}\n" for doc in command.heredocs)
    return (*draft.shell, f"{command.text}\n{bodies}")


def _only_heredoc(text: str) -> bool:
    return text.lstrip().startswith("<<") and len(text.split()) == 1


def _copy(draft: _Draft, instruction: ins.Copy) -> None:
    if instruction.parents:
        raise draft.unsupported("COPY --parents")
    _copy_files(draft, instruction, _origin(draft, instruction), unpack=False)


def _add(draft: _Draft, instruction: ins.Add) -> None:
    for source in instruction.sources:
        if "://" in source or source.startswith("git@"):
            raise draft.unsupported(f"ADD of {source}", "fetch it in a RUN step, or before the build")
    if instruction.checksum or instruction.keep_git_dir is not None:
        raise draft.unsupported("ADD --checksum or --keep-git-dir")
    _copy_files(draft, instruction, FromContext(), unpack=instruction.unpack is not False)


def _origin(draft: _Draft, instruction: ins.Copy) -> Origin:
    reference = draft.expand(instruction.from_)
    if not reference:
        return FromContext()
    stage = st.source(draft.stages, draft.stage, instruction, reference)
    return FromStage(stage.index) if stage else FromImage(reference)


def _copy_files(draft: _Draft, instruction: ins.Copy | ins.Add, origin: Origin, *, unpack: bool) -> None:
    sources = tuple(draft.expand(source) for source in instruction.sources)
    written = draft.expand(instruction.target)
    target = posixpath.normpath(posixpath.join("/", draft.workdir, written))
    target = "/" + target.lstrip("/")
    if (written.endswith(("/", "/.")) or written in (".", "")) and target != "/":
        target += "/"
    if len(sources) + len(instruction.files) > 1 and not target.endswith("/"):
        raise Invalid(
            f"when using {instruction.keyword} with more than one source file, the destination must be a directory "
            "and end with a /",
            where=draft.stages.dockerfile.where(draft.span),
        )
    files = tuple(
        (doc.name, (draft.expand(doc.text, quotes=False) if doc.expand else doc.text).encode())
        for doc in instruction.files
    )
    chown, chmod = draft.expand(instruction.chown), draft.expand(instruction.chmod)
    op = CopyOp(origin, sources, target, files, chown, chmod, instruction.exclude, unpack)
    flags = "".join(f"--{name}={value} " for name, value in (("chown", chown), ("chmod", chmod)) if value)
    told = " ".join((*sources, *(name for name, _ in files), written))
    draft.step(f"{instruction.keyword} {flags}{told}", op)


_APPLY: Final[dict[type, Callable[[_Draft, Any], None]]] = {
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
    ins.Run: _run,
    ins.Copy: _copy,
    ins.Add: _add,
}
