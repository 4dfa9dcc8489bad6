"""``advise``: what would make an image smaller, and the proof of it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scow.cli import formats
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.cli.units import human_size
from scow.errors import Invalid, printable

if TYPE_CHECKING:
    from scow.engine.analysis.advising import Advice, Proof
    from scow.size.advice import Proposal


@click.command(
    "advise",
    cls=Command,
    help="Say what would make an image smaller: caches cleaned where they are filled, files deleted where they are"
    " made, tools for building left in a stage, a smaller base, an ignore file; with the bytes each would save. For a"
    " directory (default: .) the bytes are measured in the image that --image names; --prove builds it before and after"
    " in a store of its own",
    examples="""
        scow advise
        scow advise --image app:1 .
        scow advise --prove --test "app --version"
        scow advise registry.example.com/app:1
    """,
)
@click.argument("target", default=".", metavar="[CONTEXT|IMAGE]")
@option("-f", "--file", metavar="string", help="The Dockerfile (default: CONTEXT/Dockerfile)")
@option("--format", "kind", type=click.Choice(["text", "json"]), default="text", metavar="string", help="text or json")
@option("--image", metavar="IMAGE", help="An image that this Dockerfile made, to measure")
@switch("--prove", help="Apply the proposals to a copy, build both, and tell what it saved")
@option("--test", metavar="COMMAND", help="With --prove: run it in the result, and fail when it fails")
@pass_session
def advise(session: Session, /, target: str, **given: Any) -> None:
    """``scow advise``."""
    if given["test"] is not None and not given["prove"]:
        raise Invalid("--test goes with --prove")
    advisor, file = session.engine.advisor, given["file"]
    if not Path(target).is_dir():
        if given["prove"] or file or given["image"]:
            raise Invalid("only a build context can be built", subject=target)
        _show(advisor.advise_image(target), given["kind"])
    elif given["prove"]:
        _prove(session, target, given)
    else:
        _show(advisor.advise(target, dockerfile=file, image=given["image"]), given["kind"])


def _prove(session: Session, target: str, given: dict[str, Any]) -> None:
    from scow.runtime.child import Stdio

    test = shlex.split(given["test"] or "")
    stdio = Stdio(stdout=sys.stderr.fileno()) if test else None
    proof = session.engine.advisor.prove(target, dockerfile=given["file"], test=test, stdio=stdio)
    if given["kind"] == "json":
        click.echo(formats.as_json(_proof(proof)))
    else:
        click.echo(_advice_text(proof.advice) + _proof_text(proof), nl=False)
    if proof.code:
        sys.exit(1)


def _show(advice: Advice, kind: str) -> None:
    if kind == "json":
        click.echo(formats.as_json(_document(advice)))
    else:
        click.echo(_advice_text(advice), nl=False)


def _advice_text(advice: Advice) -> str:
    lines = [line for one in advice.proposals for line in _told(one)]
    if not lines:
        return "Nothing to advise.\n"
    if advice.size is None:
        lines.append("How much it saves: name an image that was built of it with --image, or let --prove build it.")
    else:
        lines.append(f"The layers hold {human_size(advice.size)}.")
    return "\n".join(map(printable, lines)) + "\n"


def _told(one: Proposal) -> list[str]:
    size = "?" if one.saves is None else human_size(one.saves)
    place = f" (line {one.line})" if one.line else ""
    lines = [f"{size:>8}  {one.title}{place}", f"{'':8}  {one.why}"]
    return [*lines, *(f"{'':8}  .dockerignore: {line}" for line in one.ignore), ""]


def _proof_text(proof: Proof) -> str:
    lines = [
        f"Before: {human_size(proof.before)}, after: {human_size(proof.after)}",
        f"Promised: {human_size(proof.advice.saves)}, saved: {human_size(proof.saved)}",
        *([] if proof.code is None else ["The test passed." if proof.code == 0 else f"The test failed: {proof.code}"]),
        "", "Dockerfile:", proof.dockerfile.rstrip("\n"),
    ]  # fmt: skip
    lines += ["", ".dockerignore:", proof.ignore.rstrip("\n")] if proof.ignore else []
    return "\n".join(lines) + "\n"


def _document(advice: Advice) -> dict[str, Any]:
    return {
        "Size": advice.size,
        "Saves": advice.saves,
        "Proposals": [
            {
                "Kind": one.kind, "Title": one.title, "Why": one.why, "Line": one.line, "Saves": one.saves,
                "Applies": one.applies, "Ignore": list(one.ignore),
            }
            for one in advice.proposals
        ],
    }  # fmt: skip


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        **_document(proof.advice), "Before": proof.before, "After": proof.after, "Saved": proof.saved,
        "TestExitCode": proof.code, "Dockerfile": proof.dockerfile, "Dockerignore": proof.ignore,
    }  # fmt: skip
