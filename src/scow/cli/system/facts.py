"""PURE. ``info`` and ``version`` as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scow.cli.units import binary_size
from scow.oci.platform import Platform

if TYPE_CHECKING:
    from scow.engine.values import Version

RUNGS: Mapping[int, str] = {
    1: "full: as root, with every namespace",
    2: "rootless: a user namespace with a range of ids",
    3: "rootless: a user namespace with one id",
    4: "chroot only: no namespaces here",
}
"""The rungs of isolation, best first."""


def info_text(document: Mapping[str, Any]) -> str:
    """docker's two blocks; each reason why isolation is not better is a warning at the end."""
    here = document["Isolation"]
    lines = [
        "Client:",
        f" Version:    {document['ServerVersion']}",
        "",
        "Store:",
        f" Containers: {document['Containers']}",
        f"  Running: {document['ContainersRunning']}",
        f"  Paused: {document['ContainersPaused']}",
        f"  Stopped: {document['ContainersStopped']}",
        f" Images: {document['Images']}",
        f" Storage Driver: {document['Driver']}",
        f" Cgroup Version: {document['CgroupVersion']}",
        f" Default Runtime: {document['DefaultRuntime']}",
        f" Isolation: {_isolation(here)}",
        *(f"  {reason}" for reason in here["Reasons"]),
        f" Kernel Version: {document['KernelVersion']}",
        f" OSType: {document['OSType']}",
        f" Architecture: {document['Architecture']}",
        f" CPUs: {document['NCPU']}",
        f" Total Memory: {binary_size(document['MemTotal'])}",
        f" Name: {document['Name']}",
        f" Root Dir: {document['DockerRootDir']}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _isolation(here: Mapping[str, Any]) -> str:
    rung = here["Rung"]
    return f"{RUNGS[rung]} (rung {rung} of {len(RUNGS)})" if here["Able"] else "no containers here"


def version_document(version: Version) -> dict[str, Any]:
    """docker's document; there is no server."""
    architecture = Platform(version.machine, version.os).normalised().architecture
    own = {"Version": version.version, "PythonVersion": version.python, "Os": version.os, "Arch": architecture}
    return {"Client": {"Name": version.name, **own}, "Server": None}


def version_text(document: Mapping[str, Any]) -> str:
    """docker's ``Client:`` block."""
    client = document["Client"]
    return (
        "Client:\n"
        f" Version:           {client['Version']}\n"
        f" Python version:    {client['PythonVersion']}\n"
        f" OS/Arch:           {client['Os']}/{client['Arch']}\n"
    )
