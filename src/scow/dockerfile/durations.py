"""Durations as Go writes them (``time.ParseDuration``)::

duration := [sign] ( "0" | (number unit)+ )       number := digits ["." digits] | "." digits
unit     := "ns" | "us" | "µs" | "ms" | "s" | "m" | "h"
"""

from __future__ import annotations

import re

from scow.errors import Invalid

#: Nanoseconds in one unit; both the micro sign and the Greek letter are taken.
UNITS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,
    "\u03bcs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
#: A Go duration is a signed 64-bit count of nanoseconds.
LONGEST = (1 << 63) - 1

_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")


def duration(text: str) -> int:
    """Nanoseconds in ``"30s"``, ``"1h2m"``, ``"1.5h"``; Invalid otherwise."""
    body = text[1:] if text[:1] in {"+", "-"} else text
    if body == "0":
        return 0
    if not body:
        raise Invalid(f'invalid duration "{text}"')
    total, at = 0, 0
    while at < len(body):
        found = _PART.match(body, at)
        if found is None or not (found[1] or found[2]):
            raise Invalid(f'invalid duration "{text}"')
        total += _nanoseconds(found[1], found[2] or "", found[3], text)
        at = found.end()
    if total > LONGEST:
        raise Invalid(f'invalid duration "{text}"')
    return -total if text[0] == "-" else total


def told(nanoseconds: int) -> str:
    """A duration as Go prints one: ``1h2m3.5s``, ``500ms``, ``0s``."""
    size = abs(nanoseconds)
    if size < UNITS["s"]:
        unit = next((name for name in ("ms", "us", "ns") if size >= UNITS[name]), "s")
        text = _decimal(size, UNITS[unit]) + unit.replace("u", "\u00b5")
    else:
        hours, rest = divmod(size, UNITS["h"])
        minutes, rest = divmod(rest, UNITS["m"])
        text = (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "")
        text += _decimal(rest, UNITS["s"]) + "s"
    return "-" + text if nanoseconds < 0 else text


def _decimal(count: int, scale: int) -> str:
    """``count / scale``, a power of ten, without zeros at its end."""
    whole, rest = divmod(count, scale)
    return f"{whole}.{str(rest + scale)[1:].rstrip('0')}" if rest else str(whole)


def _nanoseconds(whole: str, fraction: str, unit: str, text: str) -> int:
    if not unit:
        raise Invalid(f'missing unit in duration "{text}"', hint="a number and a unit, such as 30s, 1m30s or 1.5h")
    if unit not in UNITS:
        raise Invalid(f'unknown unit "{unit}" in duration "{text}"', hint="units are ns, us, ms, s, m and h")
    if len(whole) > 20:
        raise Invalid(f'invalid duration "{text[:40]}"')
    # Digits beyond the eighteenth are below a nanosecond of an hour.
    fraction = fraction[:18]
    scale: int = 10 ** len(fraction)
    return (int(whole or "0") * scale + int(fraction or "0")) * UNITS[unit] // scale
