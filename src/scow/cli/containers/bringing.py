"""Seeing that an image is in the store before a container stands on it: docker's ``--pull``."""

from __future__ import annotations

import sys

import click

from scow.cli.session import Session
from scow.errors import NotFound


def bring(session: Session, image: str, pull: str, platform: str | None, *, quiet: bool) -> None:
    """See that the image is there; ``pull`` is always, missing or never."""
    if pull != "always" and _is_here(session, image, platform):
        return
    from scow.oci.reference import Reference

    reference = Reference.parse(image)
    if pull == "never":
        raise NotFound(f"No such image: {reference.familiar}")
    if pull == "missing" and not quiet:
        click.echo(f"Unable to find image '{reference.familiar}' locally", err=True)
    from scow.cli.registries.verbs import fetch

    with session.progress(quiet=quiet, stream=sys.stderr) as display:  # standard output is the program's own
        fetch(session, image, platform, display)


def _is_here(session: Session, image: str, platform: str | None) -> bool:
    wanted = session.engine.workplace.wanted(platform) if platform else None
    try:
        known = session.engine.images.find(image)
    except NotFound:
        return False
    return wanted is None or bool(known.image.config.platform.fitness(wanted))
