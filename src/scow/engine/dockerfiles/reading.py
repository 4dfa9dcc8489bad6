"""Dockerfiles and ignore files on disk: never much more of one is read than it may have, as it may be a device."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from scow.dockerfile.ignore import Patterns
from scow.dockerfile.parser import LARGEST
from scow.errors import Denied, NotFound


def beginning(path: Path) -> bytes:
    """As much of it as tells that there is too much. Raises OSError."""
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def ignore_file(root: Path, dockerfile: Path | None = None) -> Patterns:
    """The context's ignore patterns: ``<Dockerfile>.dockerignore``, else ``.dockerignore``, else none."""
    own = [dockerfile.with_name(dockerfile.name + ".dockerignore")] if dockerfile else []
    for path in (*own, root / ".dockerignore"):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return Patterns.parse(beginning(path), path.name)
    return Patterns.parse("")


def read_text(dockerfile: str | os.PathLike[str] | bytes, source: str) -> tuple[bytes, str]:
    """The text and what to call it: ``source``, where it is no file's. Raises :class:`NotFound` or ``Denied``."""
    if isinstance(dockerfile, bytes):
        return dockerfile, source
    path = Path(dockerfile)
    try:
        return beginning(path), str(path)
    except FileNotFoundError:
        raise NotFound("no such file", subject=str(path)) from None
    except OSError as error:
        raise Denied(f"cannot read the file: {error.strerror}", subject=str(path)) from None
