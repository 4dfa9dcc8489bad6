"""``podman``, ``buildah`` and ``skopeo`` with storage and settings of their own. What the settings are for:

- ``--root --runroot --tmpdir``: nothing is shared with the machine's own store, nor with another worker's.
- ``CONTAINERS_CONF`` with ``default_ulimits``: as root podman and buildah raise NOFILE and NPROC to a million, which
  fails without CAP_SYS_RESOURCE ("error setting rlimit type 7: operation not permitted"); NPROC is first cut to 32768.
- ``runtime = "runc"``: crun 1.8 refuses hybrid cgroup mounts ("cgroups in hybrid mode not supported").
- ``cgroup_manager = "cgroupfs"`` and ``events_logger = "none"``: there may be no systemd and no journal.
- ``registries.conf`` declares each registry of the suite insecure (HTTP), host and port: ``127.0.0.1`` alone matches no
  port. ``tool.trust(host)`` adds one. No short name is looked up anywhere.
- a policy that accepts every image: ``--policy`` to skopeo, ``--signature-policy`` to the verbs of podman and buildah
  that know it; the machine's /etc/containers may say otherwise.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.daemons import unmount_beneath
from tests.support.peers import need_root, path_of
from tests.support.processes import CLEAN_ENVIRONMENT
from tests.support.registries import Registry

_SETTINGS = {
    "containers.conf": """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "none"
""",
    "registries.conf": "unqualified-search-registries = []\n",
    "policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
}
#: the verbs that know ``--signature-policy``
_VERIFYING = {
    "podman": frozenset({"build", "create", "load", "pull", "push", "run"}),
    "buildah": frozenset({"bud", "build", "commit", "from", "pull", "push"}),
}


@dataclass(frozen=True, slots=True)
class Tool:
    """One of the three programs, bound to its storage and settings beneath ``directory``."""

    name: str
    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        """The settings' places, a home, and a directory for large temporary files."""
        return {
            **CLEAN_ENVIRONMENT,
            "HOME": str(self.directory / "home"),
            "TMPDIR": str(self.directory / "tmp"),
            "XDG_RUNTIME_DIR": str(self.directory / "tmp"),
            "CONTAINERS_CONF": str(self.directory / "containers.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(self.directory / "registries.conf"),
        }

    def trust(self, host: str) -> None:
        """Speak HTTP to the registry at ``host`` (``127.0.0.1:PORT``), here and in the tools of the same directory."""
        with (self.directory / "registries.conf").open("a") as settings:
            settings.write(f'[[registry]]\nlocation = "{host}"\ninsecure = true\n')

    def argv(self, *argv: str) -> list[str]:
        """The full command line; ``argv`` starts with the verb."""
        program, policy = path_of(self.name), str(self.directory / "policy.json")
        if self.name == "skopeo":
            return [program, "--policy", policy, "--registries-conf", f"{self.directory}/registries.conf", *argv]
        storage = ["--root", f"{self.directory}/root", "--runroot", f"{self.directory}/r"]
        if self.name == "podman":
            storage += ["--tmpdir", f"{self.directory}/libpod"]
        accept = ["--signature-policy", policy] if argv[0] in _VERIFYING[self.name] else []
        return [program, *storage, argv[0], *accept, *argv[1:]]

    def try_(
        self, *argv: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the tool whatever its exit code."""
        return subprocess.run(
            self.argv(*argv), env={**self.environment, **(env or {})}, capture_output=True, check=False,
            input=stdin or b"", timeout=300, cwd=self.directory,
        )  # fmt: skip

    def __call__(self, *argv: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> str:
        """Run the tool, which must succeed; its stdout."""
        done = self.try_(*argv, stdin=stdin, env=env)
        assert done.returncode == 0, f"{self.name} {' '.join(argv)}: {done.stderr.decode(errors='replace')}"
        return done.stdout.decode()


def tool(name: str, directory: Path) -> Tool:
    """``name`` with fresh storage; tools given the same ``directory`` share it."""
    for place in ("home", "tmp"):
        (directory / place).mkdir(parents=True, exist_ok=True)
    for file, text in _SETTINGS.items():
        if not (directory / file).exists():
            (directory / file).write_text(text)
    return Tool(name, directory)


@pytest.fixture(scope="session")
def containers_directory(
    tmp_path_factory: pytest.TempPathFactory, open_registry: Registry, password_registry: Registry
) -> Iterator[Path]:
    """What podman, buildah and skopeo share in one run of the suite; the HTTP registries are trusted."""
    directory = tmp_path_factory.mktemp("c")
    for registry in (open_registry, password_registry):
        tool("skopeo", directory).trust(registry.host)
    yield directory
    unmount_beneath(directory)


@pytest.fixture(scope="session")
def podman(containers_directory: Path) -> Tool:
    """``podman("run", "--rm", "--network", "host", IMAGE, "id")``."""
    need_root()
    path_of("podman")
    path_of("runc")
    return tool("podman", containers_directory)


@pytest.fixture(scope="session")
def buildah(containers_directory: Path) -> Tool:
    """``buildah("bud", "-t", NAME, DIRECTORY)``; it shares podman's storage."""
    need_root()
    path_of("buildah")
    path_of("runc")
    return tool("buildah", containers_directory)


@pytest.fixture(scope="session")
def skopeo(containers_directory: Path) -> Tool:
    """``skopeo("inspect", "oci:/path:tag")``. Credentials: ``--creds``, ``--src-creds``, ``--dest-creds``."""
    path_of("skopeo")
    return tool("skopeo", containers_directory)
