"""``stats``: what containers use, once or again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

import click

from scow.cli import formats, names, table, units
from scow.cli.lazy import Command
from scow.cli.options import switch
from scow.cli.session import Session, pass_session

if TYPE_CHECKING:
    from scow.engine import Engine
    from scow.engine.containers.stats import Stats

_COLUMNS = (
    ("CONTAINER ID", "ID"), ("NAME", "Name"), ("CPU %", "CPUPerc"), ("MEM USAGE / LIMIT", "MemUsage"),
    ("MEM %", "MemPerc"), ("NET I/O", "NetIO"), ("BLOCK I/O", "BlockIO"), ("PIDS", "PIDs"),
)  # fmt: skip
_HEADERS = {"Container": "CONTAINER"}
_PAUSE = 1.0  # seconds
_CLEAR = "\x1b[2J\x1b[H"


@click.command(
    "stats",
    cls=Command,
    help="Show what containers use: those that run, or the ones that are named",
    examples="""
        scow stats --no-stream
        scow stats --format '{{.Name}}: {{.MemUsage}}' web
    """,
)
@switch("-a", "--all", "every", help="Show all containers (default shows just running)")
@formats.of_list
@switch("--no-stream", "once", help="Show it once, and not again and again")
@switch("--no-trunc", "whole", help="Do not truncate output")
@click.argument("targets", nargs=-1, metavar="[CONTAINER...]", shell_complete=names.containers)
@pass_session
def stats(session: Session, targets: tuple[str, ...], every: bool, template: str, once: bool, whole: bool) -> None:
    """``scow stats``."""
    engine = session.engine
    while True:
        found = list(_looked(engine, targets, every=every))
        shown = table.render(_rows(found, targets, whole=whole), _COLUMNS, template, headers=_HEADERS)
        click.echo(_CLEAR + shown if session.terminal and not once else shown, nl=False)
        if once or (targets and not any(one.pids for one in found)):
            return


def _looked(engine: Engine, targets: tuple[str, ...], *, every: bool) -> Iterator[Stats]:
    """All are looked at in one pause."""
    running = [one.id for one in engine.containers.list() if every or one.status in ("running", "paused")]
    chosen = [engine.containers.find(name).id for name in targets] or running
    for number, one in enumerate(chosen):
        yield engine.containers.stats(one, _PAUSE if number == 0 else _PAUSE / 10)


def _rows(found: Iterable[Stats], targets: Sequence[str], *, whole: bool) -> Iterator[table.Row]:
    """``targets``: how each is called, where the user called them."""
    for one, named in zip_longest(found, targets):
        share = 100 * one.memory / one.limit if one.limit else 0.0
        yield {
            "ID": one.id if whole else one.id[:12],
            "Container": named or (one.id if whole else one.id[:12]),
            "Name": one.name,
            "CPUPerc": f"{one.cpu:.2f}%",
            "MemUsage": f"{units.binary_size(one.memory)} / {units.binary_size(one.limit)}",
            "MemPerc": f"{share:.2f}%",
            "NetIO": f"{units.human_size(one.received)} / {units.human_size(one.sent)}",
            "BlockIO": f"{units.human_size(one.read)} / {units.human_size(one.written)}",
            "PIDs": str(one.pids),
        }
