"""Signals by name or number, as docker's flags take them. Pure."""

from __future__ import annotations

from scow.errors import Invalid

# The numbers of x86 and ARM.
_NAMES = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG"
    " XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
)
NUMBERS = {name: number for number, name in enumerate(_NAMES.split(), 1)} | {"IOT": 6, "CLD": 17, "POLL": 29}
_FIRST, _LAST = 34, 64  # SIGRTMIN and SIGRTMAX


def signal_number(text: str) -> int:
    """``SIGTERM``, ``term``, ``15``, ``RTMIN+3`` -> the number; empty is SIGTERM. Raises :class:`Invalid`."""
    name = text.upper().removeprefix("SIG")
    if not name:
        return NUMBERS["TERM"]
    number = _number(name)
    if number is None or not 0 < number <= _LAST:
        raise Invalid(f"Invalid signal: {text}")
    return number


def _number(name: str) -> int | None:
    if name.isascii() and name.isdigit():
        return int(name) if len(name) < 3 else None
    for base, start, sign in (("RTMIN", _FIRST, "+"), ("RTMAX", _LAST, "-")):
        if name.startswith(base):
            rest = name.removeprefix(base)
            if not rest:
                return start
            offset = rest[1:]
            if rest[0] == sign and offset.isascii() and offset.isdigit() and int(offset) <= _LAST - _FIRST:
                return start + int(offset) if sign == "+" else start - int(offset)
    return NUMBERS.get(name)
