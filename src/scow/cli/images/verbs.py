"""Images in the store: ``images``, ``history``, ``tag``, ``rmi``, ``image prune``."""

from __future__ import annotations

import time
from functools import partial

import click

from scow.cli import formats, names
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.refused import flag, refused, values
from scow.cli.session import Session, pass_session


@click.command(
    "images",
    cls=Command,
    help="List images, the newest first. Images without a name are shown with -a, or with -f dangling=true",
    examples="""
        scow images
        scow images 'debian:*'
        scow images --filter dangling=true -q
        scow images --format '{{.Repository}}:{{.Tag}} {{.Size}}'
    """,
)
@click.argument("name", required=False, metavar="[REPOSITORY[:TAG]]", shell_complete=names.images)
@switch("-a", "--all", "every", help="Show all images (default hides those without a name)")
@switch("--digests", help="Show digests")
@refused([flag("--tree")])
@option(
    "-f",
    "--filter",
    "filters",
    multiple=True,
    metavar="filter",
    help="Show only some: dangling=true, label=KEY[=VALUE], before=IMAGE, since=IMAGE, until=TIME, reference=PATTERN",
)
@formats.of_list
@switch("--no-trunc", "whole", help="Don't truncate output")
@switch("-q", "--quiet", help="Only show image IDs")
@pass_session
def images(
    session: Session,
    name: str | None,
    every: bool,
    digests: bool,
    filters: tuple[str, ...],
    template: str,
    whole: bool,
    quiet: bool,
) -> None:
    """``scow images``."""
    from scow.cli import table
    from scow.cli.filters import parse_filters
    from scow.cli.images import choosing, listing

    asked = parse_filters(filters, choosing.FILTERS)
    now = time.time()
    store = session.engine.images

    def created_of(image: str) -> str:
        return store.find(image).image.config.created or ""

    chosen = choosing.choose(store.list(), asked, now, created_of, name)
    shown = [one for one in chosen if every or one.names or "dangling" in asked]
    rows = listing.image_rows(shown, now, whole=whole, digests=digests or ".Digest" in template)
    columns = listing.image_columns(digests=digests)
    click.echo(table.render(rows, columns, template, quiet=quiet, headers=listing.IMAGE_HEADERS), nl=False)


@click.command(
    "history",
    cls=Command,
    help="Show how an image was made, the newest step first, and the bytes that each step brought",
    examples="scow history --no-trunc --format '{{.Size}} {{.CreatedBy}}' debian:12",
)
@click.argument("name", metavar="IMAGE", shell_complete=names.images)
@formats.of_list
@switch("-H", "--human", default=True, help="Print sizes and dates in human readable format")
@refused(values("--platform"))
@switch("--no-trunc", "whole", help="Don't truncate output")
@switch("-q", "--quiet", help="Only show image IDs")
@pass_session
def history(session: Session, name: str, template: str, human: bool, whole: bool, quiet: bool) -> None:
    """``scow history``."""
    from scow.cli import table
    from scow.cli.images import listing

    steps = session.engine.images.history(name)
    rows = listing.history_rows(steps, time.time(), human=human, whole=whole)
    columns = tuple(listing.history_columns(human=human))
    click.echo(table.render(rows, columns, template, quiet=quiet, headers={"CreatedAt": "CREATED AT"}), nl=False)


@click.command(
    "tag",
    cls=Command,
    help="Give an image one more name",
    examples="""
        scow tag app:1 app:latest
        scow tag app:1 localhost:5000/team/app:1
    """,
)
@click.argument("source", metavar="SOURCE_IMAGE[:TAG]", shell_complete=names.images)
@click.argument("target", metavar="TARGET_IMAGE[:TAG]")
@pass_session
def tag(session: Session, source: str, target: str) -> None:
    """``scow tag``."""
    session.engine.images.tag(source, target)


@click.command(
    "rmi",
    cls=Command,
    help="Take names away from images; an image without a name left is deleted",
    examples="""
        scow rmi app:1 app:2
        scow rmi -f 4f4fb700ef54
    """,
)
@names.targets("IMAGE", names.images)
@switch("-f", "--force", help="Remove the image whatever it is used by or named")
@refused(values("--platform"))
@switch("--no-prune", help="Do not delete the content that no image needs any more")
@pass_session
def rmi(session: Session, targets: tuple[str, ...], force: bool, no_prune: bool) -> None:
    """``scow rmi``: goes on after a name that cannot be removed."""
    from scow.cli.targets import each

    images, removed = session.engine.images, list[str]()

    def remove(name: str) -> str:
        gone = images.remove(name, force=force, prune=False)
        removed.append(name)
        return "\n".join([*(f"Untagged: {one}" for one in gone.untagged), *(f"Deleted: {one}" for one in gone.deleted)])

    try:
        each(targets, remove, absent_is_fine=force)
    finally:  # once, as it looks at all that is left
        if removed and not no_prune:
            images.sweep()


@click.command(
    "prune",
    cls=Command,
    help="Remove images without a name; with -a, all that no container stands on",
    examples="""
        scow image prune --dry-run
        scow image prune -af --filter until=240h
        scow image prune -af --filter unused-for=720h
    """,
)
@switch("-a", "--all", "every", help="Remove all unused images, not just those without a name")
@option(
    "--filter",
    "filters",
    multiple=True,
    metavar="filter",
    help="Remove only some: label=KEY[=VALUE], until=TIME (made before), unused-for=DURATION (neither run, built on,"
    " pushed, saved nor pulled since)",
)
@switch("-f", "--force", help="Do not ask for confirmation")
@switch("--dry-run", help="Only say what would go, and how many bytes would come back")
@pass_session
def prune(session: Session, every: bool, filters: tuple[str, ...], force: bool, dry_run: bool) -> None:
    """``scow image prune``."""
    from scow.cli import pruning
    from scow.cli.filters import parse_filters

    asked = parse_filters(filters, ("dangling", "unused-for", *pruning.FILTERS))
    now = time.time()
    chosen, since = pruning.passing(asked, now), asked.until(now, "unused-for")
    every = every or asked.flag("dangling") is False
    what = "all images without at least one container associated to them" if every else "all dangling images"
    act = partial(session.engine.system.prune_images, every=every, chosen=chosen, unused_since=since, dry_run=dry_run)
    pruning.prune(act, f"This will remove {what}.\n", force=force, dry_run=dry_run)
