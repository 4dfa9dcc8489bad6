"""What docker's templates see and its JSON does not show: what kind of thing a null is, fields that nobody set, and
Go's own spellings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scow.cli.gotemplate.values import Entries, NilEntries, NilList

#: maps with keys of the user's own
_MAPS = frozenset({
    "Annotations", "Containers", "Data", "DriverOpts", "ExposedPorts", "Labels", "Networks", "Options",
    "PortBindings", "Ports", "StorageOpt", "Sysctls", "Tmpfs", "Volumes",
})  # fmt: skip

#: what is a pointer in docker, and so prints as nothing does
_POINTERS = frozenset({
    "Health", "Healthcheck", "IPAMConfig", "Init", "MemorySwappiness", "OomKillDisable", "PidsLimit", "SizeRootFs",
    "SizeRw", "StopTimeout",
})  # fmt: skip
_UNSET: Mapping[str, Mapping[str, Any]] = {
    "State": {"Health": None},
    "Config": {
        "ArgsEscaped": False,
        "ExposedPorts": {},
        "Healthcheck": None,
        "MacAddress": "",
        "NetworkDisabled": False,
        "Shell": [],
        "StopSignal": "",
        "StopTimeout": None,
    },
    "HostConfig": {"Annotations": {}, "Init": None, "Mounts": [], "StorageOpt": {}, "Sysctls": {}, "Tmpfs": {}},
}
_SPELLINGS: Mapping[str, Mapping[str, str]] = {
    "HostConfig": {"DNS": "Dns", "DNSOptions": "DnsOptions", "DNSSearch": "DnsSearch", "NanoCPUs": "NanoCpus",
                   "CPUPeriod": "CpuPeriod", "CPUQuota": "CpuQuota", "CPUShares": "CpuShares"},
}  # fmt: skip


def typed(value: Any, name: str = "") -> Any:
    """A document with the nulls that are lists and maps in Go (``{{.Config.Entrypoint}}`` prints ``[]``), and with
    maps that say of any key that it has no value (``{{.Config.Labels.team}}``)."""
    if isinstance(value, Mapping):
        fields = {key: typed(item, key) for key, item in value.items()}
        return Entries(fields) if name in _MAPS else fields
    if isinstance(value, list):
        return [typed(item) for item in value]
    if value is None and name not in _POINTERS:
        return NilEntries() if name in _MAPS else NilList()
    return value


def with_unset(document: Mapping[str, Any]) -> dict[str, Any]:
    """``document`` as docker's own values have it: ``{{if .State.Health}}`` is no mistake where nothing is checked."""
    whole = {"SizeRw": None, "SizeRootFs": None, "ID": document.get("Id"), **document}
    for part, fields in _UNSET.items():
        if isinstance(there := document.get(part), Mapping):
            spelled = {go: there[name] for go, name in _SPELLINGS.get(part, {}).items() if name in there}
            whole[part] = {**fields, **spelled, **there}
    if document.get("Mounts"):
        whole["Mounts"] = [{"Name": "", "Driver": "", **mount} for mount in document["Mounts"]]
    return whole
