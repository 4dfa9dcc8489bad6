"""``exec``: one more program in a container that runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from scow.cli import names
from scow.cli.containers import environment
from scow.cli.failing import exit_code, told
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import Conflict, Invalid, Process

if TYPE_CHECKING:
    from scow.engine.containers.executing import Execution
    from scow.runtime.joined import Joined


@click.command(
    "exec",
    cls=Command,
    context_settings={"allow_interspersed_args": False},
    help="Run one more program in a container that runs, and leave with its exit code",
    examples="""
        scow exec -it web sh
        scow exec -u nobody -w /tmp -e DEBUG=1 web env
    """,
)
@switch("-d", "--detach", help="Run it in the background")
@option("--detach-keys", default="", metavar="string", help="Keys that leave its terminal (ctrl-p,ctrl-q)")
@option("-e", "--env", multiple=True, callback=environment.VARIABLES, metavar="list", help="Set environment variables")
@option("--env-file", multiple=True, metavar="list", help="Read environment variables from a file")
@switch("-i", "--interactive", help="Keep standard input open")
@switch("--privileged", help="Give it every capability, and no filter of system calls")
@switch("-t", "--tty", help="Give it a terminal")
@option("-u", "--user", default="", metavar="string", help="User name or id (name|uid[:group|gid])")
@option("-w", "--workdir", default="", metavar="string", help="Working directory in the container")
@click.argument("container", metavar="CONTAINER", shell_complete=names.containers)
@click.argument("command", nargs=-1, required=True, metavar="COMMAND [ARG...]")
@pass_session
@click.pass_context
def exec_(
    ctx: click.Context, session: Session, container: str, command: tuple[str, ...], detach: bool, detach_keys: str,
    env: tuple[str, ...], env_file: tuple[str, ...], interactive: bool, privileged: bool, tty: bool, user: str,
    workdir: str,
) -> None:  # fmt: skip
    """``scow exec``."""
    from scow.engine.containers.executing import Execution
    from scow.runtime.spec.keys import detach_keys as parsed

    if tty and interactive and not detach and not os.isatty(0):
        raise Invalid("the input device is not a TTY")
    keys = parsed(detach_keys)
    given = [line for path in env_file for line in environment.read_env_file(path, session.environment)]
    variables = (*given, *environment.taken(env, session.environment))
    execution = Execution(command, variables, user, workdir, tty, privileged)
    try:
        joined = _start(session, container, execution, detach=detach, interactive=interactive)
    except Process as error:
        click.echo(told(error), err=True)
        ctx.exit(exit_code(error, running=True))
    if not detach:
        _leave(ctx, joined.wait(keys))


def _start(session: Session, container: str, execution: Execution, *, detach: bool, interactive: bool) -> Joined:
    from scow.runtime.child import Stdio

    containers = session.engine.containers
    if not detach:
        return containers.exec(container, execution, Stdio(0 if interactive else None))
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    return containers.exec(container, execution, Stdio(None, null, null))


def _leave(ctx: click.Context, code: int | None) -> None:
    if code is None:
        raise Conflict("exec attach failed: read escape sequence")
    ctx.exit(code)
