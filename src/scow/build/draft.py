"""A stage while its instructions are gone through: what is known so far, and the steps. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from scow.build.ops import CopyOp, FromContext, FromImage, FromStage, Op, Origin, Step, Surroundings
from scow.build.variables import Variables
from scow.dockerfile import instructions as ins
from scow.dockerfile import shell
from scow.dockerfile import stages as st
from scow.dockerfile.span import Span, located
from scow.dockerfile.stages import SCRATCH, Stage, Stages
from scow.errors import Invalid, NotFound, Unsupported
from scow.oci.config import Config, Healthcheck
from scow.oci.platform import Platform
from scow.oci.reference import Reference

DEFAULT_SHELL: Final = ("/bin/sh", "-c")
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Arguments(msgspec.Struct, frozen=True):
    """What the user gives a build: ``--build-arg``, ``--target``, the platforms, ``--network`` …

    ``contexts`` are the names of ``--build-context`` → an image's name, or ``None`` for a directory. ``allow``:
    entitlements. ``path`` is the PATH of images that have none.
    """

    given: Mapping[str, str] = {}
    target: str | None = None
    platform: Platform = Platform("amd64", "linux")
    build_platform: Platform = Platform("amd64", "linux")
    network: str = "default"
    contexts: Mapping[str, str | None] = {}
    allow: frozenset[str] = frozenset()
    around: Surroundings = Surroundings()
    path: str = DEFAULT_PATH


class Draft(msgspec.Struct):
    """One stage being planned."""

    stages: Stages
    stage: Stage
    arguments: Arguments
    variables: Variables
    process: dict[str, Any]
    platform: Platform
    steps: list[Step] = []
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
        drafts: Mapping[int, Draft],
    ) -> Draft:
        """The state after FROM."""
        base = st.base(stages, stage)
        if base is not None:
            below = drafts[base.index]
            process = {name: value for name, value in below.process.items() if name != "OnBuild"}
            return cls(stages, stage, arguments, below.variables.copy(), process, below.platform)
        config = bases[stage.image] if stage.image != SCRATCH else None
        process = {"WorkingDir": "/"} if config is None else _process(config)
        process.pop("OnBuild", None)  # its triggers are this stage's first instructions
        env = dict(entry.partition("=")[::2] for entry in process.get("Env") or ())
        if arguments.path and "PATH" not in env:
            env["PATH"] = arguments.path
            process["Env"] = [f"{name}={value}" for name, value in env.items()]
        variables = Variables(arguments.given, outside, env)
        draft = cls(stages, stage, arguments, variables, process, _platform(config, arguments))
        if stage.files:
            draft.step(f"COPY --from={stage.files} . /", CopyOp(FromContext(stage.files), (".",), "/"))
        return draft

    def expand(self, word: str, *, heredoc: bool = False) -> str:
        """``word`` with its variables replaced. In a heredoc quotes are text, and a backslash escapes in any file."""
        try:
            return shell.expand(word, self.variables.lookup, "\\" if heredoc else self.escape, quotes=not heredoc)
        except Invalid as error:
            raise located(error, self.stages.dockerfile.where(self.span)) from None

    @property
    def escape(self) -> str:
        """The Dockerfile's escape character."""
        return self.stages.dockerfile.directives.escape

    @property
    def span(self) -> Span:
        """Where the instruction stands."""
        return self.instruction.span if self.instruction else self.stage.start.span

    def invalid(self, problem: str, *, hint: str = "", span: Span | None = None) -> Invalid:
        """What is wrong with the instruction."""
        return self.stages.invalid(problem, span or self.span, hint=hint)

    def unsupported(self, what: str) -> Unsupported:
        """The refusal of something that is written but cannot be built."""
        return Unsupported(f"{what} is not supported", where=self.stages.dockerfile.where(self.span))

    def step(self, created_by: str, op: Op | None = None) -> None:
        """Note a step."""
        title = self.instruction.original if self.instruction else created_by
        self.steps.append(Step(title, created_by, self.span, op, self.author))

    def origin(self, instruction: ins.Copy | ins.Run, reference: str) -> Origin:
        """What ``--from`` or a mount's ``from`` means: a given context, an earlier stage, else an image."""
        if not reference:
            return FromContext()
        if name := context(self.arguments.contexts, reference, instruction):
            image = self.arguments.contexts[name]
            if image is None:
                return FromContext(name)
        elif stage := st.source(self.stages, self.stage, instruction, reference):
            return FromStage(stage.index)
        else:
            image = reference
        if image == SCRATCH:
            raise NotFound("scratch holds no files", where=self.stages.dockerfile.where(self.span))
        return FromImage(image)

    @property
    def workdir(self) -> str:
        """The working directory so far."""
        return self.process.get("WorkingDir") or "/"

    @property
    def shell(self) -> tuple[str, ...]:
        """What reads the shell form."""
        return tuple(self.process.get("Shell") or DEFAULT_SHELL)

    def argv(self, command: ins.Command) -> tuple[str, ...]:
        """The argument vector of a command in either form."""
        return command.argv if isinstance(command, ins.ExecForm) else (*self.shell, command.text)


def context(
    contexts: Mapping[str, str | None], reference: str, instruction: ins.Copy | ins.Run | None = None
) -> str | None:
    """The given context that ``reference`` (an ``instruction``'s) means: ``alpine`` is also
    ``docker.io/library/alpine:latest``. A stage's number is none's."""
    if instruction and st.is_number(instruction, reference):
        return None
    names = (reference, familiar(reference)) if contexts else ()
    return next((name for name in names if name in contexts), None)


def familiar(reference: str) -> str:
    """The shortest name of the same image; of what is no image's name, that."""
    try:
        return Reference.parse(reference).familiar.removesuffix(":latest")
    except Invalid:
        return reference


def _platform(config: Config | None, arguments: Arguments) -> Platform:
    """What a stage runs on: what its image says, else what is built for, which is what scratch is for, too."""
    if config is not None and config.architecture and config.os:
        return config.platform
    return arguments.platform.normalised()


def _process(config: Config) -> dict[str, Any]:
    """The config object of an image with docker's field names, set fields only."""
    process = config.process
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
        "Healthcheck": health(process.healthcheck) if process.healthcheck else None,
        "OnBuild": list(process.on_build or ()),
        "Shell": list(process.shell or ()),
    }
    return {name: value for name, value in fields.items() if value}


def health(check: Healthcheck) -> dict[str, Any]:
    """A health check with docker's field names, set fields only."""
    fields = {
        "Test": list(check.test),
        "Interval": check.interval,
        "Timeout": check.timeout,
        "StartPeriod": check.start_period,
        "StartInterval": check.start_interval,
        "Retries": check.retries,
    }
    return {name: value for name, value in fields.items() if value}
