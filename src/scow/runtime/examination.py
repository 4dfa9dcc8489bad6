"""What this machine has for each rung and each part of isolation, and what would mend what is missing.

Each look is a function that gives a reason, "" when nothing is missing; the remedies stand beside them.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from scow.content.disk import ANOTHER_ROOT
from scow.runtime import networking
from scow.runtime.kernel import cgroups, idmap
from scow.runtime.probe import REMEDIES, Probe, trial_of_bridges, trial_of_overlay
from scow.runtime.spec import bpf

_SAMPLES = {
    "memory": {"memory": {"limit": 1 << 30}},
    "cpu": {"cpu": {"quota": 100_000}},
    "pids": {"pids": {"limit": 100}},
}


class Finding(msgspec.Struct, frozen=True):
    """One part: ``missing`` says why it is not there ("" when it is), ``fix`` is a command that helps ("" for none)."""

    part: str
    missing: str = ""
    fix: str = ""


def examine(here: Probe, directory: Path) -> tuple[Finding, ...]:
    """Every part, tried where looking is not enough; ``directory`` is the store's."""
    if why := next((reason for reason in here.reasons if reason in REMEDIES), ""):
        return (_finding("containers", why, REMEDIES[why]),)
    no_store = _store(directory)
    return (
        *_rungs(here),
        _finding("the store", no_store, ANOTHER_ROOT),
        _finding(
            "overlayfs",
            "there is no store to try it in" if no_store else trial_of_overlay(directory) or "",
            "none is needed: files are copied, which takes time and space",
        ),
        *_runtimes(here),
        *(_limit(here, name) for name in _SAMPLES),
        _finding("network: a way out, published ports", networking.why_no_outlet(), networking.outlet_fix()),
        _finding("network: names on a user's network", trial_of_bridges() or "", "modprobe -a bridge veth"),
        _finding("seccomp", _seccomp(), ""),
    )


def _finding(part: str, missing: str, fix: str) -> Finding:
    return Finding(part, missing, fix if missing else "")


def _store(directory: Path) -> str:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"{directory}: {(error.strerror or '').lower()}"
    return "" if os.access(directory, os.W_OK | os.X_OK) else f"{directory} may not be written"


def _rungs(here: Probe) -> tuple[Finding, ...]:
    no_root = "" if here.rung == 1 else here.reasons[0] if here.root else "not the machine's root"
    as_root = "docker run --privileged, or a pod with CAP_SYS_ADMIN" if here.root else "sudo scow …"
    no_range = "" if here.rung <= 2 else "root cannot map ids here" if here.root else idmap.why_not()
    no_namespace = "" if here.user_namespaces else "; ".join(reason for reason in here.reasons[-1:])
    no_chroot = "" if here.able else "no CAP_SYS_CHROOT"
    return (
        _finding("rung 1: root, every namespace", no_root, as_root),
        _finding("rung 2: a user namespace with a range of ids", no_range, "" if here.root else _range_fix(no_range)),
        _finding("rung 3: a user namespace with one id", no_namespace, _namespace_fix(no_namespace)),
        _finding("rung 4: a root directory", no_chroot, ""),
    )


def _range_fix(missing: str) -> str:
    if "not installed" in missing:
        return "apt-get install uidmap"
    return f"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {idmap.user_name()}"


def _namespace_fix(missing: str) -> str:
    for name, value in (
        ("user.max_user_namespaces", "15000"),
        ("kernel.unprivileged_userns_clone", "1"),
        ("kernel.apparmor_restrict_unprivileged_userns", "0"),
    ):
        if name in missing or (name.startswith("kernel.apparmor") and "AppArmor" in missing):
            return f"sysctl -w {name}={value}"
    return ""


def _runtimes(here: Probe) -> tuple[Finding, ...]:
    """None is needed; what is there is told, and why it is not taken by itself."""
    known = {runtime.name: runtime.reason for runtime in here.runtimes}
    return tuple(
        _finding(f"OCI runtime {name}", known.get(name, "not installed"), "none is needed: there is the sandbox")
        for name in ("crun", "runc")
    )


def _limit(here: Probe, name: str) -> Finding:
    lacking = cgroups.lacking(_SAMPLES[name], "/scow/doctor", here.rung != 1)
    return _finding(f"limits: {name}", "; ".join(lacking.values()), cgroups.hint(not here.root))


def _seccomp() -> str:
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        return "no /proc"
    if (machine := os.uname().machine) not in bpf.HOSTS:
        return f"no filter is known for {machine}: containers have none"
    return "" if "\nSeccomp:" in text else "this kernel has no seccomp"
