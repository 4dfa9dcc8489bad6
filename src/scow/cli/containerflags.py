"""The flags that ``run`` and ``create`` share: what a container is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scow.cli import environment, runflags
from scow.cli.keepingflags import keeping, keeping_flags
from scow.cli.limitflags import limit_flags
from scow.cli.networkflags import network_flags
from scow.cli.options import Option, Switch
from scow.cli.refused import refused
from scow.cli.securityflags import security_flags

if TYPE_CHECKING:
    from scow.cli.session import Session
    from scow.engine.container import Container

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

_MANY: dict[str, Any] = {"multiple": True}
_TEXT: dict[str, Any] = {"metavar": "string"}
_FLAGS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("--add-host", {"multiple": True, "metavar": "list"}, "Add a host to /etc/hosts (host:ip)"),
    ("--cap-add", _MANY, "Add Linux capabilities"),
    ("--cap-drop", _MANY, "Drop Linux capabilities"),
    ("--cidfile", _TEXT, "Write the container ID to the file"),
    ("--dns", _MANY, "Name servers, instead of this machine's"),
    ("--entrypoint", _TEXT, "Instead of the image's ENTRYPOINT; an empty one takes it away"),
    ("-e --env", {"multiple": True, "callback": environment.VARIABLES}, "Set environment variables"),
    ("--env-file", _MANY, "Read environment variables from a file"),
    ("-h --hostname", _TEXT, "Container host name"),
    ("-l --label", _MANY, "Set a label on the container"),
    ("--label-file", _MANY, "Read labels from a file"),
    ("--mount", {"multiple": True, "metavar": "mount"}, "Mount something (type=bind,source=…,target=…)"),
    ("--name", _TEXT, "Name the container"),
    ("--platform", _TEXT, "Take the image for another platform than this machine's"),
    (
        "--pull",
        {"type": click.Choice(["always", "missing", "never"]), "default": "missing", "metavar": "string"},
        "Pull the image before creating: always, missing or never",
    ),
    ("--runtime", _TEXT, "What runs the container: crun, runc, sandbox or a path"),
    ("--shm-size", {"metavar": "bytes", "callback": runflags.SIZE}, "Size of /dev/shm"),
    ("--tmpfs", _MANY, "Mount a tmpfs (PATH[:size=…,mode=…])"),
    (
        "--ulimit",
        {"multiple": True, "metavar": "ulimit", "callback": runflags.ULIMITS},
        "Limits of resources (nofile=1024:2048)",
    ),
    ("-u --user", _TEXT, "User name or id (name|uid[:group|gid])"),
    ("-v --volume", _MANY, "Mount a host directory or a volume ([SOURCE:]PATH[:ro])"),
    ("--volumes-from", {"multiple": True, "metavar": "list"}, "Mount what these containers have (CONTAINER[:ro])"),
    ("-w --workdir", _TEXT, "Working directory in the container"),
)
_SWITCHES = (
    ("--init", "Run an init in the container that passes signals on and reaps processes"),
    ("-i --interactive", "Keep standard input open"),
    ("-q --quiet", "Do not tell about pulling"),
    ("--read-only", "Make the container's root file system read-only"),
    ("--rm", "Remove the container when it ends"),
    ("-t --tty", "Give the container a terminal"),
)


def container_flags(function: _Decorated) -> _Decorated:
    """Declare them all on a command."""
    function = keeping_flags(security_flags(network_flags(limit_flags(refused(runflags.REFUSED)(function)))))
    for names, told in _SWITCHES:
        function = click.option(*names.split(), cls=Switch, help=told)(function)
    for names, settings, told in _FLAGS:
        function = click.option(*names.split(), cls=Option, help=told, **settings)(function)
    return function


def create(
    session: Session, image: str, command: tuple[str, ...], given: Mapping[str, Any], *, attached_input: bool
) -> Container:
    """Make the container that the flags ask for. ``attached_input``: its input ends with whoever starts it."""
    containers = session.engine.containers
    return containers.create(
        image,
        runflags.options(given, command, session.environment),
        name=given["name"],
        labels=environment.labels(given["label"], given["label_file"]),
        keeping=keeping(given),
        stdin_once=attached_input and given["interactive"],
    )
