"""The monitor: one small process of ours per container, in the place that a daemon has elsewhere. Light.

::

    init ── monitor ── launcher ── supervisor ── the container

It keeps the container's lock, holds its streams or its terminal, writes its log and its state, starts it again when the
policy says so, and listens on ``monitor.sock`` in the container's directory, where it works. Whoever connects speaks
:mod:`~scow.runtime.wire` messages, each with a verb as its key (:data:`VERBS`):

``{"attach": {"stdin": bool, "output": bool}}``
    what the container writes comes as ``{"out": bytes}`` and ``{"err": bytes}``; with ``stdin``, a descriptor to write
    to comes after an answer that says ``entrance``
``{"end": True}``
    the attached one has no more to write
``{"signal": number}``
    send the container a signal
``{"stop": True}``
    no restart from here on; one that waits is given up
``{"update": {"restart": policy, "most": count}}``
    another restart policy
``{"limits": resources}``
    the next start's limits, as a runtime-spec has them
``{"wait": True}``
    only tell of the end

The answer to a first message is ``{"protocol": 1, …}``; to ``attach`` also ``terminal`` and ``entrance``. At the end of
a run everybody gets ``{"exit": code}``. Everything a monitor needs is loaded when it starts: it outlives an upgrade.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the module without enum
import _socket
import fcntl
import os
import resource  # noqa: F401 - a container with limits needs it, whatever becomes of the interpreter's files
import time
from _json import encode_basestring_ascii

from scow.layer.removal import remove_at
from scow.runtime.kernel import cgroups, tasks
from scow.runtime.monitor import journal
from scow.runtime.monitor.callers import Caller, Callers
from scow.runtime.monitor.health import PAUSED, Health
from scow.runtime.monitor.loop import Loop
from scow.runtime.monitor.program import Program
from scow.runtime.spec import restarting
from scow.runtime.wire import CONTROL, KEPT, PROTOCOL, SOCKET, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

STATE = "state.json"

_SPARE = ".state.spare"
_ROOM = 32 * 1024  # bytes, more than a state with five health checks
_IGNORED = (1, 2, 3, 13)  # HUP INT QUIT PIPE
_TERM, _CHLD = 15, 17
_PATIENCE = 2.0  # seconds


def main(plan: dict[str, Any]) -> NoReturn:
    """Leave the starter's family, and keep the container to its end."""
    if os.fork():
        os._exit(0)
    code = 125
    try:
        os.chdir(plan["home"])
        Monitor(plan).run()
        code = 0
    except BaseException as error:
        # The edge of this process. The container ends with it: its supervisor sees the end of the line.
        with open(f"{plan['home']}/monitor.error", "w") as file:  # not in the starter's directory, where it is at first
            file.write(f"{type(error).__name__}: {error}\n")
    finally:
        os._exit(code)


