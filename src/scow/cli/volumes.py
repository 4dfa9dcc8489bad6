"""``volume create``, ``ls``, ``inspect``, ``rm`` and ``prune``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import click

from scow.cli import formats, names
from scow.cli.containers.environment import LABELS, labels
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.refused import refused, values
from scow.cli.session import Session, pass_session
from scow.errors import Invalid, NotFound

if TYPE_CHECKING:
    from scow.cli.filters import Filters
    from scow.cli.table import Row
    from scow.engine.values import VolumeSummary

_COLUMNS = (("DRIVER", "Driver"), ("VOLUME NAME", "Name"))
_HEADERS = {
    "Scope": "SCOPE", "Mountpoint": "MOUNTPOINT", "Labels": "LABELS", "Links": "LINKS", "Size": "SIZE",
    "Availability": "AVAILABILITY", "Group": "GROUP", "Status": "STATUS",
}  # fmt: skip


@click.command(
    "create",
    cls=Command,
    help="Make a volume, if there is none of that name; without a name an anonymous one",
    examples="""
        scow volume create data
        scow volume create --label team=web data
    """,
)
@option("--label", multiple=True, callback=LABELS, metavar="list", help="Set a label on the volume")
@option("-d", "--driver", default="local", metavar="string", hidden=True)
@option("--name", "named", default="", metavar="string", hidden=True)
@refused(values("-o/--opt --availability --group --limit-bytes --required-bytes --scope --secret --sharing --type"))
@click.argument("name", default="", metavar="[VOLUME]")
@pass_session
def create(session: Session, label: tuple[str, ...], driver: str, named: str, name: str) -> None:
    """``scow volume create``."""
    if driver != "local":
        raise NotFound(f'plugin "{driver}" not found', hint="local is the only driver")
    if named and name:
        raise Invalid("conflicting options: either specify --name or provide positional arg, not both")
    click.echo(session.engine.volumes.create(name or named, labels(label)).name)


@click.command(
    "ls",
    cls=Command,
    help="List volumes",
    examples="""
        scow volume ls
        scow volume ls -q --filter dangling=true
    """,
)
@option("-f", "--filter", "filters", multiple=True, metavar="filter", help="dangling, driver, label, name")
@formats.of_list
@switch("-q", "--quiet", help="Only display volume names")
@pass_session
def ls(session: Session, filters: tuple[str, ...], template: str, quiet: bool) -> None:
    """``scow volume ls``."""
    from scow.cli import table
    from scow.cli.filters import parse_filters

    asked = parse_filters(filters, ("dangling", "driver", "label", "name"))
    found = [one for one in session.engine.volumes.list() if _passes(one, asked)]
    click.echo(table.render(rows(found), _COLUMNS, template, quiet=quiet, headers=_HEADERS, key="Name"), nl=False)


def _passes(one: VolumeSummary, asked: Filters) -> bool:
    dangling = asked.flag("dangling")
    return (
        (dangling is None or dangling == (not one.containers))
        and asked.exact("driver", "local")
        and asked.match("name", lambda part: part in one.name)
        and asked.labels(one.labels)
    )


def rows(found: Iterable[VolumeSummary], sizes: Mapping[str, int] | None = None) -> Iterator[Row]:
    """A row for each; who uses it and its bytes only where those (by name) are given, as docker has it."""
    from scow.cli.table import labelled
    from scow.cli.units import human_size

    for one in found:
        yield {
            "Name": one.name,
            "Driver": "local",
            "Scope": "local",
            "Mountpoint": one.mountpoint,
            "Labels": ",".join(f"{name}={value}" for name, value in sorted(one.labels.items())),
            "Label": labelled(one.labels),
            "Links": "N/A" if sizes is None else str(len(one.containers)),
            "Size": "N/A" if sizes is None else human_size(sizes[one.name]),
            **dict.fromkeys(("Availability", "Group", "Status"), "N/A"),
        }


@click.command(
    "inspect",
    cls=Command,
    help="Show all that is known of volumes, as JSON",
    examples="scow volume inspect -f '{{.Mountpoint}}' data",
)
@names.targets("VOLUME", names.volumes)
@formats.of_one
@pass_session
def inspect(session: Session, targets: tuple[str, ...], template: str) -> None:
    """``scow volume inspect``."""
    from scow.cli.inspecting import show

    show(targets, template, session.engine.volumes.inspect)


@click.command(
    "rm",
    cls=Command,
    help="Remove volumes that no container uses",
    examples="scow volume rm data",
)
@switch("-f", "--force", help="Do not mind volumes that are not there")
@names.targets("VOLUME", names.volumes)
@pass_session
def rm(session: Session, targets: tuple[str, ...], force: bool) -> None:
    """``scow volume rm``: goes on after a volume that cannot be removed."""
    from scow.cli.targets import each

    volumes = session.engine.volumes

    def remove(name: str) -> None:
        try:
            volumes.remove(name)
        except NotFound:
            if not force:
                raise

    each(targets, remove)


@click.command(
    "prune",
    cls=Command,
    help="Remove anonymous volumes that no container uses; with -a, named ones too",
    examples="""
        scow volume prune -f
        scow volume prune -af --filter label!=keep
    """,
)
@switch("-a", "--all", "every", help="Remove all unused volumes, not just anonymous ones")
@option("--filter", "filters", multiple=True, metavar="filter", help="Remove only some: label=KEY[=VALUE], all=true")
@switch("-f", "--force", help="Do not ask for confirmation")
@switch("--dry-run", help="Only say what would go, and how many bytes would come back")
@pass_session
def prune(session: Session, every: bool, filters: tuple[str, ...], force: bool, dry_run: bool) -> None:
    """``scow volume prune``."""
    from scow.cli import pruning
    from scow.cli.filters import parse_filters

    asked = parse_filters(filters, ("label", "all"))
    if every and "all" in asked:
        raise Invalid("conflicting options: cannot specify both --all and --filter all=1")
    every = every or bool(asked.flag("all"))
    what = "all local volumes" if every else "anonymous local volumes"
    act = partial(
        session.engine.volumes.prune, every=every, chosen=lambda one: asked.labels(one.labels), dry_run=dry_run
    )
    warning = f"This will remove {what} not used by at least one container.\n"
    pruning.prune(act, warning, force=force, dry_run=dry_run)
