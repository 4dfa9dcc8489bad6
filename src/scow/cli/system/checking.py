"""``system check``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from scow.cli import formats
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import printable

if TYPE_CHECKING:
    from scow.engine.system.faults import Checked, Fault


@click.command(
    "check",
    cls=Command,
    help="Check that everything in the store is what it should be: every blob its digest, every image all its parts,"
    " every unpacked layer its blob. The exit code is 1 when something is damaged",
    examples="""
        scow system check
        scow system check --repair
        scow system check --format json
    """,
)
@switch("--repair", help="Drop what is damaged, fetch it again where a registry has it, and say so")
@switch("-q", "--quiet", help="Only print what is damaged")
@option("--format", "template", default="", metavar="string", help=formats.ONE)
@pass_session
def check(session: Session, repair: bool, quiet: bool, template: str) -> None:
    """``scow system check``."""
    checked = session.engine.system.check(repair=repair)
    if template:
        click.echo(formats.one(_document(checked), template))
    else:
        for line in _lines(checked, quiet=quiet):
            click.echo(printable(line))
    if not checked.sound:
        sys.exit(1)


def _lines(checked: Checked, *, quiet: bool) -> list[str]:
    from scow.cli.units import human_size

    lines = [_line(fault) for fault in checked.faults if fault.damage or not quiet]
    if quiet:
        return lines
    looked = (
        f"{checked.names} names, {checked.blobs} blobs ({human_size(checked.bytes)}), {checked.layers} layers"
        f" ({checked.trees} unpacked), {checked.containers} containers, {checked.records} build cache records"
    )
    return [*lines, f"Checked {looked}", _verdict(checked)]


def _verdict(checked: Checked) -> str:
    from scow.engine.system.faults import KINDS

    left = [fault for fault in checked.remaining if fault.damage]
    if not left:
        return "The store is sound"
    if any(not KINDS[fault.kind].by_hand for fault in left):
        return f"{len(left)} damaged; scow system check --repair"
    remedies = dict.fromkeys(KINDS[fault.kind].remedy for fault in left)
    return f"{len(left)} damaged: {'; '.join(remedies)}"


def _line(fault: Fault) -> str:
    text = f"{'damaged' if fault.damage else 'note'}: {fault.kind} {fault.subject}: {fault.problem}"
    return f"{text}: {fault.outcome}" if fault.outcome else text


def _document(checked: Checked) -> dict[str, Any]:
    from scow.engine.system.faults import KINDS

    def told(fault: Fault) -> dict[str, Any]:
        return {
            "Kind": fault.kind,
            "Subject": fault.subject,
            "Problem": fault.problem,
            "Damage": fault.damage,
            "Remedy": KINDS[fault.kind].remedy,
            "Outcome": fault.outcome,
        }

    counts = {
        "Names": checked.names,
        "Blobs": checked.blobs,
        "Bytes": checked.bytes,
        "Layers": checked.layers,
        "Trees": checked.trees,
        "Containers": checked.containers,
        "Records": checked.records,
    }
    return {
        "Sound": checked.sound,
        "Checked": counts,
        "Faults": [told(fault) for fault in checked.faults],
        "Remaining": [told(fault) for fault in checked.remaining],
    }