class Monitor:
    """One container, from the first start to the last end."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        if plan["launch"]["network"]:
            from scow.runtime.launcher import network  # noqa: F401 - as all that a later start needs, it is loaded now
        self.keep: dict[str, Any] = plan["keep"]
        self.loop = Loop()
        self.log = _log(self.keep["log"])
        self.state: dict[str, Any] = {
            "status": "created", "monitor": os.getpid(), "monitor_born": tasks.born(os.getpid()),
            "finished": plan["finished"],
        }  # fmt: skip
        self.callers = Callers(self.loop, self._asked, self._crowded, self._left)
        self.program: Program | None = None
        self.stopped = False  # somebody asked for the end
        self.count, self.last = 0, 0.0  # restarts so far, and the pause before the last one
        self.begun = 0.0
        self.waiting = 0  # the alarm of the next start
        self.starter: Caller | None = None
        self.health = Health(self.loop, self.keep["health"], self._healthy) if self.keep["health"] else None

    def run(self) -> None:
        """Start it, and stay until nothing is left to keep."""
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        wakeup = tasks.heard((_TERM, _CHLD))
        self.loop.watch(wakeup, lambda: self._woken(wakeup))
        self.starter = self.callers.add(CONTROL, self.plan["attach"])
        listener = _listen()
        self.loop.watch(listener.fileno(), lambda: self._connected(listener))
        _make_room()  # the program may fill the disk before it is known to run
        self._start()
        while self.program or self.waiting:
            self.loop.turn()
        self._leave(listener)

    def _leave(self, listener: _socket.socket) -> None:
        """Nothing is left to keep: take away what is in the way of others, and tell everybody."""
        self.loop.forget(listener.fileno())
        if os.path.lexists(SOCKET):
            os.unlink(SOCKET)
        if self.keep["remove"]:
            _remove(self.plan["home"])
            _release(self.plan["volumes"], os.path.dirname(self.plan["home"]))
        os.close(KEPT)
        self.callers.end({"exit": self.state["exit_code"]})
        while self.callers:  # who reads slowly gets everything
            self.loop.turn()

    def _start(self) -> None:
        self.waiting = 0
        if os.path.exists(PAUSED):  # of a run that was killed
            os.unlink(PAUSED)
        program = Program(self.plan["launch"], self.keep)
        try:
            program.start()
        except Refused as error:
            self._not_started(error)
            return
        self.program, self.begun = program, time.monotonic()
        pid = tasks.first_process(program.launcher)
        self._note(
            status="running", pid=pid, born=tasks.born(pid), exit_code=0, error="", started=journal.now(),
            launcher=program.launcher, launcher_born=tasks.born(program.launcher),
        )  # fmt: skip
        program.watch(self.loop, self._wrote)
        if self.health:
            self.health.begin(pid, self.state["born"])
            self._note(health=self.health.told)
        if self.starter:
            self._welcome(self.starter, {"started": True})
            self.starter = None

    def _not_started(self, error: Refused) -> None:
        code = error.fields["exit_code"] if error.fields["kind"] == "Process" else 128
        first = self.starter is not None
        self._note(
            status="created" if first else "exited", pid=0, exit_code=code, error=str(error), finished=journal.now()
        )
        if self.starter:
            self.starter.tell({"error": error.fields})
            self.starter = None
        else:
            self._ended(code)

    def _woken(self, wakeup: int) -> None:
        for number in os.read(wakeup, 64):
            if number == _TERM and self.program:
                self.stopped = True
                self.program.signal(self.keep["stop_signal"])
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = tasks.exit_code(status)
            if self.program and pid == self.program.launcher:
                self._run_over(code)
            elif self.health:
                self.health.reaped(pid, code)

    def _run_over(self, code: int) -> None:
        assert self.program  # noqa: S101 - one ended
        if self.health:
            self.health.end()
        self.program.drain()
        self.program = None
        self.log.end()
        # What a supervisor that was killed left; the kernel may still be ending processes.
        cgroups.remove(cgroups.directories(self.plan["launch"]["spec"]["linux"]["cgroupsPath"]), _PATIENCE)
        self._ended(code)

    def _ended(self, code: int) -> None:
        """A run is over: what is next."""
        pause = None
        if not self.stopped and os.stat(".").st_nlink:  # somebody may have removed the directory
            pause = restarting.pause(
                self.keep["restart"], self.keep["most"], code=code, count=self.count, last=self.last,
                lasted=time.monotonic() - self.begun,
            )  # fmt: skip
        status = "exited" if pause is None else "restarting"
        self._note(status=status, pid=0, exit_code=code, finished=journal.now(), restarts=self.count)
        if pause is not None:
            self.callers.end({"exit": code})
            self.count, self.last = self.count + 1, pause
            self.waiting = self.loop.alarm(pause, self._start)

    def _healthy(self, told: dict[str, Any]) -> None:
        self._note(health=told)

    def _wrote(self, stream: str, part: bytes) -> None:
        self.log.write(stream, part)
        self.callers.broadcast({"out" if stream == "stdout" else "err": part})

    def _crowded(self, crowded: bool) -> None:
        if self.program:
            self.program.hold(crowded)

    def _connected(self, listener: _socket.socket) -> None:
        fd, _ = listener._accept()  # type: ignore[attr-defined]
        self.callers.add(fd, None)

    def _asked(self, caller: Caller, message: dict[str, Any]) -> None:
        for verb, wish in message.items():
            act = VERBS.get(verb)
            if act is None:
                caller.tell({"error": Refused("Unsupported", f"this monitor does not know {verb}").fields})
            else:
                act(self, caller, wish)

    def _attach(self, caller: Caller, wish: dict[str, Any]) -> None:
        caller.wish = wish
        self._welcome(caller, {})

    def _welcome(self, caller: Caller, more: dict[str, Any]) -> None:
        wanted = caller.wish and (caller.wish["stdin"] or self.keep["terminal"])  # a terminal's size goes in there too
        entrance = self.program.entrance if self.program and wanted else None
        told = {"protocol": PROTOCOL, "terminal": self.keep["terminal"], "entrance": entrance is not None}
        caller.tell({**told, **more})
        if entrance is not None:
            caller.give(entrance)

    def _left(self, caller: Caller) -> None:
        if caller.wish and caller.wish["stdin"]:
            self._no_more_input(caller, None)

    def _no_more_input(self, _caller: Caller, _wish: object) -> None:
        if self.program and self.keep["stdin_once"]:
            self.program.close_stdin()

    def _signal(self, caller: Caller, number: int) -> None:
        if self.program:
            self.program.signal(number)
        caller.tell({"protocol": PROTOCOL})

    def _stop(self, caller: Caller, _wish: object) -> None:
        self.stopped = True
        if self.waiting:
            self.loop.cancel(self.waiting)
            self.waiting = 0
            self._note(status="exited")
        caller.tell({"protocol": PROTOCOL})

    def _update(self, caller: Caller, wish: dict[str, Any]) -> None:
        self.keep.update(wish)
        caller.tell({"protocol": PROTOCOL})

    def _limits(self, caller: Caller, resources: dict[str, Any]) -> None:
        linux = self.plan["launch"]["spec"]["linux"]
        linux["resources"] = {"devices": linux["resources"]["devices"], **resources}
        caller.tell({"protocol": PROTOCOL})

    def _wait(self, caller: Caller, _wish: object) -> None:
        caller.tell({"protocol": PROTOCOL})

    def _note(self, **changed: Any) -> None:
        """Write the state: beside its place and renamed, into room that was made before, lest the disk be full."""
        self.state.update(changed)
        raw = _document(self.state).encode()
        try:
            with open(_SPARE, "r+b" if os.path.exists(_SPARE) else "xb") as file:
                file.write(raw)
                file.truncate()
            os.rename(_SPARE, STATE)
        except OSError:
            return
        _make_room()


VERBS: dict[str, Callable[[Monitor, Caller, Any], None]] = {
    "attach": Monitor._attach,
    "end": Monitor._no_more_input,
    "limits": Monitor._limits,
    "signal": Monitor._signal,
    "stop": Monitor._stop,
    "update": Monitor._update,
    "wait": Monitor._wait,
}


def _make_room() -> None:
    try:
        with open(_SPARE, "xb") as file:
            os.posix_fallocate(file.fileno(), 0, _ROOM)
    except OSError:  # it is there, or there is none
        return


def _log(wanted: dict[str, Any]) -> journal.Journal | journal.Silence:
    return journal.Silence() if wanted["driver"] == "none" else journal.Journal(wanted["largest"], wanted["files"])


def _document(value: Any) -> str:
    """Plain values as JSON: regular expressions and enums come with the json module, and would be half of a start."""
    if isinstance(value, dict):
        return f"{{{','.join(f'{_document(key)}:{_document(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_document, value))}]"
    return encode_basestring_ascii(value) if isinstance(value, str) else str(value)


def _listen() -> _socket.socket:
    if os.path.lexists(SOCKET):  # of a monitor that was killed
        os.unlink(SOCKET)
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    listener.bind(SOCKET)
    os.chmod(SOCKET, 0o600)
    listener.listen(16)
    return listener


def _release(volumes: list[str], containers: str) -> None:
    """Take away the container's anonymous volumes (directories), unless another container has them too."""
    if not volumes:
        return
    lock = os.open(os.path.dirname(volumes[0]) + "/.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    fcntl.flock(lock, fcntl.LOCK_EX)  # as long as nobody else gives out or takes away volumes
    settings = [f"{containers}/{name}/container.json" for name in os.listdir(containers)]
    others = "".join(_text(path) for path in settings)
    for volume in volumes:
        if os.path.basename(volume) not in others:
            _remove(volume)
    os.close(lock)


def _text(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _remove(home: str) -> None:
    above, _, name = home.rpartition("/")
    parent = os.open(above, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    doomed = f".{name}-{os.urandom(4).hex()}"
    try:
        os.rename(name, doomed, src_dir_fd=parent, dst_dir_fd=parent)
        remove_at(parent, doomed.encode())
    except OSError:
        return  # somebody else removes it
