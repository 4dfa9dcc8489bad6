"""What a disk refuses, said so that somebody can act on it."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scow.errors import Unavailable

_FULL: Final = "free some space (scow system prune) or set SCOW_ROOT to another disk"
_CLOSED: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR)
ANOTHER_ROOT: Final = "name a directory for the store that you may write: --root DIR, or SCOW_ROOT=DIR"


@contextlib.contextmanager
def on_disk(where: Path) -> Iterator[None]:
    """What the disk at ``where`` refuses is an :class:`Unavailable`."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, where) from None


def disk_error(error: OSError, where: Path) -> Unavailable:
    """What the disk said, as something the caller can act on."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return Unavailable(
        (error.strerror or str(error)).lower() if not full else "no space left on the disk",
        subject=str(where),
        hint=_FULL if full else ANOTHER_ROOT if error.errno in _CLOSED else "",
    )
