"""How crun and runc are called. Light: the launcher loads it."""

from __future__ import annotations

import os

from scow.runtime.kernel import linux
from scow.runtime.wire import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PID_FILE, LOG, CONSOLE, STATE = "pid", "oci.log", "console.sock", "oci"


def prepare(plan: dict[str, Any]) -> None:
    """Make this private mount namespace one the runtime can work in; the bundle becomes the working directory."""
    os.chdir(plan["directory"])
    _remove_tree(STATE)  # of a run before this one
    os.mkdir(STATE, mode=0o700)
    for name in (PID_FILE, LOG, CONSOLE):
        if os.path.lexists(name):
            os.unlink(name)
    try:
        linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    except OSError as error:
        raise Refused("Unsupported", f"needs a /proc of its own: {error.strerror}", plan["runtime"]) from None
    if plan["hybrid"] and _is_crun(plan):
        # crun up to 1.8 refuses to start where v1 and v2 are mounted side by side, even with cgroups disabled.
        linux.unshare(linux.CLONE_NEWCGROUP)  # only the owner of the namespace may mount
        linux.mount("cgroup2", "/sys/fs/cgroup", "cgroup2")


def uncover(plan: dict[str, Any]) -> None:
    """Show the cgroups that :func:`prepare` hid."""
    if plan["hybrid"] and _is_crun(plan):
        try:  # noqa: SIM105 -- contextlib is not loaded here
            linux.umount("/sys/fs/cgroup", linux.MNT_DETACH)
        except OSError:
            pass  # it did not come to that


def _remove_tree(top: str) -> None:
    for directory, directories, files in os.walk(top, topdown=False):
        for name in files:
            os.unlink(f"{directory}/{name}")
        for name in directories:
            os.rmdir(f"{directory}/{name}")
    if os.path.isdir(top):
        os.rmdir(top)


def command(plan: dict[str, Any]) -> list[str]:
    """The words that start the bundle and return, leaving the container to its reaper."""
    words = [plan["runtime"], "--root", STATE, "--log", LOG, "--log-format", "json"]
    if _is_crun(plan) and without_cgroups(plan):
        words.append("--cgroup-manager=disabled")
    words += ["run", "--detach", "--bundle", ".", "--pid-file", PID_FILE]
    if plan["spec"]["process"]["terminal"]:
        words += ["--console-socket", CONSOLE]
    return [*words, plan["id"]]


def without_cgroups(plan: dict[str, Any]) -> bool:
    """Whether the runtime is kept from making cgroups: limits are then set as for the sandbox."""
    return bool(plan["user_namespace"] or (plan["hybrid"] and _is_crun(plan)))


def adapted(plan: dict[str, Any]) -> dict[str, Any]:
    """The spec as this runtime takes it."""
    spec = dict(plan["spec"])
    if plan["rootless"] and spec["process"]["user"] != {"uid": 0, "gid": 0}:
        raise Refused("Unsupported", "cannot show another user with a single id", plan["runtime"], "use the sandbox")
    if not any(namespace["type"] == "uts" for namespace in spec["linux"]["namespaces"]):
        del spec["hostname"]  # it is this machine's, and runc refuses to name that
    if without_cgroups(plan):
        spec["linux"] = {k: v for k, v in spec["linux"].items() if k not in ("cgroupsPath", "resources")}
        spec["mounts"] = [_without_nodes(m) for m in spec["mounts"] if m["type"] != "cgroup"]
        spec["process"] = {**spec["process"], "capabilities": without_mknod(spec["process"]["capabilities"])}
        spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "cgroup"]
    return spec


def _without_nodes(mount: dict[str, Any]) -> dict[str, Any]:
    """Nor may those work that an image brought into its volumes."""
    return {**mount, "options": [*mount["options"], "nodev"]} if mount["type"] == "bind" else mount


def without_mknod(held: dict[str, list[str]]) -> dict[str, list[str]]:
    """No cgroups, no device cgroup: then nodes must not be made at all, by nobody in the container."""
    return {kind: [name for name in names if name != "CAP_MKNOD"] for kind, names in held.items()}


def container_pid() -> int:
    """What the runtime wrote once the program had been started."""
    try:
        with open(PID_FILE) as file:
            return int(file.read())
    except (OSError, ValueError):
        raise Refused("Unsupported", "the runtime wrote no process id") from None


def failure() -> str:
    """The last error of the runtime's log."""
    import json

    told = "could not start the container"
    try:
        with open(LOG, encoding="utf-8", errors="replace") as file:
            lines = file.read(1 << 20).splitlines()
    except OSError:
        return told
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") in ("error", "fatal"):
            told = str(entry.get("msg", told))
    return told


def _is_crun(plan: dict[str, Any]) -> bool:
    return str(plan["runtime"]).rpartition("/")[2].startswith("crun")
