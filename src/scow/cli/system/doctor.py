"""``doctor``: one page about isolation here: what there is, what is missing, and the command that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from scow.cli import formats
from scow.cli.lazy import Command
from scow.cli.session import Session, pass_session

if TYPE_CHECKING:
    from scow.runtime.examination import Finding


@click.command(
    "doctor",
    cls=Command,
    help="Show what isolation this machine allows, what is missing, and the command that mends it",
    examples="""
        scow doctor
        scow doctor --format json
        scow doctor --format '{{range .Findings}}{{if .Missing}}{{println .Part .Fix}}{{end}}{{end}}'
    """,
)
@formats.of_one
@pass_session
def doctor(session: Session, template: str) -> None:
    """``scow doctor``."""
    rung, findings = session.engine.system.examine()
    if not template:
        click.echo(_page(rung, findings), nl=False)
        return
    told = [{"Part": one.part, "Missing": one.missing, "Fix": one.fix} for one in findings]
    click.echo(formats.one({"Rung": rung, "Findings": told}, template))


def _page(rung: int, findings: Sequence[Finding]) -> str:
    from scow.cli.system.facts import RUNGS

    able = any(one.part.startswith("rung") and not one.missing for one in findings)
    place = f"is on rung {rung} of {len(RUNGS)}: {RUNGS[rung]}" if able else "lets this user make no container"
    lines = [f"This machine {place}.", ""]
    for one in findings:
        lines.append(f"{'no ' if one.missing else 'yes'}  {one.part}{f': {one.missing}' if one.missing else ''}")
        if one.fix:
            lines.append(f"       {one.fix}")
    return "\n".join([*lines, ""])
