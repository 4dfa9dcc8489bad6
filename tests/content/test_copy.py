"""The walk between two targets: in order, side by side, nothing twice, bounded, and honest about errors."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from scow.content import copy as copying
from scow.content.archive import write
from scow.content.copy import Progress, copy
from scow.content.ingest import Growing
from scow.content.layout import Layout
from scow.content.referrers import documents
from scow.content.target import Reader, Source
from scow.errors import Denied, Integrity, Limit, NotFound, ScowError, Unavailable
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.documents import encode
from scow.oci.manifest import Index, Manifest
from scow.testing.contract import Memory


class Recorded:
    """A sink that remembers the order of what it was given, and how many came at once."""

    def __init__(self, slow: float = 0) -> None:
        self.pushed: list[str] = []
        self.asked: list[str] = []
        self.there: set[str] = set()
        self.fails: dict[str, ScowError] = {}
        self.at_once = self.most_at_once = 0
        self._slow = slow
        self._guard = threading.Lock()

    def exists(self, descriptor: Descriptor) -> bool:
        self.asked.append(descriptor.digest)
        return descriptor.digest in self.there

    def push(self, descriptor: Descriptor, source: Source) -> None:
        with self._guard:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if descriptor.digest in self.fails:
                raise self.fails[descriptor.digest]
            with source.open(descriptor) as reader:
                while reader.read(1000):
                    time.sleep(self._slow)
        finally:
            with self._guard:
                self.at_once -= 1
        with self._guard:
            self.pushed.append(descriptor.digest)
            self.there.add(descriptor.digest)

    def tag(self, descriptor: Descriptor, name: str) -> None:
        raise AssertionError("copy gives no names")


def two_platforms(memory: Memory) -> tuple[Descriptor, Descriptor, Descriptor, list[Descriptor]]:
    """An index of two images that share their lowest layer: ``(index, one, other, layers)``."""
    layers = [memory.add(b"layer %d" % number * 500, media_types.OCI_LAYER_GZIP) for number in range(3)]
    one = memory.image([layers[0], layers[1]], b'{"os":"linux"}')
    other = memory.image([layers[0], layers[2]], b'{"os":"plan9"}')
    return memory.index([one, other]), one, other, layers


def test_children_come_before_what_names_them() -> None:
    memory, sink = Memory(), Recorded()
    index, one, other, layers = two_platforms(memory)
    copy(memory, sink, index)
    assert sorted(sink.pushed) == sorted(memory.blobs)
    place = {digest: at for at, digest in enumerate(sink.pushed)}
    for manifest in (one, other):
        assert place[manifest.digest] < place[index.digest]
        assert place[layers[0].digest] < place[manifest.digest]
    assert sink.pushed[-1] == index.digest


def test_nothing_is_sent_or_read_twice() -> None:
    memory, sink = Memory(), Recorded()
    index, *_ = two_platforms(memory)
    copy(memory, sink, index)
    assert len(sink.pushed) == len(set(sink.pushed))
    assert len(memory.opened) == len({digest for digest, _ in memory.opened}) == len(memory.blobs)
    before = list(sink.pushed)
    copy(memory, sink, index)
    assert sink.pushed == before


def test_only_what_is_missing_is_read() -> None:
    memory, sink = Memory(), Recorded()
    index, one, _, layers = two_platforms(memory)
    copy(memory, sink, one)
    memory.opened.clear()
    copy(memory, sink, index)
    read = {digest for digest, _ in memory.opened}
    assert layers[0].digest not in read
    assert layers[2].digest in read


def test_layers_go_side_by_side_but_no_more_than_told() -> None:
    for jobs in (1, 3):
        memory, sink = Memory(), Recorded(slow=0.002)
        layers = [memory.add(bytes([number]) * 20_000, media_types.OCI_LAYER) for number in range(8)]
        copy(memory, sink, memory.image(layers), jobs=jobs)
        assert sink.most_at_once == jobs


def test_the_same_node_at_two_depths_comes_before_both() -> None:
    memory, sink = Memory(), Recorded()
    image = memory.image([])
    inner = memory.index([image])
    outer = memory.index([image, inner])
    copy(memory, sink, outer)
    assert sink.pushed[-3:] == [image.digest, inner.digest, outer.digest]


def test_progress_is_told_to_the_end() -> None:
    memory, sink, told = Memory(), Recorded(), list[Progress]()
    layer = memory.add(b"x" * 5000, media_types.OCI_LAYER)
    there = memory.add(b"y" * 10, media_types.OCI_LAYER)
    sink.there.add(there.digest)
    copy(memory, sink, memory.image([layer, there]), watch=told.append)
    mine = [(each.state, each.done) for each in told if each.descriptor.digest == layer.digest]
    assert mine[0] == ("waiting", 0)
    assert mine[-1] == ("done", 5000)
    assert [done for state, done in mine if state == "moving"] == [1000, 2000, 3000, 4000, 5000]
    assert [each.state for each in told if each.descriptor.digest == there.digest] == ["waiting", "exists"]


def test_children_may_be_chosen() -> None:
    memory, sink = Memory(), Recorded()
    index, one, other, _ = two_platforms(memory)

    def only_one(descriptor: Descriptor, document: Manifest | Index) -> tuple[Descriptor, ...]:
        return tuple(child for child in document.children if child.digest != other.digest)

    copy(memory, sink, index, children=only_one)
    assert one.digest in sink.pushed
    assert other.digest not in sink.pushed


def test_foreign_layers_stay_where_they_are() -> None:
    memory, sink = Memory(), Recorded()
    foreign = Descriptor.of("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", b"not here")
    copy(memory, sink, memory.image([foreign]))
    assert foreign.digest not in sink.pushed


def test_the_error_of_either_end_comes_out() -> None:
    memory = Memory()
    layers = [memory.add(bytes([number]) * 50_000, media_types.OCI_LAYER) for number in range(6)]
    image = memory.image(layers)
    sink = Recorded(slow=0.001)
    sink.fails[layers[2].digest] = Denied("no", subject="sink")
    with pytest.raises(Denied):
        copy(memory, sink, image, jobs=3)
    assert image.digest not in sink.pushed
    sink = Recorded(slow=0.001)
    memory.breaks[layers[4].digest] = 3000
    with pytest.raises(Unavailable):
        copy(memory, sink, image, jobs=3)
    assert image.digest not in sink.pushed
    sink = Recorded()
    sink.fails[layers[0].digest] = Denied("no")
    memory.breaks[layers[1].digest] = 0
    with pytest.raises((Denied, Unavailable)):
        copy(memory, sink, image, jobs=2)


def test_an_error_ends_the_others_soon() -> None:
    memory, sink = Memory(), Recorded(slow=0.01)
    slow = memory.add(b"s" * 2_000_000, media_types.OCI_LAYER)
    bad = memory.add(b"b", media_types.OCI_LAYER)
    sink.fails[bad.digest] = Denied("no")
    began = time.monotonic()
    with pytest.raises(Denied):
        copy(memory, sink, memory.image([slow, bad]), jobs=2)
    assert time.monotonic() - began < 5
    assert slow.digest not in sink.pushed


def test_a_missing_child_is_told_and_its_manifest_is_not_put() -> None:
    memory, sink = Memory(), Recorded()
    gone = Descriptor.of(media_types.OCI_LAYER, b"gone")
    image = memory.image([gone])
    with pytest.raises(NotFound):
        copy(memory, sink, image)
    assert image.digest not in sink.pushed


def test_a_manifest_that_is_not_its_digest_is_refused() -> None:
    memory, sink = Memory(), Recorded()
    image = memory.image([])
    memory.blobs[image.digest] = memory.blobs[image.digest].replace(b"2", b"3", 1)
    with pytest.raises(Integrity):
        copy(memory, sink, image)
    assert sink.pushed == []


def test_indexes_nest_only_so_deep() -> None:
    memory = Memory()
    node = memory.image([])
    for _ in range(20):
        node = memory.index([node])
    with pytest.raises(Limit):
        copy(memory, Recorded(), node)


def test_a_graph_that_doubles_at_each_level_is_walked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, sink = Memory(), Recorded()
    node = memory.image([])
    for _ in range(5):
        node = memory.index([node] * 200)
    began = time.monotonic()
    copy(memory, sink, node)
    assert len(sink.pushed) == len(memory.blobs)
    assert time.monotonic() - began < 5
    monkeypatch.setattr(copying, "_NODES_LIMIT", 5)
    with pytest.raises(Limit):
        copy(memory, Recorded(), node)


def test_what_is_beside_the_walk_looks_at_each_document_of_such_a_graph_once(tmp_path: Path) -> None:
    memory = Memory()
    image = node = memory.image([memory.add(b"layer", media_types.OCI_LAYER)])
    for _ in range(3):
        node = memory.index([node] * 10)
    assert len(list(documents(memory, node))) == len(memory.opened) + 1 == 4
    layout = Layout(tmp_path)
    layout.create()
    copy(memory, layout, node)
    output = io.BytesIO()
    with mock.patch.object(layout, "read", wraps=layout.read) as read:
        write(layout, [(node, ())], output, {node.digest: image})
    assert read.call_count == len({*map(repr, read.call_args_list)}) + 1 == 5  # the image's once more: for docker


class Snake:
    """A source whose index always names another one: there is no end to it."""

    def __init__(self) -> None:
        self.opened = 0
        self._memory = Memory()

    def open(self, descriptor: Descriptor, offset: int = 0) -> object:
        self.opened += 1
        body = encode(Index(2, (descriptor,), media_types.OCI_INDEX))
        self._memory.blobs[descriptor.digest] = body
        return self._memory.open(descriptor, offset)


def test_an_index_that_names_itself_is_refused() -> None:
    snake = Snake()
    with pytest.raises((Integrity, Limit)):
        copy(snake, Recorded(), Descriptor(media_types.OCI_INDEX, Descriptor.of("", b"").digest, 100))  # type: ignore[arg-type]
    assert snake.opened == 1


class Endless(Recorded):
    """Reads one byte again and again; sends this process a signal meanwhile, and notes that it was left."""

    def push(self, descriptor: Descriptor, source: Source) -> None:
        try:
            for _ in range(100_000):
                with source.open(descriptor) as reader:
                    reader.read(1)
                os.kill(os.getpid(), signal.SIGUSR1)
                time.sleep(0.01)
        finally:
            time.sleep(0.05)
            self.pushed.append(descriptor.digest)


def test_an_interrupted_walk_lets_its_threads_take_away_what_they_wrote() -> None:
    memory, sink = Memory(), Endless()
    blobs = [memory.add(b"%d" % number) for number in range(3)]
    asked: list[int] = []

    def end(number: int, _: object) -> None:
        asked.append(number)
        if len(asked) == 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, end)
    try:
        with pytest.raises(KeyboardInterrupt):
            copy(memory, sink, memory.image(blobs, b"{}"))
        assert sink.pushed
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_documents_over_the_limit_are_not_read() -> None:
    memory = Memory()
    big = memory.add(b" " * (5 << 20), media_types.OCI_MANIFEST)
    with pytest.raises(Limit):
        copy(memory, Recorded(), big)
    assert memory.opened == []


def test_many_large_manifests_are_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_DOCUMENTS_LIMIT", 1000)
    memory = Memory()
    images = [memory.image([], b'{"os":"%d"}' % number) for number in range(20)]
    with pytest.raises(Limit):
        copy(memory, Recorded(), memory.index(images))


class Parallel(Memory):
    """Of two layers, one comes in whole when some of the other, which never ends, has come."""

    def __init__(self) -> None:
        super().__init__()
        self.last = self.add(b"the last bytes there was no room for", media_types.OCI_LAYER)
        self.endless = Descriptor(media_types.OCI_LAYER, Digest.of(b"endless"), 1 << 40)
        self.manifest = self.image([self.endless, self.last])
        self._begun = threading.Event()

    @contextlib.contextmanager
    def open(self, descriptor: Descriptor, offset: int = 0) -> Iterator[Reader]:
        if descriptor == self.endless:
            yield _Endless(self._begun)
            return
        assert descriptor != self.last or self._begun.wait(60)
        with super().open(descriptor, offset) as reader:
            yield reader


class _Endless:
    def __init__(self, begun: threading.Event) -> None:
        self._begun, self._reads = begun, 0

    def read(self, size: int = -1, /) -> bytes:
        self._reads += 1
        if self._reads > 1:  # the first is written
            self._begun.set()
            time.sleep(0.01)
        return b"x"


@pytest.mark.parametrize(("number", "stays"), [(errno.ENOSPC, 0), (errno.EIO, 1)], ids=["full", "broken"])
def test_a_full_disk_keeps_no_parts(number: int, stays: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the next pull could go on from is in everybody's way until there is room."""
    source, layout, written = Parallel(), Layout(tmp_path), Growing.write

    def refuse(growing: Growing, data: bytes) -> None:
        if data in source.blobs.values() and Descriptor.of(media_types.OCI_LAYER, data) == source.last:
            raise OSError(number, os.strerror(number))
        written(growing, data)

    monkeypatch.setattr(Growing, "write", refuse)
    with pytest.raises(Unavailable):
        copy(source, layout, source.manifest)
    assert len(list(layout.ingest.iterdir())) == stays


def test_into_a_real_store_twice(tmp_path: Path) -> None:
    memory = Memory()
    index, *_ = two_platforms(memory)
    layout = Layout(tmp_path / "store")
    for _ in range(2):
        copy(memory, layout, index)
    assert {digest for digest, _ in layout.blobs()} == set(memory.blobs)
    other = Layout(tmp_path / "other")
    copy(layout, other, index)
    assert {digest for digest, _ in other.blobs()} == set(memory.blobs)
