"""What a container comes from, out of its settings: its options, its image, what that says, where it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from scow.engine.containers.records import Settings
from scow.image.image import Image, load
from scow.image.writable import Writable, reopened, writable
from scow.oci.config import Healthcheck
from scow.oci.known import known
from scow.runtime.spec.keeping import healthcheck, in_effect
from scow.runtime.spec.options import Options
from scow.runtime.spec.signals import signal_number

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace


def stop_signal(workplace: Workplace, settings: Settings) -> int:
    """What asks it to end: the user's choice, or its image's, or SIGTERM."""
    return signal_number(options_of(settings).stop_signal or image_of(workplace, settings).config.process.stop_signal)


def health_of(workplace: Workplace, settings: Settings) -> Healthcheck | None:
    """The health check in effect."""
    return in_effect(healthcheck(settings.keeping.health, image_of(workplace, settings).config.process.healthcheck))


def options_of(settings: Settings) -> Options:
    """The options a container was made with."""
    return msgspec.convert(settings.spec, known(Options))


def image_of(workplace: Workplace, settings: Settings) -> Image:
    """The image a container stands on."""
    return load(workplace.store.layout, settings.manifest)


def place_of(workplace: Workplace, settings: Settings, image: Image) -> Writable:
    """Where it writes; made at the first start."""
    home, store = workplace.containers.home(settings.id), workplace.store
    if (home / "upper").is_dir() or (home / "rootfs").is_dir():
        return reopened(store, image.layers, home)
    return writable(store, image.layers, home, stacks=workplace.stacks)
