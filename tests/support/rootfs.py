"""Real root file systems as tar files, made once per machine and kept.

The cache is ``$SCOW_TEST_CACHE``, else ``scow-tests`` beneath ``$XDG_CACHE_HOME`` or ``~/.cache``. A file there is
complete: it was made under a lock beside its final name and renamed. Its name carries the recipe's version.
"""

from __future__ import annotations

import fcntl
import io
import os
import platform
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.peers import path_of, refuse

#: every entry of the tiny root file system carries this time (2024-01-01T00:00:00Z)
MTIME = 1_704_067_200

_DIRECTORIES = {
    "bin": 0o755, "sbin": 0o755, "etc": 0o755, "root": 0o700, "tmp": 0o1777, "var": 0o755, "usr": 0o755,
    "usr/bin": 0o755, "home": 0o755, "home/app": 0o750, "proc": 0o555, "sys": 0o555, "dev": 0o755,
}  # fmt: skip
_FILES = {
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
    ),
    "etc/group": "root:x:0:\ntty:x:5:\napp:x:1000:\nextra:x:2000:app\nnogroup:x:65534:\n",
}


def cache_directory() -> Path:
    """Where things that take long to make are kept between runs."""
    chosen = os.environ.get("SCOW_TEST_CACHE")
    if chosen:
        directory = Path(chosen)
    else:
        directory = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "scow-tests"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold ``path`` as a lock against the other workers and other runs."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The cached file ``name``; ``make`` writes it when this machine does not have it yet."""
    path = cache_directory() / name
    with locked(path.with_name(f".{name}.lock")):
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=".making-") as making:
                unfinished = Path(making) / name
                make(unfinished)
                unfinished.replace(path)
    return path


def _apt_sources(suite: str) -> list[str]:
    """The machine's own apt sources of ``suite``, so that its mirror and proxy are used, not the world's."""
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.[ls]*"))]
    names = re.compile(rf"^\s*(?:Suites:|deb\s)(?:.*\s)?{suite}\s.*\bmain\b|^Suites:(?:.*\s)?{suite}(?:\s|$)", re.M)
    found = [path for path in places if path.suffix in (".list", ".sources") and path.is_file()]
    return [str(path) for path in found if names.search(path.read_text(errors="replace"))]


def _make_debian(path: Path, *packages: str) -> None:
    include = [f"--include={','.join(packages)}"] if packages else []
    argv = [path_of("mmdebstrap"), "--variant=minbase", "--quiet", *include, "bookworm", str(path)]
    argv += _apt_sources("bookworm")
    for attempt in range(3):  # mirrors have bad moments
        result = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if result.returncode == 0:
            return
        path.unlink(missing_ok=True)
        if attempt == 2:
            refuse(f"mmdebstrap could not make Debian here: {result.stderr.strip()[-400:]}")


def debian_tar_path() -> Path:
    """Debian 12 minbase as a tar: 8 700 entries, 170 MB. Takes 20 s the first time."""
    path_of("mmdebstrap")
    return made_once(f"debian-bookworm-minbase-1.{platform.machine()}.tar", _make_debian)


def debian_pip_tar_path() -> Path:
    """The same with Debian's Python and pip. Takes a minute the first time."""
    path_of("mmdebstrap")
    return made_once(
        f"debian-bookworm-pip-1.{platform.machine()}.tar", lambda path: _make_debian(path, "python3", "python3-pip")
    )


def _member(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = kind, mode, MTIME
    member.uname = member.gname = "root"
    return member


def _owned_by_app(member: tarfile.TarInfo) -> tarfile.TarInfo:
    if member.name == "home/app":
        member.uid = member.gid = 1000
        member.uname = member.gname = "app"
    return member


def _add_file(archive: tarfile.TarFile, name: str, mode: int, content: bytes) -> None:
    member = _member(name, tarfile.REGTYPE, mode)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _make_busybox(path: Path) -> None:
    busybox = path_of("busybox")
    program = Path(busybox).read_bytes()
    if b"ld-linux" in program[:4096]:  # PT_INTERP: it would need a C library that the image does not have
        refuse("peer missing: busybox is not the static one (apt-get install busybox-static)")
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, mode in _DIRECTORIES.items():
            archive.addfile(_owned_by_app(_member(name, tarfile.DIRTYPE, mode)))
        for name, text in _FILES.items():
            _add_file(archive, name, 0o644, text.encode())
        _add_file(archive, "bin/busybox", 0o755, program)
        for applet in sorted(set(applets) - {"busybox"}):
            link = _member(f"bin/{applet}", tarfile.SYMTYPE, 0o777)
            link.linkname = "busybox"
            archive.addfile(link)


def busybox_tar_path() -> Path:
    """A root file system of 2 MB: static busybox with its applets in /bin, users root, app (1000) and nobody."""
    path_of("busybox")
    return made_once(f"busybox-1.{platform.machine()}.tar", _make_busybox)


@pytest.fixture(scope="session")
def debian_tar() -> Path:
    """A real Debian 12 root file system as an uncompressed tar."""
    return debian_tar_path()


@pytest.fixture(scope="session")
def debian_pip_tar() -> Path:
    """The same with pip, as an uncompressed tar."""
    return debian_pip_tar_path()


@pytest.fixture(scope="session")
def busybox_tar() -> Path:
    """A tiny root file system as an uncompressed tar."""
    return busybox_tar_path()
