"""Real containers of Debian's static busybox, started by every kind of user on every runtime."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.peers import need, refuse

BUSYBOX = "/usr/bin/busybox"
ORDINARY = 54321  # a user id that nobody has
DRIVER = Path(__file__).with_name("driver.py")
SOURCES = Path(__file__).parents[2] / "src"


def _python(user: int) -> str | None:
    """An interpreter that ``user`` may start: this one, or the system's of the same version."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for python in (sys.executable, f"/usr/bin/python{version}"):
        command = [python, "-c", "pass"]
        try:
            if subprocess.run(command, user=user, check=False, stderr=subprocess.DEVNULL).returncode == 0:
                return python
        except OSError:
            continue
    return None


@dataclass
class Driver:
    """A process of some user that starts containers when told to, and the directory it works in."""

    directory: Path
    user: int
    python: str
    process: subprocess.Popen[str] | None = None
    count: int = 0
    lower: Path = field(init=False)
    tun: Path | None = None  # stands in for /dev/net/tun
    mapped: bool = False  # with the user's subordinate ids
    group: int = 0  # the user's, when it is not of the same number

    def __post_init__(self) -> None:
        self.lower = self.directory / "lower"

    @property
    def environment(self) -> dict[str, str]:
        packages = f"{SOURCES}:{sysconfig.get_paths()['purelib']}"
        more = {"SCOW_TEST_MAPPED": "1"} if self.mapped else {}
        return {"PATH": "/usr/bin:/bin", "PYTHONPATH": packages, "HOME": str(self.directory), **more}

    def request(self, runtime: str, **wanted: Any) -> dict[str, Any]:
        """``wanted``: options (:class:`Options`), image, rootfs (directory, lower), signal, stdin, kill."""
        self.count += 1
        place = wanted.pop("place", None) or str(self.directory / f"c{self.count}")
        return {"runtime": runtime, "directory": place, "lower": [str(self.lower)], **wanted}

    def run(self, runtime: str, *args: str, **wanted: Any) -> dict[str, Any]:
        """One container: ``{"code", "out", "err", "upper"}`` or ``{"error", "message", "code"}``."""
        options = {"args": args, **wanted.pop("options", {})}
        if self.process is None or self.process.poll() is not None:
            self.process = self.start()
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(self.request(runtime, options=options, **wanted)) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.environment,
            **self.identity(),
        )  # fmt: skip

    def prefixed(self, words: list[str]) -> list[str]:
        """The command as this user, where root has to prepare something first."""
        if self.tun is None:
            return words
        who = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        script = 'mount --bind "$0" /dev/net/tun && exec "$@"'
        return ["unshare", "-m", "--propagation", "private", "sh", "-c", script, str(self.tun), *who, *words]

    def command(self) -> list[str]:
        return [self.python, str(DRIVER)]

    def identity(self) -> dict[str, Any]:
        if self.user == os.geteuid() or self.tun is not None:
            return {}
        return {"user": self.user, "group": self.group or self.user, "extra_groups": []}


def _lower(directory: Path, user: int, group: int) -> None:
    lower = directory / "lower"
    for name in ("bin", "etc", "home/app", "data", "deep/er"):
        (lower / name).mkdir(parents=True)
    (lower / "tmp").mkdir()
    (lower / "tmp").chmod(0o1777)
    shutil.copy(BUSYBOX, lower / "bin/busybox")
    for name in subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if name != "busybox":
            (lower / "bin" / name).symlink_to("busybox")
    (lower / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n")
    (lower / "etc/group").write_text("root:x:0:\napp:x:1001:\nstaff:x:50:app\n")
    (lower / "etc/plain").write_text("not a program\n")
    (lower / "bin/garbage").write_bytes(b"\x00garbage")
    (lower / "bin/script").write_text("#!/no/such/interpreter\n")
    (lower / "bin/sneaky").write_text("#!/proc/self/exe\n")
    for name in ("garbage", "script", "sneaky"):
        (lower / "bin" / name).chmod(0o755)
    (lower / "outside").symlink_to("/../../../../../../../../" + str(directory / "outside").lstrip("/"))
    (lower / "selfexe").symlink_to("/proc/self/exe")
    (lower / "sbin").symlink_to("bin")  # as distributions have it now
    (directory / "outside").mkdir()
    for path in [directory, *directory.rglob("*")]:
        os.chown(path, user, group if user != os.geteuid() else os.getegid(), follow_symlinks=False)


@contextmanager
def driver_of(user: int, *, mapped: bool = False, group: int = 0) -> Iterator[Driver]:
    """A user with a root file system of its own."""
    python = _python(user) if user != os.geteuid() else sys.executable
    if python is None:
        pytest.skip("no interpreter that another user may start")
    directory = Path(tempfile.mkdtemp(prefix="scow-runtime-"))
    try:
        directory.chmod(0o755)
        _lower(directory, user, group or user)
        made = Driver(directory, user, python, mapped=mapped, group=group)
        yield made
        if made.process:
            assert made.process.stdin
            made.process.stdin.close()
            made.process.wait()
    finally:
        for path in directory.glob("c*/work/work"):
            path.chmod(0o700)
        shutil.rmtree(directory)


@pytest.fixture(scope="session", params=["root", "ordinary"])
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """Every kind of user that needs no account."""
    need("busybox")
    me = os.geteuid()
    if request.param == "root" and me != 0:
        pytest.skip("not root")
    with driver_of(me if request.param == "root" or me != 0 else ORDINARY) as made:
        yield made


@pytest.fixture(params=["sandbox", "runc", "crun"])
def runtime(request: pytest.FixtureRequest, driver: Driver) -> str:
    """A runtime that is there for this user."""
    name: str = request.param
    if name != "sandbox":
        need(name)
    answer = _tried(driver, name)
    if answer.get("error"):
        refuse(f"{name} does not work here: {answer['message']}")
    return name


_TRIED: dict[tuple[Path, str], dict[str, Any]] = {}


def _tried(driver: Driver, name: str) -> dict[str, Any]:
    key = (driver.directory, name)
    if key not in _TRIED:
        _TRIED[key] = driver.run(name, "true")
    return _TRIED[key]
