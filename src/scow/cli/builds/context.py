"""Where a build's files and Dockerfile come from: a directory, or standard input."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from scow.build.sources import is_remote
from scow.dockerfile.parser import LARGEST
from scow.errors import Invalid, Limit

Dockerfile = Path | bytes | None


@contextlib.contextmanager
def opened(path: str, file: str | None, store: Path) -> Iterator[tuple[Path | str, Dockerfile]]:
    """The context's directory (or its URL) and the Dockerfile (None: the context's own), while entered."""
    if path == "-" and file == "-":
        raise Invalid("invalid argument: can't use stdin for both build context and dockerfile")
    if path == "-":
        with _from_stdin(sys.stdin.buffer, file, store) as found:
            yield found
    elif file == "-":
        yield path, _read(sys.stdin.buffer, b"")
    elif is_remote(path):
        yield path, Path(file) if file else None
    else:
        yield Path(path), _found(Path(path), file) if file else None


def _found(context: Path, file: str) -> Path:
    """As seen from here, else from the context."""
    given = Path(file)
    below = context / given
    return below if not given.is_file() and below.is_file() else given


@contextlib.contextmanager
def _from_stdin(stdin: BinaryIO, file: str | None, store: Path) -> Iterator[tuple[Path, Dockerfile]]:
    """A tar of the context, or a Dockerfile for a context that holds nothing."""
    from scow.build import arriving
    from scow.layer.compression import Rewound

    head = stdin.read(arriving.HEAD)
    if arriving.is_archive(head):
        import tempfile

        with tempfile.TemporaryDirectory(prefix="scow-context-") as name:
            root = Path(name).resolve()
            arriving.unpack(Rewound(head, stdin), head, root)
            yield root, arriving.dockerfile(root, file or "Dockerfile")
        return
    if file:
        raise Invalid("a Dockerfile on standard input leaves nothing for -f to name", subject=file)
    empty = store / "cache" / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    yield empty, _read(stdin, head)


def _read(stdin: BinaryIO, head: bytes) -> bytes:
    text = head + stdin.read(LARGEST + 1 - len(head))
    if len(text) > LARGEST:
        raise Limit("Dockerfile is larger than 1 MiB", subject="standard input")
    if not text.strip():
        raise Invalid("the Dockerfile (standard input) cannot be empty")
    return text
