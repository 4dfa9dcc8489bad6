"""The grammar of each instruction, in the order of the Dockerfile reference: a statement -> a typed instruction."""

from __future__ import annotations

import re
from collections.abc import Callable

from scow.dockerfile import instructions as made
from scow.dockerfile.copying import add, copy
from scow.dockerfile.durations import duration
from scow.dockerfile.flags import Flags, Kind
from scow.dockerfile.ports import ports
from scow.dockerfile.running import command, run
from scow.dockerfile.signals import is_signal
from scow.dockerfile.span import Token
from scow.dockerfile.statement import Statement
from scow.dockerfile.suggest import hint
from scow.dockerfile.tokens import blank_separated, cut, first_word, key_and_text, quoted_words

Parse = Callable[[Statement], made.Instruction]

_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*")
_NO_TRIGGER = frozenset({"FROM", "MAINTAINER"})
_MILLISECOND = 1_000_000
_NO_FLAGS: dict[str, Kind] = {}
_FROM_FLAGS = {"platform": Kind.ONE}
_HEALTH_FLAGS = dict.fromkeys(("interval", "timeout", "start-period", "start-interval", "retries"), Kind.ONE)


def instruction(statement: Statement) -> made.Instruction:
    """Read a statement by its keyword."""
    parse = PARSERS.get(statement.name)
    if parse is None:
        problem = f"unknown instruction: {statement.keyword.text}"
        raise statement.invalid(problem, hint=hint(statement.keyword.text, PARSERS))
    return parse(statement)


def _from(statement: Statement) -> made.From:
    """FROM [--platform=…] image [AS name]"""
    flags = statement.flags(_FROM_FLAGS)
    tokens = statement.note(blank_separated(statement.rest))
    if len(tokens) not in {1, 3} or (len(tokens) == 3 and tokens[1].text.lower() != "as"):
        token = tokens[1] if len(tokens) > 1 else None
        usage = "FROM [--platform=<platform>] <image> [AS <name>]"
        raise statement.invalid("FROM requires either one or three arguments", token, hint=usage)
    name = tokens[2].text.lower() if len(tokens) == 3 else ""
    if name and not _STAGE_NAME.fullmatch(name):
        rule = "name can't start with a number or contain symbols"
        raise statement.invalid(f'invalid name for build stage: "{tokens[2].text}", {rule}', tokens[2])
    comment = _comment(statement, name)
    platform = flags.one("platform")
    return made.From(image=tokens[0].text, name=name, platform=platform, comment=comment, **statement.common())


def _comment(statement: Statement, name: str) -> str:
    """What the comments above say about ``name``: ``# name text``."""
    told = (line[len(name) + 1 :] for line in statement.comments if name and line.startswith(f"{name} "))
    return next(told, "")


def _cmd(statement: Statement) -> made.Cmd:
    statement.flags(_NO_FLAGS)
    return made.Cmd(command=command(statement), **statement.common())


def _entrypoint(statement: Statement) -> made.Entrypoint:
    statement.flags(_NO_FLAGS)
    return made.Entrypoint(command=command(statement), **statement.common())


def _label(statement: Statement) -> made.Label:
    return made.Label(pairs=_pairs(statement), **statement.common())


def _env(statement: Statement) -> made.Env:
    return made.Env(pairs=_pairs(statement), **statement.common())


def _pairs(statement: Statement) -> tuple[made.Pair, ...]:
    """``k=v …``, or the old form ``k v``: the first word decides."""
    statement.flags(_NO_FLAGS)
    tokens = quoted_words(statement.rest, statement.escape)
    if not tokens:
        raise statement.invalid(f"{statement.name} requires at least one argument")
    if "=" not in tokens[0].text:
        old = key_and_text(statement.rest)
        if old is None:
            raise statement.invalid(f"{statement.name} must have two arguments", tokens[0], hint="write NAME=VALUE")
        key, value = statement.note(old)
        return (made.Pair(key.text, value.text, delimited=False),)
    return tuple(_pair(statement, token) for token in statement.note(tokens))


def _pair(statement: Statement, token: Token) -> made.Pair:
    key, equals, value = token.text.partition("=")
    if not equals:
        problem = f'Syntax error - can\'t find = in "{token.text}". Must be of the form: name=value'
        raise statement.invalid(problem, token, hint="a value with spaces needs quotes")
    if not key:
        raise statement.invalid(f"{statement.name} names can not be blank", token)
    return made.Pair(key, value)


def _maintainer(statement: Statement) -> made.Maintainer:
    statement.flags(_NO_FLAGS)
    return made.Maintainer(name=statement.only(), **statement.common())


def _expose(statement: Statement) -> made.Expose:
    statement.flags(_NO_FLAGS)
    tokens = statement.note(blank_separated(statement.rest))
    if not tokens:
        raise statement.invalid("EXPOSE requires at least one argument")
    for token in tokens:
        if statement.is_plain(token):  # else it is checked when it is expanded
            statement.reading(token, ports)
    return made.Expose(ports=tuple(token.text for token in tokens), **statement.common())


def _volume(statement: Statement) -> made.Volume:
    statement.flags(_NO_FLAGS)
    array = statement.array()
    tokens = statement.note(blank_separated(statement.rest)) if array is None else array
    if not tokens:
        raise statement.invalid("VOLUME requires at least one argument")
    for token in tokens:
        if not token.text.strip():
            raise statement.invalid("VOLUME specified can not be an empty string", token)
    return made.Volume(paths=tuple(token.text.strip() for token in tokens), **statement.common())


