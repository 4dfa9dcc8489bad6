"""Capabilities: the kernel's numbers, docker's default set, and what --cap-add and --cap-drop make of it. Pure."""

from __future__ import annotations

# include/uapi/linux/capability.h, by number.
NAMES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
    "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip

DEFAULT = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
)  # fmt: skip


def chosen(add: tuple[str, ...], drop: tuple[str, ...], possible: int | None = None) -> tuple[str, ...]:
    """The set in effect, in the kernel's order; ALL in ``drop`` starts from nothing, in ``add`` from everything.

    ``possible`` is the mask of what the caller can hand on: the rest of the set that nobody asked for by name is left
    out. Raises :class:`Invalid` for an unknown name.
    """
    added, dropped = {_name(n) for n in add}, {_name(n) for n in drop}
    base = set(NAMES) if "ALL" in added else set() if "ALL" in dropped else set(DEFAULT)
    named = added - {"ALL"}
    wanted = (base | named) - (dropped - {"ALL"} - named)
    return tuple(n for i, n in enumerate(NAMES) if n in wanted and (possible is None or possible >> i & 1))


def mask(names: tuple[str, ...] | list[str]) -> int:
    """The names as bits."""
    return sum(1 << NAMES.index(name) for name in names)


def spelled(text: str) -> str:
    """A name as the kernel spells it: ``net_raw`` is CAP_NET_RAW; and ALL."""
    name = text.upper()
    return name if name == "ALL" or name.startswith("CAP_") else f"CAP_{name}"


def _name(text: str) -> str:
    full = spelled(text)
    if full != "ALL" and full not in NAMES:
        from scow.errors import Invalid  # here, because the launcher loads this module for the numbers alone

        raise Invalid("unknown capability", subject=text)
    return full
