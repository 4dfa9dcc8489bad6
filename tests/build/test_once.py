"""What a build reads to find out whether a step was done before: nothing of what is certainly new."""

from __future__ import annotations

import hashlib
import time

import pytest
from tests.build.conftest import Kitchen

from scow.build import context as module
from scow.dockerfile.ignore import Patterns
from scow.layer.entry import Entry
from scow.layer.pack import Content


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each file that is read for its digest alone."""
    seen: list[int] = []
    real = module._hash

    def count(content: Content) -> bytes:
        seen.append(1)
        return real(content)

    monkeypatch.setattr(module, "_hash", count)
    return seen


def write(kitchen: Kitchen, *names: str) -> None:
    for name in names:
        kitchen.file(f"d/{name}", f"{name} of {kitchen.context}")
    time.sleep(0.1)  # longer ago than the clock is coarse


def test_new_files_are_read_once(kitchen: Kitchen, hashed: list[int]) -> None:
    write(kitchen, "a", "b", "c")
    first = kitchen.build("COPY d /once/")
    assert (len(kitchen.ran), hashed) == (1, [])
    assert kitchen.build("COPY d /once/").id == first.id
    assert (kitchen.ran, hashed) == ([], [])  # packing told the digests
    kitchen.file("d/b", "changed")
    changed = kitchen.build("COPY d /once/")
    assert (len(kitchen.ran), len(hashed)) == (1, 1)
    assert kitchen.files(changed)["once/b"].digest == hashlib.sha256(b"changed").digest()
    write(kitchen, "b")
    assert kitchen.build("COPY d /once/").id == first.id
    assert kitchen.ran == []


def test_the_same_from_another_place_is_found(kitchen: Kitchen, hashed: list[int]) -> None:
    write(kitchen, "a", "b")
    first = kitchen.build("COPY d /elsewhere/")
    for name in ("a", "b"):
        kitchen.file(f"moved/{name}", (kitchen.context / "d" / name).read_bytes())
    assert kitchen.build("COPY moved /elsewhere/").layers == first.layers
    assert kitchen.ran == []
    assert len(hashed) == 2


def test_without_the_cache_equal_stages_are_built_once(kitchen: Kitchen, hashed: list[int]) -> None:
    write(kitchen, "a")
    stages = "FROM busybox AS {0}\nCOPY d /equal/\nRUN echo {0}\n"
    text = "".join(map(stages.format, ("one", "two"))) + "FROM one\nCOPY --from=two /equal /again/\n"
    kitchen.build(text, use_cache=False)
    assert sum(title.endswith("COPY d /equal/") for title in kitchen.ran) == 1
    kitchen.build(text, use_cache=False)
    assert sum(title.endswith("COPY d /equal/") for title in kitchen.ran) == 1
    assert hashed == []


def test_a_file_that_another_replaced_is_not_taken_for_it(kitchen: Kitchen) -> None:
    """Two sources for one place: what lies there in the end says nothing of the first."""
    kitchen.file("one/f", "one's")
    kitchen.file("two/f", "two's")
    time.sleep(0.1)
    text = "COPY one two /replaced/\n"
    assert kitchen.files(kitchen.build(text))["replaced/f"].digest == hashlib.sha256(b"two's").digest()
    only = kitchen.build("COPY one /replaced-not/")
    assert kitchen.files(only)["replaced-not/f"].digest == hashlib.sha256(b"one's").digest()
    name = hashlib.sha256(str(kitchen.context.resolve()).encode()).hexdigest()[:32]
    memory = kitchen.engine.root / "cache" / "context" / name
    known = module.Context(kitchen.context, Patterns.parse(""), memory)
    found = known.find(b"one/f")
    assert found and known.digest(found) == hashlib.sha256(b"one's").digest()


def test_a_changed_file_leaves_the_rest_as_it_was_packed(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image is the one that a build without the cache makes; of ten large files one is read."""
    for number in range(10):
        kitchen.file(f"d/f{number}", f"{number}{kitchen.context}".encode() * 60_000)
    time.sleep(0.1)
    text = "COPY d /large/\nRUN cat /large/* | md5sum > /sum\n"
    kitchen.build(text)
    size = (kitchen.context / "d/f4").stat().st_size
    kitchen.file("d/f4", b"changed".ljust(size))
    opened: list[bytes] = []
    real = module.Context.content

    def note(self: module.Context, entry: Entry) -> Content:
        content = real(self, entry)
        assert not isinstance(content, bytes)
        return lambda: (opened.append(entry.path), content())[1]  # type: ignore[func-returns-value]

    monkeypatch.setattr(module.Context, "content", note)
    changed = kitchen.build(text)
    read = set(opened)
    assert b"d/f4" in read
    assert len(read) < 6, "only what lies in the members of the change"
    assert kitchen.build(text, use_cache=False).id == changed.id


def test_a_damaged_earlier_layer_is_done_without(kitchen: Kitchen) -> None:
    for number in range(3):
        kitchen.file(f"d/f{number}", f"{number}{kitchen.context}".encode() * 60_000)
    time.sleep(0.1)
    first = kitchen.build("COPY d /damaged/\n")
    kitchen.file("d/f2", b"changed")
    blob = kitchen.engine.workplace.store.layout.path(first.layers[-1].descriptor.digest)
    blob.chmod(0o600)
    data = bytearray(blob.read_bytes())
    data[1000] ^= 1
    blob.write_bytes(data)
    changed = kitchen.build("COPY d /damaged/\n")
    blob.unlink()
    assert kitchen.build("COPY d /damaged/\n", use_cache=False).id == changed.id
