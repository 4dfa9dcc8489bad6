"""Starting one more program in a container that runs: its namespaces are joined, whatever runs it. Light.

::

    whoever asks ── joiner ── the program (in the container's namespaces)

The joiner enters only the user and pid namespaces, so that its child is born into them; the child enters the rest, is
given what the container has, and no more, and becomes the program. Nothing of the outside is open by then, nothing is
imported from the container's files, and the interpreter cannot be written to (:mod:`scow.runtime.spawn`).
"""

from __future__ import annotations

import os
import select
import sys

from scow.runtime.kernel import cgroups, linux, tasks
from scow.runtime.kernel.beneath import read_beneath
from scow.runtime.launcher import sandbox
from scow.runtime.launcher.executable import View, find_executable
from scow.runtime.launcher.users import UnknownUser, complete
from scow.runtime.wire import CONTROL, Refused, give, pair, receive, send, send_error, taken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_KINDS = {
    "cgroup": linux.CLONE_NEWCGROUP, "ipc": linux.CLONE_NEWIPC, "uts": linux.CLONE_NEWUTS, "net": linux.CLONE_NEWNET,
    "mnt": linux.CLONE_NEWNS,
}  # fmt: skip
_PROC = [{"destination": "/proc", "type": "proc"}]  # nothing is started from there: /proc/self/exe is this program
_FORWARDED = (1, 2, 3, 10, 12, 14, 15, 18)
_SIGKILL, _SIGCHLD = 9, 17
_CHUNK = 64 * 1024


def main(plan: dict[str, Any]) -> NoReturn:
    """Run the plan in a session of its own, and exit as the program did; its streams are this process's."""
    try:
        code = _Joiner(plan).run()
    except Exception as error:
        code = 125
        send_error(CONTROL, error)
    os._exit(code)