def _user(statement: Statement) -> made.User:
    statement.flags(_NO_FLAGS)
    return made.User(user=statement.only(), **statement.common())


def _workdir(statement: Statement) -> made.Workdir:
    statement.flags(_NO_FLAGS)
    return made.Workdir(path=statement.only(), **statement.common())


def _arg(statement: Statement) -> made.Arg:
    statement.flags(_NO_FLAGS)
    tokens = statement.note(quoted_words(statement.rest, statement.escape))
    if not tokens:
        raise statement.invalid("ARG requires at least one argument")
    definitions = tuple(_definition(statement, token) for token in tokens)
    return made.Arg(definitions=definitions, **statement.common())


def _definition(statement: Statement, token: Token) -> made.Definition:
    name, equals, default = token.text.partition("=")
    if not name:
        raise statement.invalid("ARG names can not be blank", token)
    return made.Definition(name, default if equals else None, _comment(statement, name))


def _onbuild(statement: Statement) -> made.Onbuild:
    statement.flags(_NO_FLAGS)
    if not statement.rest.text:
        raise statement.invalid("ONBUILD requires at least one argument")
    inner = trigger(statement)
    if inner.name == "ONBUILD":
        raise statement.invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", inner.keyword)
    if inner.name in _NO_TRIGGER:
        raise statement.invalid(f"{inner.name} isn't allowed as an ONBUILD trigger", inner.keyword)
    bodies = (f"\n{heredoc.content}{heredoc.name}" for heredoc in statement.heredocs)
    expression = inner.original + "".join(bodies)
    return made.Onbuild(expression=expression, trigger=instruction(inner), **statement.common())


def trigger(statement: Statement) -> Statement:
    """The statement within an ONBUILD."""
    start = statement.rest.start
    parts = cut(statement.line, start, statement.escape)
    return Statement(
        statement.line,
        start,
        parts.keyword,
        parts.flags,
        parts.rest,
        statement.escape,
        statement.comments,
        statement.heredocs,
        statement.end_line,
    )


def _stopsignal(statement: Statement) -> made.Stopsignal:
    statement.flags(_NO_FLAGS)
    signal = statement.only()
    if statement.is_plain(statement.rest) and not is_signal(signal):
        raise statement.invalid(f"Invalid signal: {signal}", statement.rest, hint="a name such as SIGTERM, or a number")
    return made.Stopsignal(signal=signal, **statement.common())


def _healthcheck(statement: Statement) -> made.Healthcheck:
    """HEALTHCHECK [options] CMD command | HEALTHCHECK NONE"""
    flags = statement.flags(_HEALTH_FLAGS)
    if not statement.rest.text:
        raise statement.invalid("HEALTHCHECK requires at least one argument")
    kind, after = first_word(statement.rest)
    if kind.text.upper() == "NONE":
        if after.text:
            raise statement.invalid("HEALTHCHECK NONE takes no arguments", after)
        return made.Healthcheck(command=None, **statement.common())
    if kind.text.upper() != "CMD":
        raise statement.invalid(f'Unknown type "{kind.text.upper()}" in HEALTHCHECK (try CMD)', kind)
    statement.rest = after
    test = command(statement)
    if test in {made.ShellForm(""), made.ExecForm(())}:
        raise statement.invalid("Missing command after HEALTHCHECK CMD", kind)
    return made.Healthcheck(
        command=test,
        interval=_interval(statement, flags, "interval"),
        timeout=_interval(statement, flags, "timeout"),
        start_period=_interval(statement, flags, "start-period"),
        start_interval=_interval(statement, flags, "start-interval"),
        retries=_retries(statement, flags),
        **statement.common(),
    )


def _interval(statement: Statement, flags: Flags, name: str) -> int:
    token = flags.token(name)
    if token is None or not token.text:
        return 0
    length = statement.reading(token, duration)
    if length and length < _MILLISECOND:
        raise statement.invalid(f'Interval "{name}" cannot be less than 1ms', token)
    return length


def _retries(statement: Statement, flags: Flags) -> int:
    token = flags.token("retries")
    if token is None or not token.text:
        return 0
    if not re.fullmatch(r"[+-]?[0-9]{1,10}", token.text) or abs(int(token.text)) >= 1 << 31:
        raise statement.invalid(f"--retries is not a number of 32 bits: {token.text}", token)
    if int(token.text) < 0:
        raise statement.invalid(f"--retries cannot be negative ({token.text})", token)
    return int(token.text)


def _shell(statement: Statement) -> made.Shell:
    statement.flags(_NO_FLAGS)
    array = statement.array()
    if not statement.rest.text or array == ():
        raise statement.invalid("SHELL requires at least one argument")
    if array is None:
        example = 'SHELL ["/bin/bash", "-c"]'
        raise statement.invalid("SHELL requires the arguments to be in JSON form", statement.rest, hint=example)
    return made.Shell(argv=tuple(token.text for token in array), **statement.common())


#: Every instruction and its grammar.
PARSERS: dict[str, Parse] = {
    "FROM": _from,
    "RUN": run,
    "CMD": _cmd,
    "LABEL": _label,
    "MAINTAINER": _maintainer,
    "EXPOSE": _expose,
    "ENV": _env,
    "ADD": add,
    "COPY": copy,
    "ENTRYPOINT": _entrypoint,
    "VOLUME": _volume,
    "USER": _user,
    "WORKDIR": _workdir,
    "ARG": _arg,
    "ONBUILD": _onbuild,
    "STOPSIGNAL": _stopsignal,
    "HEALTHCHECK": _healthcheck,
    "SHELL": _shell,
}
