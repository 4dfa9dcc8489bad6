"""RUN, and the two forms of a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from scow.dockerfile.flags import Flags, Kind
from scow.dockerfile.instructions import Command, ExecForm, Run, ShellForm
from scow.dockerfile.mounts import MountInvalid, device, mount
from scow.dockerfile.span import Token
from scow.dockerfile.statement import Statement
from scow.dockerfile.suggest import hint

NETWORKS = ("default", "none", "host")
SECURITY = ("sandbox", "insecure")

_FLAGS = {"mount": Kind.MANY, "network": Kind.ONE, "security": Kind.ONE, "device": Kind.MANY}
T = TypeVar("T")


def command(statement: Statement) -> Command:
    """The exec form where the arguments are a JSON array of strings, else the shell form."""
    array = statement.array()
    if array is not None:
        return ExecForm(tuple(token.text for token in array))
    statement.note((statement.rest,))
    return ShellForm(statement.rest.text, statement.heredocs)


def run(statement: Statement) -> Run:
    """RUN [--mount=…] [--network=…] [--security=…] [--device=…] command"""
    flags = statement.flags(_FLAGS)
    network = _choice(statement, flags, "network", NETWORKS, 'invalid network mode "{}"')
    security = _choice(statement, flags, "security", SECURITY, 'security "{}" is not valid')
    wanted = command(statement)
    if wanted == ExecForm(()):
        raise statement.invalid("RUN requires a command", statement.rest)
    return Run(
        command=wanted,
        mounts=_each(statement, flags, "mount", lambda text: mount(text, escape=statement.escape)),
        network=network,
        security=security,
        devices=_each(statement, flags, "device", device),
        **statement.common(),
    )


def _choice(statement: Statement, flags: Flags, name: str, choices: tuple[str, ...], problem: str) -> str:
    token = flags.token(name)
    if token is None:
        return choices[0]
    if token.text not in choices:
        raise statement.invalid(problem.format(token.text), token, hint=hint(token.text, choices))
    return token.text


def _each(statement: Statement, flags: Flags, name: str, read: Callable[[str], T]) -> tuple[T, ...]:
    return tuple(_one(statement, token, read) for token in flags.tokens(name))


def _one(statement: Statement, token: Token, read: Callable[[str], T]) -> T:
    try:
        return read(token.text)
    except MountInvalid as error:
        start, end = error.place
        raise statement.invalid(error.problem, token.part(start, end - start), hint=error.hint) from None
