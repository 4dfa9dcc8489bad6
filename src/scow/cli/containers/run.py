"""``run``: a program in a new container."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from scow.cli import names
from scow.cli.containers.bringing import bring
from scow.cli.containers.flags import container_flags, create, wanted
from scow.cli.containers.signals import Forwarding
from scow.cli.containers.staying import EVERYTHING, stay
from scow.cli.failing import exit_code, told
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import AlreadyExists, Denied, Invalid, ScowError

if TYPE_CHECKING:
    from scow.engine.containers.container import Container

_NOT_A_TTY = 1
_OUTPUT = frozenset({"stdout", "stderr"})


class RunCommand(Command):
    """A command whose own failures have docker's exit codes of ``run``: 125, 126, 127."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As any command; a flag that is refused is a failure of scow's own."""
        with own_codes(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """As any command; what goes wrong before the program runs is a failure of scow's own."""
        with own_codes(ctx):
            return super().invoke(ctx)


@contextlib.contextmanager
def own_codes(ctx: click.Context) -> Iterator[None]:
    """What goes wrong in the block is scow's own, and not the program's: 125, 126 or 127."""
    try:
        yield
    except ScowError as error:
        click.echo(told(error), err=True)
        ctx.exit(exit_code(error, running=True))


@click.command(
    "run",
    cls=RunCommand,
    context_settings={"allow_interspersed_args": False},
    help="Run a program in a new container, and leave with its exit code",
    examples="""
        scow run --rm debian:12 cat /etc/os-release
        scow run --rm -it -v "$PWD:/src" -w /src python:3.12 bash
        scow run --rm -e TOKEN --network none -u 1000:1000 app:v1
    """,
)
@option("-a", "--attach", multiple=True, metavar="list", help="Attach to stdin, stdout or stderr")
@switch("-d", "--detach", help="Run it in the background and print its id")
@option("--detach-keys", default="", metavar="string", help="Keys that leave its terminal (ctrl-p,ctrl-q)")
@switch("--sig-proxy", default=True, help="Signals that come to scow go to the program")
@container_flags
@click.argument("image", metavar="IMAGE", shell_complete=names.images)
@click.argument("command", nargs=-1, metavar="[COMMAND] [ARG...]")
@pass_session
@click.pass_context
def run(ctx: click.Context, session: Session, /, image: str, command: tuple[str, ...], **given: Any) -> None:
    """``scow run``."""
    streams = _streams(given)
    if given["tty"] and "stdin" in streams and not os.isatty(0):
        click.echo("the input device is not a TTY", err=True)
        ctx.exit(_NOT_A_TTY)
    _check_keys(given["detach_keys"])
    asked = wanted(session, command, given)
    prepare(session, image, given)
    with Forwarding(given["sig_proxy"]) as forwarding:
        container = create(session, image, asked, attached_input="stdin" in streams)
        try:
            announce(container, given["cidfile"])
            code = _run(container, given, streams, forwarding)
        except ScowError:
            if given["rm"]:
                container.remove()
            raise
    ctx.exit(code)


def prepare(session: Session, image: str, given: Mapping[str, Any]) -> None:
    """What comes before a container is made."""
    if given["runtime"]:
        session.runtime = given["runtime"]
    _check_cidfile(given["cidfile"])
    session.engine.containers.check()
    bring(session, image, given["pull"], given["platform"], quiet=given["quiet"])


def announce(container: Container, cidfile: str | None) -> None:
    """What comes right after."""
    for warning in container.warnings:
        click.echo(f"WARNING: {warning}", err=True)
    _write_cidfile(cidfile, container.id)


def _streams(given: Mapping[str, Any]) -> frozenset[str]:
    """What the user is attached to."""
    asked = frozenset(word.lower() for word in given["attach"])
    if unknown := sorted(asked - EVERYTHING):
        raise Invalid(f'invalid argument "{unknown[0]}" for -a, --attach: valid streams are STDIN, STDOUT and STDERR')
    if given["detach"]:
        if asked:
            raise Invalid("Conflicting options: -a and -d")
        return frozenset()
    return asked or frozenset({"stdout", "stderr", *(["stdin"] if given["interactive"] else [])})


def _run(container: Container, given: Mapping[str, Any], streams: frozenset[str], forwarding: Forwarding) -> int:
    from scow.runtime.child import Stdio

    if given["detach"]:
        container.start()
        click.echo(container.id)
        return 0
    stdin = 0 if "stdin" in streams else None
    if container.ends_with_us and not given["tty"] and streams >= _OUTPUT:
        try:
            return container.run(Stdio(stdin), started=forwarding.begin)
        finally:
            container.remove()
    session = container.begin(stdin=stdin is not None, output=bool(streams & _OUTPUT))
    return stay(session, forwarding, given["detach_keys"], stdin=stdin, streams=streams) or 0


def _check_keys(text: str) -> None:
    """Bad ones are told before there is a container."""
    if text:
        from scow.runtime.spec.keys import detach_keys

        detach_keys(text)


def _check_cidfile(path: str | None) -> None:
    if path and os.path.lexists(path):
        raise AlreadyExists(f"container ID file found, make sure the other container isn't running or delete {path}")


def _write_cidfile(path: str | None, container_id: str) -> None:
    if not path:
        return
    try:
        with open(path, "x", encoding="ascii") as file:
            file.write(container_id)
    except OSError as error:
        raise Denied(f"failed to create the container ID file: {error.strerror}", subject=path) from None
