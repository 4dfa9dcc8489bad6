"""A place to write on top of an image's layers: a container's, or a build step's.

:class:`Stacked` has overlayfs keep what is written apart. :class:`Copied` is a whole copy, for kernels and stores where
overlayfs cannot be had; what was written is found by comparing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from scow.image import rootfs
from scow.image.layer import Layer
from scow.image.store import Store
from scow.layer.rootfs import Directory, Overlay, Rootfs

if TYPE_CHECKING:
    from scow.layer.diff import Owners
    from scow.layer.pack import Item
    from scow.layer.view import View

#: The flavour of trees where one id stands for all, and the mark beside what was written so.
_ORDINARY, _ONE_ID = "ordinary", "one-id"


class Writable(Protocol):
    """What a process is started on."""

    @property
    def rootfs(self) -> Rootfs:
        """What to mount."""
        ...

    @property
    def tree(self) -> Path | None:
        """A directory that holds what was written, and nothing else, in a layer tree's form."""
        ...

    def changes(self, latest: int | None = None) -> Iterator[Item]:
        """What was written, as a changeset; ``latest`` (ns) is a ceiling for times."""
        ...


class Stacked:
    """overlayfs over the layers' trees, written to ``directory/upper``; ``kind`` is of what it has in any case
    (:data:`~scow.image.rootfs.PLACES`)."""

    def __init__(self, store: Store, layers: Sequence[Layer], directory: Path, kind: str = "places") -> None:
        self._store, self._layers, self._kind = store, layers, kind
        self.tree: Path | None = directory / "upper"
        self._upper, self._work = directory / "upper", directory / "work"

    def make(self) -> None:
        """Make the writable directory, with the look of the image's root."""
        for made in (self._upper, self._work):
            made.mkdir(parents=True)
        rootfs.style(self._upper, rootfs.root_entry(self._layers, self._store))

    @property
    def rootfs(self) -> Overlay:
        """The trees to stack, unpacked when they are not yet."""
        lower = rootfs.stack(self._layers, self._store)
        lower = rootfs.with_mount_points(lower, self._layers, self._store, self._kind)
        return Overlay(lower, self._upper, self._work)

    def changes(self, latest: int | None = None) -> Iterator[Item]:
        """What is in the upper directory; nothing before the first start."""
        from scow.layer.diff import changes

        if not self._upper.is_dir():
            return iter(())
        view = partial(rootfs.view, self._layers, self._store)
        owners = _owners(self._store, self._upper.parent, view)
        return changes(str(self._upper), owners, latest=latest)


class Copied:
    """All files, in ``directory/rootfs``."""

    tree: Path | None = None

    def __init__(self, store: Store, layers: Sequence[Layer], directory: Path) -> None:
        self._store, self._layers = store, layers
        self._root = directory / "rootfs"

    def make(self) -> None:
        """Write every file of the image."""
        self._root.mkdir(parents=True)
        rootfs.write(self._layers, self._store, self._root)

    @property
    def rootfs(self) -> Directory:
        """The copy."""
        return Directory(self._root)

    def changes(self, latest: int | None = None) -> Iterator[Item]:
        """What is not as the image has it."""
        from scow.layer.compare import changes

        before = rootfs.view(self._layers, self._store)
        return changes(str(self._root), before, _owners(self._store, self._root.parent, lambda: before), latest=latest)


def writable(store: Store, layers: Sequence[Layer], directory: Path, *, stacks: bool, kind: str = "places") -> Writable:
    """A new place to write in ``directory``; ``stacks`` says whether overlayfs can be had there, ``kind`` what is
    there in any case (:data:`~scow.image.rootfs.PLACES`)."""
    made = Stacked(store, layers, directory, kind) if stacks else Copied(store, layers, directory)
    made.make()
    if store.layers.flavour == _ORDINARY:
        (directory / _ONE_ID).touch()  # for a start on a higher rung: what was written before has no owners
    return made


def reopened(store: Store, layers: Sequence[Layer], directory: Path) -> Writable:
    """The place that was made in ``directory`` earlier."""
    if (directory / "rootfs").is_dir():
        return Copied(store, layers, directory)
    return Stacked(store, layers, directory)


def _owners(store: Store, directory: Path, view: Callable[[], View]) -> Owners:
    """Whose files are: as the disk has it, or, where one id stands for all, as the image had it."""
    from scow.layer.diff import on_disk, remembered

    one_id = store.layers.flavour == _ORDINARY or (directory / _ONE_ID).exists()
    return remembered(view()) if one_id else on_disk
