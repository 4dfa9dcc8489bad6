"""The flags that ``run`` and ``create`` share: what a container is made of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import msgspec

from scow.cli.containers import environment, mounts, runflags
from scow.cli.containers.keepingflags import keeping, keeping_flags
from scow.cli.containers.limitflags import limit_flags, parsed_size
from scow.cli.containers.networkflags import network_flags
from scow.cli.containers.securityflags import security_flags
from scow.cli.options import option, switch, together
from scow.cli.refused import refused

if TYPE_CHECKING:
    from scow.cli.session import Session
    from scow.engine.containers.container import Container
    from scow.runtime.spec.keeping import Keeping
    from scow.runtime.spec.options import Options

_many = partial(option, multiple=True)
_list = partial(_many, metavar="list")
_string = partial(option, metavar="string")
container_flags = together(
    _list("--add-host", help="Add a host to /etc/hosts (host:ip)"),
    _many("--cap-add", help="Add Linux capabilities"),
    _many("--cap-drop", help="Drop Linux capabilities"),
    _string("--cidfile", help="Write the container ID to the file"),
    _many("--dns", help="Name servers, instead of this machine's"),
    _string("--domainname", help="What follows the host name in its whole name"),
    _string("--entrypoint", help="Instead of the image's ENTRYPOINT; an empty one takes it away"),
    _many("-e", "--env", callback=environment.VARIABLES, help="Set environment variables"),
    _many("--env-file", help="Read environment variables from a file"),
    _string("-h", "--hostname", help="Container host name"),
    switch("--init", help="Run an init in the container that passes signals on and reaps processes"),
    switch("-i", "--interactive", help="Keep standard input open"),
    _many("-l", "--label", callback=environment.LABELS, help="Set a label on the container"),
    _many("--label-file", help="Read labels from a file"),
    _many("--mount", metavar="mount", help="Mount something (type=bind,source=…,target=…)"),
    _string("--name", help="Name the container"),
    _string("--platform", help="Take the image for another platform than this machine's"),
    _string("--pull", type=click.Choice(["always", "missing", "never"]), default="missing",
            help="Pull the image before creating: always, missing or never"),
    switch("-q", "--quiet", help="Do not tell about pulling"),
    switch("--read-only", help="Make the container's root file system read-only"),
    switch("--rm", help="Remove the container when it ends"),
    _string("--runtime", help="What runs the container: crun, runc, sandbox or a path"),
    option("--shm-size", metavar="bytes", callback=parsed_size, help="Size of /dev/shm"),
    _many("--tmpfs", help="Mount a tmpfs (PATH[:size=…,mode=…])"),
    switch("-t", "--tty", help="Give the container a terminal"),
    _many("--ulimit", metavar="ulimit", callback=runflags.ULIMITS, help="Limits of resources (nofile=1024:2048)"),
    _string("-u", "--user", help="User name or id (name|uid[:group|gid])"),
    _many("-v", "--volume", help="Mount a host directory or a volume ([SOURCE:]PATH[:ro])"),
    _list("--volumes-from", help="Mount what these containers have (CONTAINER[:ro])"),
    _string("-w", "--workdir", help="Working directory in the container"),
    keeping_flags,
    security_flags,
    network_flags,
    limit_flags,
    refused(runflags.REFUSED),
)  # fmt: skip


class Wanted(msgspec.Struct, frozen=True):
    """The container that the flags ask for."""

    options: Options
    name: str | None
    labels: Mapping[str, str]
    keeping: Keeping


def wanted(session: Session, command: tuple[str, ...], given: Mapping[str, Any]) -> Wanted:
    """What the flags come to; nothing is made or fetched, so that a wrong one costs nothing."""
    return Wanted(
        runflags.options(given, command, session.environment),
        given["name"] or None,
        environment.labels(given["label"], given["label_file"]),
        keeping(given),
    )


def create(session: Session, image: str, asked: Wanted, *, attached_input: bool) -> Container:
    """Make the container. ``attached_input``: its input ends with whoever starts it."""
    mounts.make_sources(asked.options.mounts)
    return session.engine.containers.create(
        image, asked.options, name=asked.name, labels=asked.labels, keeping=asked.keeping,
        stdin_once=attached_input and asked.options.interactive,
    )  # fmt: skip
