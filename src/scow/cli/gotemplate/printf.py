"""Printing as Go's ``fmt`` does it: ``Sprint``, ``Sprintln`` and ``Sprintf`` over template values.

::

    directive = "%" { flag } [ width ] [ "." [ precision ] ] [ index ] verb
    flag      = "+" | "-" | "#" | "0" | " "
    width     = number | [ index ] "*"      precision likewise
    index     = "[" number "]"
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from scow.cli.gotemplate import scalars
from scow.cli.gotemplate.scalars import Directive
from scow.cli.gotemplate.values import Sink, Value, is_int, is_list, is_map, sorted_entries, type_name

_DIRECTIVE = re.compile(
    r"%(?P<flags>[+\-# 0]*)"
    r"(?P<wi>\[[^]%]*\])?(?P<width>\*|[0-9]+)?"
    r"(?P<dot>\.(?P<pi>\[[^]%]*\])?(?P<precision>\*|[0-9]+)?)?"
    r"(?P<vi>\[[^]%]*\])?(?P<verb>.)?",
    re.DOTALL,
)
_WIDEST = 1_000_000
_PLAIN = Directive("v")


def sprint(values: Sequence[Value]) -> str:
    """``Sprint``: a space between two operands when neither is a string."""
    sink = Sink()
    for at, value in enumerate(values):
        if at and not isinstance(value, str) and not isinstance(values[at - 1], str):
            sink.write(" ")
        put(sink, value, _PLAIN)
    return sink.text()


def sprintln(values: Sequence[Value]) -> str:
    """``Sprintln``: spaces between all operands, and a newline."""
    sink = Sink()
    for at, value in enumerate(values):
        sink.write(" " if at else "")
        put(sink, value, _PLAIN)
    sink.write("\n")
    return sink.text()


def sprintf(pattern: str, values: Sequence[Value]) -> str:
    """``Sprintf``. Mistakes are printed where they are made (``%!d(string=x)``), as Go does."""
    return _Formatting(pattern, values).run()


def put(sink: Sink, value: Value, how: Directive) -> None:
    """Print one value."""
    if how.verb == "T":
        sink.write("<nil>" if value is None else scalars.pad(type_name(value)[: how.precision], how))
    elif is_list(value) and how.verb != "p":
        sink.write("[")
        for at, item in enumerate(value):
            sink.write(" " if at else "")
            _put_item(sink, item, how)
        sink.write("]")
    elif is_map(value) and how.verb != "p":
        sink.write("map[")
        for at, (key, item) in enumerate(sorted_entries(value)):
            sink.write(" " if at else "")
            _put_item(sink, key, how)
            sink.write(":")
            _put_item(sink, item, how)
        sink.write("]")
    else:
        _put_scalar(sink, value, how)


def _put_item(sink: Sink, value: Value, how: Directive) -> None:
    if value is None:
        sink.write("<nil>")
    else:
        put(sink, value, how)


def _put_scalar(sink: Sink, value: Value, how: Directive) -> None:
    if value is None:
        sink.write(scalars.pad("<nil>", how) if how.verb == "v" else f"%!{how.verb}(<nil>)")
        return
    sink.reserve((how.width or 0) + (how.precision or 0))
    text = scalars.shown(value, how)
    if text is None:
        sink.write(f"%!{how.verb}({type_name(value)}=")
        put(sink, value, how.plain())
        sink.write(")")
    else:
        sink.write(text)


class _Formatting:
    """One call of ``Sprintf``: which argument comes next, and whether indexes re-ordered them."""

    def __init__(self, pattern: str, values: Sequence[Value]) -> None:
        self.pattern, self.values, self.sink = pattern, values, Sink()
        self.next, self.reordered, self.bad_index = 0, False, False

    def run(self) -> str:
        at = 0
        for found in _DIRECTIVE.finditer(self.pattern):
            self.sink.write(self.pattern[at : found.start()])
            self._directive(found)
            at = found.end()
        self.sink.write(self.pattern[at:])
        if not self.reordered and self.next < len(self.values):
            self._extra()
        return self.sink.text()

    def _directive(self, found: re.Match[str]) -> None:
        self.bad_index = False
        flags = found["flags"]
        if found["verb"] == "v":  # "%+v" and "%#v" name the fields of structs and types: there are none here
            flags = flags.replace("+", "").replace("#", "")
        width = self._number(found["wi"], found["width"], "WIDTH")
        if width is not None and width < 0:
            flags, width = flags + "-", -width
        precision = self._number(found["pi"], found["precision"] or (found["dot"] and "0"), "PREC")
        if precision is not None and precision < 0:
            precision = None
        self._index(found["vi"] or (found["wi"] if not found["width"] else None))
        verb = found["verb"]
        if verb is None:
            self.sink.write("%!(NOVERB)")
        elif verb == "%":
            self.sink.write("%")
        elif self.bad_index:
            self.sink.write(f"%!{verb}(BADINDEX)")
        elif self.next >= len(self.values):
            self.sink.write(f"%!{verb}(MISSING)")
        else:
            self.next += 1
            put(self.sink, self.values[self.next - 1], Directive(verb, frozenset(flags), width, precision))

    def _index(self, text: str | None) -> None:
        if text is None:
            return
        self.reordered = True
        inner = text[1:-1]
        if inner.isascii() and inner.isdigit() and len(inner) < 8 and 0 < int(inner) <= len(self.values):
            self.next = int(inner) - 1
        else:
            self.bad_index = True

    def _number(self, index: str | None, text: str | None, name: str) -> int | None:
        """A width or precision, from the text or, for ``*``, from the arguments."""
        if text != "*":
            fits = text is not None and len(text) < 8 and int(text) <= _WIDEST
            return int(text) if fits and text is not None else None
        self._index(index)
        if self.next < len(self.values) and is_int(self.values[self.next]):
            self.next += 1
            given: int = self.values[self.next - 1]
            if -_WIDEST <= given <= _WIDEST:
                return given
        else:
            self.next += self.next < len(self.values)
        self.sink.write(f"%!(BAD{name})")
        return None

    def _extra(self) -> None:
        self.sink.write("%!(EXTRA ")
        for at, value in enumerate(self.values[self.next :]):
            self.sink.write(", " if at else "")
            if value is None:
                self.sink.write("<nil>")
            else:
                self.sink.write(f"{type_name(value)}=")
                put(self.sink, value, _PLAIN)
        self.sink.write(")")
