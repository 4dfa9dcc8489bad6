"""What every target keeps to, as checks to run over your own: one suite, many implementations.

Each check takes the target in the state it names and raises ``AssertionError`` where the target breaks its word::

    @pytest.mark.parametrize("check", contract.SINK, ids=lambda check: check.__name__)
    def test_my_sink(check):
        check(MySink())
"""

# ruff: noqa: S101 - a suite of checks asserts

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

from scow.content.target import Named, Reader, Sink, Source
from scow.errors import Integrity, NotFound, Unavailable
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.documents import encode
from scow.oci.manifest import Index, Manifest


class Memory:
    """A source over a dictionary: blobs by digest and names. It counts what it is asked for."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.names: dict[str, Descriptor] = {}
        #: ``(digest, offset)`` of each :meth:`open`, and the bytes handed out for each digest.
        self.opened: list[tuple[str, int]] = []
        self.read: dict[str, int] = {}
        #: Digest → how many bytes come before the line goes dead, once.
        self.breaks: dict[str, int] = {}

    def add(self, data: bytes, media_type: str = "application/octet-stream") -> Descriptor:
        """Hold ``data``; returns what names it."""
        descriptor = Descriptor.of(media_type, data)
        self.blobs[descriptor.digest] = data
        return descriptor

    def image(self, layers: Iterable[Descriptor], config: bytes = b"{}") -> Descriptor:
        """Hold a manifest that joins a config and ``layers``."""
        manifest = Manifest(2, self.add(config, media_types.OCI_CONFIG), tuple(layers), media_types.OCI_MANIFEST)
        return self.add(encode(manifest), media_types.OCI_MANIFEST)

    def index(self, manifests: Iterable[Descriptor]) -> Descriptor:
        """Hold an index of ``manifests``."""
        return self.add(encode(Index(2, tuple(manifests), media_types.OCI_INDEX)), media_types.OCI_INDEX)

    def resolve(self, name: str) -> Descriptor:
        """What ``name`` means."""
        if name not in self.names:
            raise NotFound("no such image", subject=name)
        return self.names[name]

    @contextlib.contextmanager
    def open(self, descriptor: Descriptor, offset: int = 0) -> Iterator[Reader]:
        """The bytes from ``offset`` on, a few at a time."""
        if descriptor.digest not in self.blobs:
            raise NotFound("no such content", subject=descriptor.digest)
        self.opened.append((descriptor.digest, offset))
        yield _Dripping(self, descriptor.digest, offset)


class _Dripping:
    def __init__(self, memory: Memory, digest: str, offset: int) -> None:
        self._memory, self._digest = memory, digest
        self._file = io.BytesIO(memory.blobs[digest][offset:])

    def read(self, size: int = -1, /) -> bytes:
        memory = self._memory
        room = memory.breaks.get(self._digest)
        if room == 0:
            del memory.breaks[self._digest]
            raise Unavailable("the line went dead", subject=self._digest)
        wanted = min(size if size >= 0 else 65536, 65536, room if room is not None else 65536)
        data = self._file.read(wanted)
        if room is not None:
            memory.breaks[self._digest] = room - len(data)
        memory.read[self._digest] = memory.read.get(self._digest, 0) + len(data)
        return data


class Target(Sink, Named, Protocol):
    """Both ends in one, as a store is."""


_DATA: Final = bytes(range(256)) * 2000


def a_blob_comes_out_as_it_went_in(target: Target) -> None:
    """``push`` then ``open``, of one blob and of an empty one."""
    for data in (_DATA, b"x", b""):
        memory = Memory()
        blob = memory.add(data)
        assert not target.exists(blob)
        target.push(blob, memory)
        assert target.exists(blob)
        assert _all(target, blob) == data


def a_blob_is_read_from_an_offset(target: Target) -> None:
    """``open`` with an offset, up to the very end."""
    memory = Memory()
    blob = memory.add(_DATA)
    target.push(blob, memory)
    for offset in (0, 1, 1000, len(_DATA) - 1, len(_DATA)):
        assert _all(target, blob, offset) == _DATA[offset:]


def readers_do_not_disturb_each_other(target: Target) -> None:
    """Two readers of the same blob, turn by turn."""
    memory = Memory()
    blob = memory.add(_DATA)
    target.push(blob, memory)
    with target.open(blob) as one, target.open(blob, 100) as other:
        assert one.read(1) == _DATA[:1]
        assert other.read(1) == _DATA[100:101]
        assert one.read(1) == _DATA[1:2]


def putting_twice_is_no_error(target: Target) -> None:
    """``push`` of what is there."""
    memory = Memory()
    blob = memory.add(_DATA)
    target.push(blob, memory)
    target.push(blob, memory)
    assert _all(target, blob) == _DATA


def what_is_not_there_is_not_found(target: Target) -> None:
    """``open`` and ``resolve`` of nothing."""
    nothing = Descriptor.of("application/octet-stream", b"nobody has this")
    assert not target.exists(nothing)
    _raises(NotFound, lambda: _all(target, nothing))
    _raises(NotFound, lambda: target.resolve("no/such:image"))


def wrong_bytes_leave_nothing(target: Target) -> None:
    """A source whose bytes are not what the descriptor says, in content or in length."""
    for wrong in (_DATA[:-1] + b"?", _DATA[:-1], _DATA + b"?", b""):
        memory = Memory()
        blob = memory.add(_DATA)
        memory.blobs[blob.digest] = wrong
        _raises(Integrity, lambda blob=blob, memory=memory: target.push(blob, memory))  # type: ignore[misc]
        assert not target.exists(blob)
        _raises(NotFound, lambda blob=blob: _all(target, blob))  # type: ignore[misc]
    memory = Memory()
    blob = memory.add(_DATA)
    target.push(blob, memory)
    assert _all(target, blob) == _DATA


def a_broken_line_is_told_and_the_next_try_succeeds(target: Target) -> None:
    """A source that ends in the middle with an error."""
    memory = Memory()
    blob = memory.add(_DATA)
    memory.breaks[blob.digest] = len(_DATA) // 2
    _raises(Unavailable, lambda: target.push(blob, memory))
    assert not target.exists(blob)
    target.push(blob, memory)
    assert _all(target, blob) == _DATA


def a_name_means_what_it_was_last_told(target: Target) -> None:
    """``tag``, ``resolve`` and ``tag`` again."""
    memory = Memory()
    first, second = (memory.image([], config) for config in (b"{}", b'{"os":"linux"}'))
    for image in (first, second):
        config = Descriptor.of(media_types.OCI_CONFIG, b"{}" if image is first else b'{"os":"linux"}')
        target.push(config, memory)
        target.push(image, memory)
        target.tag(image, "one")
        assert target.resolve("one").digest == image.digest
    target.tag(first, "two")
    assert target.resolve("one").digest == second.digest
    assert target.resolve("two").digest == first.digest
    assert target.resolve("two").size == first.size
    assert target.resolve("two").media_type == first.media_type


Check = Callable[[Target], None]

#: Each takes an empty target of its own.
TARGET: Final[tuple[Check, ...]] = (
    a_blob_comes_out_as_it_went_in,
    a_blob_is_read_from_an_offset,
    readers_do_not_disturb_each_other,
    putting_twice_is_no_error,
    what_is_not_there_is_not_found,
    wrong_bytes_leave_nothing,
    a_broken_line_is_told_and_the_next_try_succeeds,
    a_name_means_what_it_was_last_told,
)


def source_holds(source: Named, name: str, expected: Memory) -> None:
    """``source`` has, below ``name``, exactly what ``expected`` has: for read-only ends such as archives."""
    root = source.resolve(name)
    assert root.digest == expected.names[name].digest
    for digest, data in expected.blobs.items():
        blob = Descriptor("application/octet-stream", Descriptor.of("", data).digest, len(data))
        assert blob.digest == digest
        assert _all(source, blob) == data
        assert _all(source, blob, len(data) // 2) == data[len(data) // 2 :]
    _raises(NotFound, lambda: source.resolve("no/such:image"))
    _raises(NotFound, lambda: _all(source, Descriptor.of("", b"nobody has this")))


def _all(source: Source, descriptor: Descriptor, offset: int = 0) -> bytes:
    parts: list[bytes] = []
    with source.open(descriptor, offset) as reader:
        while part := reader.read(1 << 16):
            parts.append(part)
    return b"".join(parts)


def _raises(kind: type[Exception], call: Callable[[], object]) -> None:
    try:
        call()
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was not raised")
