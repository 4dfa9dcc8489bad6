"""The other tools, where they are installed.

A test says what it needs; where that is missing it is skipped aloud with the package that brings it, and with
``SCOW_REQUIRE_PEERS=1`` (``.ci/run`` sets it) it fails instead, so that CI never passes by skipping.
"""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

#: command -> Debian package
PACKAGES = {
    "bash": "bash",
    "buildah": "buildah",
    "busybox": "busybox-static",
    "chromium": "chromium",
    "crun": "crun",
    "db5.3_load": "db5.3-util",
    "docker": "docker.io",
    "docker-registry": "docker-registry",
    "dockerd": "docker.io",
    "dpkg-deb": "dpkg",
    "fuse-overlayfs": "fuse-overlayfs",
    "git": "git",
    "jq": "jq",
    "mmdebstrap": "mmdebstrap",
    "newuidmap": "uidmap",
    "openssl": "openssl",
    "pasta": "passt",
    "podman": "podman",
    "rpm": "rpm",
    "rpmbuild": "rpm",
    "qemu-riscv64-static": "qemu-user-static",
    "readelf": "binutils",
    "runc": "runc",
    "shellcheck": "shellcheck",
    "skopeo": "skopeo",
    "slirp4netns": "slirp4netns",
    "strace": "strace",
    "umoci": "umoci",
    "useradd": "passwd",
    "xz": "xz-utils",
    "zstd": "zstd",
}

#: where Debian puts programs, an administrator's included; what else is on PATH comes last: a second docker client
#: there may be newer than the daemon and lack the BuildKit support that the packaged one has built in
DIRECTORIES = ("/usr/bin", "/usr/sbin", "/bin", "/sbin")


def required() -> bool:
    """Whether a missing peer is a failure."""
    return os.environ.get("SCOW_REQUIRE_PEERS", "") not in ("", "0")


def refuse(reason: str) -> NoReturn:
    """Skip this test aloud, or fail it where peers are required."""
    if required():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def find(peer: str) -> str | None:
    """The path of ``peer``, or None."""
    search = os.pathsep.join((*DIRECTORIES, os.environ.get("PATH", "")))
    return shutil.which(peer, path=search)


def need(*peers: str) -> None:
    """Skip (or fail, see :func:`refuse`) unless every one of ``peers`` is installed."""
    missing = [peer for peer in peers if find(peer) is None]
    if missing:
        packages = " ".join(sorted({PACKAGES.get(peer, peer) for peer in missing}))
        refuse(f"peer missing: {', '.join(missing)} (apt-get install {packages})")


def path_of(peer: str) -> str:
    """The path of ``peer``, which the test needs."""
    need(peer)
    found = find(peer)
    assert found is not None
    return found


def need_root() -> None:
    """Skip (or fail) unless the suite runs as root."""
    if os.geteuid() != 0:
        refuse("needs root: run the suite as root for this test")
