"""What ``run`` reads: docker's flags -> the container's :class:`~scow.runtime.spec.options.Options`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scow.cli.containers import environment, limitflags, mounts, networkflags, securityflags
from scow.cli.options import each
from scow.cli.refused import UNSIGNED, Refused, flag, values
from scow.errors import Invalid
from scow.runtime.spec.options import Options, Ulimit

REFUSED: list[Refused] = [
    flag("--oom-kill-disable"),
    flag("--disable-content-trust", harmless=("true",), why=UNSIGNED),
    flag("--use-api-socket"),
    *values("--cpu-rt-period --cpu-rt-runtime", "0"),
    *values("--memory-swappiness", "-1"),
    *values("--volume-driver", "", "local"),
    *values("--isolation", "", "default"),
    *values("--annotation --device-cgroup-rule --device-read-bps"),
    *values("--device-read-iops --device-write-bps --device-write-iops --blkio-weight-device"),
    *values("--ip6 --kernel-memory --link"),
    *values("--gpus", hint="--device for each of its nodes, and -v for the driver's libraries and programs"),
    *values("--link-local-ip --mac-address --storage-opt"),
]
"""Docker's flags of ``run`` that are told instead of followed."""


def parse_ulimit(text: str) -> Ulimit:
    """``nofile=1024`` or ``nofile=1024:2048``."""
    name, equals, limits = text.partition("=")
    soft, colon, hard = limits.partition(":")
    if not equals or not name:
        raise Invalid(f"invalid ulimit argument: {text}")
    return Ulimit(name, _integer(soft), _integer(hard if colon else soft))


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Invalid(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def options(given: Mapping[str, Any], args: tuple[str, ...], caller: Mapping[str, str]) -> Options:
    """The options of a container. ``caller`` is the environment that bare names take their values from."""
    env = [line for path in given["env_file"] for line in environment.read_env_file(path, caller)]
    asked = [
        *(mounts.volume(text) for text in given["volume"]),
        *(mounts.mount(text) for text in given["mount"]),
        *mounts.tmpfs(given["tmpfs"]),
    ]
    entrypoint = given["entrypoint"]
    return Options(
        args=args,
        entrypoint=None if entrypoint is None else (entrypoint,) if entrypoint else (),
        env=(*env, *environment.taken(given["env"], caller)),
        user=given["user"] or "",
        workdir=given["workdir"] or "",
        hostname=given["hostname"] or "",
        domainname=given["domainname"] or "",
        tty=given["tty"],
        interactive=given["interactive"],
        **networkflags.network_options(given),
        mounts=mounts.distinct(asked),
        volumes_from=given["volumes_from"],
        read_only=given["read_only"],
        cap_add=given["cap_add"],
        cap_drop=given["cap_drop"],
        **securityflags.security_options(given),
        add_host=given["add_host"],
        dns=given["dns"],
        shm_size=given["shm_size"] or Options().shm_size,
        ulimits=given["ulimit"],
        stop_signal=given["stop_signal"] or "",
        limits=limitflags.limits(given),
        best_effort_limits=given["best_effort_limits"],
        init=given["init"],
        oom_score_adj=given["oom_score_adj"],
        cgroup_parent=given["cgroup_parent"],
    )


ULIMITS = each(parse_ulimit)
