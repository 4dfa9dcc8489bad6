"""Starting a bundle: choose what runs it, start a launcher, and stay in touch with it."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import msgspec

from scow.errors import Unsupported
from scow.layer.rootfs import Directory, Rootfs
from scow.runtime import wire
from scow.runtime.bundle import Bundle, Shared
from scow.runtime.child import Stdio, began
from scow.runtime.kernel import cgroups, tasks
from scow.runtime.probe import Probe, probe
from scow.runtime.spawn import start
from scow.runtime.spec.document import SHM

SANDBOX = "sandbox"

_PATIENCE = 2.0  # seconds
_KILLED = 137


class Choice(msgspec.Struct, frozen=True):
    """What runs containers: ``name`` sandbox, crun, runc, or that of another program."""

    name: str
    path: str


def choose(here: Probe, asked: str | None = None) -> Choice:
    """The embedded sandbox, which is the same for every user on every machine; or the one that was asked for.

    Raises :class:`Unsupported` when that is not here, or no container can be made at all.
    """
    here.require()
    if asked is None or asked == SANDBOX:
        return Choice(SANDBOX, SANDBOX)
    if here.rung == 4:
        raise Unsupported("needs namespaces, which cannot be made here", subject=f"runtime {asked}")
    for runtime in here.runtimes:
        if asked in (runtime.name, runtime.path):
            return Choice(runtime.name, runtime.path)
    if asked.startswith("/") and os.access(asked, os.X_OK):
        return Choice(asked.rpartition("/")[2], asked)
    raise Unsupported("is not installed here", subject=f"runtime {asked}", hint="crun, runc or sandbox")


class Running:
    """A container that was started. Not shared between threads, except :meth:`signal`."""

    def __init__(self, cgroup: str, launcher: int, control: int, stdio: Stdio, console: int | None) -> None:
        self._cgroup = cgroup
        self._launcher, self._stdio, self._console = launcher, stdio, console
        self._control: int | None = control
        self._code: int | None = None

    @property
    def pid(self) -> int:
        """The container's first process as the host counts; 0 when it is gone."""
        return tasks.first_process(self._launcher)

    @property
    def launcher(self) -> int:
        """The process above it: when that is killed, nothing of the container is left."""
        return self._launcher

    def wait(self) -> int:
        """Its exit code, or 128 + the signal that ended it; copies its terminal meanwhile, when it has one."""
        if self._code is None:
            if self._console is not None:
                from scow.runtime import terminal

                terminal.copy(self._console, self._stdio.stdin, self._stdio.stdout)
            _, status = os.waitpid(self._launcher, 0)
            self._code = tasks.exit_code(status)
            self._close()
            if self._code == _KILLED:
                # The launcher or its child may have been: nobody else does it, and the kernel may still end processes.
                cgroups.remove(cgroups.directories(self._cgroup), _PATIENCE)
        return self._code

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it is gone."""
        if self._control is not None:
            with contextlib.suppress(OSError):
                wire.send(self._control, {"signal": number})

    def kill(self) -> None:
        """End it with everything it started, whatever state it is in."""
        if self._code is None:
            self._hang_up()  # the supervisor takes the end of the line for our death
            self.wait()

    def _hang_up(self) -> None:
        control, self._control = self._control, None  # first: another thread may be about to signal
        if control is not None:
            os.close(control)

    def _close(self) -> None:
        self._hang_up()
        if self._console is not None:
            os.close(self._console)
            self._console = None


class Runner:
    """Starts bundles on this machine; ``runtime`` is sandbox (as None is), crun, runc, or a path to one."""

    def __init__(self, runtime: str | None = None, here: Probe | None = None) -> None:
        self.probe = here or probe()
        self.choice = choose(self.probe, runtime)

    @property
    def without_devices(self) -> bool:
        """Whether only the want of CAP_MKNOD keeps it from devices: :mod:`scow.runtime.launcher.oci_runtime`."""
        if self.choice.name == SANDBOX:
            return False
        from scow.runtime.launcher.oci_runtime import without_cgroups

        return without_cgroups(self._machine())

    def start(self, bundle: Bundle, stdio: Stdio | None = None, kept: int | None = None) -> Running:
        """Start it and return once its program runs. ``kept`` is a descriptor that stays open until nothing is left.

        Raises :class:`scow.errors.Process` with docker's 126 or 127 when the program cannot be run, and what else the
        launcher met (Invalid, Denied, Unsupported, …).
        """
        stdio = stdio or Stdio()
        launcher, control = start("launch", self.plan(bundle), (stdio.stdin, stdio.stdout, stdio.stderr), kept)
        console = began(launcher, control)
        return Running(str(bundle.spec["linux"]["cgroupsPath"]), launcher, control, stdio, console)

    def plan(self, bundle: Bundle) -> dict[str, Any]:
        """What a launcher is told, in plain values."""
        return {
            "directory": str(bundle.directory.absolute()),
            "id": bundle.id,
            "rootfs": _plain(bundle.rootfs),
            "spec": bundle.spec,
            **self._machine(),
            "rootless": self.probe.rootless,
            "chroot": self.probe.rung == 4,
            "delegated": self.probe.rung != 1,
            "uid_map": [[0, os.geteuid(), 1]],
            "gid_map": [[0, os.getegid(), 1]],
            "network": self._network(bundle),
            "shared": self._shared(bundle),
        }

    def _machine(self) -> dict[str, Any]:
        """What decides whether an OCI runtime can make cgroups."""
        return {
            "runtime": self.choice.path,
            "user_namespace": self.probe.user_namespace,
            "hybrid": self.probe.cgroups == "hybrid",
        }

    def _network(self, bundle: Bundle) -> dict[str, Any] | None:
        if bundle.network is None:
            return None
        if self.probe.rung == 4:
            raise Unsupported("needs CAP_SYS_ADMIN or user namespaces", subject="network", hint="--network host")
        from scow.runtime.networking import told

        return told(bundle.network, self.probe.rootless)

    def _shared(self, bundle: Bundle) -> dict[str, Any] | None:
        """What is not the container's own, and needs more than to be left as it is."""
        shared = bundle.shared
        if shared is None or (self.probe.rung == 4 and shared == Shared("host")):  # there it is so for everybody
            return None
        if self.probe.rung == 4:
            raise Unsupported("needs CAP_SYS_ADMIN or user namespaces", subject="--ipc" if shared.ipc else "--pid")
        if shared.pid and self.choice.name != SANDBOX:
            raise Unsupported("is for the embedded sandbox", subject="--pid", hint="leave --runtime out")
        return {**msgspec.to_builtins(shared), "memory": str(bundle.directory.absolute() / SHM)}


def _plain(rootfs: Rootfs) -> dict[str, Any]:
    if isinstance(rootfs, Directory):
        return {"path": str(rootfs.path.absolute())}
    return {
        "lower": [str(path.absolute()) for path in rootfs.lower],
        "upper": str(rootfs.upper.absolute()),
        "work": str(rootfs.work.absolute()),
        "fleeting": rootfs.fleeting,
    }
