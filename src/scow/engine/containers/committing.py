"""``diff`` and ``commit``: what a container wrote, listed, or made into a layer of a new image."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from scow.build.metadata import changed_process
from scow.engine.containers import origins, starting
from scow.engine.containers.hostconfig import places
from scow.engine.containers.pausing import held
from scow.engine.containers.records import Settings
from scow.image import mutate, rootfs
from scow.image.add import add_layer
from scow.image.image import Image
from scow.image.put import add_image
from scow.oci.config import document, parse
from scow.oci.descriptor import Descriptor
from scow.oci.documents import encode
from scow.runtime.spec.keeping import healthcheck
from scow.runtime.spec.process import DEFAULT_PATH, environment

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.image.writable import Writable
    from scow.layer.entry import Entry
    from scow.layer.pack import Item


class Change(msgspec.Struct, frozen=True):
    """One path that a container changed: ``A`` added, ``C`` changed, ``D`` deleted."""

    kind: Literal["A", "C", "D"]
    path: str


def diff(workplace: Workplace, settings: Settings) -> tuple[Change, ...]:
    """What it changed of its image, by path; what a hidden directory had counts as deleted. As in docker's, a directory
    that only has another time is as it was."""
    image = origins.image_of(workplace, settings)
    with workplace.store.layout.working():
        view = rootfs.view(image.layers, workplace.store)
        found: dict[str, Change] = {}
        same: set[str] = set()
        for entry, _ in _written(workplace, settings, image):
            path = f"/{os.fsdecode(entry.path)}"
            if entry.kind == "opaque":
                for below in view.walk(entry.path):
                    if below.entry.path != entry.path:
                        gone = f"/{os.fsdecode(below.entry.path)}"
                        found.setdefault(gone, Change("D", gone))
            elif entry.kind == "whiteout":
                found[path] = Change("D", path)
            else:
                before = view.find(entry.path)
                found[path] = Change("C" if before else "A", path)
                if before and _same_directory(before.entry, entry):
                    same.add(path)
    return _without_times(found, same)


def _same_directory(one: Entry, other: Entry) -> bool:
    """Whether both are a directory, and only its time differs."""
    looks = [(entry.mode, entry.uid, entry.gid, entry.xattrs) for entry in (one, other)]
    return one.kind == other.kind == "dir" and looks[0] == looks[1]


def _without_times(found: Mapping[str, Change], same: Collection[str]) -> tuple[Change, ...]:
    """The changes by path, without the directories that look the ``same`` and have none beneath."""
    kept: list[Change] = []
    parents: set[str] = set()
    for path in sorted(found, reverse=True):
        if path not in same or path in parents:
            kept.append(found[path])
            parents.add(os.path.dirname(path))
    return tuple(reversed(kept))


def commit(
    workplace: Workplace, settings: Settings, *, author: str, message: str, changes: Sequence[str], pause: bool
) -> Descriptor:
    """The manifest of an image with what it wrote as one more layer; its owners are the image's where only one id is
    mapped, and the container's everywhere else."""
    store = workplace.store
    image = origins.image_of(workplace, settings)
    with store.layout.working(), held(workplace, settings, wanted=pause):
        items = list(_written(workplace, settings, image))
        layer = add_layer(store.layout, store.layers, items) if items else None
        workplace.containers.find(settings.id)  # who removed it meanwhile took files away that are missing there
    old = document(image.raw_config)
    old["config"] = {**(old.get("config") or {}), **_process(settings, image)}
    created = starting.now()
    step = mutate.Step(" ".join(settings.args), created, layer, message, author)
    process = {"Cmd": None, **changed_process(changes, parse(encode(old)))}  # which a new entrypoint takes away
    config = mutate.edited(old, [step], created=created, **process)
    if author:
        config["author"] = author
    layers = [*(one.descriptor for one in image.layers), *([layer.descriptor] if layer else [])]
    return add_image(store.layout, config, layers)


def _process(settings: Settings, image: Image) -> dict[str, Any]:
    """How the container was started, as its image would have to say it."""
    options, process = origins.options_of(settings), image.config.process
    asked = settings.keeping.health
    check = asked and healthcheck(asked, process.healthcheck)
    default = f"PATH={DEFAULT_PATH}"
    env = [one for one in environment(process.env or (), options.env, "", False) if one != default or process.env]
    fields: dict[str, Any] = {
        "Env": env or None,
        "Labels": settings.labels or None,
        "User": options.user,
        "WorkingDir": options.workdir,
        "StopSignal": options.stop_signal,
        "Healthcheck": msgspec.to_builtins(check) if check else None,
        **places(process, options),
    }
    if options.entrypoint is not None:
        fields |= {"Entrypoint": list(options.entrypoint) or None, "Cmd": list(options.args) or None}
    elif options.args:
        fields["Cmd"] = list(options.args)
    return {name: value for name, value in fields.items() if value or name in ("Cmd", "Entrypoint")}


def _written(workplace: Workplace, settings: Settings, image: Image) -> Iterator[Item]:
    home = workplace.containers.home(settings.id)
    if not ((home / "upper").is_dir() or (home / "rootfs").is_dir()):
        return iter(())
    place: Writable = origins.place_of(workplace, settings, image)
    return place.changes()
