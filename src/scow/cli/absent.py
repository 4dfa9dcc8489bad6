"""docker's verbs that scow has not, and why: who types one is told more than that it is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Absent(NamedTuple):
    """Why there is no such verb, and what to do instead."""

    why: str
    hint: str


_CLUSTER = Absent("scow runs containers on this machine only", "scow run, scow create and scow start")
_EVENTS = Absent("no daemon sees what all commands do", "scow wait, scow logs -f and scow ps tell of containers")
_PLUG = Absent("a container is on the one network it was made for", "scow run --network NAME")
_BUILDERS = Absent("there is no builder to choose: the command builds by itself", "scow build")

ABSENT: Mapping[str, Absent] = {
    "buildx bake": Absent("bake files are not read", "scow build once for each target"),
    "buildx create": _BUILDERS,
    "buildx imagetools": Absent("it has another name here", "scow manifest inspect, scow manifest create, scow copy"),
    "buildx inspect": _BUILDERS,
    "buildx ls": _BUILDERS,
    "buildx rm": _BUILDERS,
    "buildx stop": _BUILDERS,
    "buildx use": _BUILDERS,
    "checkpoint": Absent("processes are not saved", "scow commit keeps the files of a container"),
    "compose": Absent("compose files are not read", "scow run once for each service, on one scow network"),
    "config": _CLUSTER,
    "context": Absent("there is no daemon to choose", "scow --root DIR is another store"),
    "events": _EVENTS,
    "network connect": _PLUG,
    "network disconnect": _PLUG,
    "node": _CLUSTER,
    "plugin": Absent("there are no plugins", "volumes are local, logs are json-file, networks are scow's own"),
    "scout": Absent("it has another name here", "scow scan, scow sbom, scow advise"),
    "search": Absent("registries cannot be searched", "scow tags REPOSITORY lists what one repository has"),
    "secret": _CLUSTER,
    "service": _CLUSTER,
    "stack": _CLUSTER,
    "swarm": _CLUSTER,
    "system dial-stdio": Absent("there is no daemon to speak to", "scow runs where it is started: ssh HOST scow …"),
    "system events": _EVENTS,
    "trust": Absent("images are not signed", "NAME@DIGEST names the very bytes"),
    "volume update": _CLUSTER,
}
"""The words after ``docker`` -> why."""
