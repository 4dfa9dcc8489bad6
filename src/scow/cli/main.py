"""The command line: the table of verbs, and what is the same for all of them."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from scow.cli.failing import FAILURE, INTERRUPTED, UNREAD, drop_output, exit_code, told
from scow.cli.lazy import Lazy, LazyGroup, help_command
from scow.cli.options import option
from scow.cli.refused import NO_DAEMON, flag, refused, values
from scow.cli.session import Session
from scow.errors import ScowError, printable

_IMAGES = "Images"
_REGISTRIES = "Registries"
_CONTAINERS = "Containers"
_STORE = "The store"

VERBS = {
    "build": Lazy("scow.cli.builds.build:build", "Build an image from a Dockerfile", _IMAGES),
    "images": Lazy("scow.cli.images.verbs:images", "List images", _IMAGES),
    "advise": Lazy("scow.cli.sizes.advise:advise", "Say what would make an image smaller", _IMAGES),
    "lint": Lazy("scow.cli.linting.lint:lint", "Look for mistakes in Dockerfiles", _IMAGES),
    "history": Lazy("scow.cli.images.verbs:history", "Show the history of an image", _IMAGES),
    "inspect": Lazy("scow.cli.inspecting:inspect", "Show all that is known of images or containers", _IMAGES),
    "analyze": Lazy(
        "scow.cli.sizes.analyze:analyze", "Show where an image's bytes went, and which are wasted", _IMAGES
    ),
    "explore": Lazy(
        "scow.cli.sizes.exploring:explore", "Walk through an image's layers and files on the full screen", _IMAGES
    ),
    "slim": Lazy("scow.cli.sizes.shrinking:slim", "Make a minimal image from what a test opens", _IMAGES),
    "squash": Lazy("scow.cli.sizes.shrinking:squash", "Merge an image's layers above its base into one", _IMAGES),
    "scan": Lazy("scow.cli.scans.scanning:scan", "Show what is known to be wrong with an image", _IMAGES),
    "sbom": Lazy("scow.cli.scans.sbom:sbom", "List the packages in an image, as a bill of materials", _IMAGES),
    "tag": Lazy("scow.cli.images.verbs:tag", "Give an image one more name", _IMAGES),
    "rmi": Lazy("scow.cli.images.verbs:rmi", "Remove images", _IMAGES),
    "save": Lazy("scow.cli.images.archives:save", "Save images to a tar archive", _IMAGES),
    "load": Lazy("scow.cli.images.archives:load", "Load images from a tar archive", _IMAGES),
    "import": Lazy("scow.cli.images.archives:import_", "Make an image from a tar of a file system", _IMAGES),
    "image": Lazy("scow.cli.groups:image", "Manage images", _IMAGES, group=True),
    "pull": Lazy("scow.cli.registries.verbs:pull", "Download an image from a registry", _REGISTRIES),
    "push": Lazy("scow.cli.registries.verbs:push", "Upload an image to a registry", _REGISTRIES),
    "copy": Lazy("scow.cli.registries.copying:copy", "Copy an image from one place to another", _REGISTRIES),
    "sync": Lazy("scow.cli.registries.copying:sync", "Copy many images below one place", _REGISTRIES),
    "tags": Lazy("scow.cli.registries.remote:tags", "List the tags of a repository at its registry", _REGISTRIES),
    "digest": Lazy("scow.cli.registries.remote:digest", "Show what a name means at its registry now", _REGISTRIES),
    "delete": Lazy("scow.cli.registries.remote:delete", "Delete a tag or manifest at its registry", _REGISTRIES),
    "manifest": Lazy("scow.cli.groups:manifest", "Make and push indexes by hand", _REGISTRIES, group=True),
    "referrers": Lazy(
        "scow.cli.images.artifacts:referrers", "List what refers to an image at its registry", _REGISTRIES
    ),
    "login": Lazy("scow.cli.registries.logins:login", "Log in to a registry", _REGISTRIES),
    "logout": Lazy("scow.cli.registries.logins:logout", "Log out of a registry", _REGISTRIES),
    "registry": Lazy("scow.cli.groups:registry", "A small registry of your own", _REGISTRIES, group=True),
    "run": Lazy("scow.cli.containers.run:run", "Run a program in a new container", _CONTAINERS),
    "create": Lazy("scow.cli.containers.creating:create_", "Make a container without starting it", _CONTAINERS),
    "start": Lazy("scow.cli.containers.starting:start", "Start containers", _CONTAINERS),
    "attach": Lazy("scow.cli.containers.starting:attach", "Join the streams of a container that runs", _CONTAINERS),
    "exec": Lazy("scow.cli.containers.executing:exec_", "Run a program in a container that runs", _CONTAINERS),
    "logs": Lazy("scow.cli.containers.logs:logs", "Show what a container wrote", _CONTAINERS),
    "stop": Lazy("scow.cli.containers.stopping:stop", "Stop containers", _CONTAINERS),
    "kill": Lazy("scow.cli.containers.stopping:kill", "Send containers a signal", _CONTAINERS),
    "restart": Lazy("scow.cli.containers.stopping:restart", "Stop containers and start them", _CONTAINERS),
    "wait": Lazy(
        "scow.cli.containers.stopping:wait", "Wait for the end of containers, and print their exit codes", _CONTAINERS
    ),
    "pause": Lazy("scow.cli.containers.pausing:pause", "Hold the processes of containers", _CONTAINERS),
    "unpause": Lazy("scow.cli.containers.pausing:unpause", "Let paused containers go on", _CONTAINERS),
    "cp": Lazy("scow.cli.containers.carrying:cp", "Copy files between a container and this machine", _CONTAINERS),
    "diff": Lazy("scow.cli.containers.committing:diff", "List what a container changed of its image", _CONTAINERS),
    "commit": Lazy("scow.cli.containers.committing:commit", "Make an image of what a container is now", _CONTAINERS),
    "top": Lazy("scow.cli.containers.tops:top", "Show the processes of a container", _CONTAINERS),
    "stats": Lazy("scow.cli.containers.stats:stats", "Show what containers use", _CONTAINERS),
    "update": Lazy("scow.cli.containers.updating:update", "Change how containers are kept", _CONTAINERS),
    "rename": Lazy("scow.cli.containers.stopping:rename", "Give a container another name", _CONTAINERS),
    "ps": Lazy("scow.cli.containers.ps:ps", "List containers", _CONTAINERS),
    "rm": Lazy("scow.cli.containers.removing:rm", "Remove containers", _CONTAINERS),
    "export": Lazy("scow.cli.images.archives:export", "Export a container's file system as a tar archive", _CONTAINERS),
    "port": Lazy("scow.cli.containers.ports:port", "Show the published ports of a container", _CONTAINERS),
    "container": Lazy("scow.cli.groups:container", "Manage containers", _CONTAINERS, group=True),
    "volume": Lazy("scow.cli.groups:volume", "Manage volumes", _CONTAINERS, group=True),
    "db": Lazy("scow.cli.groups:db", "Manage the advisory database that scan uses", _STORE, group=True),
    "network": Lazy("scow.cli.groups:network", "Manage networks", _CONTAINERS, group=True),
    "system": Lazy("scow.cli.groups:system", "Manage the store", _STORE, group=True),
    "builder": Lazy("scow.cli.groups:builder", "Manage the build cache", _STORE, group=True),
    "buildx": Lazy("scow.cli.groups:buildx", "Build, as docker buildx has it", _STORE, hidden=True, group=True),
    "info": Lazy("scow.cli.system.verbs:info", "Show what this machine and store can do", _STORE),
    "doctor": Lazy(
        "scow.cli.system.doctor:doctor", "Show what isolation this machine allows, and how to get more", _STORE
    ),
    "version": Lazy("scow.cli.system.verbs:version", "Show the version", _STORE),
    "completion": Lazy("scow.cli.completion:completion", "Print a completion script for your shell", _STORE),
}


_OF_A_DAEMON = [
    flag("-D --debug", why=NO_DAEMON),
    flag("--tls", why=NO_DAEMON),
    flag("--tlsverify", why=NO_DAEMON),
    *values("-H/--host -c/--context -l/--log-level --tlscacert --tlscert --tlskey", why=NO_DAEMON),
]


_PROCESSES = "processes or threads (ulimit -u, or the pids limit of the container that it is in)"
_SCARCE: Mapping[object, str] = {
    errno.EAGAIN: _PROCESSES, RuntimeError: _PROCESSES, errno.ENOMEM: "memory", MemoryError: "memory",
    errno.EMFILE: "open files (ulimit -n)", errno.ENFILE: "open files (ulimit -n)",
}  # fmt: skip


def _print_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from scow import __version__

        click.echo(f"scow version {__version__}")
        context.exit()


@click.group(
    cls=LazyGroup,
    name="scow",
    lazy_subcommands=VERBS,
    help="Everything people do with container images, without Docker: no daemon, no root.",
)
@option("--root", metavar="DIR", help="Where the store is (default: $SCOW_ROOT)")
@option(
    "--runtime", metavar="NAME", help="What runs containers: crun, runc, sandbox or a path (default: $SCOW_RUNTIME)"
)
@option("--config", metavar="DIR", help="Where docker's config.json with logins is (default: $DOCKER_CONFIG)")
@option("--insecure-registry", metavar="HOST", multiple=True, help="A registry that may speak plain HTTP")
@option(
    "--version",
    "-v",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version and leave",
)
@refused(_OF_A_DAEMON)
@click.pass_context
def scow(
    context: click.Context,
    root: str | None,
    runtime: str | None,
    config: str | None,
    insecure_registry: tuple[str, ...],
) -> None:
    """The root of all verbs."""
    context.obj = Session(root, runtime, insecure_registry, own_process=bool(context.obj))
    if config:
        context.obj.environment["DOCKER_CONFIG"] = config


scow.add_command(help_command)


def main(argv: list[str] | None = None, *, own_process: bool = False) -> None:
    """Run the command line and leave with its exit code; ``own_process``: nothing else runs in this process."""
    arguments = sys.argv[1:] if argv is None else argv
    sys.setswitchinterval(0.001)  # the stages of a pull hand work to each other often
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding != "utf-8":
        sys.stdout.reconfigure(errors="replace")  # the lines of a tree are in few of the old character sets
    try:
        scow.main(arguments, prog_name="scow", standalone_mode=True, obj=own_process)
    except ScowError as error:
        flush()
        click.echo(told(error), err=True)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        flush()
        sys.exit(INTERRUPTED)
    except (OSError, MemoryError, RuntimeError) as error:
        _leave_scarce(error)
        _leave_nowhere(error)
        _leave_refused(error)


def _leave_scarce(error: Exception) -> None:
    """When this process is given no more of something, say of what."""
    short = _SCARCE.get(getattr(error, "errno", 0) or type(error))
    if short is None or (isinstance(error, RuntimeError) and "new thread" not in str(error)):
        return
    flush()
    click.echo(f"scow: this process is given no more {short}", err=True)
    sys.exit(FAILURE)


def _leave_nowhere(error: Exception) -> None:
    """When a relative path means nothing any more."""
    if isinstance(error, FileNotFoundError) and not os.stat(os.curdir).st_nlink:
        click.echo("scow: the current directory is gone\nhint: cd to one that is there", err=True)
        sys.exit(FAILURE)


def _leave_refused(error: Exception) -> NoReturn:
    """Standard output took no more, as its reader has left or its disk is full; or a disk or the kernel refused what
    nobody reckons with. Anything else is a fault of ours."""
    if not isinstance(error, OSError) or not error.errno:
        raise error
    drop_output()
    if error.errno == errno.EPIPE:
        sys.exit(UNREAD)
    unwritten = "write /dev/stdout" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    place = printable(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else unwritten
    click.echo(f"scow: {place}{': ' if place else ''}{os.strerror(error.errno).lower()}", err=True)
    sys.exit(FAILURE)


def flush() -> None:
    """Write out what is left; whoever reads it may be gone."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
