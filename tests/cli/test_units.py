"""Sizes, durations and times, against what docker's ``go-units`` prints and reads."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.cli import units
from scow.errors import Invalid, ScowError

EAST = timezone(timedelta(hours=2), "CEST")
MOMENT = 1704207845.25
"""2024-01-02T15:04:05.25Z"""


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0B"),
        (1, "1B"),
        (999, "999B"),
        (1000, "1kB"),
        (1010, "1.01kB"),
        (7_391_605, "7.39MB"),
        (12_345_678, "12.3MB"),
        (123_456_789, "123MB"),
        (999_900, "1e+03kB"),  # so does docker
        (1_234_567_890_123, "1.23TB"),
    ],
)
def test_sizes_are_decimal_with_three_digits(size: int, shown: str) -> None:
    assert units.human_size(size) == shown


def test_precision_and_binary_sizes() -> None:
    assert units.human_size(1_234_567, 4) == "1.235MB"
    assert units.binary_size(1536) == "1.5KiB"
    assert units.binary_size(7 * 1024**3) == "7GiB"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512", 512),
        ("10m", 10 * 1024**2),
        ("10M", 10 * 1024**2),
        ("10mb", 10 * 1024**2),
        ("10MiB", 10 * 1024**2),
        ("1.5 GiB", 3 * 512 * 1024**2),
        ("1b", 1),
        (".5k", 512),
        ("2t", 2 * 1024**4),
        ("1p", 1024**5),
    ],
)
def test_sizes_are_read_in_binary(text: str, size: int) -> None:
    assert units.parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "m", "-1", "1x", "1bb", "1ib", "1mbb", "1  k", " 1", "1e3", "10 m b", "٣m", "1\n"]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(Invalid, match="invalid size"):
        units.parse_size(text)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "Less than a second"),
        (0.9, "Less than a second"),
        (1.5, "1 second"),
        (59.9, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (5399, "About an hour"),
        (5400, "2 hours"),
        (47.4 * 3600, "47 hours"),
        (2 * 86400, "2 days"),
        (13 * 86400, "13 days"),
        (14 * 86400, "2 weeks"),
        (21 * 86400, "3 weeks"),
        (60 * 86400, "2 months"),
        (729 * 86400, "24 months"),
        (730 * 86400, "2 years"),
        (54 * 365 * 86400, "54 years"),
    ],
)
def test_durations_have_one_unit(seconds: float, shown: str) -> None:
    assert units.human_duration(seconds) == shown


def test_created_at_has_the_zone_by_offset_and_name() -> None:
    assert units.created_at(MOMENT) == "2024-01-02 15:04:05 +0000 UTC"
    assert units.created_at("2024-01-02T15:04:05.25Z", EAST) == "2024-01-02 17:04:05 +0200 CEST"


def test_rfc3339_of_history() -> None:
    assert units.rfc3339(MOMENT) == "2024-01-02T15:04:05Z"
    assert units.rfc3339(MOMENT, EAST) == "2024-01-02T17:04:05+02:00"
    assert units.rfc3339(-1.5) == "1969-12-31T23:59:58Z"
    assert units.rfc3339("0001-01-01T00:00:00Z") == "0001-01-01T00:00:00Z"
    with pytest.raises(Invalid):
        units.rfc3339(1e18)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1704207845", 1704207845.0),
        ("1704207845.25", MOMENT),
        ("2024-01-02T15:04:05.25Z", MOMENT),
        ("2024-01-02T15:04:05.250000000+00:00", MOMENT),
        ("2024-01-02T17:04:05.25+02:00", MOMENT),
        ("2024-01-02T15:04:05", 1704207845.0),
        ("2024-01-02T15:04", 1704207840.0),
        ("2024-01-02T15", 1704207600.0),
        ("2024-01-02", 1704153600.0),
        ("2024-01-02Z", 1704153600.0),
        ("2024-01-02T15:04Z", 1704207840.0),
        ("24h", 1e9 - 86400),
        ("1h30m", 1e9 - 5400),
        ("10ms", 1e9 - 0.01),
        ("1.5h", 1e9 - 5400),
    ],
)
def test_times_of_until(text: str, moment: float) -> None:
    assert units.parse_time(text, now=1e9) == pytest.approx(moment)


def test_a_time_without_a_zone_is_local() -> None:
    assert units.parse_time("2024-01-02T17:04:05", 0, EAST) == 1704207845.0
    assert units.parse_time("2024-01-02T15:04:05Z", 0, EAST) == 1704207845.0


@pytest.mark.parametrize(
    "text",
    ["", "s", "1 s", "h1", "1d", "--1s", "yesterday", "2024-13-01", "2024-01-02 15:04", "24", "2024-01-02T25"],
)
def test_what_is_no_time(text: str) -> None:
    if text == "24":  # unix seconds
        assert units.parse_time(text, 0) == 24
        return
    with pytest.raises(Invalid, match="invalid time"):
        units.parse_time(text, 0)


@pytest.mark.parametrize(("text", "seconds"), [("+0", 0), ("-5s", -5), (".5m", 30), ("1h1m1s", 3661), ("2µs", 2e-6)])
def test_go_durations(text: str, seconds: float) -> None:
    assert units.parse_time(text, 10_000) == pytest.approx(10_000 - seconds)


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("hello", 5, "hello"),
        ("hello", 4, "hel…"),
        ("hello", 1, "h"),
        ("hello", 0, ""),
        ("", 1, ""),
        ("漢字漢字", 8, "漢字漢字"),
        ("漢字漢字", 7, "漢字漢…"),
        ("漢字漢字", 6, "漢字…"),
    ],
)
def test_ellipsis(text: str, columns: int, shown: str) -> None:
    assert units.ellipsis(text, columns) == shown


@given(st.text(), st.integers(2, 50))
def test_ellipsis_never_takes_more_columns(text: str, columns: int) -> None:
    assert units.width(units.ellipsis(text, columns)) <= columns


@given(st.integers(0, 2**53))
def test_a_plain_number_is_a_size(size: int) -> None:
    assert units.parse_size(str(size)) == size


@given(st.integers(-(2**35), 2**35))
def test_rfc3339_reads_back(moment: int) -> None:
    assert units.parse_time(units.rfc3339(moment, UTC), 0) == moment


@given(st.text() | st.from_regex(r"[0-9]{1,30}[-.:TZhms0-9+]*", fullmatch=True))
def test_readers_raise_only_our_errors(text: str) -> None:
    for read in (units.parse_size, lambda value: units.parse_time(value, 0)):
        try:
            assert isinstance(read(text), int | float)
        except ScowError as error:
            assert str(error)