class _Joiner:
    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.process: dict[str, Any] = plan["process"]
        self.place = Place(plan["pid"], plan["born"], chroot=plan["chroot"])
        self.child = 0
        self.console: int | None = None

    def run(self) -> int:
        """Start it, stay with it, and leave with its exit code."""
        _enter_cgroups(self.plan["pid"], self.plan["id"])
        set_limits = sandbox.limits(self.process.get("rlimits", ()))
        reader, writer = os.pipe2(os.O_CLOEXEC)
        ours, theirs = pair() if self.process["terminal"] else (None, None)
        wakeup = tasks.heard((*_FORWARDED, _SIGCHLD))
        self.place.enter_first()
        self.child = os.fork()
        if self.child == 0:
            self._become(writer, theirs, set_limits)
        os.close(writer)
        self.place.close()
        if ours is not None and theirs is not None:
            os.close(theirs)
            self.console = next(iter(taken(ours)), None)  # none when the child ended before it had one
            os.close(ours)
        error = receive(reader)
        if error is not None:
            os.waitpid(self.child, 0)
            raise Refused(**error)
        self._started()
        return self._wait(wakeup)

    def _started(self) -> None:
        if self.console is None:
            send(CONTROL, {"started": True})
            return
        send(CONTROL, {"started": True, "console": True})
        give(CONTROL, [self.console])

    def _become(self, report: int, console: int | None, set_limits: Any) -> NoReturn:
        try:
            tasks.unheard()
            os.setsid()
            os.umask(0o022)
            linux.seal()
            self.place.enter_rest()
            executable = self._complete(console)
            set_limits()
            sandbox.close_all_but(report)
            _working_directory(self.process["cwd"])
            sandbox.identity(self.plan["spec"], self.plan["rootless"], admin=not self.plan["chroot"])
            sandbox.execute(executable, self.process)
        except Exception as error:
            send(report, Refused.by(error).fields)
        os._exit(125)

    def _complete(self, console: int | None) -> str:
        """What only the container's own files tell; the file to execute."""
        root = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        process = self.process
        try:
            complete(process, read_beneath(root, "/etc/passwd"), read_beneath(root, "/etc/group"))
        except UnknownUser as error:
            raise Refused("Process", str(error), exit_code=126) from None
        if console is not None:
            sandbox.open_terminal(root, console, process.get("consoleSize"))
        path = next((e[5:] for e in process["env"] if e.startswith("PATH=")), "")
        return find_executable(View("", _PROC), process["args"][0], path, process["cwd"])

    def _wait(self, wakeup: int) -> int:
        poll = select.poll()
        for fd in (wakeup, CONTROL):
            poll.register(fd, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == wakeup:
                    for number in os.read(wakeup, 64):
                        if number != _SIGCHLD:
                            self._signal(number)
                elif fd == self.console:
                    if not _discarded(fd):
                        poll.unregister(fd)
                else:
                    self._heard(receive(CONTROL), poll)
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                return tasks.exit_code(status)

    def _heard(self, message: dict[str, Any] | None, poll: select.poll) -> None:
        if message is not None:
            self._signal(int(message["signal"]))
            return
        poll.unregister(CONTROL)
        if self.plan["ends_with_us"]:
            self._end()
        elif self.console is not None:  # nobody reads it any more: the program goes on
            poll.register(self.console, select.POLLIN)

    def _end(self) -> None:
        """The program, and what it started and did not let go of."""
        try:  # noqa: SIM105 -- contextlib is not loaded here
            os.killpg(self.child, _SIGKILL)
        except ProcessLookupError:
            pass

    def _signal(self, number: int) -> None:
        try:  # noqa: SIM105 -- contextlib is not loaded here
            os.kill(self.child, number)
        except ProcessLookupError:
            pass


class Place:
    """Where a container is: its namespaces, held open from the moment that its first process was looked at."""

    def __init__(self, pid: int, born: int, *, chroot: bool) -> None:
        try:
            self.root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_CLOEXEC) if chroot else None
            self.pid = None if chroot else _other(pid, "pid")
            self.rest = [] if chroot else [(kind, _other(pid, kind)) for kind in _KINDS]
        except FileNotFoundError:
            raise _gone() from None
        self.user = None if chroot else self._owner()
        if tasks.born(pid) != born:
            raise _gone()

    def _owner(self) -> int | None:
        """The user namespace that the mount namespace belongs to, when it is not ours."""
        mounts = dict(self.rest)["mnt"]
        if mounts is None:
            return None
        try:
            fd = linux.owner(mounts)
        except PermissionError:
            return None  # it is above ours
        if os.fstat(fd).st_ino == os.stat("/proc/self/ns/user").st_ino:
            os.close(fd)
            return None
        return fd

    def enter_first(self) -> None:
        """What decides where a child is born, and what it may do there."""
        if self.user is not None:
            linux.setns(self.user, linux.CLONE_NEWUSER)
        if self.pid is not None:
            linux.setns(self.pid, linux.CLONE_NEWPID)

    def enter_rest(self) -> None:
        """Everything else; the root directory is the container's then, and nothing is imported any more."""
        sys.meta_path.clear()
        sys.path.clear()
        for kind, fd in self.rest:
            if fd is not None:
                linux.setns(fd, _KINDS[kind])
        if self.root is not None:
            os.fchdir(self.root)
            os.chroot(".")
        os.chdir("/")

    def close(self) -> None:
        """Let go of it."""
        for fd in (self.root, self.pid, self.user, *(fd for _, fd in self.rest)):
            if fd is not None:
                os.close(fd)


def _other(pid: int, kind: str) -> int | None:
    """A namespace of the container's, None when it is ours too."""
    path = f"/proc/{pid}/ns/{kind}"
    try:
        if os.stat(path).st_ino == os.stat(f"/proc/self/ns/{kind}").st_ino:
            return None
    except PermissionError:
        raise Refused("Denied", "its namespaces are another user's", f"process {pid}") from None
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _gone() -> Refused:
    return Refused("Conflict", "container is not running")


def _enter_cgroups(pid: int, container_id: str) -> None:
    """The container's limits are this program's too."""
    mine = {one.root: one.mine for one in cgroups.hierarchies()}
    for one in cgroups.hierarchies(pid):
        if one.mine == mine.get(one.root):
            continue
        try:
            with open(f"{one.root}{one.mine}/cgroup.procs", "w") as file:
                file.write("0")
        except OSError as error:
            if container_id in one.mine:
                raise Refused("Denied", f"cannot enter its limits: {error.strerror}", one.mine) from None


def _working_directory(path: str) -> None:
    try:
        os.chdir(path)
        here = os.getcwd()
    except OSError as error:
        why = f'chdir to cwd ("{path}") set in config.json failed: {str(error.strerror).lower()}'
        raise Refused("Process", why, exit_code=127 if isinstance(error, FileNotFoundError) else 126) from None
    if not here.startswith("/"):
        raise Refused("Denied", "the working directory is outside the container", path)


def _discarded(fd: int) -> bool:
    """Read and forget; False at the end."""
    try:
        return bool(os.read(fd, _CHUNK))
    except OSError:
        return False
