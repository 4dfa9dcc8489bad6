"""Images made smaller: ``squash``, ``slim``."""

from __future__ import annotations

import shlex

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import Invalid


@click.command(
    "squash",
    cls=Command,
    help="Merge an image's layers above those of its base into one, so that what they overwrite and delete is gone. The"
    " base's layers stay as they are, and shared",
    examples="""
        scow squash app:1 --from debian:12 -t app:1-squashed
        scow squash app:1 -t app:flat
    """,
)
@click.argument("target", metavar="IMAGE", shell_complete=names.images)
@option("--from", "base", default="scratch", metavar="IMAGE", help="Keep this image's layers (default: merge all)")
@option("-t", "--tag", metavar="name", help="Name the new image")
@switch("-q", "--quiet", help="Only show the image ID")
@pass_session
def squash(session: Session, target: str, base: str, tag: str | None, quiet: bool) -> None:
    """``scow squash``."""
    squashed = session.engine.analysis.squash(target, base=base, tag=tag)
    if not quiet:
        from scow.cli.units import human_size

        sizes = f"{human_size(squashed.before)} -> {human_size(squashed.after)}"
        click.echo(f"{squashed.layers} layers merged into one: {sizes}", err=True)
    click.echo(squashed.id)


@click.command(
    "slim",
    cls=Command,
    help="Make a minimal image: the files that a test opens when it runs in the image, what loads its programs, and"
    " what --keep names. The test then runs in the result, and has to pass",
    examples="""
        scow slim app:1 --test 'python3 -m app.selftest' -t app:slim
        scow slim app:1 --test 'sh -c "server & sleep 1; check"' --keep /etc/ssl --keep '/app/**' -t app:slim
    """,
)
@click.argument("target", metavar="IMAGE", shell_complete=names.images)
@option("--test", "test", required=True, metavar="command", help="Program and arguments; exit code 0 is a pass")
@option("--keep", multiple=True, metavar="pattern", help="Keep these files, opened or not (as in .dockerignore)")
@option("-e", "--env", multiple=True, metavar="list", help="Set environment variables for the test")
@option("-u", "--user", default="", metavar="string", help="Run the test as another user")
@option("--network", default="host", metavar="network", help="The test's network: host or none")
@switch("--watch", default=True, help="Watch what the test opens; --watch=false only walks what programs load")
@option("-t", "--tag", metavar="name", help="Name the new image")
@switch("-q", "--quiet", help="Only show the image ID")
@pass_session
def slim(
    session: Session,
    target: str,
    test: str,
    keep: tuple[str, ...],
    env: tuple[str, ...],
    user: str,
    network: str,
    watch: bool,
    tag: str | None,
    quiet: bool,
) -> None:
    """``scow slim``."""
    from scow.engine.analysis.slimming import Slimming

    asked = Slimming(_words(test), keep, env, user, network, watch)

    def tell(text: str) -> None:
        if not quiet:
            click.echo(text, err=True)

    slimmed = session.engine.analysis.slim(target, asked, tag=tag, tell=tell)
    for note in slimmed.notes:
        tell(f"note: {note}")
    tell(_told(slimmed.before, slimmed.after))
    tell(f"{slimmed.opened} files were opened (told by {slimmed.how}), {slimmed.files} stay; the test passes")
    click.echo(slimmed.id)


def _words(test: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(test))
    except ValueError as error:
        raise Invalid(str(error).lower(), subject="--test") from None
    if not words:
        raise Invalid("names no program", subject="--test")
    return words


def _told(before: int, after: int) -> str:
    from scow.cli.units import human_size

    times = f", {before / after:.1f} times smaller" if after else ""
    return f"{human_size(before)} -> {human_size(after)}{times}"
