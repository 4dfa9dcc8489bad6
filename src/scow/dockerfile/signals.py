"""Linux's signals by name, as STOPSIGNAL and the flags of containers take them, with or without ``SIG``."""

from __future__ import annotations

# in the order of their numbers on x86 and ARM
_NAMES = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG"
    " XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
)
_RTMIN, LAST = 34, 64
NUMBERS = {
    **{name: number for number, name in enumerate(_NAMES.split(), 1)},
    "IOT": 6,
    "CLD": 17,
    "POLL": 29,
    "RTMIN": _RTMIN,
    "RTMAX": LAST,
    **{f"RTMIN+{n}": _RTMIN + n for n in range(1, 16)},
    **{f"RTMAX-{n}": LAST - n for n in range(1, 15)},
}


def is_signal(text: str) -> bool:
    """Does the text name a signal? Any number but 0 does, as docker has it."""
    number = text[1:] if text[:1] in ("+", "-") else text
    if number.isascii() and number.isdigit():
        return len(number) < 10 and int(number) != 0
    return text.upper().removeprefix("SIG") in NUMBERS
