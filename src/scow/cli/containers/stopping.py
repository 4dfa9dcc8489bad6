"""``stop``, ``kill``, ``restart``, ``wait`` and ``rename``."""

from __future__ import annotations

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.options import option
from scow.cli.session import Session, pass_session
from scow.cli.targets import each
from scow.errors import Invalid

_SIGNAL = option("-s", "--signal", default="", metavar="string", help="Signal to send instead of its own")
_TIMEOUT = option("-t", "--timeout", "--time", type=int, metavar="int", help="Seconds until it is killed; -1: never")


@click.command(
    "stop",
    cls=Command,
    help="Stop containers: ask with their stop signal, kill those that do not follow",
    examples="""
        scow stop web
        scow stop -t 1 $(scow ps -q)
    """,
)
@_SIGNAL
@_TIMEOUT
@names.targets("CONTAINER", names.containers)
@pass_session
def stop(session: Session, targets: tuple[str, ...], signal: str, timeout: int | None) -> None:
    """``scow stop``."""
    containers = session.engine.containers
    each(targets, lambda name: containers.stop(name, signal=signal, timeout=timeout))


@click.command(
    "restart",
    cls=Command,
    help="Stop containers and start them",
    examples="scow restart -t 1 web",
)
@_SIGNAL
@_TIMEOUT
@names.targets("CONTAINER", names.containers)
@pass_session
def restart(session: Session, targets: tuple[str, ...], signal: str, timeout: int | None) -> None:
    """``scow restart``."""
    containers = session.engine.containers
    each(targets, lambda name: containers.restart(name, signal=signal, timeout=timeout))


@click.command(
    "kill",
    cls=Command,
    help="Send containers a signal: SIGKILL, or another",
    examples="scow kill -s HUP web",
)
@option("-s", "--signal", default="KILL", metavar="string", help="Signal to send")
@names.targets("CONTAINER", names.containers)
@pass_session
def kill(session: Session, targets: tuple[str, ...], signal: str) -> None:
    """``scow kill``."""
    containers = session.engine.containers
    each(targets, lambda name: containers.signal(name, signal or "KILL"))


@click.command(
    "wait",
    cls=Command,
    help="Wait for the end of containers, and print their exit codes",
    examples="scow wait job && scow logs job",
)
@names.targets("CONTAINER", names.containers)
@pass_session
def wait(session: Session, targets: tuple[str, ...]) -> None:
    """``scow wait``."""
    each(targets, session.engine.containers.wait)


@click.command(
    "rename",
    cls=Command,
    help="Give a container another name",
    examples="scow rename mellow_wherry web",
)
@click.argument("container", metavar="CONTAINER", shell_complete=names.containers)
@click.argument("name", metavar="NEW_NAME")
@pass_session
def rename(session: Session, container: str, name: str) -> None:
    """``scow rename``."""
    if not name:
        raise Invalid("Neither old nor new names may be empty")
    session.engine.containers.rename(container, name)
