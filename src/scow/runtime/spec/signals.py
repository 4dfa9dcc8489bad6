"""Signals by name or number, as docker's flags take them. Pure."""

from __future__ import annotations

from scow.dockerfile.signals import LAST, NUMBERS
from scow.errors import Invalid


def signal_number(text: str) -> int:
    """``SIGTERM``, ``term``, ``15``, ``RTMIN+3`` -> the number; empty is SIGTERM. Raises :class:`Invalid`."""
    name = text.upper().removeprefix("SIG") or "TERM"
    number = int(name) if name.isascii() and name.isdigit() and len(name) < 3 else NUMBERS.get(name, 0)
    if not 0 < number <= LAST:
        raise Invalid(f"Invalid signal: {text}")
    return number
