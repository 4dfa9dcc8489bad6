"""Lines of a log by their times."""

from __future__ import annotations

from pathlib import Path

import pytest

from scow.cli.units import parse_time
from scow.engine.containers.logs import Line, lines
from scow.oci.documents import encode

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
