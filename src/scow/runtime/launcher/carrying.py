"""The carrier: a process in a container's file system, running or not, that packs or unpacks a tar stream. Light.

It sees what the container sees, mounts and all, and its root directory is the container's, so that no link of the
container leads out. It enters as a joiner does, or mounts the root file system of a container that does not run in a
mount namespace of its own. The standard library is all it uses, and that is loaded before it enters.
"""

from __future__ import annotations

import bz2  # noqa: F401 - these three are for archives that are compressed
import lzma  # noqa: F401
import os
import stat
import sys
import zlib  # noqa: F401

from scow.runtime.kernel import linux
from scow.runtime.launcher import joining, launch, sandbox_mounts, tarstream
from scow.runtime.launcher.mounting import mount_rootfs
from scow.runtime.wire import CONTROL, Refused, send, send_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

_ALL_MODES = 0o7777


def main(plan: dict[str, Any]) -> NoReturn:
    """Carry, and say how it went."""
    code = 1
    try:
        _enter(plan)
        _VERBS[plan["verb"]](plan)
        send(CONTROL, {"done": True})
        code = 0
    except Exception as error:
        send_error(CONTROL, _told(error))
    os._exit(code)


def _told(error: Exception) -> Refused:
    if isinstance(error, tarstream.Refusal):
        return Refused("Invalid", str(error))
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Refused("NotFound", "no such file or directory", str(error.filename or ""))
    return Refused.by(error)


def _enter(plan: dict[str, Any]) -> None:
    if "pid" in plan:
        place = joining.Place(plan["pid"], plan["born"], chroot=plan["chroot"])
        place.enter_first()
        place.enter_rest()
        return
    launch.new_namespaces(plan)
    if plan["chroot"]:
        os.chroot(plan["rootfs"]["path"])
    else:
        _mount(plan)
    os.chdir("/")
    sys.meta_path.clear()
    sys.path.clear()


def _mount(plan: dict[str, Any]) -> None:
    linux.mount(None, "/", None, linux.MS_PRIVATE | linux.MS_REC)
    mount_rootfs(plan["rootfs"], plan["target"], plan["directory"])
    root = os.open(plan["target"], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for mount in plan["mounts"]:
        sandbox_mounts.mount_one(root, mount)
    os.fchdir(root)
    linux.pivot_root(".", ".")
    linux.umount(".", linux.MNT_DETACH)
    os.close(root)


def _pack(plan: dict[str, Any]) -> None:
    """Tell what is there, and write it to standard output as its own name."""
    path = "/" + plan["path"].lstrip("/")
    name = os.path.basename(path)  # of a directory's contents, "."
    inside = path.endswith(("/", "/."))
    if plan["follow"] or inside:
        path = os.path.realpath(path)
        name = name if name == "." else os.path.basename(path)
    is_directory = stat.S_ISDIR(os.stat(path, follow_symlinks=False).st_mode)
    if inside and not is_directory:
        raise Refused("Invalid", "not a directory", plan["path"])
    name = name or "."
    send(CONTROL, {"name": name, "directory": is_directory})
    with os.fdopen(1, "wb", closefd=False) as output:
        tarstream.pack(path, name, output)


def _unpack(plan: dict[str, Any]) -> None:
    """Read a tar from standard input; its one top is the source of the copy, unless it is an archive of the user's."""
    directory, rename = _destination(plan)
    send(CONTROL, {"ready": True})
    with os.fdopen(0, "rb", closefd=False) as archive:
        tarstream.unpack(archive, directory, rename, mask=_ALL_MODES, owners=plan["owners"], nodes=True)


def _destination(plan: dict[str, Any]) -> tuple[int, Callable[[str], str | None]]:
    path = "/" + plan["path"].lstrip("/")
    directory, rename = destination(path, plan["source"])
    return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), rename


def destination(path: str, source: dict[str, Any] | None) -> tuple[str, Callable[[str], str | None]]:
    """docker's rules of where a copy goes: a directory, and what the members of the archive are called in it.

    ``source`` is ``{"name", "directory", "contents"}``; None means an archive, which goes into the directory ``path``.
    """
    real = os.path.realpath(path)
    there = os.path.exists(real)
    if source is None or (there and os.path.isdir(real)):
        if not os.path.isdir(real):
            raise Refused("Invalid", "not a directory" if there else "no such directory", path)
        if source is None:
            return real, lambda name: name
        return real, _renamed(source["name"], "" if source["contents"] else source["name"])
    if there and source["directory"]:
        raise Refused("Invalid", "cannot copy directory", path)
    if path.endswith(("/", "/.")) and (there or not source["directory"]):
        raise Refused("Invalid", "not a directory" if there else "no such directory", path)
    above = os.path.dirname(real)
    if not os.path.isdir(above):
        raise Refused("NotFound", "no such directory", above)
    return above, _renamed(source["name"], os.path.basename(real))


def _renamed(old: str, new: str) -> Callable[[str], str | None]:
    def rename(name: str) -> str | None:
        if name == old:
            return new
        return f"{new}/{name[len(old) + 1 :]}" if name.startswith(f"{old}/") else None

    return rename


_VERBS = {"pack": _pack, "unpack": _unpack}
