"""Lines of a log: by their times, and while it is turned over."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from scow.cli.units import parse_time
from scow.engine.containers.logs import Line, lines
from scow.oci.documents import encode
from scow.runtime.monitor.journal import Journal

_TIMES = [f"2026-11-26T09:47:{second}.{digits}Z" for second in (10, 11) for digits in ("000000001", "123456789")]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "log").write_bytes(b"".join(encode(Line(f"{time}\n", time=time)) + b"\n" for time in _TIMES))
    return tmp_path


@pytest.mark.parametrize("index", range(len(_TIMES)))
def test_a_line_s_own_time_finds_it(home: Path, index: int) -> None:
    moment = parse_time(_TIMES[index], now=0)
    assert [line.time for line in lines(home, since=moment)] == _TIMES[index:]
    assert [line.time for line in lines(home, until=moment)] == _TIMES[: index + 1]


@pytest.mark.timeout(30)
def test_what_never_ran_has_no_lines(tmp_path: Path) -> None:
    assert list(lines(tmp_path)) == list(lines(tmp_path, tail=1)) == list(lines(tmp_path, alive=lambda: False)) == []


def test_a_log_that_is_turned_over_twice_between_two_looks(tmp_path: Path) -> None:
    """As a program does that writes fast into small files."""
    log = tmp_path / "log"
    log.write_bytes(encode(Line("one\n")) + b"\n")
    looks = 0

    def alive() -> bool:
        nonlocal looks
        looks += 1
        if looks == 1:
            with log.open("ab") as file:
                file.write(encode(Line("still one\n")) + b"\n")
            os.rename(log, tmp_path / "log.2")
            (tmp_path / "log.1").write_bytes(encode(Line("two\n")) + b"\n")
            log.write_bytes(encode(Line("three\n")) + b"\n")
        return looks < 2

    assert [line.log for line in lines(tmp_path, alive=alive)] == ["one\n", "still one\n", "two\n", "three\n"]


def test_a_journal_that_cannot_turn_over_writes_into_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    journal = Journal(largest=10)
    journal.write("stdout", b"one\n")
    shutil.rmtree(home)  # as `rm -f` does
    journal.write("stdout", b"two\n")
    with (tmp_path / "other").open("wb") as other:  # which may get the number of a descriptor that was closed
        journal.write("stdout", b"three\n")
        assert os.fstat(other.fileno()).st_size == 0
