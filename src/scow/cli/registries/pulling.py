"""Pulling on the way to something else (``run``, ``build``): told on standard error, so that standard output stays the
program's own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scow.cli.progress import Display
    from scow.cli.session import Session


def error_display(session: Session, *, quiet: bool) -> Display:
    """A display on standard error: bars on a terminal, lines in a pipe, nothing when quiet."""
    from scow.cli.progress import choose

    terminal = sys.stderr.isatty() and session.environment.get("TERM") != "dumb"
    return choose(sys.stderr, quiet=quiet, isatty=terminal, no_color=bool(session.environment.get("NO_COLOR")))


def pull(session: Session, image: str, platform: str | None, *, quiet: bool) -> None:
    """Bring ``image`` from its registry."""
    from scow.cli.registries.verbs import fetch

    with error_display(session, quiet=quiet) as display:
        fetch(session, image, platform, display)
