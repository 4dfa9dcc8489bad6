"""``registry serve``."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from scow.cli import userfiles
from scow.cli.lazy import Command
from scow.cli.options import option
from scow.errors import Invalid, Unavailable


@click.command(
    "serve",
    cls=Command,
    help="Serve a registry from a directory, until interrupted: for tests, demonstrations and small machines",
    examples="""
        scow registry serve --root /tmp/registry &
        scow tag app:1 localhost:5000/app:1
        scow push localhost:5000/app:1
    """,
)
@option("--host", default="127.0.0.1", metavar="string", help="The address to listen on")
@option("--port", type=click.IntRange(0, 65535), default=5000, metavar="int", help="The port, 0 for a free one")
@option("--root", required=True, metavar="DIR", help="Where the registry keeps what is pushed")
@option("--username", default="", metavar="string", help="Let in only this user")
@option("--password-file", metavar="FILE", help="Where that user's password is")
def serve(host: str, port: int, root: str, username: str, password_file: str | None) -> None:
    """``scow registry serve``; says where it listens, in one line."""
    from scow.testing import registry

    if bool(username) != bool(password_file):
        raise Invalid("--username and --password-file belong together")
    password = userfiles.text(password_file).removesuffix("\n") if password_file else ""
    directory = Path(root).absolute()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            registry.serve(host, port, directory, username=username, password=password, ready=_ready)
    except OSError as error:
        raise Unavailable(
            (error.strerror or str(error)).lower(), subject=f"{host}:{port}, {directory}", hint="choose another --port"
        ) from None


def _ready(address: str) -> None:
    click.echo(f"listening on {address}")
