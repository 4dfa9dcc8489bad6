"""``run``: a program in a new container, in the foreground, with its exit code."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from scow.cli import environment, names, runflags
from scow.cli.failing import exit_code, told
from scow.cli.lazy import Command
from scow.cli.limitflags import limit_flags
from scow.cli.options import option, switch
from scow.cli.refused import refused
from scow.cli.session import Session, pass_session
from scow.cli.signals import Forwarding
from scow.errors import AlreadyExists, Denied, NotFound, ScowError

if TYPE_CHECKING:
    from scow.engine.containers import Container
    from scow.runtime.options import Options

_NOT_A_TTY = 1


class RunCommand(Command):
    """A command whose own failures have docker's exit codes of ``run``: 125, 126, 127."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As any command; a flag that is refused is a failure of scow's own."""
        with _own_codes(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """As any command; what goes wrong before the program runs is a failure of scow's own."""
        with _own_codes(ctx):
            return super().invoke(ctx)


@contextlib.contextmanager
def _own_codes(ctx: click.Context) -> Iterator[None]:
    try:
        yield
    except ScowError as error:
        click.echo(told(error), err=True)
        ctx.exit(exit_code(error, running=True))


@click.command(
    "run",
    cls=RunCommand,
    context_settings={"allow_interspersed_args": False},
    help="Run a program in a new container, and leave with its exit code",
    aliases="scow container run, scow run",
    examples="""
        scow run --rm debian:12 cat /etc/os-release
        scow run --rm -it -v "$PWD:/src" -w /src python:3.12 bash
        scow run --rm -e TOKEN --network none -u 1000:1000 app:v1
    """,
)
@option("--add-host", multiple=True, metavar="list", help="Add a host to /etc/hosts (host:ip)")
@option("--cap-add", multiple=True, help="Add Linux capabilities")
@option("--cap-drop", multiple=True, help="Drop Linux capabilities")
@option("--cidfile", metavar="string", help="Write the container ID to the file")
@option("--dns", multiple=True, help="Name servers, instead of this machine's")
@option("--entrypoint", metavar="string", help="Instead of the image's ENTRYPOINT; an empty one takes it away")
@option("-e", "--env", multiple=True, callback=runflags.VARIABLES, help="Set environment variables")
@option("--env-file", multiple=True, help="Read environment variables from a file")
@option("-h", "--hostname", metavar="string", help="Container host name")
@switch("-i", "--interactive", help="Keep standard input open")
@option("-l", "--label", multiple=True, help="Set a label on the container")
@option("--label-file", multiple=True, help="Read labels from a file")
@option("--mount", multiple=True, metavar="mount", help="Mount something (type=bind,source=…,target=…)")
@option("--name", metavar="string", help="Name the container")
@option("--network", "--net", metavar="network", help="host (this machine's) or none")
@switch("--no-healthcheck", help="Disable any health check; scow runs none", hidden=True)
@option("--platform", metavar="string", help="Take the image for another platform than this machine's")
@option("--pull", type=click.Choice(["always", "missing", "never"]), default="missing", metavar="string",
        help="Pull the image before running: always, missing or never")  # fmt: skip
@switch("-q", "--quiet", help="Do not tell about pulling")
@switch("--read-only", help="Make the container's root file system read-only")
@switch("--rm", help="Remove the container when it ends")
@option("--runtime", metavar="string", help="What runs the container: crun, runc, sandbox or a path")
@option("--security-opt", multiple=True, help="no-new-privileges")
@option("--shm-size", metavar="bytes", callback=runflags.SIZE, help="Size of /dev/shm")
@option("--stop-signal", metavar="string", help="Signal that stops the container")
@option("--tmpfs", multiple=True, help="Mount a tmpfs (PATH[:size=…,mode=…])")
@switch("-t", "--tty", help="Give the container a terminal")
@option("--ulimit", multiple=True, metavar="ulimit", callback=runflags.ULIMITS,
        help="Limits of resources (nofile=1024:2048)")  # fmt: skip
@option("-u", "--user", metavar="string", help="User name or id (name|uid[:group|gid])")
@option("-v", "--volume", multiple=True, help="Mount a host directory or a volume ([SOURCE:]PATH[:ro])")
@option("--volumes-from", multiple=True, metavar="list", help="Mount what these containers have (CONTAINER[:ro])")
@option("-w", "--workdir", metavar="string", help="Working directory in the container")
@limit_flags
@refused(runflags.REFUSED)
@click.argument("image", metavar="IMAGE", shell_complete=names.images)
@click.argument("command", nargs=-1, metavar="[COMMAND] [ARG...]")
@pass_session
@click.pass_context
def run(ctx: click.Context, session: Session, /, image: str, command: tuple[str, ...], **given: Any) -> None:
    """``scow run``."""
    if given["tty"] and given["interactive"] and not os.isatty(0):
        click.echo("the input device is not a TTY", err=True)
        ctx.exit(_NOT_A_TTY)
    if given["runtime"]:
        session.runtime = given["runtime"]
    _check_cidfile(given["cidfile"])
    options = runflags.options(given, command, session.environment)
    labels = environment.labels(given["label"], given["label_file"])
    _bring(session, image, given["pull"], given["platform"], quiet=given["quiet"])
    with Forwarding() as forwarding:
        container = session.engine.containers.create(image, options, name=given["name"], labels=labels)
        try:
            for warning in container.warnings:
                click.echo(f"WARNING: {warning}", err=True)
            _write_cidfile(given["cidfile"], container.id)
            code = _run(container, options, forwarding)
        finally:
            if given["rm"]:
                container.remove()
    ctx.exit(code)


def _run(container: Container, options: Options, forwarding: Forwarding) -> int:
    from scow.runtime.runner import Stdio

    return container.run(Stdio(0 if options.interactive else None), started=forwarding.begin)


def _bring(session: Session, image: str, pull: str, platform: str | None, *, quiet: bool) -> None:
    """See that the image is in the store: docker's ``--pull``."""
    if pull != "always" and _is_here(session, image, platform):
        return
    from scow.oci.reference import Reference

    reference = Reference.parse(image)
    if pull == "never":
        raise NotFound(f"No such image: {reference.familiar}")
    if pull == "missing" and not quiet:
        click.echo(f"Unable to find image '{reference.familiar}' locally", err=True)
    from scow.cli.pulling import pull as fetch

    fetch(session, image, platform, quiet=quiet)


def _is_here(session: Session, image: str, platform: str | None) -> bool:
    try:
        known = session.engine.images.find(image)
    except NotFound:
        return False
    if platform is None:
        return True
    from scow.oci.platform import Platform

    return bool(known.image.config.platform.fitness(Platform.parse(platform)))


def _check_cidfile(path: str | None) -> None:
    if path and os.path.lexists(path):
        raise AlreadyExists(f"container ID file found, make sure the other container isn't running or delete {path}")


def _write_cidfile(path: str | None, container_id: str) -> None:
    if not path:
        return
    try:
        with open(path, "x", encoding="ascii") as file:
            file.write(container_id)
    except OSError as error:
        raise Denied(f"failed to create the container ID file: {error.strerror}", subject=path) from None
