"""What runs in a container: the image's words and the user's joined by docker's rules. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from scow.errors import Invalid

if TYPE_CHECKING:  # who starts one more program in a container needs neither
    from scow.oci.config import Process as ImageProcess
    from scow.runtime.spec.options import Options

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Process(msgspec.Struct, frozen=True):
    """A program to start. ``user`` is still text: only the mounted root file system knows its numbers (and HOME)."""

    args: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    user: str = ""
    terminal: bool = False


def process(image: ImageProcess, options: Options, hostname: str = "") -> Process:
    """The process that ``options`` start from ``image``; raises :class:`Invalid`."""
    return Process(
        args=arguments(image, options),
        env=environment(image.env or (), options.env, hostname, options.tty),
        cwd=working_directory(image.working_dir, options.workdir),
        user=options.user or image.user,
        terminal=options.tty,
    )


def arguments(image: ImageProcess, options: Options) -> tuple[str, ...]:
    """ENTRYPOINT x CMD x arguments: an entrypoint of the user's drops the image's CMD, as arguments do."""
    entrypoint, command = options.entrypoint, options.args
    if entrypoint is None:
        entrypoint = image.entrypoint or ()
        command = command or image.cmd or ()
    return checked((*entrypoint, *command))


def checked(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a command, if they can be one. Raises :class:`Invalid`."""
    if not words:
        raise Invalid("no command specified", hint="give one after the image's name")
    for word in words:
        _no_nul(word, "argument")
    return words


def environment(image: Iterable[str], asked: Iterable[str], hostname: str, terminal: bool) -> tuple[str, ...]:
    """Image first, then the user's; the first place of a name is kept, the last value wins. A bare name takes away what
    the image says, not what the user did (``--env-file``)."""
    values = {"PATH": DEFAULT_PATH}
    if hostname:
        values["HOSTNAME"] = hostname
    if terminal:
        values["TERM"] = "xterm"
    given = {entry.partition("=")[0] for entry in asked if "=" in entry}
    for entry in (*image, *asked):
        _no_nul(entry, "environment variable")
        name, equals, value = entry.partition("=")
        if not name:
            raise Invalid("has no name", subject=f"environment variable {entry!r}")
        if equals:
            values[name] = value
        elif name not in given:
            values.pop(name, None)
    return tuple(f"{name}={value}" for name, value in values.items())


def working_directory(image: str, asked: str) -> str:
    """An absolute path; the image's may be relative to the root, the user's may not."""
    if asked and not asked.startswith("/"):
        raise Invalid(f"the working directory '{asked}' is invalid, it needs to be an absolute path")
    path = asked or image or "/"
    _no_nul(path, "working directory")
    return path if path.startswith("/") else f"/{path}"


def _no_nul(text: str, what: str) -> None:
    if "\0" in text:
        raise Invalid("holds a NUL byte", subject=f"{what} {text!r}")
