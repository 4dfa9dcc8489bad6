"""docker's flags about what a container may do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from scow.cli.options import each, option, switch, together
from scow.dockerfile.truths import TRUTHS
from scow.errors import Invalid, Unsupported
from scow.runtime.spec.options import Device

_APPARMOR = "/sys/kernel/security/apparmor"
_SELINUX = "/sys/fs/selinux/enforce"


def _device(text: str) -> Device:
    """``/dev/x``, ``/dev/x:/dev/y``, ``/dev/x:rw``, ``/dev/x:/dev/y:rw``."""
    source, *rest = text.split(":")
    access = rest.pop() if rest and rest[-1] and set(rest[-1]) <= set("rwm") else "rwm"
    if len(rest) > 1 or not source:
        raise Invalid(f"invalid device specification: {text}")
    return Device(source, rest[0] if rest else source, access)


_NAMESPACES = {"cgroupns": ("", "private", "host"), "uts": ("", "private", "host"), "userns": ("", "host")}

_string = partial(option, default="", metavar="string")
_list = partial(option, multiple=True, metavar="list")
security_flags = together(
    _string("--cgroupns", help="private or host"),
    _list("--device", callback=each(_device), help="Let it use a device, or a directory's (/dev/x[:/dev/y[:rwm]])"),
    _list("--group-add", help="One more group for its processes"),
    _string("--ipc", help="private, shareable, host, none or container:NAME"),
    _string("--pid", help="host or container:NAME: whose processes it sees"),
    switch("--privileged", help="Every capability and device, no filter of system calls, nothing masked"),
    _list("--security-opt", help="seccomp=FILE|unconfined, no-new-privileges, systempaths=unconfined"),
    option("--sysctl", multiple=True, metavar="map",
           help="A setting of the kernel for its namespaces (net.core.somaxconn=1024)"),
    _string("--userns", help="host: this user's own, which is what every container has"),
    _string("--uts", help="private, or host: this machine's host name"),
)  # fmt: skip


def security_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the flags come to, as fields of :class:`~scow.runtime.spec.options.Options`."""
    for name, known in _NAMESPACES.items():
        if given[name] not in known:
            wanted = f"--{name} {given[name]}"
            raise Unsupported(f"{wanted} is not supported", hint=", ".join(filter(None, known)))
    return {
        "privileged": given["privileged"],
        "devices": given["device"],
        "group_add": given["group_add"],
        "sysctls": given["sysctl"],
        "ipc": given["ipc"],
        "pid": given["pid"],
        "uts": given["uts"],
        "cgroupns": given["cgroupns"],
        **_security(given["security_opt"]),
    }


def _security(texts: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        name, separator, value = _cut(text)
        if name == "no-new-privileges" and (not separator or value in TRUTHS):
            found["no_new_privileges"] = TRUTHS[value] if separator else True
        elif name == "seccomp" and value:
            found["seccomp"] = value if value == "unconfined" else _profile(value)
        elif (name, value) == ("systempaths", "unconfined"):
            found["unmasked"] = True
        elif name in ("apparmor", "label") and value:
            _check_module(text, name, value)
        else:
            raise Invalid(f'invalid --security-opt: "{text}"')
    return found


def _cut(text: str) -> tuple[str, str, str]:
    """docker takes ``=``, and ``:`` as of old."""
    at = min((at for at in (text.find("="), text.find(":")) if at >= 0), default=len(text))
    return text[:at], text[at : at + 1], text[at + 1 :]


def _check_module(text: str, name: str, value: str) -> None:
    """scow confines nothing by a security module; what asks for that is told, what asks for less is fine."""
    if value in ("unconfined", "disable"):
        return
    there = os.path.exists(_APPARMOR if name == "apparmor" else _SELINUX)
    why = "is not used by scow" if there else "is not there on this machine"
    raise Unsupported(f"{'AppArmor' if name == 'apparmor' else 'SELinux'} {why}", subject=f"--security-opt {text}")


def _profile(path: str) -> str:
    if path.lstrip().startswith("{"):
        return path
    from scow.cli.userfiles import text  # most starts name none

    return text(path)
