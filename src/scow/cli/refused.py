"""Docker's flags that scow does not follow: each is told by its name, none is ignored, none is unknown.

A value that asks for what happens anyway (``--privileged=false``, ``--restart no``) is fine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
import msgspec

from scow.cli.options import Option, Switch
from scow.errors import Unsupported

NO_DAEMON = "means nothing here: there is no daemon"
UNSIGNED = "cannot be taken away: images are not signed"
_NOT_YET = "is not supported yet"
_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


class Refused(msgspec.Struct, frozen=True):
    """A flag of docker's. ``harmless`` values change nothing here; ``hint`` is what to do instead."""

    names: tuple[str, ...]
    harmless: tuple[str, ...] = ()
    hint: str = ""
    switch: bool = False
    why: str = _NOT_YET


def flag(names: str, *, hint: str = "", harmless: tuple[str, ...] = ("false",), why: str = _NOT_YET) -> Refused:
    """A switch, its names with spaces between: ``flag("-d --detach")``."""
    return Refused(tuple(names.split()), harmless, hint, switch=True, why=why)


def values(names: str, *harmless: str, hint: str = "", why: str = _NOT_YET) -> list[Refused]:
    """Flags that take a value, a name each: ``values("--cpus --cpu-quota", "0")``; ``-m/--memory`` is one flag."""
    return [Refused(tuple(name.split("/")), harmless, hint, why=why) for name in names.split()]


def refused(flags: Iterable[Refused]) -> Callable[[_Decorated], _Decorated]:
    """Declare them all; they are hidden from help and reach no function."""
    table = list(flags)

    def decorate(function: _Decorated) -> _Decorated:
        for one in table:
            kind: dict[str, Any] = {"cls": Switch, "default": None} if one.switch else {"cls": Option, "multiple": True}
            declare = click.option(*one.names, hidden=True, expose_value=False, callback=_refusal(one), **kind)
            function = declare(function)
        return function

    return decorate


def _refusal(one: Refused) -> Callable[[click.Context, click.Parameter, Any], None]:
    def refuse(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        given = [str(value).lower()] if isinstance(value, bool) else list(value or ())
        if set(given) - set(one.harmless) and not ctx.resilient_parsing:
            raise Unsupported(f"{', '.join(one.names)} {one.why}", hint=one.hint)

    return refuse
