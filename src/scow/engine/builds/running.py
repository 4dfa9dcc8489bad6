"""Running a build's step: its rootfs and process handed to the runtime.

A step's cgroup is named after the directory that the build works in, whose lock says whether the build is still there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

from scow.build.execute import RunRequest
from scow.build.ops import Surroundings
from scow.errors import Unsupported
from scow.layer.rootfs import fleeting
from scow.oci.config import Process
from scow.runtime.bundle import make_bundle
from scow.runtime.child import Stdio
from scow.runtime.kernel import cgroups
from scow.runtime.runner import Runner, Running
from scow.runtime.spec import etc, limits
from scow.runtime.spec.document import rlimit
from scow.runtime.spec.options import Mount, Options, Ulimit

#: What a build's network may be called → what it is here (there is no bridge: the default is the host's network).
_NETWORKS: Final[Mapping[str, Literal["host", "none"]]] = {"default": "host", "host": "host", "none": "none"}
#: as with BuildKit: /etc/hostname is the image's, and nothing is written to the others that would be lost
_GENERATED: Final = (("hosts", "ro"), ("resolv.conf", "ro"))


def check(network: str, around: Surroundings) -> None:
    """Raise for what no step could be given, before any is run."""
    if network not in _NETWORKS:
        raise Unsupported(f"network mode {network!r} is not supported for builds", hint="default, host or none")
    etc.hosts("", tuple(host for host in around.hosts if not host.endswith(":host-gateway")))
    for limit in around.ulimits:
        rlimit(Ulimit(limit.name, limit.soft, limit.hard))


def started(runtime: str | None, request: RunRequest) -> Running:
    """Start a build step's program with ``runtime`` (or the sandbox)."""
    op = request.op
    runner = Runner(runtime)
    process = Process(env=op.env, cmd=op.argv, user=op.user, working_dir=op.cwd)
    mounted, around = request.mounted, op.around
    named = any(one.startswith("HOSTNAME=") for one in (*op.env, *op.hidden))
    options = Options(
        env=(*op.hidden, *mounted.hidden, *(() if named else ("HOSTNAME",))),  # a RUN is not told it, as with BuildKit
        network=_NETWORKS[op.network],
        hostname=around.hostname or ("scow" if runner.probe.rung < 4 else ""),
        mounts=tuple(Mount(one.kind, one.source, one.target, one.read_only, one.options) for one in mounted.mounts),
        cap_add=("ALL",) if op.insecure else (),
        add_host=around.hosts,
        etc=_GENERATED,
        shm_size=Options().shm_size if around.shm_size is None else around.shm_size,
        ulimits=tuple(Ulimit(one.name, one.soft, one.hard) for one in around.ulimits),
    )
    identity = f"{request.directory.parent.name}-{request.directory.name}-{os.urandom(4).hex()}"
    directory = mounted.private or request.directory  # a bundle holds the variables of its process
    bundle = make_bundle(directory / "bundle", identity, fleeting(request.rootfs), process, options, runner.probe)
    return runner.start(bundle, Stdio(None, request.output, request.output))


def sweep(left: Iterable[Path]) -> None:
    """Take away the cgroups of builds that were killed with all their processes; ``left`` are their directories."""
    for directory in left:
        cgroups.remove(cgroups.beginning(limits.path("", f"{directory.name}-")))
