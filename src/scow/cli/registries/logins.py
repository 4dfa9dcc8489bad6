"""``login`` and ``logout``."""

from __future__ import annotations

import os
import sys

import click

from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import Denied, Invalid
from scow.oci.reference import HUB

_UNENCRYPTED = """
WARNING! Your credentials are stored unencrypted in '{file}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/
"""


@click.command(
    "login",
    cls=Command,
    help="Log in to a registry, the Docker Hub if none is named. The password is checked, then kept as docker keeps it",
    examples="""
        scow login registry.example.com
        scow login -u alice --password-stdin registry.example.com < password.txt
    """,
)
@click.argument("server", required=False, metavar="[SERVER]")
@option("-u", "--username", metavar="string", help="Username")
@option("-p", "--password", metavar="string", help="Password (seen by others: better use --password-stdin)")
@switch("--password-stdin", "from_stdin", help="Take the password from standard input")
@pass_session
def login(session: Session, server: str | None, username: str | None, password: str | None, from_stdin: bool) -> None:
    """``scow login``."""
    host = _host(server)
    if password is not None:
        click.echo("WARNING! Using --password via the CLI is insecure. Use --password-stdin.", err=True)
        if from_stdin:
            raise Invalid("--password and --password-stdin are mutually exclusive")
    if from_stdin:
        if not username:
            raise Invalid("Must provide --username with --password-stdin")
        password = _read_password()
    elif username is None and password is None and _again(session, host):
        return
    username = username or _ask("Username")
    password = password if password is not None else _ask("Password", hidden=True)
    if not password:
        raise Invalid("password is empty")
    _told(session.engine.login(host, username, password))


def _host(server: str | None) -> str:
    """The host that ``registry.example.com``, or an address with scheme and path, means."""
    from scow.registry.credentials import normal_key

    return normal_key(server).partition("/")[0] if server else HUB


def _read_password() -> str:
    from scow.cli.userfiles import bounded

    return bounded(sys.stdin.buffer, "standard input").decode().removesuffix("\n").removesuffix("\r")


def _again(session: Session, host: str) -> bool:
    """Try the login that is kept; whether it still opens the door."""
    kept = session.engine.workplace.credentials.lookup(host)
    if kept is None or not kept.password:
        return False
    click.echo(f"Authenticating with existing credentials... [Username: {kept.username}]")
    try:
        _told(session.engine.login(host, kept.username, kept.password))
    except Denied as error:
        click.echo(f"Login did not succeed, error: {error}", err=True)
        return False
    return True


def _ask(what: str, *, hidden: bool = False) -> str:
    if not sys.stdin.isatty():
        raise Invalid(
            "Cannot perform an interactive login from a non TTY device", hint="use --username and --password-stdin"
        )
    text: str = click.prompt(what, hide_input=hidden, default="", show_default=False)
    return text


def _told(where: str) -> None:
    """``where`` is the file or the helper that keeps the login."""
    if os.sep in where:
        click.echo(_UNENCRYPTED.format(file=where), err=True)
    click.echo("Login Succeeded")


@click.command(
    "logout",
    cls=Command,
    help="Log out of a registry, the Docker Hub if none is named: the kept credentials are forgotten",
    examples="scow logout registry.example.com",
)
@click.argument("server", required=False, metavar="[SERVER]")
@pass_session
def logout(session: Session, server: str | None) -> None:
    """``scow logout``."""
    from scow.registry.credentials import server_key

    host = _host(server)
    gone = session.engine.logout(host)
    click.echo(f"Removing login credentials for {server_key(host)}" if gone else f"Not logged in to {server_key(host)}")
