"""``SOURCE_DATE_EPOCH``: the time of everything that a build writes, in seconds since 1970.

https://reproducible-builds.org/specs/source-date-epoch/; the Dockerfile reference, "SOURCE_DATE_EPOCH". Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scow.errors import Invalid

NAME: Final = "SOURCE_DATE_EPOCH"
#: instead of a number: the time of the context's git commit
CONTEXT: Final = "context"
#: the year 2262: files have their times in nanoseconds, of which 64 bits hold no more
LATEST: Final = (2**63 - 1) // 10**9


def asked(given: Mapping[str, str], outside: Mapping[str, str]) -> int | None:
    """The build argument, else that of an ARG before the first FROM. Raises :class:`Invalid`."""
    text = given.get(NAME, outside.get(NAME, ""))
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LATEST)) and int(text) <= LATEST):
        hint = f"at most {LATEST}; the time of the context's commit is --build-arg {NAME}={CONTEXT}"
        raise Invalid(f"{NAME} is not a number of seconds since 1970: {text}", hint=hint)
    return int(text)
