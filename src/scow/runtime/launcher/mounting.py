"""Assembling a root file system in the launcher's private mount namespace. Light."""

from __future__ import annotations

import errno
import os

from scow.runtime.kernel import linux
from scow.runtime.wire import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOUNTABLE = "erofs"
"""A tree of this name is two files, ``tar`` and ``metadata`` (as :mod:`scow.layer.rights` says, which is not light)."""
_LAYERS = 500  # OVL_MAX_STACK
_OPTIONS: tuple[list[str], ...] = (
    ["userxattr", "volatile"],
    ["userxattr"],
    [],
)  # of Linux 5.11, where volatile is of 5.10
_KEPT = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NOEXEC | linux.MS_NOATIME | linux.MS_NODIRATIME


def mount_rootfs(rootfs: dict[str, Any], target: str, scratch: str) -> None:
    """Mount ``rootfs`` (``{"path"}`` or ``{"lower", "upper", "work", "fleeting"}``) on ``target``.

    Device nodes in it do not work, for a container's root can make them. ``scratch`` is a private directory for what
    old kernels need. Raises :class:`Refused`.
    """
    if "path" in rootfs:
        linux.mount(rootfs["path"], target, None, linux.MS_BIND | linux.MS_REC)
        linux.mount(None, target, None, linux.MS_PRIVATE | linux.MS_REC)
        kept = os.statvfs(target).f_flag & _KEPT
        linux.mount(None, target, None, linux.MS_BIND | linux.MS_REMOUNT | linux.MS_NODEV | kept)
        return
    lower = [_entered(path, scratch, number) for number, path in enumerate(rootfs["lower"])] or [_empty(scratch)]
    if len(lower) > _LAYERS:
        raise Refused("Limit", f"{len(lower)} layers are more than overlayfs takes ({_LAYERS})")
    if rootfs["fleeting"]:
        _forget_earlier(rootfs["work"])
    for options in _OPTIONS[not rootfs["fleeting"] :]:
        try:
            _overlay(lower, rootfs["upper"], rootfs["work"], target, scratch, options)
            return
        except OSError as error:
            if error.errno != errno.EINVAL or not options:
                raise Refused(
                    "Unsupported", f"overlayfs: {error.strerror}", hint="the copying snapshot works"
                ) from None


def _forget_earlier(work: str) -> None:
    """The kernel's mark of an earlier mount that was not written out, which would forbid this one (overlayfs.rst)."""
    try:
        os.unlink(f"{work}/work/incompat/volatile/dirty")
        os.rmdir(f"{work}/work/incompat/volatile")
    except OSError:
        pass  # there is none


def _entered(path: str, scratch: str, number: int) -> str:
    """The directory of a lower tree: what is files of a layer is mounted (EROFS over a file, Linux 6.12)."""
    if os.path.basename(path) != MOUNTABLE:
        return path
    place = f"{scratch}/lower{number}"
    os.makedirs(place, mode=0o700, exist_ok=True)
    before = os.getcwd()
    os.chdir(path)  # options are parted at commas, which its path may hold
    try:
        linux.mount("metadata", place, "erofs", linux.MS_RDONLY, "device=tar")
    except OSError as error:
        raise Refused("Unsupported", f"erofs: {error.strerror}") from None
    finally:
        os.chdir(before)
    return place


def _overlay(lower: list[str], upper: str, work: str, target: str, scratch: str, options: list[str]) -> None:
    try:
        _overlay_by_fd(lower, upper, work, target, options)
    except OSError as error:
        # Before 6.5 there is no "lowerdir+" (EINVAL), before 5.2 no fsopen; the old call tells apart what else it is.
        if error.errno not in (errno.EINVAL, errno.ENOSYS):
            raise
        _overlay_by_links(lower, upper, work, target, scratch, options)


def _overlay_by_fd(lower: list[str], upper: str, work: str, target: str, options: list[str]) -> None:
    context = linux.fsopen("overlay")
    try:
        for path in lower:
            linux.fsconfig(context, "lowerdir+", path)
        linux.fsconfig(context, "upperdir", upper)
        linux.fsconfig(context, "workdir", work)
        for flag in options:
            linux.fsconfig(context, flag)
        linux.fscreate(context)
        mounted = linux.fsmount(context, linux.MOUNT_ATTR_NODEV)
    finally:
        os.close(context)
    try:
        linux.move_mount(mounted, target)
    finally:
        os.close(mounted)


def _overlay_by_links(lower: list[str], upper: str, work: str, target: str, scratch: str, options: list[str]) -> None:
    """mount(2) takes one page of options: short links stand for long paths, which may also hold commas and colons."""
    links = f"{scratch}/l"
    os.makedirs(links, mode=0o700, exist_ok=True)
    for name, path in [("u", upper), ("w", work), *((str(i), p) for i, p in enumerate(lower))]:
        if os.path.islink(f"{links}/{name}"):
            os.unlink(f"{links}/{name}")
        os.symlink(path, f"{links}/{name}")
    before = os.getcwd()
    os.chdir(links)
    try:
        names = ":".join(str(i) for i in range(len(lower)))
        data = ",".join([f"lowerdir={names}", "upperdir=u", "workdir=w", *options])
        linux.mount("overlay", target, "overlay", linux.MS_NODEV, data)
    finally:
        os.chdir(before)


def _empty(scratch: str) -> str:
    path = f"{scratch}/empty"
    os.makedirs(path, mode=0o755, exist_ok=True)
    return path
