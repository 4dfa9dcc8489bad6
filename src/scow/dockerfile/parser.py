"""Dockerfile text -> instructions.

::

    dockerfile  := directive* ( comment | blank | instruction )*
    instruction := keyword flag* arguments      (escape at the end of a line continues it; heredocs follow it)

Grammar: the Dockerfile reference, syntax 1.x. Everything is read here; what cannot be built is not refused here.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from scow.dockerfile.directives import Directives, directives
from scow.dockerfile.grammar import PARSERS, instruction, trigger
from scow.dockerfile.heredoc import Heredoc, heredocs
from scow.dockerfile.instructions import From, Instruction, Maintainer, Onbuild
from scow.dockerfile.lines import Lines
from scow.dockerfile.span import LogicalLine, Span
from scow.dockerfile.statement import Statement, is_array
from scow.dockerfile.tokens import cut
from scow.errors import Invalid, Limit, Where

#: No Dockerfile is larger, in bytes.
LARGEST = 1 << 20

_WITH_HEREDOCS = frozenset({"RUN", "COPY", "ADD"})
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Dockerfile(msgspec.Struct, frozen=True):
    """A Dockerfile that was read; ``text`` is the whole of it, ``source`` is what errors call it."""

    source: str
    directives: Directives
    instructions: tuple[Instruction, ...]
    text: str

    def where(self, span: Span) -> Where:
        """The place of a span, as errors carry it."""
        return span.where(self.source, self.text)


def parse(text: bytes | str, source: str = "Dockerfile") -> Dockerfile:
    """Read a Dockerfile. Invalid with the exact place where it does not follow the grammar, Limit beyond 1 MiB."""
    decoded, damaged = _decoded(text, source)
    read = physical(decoded)
    found = directives(read, source)
    lines = Lines(source, read, found.escape, found.lines, damaged)
    instructions = tuple(_instruction(lines, line, found.escape) for line in lines)
    if not instructions:
        last = read[-1].rstrip("\r\n") if read else ""
        raise Invalid("file with no instructions", where=Where(source, max(1, len(read)), text=last))
    return Dockerfile(source, found, instructions, decoded)


def parse_trigger(expression: str, source: str = "ONBUILD") -> Instruction:
    """Read one ONBUILD trigger of an image configuration; ``source`` says which image it is from."""
    read = parse(expression, source)
    first, *more = read.instructions
    if more:
        raise Invalid("onbuild trigger should be a single expression", where=read.where(more[0].span))
    if isinstance(first, From | Maintainer | Onbuild):
        raise Invalid(f"{first.keyword} isn't allowed as an ONBUILD trigger", where=read.where(first.span))
    return first


def _decoded(text: bytes | str, source: str) -> tuple[str, bool]:
    """The text without its byte order mark, and whether bytes in it had to be replaced."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > LARGEST:
        raise Limit(f"the Dockerfile is larger than {LARGEST} bytes", subject=source)
    if raw.startswith(_UTF16):
        raise Invalid("the Dockerfile is UTF-16", where=Where(source, 1), hint="save it as UTF-8")
    raw = raw.removeprefix(_BOM)
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace"), True


def physical(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one."""
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _instruction(lines: Lines, line: LogicalLine, escape: str) -> Instruction:
    parts = cut(line, 0, escape)
    statement = Statement(line, 0, parts.keyword, parts.flags, parts.rest, escape, tuple(lines.comments))
    if statement.name in PARSERS and _can_hold_heredocs(statement):
        statement.heredocs = tuple(_filled(lines, line))
    statement.end_line = lines.at
    return instruction(statement)


def _can_hold_heredocs(statement: Statement) -> bool:
    if "<<" not in statement.line.text:
        return False
    inner = trigger(statement) if statement.name == "ONBUILD" else statement
    return inner.name in _WITH_HEREDOCS and not is_array(inner.rest.text)


def _filled(lines: Lines, line: LogicalLine) -> list[Heredoc]:
    return [
        replace(asked, content=lines.body(line, token, asked.name, chomp=asked.chomp))
        for asked, token in heredocs(line.text)
    ]
