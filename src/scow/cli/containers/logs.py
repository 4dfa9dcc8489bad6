"""``logs``: what a container wrote, on the stream that it wrote it to."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.cli.units import parse_time
from scow.errors import Invalid

if TYPE_CHECKING:
    from scow.engine.containers.logs import Line


@click.command(
    "logs",
    cls=Command,
    help="Show what a container wrote",
    examples="""
        scow logs -f --tail 20 web
        scow logs --since 10m -t web
    """,
)
@switch("--details", help="Show extra details of each line; there are none here")
@switch("-f", "--follow", help="Go on as it writes more, until its end")
@option("--since", metavar="string", help="Only what came since a time (2006-01-02T15:04:05Z) or a while ago (42m)")
@option("-n", "--tail", default="all", metavar="string", help="Lines to show from the end of the log")
@switch("-t", "--timestamps", help="Show when each line came")
@option("--until", metavar="string", help="Only what came before a time or a while ago")
@click.argument("target", metavar="CONTAINER", shell_complete=names.containers)
@pass_session
def logs(
    session: Session, target: str, details: bool, follow: bool, since: str | None, tail: str, timestamps: bool,
    until: str | None,
) -> None:  # fmt: skip
    """``scow logs``."""
    now = time.time()
    lines = session.engine.containers.logs(
        target,
        follow=follow,
        tail=_count(tail),
        since=parse_time(since, now) if since else None,
        until=parse_time(until, now) if until not in (None, "", "0") else None,
    )
    terminal = session.engine.containers.open(target).options.tty
    for line in lines:
        stream = sys.stderr.buffer if line.stream == "stderr" and not terminal else sys.stdout.buffer
        stream.write(_shown(line, timestamps=timestamps, details=details))
        if follow or stream is sys.stderr.buffer:
            stream.flush()


def _shown(line: Line, *, timestamps: bool, details: bool) -> bytes:
    before = f"{line.time} " if timestamps else ""
    return f"{before}{' ' if details else ''}{line.log}".encode(errors="surrogateescape")


def _count(text: str) -> int | None:
    if text in ("all", ""):
        return None
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise Invalid(f"invalid value for --tail: {text}", hint="a number of lines, or all")
    return None if text.startswith("-") else int(text)
