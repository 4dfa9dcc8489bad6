"""A carrier (:mod:`scow.runtime.launcher.carrying`) as its starter sees it: a tar stream out of it, or in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from scow.errors import Unavailable
from scow.runtime import wire
from scow.runtime.child import told
from scow.runtime.spawn import start


@contextlib.contextmanager
def outgoing(plan: dict[str, Any]) -> Iterator[tuple[dict[str, Any], BinaryIO]]:
    """What is at the path (``{"name", "directory"}``), and its tar. Raises what the carrier met."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    stream = os.fdopen(reader, "rb")
    # Twice: closed before a carrier is waited for that writes to it, and when none could be started.
    with stream, _carrier(plan, [None, writer, None], (writer,)) as channel, stream:
        yield _answer(channel), stream
        while stream.read(1 << 20):
            pass
        _answer(channel)


@contextlib.contextmanager
def incoming(plan: dict[str, Any]) -> Iterator[BinaryIO]:
    """Where to write the tar; what the carrier met is raised at the end."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    with _carrier(plan, [reader, None, None], (reader,)) as channel:
        try:
            with os.fdopen(writer, "wb") as stream:
                _answer(channel)
                with contextlib.suppress(BrokenPipeError):  # the carrier says why
                    yield stream
                    stream.flush()
        except BrokenPipeError:
            pass
        _answer(channel)


@contextlib.contextmanager
def _carrier(plan: dict[str, Any], streams: list[int | None], theirs: tuple[int, ...]) -> Iterator[int]:
    try:
        process, ours = start("carrying", plan, streams)
    finally:
        for fd in theirs:
            os.close(fd)
    try:
        yield ours
    finally:
        os.close(ours)
        os.waitpid(process, 0)


def _answer(channel: int) -> dict[str, Any]:
    answer = wire.receive(channel)
    if answer is None:
        raise Unavailable("the carrier ended early")
    if "error" in answer:
        raise told(answer["error"])
    return answer
