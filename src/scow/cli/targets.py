"""Verbs that take several things: each is tried, what went wrong is told, and the exit code says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn

import click

from scow.cli.failing import FAILURE, told
from scow.errors import NotFound, ScowError


def each(targets: Iterable[str], act: Callable[[str], object], *, absent_is_fine: bool = False) -> NoReturn:
    """``act`` on each, and leave; prints the name, or what ``act`` returns unless that is empty, as docker does.

    ``absent_is_fine``: what is not there is told, but is no failure.
    """
    failed = 0
    for name in targets:
        try:
            answer = act(name)
        except ScowError as error:
            click.echo(told(error), err=True)
            if not (absent_is_fine and isinstance(error, NotFound)):
                failed = FAILURE
        else:
            if answer != "":
                click.echo(name if answer is None else answer)
    click.get_current_context().exit(failed)
