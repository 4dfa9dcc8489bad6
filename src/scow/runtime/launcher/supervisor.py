"""Process 1 of a container's outer pid namespace: mounts, starts, waits, passes signals, cleans up. Light."""

from __future__ import annotations

import os
import select
import stat

from scow.runtime.kernel import cgroups, linux, tasks
from scow.runtime.kernel.beneath import Placed, make_place, open_beneath, read_beneath
from scow.runtime.launcher import chroot, oci_runtime, sandbox
from scow.runtime.launcher.executable import View, find_executable
from scow.runtime.launcher.mounting import mount_rootfs
from scow.runtime.launcher.users import UnknownUser, complete
from scow.runtime.wire import CONTROL, Refused, give, pair, receive, send, send_error, taken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket
    from typing import Any

    from scow.runtime.launcher.sharing import Shared

FORWARDED = (1, 2, 3, 10, 12, 13, 14, 15, 18, 28)  # HUP INT QUIT USR1 USR2 PIPE ALRM TERM CONT WINCH
_SIGKILL, _SIGCHLD = 9, 17
_PATIENCE = 1.0  # seconds: newer kernels let a cgroup go a moment after its last process was waited for


def main(plan: dict[str, Any], shared: Shared | None) -> None:
    """Run the plan, with what is ``shared`` with others; never returns."""
    code = 125
    try:
        linux.prctl(linux.PR_SET_PDEATHSIG, _SIGKILL)
        code = Supervisor(plan, shared).run()
    except Exception as error:
        # The edge of this process: whatever it was goes to the other side as a value.
        send_error(CONTROL, error)
    os._exit(code)


