"""Names of images and containers for the shell to complete. Whatever goes wrong, there is just nothing to offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scow.cli.session import Session
from scow.errors import ScowError

if TYPE_CHECKING:
    import click


def images(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names of images that begin like that."""
    try:
        entries = _session(ctx).engine.images.list()
    except (ScowError, OSError):
        return []
    return sorted(name for one in entries for name in one.names if name.startswith(incomplete))


def containers(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names of containers that begin like that."""
    try:
        entries = _session(ctx).engine.containers.list()
    except (ScowError, OSError):
        return []
    return sorted(one.name for one in entries if one.name.startswith(incomplete))


def volumes(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names of volumes that begin like that."""
    try:
        entries = _session(ctx).engine.volumes.list()
    except (ScowError, OSError):
        return []
    return sorted(one.name for one in entries if one.name.startswith(incomplete))


def networks(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names of networks that begin like that."""
    try:
        entries = _session(ctx).engine.networks.list()
    except (ScowError, OSError):
        return []
    return sorted(one.name for one in entries if one.name.startswith(incomplete))


def _session(ctx: click.Context) -> Session:
    """Made of the global flags: completion runs no command."""
    given = ctx.find_root().params
    return Session(given.get("root"), given.get("runtime"), given.get("insecure_registry") or ())
