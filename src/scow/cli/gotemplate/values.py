"""The values a template works on, and what Go would call them.

==========================  ==========================
Python                      Go
==========================  ==========================
``None``                    ``nil``
:class:`NilList`            ``[]interface {}(nil)``
:class:`NilEntries`         ``map[string]interface {}(nil)``
``bool int float str``      ``bool int float64 string``
``list`` or ``tuple``       ``[]interface {}``
mapping                     ``map[string]interface {}``
:class:`Function`           a method
==========================  ==========================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from scow.errors import Limit

Value = Any
LARGEST = 64 << 20
"""The most characters a template may print, or make as one string."""


class Function(msgspec.Struct, frozen=True):
    """Something a template can call.

    ``wants`` names the type of each argument (``any``, ``string`` or ``int``); ``more`` that of any number of further
    ones. As a value of a mapping it is a method: ``{{.Label "name"}}``.
    """

    wants: tuple[str, ...]
    call: Callable[..., Value]
    more: str = ""


class NilList(list[Value]):
    """A null that Go knows to be a slice: printed as ``[]``, null in JSON."""


class Entries(dict[str, Value]):
    """A map whose keys anybody may choose: one that is not there is no mistake, and prints ``<no value>``."""

    def __missing__(self, key: str) -> Value:
        return None


class NilEntries(Entries):
    """A null that Go knows to be such a map: printed as ``map[]``, null in JSON."""


class Sink:
    """Collects printed text, up to :data:`LARGEST` characters."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def write(self, text: str) -> None:
        """Append text, up to the limit."""
        self.reserve(len(text))
        self._parts.append(text)

    def reserve(self, size: int) -> None:
        """Count ``size`` characters before they are made."""
        self._size += size
        if self._size > LARGEST:
            raise Limit(f"template prints more than {LARGEST >> 20} MiB")

    def text(self) -> str:
        """All that was written."""
        return "".join(self._parts)


def is_nil(value: Value) -> bool:
    """Whether JSON has ``null`` for it."""
    return value is None or isinstance(value, NilList | NilEntries)


def is_map(value: Value) -> bool:
    """Whether templates see a map."""
    return isinstance(value, Mapping)


def is_list(value: Value) -> bool:
    """Whether templates see a list."""
    return isinstance(value, list | tuple)


def is_int(value: Value) -> bool:
    """Whether templates see an integer (booleans are none)."""
    return isinstance(value, int) and not isinstance(value, bool)


def entries(value: Mapping[Any, Value]) -> Iterator[tuple[str, Value]]:
    """The entries of a mapping, in its order, without its methods."""
    return ((str(key), item) for key, item in value.items() if not isinstance(item, Function))


def sorted_entries(value: Mapping[Any, Value]) -> list[tuple[str, Value]]:
    """In the order in which Go prints and ranges over them."""
    return sorted(entries(value), key=lambda entry: encoded(entry[0]))


def encoded(text: str) -> bytes:
    """A Go string is bytes: lengths, slices and order are theirs."""
    return text.encode("utf-8", "surrogatepass")


def decoded(text: bytes) -> str:
    """Bytes as text."""
    return text.decode("utf-8", "replace")


def truth(value: Value) -> bool:
    """False for nil, zero, false and everything empty."""
    return bool(value)


def type_name(value: Value) -> str:
    """The name Go prints for the type."""
    if value is None:
        return "nil"
    for kind, name in _TYPES:
        if isinstance(value, kind):
            return name
    return "map[string]interface {}" if is_map(value) else type(value).__name__


_TYPES: tuple[tuple[Any, str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "float64"),
    (str, "string"),
    (list | tuple, "[]interface {}"),
    (Function, "func()"),
)
