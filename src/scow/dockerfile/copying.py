"""COPY and ADD: flags, sources (paths and heredocs) and the target."""

from __future__ import annotations

from collections import deque

from scow.dockerfile.flags import Flags, Kind
from scow.dockerfile.heredoc import Heredoc, heredoc
from scow.dockerfile.instructions import Add, Copy
from scow.dockerfile.shell import expand, nothing
from scow.dockerfile.span import Token
from scow.dockerfile.statement import Statement
from scow.dockerfile.tokens import blank_separated
from scow.errors import Invalid

_BOTH = {"chown": Kind.ONE, "chmod": Kind.ONE, "link": Kind.BOOLEAN, "exclude": Kind.MANY}
_COPY = {**_BOTH, "from": Kind.ONE, "parents": Kind.BOOLEAN}
_ADD = {**_BOTH, "checksum": Kind.ONE, "keep-git-dir": Kind.BOOLEAN, "unpack": Kind.BOOLEAN}


def copy(statement: Statement) -> Copy:
    """COPY [flags] source… target"""
    flags = statement.flags(_COPY)
    sources, files, target = _paths(statement)
    return Copy(
        sources=sources,
        files=files,
        target=target,
        from_=_from(statement, flags),
        chown=flags.one("chown"),
        chmod=flags.one("chmod"),
        link=flags.boolean("link"),
        parents=flags.boolean("parents"),
        exclude=flags.many("exclude"),
        **statement.common(),
    )


def add(statement: Statement) -> Add:
    """ADD [flags] source… target"""
    flags = statement.flags(_ADD)
    sources, files, target = _paths(statement)
    return Add(
        sources=sources,
        files=files,
        target=target,
        chown=flags.one("chown"),
        chmod=flags.one("chmod"),
        link=flags.boolean("link"),
        exclude=flags.many("exclude"),
        checksum=flags.one("checksum"),
        keep_git_dir=flags.optional("keep-git-dir"),
        unpack=flags.optional("unpack"),
        **statement.common(),
    )


def _paths(statement: Statement) -> tuple[tuple[str, ...], tuple[Heredoc, ...], str]:
    array = statement.array()
    tokens = statement.note(blank_separated(statement.rest)) if array is None else array
    if len(tokens) < 2:
        only = ", but only one was provided. Destination could not be determined" if tokens else ""
        raise statement.invalid(
            f"{statement.name} requires at least two arguments{only}", hint=f"{statement.name} <source>… <target>"
        )
    *given, target = tokens
    waiting: dict[str, deque[Heredoc]] = {}
    for heredoc_read in statement.heredocs:
        waiting.setdefault(heredoc_read.name, deque()).append(heredoc_read)
    sources: list[str] = []
    files: list[Heredoc] = []
    for token in given:
        file = _taken(token, waiting)
        if file is None:
            sources.append(token.text)
        else:
            files.append(file)
    if _taken(target, waiting):
        raise statement.invalid(f"{statement.name} cannot accept a heredoc as a destination", target)
    return tuple(sources), tuple(files), target.text


def _taken(token: Token, waiting: dict[str, deque[Heredoc]]) -> Heredoc | None:
    """The heredoc that a source stands for; those of one name are taken in the order they were read."""
    if "<<" not in token.text:
        return None
    try:
        asked = heredoc(token.text)
    except Invalid:
        return None
    files = waiting.get(asked.name) if asked else None
    return files.popleft() if files else None


def _from(statement: Statement, flags: Flags) -> str:
    token = flags.token("from")
    if token is None:
        return ""
    try:
        plain = expand(token.text, nothing, statement.escape) == token.text
    except Invalid:
        plain = False
    if not plain:
        workaround = "define a new stage with FROM using ARG from global scope as a workaround"
        raise statement.invalid(f"variable expansion is not supported for --from, {workaround}", token)
    return token.text
