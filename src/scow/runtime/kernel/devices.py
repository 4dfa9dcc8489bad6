"""The devices of this machine that a container may use, as a runtime-spec has them."""

from __future__ import annotations

import os
import stat
from typing import Any

from scow.errors import Denied, Invalid, NotFound
from scow.runtime.spec.options import Device, Options

_OWN = ("pts", "shm", "mqueue", "fd", "console", "ptmx", "core", "stdin", "stdout", "stderr")
"""What every container has of its own in /dev."""


def told_devices(options: Options, *, user_namespace: bool) -> list[dict[str, Any]]:
    """``linux.devices``: those asked for, and all there are for a privileged container.

    In a user namespace no node can be made: there the host's own is mounted, and so it has to be one that this process
    may open. Raises :class:`NotFound`, :class:`Invalid` and :class:`Denied`.
    """
    asked = (node for device in options.devices for node in _nodes(device))
    found = {device.target: _told(device, user_namespace) for device in asked}
    if options.privileged:
        for path in _beneath("/dev"):
            if path not in found and not (user_namespace and not os.access(path, os.R_OK)):
                found[path] = _told(Device(path, path), user_namespace)
    return list(found.values())


def _nodes(device: Device) -> list[Device]:
    """The device, or all those in the directory that it is."""
    if not os.path.isdir(device.source):
        return [device]
    top = device.source.rstrip("/")
    found = [Device(path, device.target.rstrip("/") + path.removeprefix(top), device.access) for path in _beneath(top)]
    return found or [device]


def _beneath(top: str) -> list[str]:
    """The nodes below ``top`` that are no container's own."""
    found = []
    for directory, names, files in os.walk(top):
        names[:] = [name for name in names if directory != "/dev" or name not in _OWN]
        for name in files:
            path = f"{directory}/{name}"
            if not (directory == "/dev" and name in _OWN) and _kind(os.lstat(path)):
                found.append(path)
    return found


def _kind(status: os.stat_result) -> str:
    return "c" if stat.S_ISCHR(status.st_mode) else "b" if stat.S_ISBLK(status.st_mode) else ""


def _told(device: Device, user_namespace: bool) -> dict[str, Any]:
    if not device.target.startswith("/") or ".." in device.target.split("/"):
        raise Invalid("is no path of a container", subject=device.target)
    if not device.access or not set(device.access) <= set("rwm"):
        raise Invalid("invalid device mode", subject=device.access, hint="letters of rwm")
    try:
        status = os.stat(device.source)
    except OSError:
        raise NotFound(f"error gathering device information: no such file or directory: {device.source}") from None
    if not _kind(status):
        raise Invalid(f"not a device node: {device.source}")
    if user_namespace and not os.access(device.source, os.R_OK):
        raise Denied("may not be opened by this user", subject=device.source)
    return {
        "path": device.target,
        "type": _kind(status),
        "major": os.major(status.st_rdev),
        "minor": os.minor(status.st_rdev),
        "fileMode": stat.S_IMODE(status.st_mode),
        "uid": 0 if user_namespace else status.st_uid,
        "gid": 0 if user_namespace else status.st_gid,
        "source": os.path.realpath(device.source),
    }
