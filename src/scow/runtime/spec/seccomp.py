"""The system calls a container may make: docker's default profile in effect, as a runtime-spec document. Pure.

Everything the kernel has is allowed except what is named here. A call newer than :mod:`syscalls` gets ENOSYS (an OCI
runtime adds that itself), so that programs fall back; a refused one gets EPERM.
"""

from __future__ import annotations

from typing import Any

import msgspec

from scow.errors import Invalid
from scow.oci.known import known
from scow.runtime.spec.bpf import ACTIONS
from scow.runtime.spec.syscalls import NUMBERS

EPERM, ENOSYS = 1, 38

# Any one of these capabilities allows these calls; nothing allows the last ones.
_REFUSED: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("CAP_SYS_ADMIN",),
        "fanotify_init fsconfig fsmount fsopen fspick listmount lookup_dcookie mount mount_setattr move_mount open_tree"
        " open_tree_attr quotactl quotactl_fd setdomainname sethostname setns statmount umount umount2"
        " unshare",
    ),
    (("CAP_SYS_ADMIN", "CAP_BPF"), "bpf"),
    (("CAP_SYS_ADMIN", "CAP_PERFMON"), "perf_event_open"),
    (("CAP_SYS_ADMIN", "CAP_SYSLOG"), "syslog"),
    (("CAP_SYS_MODULE",), "delete_module finit_module init_module"),
    (("CAP_SYS_RAWIO",), "ioperm iopl"),
    (("CAP_SYS_TIME",), "clock_settime clock_settime64 settimeofday stime"),
    (("CAP_SYS_NICE",), "get_mempolicy set_mempolicy mbind set_mempolicy_home_node"),
    (("CAP_SYS_BOOT",), "reboot"),
    (("CAP_SYS_PACCT",), "acct"),
    (("CAP_SYS_PTRACE",), "kcmp"),
    (("CAP_DAC_READ_SEARCH",), "open_by_handle_at"),
    (("CAP_SYS_TTY_CONFIG",), "vhangup"),
    (
        (),
        "_sysctl add_key afs_syscall create_module get_kernel_syms getpmsg io_uring_enter io_uring_register"
        " io_uring_setup kexec_file_load kexec_load keyctl lsm_get_self_attr lsm_list_modules lsm_set_self_attr"
        " migrate_pages move_pages nfsservctl pivot_root putpmsg query_module request_key security swapoff swapon"
        " sysfs tuxcall uselib userfaultfd ustat vm86 vm86old"
        " vserver",
    ),
)
REFUSED = {name: capabilities for capabilities, names in _REFUSED for name in names.split()}

# Allowed under a condition on one argument: (index, value, mask or None, op). docker's own cases.
NEW_NAMESPACES = 0x7E020000
PERSONALITIES = (0x0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)
AF_VSOCK = 40
# Only the machine's own: an OCI runtime compiles every rule once for each.
ARCHITECTURES = {"x86_64": ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86"), "aarch64": ("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM")}
_ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}


class _Condition(msgspec.Struct, frozen=True, rename="camel"):
    index: int
    value: int
    op: str
    value_two: int = 0


class _Holds(msgspec.Struct, frozen=True):
    caps: tuple[str, ...] | None = None
    arches: tuple[str, ...] | None = None


class _Rule(msgspec.Struct, frozen=True):
    action: str
    names: tuple[str, ...] | None = None
    name: str = ""
    args: tuple[_Condition, ...] | None = None
    errno: int | None = msgspec.field(name="errnoRet", default=None)
    includes: _Holds = _Holds()
    excludes: _Holds = _Holds()


class _Profile(msgspec.Struct, frozen=True):
    """docker's own form of a profile: rules may depend on capabilities and machines."""

    default: str = msgspec.field(name="defaultAction")
    syscalls: tuple[_Rule, ...] = ()
    default_errno: int | None = msgspec.field(name="defaultErrnoRet", default=None)


CONDITIONAL = ("clone", "clone3", "personality", "socket")


def allowed(capabilities: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """The calls that need no look at their arguments, in alphabetical order."""
    held = set(capabilities)
    free = (n for n in NUMBERS if n not in CONDITIONAL and (n not in REFUSED or held & set(REFUSED[n])))
    return tuple(sorted(free))


def profile(capabilities: tuple[str, ...] | list[str], machine: str = "x86_64") -> dict[str, Any]:
    """``linux.seccomp`` of a runtime-spec for a process that holds ``capabilities``."""
    rules: list[dict[str, Any]] = [{"names": list(allowed(capabilities)), "action": "SCMP_ACT_ALLOW"}]
    rules += [_when("personality", value, "SCMP_CMP_EQ") for value in PERSONALITIES]
    rules.append(_when("socket", AF_VSOCK, "SCMP_CMP_NE"))
    if "CAP_SYS_ADMIN" in capabilities:
        rules.append({"names": ["clone", "clone3"], "action": "SCMP_ACT_ALLOW"})
    else:
        rules.append(_when("clone", NEW_NAMESPACES, "SCMP_CMP_MASKED_EQ", 0))
        # clone3's flags are behind a pointer: ENOSYS makes libraries use clone.
        rules.append({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS})
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": EPERM,
        "architectures": list(ARCHITECTURES.get(machine, ())),
        "syscalls": rules,
    }


def chosen(asked: str, privileged: bool, capabilities: tuple[str, ...], machine: str) -> dict[str, Any] | None:
    """The profile in effect: None is none; ``asked`` is "", "unconfined" or the text of a profile.

    Raises :class:`Invalid`.
    """
    if asked == "unconfined" or (privileged and not asked):
        return None
    return given(asked, capabilities, machine) if asked else profile(capabilities, machine)


def given(text: str, capabilities: tuple[str, ...] | list[str], machine: str) -> dict[str, Any]:
    """A profile as docker's users write it, for a process that holds ``capabilities``; raises :class:`Invalid`."""
    try:
        document = msgspec.json.decode(text, type=known(_Profile))
    except msgspec.MsgspecError as error:
        raise Invalid(f"decoding seccomp profile failed: {error}") from None
    held, here = set(capabilities), _ARCHES.get(machine, machine)
    rules = []
    for rule in document.syscalls:
        if not _applies(rule, held, here):
            continue
        names = rule.names or ((rule.name,) if rule.name else ())
        made: dict[str, Any] = {"names": list(names), "action": _action(rule.action)}
        if rule.args:
            made["args"] = [msgspec.to_builtins(argument) for argument in rule.args]
        if rule.errno is not None:
            made["errnoRet"] = rule.errno
        rules.append(made)
    told: dict[str, Any] = {"defaultAction": _action(document.default), "syscalls": rules}
    if document.default_errno is not None:
        told["defaultErrnoRet"] = document.default_errno
    return {**told, "architectures": list(ARCHITECTURES.get(machine, ()))}


def _applies(rule: _Rule, held: set[str], machine: str) -> bool:
    includes, excludes = rule.includes, rule.excludes
    return not (
        (includes.caps and not set(includes.caps) <= held)
        or (includes.arches and machine not in includes.arches)
        or set(excludes.caps or ()) & held
        or machine in (excludes.arches or ())
    )


def _action(name: str) -> str:
    if name not in ACTIONS:
        raise Invalid("is not an action of a seccomp profile that can be followed", subject=name)
    return name


def _when(name: str, value: int, op: str, two: int | None = None) -> dict[str, Any]:
    argument: dict[str, Any] = {"index": 0, "value": value, "op": op}
    if two is not None:
        argument["valueTwo"] = two
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": [argument]}
