"""``--chmod``: octal, or symbolic as BuildKit reads it. Pure.

::

    symbolic := clause ( "," clause )*       clause := [ugoa]* action+       action := [-+=] [rwxXstugo]*

That is chmod(1)'s grammar, with the classes ``u g o`` also beside permissions. No umask is taken off. ``=`` sets the
bits it says and no others, so that directories lose setuid and setgid, which GNU's keep; the sticky bit stays. ``t`` is
not for ``o`` alone, and for nobody in particular it leaves no room for other permissions.
"""

from __future__ import annotations

import re
from typing import Final

from scow.errors import Invalid
from scow.layer.entry import Entry

_CLAUSE: Final = r"([ugoa]*)((?:[-+=][rwxXstugo]*)+)"
_ACTION: Final = r"([-+=])([rwxXstugo]*)"
_SHIFTS: Final = {"u": 6, "g": 3, "o": 0}
#: Every bit of a class.
_MASKS: Final = {"u": 0o4700, "g": 0o2070, "o": 0o0007}
_SETID: Final = 0o6000
_STICKY: Final = 0o1000


def chmod(entry: Entry, text: str) -> int:
    """The mode that ``--chmod`` gives to ``entry``. Raises :class:`Invalid`."""
    if text.isdigit() and set(text) <= set("01234567") and int(text, 8) <= 0o7777:
        return int(text, 8)
    mode = entry.mode
    for clause in text.split(","):
        found = re.fullmatch(_CLAUSE, clause)
        if found is None:
            raise Invalid(f"invalid chmod parameter: {text!r}", hint="octal (0755) or symbolic (u+x,go-w)")
        for operation, permissions in re.findall(_ACTION, found[2]):
            mode = _applied(mode, found[1], operation, permissions, directory=entry.kind == "dir")
    return mode


def _applied(mode: int, who: str, operation: str, permissions: str, *, directory: bool) -> int:
    sticky = _STICKY if "t" in permissions and set(who) != {"o"} else 0
    if sticky and not who:
        return mode & ~sticky if operation == "-" else mode | sticky
    chosen = _SHIFTS if not who or "a" in who else who
    mask = sum(_MASKS[letter] for letter in set(chosen))
    wanted = mask & (_bits(mode, permissions, directory=directory) * 0o111 | (_SETID if "s" in permissions else 0))
    if operation == "-":
        return mode & ~(wanted | sticky)
    return (mode & ~mask if operation == "=" else mode) | wanted | sticky


def _bits(mode: int, permissions: str, *, directory: bool) -> int:
    """The permissions as three bits."""
    bits = 4 * ("r" in permissions) | 2 * ("w" in permissions) | ("x" in permissions)
    if "X" in permissions and (directory or mode & 0o111):
        bits |= 1
    for letter, shift in _SHIFTS.items():
        if letter in permissions:
            bits |= mode >> shift & 7
    return bits
