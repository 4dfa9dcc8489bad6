"""The volumes of a new container: found or made, and filled from its image."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from scow.engine.containers.origins import options_of
from scow.engine.texts import rfc3339
from scow.engine.volumes.records import Volume, check_name
from scow.errors import Invalid
from scow.runtime.spec.options import Mount, Options

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.image.image import Image


@contextlib.contextmanager
def with_volumes(workplace: Workplace, options: Options, image: Image) -> Iterator[Options]:
    """``options`` with a directory for every volume, those of the image's VOLUME among them.

    No volume is taken away until the block, which puts the container on record, ends; when it fails, the anonymous
    volumes go again. Raises :class:`Invalid`.
    """
    asked = [*_of_others(workplace, options.volumes_from), *map(_anonymous, sorted(image.config.process.volumes or ()))]
    mounts = tuple({_clean(mount.target): mount for mount in (*reversed(asked), *map(_named, options.mounts))}.values())
    if not any(mount.kind == "volume" for mount in mounts):
        yield options
        return
    made: list[Mount] = []
    with workplace.volumes.held():
        try:
            made += (_placed(workplace, mount, image) for mount in mounts)
            yield msgspec.structs.replace(options, mounts=tuple(made))
        except BaseException:
            for before, mount in zip(mounts, made, strict=False):
                if mount.name and not before.name:
                    workplace.volumes.remove(mount.name)
            raise


def _placed(workplace: Workplace, mount: Mount, image: Image) -> Mount:
    if mount.kind != "volume" or mount.source:
        return mount
    if mount.name:
        check_name(mount.name)
    now = rfc3339(time.time())
    volume = workplace.volumes.add(Volume(mount.name or os.urandom(32).hex(), now, anonymous=not mount.name))
    directory = workplace.volumes.directory(volume.name)
    if not mount.no_copy and not os.listdir(directory):
        from scow.image.filling import fill

        fill(image.layers, workplace.store, mount.target, directory)
    return msgspec.structs.replace(mount, name=volume.name, source=str(directory))


def _named(mount: Mount) -> Mount:
    """A volume's name may stand as its source, as docker has it."""
    if mount.kind != "volume" or mount.name or "/" in mount.source:
        return mount
    return msgspec.structs.replace(mount, name=mount.source, source="")


def _anonymous(target: str) -> Mount:
    return Mount("volume", "", target)


def _of_others(workplace: Workplace, names: Sequence[str]) -> Iterator[Mount]:
    """The mounts of other containers, without their tmpfs."""
    for text in names:
        name, _, mode = text.partition(":")
        words = mode.split(",") if mode else []
        if not set(words) <= {"ro", "rw", "z", "Z"} or {"ro", "rw"} <= set(words) or len(words) > 2:
            raise Invalid(f"invalid mode: {mode}", subject=f"--volumes-from {text}")
        for mount in options_of(workplace.containers.find(name)).mounts:
            if mount.kind != "tmpfs":
                yield msgspec.structs.replace(mount, read_only=mount.read_only or "ro" in words)


def _clean(target: str) -> str:
    return "/".join(part for part in target.split("/") if part not in ("", "."))
