"""``network create``, ``ls``, ``inspect``, ``rm`` and ``prune``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scow.cli import formats, names
from scow.cli.containers.environment import LABELS, labels
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.refused import flag, refused, values
from scow.cli.session import Session, pass_session
from scow.errors import Invalid, NotFound

if TYPE_CHECKING:
    from scow.cli.filters import Filters
    from scow.cli.table import Row
    from scow.engine.values import NetworkSummary

_COLUMNS = (("NETWORK ID", "ID"), ("NAME", "Name"), ("DRIVER", "Driver"), ("SCOPE", "Scope"))
_HEADERS = {"CreatedAt": "CREATED AT", "Internal": "INTERNAL", "IPv6": "IPV6", "IPv4": "IPV4", "Labels": "LABELS"}


@click.command(
    "create",
    cls=Command,
    help="Make a network, on which containers reach each other by name",
    examples="""
        scow network create web
        scow network create --internal --subnet 10.5.0.0/24 back
    """,
)
@option("-d", "--driver", default="bridge", metavar="string", hidden=True)
@option("--gateway", default="", metavar="ip", help="The address that no container gets")
@switch("--internal", help="No way out of the network")
@option("--label", multiple=True, callback=LABELS, metavar="list", help="Set a label on the network")
@option("--subnet", default="", metavar="string", help="Its addresses (10.5.0.0/24)")
@refused([flag("--attachable"), flag("--ingress"), flag("--config-only"),
          flag("--ipv4", harmless=("true",)), flag("--ipv6"),
          *values("--aux-address --config-from --ip-range --ipam-driver --ipam-opt -o/--opt --scope")])  # fmt: skip
@click.argument("name", metavar="NETWORK")
@pass_session
def create(
    session: Session, driver: str, gateway: str, internal: bool, label: tuple[str, ...], subnet: str, name: str
) -> None:
    """``scow network create``."""
    if driver != "bridge":
        raise NotFound(f'could not find plugin {driver} in v1 plugin registry: plugin "{driver}" not found')
    made = session.engine.networks.create(name, labels=labels(label), subnet=subnet, gateway=gateway, internal=internal)
    click.echo(made)


@click.command(
    "ls",
    cls=Command,
    help="List networks",
    examples="scow network ls -q --filter label=team=web",
)
@option("-f", "--filter", "filters", multiple=True, metavar="filter", help="driver, id, label, name, scope, type")
@formats.of_list
@switch("--no-trunc", "whole", help="Don't truncate output")
@switch("-q", "--quiet", help="Only display network IDs")
@pass_session
def ls(session: Session, filters: tuple[str, ...], template: str, whole: bool, quiet: bool) -> None:
    """``scow network ls``."""
    from scow.cli import table
    from scow.cli.filters import parse_filters

    asked = parse_filters(filters, ("driver", "id", "label", "name", "scope", "type"))
    if unknown := sorted(set(asked.of("type")) - {"builtin", "custom"}):
        raise Invalid(f"invalid filter 'type={unknown[0]}'", hint="type=builtin or type=custom")
    rows = [_row(one, whole=whole) for one in session.engine.networks.list() if _passes(one, asked)]
    click.echo(table.render(rows, _COLUMNS, template, quiet=quiet, headers=_HEADERS), nl=False)


def _passes(one: NetworkSummary, asked: Filters) -> bool:
    return (
        asked.exact("driver", one.driver)
        and asked.exact("scope", "local")
        and asked.exact("type", "custom" if one.subnet else "builtin")
        and asked.match("id", one.id.startswith)
        and asked.match("name", lambda part: part in one.name)
        and asked.labels(one.labels)
    )


def _row(one: NetworkSummary, *, whole: bool) -> Row:
    from scow.cli.table import labelled
    from scow.cli.units import created_at

    return {
        "ID": one.id if whole else one.id[:12],
        "Name": one.name,
        "Driver": one.driver,
        "Scope": "local",
        "CreatedAt": one.created and created_at(one.created),
        "Internal": str(one.internal).lower(),
        "IPv4": "true",
        "IPv6": "false",
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(one.labels.items())),
        "Label": labelled(one.labels),
    }


@click.command(
    "inspect",
    cls=Command,
    help="Show all that is known of networks, as JSON",
    examples="scow network inspect -f '{{range .Containers}}{{println .Name}}{{end}}' web",
)
@names.targets("NETWORK", names.networks)
@formats.of_one
@switch("-v", "--verbose", hidden=True)
@pass_session
def inspect(session: Session, targets: tuple[str, ...], template: str, verbose: bool) -> None:
    """``scow network inspect``."""
    from scow.cli.inspecting import show

    show(targets, template, session.engine.networks.inspect)


@click.command(
    "rm",
    cls=Command,
    help="Remove networks that no running container is on",
    examples="scow network rm web",
)
@switch("-f", "--force", help="Do not mind networks that are not there")
@names.targets("NETWORK", names.networks)
@pass_session
def rm(session: Session, targets: tuple[str, ...], force: bool) -> None:
    """``scow network rm``: goes on after a network that cannot be removed."""
    from scow.cli.targets import each

    networks = session.engine.networks

    def remove(name: str) -> str:
        try:
            return networks.remove(name)
        except NotFound:
            if not force:
                raise
            return ""

    each(targets, remove)


@click.command(
    "prune",
    cls=Command,
    help="Remove all networks that no container was made for",
    examples="scow network prune -f --filter label!=keep",
)
@option("--filter", "filters", multiple=True, metavar="filter", help="Remove only some: label=KEY[=VALUE], until=TIME")
@switch("-f", "--force", help="Do not ask for confirmation")
@switch("--dry-run", help="Only say what would go")
@pass_session
def prune(session: Session, filters: tuple[str, ...], force: bool, dry_run: bool) -> None:
    """``scow network prune``."""
    from scow.cli import pruning

    chosen = pruning.chosen(filters)
    if not (force or dry_run) and not pruning.sure("This will remove all custom networks not used by any container.\n"):
        return
    pruned = session.engine.networks.prune(chosen=chosen, dry_run=dry_run)
    word = "Would delete" if dry_run else "Deleted"
    click.echo("\n".join([f"{word} Networks:", *pruned.networks, ""]) if pruned.networks else "", nl=False)
