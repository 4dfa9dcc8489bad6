"""Two commands at once on one container: what each finds on record is true, and no name, change or file is lost."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scow.engine.containers.records import ContainerRecords, Settings, State
from scow.errors import AlreadyExists, Conflict, NotFound
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest

_SHORT = 0.1


def settings(number: int, name: str = "one") -> Settings:
    manifest = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest(f"sha256:{'0' * 64}"), 1)
    return Settings(f"{number:064x}", name, "", "", manifest, (), (), "")


@pytest.fixture
def records(tmp_path: Path) -> ContainerRecords:
    return ContainerRecords(tmp_path / "containers")


def at_once(*acts: Callable[[], Any]) -> list[type]:
    """Run them in threads that start together; of what class each one's error is, ``NoneType`` without."""
    line = threading.Barrier(len(acts))
    told: list[type] = [type(None)] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        line.wait()
        try:
            act()
        except Exception as error:
            told[number] = type(error)

    threads = [threading.Thread(target=run, args=one) for one in enumerate(acts)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return told


def test_a_name_is_given_once(records: ContainerRecords) -> None:
    for turn in range(20):
        made = [settings(turn * 10 + number, f"turn{turn}") for number in range(6)]
        told = at_once(*(partial(records.add, one) for one in made))
        assert sorted(one.__name__ for one in told) == ["AlreadyExists"] * 5 + ["NoneType"]
        assert [one.name for one in records].count(f"turn{turn}") == 1


def test_two_are_not_given_one_name(records: ContainerRecords) -> None:
    for turn in range(20):
        both = [settings(turn * 10 + number, f"old{turn}{number}") for number in range(2)]
        for one in both:
            records.add(one)
        told = at_once(*(partial(records.rename, one, f"new{turn}") for one in both))
        assert set(told) == {AlreadyExists, type(None)}


def test_a_change_does_not_undo_another(records: ContainerRecords) -> None:
    found = settings(1)
    records.add(found)
    records.rename(found, "other")
    records.update(found.id, lambda old: msgspec.structs.replace(old, labels={"a": "b"}))
    (now,) = records
    assert (now.name, now.labels) == ("other", {"a": "b"})
    records.remove(found.id)
    with pytest.raises(NotFound, match="No such container"):
        records.update(found.id, lambda old: old)
    with pytest.raises(NotFound, match="No such container"):
        records.rename(found, "third")
    assert records.names() == []


def test_nothing_is_removed_beneath_who_is_at_work_on_it(records: ContainerRecords, tmp_path: Path) -> None:
    found = settings(1)
    records.add(found)
    with records.keeping(found.id):
        with pytest.raises(Conflict, match="another command is at work"):
            records.remove(found.id, _SHORT)
        with pytest.raises(Conflict, match="another command is at work"), records.keeping(found.id, _SHORT):
            pass
        records.note(found.id, State("running"))
        with pytest.raises(Conflict, match="container is running"):
            records.remove(found.id)  # which is not waited for
    records.remove(found.id)
    assert records.names() == []
    records.remove(found.id)  # again is fine
    records.add(found)
    with records.keeping(found.id):
        records.tear(found.id)  # as `rm -f` does, after a while
    assert os.listdir(tmp_path / "containers") == []


def test_who_waited_for_a_removal_is_told(records: ContainerRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the lock of what is not there any more, and makes nothing in its place."""
    found = settings(1)
    records.add(found)
    lock, real = records.home(found.id) / "alive", fcntl.fcntl

    def late(fd: int, *wish: Any) -> Any:
        if lock.exists() and os.path.samestat(os.fstat(fd), lock.stat()):
            monkeypatch.undo()
            records.remove(found.id)
        return real(fd, *wish)

    monkeypatch.setattr(fcntl, "fcntl", late)
    with pytest.raises(NotFound, match="No such container"), records.keeping(found.id):
        pass
    assert records.names() == []
    with pytest.raises(NotFound, match="No such container"), records.keeping(found.id):
        pass


def test_who_holds_a_container_does_not_make_it_run(records: ContainerRecords) -> None:
    """Its keeper was killed before it could write that down; then somebody copies out of it."""
    found = settings(1)
    records.add(found)
    records.note(found.id, State("running", 12345))
    with records.keeping(found.id):
        assert (records.state(found.id).status, records.state(found.id).exit_code) == ("exited", 137)
