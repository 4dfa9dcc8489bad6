"""What docker's templates see though its JSON leaves it out: fields that nobody set, and Go's own spellings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
