"""A store with busybox in it, for the verbs that need an image to stand on."""

from __future__ import annotations

from pathlib import Path

from tests.support.cli import Scow, bound_scow
from tests.support.rootfs import busybox_tar_path

from scow import Engine

IMAGE = "busybox:latest"


def make_box(directory: Path) -> Scow:
    """The command on a store below ``directory`` that has :data:`IMAGE`."""
    home = directory / "home"
    home.mkdir()
    with busybox_tar_path().open("rb") as tar:
        Engine(directory / "store").images.import_(tar, IMAGE, changes=["ENV FROM_IMAGE=1", 'CMD ["echo", "its CMD"]'])
    return bound_scow(directory / "store", home)
