"""Where a build's files and Dockerfile come from: a directory, or standard input."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from scow.dockerfile.parser import LARGEST
from scow.errors import Denied, Invalid, Limit
from scow.layer.compression import Rewound, inflated, sniff
from scow.layer.tar import Reader

Dockerfile = Path | bytes | None
_BLOCK = 512


@contextlib.contextmanager
def opened(path: str, file: str | None, store: Path) -> Iterator[tuple[Path, Dockerfile]]:
    """The context's directory and the Dockerfile (None: the directory's own), while entered."""
    if path == "-" and file == "-":
        raise Invalid("invalid argument: can't use stdin for both build context and dockerfile")
    if path == "-":
        with _from_stdin(sys.stdin.buffer, file, store) as found:
            yield found
    elif file == "-":
        yield Path(path), _read(sys.stdin.buffer, b"")
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
    head = stdin.read(_BLOCK)
    if head[257:262] == b"ustar" or sniff(head) != "none":
        import tempfile

        with tempfile.TemporaryDirectory(prefix="scow-context-") as name:
            root = Path(name).resolve()
            _unpack(Rewound(head, stdin), sniff(head), root)
            yield root, _inside(root, file or "Dockerfile")
        return
    if file:
        raise Invalid("a Dockerfile on standard input leaves nothing for -f to name", subject=file)
    empty = store / "cache" / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    yield empty, _read(stdin, head)


def _unpack(reader: Reader, compression: str, root: Path) -> None:
    """The tar's files beneath ``root``, as an ordinary user: no owners, no devices, nothing outside."""
    from scow.layer.apply import apply
    from scow.layer.index import Writer
    from scow.layer.rights import Ordinary
    from scow.layer.tree import OverlayTree

    tree = OverlayTree(root, Ordinary())
    try:
        with open(os.devnull, "r+b") as nowhere:
            apply(inflated(reader, compression), tree, Writer(nowhere))
    except OSError as error:
        raise Denied(f"cannot unpack the build context: {error.strerror}") from None
    finally:
        tree.close()


def _inside(root: Path, name: str) -> Path:
    """The Dockerfile, once neither it nor its ignore file is a link to a file of this machine."""
    for one in (name, f"{name}.dockerignore", ".dockerignore"):
        if not (root / one).resolve().is_relative_to(root):
            raise Invalid("leads out of the build context", subject=one)
    return root / name


def _read(stdin: BinaryIO, head: bytes) -> bytes:
    text = head + stdin.read(LARGEST + 1 - len(head))
    if len(text) > LARGEST:
        raise Limit("Dockerfile is larger than 1 MiB", subject="standard input")
    if not text.strip():
        raise Invalid("the Dockerfile (standard input) cannot be empty")
    return text
