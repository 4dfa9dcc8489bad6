"""What a place that holds images can do, in roles of one or a few methods.

pull, push, save, load and copy are one walk (:mod:`scow.content.copy`) from a :class:`Source` to a :class:`Sink`.

A *name* is whatever the place calls an image: a tag or digest at a registry, the familiar reference in a store.
A reader handed out by :meth:`Source.open` is **not** trusted: whoever keeps the bytes checks them against the
descriptor (:mod:`scow.content.verify`).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from scow.oci.descriptor import Descriptor


class Reader(Protocol):
    """A stream of bytes; ``b""`` is the end."""

    def read(self, size: int = -1, /) -> bytes: ...


class Source(Protocol):
    """Where bytes come from."""

    def open(self, descriptor: Descriptor, offset: int = 0) -> AbstractContextManager[Reader]:
        """The bytes of a blob, manifest or index from ``offset`` on. Raises :class:`~scow.errors.NotFound`."""
        ...


class Named(Source, Protocol):
    """A source whose images have names."""

    def resolve(self, name: str) -> Descriptor:
        """The manifest or index that ``name`` means now. Raises :class:`~scow.errors.NotFound`."""
        ...


@runtime_checkable
class Several(Protocol):
    """A source that asks one place after another."""

    def forsake(self, descriptor: Descriptor) -> bool:
        """What came for ``descriptor`` was wrong: whether other places will be asked for it the next time."""
        ...


class Sink(Protocol):
    """Where bytes go. Putting what is already there is not an error."""

    def exists(self, descriptor: Descriptor) -> bool:
        """Whether the bytes are there, and will stay while this command runs."""
        ...

    def push(self, descriptor: Descriptor, source: Source) -> None:
        """Take the bytes of ``descriptor`` from ``source``, verified: all of them, or none."""
        ...

    def tag(self, descriptor: Descriptor, name: str) -> None:
        """Let ``name`` mean ``descriptor``, whose bytes and children are there."""
        ...
