"""Where a build's files and Dockerfile come from: a directory, or standard input."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from scow.dockerfile.parser import LARGEST
from scow.errors import Invalid, Limit, Unsupported

Dockerfile = Path | bytes | None
_BLOCK = 512


@contextlib.contextmanager
def opened(path: str, file: str | None, store: Path) -> Iterator[tuple[Path, Dockerfile]]:
    """The context's directory and the Dockerfile (None: the directory's own), while entered."""
    if path == "-" and file == "-":
        raise Invalid("invalid argument: can't use stdin for both build context and dockerfile")
    if path == "-":
        yield _from_stdin(sys.stdin.buffer, store)
    elif file == "-":
        yield Path(path), _read(sys.stdin.buffer, b"")
    else:
        yield Path(path), _found(Path(path), file) if file else None


def _found(context: Path, file: str) -> Path:
    """As seen from here, else from the context."""
    given = Path(file)
    below = context / given
    return below if not given.is_file() and below.is_file() else given


def _from_stdin(stdin: BinaryIO, store: Path) -> tuple[Path, bytes]:
    """A Dockerfile, with a context that holds nothing."""
    head = stdin.read(_BLOCK)
    if _is_archive(head):
        raise Unsupported("a build context from standard input is not supported yet", hint="unpack it, and name its directory")
    empty = store / "cache" / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    return empty, _read(stdin, head)


def _is_archive(head: bytes) -> bool:
    return head[257:262] == b"ustar" or head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"))


def _read(stdin: BinaryIO, head: bytes) -> bytes:
    text = head + stdin.read(LARGEST + 1 - len(head))
    if len(text) > LARGEST:
        raise Limit("Dockerfile is larger than 1 MiB", subject="standard input")
    if not text.strip():
        raise Invalid("the Dockerfile (standard input) cannot be empty")
    return text
