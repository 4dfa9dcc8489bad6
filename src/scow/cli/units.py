"""PURE. Sizes, durations and times as docker prints and reads them.

Sizes are printed in powers of 1000 ("1.01kB") and read in powers of 1024 ("10m"), durations are rounded to one unit
("About a minute"), times come in docker's two forms. The clock and the zone come in as arguments.
"""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from scow.errors import Invalid

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
# Patterns are compiled when they are used: most commands read neither a size nor a time.
_SECONDS = r"(-?[0-9]{1,12})(?:\.([0-9]{1,9}))?\Z"
_CLOCK = (
    r"(?a)(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?\Z"
)
#: Unix seconds between which a time has a year that can be written, in every zone.
_FIRST, _LAST = -62_104_060_800, 253_370_764_800
_DURATION = r"(?a)[+-]?(?:(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(?:ns|us|µs|μs|ms|s|m|h))+\Z|[+-]?0\Z"


def human_size(size: float, precision: int = 3) -> str:
    """Bytes with a decimal unit: ``human_size(1010)`` is ``"1.01kB"``; docker uses 3 digits for images, 4 elsewhere."""
    return _scaled(size, 1000, _DECIMAL, precision)


def binary_size(size: float) -> str:
    """Bytes with a binary unit, as docker prints memory: ``binary_size(1536)`` is ``"1.5KiB"``."""
    return _scaled(size, 1024, _BINARY, 4)


def _scaled(size: float, base: int, units: tuple[str, ...], precision: int) -> str:
    size = float(size)
    at = 0
    while size >= base and at < len(units) - 1:
        size /= base
        at += 1
    return f"{size:.{precision}g}{units[at]}"


def parse_size(text: str) -> int:
    """``"10m"``, ``"1.5 GiB"``, ``"512"`` in bytes; units are powers of 1024, in either case."""
    from scow.dockerfile.values import size  # most commands take none

    found = size(text)
    if found is None:
        raise Invalid(f"invalid size: '{text}'", hint="write a number and one of b, k, m, g, t, p")
    return found


def human_duration(seconds: float) -> str:
    """About how long: ``"Less than a second"``, ``"5 seconds"``, ``"About a minute"``, ``"3 weeks"``."""
    whole, minutes, hours = int(seconds), int(seconds / 60), int(seconds / 3600 + 0.5)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    for below, text in (
        (whole < 60, f"{whole} seconds"),
        (minutes == 1, "About a minute"),
        (minutes < 60, f"{minutes} minutes"),
        (hours < 48, "About an hour" if hours == 1 else f"{hours} hours"),
        (hours < 24 * 14, f"{hours // 24} days"),
        (hours < 24 * 60, f"{hours // 24 // 7} weeks"),
        (hours < 24 * 365 * 2, f"{hours // 24 // 30} months"),
    ):
        if below:
            return text
    return f"{int(seconds / 3600) // 24 // 365} years"


def seconds_of(moment: float | int | str) -> float:
    """Unix seconds of a moment given as seconds or as an RFC 3339 text with a zone; ``0001-01-01`` is negative."""
    if not isinstance(moment, str):
        return float(moment)
    try:
        when = datetime.fromisoformat(moment)
    except ValueError:
        raise Invalid(f"invalid time: '{moment}'") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def moment_of(text: str) -> float | None:
    """Unix seconds of a time that an image says; None where it says none: nothing, the year 1, or what is no time."""
    with contextlib.suppress(Invalid):
        if text and not text.startswith("0001-") and _FIRST <= (seconds := seconds_of(text)) < _LAST:
            return seconds
    return None


def created_at(moment: float | int | str, zone: tzinfo = UTC) -> str:
    """``CREATED AT`` of ``images`` and ``ps``: ``2024-01-02 15:04:05 +0000 UTC``."""
    when = _datetime(moment, zone)
    return f"{when.isoformat(' ')[:19]} {when:%z} {when.tzname() or ''}".rstrip()


def rfc3339(moment: float | int | str, zone: tzinfo = UTC) -> str:
    """``CREATED AT`` of ``history``: ``2024-01-02T15:04:05Z``."""
    text = _datetime(moment, zone).isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _datetime(moment: float | int | str, zone: tzinfo) -> datetime:
    """Whole seconds: what docker shows."""
    try:
        whole = int(seconds_of(moment) // 1)
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=whole)).astimezone(zone)
    except (OverflowError, ValueError):
        raise Invalid(f"time is out of range: {moment}") from None


def parse_time(text: str, now: float, zone: tzinfo = UTC) -> float:
    """Unix seconds of an ``until=`` filter: unix seconds, an RFC 3339 time or a part of one, or a duration before now.

    A time without a zone is in ``zone``. ``2006-01-02``, ``2006-01-02T15``, ``…T15:04`` and ``…T15:04:05`` all count.
    """
    seconds = re.match(_SECONDS, text)
    if seconds:
        fraction = float(f"0.{seconds[2]}") if seconds[2] else 0.0
        return float(seconds[1]) + fraction
    if re.match(_DURATION, text):
        from scow.dockerfile.durations import duration

        return now - duration(text) / 1e9
    found = re.match(_CLOCK, text)
    if not found:
        raise Invalid(f"invalid time: '{text}'", hint="write unix seconds, 2006-01-02T15:04:05, or a duration like 24h")
    parts = [int(found[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")]
    fraction = float(f"0.{found['fraction']}") if found["fraction"] else 0.0
    try:
        when = datetime(*parts[:6], tzinfo=_zone(found["zone"], zone))  # type: ignore[misc,arg-type]
        return (when - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() + fraction
    except (ValueError, OverflowError):
        raise Invalid(f"invalid time: '{text}'") from None


def _zone(text: str | None, default: tzinfo) -> tzinfo:
    if text is None:
        return default
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def width(text: str) -> int:
    """Columns on a terminal: wide characters take two."""
    if text.isascii():
        return len(text)
    import unicodedata  # a megabyte of tables

    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def ellipsis(text: str, columns: int) -> str:
    """At most ``columns`` columns of ``text``, the last of them ``…`` where something was cut."""
    if columns <= 0:
        return ""
    if columns == 1:
        return text[:1]
    if width(text) <= columns:
        return text
    kept = 0
    for at, char in enumerate(text):
        kept += width(char)
        if kept > columns - 1:
            return text[:at] + "…"
    return text
