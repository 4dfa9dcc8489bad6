"""The signals that ``STOPSIGNAL`` may name: Linux's, with or without ``SIG``, or a number."""

from __future__ import annotations

_NAMES = (
    "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP"
    " TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX"
)
NAMES = frozenset(
    (*_NAMES.split(), *(f"RTMIN+{n}" for n in range(1, 16)), *(f"RTMAX-{n}" for n in range(1, 15))),
)


def is_signal(text: str) -> bool:
    """Does the text name a signal? Any number but 0 does, as docker has it."""
    number = text[1:] if text[:1] in ("+", "-") else text
    if number.isascii() and number.isdigit():
        return len(number) < 10 and int(number) != 0
    return text.upper().removeprefix("SIG") in NAMES
