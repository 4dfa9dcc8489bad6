"""A source in front of a store: what is read comes to the store first, verified, and is read there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from scow.content.layout import Layout
from scow.content.target import Reader, Source
from scow.oci.descriptor import Descriptor


class Through:
    """``source``, each blob of which is fetched once however often it is read."""

    def __init__(self, source: Source, layout: Layout) -> None:
        self._source, self._layout = source, layout

    @contextlib.contextmanager
    def open(self, descriptor: Descriptor, offset: int = 0) -> Iterator[Reader]:
        """The store's copy, brought there when it is missing."""
        if not self._layout.exists(descriptor):
            self._layout.push(descriptor, self._source)
        with self._layout.open(descriptor, offset) as file:
            yield file
