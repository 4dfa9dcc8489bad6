"""The instructions of a Dockerfile, typed. What they say is as written: variables are not replaced here.

Every instruction knows its ``span``, its ``original`` text (continuation lines joined), the ``comments`` above it and
its ``words`` (flag and argument tokens with their spans), so that a later error can point at the very word.
"""

from __future__ import annotations

import msgspec

from scow.dockerfile.heredoc import Heredoc
from scow.dockerfile.mounts import Device, Mount
from scow.dockerfile.span import Span, Word


class ShellForm(msgspec.Struct, frozen=True):
    """A command for a shell to read, and the heredocs it asks for."""

    text: str
    heredocs: tuple[Heredoc, ...] = ()


class ExecForm(msgspec.Struct, frozen=True):
    """A command as its argument vector (the JSON form)."""

    argv: tuple[str, ...]


Command = ShellForm | ExecForm


class Pair(msgspec.Struct, frozen=True):
    """``key=value`` of ENV and LABEL; not ``delimited`` in the old form ``ENV key value``."""

    key: str
    value: str
    delimited: bool = True


class Definition(msgspec.Struct, frozen=True):
    """One name that ARG defines. ``default`` is None where there is none; ``comment`` describes it (``# NAME …``)."""

    name: str
    default: str | None = None
    comment: str = ""


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
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


class From(Instruction, frozen=True, kw_only=True):
    """Begin a stage. ``name`` is in small letters, or empty; ``comment`` describes the stage (``# name …``)."""

    image: str
    name: str = ""
    platform: str = ""
    comment: str = ""


class Run(Instruction, frozen=True, kw_only=True):
    """Run a command. ``network``: default, none, host. ``security``: sandbox, insecure."""

    command: Command
    mounts: tuple[Mount, ...] = ()
    network: str = "default"
    security: str = "sandbox"
    devices: tuple[Device, ...] = ()


class Copy(Instruction, frozen=True, kw_only=True):
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


class Add(Instruction, frozen=True, kw_only=True):
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


class Env(Instruction, frozen=True, kw_only=True):
    """Set environment variables."""

    pairs: tuple[Pair, ...]


class Label(Instruction, frozen=True, kw_only=True):
    """Set labels."""

    pairs: tuple[Pair, ...]


class Arg(Instruction, frozen=True, kw_only=True):
    """Define build arguments."""

    definitions: tuple[Definition, ...]


class Workdir(Instruction, frozen=True, kw_only=True):
    """Set the working directory."""

    path: str


class User(Instruction, frozen=True, kw_only=True):
    """Set the user, ``user[:group]``."""

    user: str


class Cmd(Instruction, frozen=True, kw_only=True):
    """The default command, or the default arguments of the entry point."""

    command: Command


class Entrypoint(Instruction, frozen=True, kw_only=True):
    """The program a container runs."""

    command: Command


class Expose(Instruction, frozen=True, kw_only=True):
    """Ports, each ``port[-port][/protocol]``, in the order written."""

    ports: tuple[str, ...]


class Volume(Instruction, frozen=True, kw_only=True):
    """Mount points."""

    paths: tuple[str, ...]


class Shell(Instruction, frozen=True, kw_only=True):
    """The program and arguments that read the shell form of later commands."""

    argv: tuple[str, ...]


class Stopsignal(Instruction, frozen=True, kw_only=True):
    """The signal that asks a container to end."""

    signal: str


class Healthcheck(Instruction, frozen=True, kw_only=True):
    """How to ask a container for its health; ``command`` None is ``HEALTHCHECK NONE``.

    Durations are in nanoseconds; 0 is "not said".
    """

    command: Command | None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class Onbuild(Instruction, frozen=True, kw_only=True):
    """An instruction for the builds that begin FROM this image.

    ``expression`` is the text an image configuration keeps; ``trigger`` is that text read.
    """

    expression: str
    trigger: Instruction


class Maintainer(Instruction, frozen=True, kw_only=True):
    """The author (deprecated: a label says it better)."""

    name: str
