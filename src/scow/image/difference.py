"""Two images that should be the same: what is different, field by field and entry by entry. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from scow.layer.entry import Entry

_NANO: Final = 10**9


class Difference(msgspec.Struct, frozen=True):
    """``where`` is ``config``, ``manifest`` or ``layer N`` (from 1, the lowest first); ``what`` the field or path.

    ``was`` and ``now`` are texts, empty for what is not there.
    """

    where: str
    what: str
    was: str
    now: str


def _time(entry: Entry) -> str:
    seconds, nano = divmod(entry.mtime, _NANO)
    try:
        told = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError):
        return str(seconds)
    return f"{told}.{nano:09d}Z" if nano else f"{told}Z"


#: what is said of an entry that is on both sides; what comes first explains what follows
_ASPECTS: Final[tuple[tuple[str, Callable[[Entry], str]], ...]] = (
    ("type", lambda one: one.kind),
    ("mode", lambda one: f"{one.mode:04o}"),
    ("owner", lambda one: f"{one.uid}:{one.gid}"),
    ("size", lambda one: str(one.size)),
    ("content", lambda one: one.digest.hex()[:16]),
    ("link", lambda one: one.link.decode(errors="backslashreplace")),
    ("device", lambda one: f"{one.major}:{one.minor}"),
    ("xattrs", lambda one: ", ".join(f"{name!r}={value!r}" for name, value in one.xattrs)),
    ("time", _time),
)


def documents(was: Any, now: Any, where: str, path: str = "") -> Iterator[Difference]:
    """Two JSON documents, each differing field by its path (``config.Env.2``)."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for name in sorted({*was, *now}):
            yield from documents(was.get(name), now.get(name), where, f"{path}.{name}" if path else str(name))
    elif isinstance(was, list) and isinstance(now, list):
        for number in range(max(len(was), len(now))):
            old, new = (one[number] if number < len(one) else None for one in (was, now))
            yield from documents(old, new, where, f"{path}.{number}")
    elif was != now:
        yield Difference(where, path, _text(was), _text(now))


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()


def layers(was: Sequence[Entry], now: Sequence[Entry], where: str) -> Iterator[Difference]:
    """Two layers, each differing entry by its path; equal entries in another order are told as well."""
    old, new = ({(one.path, one.kind == "opaque"): one for one in side} for side in (was, now))
    told = False
    for key in sorted({*old, *new}):
        one, other = old.get(key), new.get(key)
        if one is None or other is None:
            told = True
            known = one or other
            assert known is not None  # noqa: S101 - the key is of one of them
            yield Difference(where, known.text, one.kind if one else "", other.kind if other else "")
            continue
        for name, of in _ASPECTS:
            if of(one) != of(other):
                told = True
                yield Difference(where, f"{one.text} ({name})", of(one), of(other))
                if name == "type":
                    break
    if not told:
        yield from _order(was, now, where)


def _order(was: Iterable[Entry], now: Iterable[Entry], where: str) -> Iterator[Difference]:
    for number, (one, other) in enumerate(zip(was, now, strict=False)):
        if one.path != other.path:
            yield Difference(where, f"order of entries, from {number} on", one.text, other.text)
            return
    yield Difference(where, "tar headers", "", "other bytes for the same entries")