class Supervisor:
    """One container from its plan to its exit code."""

    def __init__(self, plan: dict[str, Any], shared: Shared | None) -> None:
        self.plan, self.shared = plan, shared
        self.spec: dict[str, Any] = plan["spec"]
        self.cgroup: str = self.spec["linux"]["cgroupsPath"]
        self.embedded = plan["runtime"] == "sandbox"
        self.child = 0  # the container's first process
        self.inside: int | None = None  # its mount namespace, where that says what is the container's
        self.cgroups = cgroups.Made([])

    def run(self) -> int:
        """Start the container, keep it, and leave with its exit code."""
        wakeup = tasks.heard((*FORWARDED, _SIGCHLD))
        root = self._root()
        _complete(self.spec, root, one_id=self.plan["rootless"])
        os.umask(0)
        placed = chroot.furnish(self.spec, root) if self.plan["chroot"] else _make_places(self.spec["mounts"], root)
        os.umask(0o022)  # an OCI runtime hands its own on
        try:
            if self.embedded or oci_runtime.without_cgroups(self.plan):
                self.cgroups = cgroups.make(self.spec["linux"]["resources"], self.cgroup, self.plan["delegated"])
            program = find_executable(View(self.spec["root"]["path"], self._mounts()), *_lookup(self.spec["process"]))
            if self.embedded:
                self._start_embedded(program)
            else:
                self._start_oci()
            return self._wait(wakeup)
        finally:
            self._clean_up(placed, root)

    def _root(self) -> int:
        """The root file system, mounted where the spec says (or the tree itself, where nothing can be mounted)."""
        if self.plan["chroot"]:
            chroot.check(self.plan)
            chroot.adopt_orphans()
            self.spec["root"]["path"] = self.plan["rootfs"]["path"]
        else:
            linux.mount(None, "/", None, linux.MS_PRIVATE | linux.MS_REC)
            mount_rootfs(self.plan["rootfs"], self.spec["root"]["path"], self.plan["directory"])
            if self.shared is not None and self.shared.memory is not None:
                linux.move_mount(self.shared.memory, self.plan["shared"]["memory"])
        return os.open(self.spec["root"]["path"], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _mounts(self) -> list[dict[str, Any]]:
        return [] if self.plan["chroot"] else self.spec["mounts"]

    def _clean_up(self, placed: list[Placed], root: int) -> None:
        if self.plan["chroot"]:
            chroot.kill_leftovers()
        elif os.getpid() == 1:
            _end_the_others()
        elif self.inside is not None:
            from scow.runtime.launcher.sharing import end_all

            end_all(self.inside)
        self._leave_cgroups()
        for place in reversed(placed):
            try:  # noqa: SIM105 -- contextlib is not loaded here
                place.remove(root)
            except OSError:
                pass  # the container put something there, or took it away

    def _leave_cgroups(self) -> None:
        if not self.embedded:
            oci_runtime.uncover(self.plan)
        # where none was made at the start, a runtime or `update` may have made some
        left = self.cgroups.directories or cgroups.directories(self.cgroup)
        if cgroups.out_of_memory(left):
            os.close(os.open(f"{self.plan['directory']}/{cgroups.OUT_OF_MEMORY}", os.O_CREAT | os.O_WRONLY, 0o644))
        cgroups.remove(left, _PATIENCE)

    def _start_embedded(self, program: str) -> None:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        ours, theirs = pair() if self.spec["process"]["terminal"] else (None, None)
        shown, show = pair() if self.shared is not None else (None, None)
        if self.shared is not None and self.shared.pid is not None:
            linux.setns(self.shared.pid, linux.CLONE_NEWPID)
        elif not self.plan["chroot"] and {"type": "pid"} in self.spec["linux"]["namespaces"]:
            linux.unshare(linux.CLONE_NEWPID)
        self.child = os.fork()
        if self.child == 0:
            self._be_container(program, writer, theirs, show)
        os.close(writer)
        for fd in (theirs, show):
            if fd is not None:
                os.close(fd)
        if shown is not None:
            self.inside = next(iter(taken(shown)), None)
            os.close(shown)
        error = receive(reader)
        os.close(reader)
        if error is not None:
            os.waitpid(self.child, 0)
            raise Refused(**error)
        self._started(ours)

    def _be_container(self, program: str, report: int, console: int | None, show: int | None) -> None:
        try:
            tasks.unheard()
            self.cgroups.enter()
            sandbox.become(self.plan, program, report, console, show, self.cgroups.directories)
        except Exception as error:
            send(report, Refused.by(error).fields)
        os._exit(125)

    def _start_oci(self) -> None:
        import json

        self.plan["spec"] = self.spec = oci_runtime.adapted(self.plan)
        oci_runtime.prepare(self.plan)
        with open("config.json", "w", encoding="utf-8", errors="surrogateescape") as file:
            json.dump(self.spec, file, ensure_ascii=False)
        listener = _listen() if self.spec["process"]["terminal"] else None
        words = oci_runtime.command(self.plan)
        starter = os.fork()
        if starter == 0:
            self._be_runtime(words)
        _, status = os.waitpid(starter, 0)
        if status:
            raise Refused("Unsupported", oci_runtime.failure(), self.plan["runtime"])
        self.child = oci_runtime.container_pid()  # the starter is gone: the container is ours to wait for
        self._started(listener.accept()[0].detach() if listener else None)

    def _be_runtime(self, words: list[str]) -> None:
        try:
            tasks.unheard()
            self.cgroups.enter()
            os.execve(words[0], words, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})  # noqa: S606
        finally:
            os._exit(125)

    def _started(self, console: int | None) -> None:
        if console is None:
            send(CONTROL, {"started": True})
            return
        fds = taken(console)
        os.close(console)
        send(CONTROL, {"started": True, "console": True})
        give(CONTROL, fds)
        os.close(fds[0])

    def _wait(self, wakeup: int) -> int:
        poll = select.poll()
        for fd in (wakeup, CONTROL):
            poll.register(fd, select.POLLIN)
        status = self._reaped()
        while status is None:
            for fd, _ in poll.poll():
                if fd == wakeup:
                    self._pass_on(os.read(wakeup, 64))
                else:
                    message = receive(CONTROL)
                    self._signal(_SIGKILL if message is None else int(message["signal"]))
                    if message is None:
                        poll.unregister(CONTROL)
            status = self._reaped()
        return tasks.exit_code(status)

    def _pass_on(self, numbers: bytes) -> None:
        for number in numbers:
            if number != _SIGCHLD:
                self._signal(number)

    def _signal(self, number: int) -> None:
        try:  # noqa: SIM105 -- contextlib is not loaded here
            os.kill(self.child, number)
        except ProcessLookupError:
            pass

    def _reaped(self) -> int | None:
        """Collect every dead child; the status of ours once it is among them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return None
            if pid == 0:
                return None
            if pid == self.child:
                return status


def _end_the_others() -> None:
    """A start that was cut short may have left something running, which would be in the way of what is cleaned up."""
    try:
        os.kill(-1, _SIGKILL)  # in this pid namespace, whose first process this is
        while True:
            os.waitpid(-1, 0)
    except (ProcessLookupError, ChildProcessError):
        return


def _complete(spec: dict[str, Any], root: int, *, one_id: bool) -> None:
    """Put in what only the root file system knows: who the user is, and its home."""
    process = spec["process"]
    try:
        complete(process, read_beneath(root, "/etc/passwd"), read_beneath(root, "/etc/group"), one_id=one_id)
    except UnknownUser as error:
        raise Refused("Invalid", str(error)) from None


def _lookup(process: dict[str, Any]) -> tuple[str, str, str]:
    path = next((e[5:] for e in process["env"] if e.startswith("PATH=")), "")
    return process["args"][0], path, process["cwd"]


def _check_kernels_own(root: int) -> None:
    """Refuse a /proc or /sys that is a symlink: through a later mount it leads elsewhere, and what has to be masked and
    read-only below it is then not (CVE-2019-19921, CVE-2023-27561). And such a /dev: crun and runc fill the directory
    of that name outside (CVE-2026-41579)."""
    for path in ("/proc", "/sys", "/dev"):
        try:
            fd = open_beneath(root, path, os.O_PATH | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        directory = stat.S_ISDIR(os.fstat(fd).st_mode)
        os.close(fd)
        if not directory:
            raise Refused("Invalid", "must be a directory, and this image has something else there", path)


def _make_places(mounts: list[dict[str, Any]], root: int) -> list[Placed]:
    """Mount points that the root file system lacks; those inside other mounts are not ours to make."""
    _check_kernels_own(root)
    placed: list[Placed] = []
    outer: list[str] = []
    for mount in mounts:
        place = mount["destination"]
        if any(place.startswith(f"{other}/") for other in outer):
            continue
        outer.append(place)
        placed += make_place(root, place, mount["type"] != "bind" or os.path.isdir(mount["source"]), _mode(mount))
    return placed


def _mode(mount: dict[str, Any]) -> int:
    """A tmpfs shows the mode of the directory under it (runc makes it so), so a new one gets the mode asked for."""
    if mount["type"] != "tmpfs":
        return 0o755
    words = [word[5:] for word in mount["options"] if word.startswith("mode=")]
    return int(words[-1], 8) if words else 0o1777


def _listen() -> socket:
    import socket

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(oci_runtime.CONSOLE)
    listener.listen(1)
    return listener
