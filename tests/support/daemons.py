"""``dockerd`` on a private socket, data root and exec root. What the flags are for:

- ``--bridge=none --iptables=false --ip-forward=false --ip-masq=false``: nothing of the machine's network is touched.
  ``docker run`` then has no network unless it says ``--network host``. BuildKit has no default network at all
  ("network bridge not found"), so builds with RUN say ``--network none`` or ``--network host``.
- registries on 127.0.0.0/8 are insecure to dockerd of itself: HTTP works without a flag.
- the storage driver is left to dockerd: overlay2 where it can, else vfs.
- cgroups: runc takes v1, v2 and hybrid as they are; ``native.cgroupdriver=cgroupfs`` because there may be no systemd.
- the client is Debian's own (``/usr/bin/docker``): BuildKit is inside it; a newer one wants a buildx plug-in.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.peers import need_root, path_of, refuse
from tests.support.processes import CLEAN_ENVIRONMENT, NotStarted, started


@dataclass(frozen=True, slots=True)
class Docker:
    """A docker client bound to one dockerd."""

    socket: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What makes any docker client speak to this daemon, with BuildKit on."""
        own = {"DOCKER_HOST": f"unix://{self.socket}", "HOME": str(self.home), "DOCKER_BUILDKIT": "1"}
        return {**CLEAN_ENVIRONMENT, **own}

    def argv(self, *argv: str) -> list[str]:
        """The full command line."""
        return [path_of("docker"), *argv]

    def try_(
        self, *argv: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run ``docker ARGV`` whatever its exit code."""
        return subprocess.run(
            self.argv(*argv), env={**self.environment, **(env or {})}, capture_output=True, check=False,
            input=stdin or b"", timeout=300,
        )  # fmt: skip

    def __call__(self, *argv: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> str:
        """Run ``docker ARGV``, which must succeed; its stdout."""
        done = self.try_(*argv, stdin=stdin, env=env)
        assert done.returncode == 0, f"docker {' '.join(argv)}: {done.stderr.decode(errors='replace')}"
        return done.stdout.decode()


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
            client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in client.recv(64)
        except OSError:  # not there yet, or there and not able to answer
            return False


def unmount_beneath(directory: Path) -> None:
    """Whatever a daemon left mounted, so that the directory can be removed."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in reversed([place for place in mounts if place.startswith(f"{directory}/")]):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)


@contextmanager
def dockerd(directory: Path) -> Iterator[Docker]:
    """Run a dockerd for the length of the block. ``directory`` must be short: a socket path has 107 bytes."""
    docker = Docker(socket=directory / "docker.sock", home=directory / "home")
    docker.home.mkdir(parents=True)
    argv = [
        path_of("dockerd"), "--host", f"unix://{docker.socket}", "--pidfile", str(directory / "docker.pid"),
        "--data-root", str(directory / "data"), "--exec-root", str(directory / "exec"),
        "--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false",
        "--exec-opt", "native.cgroupdriver=cgroupfs",
    ]  # fmt: skip
    try:
        with started(argv, log=directory / "dockerd.log", ready=lambda: _listens(docker.socket), seconds=60):
            yield docker
    finally:
        unmount_beneath(directory)


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    """A running dockerd: ``docker("run", "--rm", "--network", "host", IMAGE, "id")``."""
    need_root()
    path_of("docker")
    path_of("dockerd")
    try:
        with dockerd(tmp_path_factory.mktemp("d")) as running:
            yield running
    except NotStarted as why:
        refuse(f"dockerd does not start here: {why}")
