"""``build --call=check|outline|targets`` as BuildKit's tools print them: text, and the JSON they document."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from scow.cli import formats
from scow.dockerfile.lint.buildkit import Warned, check
from scow.dockerfile.lint.linting import Looked
from scow.dockerfile.outline import Outline, Target
from scow.dockerfile.span import Span
from scow.errors import Invalid, Unsupported, printable

_CALLS = ("check", "outline", "targets", "lint")
_RULER = "-" * 20
_AROUND = {True: 4, False: 2}


def asked(call: str) -> tuple[str, str]:
    """``check,format=json`` → what is asked, and text or json."""
    name, *options = call.split(",")
    form = "text"
    for option in options:
        key, _, value = option.partition("=")
        if key == "format" and value not in {"text", "json"}:
            raise Unsupported(f"the format {value} is not known", subject=f"--call={call}", hint="text or json")
        if key != "format":
            raise Invalid(f"invalid option {option!r}", subject=f"--call={call}", hint="format=json")
        form = value
    if name not in _CALLS:
        raise Unsupported(f"{name} is not known", subject=f"--call={call}", hint="check, outline or targets")
    return "check" if name == "lint" else name, form


def failed(looked: Looked, target: str | None) -> bool:
    """Is there something to mend?"""
    return looked.error is not None or bool(check(looked, target))


def check_text(looked: Looked, target: str | None = None) -> str:
    """How many warnings, each with its lines; nothing of it for a file that cannot be read."""
    warned = check(looked, target)
    if looked.error is not None and not warned:
        return ""
    if not warned:
        return "Check complete, no warnings found.\n"
    count = "1 warning has" if len(warned) == 1 else f"{len(warned)} warnings have"
    return f"Check complete, {count} been found!\n" + "".join(_warning(looked, one) for one in warned)


def _warning(looked: Looked, one: Warned) -> str:
    name = looked.source.rpartition("/")[2]
    lines = _excerpt(name, looked.text.split("\n"), one.start_line, one.end_line)
    return f"\nWARNING: {one.name} - {one.url}\n{one.detail}\n{lines}"


def _excerpt(name: str, lines: Sequence[str], first: int, last: int) -> str:
    """The lines, and two or so on each side."""
    last = min(last, len(lines))
    start, end, shown = first, last, 0
    while shown < _AROUND[first == last]:
        shown += 1 + (start > 1) + (end != len(lines))
        start, end = max(1, start - 1), min(len(lines), end + 1)
    rows = (f" {at:3d} | {'>>>' if first <= at <= last else '   '} {lines[at - 1]}\n" for at in range(start, end + 1))
    return f"{name}:{first}\n{_RULER}\n{''.join(rows)}{_RULER}\n"


def check_json(looked: Looked, target: str | None = None) -> str:
    """``warnings``, ``sources`` and, for a file that cannot be read, ``buildError``."""
    warnings = [
        {
            "ruleName": one.name, "description": one.description, "url": one.url, "detail": one.detail,
            "location": {"ranges": [_range(one.start_line, one.end_line)]},
        }
        for one in check(looked, target)
    ]  # fmt: skip
    source = {"filename": looked.source.rpartition("/")[2], "language": "Dockerfile", "data": _encoded(looked.text)}
    document: dict[str, Any] = {"warnings": warnings or None, "sources": [source]}
    if looked.error is not None:
        line = looked.error.where.line if looked.error.where else 1
        document["buildError"] = {"message": looked.error.problem, "location": {"ranges": [_range(line, line)]}}
    return _dumped(document)


def _range(first: int, last: int) -> dict[str, Any]:
    return {"start": {"line": first}, "end": {"line": last}}


def _at(span: Span) -> dict[str, Any]:
    return {"ranges": [_range(span.start_line, span.end_line)]}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _dumped(document: dict[str, Any]) -> str:
    return formats.as_json(document) + "\n"


def _filled(entries: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty, as Go's ``omitempty``."""
    return {key: value for key, value in entries.items() if value}


def outline_text(outline: Outline, _text: str) -> str:
    """Target, arguments, secrets and agents, a table each."""
    parts = []
    if outline.name or outline.description:
        rows = [("TARGET:", outline.name or "(default)")]
        rows += [("DESCRIPTION:", outline.description)] if outline.description else []
        parts.append(_aligned(rows, 1))
    tables: list[tuple[tuple[str, ...], list[tuple[str, ...]]]] = [
        (("BUILD ARG", "VALUE", "DESCRIPTION"), [(one.name, one.value, one.description) for one in outline.arguments]),
        (("SECRET", "REQUIRED"), [(one.name, "true" if one.required else "") for one in outline.secrets]),
        (("SSH", "REQUIRED"), [(one.name, "true" if one.required else "") for one in outline.agents]),
    ]
    parts += [_aligned([head, *rows], 3) for head, rows in tables if rows]
    return "".join(f"{part}\n" for part in parts)


def outline_json(outline: Outline, text: str) -> str:
    """What is empty is left out."""
    arguments = [
        _filled({"name": one.name, "description": one.description, "value": one.value, "location": _at(one.span)})
        for one in outline.arguments
    ]
    secrets, agents = (
        [_filled({"name": one.name, "required": one.required, "location": _at(one.span)}) for one in wanted]
        for wanted in (outline.secrets, outline.agents)
    )
    document = {"name": outline.name, "description": outline.description, "args": arguments}
    return _dumped(_filled({**document, "secrets": secrets, "ssh": agents, "sources": [_encoded(text)]}))


def targets_text(targets: Sequence[Target], _text: str) -> str:
    """A line a target."""
    rows = [("TARGET", "DESCRIPTION")]
    for one in targets:
        name = f"{one.name} (default)" if one.name and one.default else one.name or "(default)" * one.default
        rows.append((name, one.description))
    return _aligned(rows, 1)


def targets_json(targets: Sequence[Target], text: str) -> str:
    """What is empty is left out."""
    entries = [
        _filled({
            "name": one.name, "default": one.default, "description": one.description, "base": one.base,
            "platform": one.platform, "location": _at(one.span),
        })
        for one in targets
    ]  # fmt: skip
    return _dumped({"targets": entries, "sources": [_encoded(text)]})


def _aligned(rows: Iterable[tuple[str, ...]], gap: int) -> str:
    """Columns as Go's tabwriter has them: the last one has no width."""
    listed = [[printable(cell) for cell in row] for row in rows]
    wide = [max(len(row[column]) for row in listed) + gap for column in range(len(listed[0]) - 1)]
    return "".join(
        "".join([*(cell.ljust(width) for cell, width in zip(row, wide, strict=False)), row[-1]]) + "\n"
        for row in listed
    )


#: What is printed for each format.
CHECKS: Mapping[str, Callable[[Looked, str | None], str]] = {"text": check_text, "json": check_json}
OUTLINES: Mapping[str, Callable[[Outline, str], str]] = {"text": outline_text, "json": outline_json}
TARGETS: Mapping[str, Callable[[Sequence[Target], str], str]] = {"text": targets_text, "json": targets_json}
