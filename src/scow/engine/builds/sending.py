"""Layers on their way to a registry while the build that makes them goes on: what is left to push is small then."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING

from scow.errors import ScowError
from scow.oci.descriptor import Descriptor
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.image.layer import Layer
    from scow.registry.repository import Repository


class Sending:
    """A context manager, left when everything was sent; left with an error, it sends nothing further.

    One layer after the other, each to the repositories of all ``names``. What goes wrong is not told and ends it: the
    push that follows sends what is missing, and says why it cannot.
    """

    def __init__(self, workplace: Workplace, names: Sequence[str]) -> None:
        self._workplace = workplace
        self._references = [Reference.parse(name) for name in names]
        self._layers: SimpleQueue[Descriptor | None] = SimpleQueue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sending", daemon=True)

    def send(self, layer: Layer) -> None:
        """Send a layer of the image, soon."""
        self._layers.put(layer.descriptor)

    def __enter__(self) -> Sending:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._layers.put(None)
        if kind is None:
            self._thread.join()
        else:  # one may hang on a quiet line: nobody waits for it
            self._stopped.set()

    def _work(self) -> None:
        try:
            repositories = [self._workplace.pushing(reference) for reference in self._references]
            while (layer := self._layers.get()) is not None:
                for repository in repositories:
                    self._send(layer, repository)
        except ScowError:
            pass

    def _send(self, layer: Descriptor, repository: Repository) -> None:
        if not (self._stopped.is_set() or repository.exists(layer)):
            repository.push(layer, self._workplace.store.layout)
