"""What a template may call: the functions of ``text/template`` and those that docker adds.

:data:`FUNCTIONS` is the whole list. A function raises :class:`~scow.errors.Invalid` with Go's words for the mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote_plus

from scow.cli.gotemplate import printf
from scow.cli.gotemplate.gojson import to_json
from scow.cli.gotemplate.values import (
    Function,
    Sink,
    Value,
    decoded,
    encoded,
    entries,
    is_int,
    is_list,
    is_map,
    sorted_entries,
    truth,
    type_name,
)
from scow.errors import Invalid

_HTML = str.maketrans({"\0": "�", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"})
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}


# looking into values


def _length(value: Value) -> int:
    """A list or map that an image does not set is null here and empty in docker: its length is 0."""
    if value is None:
        return 0
    if isinstance(value, str):
        return len(encoded(value))
    if is_map(value):
        return sum(1 for _ in entries(value))
    if is_list(value):
        return len(value)
    raise Invalid(f"len of type {type_name(value)}")


def _position(index: Value, size: int) -> int:
    if index is None:
        raise Invalid("cannot index slice/array with nil")
    if not is_int(index):
        raise Invalid(f"cannot index slice/array with type {type_name(index)}")
    if not 0 <= index <= size:
        raise Invalid(f"index out of range: {index}")
    return int(index)


def _index(value: Value, *indexes: Value) -> Value:
    for index in indexes:
        value = _at(value, index)
    return value


def _at(value: Value, index: Value) -> Value:
    if value is None or is_map(value):
        return _entry(value, index)
    if not is_list(value) and not isinstance(value, str):
        raise Invalid(f"can't index item of type {type_name(value)}")
    found = encoded(value) if isinstance(value, str) else value
    position = _position(index, len(found))
    if position == len(found):
        raise Invalid(f"index out of range: {index}")
    return found[position]


def _entry(value: Value, index: Value) -> Value:
    """An absent label is an empty text, as in docker, where labels are a map of texts; null is an empty map."""
    if value is None and is_int(index):
        raise Invalid(f"index out of range: {index}")
    if index is None:
        raise Invalid("value is nil; should be of type string")
    if not isinstance(index, str):
        raise Invalid(f"value has type {type_name(index)}; should be string")
    known = dict(entries(value or {}))
    absent = "" if all(isinstance(item, str) for item in known.values()) else None
    return known.get(index, absent)


def _slice(value: Value, *indexes: Value) -> Value:
    if value is None:
        raise Invalid("slice of untyped nil")
    if len(indexes) > 3:
        raise Invalid(f"too many slice indexes: {len(indexes)}")
    if isinstance(value, str) and len(indexes) == 3:
        raise Invalid("cannot 3-index slice a string")
    if not isinstance(value, str) and not is_list(value):
        raise Invalid(f"can't slice item of type {type_name(value)}")
    whole = encoded(value) if isinstance(value, str) else value
    ends = [_position(index, len(whole)) for index in indexes]
    low, high, *_ = [*ends, *(0, len(whole))[len(ends) :]]
    for before, after in zip([low, high], [high, *ends[2:]], strict=False):
        if before > after:
            raise Invalid(f"invalid slice index: {before} > {after}")
    cut = whole[low:high]
    return decoded(cut) if isinstance(cut, bytes) else cut


# comparing


def _kind(value: Value) -> str:
    name = type_name(value)
    return name if name in ("bool", "int", "float64", "string") else ""


def _equal(first: Value, *others: Value) -> bool:
    if not others:
        raise Invalid("missing argument for comparison")
    return any(_same(first, other) for other in others)


def _same(first: Value, other: Value) -> bool:
    if first is None or other is None:
        return first is other
    if _kind(first) != _kind(other):
        raise Invalid(f"incompatible types for comparison: {type_name(first)} and {type_name(other)}")
    if not _kind(first):
        raise Invalid(f"non-comparable type {printf.sprint([other])}: {type_name(other)}")
    return bool(first == other)


def _less(first: Value, other: Value) -> bool:
    kinds = _kind(first), _kind(other)
    if not all(kinds):
        raise Invalid("invalid type for comparison")
    if kinds[0] != kinds[1]:
        raise Invalid(f"incompatible types for comparison: {type_name(first)} and {type_name(other)}")
    if kinds[0] == "bool":
        raise Invalid("invalid type for comparison")
    if isinstance(first, str):
        return encoded(first) < encoded(other)
    return bool(first < other)


def _less_or_equal(first: Value, other: Value) -> bool:
    return _less(first, other) or _same(first, other)


# texts


def _join(values: Value, separator: str) -> str:
    if values is None:
        return ""
    if is_list(values):
        texts = [printf.sprint([value]) for value in values]
    elif is_map(values):
        texts = sorted((printf.sprint([value]) for _, value in sorted_entries(values)), key=encoded)
    else:
        raise Invalid(f"expected slice, got {type_name(values)}")
    sink = Sink()
    sink.reserve(sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0))
    return separator.join(texts)


def _split(text: str, separator: str) -> list[str]:
    return text.split(separator) if separator else list(text)


def _title(text: str) -> str:
    """The first letter of each word in upper case, the others as they are."""
    inside = False
    out = []
    for char in text:
        out.append(char if inside else char.upper() if len(char.upper()) == 1 else char)
        inside = char.isalnum() or char == "_" or (inside and not char.isspace() and not char.isascii())
    return "".join(out)


def _pad(text: str, before: int, after: int) -> str:
    if not text:
        return text
    if min(before, after) < 0:
        raise Invalid("strings: negative Repeat count")
    Sink().reserve(before + len(text) + after)
    return " " * before + text + " " * after


def _truncate(text: str, length: int) -> str:
    raw = encoded(text)
    if len(raw) < length:
        return text
    if length < 0:
        raise Invalid(f"runtime error: slice bounds out of range [:{length}]")
    return decoded(raw[:length])


def _html(*values: Value) -> str:
    return _one_text(values).translate(_HTML)


def _js(*values: Value) -> str:
    return "".join(_JS.get(char) or _js_char(char) for char in _one_text(values))


def _js_char(char: str) -> str:
    code = ord(char)
    if code < 32 or not char.isprintable():
        return f"\\u{code:04X}"
    return char


def _urlquery(*values: Value) -> str:
    return quote_plus(encoded(_one_text(values)), safe="")


def _one_text(values: tuple[Value, ...]) -> str:
    return values[0] if len(values) == 1 and isinstance(values[0], str) else printf.sprint(values)


def _call(value: Value, *_: Value) -> Value:
    raise Invalid(f"non-function of type {type_name(value)}")


def _lazily(*_: Value) -> Value:
    """``and`` and ``or`` look at no more arguments than they need: the walk over the template does it."""
    raise AssertionError


def _text(call: Callable[[str], str]) -> Function:
    return Function(("string",), call)


_TWO = ("any", "any")
FUNCTIONS: dict[str, Function] = {
    "and": Function(("any",), _lazily, more="any"),
    "or": Function(("any",), _lazily, more="any"),
    "not": Function(("any",), lambda value: not truth(value)),
    "len": Function(("any",), _length),
    "index": Function(("any",), _index, more="any"),
    "slice": Function(("any",), _slice, more="any"),
    "print": Function((), lambda *values: printf.sprint(values), more="any"),
    "println": Function((), lambda *values: printf.sprintln(values), more="any"),
    "printf": Function(("string",), lambda pattern, *values: printf.sprintf(pattern, values), more="any"),
    "html": Function((), _html, more="any"),
    "js": Function((), _js, more="any"),
    "urlquery": Function((), _urlquery, more="any"),
    "call": Function(("any",), _call, more="any"),
    "eq": Function(("any",), _equal, more="any"),
    "ne": Function(_TWO, lambda first, other: not _same(first, other)),
    "lt": Function(_TWO, _less),
    "le": Function(_TWO, _less_or_equal),
    "gt": Function(_TWO, lambda first, other: not _less_or_equal(first, other)),
    "ge": Function(_TWO, lambda first, other: not _less(first, other)),
    "json": Function(("any",), to_json),
    "split": Function(("string", "string"), _split),
    "join": Function(("any", "string"), _join),
    "title": _text(_title),
    "lower": _text(str.lower),
    "upper": _text(str.upper),
    "pad": Function(("string", "int", "int"), _pad),
    "truncate": Function(("string", "int"), _truncate),
}
