"""A container's way out, and its published ports in: pasta or slirp4netns, started by the launcher. Light.

It is forked while the launcher is still what its user is, waits until the network namespace is there, and ends with the
launcher. Its words are made by :mod:`networking`; ``@user`` and ``@netns`` in them are the namespaces' paths.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the module without enum: 3 ms less
import os
import time

from scow.runtime.kernel import linux
from scow.runtime.wire import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOG, NAMESPACE, CONTROL = "outlet.log", "netns", "outlet.sock"
"""Its files in the bundle."""

_SIGKILL, _SIGPIPE = 9, 13
_PATIENCE = 5.0  # seconds
_PAUSE = 0.002


class Outlet:
    """One of them, for one start of a container."""

    def __init__(self, network: dict[str, Any], directory: str, mounted: bool) -> None:
        """``mounted``: it is given a mount of the network namespace instead of the launcher's /proc entry."""
        self._words: list[str] = network["outlet"]
        self._requests: list[str] = network["requests"]
        self._places: dict[str, str] = network["places"]  # by what the outlet is told of a port
        self._directory, self._mounted, self._owner = directory, mounted, os.getpid()
        reader, self._writer = os.pipe2(os.O_CLOEXEC)
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._writer)
            self._be(reader)
        os.close(reader)

    def open(self) -> None:
        """Let it go, and wait until there is a way out; raises :class:`Refused`."""
        os.write(self._writer, b"x")
        os.close(self._writer)
        end = time.monotonic() + _PATIENCE
        while not default_route():
            ended, _ = os.waitpid(self._pid, os.WNOHANG)
            if ended or time.monotonic() > end:
                raise self._refusal()
            time.sleep(_PAUSE)
        for request in self._requests:
            self._ask(request)

    def close(self) -> None:
        """End it; its ports are free when this returns."""
        try:
            os.kill(self._pid, _SIGKILL)
            os.waitpid(self._pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass  # it ended by itself

    def _be(self, reader: int) -> None:
        try:
            linux.prctl(linux.PR_SET_PDEATHSIG, _SIGKILL)
            signal.signal(_SIGPIPE, signal.SIG_DFL)  # pasta does not start otherwise
            if os.read(reader, 1):
                self._redirect()
                path = self._namespace()
                user = f"/proc/{self._owner}/ns/user"
                words = [word.replace("@netns", path).replace("@user", user) for word in self._words]
                os.execve(words[0], words, {"PATH": "/usr/bin:/bin"})  # noqa: S606
        finally:
            os._exit(125)

    def _redirect(self) -> None:
        log = os.open(f"{self._directory}/{LOG}", os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for fd, place in ((null, 0), (log, 1), (log, 2)):
            os.dup2(fd, place)
        linux.close_range(3, (1 << 31) - 1)
        os.chdir(self._directory)  # a socket's path may not be long
        if os.path.lexists(CONTROL):
            os.unlink(CONTROL)

    def _namespace(self) -> str:
        """Where root's outlet gives up what it takes to look into another process, it gets a mount."""
        path = f"/proc/{self._owner}/ns/net"
        if not self._mounted:
            return path
        place = f"{self._directory}/{NAMESPACE}"
        os.close(os.open(place, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600))
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount(None, "/", None, linux.MS_PRIVATE | linux.MS_REC)
        linux.mount(path, place, None, linux.MS_BIND)
        return place

    def _ask(self, request: str) -> None:
        """slirp4netns takes its ports one by one over a socket, which comes after the way out."""
        end = time.monotonic() + _PATIENCE
        answer = self._answer(request)
        while answer is None and time.monotonic() < end:
            time.sleep(_PAUSE)
            answer = self._answer(request)
        if answer and b"add_hostfwd failed" in answer:
            raise _taken(self._places[request])
        if answer is None or b'"error"' in answer:
            why = (answer or b"it does not answer").decode(errors="replace")
            raise Refused("Unsupported", f"a port cannot be published: {why}", "slirp4netns")

    def _answer(self, request: str) -> bytes | None:
        """None while nobody listens."""
        import _socket as socket

        with_it = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.chdir(self._directory)
            with_it.connect(CONTROL)
            with_it.send(request.encode())
            with_it.shutdown(socket.SHUT_WR)
            return with_it.recv(4096)
        except (FileNotFoundError, ConnectionError):
            return None
        finally:
            with_it.close()

    def _refusal(self) -> Refused:
        """Why there is no way out: a port that was free a moment ago may be another's by now."""
        why = self._why()
        for mapping, place in self._places.items():
            if "bind" in why and f" {mapping}'" in why:
                return _taken(place)
        return Refused("Unsupported", why, self._words[0].rpartition("/")[2], "--network host works")

    def _why(self) -> str:
        try:
            with open(f"{self._directory}/{LOG}", errors="replace") as file:
                lines = [line.strip() for line in file.read(1 << 14).splitlines() if "to syslog" not in line]
        except OSError:
            lines = []
        return "; ".join(line for line in lines if line) or "made no way out of the container's network"


def _taken(place: str) -> Refused:
    return Refused("Conflict", f"Bind for {place} failed: port is already allocated")


def default_route() -> bool:
    """Whether there is a way out of this process's network (IPv4); where nobody tells, there is."""
    try:
        with open("/proc/self/net/route") as file:
            return any(line.split()[1:2] == ["00000000"] for line in file)
    except FileNotFoundError:
        return True
