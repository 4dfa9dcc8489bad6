"""``start`` and ``attach``."""

from __future__ import annotations

import os

import click

from scow.cli import names
from scow.cli.containers.signals import Forwarding
from scow.cli.containers.staying import EVERYTHING, stay
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.refused import refused, values
from scow.cli.session import Session, pass_session
from scow.cli.targets import each
from scow.errors import Conflict, Invalid

_DETACHED = 1  # with docker the keys are an error of attach alone
_KEYS = option("--detach-keys", default="", metavar="string", help="Keys that leave its terminal (ctrl-p,ctrl-q)")


@click.command(
    "start",
    cls=Command,
    help="Start containers that do not run",
    examples="""
        scow start web
        scow start -ai shell
    """,
)
@switch("-a", "--attach", help="Attach to its output, pass signals on, and leave with its exit code")
@_KEYS
@switch("-i", "--interactive", help="Attach to its standard input")
@refused(values("--checkpoint --checkpoint-dir"))
@names.targets("CONTAINER", names.containers)
@pass_session
@click.pass_context
def start(
    ctx: click.Context, session: Session, targets: tuple[str, ...], attach: bool, detach_keys: str, interactive: bool
) -> None:
    """``scow start``."""
    if not (attach or interactive):
        each(targets, session.engine.containers.start)
    if len(targets) > 1:
        raise Invalid("you cannot start and attach multiple containers at once")
    container = session.engine.containers.open(targets[0])
    stdin = 0 if interactive and container.options.interactive else None
    _check_terminal(stdin, terminal=container.options.tty)
    with Forwarding(not container.options.tty) as forwarding:  # a terminal that is closed is not its program's end
        if session.engine.containers.find(targets[0]).status == "running":
            line = session.engine.containers.attach(targets[0], stdin=stdin is not None)
        else:
            line = container.begin(stdin=stdin is not None)
        ctx.exit(stay(line, forwarding, detach_keys, stdin=stdin, streams=EVERYTHING) or 0)


@click.command(
    "attach",
    cls=Command,
    help="Join the streams of a container that runs",
    examples="scow attach --no-stdin web",
)
@_KEYS
@switch("--no-stdin", help="Do not attach to its standard input")
@switch("--sig-proxy", default=True, help="Signals that come to scow go to the program")
@click.argument("target", metavar="CONTAINER", shell_complete=names.containers)
@pass_session
@click.pass_context
def attach(
    ctx: click.Context, session: Session, target: str, detach_keys: str, no_stdin: bool, sig_proxy: bool
) -> None:
    """``scow attach``."""
    container = session.engine.containers.open(target)
    stdin = 0 if container.options.interactive and not no_stdin else None
    status = session.engine.containers.find(target).status
    if status == "paused":
        raise Conflict("You cannot attach to a paused container, unpause it first")
    if status != "running":
        raise Conflict("You cannot attach to a stopped container, start it first")
    _check_terminal(stdin, terminal=container.options.tty)
    with Forwarding(sig_proxy and not container.options.tty) as forwarding:
        line = session.engine.containers.attach(target, stdin=stdin is not None)
        code = stay(line, forwarding, detach_keys, stdin=stdin, streams=EVERYTHING)
        ctx.exit(_DETACHED if code is None else code)


def _check_terminal(stdin: int | None, *, terminal: bool) -> None:
    if terminal and stdin is not None and not os.isatty(stdin):
        raise Invalid("the input device is not a TTY")
