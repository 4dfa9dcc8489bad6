"""The command line without a process of its own: a clean environment, a store and a home of its own."""

from __future__ import annotations

import io
import os
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.boxes import make_box
from tests.support.cli import Scow

from scow.cli.main import main
from scow.testing.registry import Registry


class Pipe(io.BytesIO):
    """Bytes that come once."""

    def seekable(self) -> bool:
        return False


class Stream(io.TextIOWrapper):
    """Standard input or output of a command: bytes in memory, a terminal when the test says so."""

    def __init__(self, content: bytes = b"", *, terminal: bool = False) -> None:
        self.bytes = Pipe(content)
        self.terminal = terminal
        super().__init__(self.bytes, encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return self.terminal


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    output: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        return self.output.decode()

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()

    def ok(self) -> Outcome:
        assert self.code == 0, f"exit code {self.code}\n{self.stdout}\n{self.stderr}"
        return self


@dataclass(frozen=True)
class Console:
    """``console("images", "-q")`` runs one command to its end."""

    store: Path
    home: Path

    def __call__(
        self, *argv: str, stdin: bytes = b"", terminal: bool = False, env: Mapping[str, str] | None = None
    ) -> Outcome:
        streams = Stream(stdin, terminal=terminal), Stream(terminal=terminal), Stream(terminal=terminal)
        code = 0
        with _standing_in(streams, {"HOME": str(self.home), "SCOW_ROOT": str(self.store), "TZ": "UTC", **(env or {})}):
            try:
                main(list(argv))
            except SystemExit as left:
                code = int(left.code or 0)
        return Outcome(code, streams[1].bytes.getvalue(), streams[2].bytes.getvalue().decode())

    def at(self, store: Path) -> Console:
        """The same user on another store."""
        return Console(store, self.home)

    def image(self, tar: bytes, name: str = "", *changes: str) -> str:
        """Import a file system; returns the image id."""
        flags = [word for change in changes for word in ("-c", change)]
        return self("import", *flags, "-", *filter(None, [name]), stdin=tar).ok().stdout.strip()


@contextmanager
def _standing_in(streams: tuple[Stream, Stream, Stream], environment: Mapping[str, str]) -> Iterator[None]:
    before = sys.stdin, sys.stdout, sys.stderr, dict(os.environ)
    sys.stdin, sys.stdout, sys.stderr = streams
    os.environ.clear()
    os.environ.update({"PATH": before[3].get("PATH", ""), **environment})
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before[:3]
        os.environ.clear()
        os.environ.update(before[3])


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """The command on a fresh store, with a fresh home."""
    home = tmp_path / "home"
    home.mkdir()
    return Console(tmp_path / "store", home)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a module's tests share."""
    return tmp_path_factory.mktemp("box")


@pytest.fixture(scope="module")
def box(directory: Path) -> Scow:
    """The command on a store that a module's tests share, with an image in it."""
    return make_box(directory)


@pytest.fixture
def registry() -> Iterator[Registry]:
    """An open registry in this process."""
    with Registry() as server:
        yield server


@pytest.fixture(scope="session")
def tar_of() -> Callable[[Mapping[str, str]], bytes]:
    """``tar_of({"etc/motd": "hello"})``: a file system as a tar, owned by whoever runs the test."""

    def make(files: Mapping[str, str]) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name, text in files.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode, member.mtime = len(text.encode()), 0o644, 1_704_067_200
                member.uid, member.gid = os.geteuid(), os.getegid()
                archive.addfile(member, io.BytesIO(text.encode()))
        return out.getvalue()

    return make


@pytest.fixture(scope="session")
def tiny(tar_of: Callable[[Mapping[str, str]], bytes]) -> bytes:
    """A file system of one file with 6 bytes."""
    return tar_of({"hello": "hello\n"})
