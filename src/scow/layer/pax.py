"""PAX extended headers (POSIX.1-2017 pax, "pax Extended Header"; SCHILY.xattr as star and GNU tar write it). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scow.errors import Invalid

XATTR: Final = b"SCHILY.xattr."
_SPARSE_PARTS: Final = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
_SPARSE_MAP: Final = b"GNU.sparse.map"


def parse(data: bytes) -> dict[bytes, bytes]:
    """``b"25 path=some/name\\n…"`` → records; the last of a key wins. Raises :class:`Invalid`."""
    records: dict[bytes, bytes] = {}
    pairs: list[bytes] = []
    start = 0
    while start < len(data) and data[start]:
        space = data.find(b" ", start, start + 12)
        digits = data[start:space] if space > 0 else b""
        if not digits.isdigit():
            raise Invalid("damaged PAX header: a record's length is not a number")
        end = start + int(digits)
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if end > len(data) or data[end - 1 : end] != b"\n" or not equals or not key or b"\0" in key:
            raise Invalid("damaged PAX header: a record does not end where it says")
        if key in _SPARSE_PARTS:  # format 0.0 repeats two keys where 0.1 has one list
            pairs.append(value)
        else:
            records[key] = value
        start = end
    if pairs:
        records[_SPARSE_MAP] = b",".join(pairs)
    return records


def record(key: bytes, value: bytes) -> bytes:
    """One record; its length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)


def nanoseconds(text: bytes) -> int:
    """``b"1700000000.25"`` (also negative) → nanoseconds. Raises :class:`Invalid`."""
    whole, _, fraction = text.partition(b".")
    negative = whole.startswith(b"-")
    digits = whole.removeprefix(b"-") or b"0"
    if not digits.isdigit() or (fraction and not fraction.isdigit()) or len(digits) > 18:
        raise Invalid(f"damaged PAX header: {text[:40]!r} is not a time")
    nanos = int(digits) * 10**9 + int((fraction + b"000000000")[:9])
    return -nanos if negative else nanos


def time_text(nanos: int) -> bytes:
    """Nanoseconds → the shortest decimal seconds."""
    whole, fraction = divmod(abs(nanos), 10**9)
    text = b"%b%d" % (b"-" if nanos < 0 else b"", whole)
    return (text + b".%09d" % fraction).rstrip(b"0") if fraction else text


def xattrs(records: Mapping[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """The extended attributes among ``records``, sorted by name."""
    return tuple(sorted((key[len(XATTR) :], value) for key, value in records.items() if key.startswith(XATTR)))
