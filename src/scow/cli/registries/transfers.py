"""The events of a copy between two targets, as the lines docker prints of each layer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from scow.oci.media_types import LAYERS

if TYPE_CHECKING:
    from scow.cli.progress import Display
    from scow.content.copy import Progress


class Words(NamedTuple):
    """What is said of a layer: when its turn comes, before its first byte, while it moves, and of how it ended."""

    waiting: str
    first: str
    moving: str
    done: str
    exists: str


PULL = Words("", "Pulling fs layer", "Downloading", "Pull complete", "Already exists")
PUSH = Words("Preparing", "", "Pushing", "Pushed", "Layer already exists")
COPY = Words("", "Copying blob", "Copying", "Copied", "Already there")
LOAD = Words("", "", "Loading layer", "Loaded", "Already exists")


class Transfer:
    """The ``watch`` of one pull, push or load; called from any thread.

    ``heading`` is printed when the first event comes, so that a copy that never began has none. Layers that are there
    already are told once another one moves, or by :meth:`settle`: an image that is up to date has nothing to tell.
    """

    def __init__(self, display: Display, words: Words, heading: Sequence[str] = ()) -> None:
        self._display, self._words = display, words
        self._heading = list(heading)
        self._there: list[str] = []
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, progress: Progress) -> None:
        with self._lock:
            self.begin()
            if progress.descriptor.media_type in LAYERS:
                self._layer(progress.descriptor.digest.short, progress)

    def begin(self) -> None:
        """Print the heading, once."""
        while self._heading:
            self._display.update("", self._heading.pop(0))

    def settle(self) -> None:
        """Tell what was there already."""
        while self._there:
            self._display.update(self._there.pop(0), self._words.exists)

    def _layer(self, item: str, progress: Progress) -> None:
        if progress.state == "waiting":
            self._say(item, self._words.waiting)
        elif progress.state == "exists":
            self._there.append(item)
        else:
            self.settle()
            if item not in self._seen:
                self._seen.add(item)
                self._say(item, self._words.first)
            if progress.state == "moving":
                self._display.update(item, self._words.moving, progress.done, progress.descriptor.size)
            else:
                self._say(item, self._words.done)

    def _say(self, item: str, status: str) -> None:
        if status:
            self._display.update(item, status)
