"""Names of images, containers … for the shell to complete. Whatever goes wrong, there is just nothing to offer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from scow.cli.session import Session
from scow.errors import ScowError

if TYPE_CHECKING:
    from scow.engine import Engine

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _those(named: Callable[[Engine], Iterable[str]]) -> Complete:
    """The names that begin like what was typed."""

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
        given = ctx.find_root().params  # completion runs no command, which would have made the session
        session = Session(given.get("root"), given.get("runtime"), given.get("insecure_registry") or ())
        try:
            return sorted(name for name in named(session.engine) if name.startswith(incomplete))
        except (ScowError, OSError):
            return []

    return complete


images = _those(lambda engine: (name for one in engine.images.list() for name in one.names))
containers = _those(lambda engine: (one.name for one in engine.containers.list()))
volumes = _those(lambda engine: (one.name for one in engine.volumes.list()))
networks = _those(lambda engine: (one.name for one in engine.networks.list()))


def targets(what: str, complete: Complete) -> Callable[[Any], Any]:
    """The argument of a verb that takes several things, ``CONTAINER [CONTAINER...]``, as ``targets``."""
    return click.argument("targets", nargs=-1, required=True, metavar=f"{what} [{what}...]", shell_complete=complete)
