"""Golden folders: a Dockerfile and what it reads as; their negative twins, with the exact message and caret.

A new folder is a new test. To see what a case gives, run this test and read the difference.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import NODEFAULT as NONE
from msgspec.structs import fields

from scow.dockerfile.instructions import Instruction
from scow.dockerfile.parser import Dockerfile, parse
from scow.dockerfile.span import Span
from scow.dockerfile.stages import stages
from scow.errors import Invalid

HERE = Path(__file__).parent
GOLDEN = sorted(folder.name for folder in (HERE / "golden").iterdir())
BAD = sorted(folder.name for folder in (HERE / "bad").iterdir())


def shown_span(span: Span) -> str:
    lines = f"{span.start_line}" if span.start_line == span.end_line else f"{span.start_line}-{span.end_line}"
    return f"{lines}:{span.column}+{span.width}"


def shown(value: object) -> Any:
    """A value as JSON; fields that have their default are left out."""
    if isinstance(value, Span):
        return shown_span(value)
    if isinstance(value, tuple):
        return [shown(one) for one in value]
    if isinstance(value, frozenset):
        return sorted(value)
    if not isinstance(value, msgspec.Struct):
        return value
    given = {name: getattr(value, name) for name in value.__struct_fields__ if name != "words"}
    plain = {field.name: field.default for field in fields(type(value)) if field.default is not NONE}
    is_command = type(value).__name__ in {"ShellForm", "ExecForm"}
    kind = {"is": type(value).__name__} if isinstance(value, Instruction) or is_command else {}
    empty = () if "argv" not in given else None
    return kind | {name: shown(one) for name, one in given.items() if one != plain.get(name, NONE) and one != empty}


def shown_file(read: Dockerfile) -> Any:
    return {"directives": shown(read.directives), "instructions": shown(read.instructions)}


def report(error: Invalid) -> str:
    """The error with its line and a caret, as the command line prints it."""
    assert error.where is not None
    number = f"{error.where.line:>4} | "
    caret = " " * (len(number) - 2) + "| " + " " * (error.where.column - 1) + "^" * error.where.width
    hint = f"hint: {error.hint}\n" if error.hint else ""
    return f"{error}\n{number}{error.where.text}\n{caret}\n{hint}"


@pytest.mark.parametrize("case", GOLDEN)
def test_reads_as_expected(case: str) -> None:
    folder = HERE / "golden" / case
    read = parse((folder / "Dockerfile").read_bytes())
    assert shown_file(read) == json.loads((folder / "expected.json").read_text())
    assert stages(read).stages


@pytest.mark.parametrize("case", BAD)
def test_refused_as_expected(case: str) -> None:
    folder = HERE / "bad" / case
    with pytest.raises(Invalid) as caught:
        stages(parse((folder / "Dockerfile").read_bytes()))
    assert report(caught.value) == (folder / "expected.txt").read_text()
