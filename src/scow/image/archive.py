"""Archives on their way in: whatever compression and pipe they come through, they end as a seekable plain tar."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from scow.content.tar import Tar
from scow.layer.compression import detected, inflated
from scow.layer.scratch import scratch

_CHUNK = 1 << 20


@contextlib.contextmanager
def opened(file: BinaryIO, ingest: Path) -> Iterator[Tar]:
    """The tar in ``file``; spooled to ``ingest`` when it is compressed or cannot be sought."""
    reader, compression = detected(file)
    if compression == "none" and (fd := _on_disk(file)) is not None:
        with contextlib.closing(Tar(fd, _name(file))) as tar:
            yield tar
        return
    plain = inflated(reader, compression)
    with scratch(ingest, "archive") as directory:
        spool = directory / "tar"
        with spool.open("xb") as out:
            while chunk := plain.read(_CHUNK):
                out.write(chunk)
        with contextlib.closing(Tar(spool, _name(file))) as tar:
            yield tar


def _on_disk(file: BinaryIO) -> int | None:
    """The descriptor of ``file``, if it is a real one that can be sought."""
    try:
        return file.fileno() if file.seekable() else None
    except OSError:  # bytes in memory have no descriptor
        return None


def _name(file: BinaryIO) -> str:
    """What the user calls it."""
    name = getattr(file, "name", None)
    return name if isinstance(name, str) and name != "<stdin>" else "archive"
