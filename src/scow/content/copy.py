"""The one walk between two targets: children before parents, layers side by side, nothing sent that is there."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Literal

import msgspec

from scow.content.disk import Full
from scow.content.target import Reader, Several, Sink, Source
from scow.content.verify import read_document
from scow.errors import Integrity, Invalid, Limit
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.manifest import Index, Manifest, parse

_DEPTH_LIMIT = 8
_NODES_LIMIT = 10_000
_DOCUMENTS_LIMIT = 32 << 20
#: Seconds that an interrupted walk gives its threads.
_MOMENT = 0.5


class Progress(msgspec.Struct, frozen=True):
    """What happened to one blob: ``done`` of its ``descriptor.size`` bytes are there. Told by the thread that moves it:
    several at a time."""

    descriptor: Descriptor
    state: Literal["waiting", "exists", "moving", "done"]
    done: int = 0


Watch = Callable[[Progress], None]
#: Puts the root, whose children are there.
Put = Callable[[Descriptor, Source], None]
Children = Callable[[Descriptor, Manifest | Index], tuple[Descriptor, ...]]


def all_children(descriptor: Descriptor, document: Manifest | Index) -> tuple[Descriptor, ...]:
    """Everything the document names, but for foreign layers, which live elsewhere."""
    return tuple(child for child in document.children if not media_types.is_foreign(child.media_type))


def reachable(root: Descriptor, below: Callable[[Descriptor], Iterable[Descriptor]]) -> Iterator[Descriptor]:
    """``root`` and what lies below it, each once: indexes may come to the same image on any number of ways."""
    todo, seen = [root], {root.digest}
    while todo:
        node = todo.pop()
        yield node
        fresh = {child.digest: child for child in below(node) if child.digest not in seen}
        seen.update(fresh)
        todo += fresh.values()


def copy(
    source: Source,
    sink: Sink,
    root: Descriptor,
    *,
    jobs: int = 4,
    watch: Watch = lambda progress: None,
    children: Children = all_children,
    put: Put | None = None,
) -> None:
    """Bring ``root`` and everything below it from ``source`` to ``sink``; the caller gives it a name then, unless
    ``put`` takes the root and does so.

    A manifest is only put once its children are there, so a sink never holds one that cannot be used. Raises what the
    two ends raise; the first error ends the walk.
    """
    remembering = _Remembering(source)
    levels = list(_levels(remembering, root, children))
    for level in reversed(levels[1:] if put else levels):
        _side_by_side(level, jobs, partial(_one, remembering, sink, watch))
    if put:
        watch(Progress(root, "waiting"))
        put(root, remembering)
        watch(Progress(root, "done", root.size))


def _side_by_side(nodes: list[Descriptor], jobs: int, work: Callable[[Descriptor, _Stop], None]) -> None:
    """Do ``work`` for each node on ``jobs`` threads, all of which are waited for; the first error ends the others.

    Only for a moment by a user who has had enough: they take away what they were writing, but one may hang on a quiet
    line. Plain threads, as the library's pools bring logging along.
    """
    left, errors, stop = deque(nodes), list[BaseException](), _Stop()
    if len(nodes) == 1:
        work(nodes[0], stop)
        return
    ended = threading.Semaphore(0)

    def serve() -> None:
        with contextlib.suppress(IndexError):
            while not stop.is_set():
                node = left.popleft()
                try:
                    work(node, stop)
                except BaseException as error:
                    errors.append(error)
                    stop.full |= isinstance(error, Full)
                    stop.set()
        ended.release()

    threads = [threading.Thread(target=serve, name=f"copy_{n}", daemon=True) for n in range(min(jobs, len(nodes)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        stop.set()
        for _ in threads:  # of a join that was interrupted, Python says that the thread has ended
            ended.acquire(timeout=_MOMENT / len(threads))
        raise
    finally:
        stop.set()
    if errors:
        raise next((error for error in errors if not isinstance(error, _Stopped)), errors[0])


def _levels(source: Source, root: Descriptor, children: Children) -> Iterator[list[Descriptor]]:
    """The graph by distance from the root, each node once, at its deepest."""
    seen: dict[str, tuple[int, Descriptor]] = {root.digest: (0, root)}
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > _DEPTH_LIMIT:
            raise Limit(f"indexes nest more than {_DEPTH_LIMIT} deep", subject=str(root.digest))
        found: dict[str, Descriptor] = {}
        for node in level:
            if media_types.is_document(node.media_type):
                document = parse(read_document(source, node), node.media_type, str(node.digest))
                found.update({child.digest: child for child in children(node, document)})
        seen.update({digest: (depth, child) for digest, child in found.items()})
        if len(seen) > _NODES_LIMIT:
            raise Limit(f"image has more than {_NODES_LIMIT} parts", subject=str(root.digest))
        level = list(found.values())
    by_depth: dict[int, list[Descriptor]] = {}
    for at, node in seen.values():
        by_depth.setdefault(at, []).append(node)
    yield from (by_depth[at] for at in sorted(by_depth))


def _one(source: _Remembering, sink: Sink, watch: Watch, node: Descriptor, stop: _Stop) -> None:
    watch(Progress(node, "waiting"))
    if sink.exists(node):
        watch(Progress(node, "exists", node.size))
        return
    while True:
        try:
            sink.push(node, _Counted(source, watch, stop))
            break
        except (Integrity, Invalid, Limit):
            if not source.forsake(node):
                raise
    watch(Progress(node, "done", node.size))


class _Stop(threading.Event):
    """Whether the walk is over; ``full`` when that is because the disk is: what the others wrote is in the way."""

    full = False


class _Stopped(Exception):
    """Another part of the copy failed: this one need not go on."""


class _Remembering:
    """A source asked once for each document, however often the walk needs it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._documents: dict[str, bytes] = {}
        self._room = _DOCUMENTS_LIMIT

    def forsake(self, descriptor: Descriptor) -> bool:
        """As the source, if it asks several places."""
        return isinstance(self._source, Several) and self._source.forsake(descriptor)

    @contextlib.contextmanager
    def open(self, descriptor: Descriptor, offset: int = 0) -> Iterator[Reader]:
        """As the source, or from memory."""
        if not media_types.is_document(descriptor.media_type):
            with self._source.open(descriptor, offset) as reader:
                yield reader
            return
        if descriptor.digest not in self._documents:
            self._room -= descriptor.size
            if self._room < 0:
                raise Limit("image has too many manifests", subject=str(descriptor.digest))
            self._documents[descriptor.digest] = read_document(self._source, descriptor)
        yield io.BytesIO(self._documents[descriptor.digest][offset:])


class _Counted:
    """A source that tells how far its readers are, and ends them when the walk is over."""

    def __init__(self, source: Source, watch: Watch, stop: _Stop) -> None:
        self._source, self._watch, self._stop = source, watch, stop

    @contextlib.contextmanager
    def open(self, descriptor: Descriptor, offset: int = 0) -> Iterator[Reader]:
        """As the source, counted."""
        with self._source.open(descriptor, offset) as reader:
            yield _CountedReader(reader, descriptor, offset, self._watch, self._stop)


class _CountedReader:
    def __init__(self, reader: Reader, descriptor: Descriptor, at: int, watch: Watch, stop: _Stop) -> None:
        self._reader, self._descriptor, self._at = reader, descriptor, at
        self._watch, self._stop = watch, stop

    def read(self, size: int = -1, /) -> bytes:
        if self._stop.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if self._stop.full else _Stopped
        data = self._reader.read(size)
        self._at += len(data)
        if data:
            self._watch(Progress(self._descriptor, "moving", self._at))
        return data
