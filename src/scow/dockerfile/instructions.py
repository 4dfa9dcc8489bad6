"""The instructions of a Dockerfile, typed. What they say is as written: variables are not replaced here.

Every instruction knows its ``span``, its ``original`` text (continuation lines joined), the ``comments`` above it and
its ``words`` (flag and argument tokens with their spans), so that a later error can point at the very word.
"""

from __future__ import annotations

from dataclasses import dataclass

from scow.dockerfile.heredoc import Heredoc
from scow.dockerfile.mounts import Device, Mount
from scow.dockerfile.span import Span, Word


@dataclass(frozen=True, slots=True)
class ShellForm:
    """A command for a shell to read, and the heredocs it asks for."""

    text: str
    heredocs: tuple[Heredoc, ...] = ()


@dataclass(frozen=True, slots=True)
class ExecForm:
    """A command as its argument vector (the JSON form)."""

    argv: tuple[str, ...]


Command = ShellForm | ExecForm


@dataclass(frozen=True, slots=True)
class Pair:
    """``key=value`` of ENV and LABEL; not ``delimited`` in the old form ``ENV key value``."""

    key: str
    value: str
    delimited: bool = True


@dataclass(frozen=True, slots=True)
class Definition:
    """One name that ARG defines. ``default`` is None where there is none; ``comment`` describes it (``# NAME …``)."""

    name: str
    default: str | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What all instructions have."""

    span: Span
    original: str
    words: tuple[Word, ...] = ()
    comments: tuple[str, ...] = ()

    @property
    def keyword(self) -> str:
        """The instruction's name in capitals."""
        return type(self).__name__.upper()

    def span_of(self, text: str) -> Span:
        """Where ``text`` stands as a flag or an argument; where it does not, the whole instruction."""
        return next((word.span for word in self.words if word.text == text), self.span)


@dataclass(frozen=True, slots=True, kw_only=True)
class From(Instruction):
    """Begin a stage. ``name`` is in small letters, or empty; ``comment`` describes the stage (``# name …``)."""

    image: str
    name: str = ""
    platform: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Instruction):
    """Run a command. ``network``: default, none, host. ``security``: sandbox, insecure."""

    command: Command
    mounts: tuple[Mount, ...] = ()
    network: str = "default"
    security: str = "sandbox"
    devices: tuple[Device, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Instruction):
    """Copy ``sources`` (paths) and ``files`` (heredocs) to ``target``. ``from_`` is the value of ``--from``."""

    sources: tuple[str, ...]
    target: str
    files: tuple[Heredoc, ...] = ()
    from_: str = ""
    chown: str = ""
    chmod: str = ""
    link: bool = False
    parents: bool = False
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Instruction):
    """Copy paths, URLs and git repositories; archives are unpacked. None is "not said"."""

    sources: tuple[str, ...]
    target: str
    files: tuple[Heredoc, ...] = ()
    chown: str = ""
    chmod: str = ""
    link: bool = False
    exclude: tuple[str, ...] = ()
    checksum: str = ""
    keep_git_dir: bool | None = None
    unpack: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Env(Instruction):
    """Set environment variables."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label(Instruction):
    """Set labels."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arg(Instruction):
    """Define build arguments."""

    definitions: tuple[Definition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workdir(Instruction):
    """Set the working directory."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Instruction):
    """Set the user, ``user[:group]``."""

    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cmd(Instruction):
    """The default command, or the default arguments of the entry point."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrypoint(Instruction):
    """The program a container runs."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Expose(Instruction):
    """Ports, each ``port[-port][/protocol]``, in the order written."""

    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(Instruction):
    """Mount points."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell(Instruction):
    """The program and arguments that read the shell form of later commands."""

    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopsignal(Instruction):
    """The signal that asks a container to end."""

    signal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthcheck(Instruction):
    """How to ask a container for its health; ``command`` None is ``HEALTHCHECK NONE``.

    Durations are in nanoseconds; 0 is "not said".
    """

    command: Command | None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Onbuild(Instruction):
    """An instruction for the builds that begin FROM this image.

    ``expression`` is the text an image configuration keeps; ``trigger`` is that text read.
    """

    expression: str
    trigger: Instruction


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintainer(Instruction):
    """The author (deprecated: a label says it better)."""

    name: str
