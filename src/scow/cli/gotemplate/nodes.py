"""What a parsed template is made of, and how each piece is quoted in an error message.

``position`` is the character offset of the token that Go names in its errors.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Dot(msgspec.Struct, frozen=True):
    """``.``"""

    position: int


class Nil(msgspec.Struct, frozen=True):
    """``nil``"""

    position: int


class Field(msgspec.Struct, frozen=True):
    """``.A.B``"""

    position: int
    names: tuple[str, ...]


class Variable(msgspec.Struct, frozen=True):
    """``$x.A.B``; the first name is the variable's, with its dollar."""

    position: int
    names: tuple[str, ...]


class Identifier(msgspec.Struct, frozen=True):
    """The name of a function."""

    position: int
    name: str


class Literal(msgspec.Struct, frozen=True):
    """A constant: ``text`` as written, ``value`` as meant."""

    position: int
    text: str
    value: str | int | float | bool


class Command(msgspec.Struct, frozen=True):
    """A function or value and its arguments: one stage of a pipeline."""

    position: int
    words: tuple[Operand, ...]


class Pipe(msgspec.Struct, frozen=True):
    """``$a, $b := command | command``; ``assigns`` is true for ``=``."""

    position: int
    names: tuple[str, ...]
    assigns: bool
    commands: tuple[Command, ...]


class Chain(msgspec.Struct, frozen=True):
    """``(pipeline).A.B``"""

    position: int
    start: Pipe | Identifier
    names: tuple[str, ...]


class Text(msgspec.Struct, frozen=True):
    """What is printed as it stands."""

    text: str


class Action(msgspec.Struct, frozen=True):
    """``{{pipeline}}``"""

    position: int
    pipe: Pipe


class Branch(msgspec.Struct, frozen=True):
    """``if``, ``with`` or ``range``, its body and its ``else``."""

    position: int
    keyword: str
    pipe: Pipe
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...] | None


class Leave(msgspec.Struct, frozen=True):
    """``break`` or ``continue``."""

    position: int
    keyword: str


class Call(msgspec.Struct, frozen=True):
    """``{{template "name" pipeline}}``"""

    position: int
    name: str
    pipe: Pipe | None


Operand: TypeAlias = Dot | Nil | Field | Variable | Identifier | Literal | Pipe | Chain
Node: TypeAlias = Text | Action | Branch | Leave | Call
Place: TypeAlias = Operand | Node | Command


def source(node: Place) -> str:
    """The text of a node, as Go quotes it in an error message."""
    match node:
        case Dot():
            return "."
        case Nil():
            return "nil"
        case Field():
            return "".join(f".{name}" for name in node.names)
        case Variable():
            return ".".join(node.names)
        case Identifier():
            return node.name
        case Literal() | Text():
            return node.text
        case Chain():
            start = source(node.start)
            return (f"({start})" if isinstance(node.start, Pipe) else start) + "".join(f".{n}" for n in node.names)
        case Command():
            return " ".join(f"({source(w)})" if isinstance(w, Pipe) else source(w) for w in node.words)
        case Pipe():
            return _pipe_source(node)
        case Leave():
            return f"{{{{{node.keyword}}}}}"
        case Call():
            return f'{{{{template "{node.name}"{" " + source(node.pipe) if node.pipe else ""}}}}}'
        case Action():
            return f"{{{{{source(node.pipe)}}}}}"
        case Branch():
            return f"{{{{{node.keyword} {source(node.pipe)}}}}}"


def _pipe_source(pipe: Pipe) -> str:
    declared = f"{', '.join(pipe.names)} {'=' if pipe.assigns else ':='} " if pipe.names else ""
    return declared + " | ".join(source(command) for command in pipe.commands)
