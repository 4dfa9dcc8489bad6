"""What a disk refuses, said so that somebody can act on it; and whose a store is."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scow.errors import Denied, Unavailable

_FULL: Final = "free some space (scow system prune) or set SCOW_ROOT to another disk"
_CLOSED: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR)
ANOTHER_ROOT: Final = "name a directory for the store that you may write: --root DIR, or SCOW_ROOT=DIR"
#: what no other user looks into, as containers leave setuid programs there
_CLOSED_DIRECTORIES: Final = ("cache", "containers", "layers", "snapshots", "volumes")
#: the kernel's id for whoever has none in a user namespace, and how many ids there are outside of all of them
_OVERFLOW, _EVERY_ID = 65534, "4294967295"


def check_owner(root: Path) -> None:
    """Refuse a store that another user made: what lies in it is started, and written to, as this one.

    Raises :class:`Denied`. root's own is anybody's to read.
    """
    try:
        owner = root.stat().st_uid
    except OSError:
        return
    if owner not in (0, os.geteuid()) and not (owner == _OVERFLOW and _in_user_namespace()):
        raise Denied(f"the store belongs to another user (id {owner})", subject=str(root), hint=ANOTHER_ROOT)


def shut(root: Path) -> None:
    """Close what an earlier scow left open to other users (CVE-2021-41091, CVE-2024-25621)."""
    for name in _CLOSED_DIRECTORIES:
        with contextlib.suppress(OSError):  # not there, or another's
            if stat.S_IMODE((root / name).stat().st_mode) & 0o077:
                (root / name).chmod(0o700)


def _in_user_namespace() -> bool:
    with contextlib.suppress(OSError), open("/proc/self/uid_map") as ids:  # what it was outside was looked at there
        return _EVERY_ID not in ids.read().split()
    return False


class Full(Unavailable):
    """No room: what need not stay is in the way."""


@contextlib.contextmanager
def on_disk(where: Path) -> Iterator[None]:
    """What the disk at ``where`` refuses is an :class:`Unavailable`."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, where) from None


def disk_error(error: OSError, where: Path) -> Unavailable:
    """What the disk said, as something the caller can act on."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Full("no space left on the disk", subject=str(where), hint=_FULL)
    told = (error.strerror or str(error)).lower()
    return Unavailable(told, subject=str(where), hint=ANOTHER_ROOT if error.errno in _CLOSED else "")
