"""Docker's flags on top of click's: ``--rm``, ``--rm=false``, ``-it``, ``-it=0``, ``-o=file``.

A boolean flag is a :func:`switch`: to click it takes a value, so ``--rm=false`` needs nothing special, and
:func:`expand` writes that value where the user left it out, before click sees the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scow.cli.helptext import flag_names
from scow.cli.misuse import Misuse
from scow.dockerfile.truths import TRUTHS
from scow.errors import Invalid

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


class Option(click.Option):
    """An option whose bad value is told as docker tells it.

    Its type or callback may raise :class:`~scow.errors.Invalid`.
    """

    def __init__(self, *declarations: Any, help: str | None = None, **rest: Any) -> None:  # noqa: A002 - click's name
        super().__init__(*declarations, **rest)
        self.help = help  # click would take it for a docstring, and load inspect to clean it

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """click's reading of the value, errors in docker's words."""
        try:
            return super().process_value(ctx, value)
        except click.MissingParameter:
            raise
        except (click.BadParameter, Invalid) as error:
            problem = error.problem if isinstance(error, Invalid) else error.message
            given = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
            raise Misuse(f'invalid argument "{given}" for "{flag_names(self)}" flag: {problem}', ctx) from None


if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _TruthType = click.ParamType[bool]
else:
    _TruthType = click.ParamType


class Truth(_TruthType):
    """The spellings of Go's ``strconv.ParseBool``, which docker's flags take."""

    name = "bool"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bool:
        """The value as a bool."""
        if isinstance(value, bool):
            return value
        if value not in TRUTHS:
            self.fail(f'strconv.ParseBool: parsing "{value}": invalid syntax', param, ctx)
        return TRUTHS[value]


class Switch(Option):
    """A boolean flag; of several, the last counts."""

    def __init__(self, declarations: Sequence[str], *, default: bool | None = False, **rest: Any) -> None:
        super().__init__(declarations, type=Truth(), default=default, metavar="", **rest)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What follows a switch is not its value: complete the group's command, or the command's argument."""
        if isinstance(ctx.command, click.Group):
            return ctx.command.shell_complete(ctx, incomplete)
        arguments = [param for param in ctx.command.params if isinstance(param, click.Argument)]
        for argument in arguments:
            if argument.nargs < 0 or ctx.params.get(argument.name or "") is None:
                return argument.shell_complete(ctx, incomplete)
        return []


def switch(*names: str, default: bool | None = False, **rest: Any) -> Callable[[_Decorated], _Decorated]:
    """Declare a boolean flag: ``@switch("-q", "--quiet", help="Only show image IDs")``.

    With ``default=None`` the function can tell "not given" from "false".
    """
    return click.option(*names, cls=Switch, default=default, **rest)


def option(*names: str, **rest: Any) -> Callable[[_Decorated], _Decorated]:
    """``click.option`` whose bad values are told as docker tells them."""
    return click.option(*names, cls=Option, **rest)


def together(*flags: Callable[[Any], Any]) -> Callable[[_Decorated], _Decorated]:
    """Several flags as one decorator, for commands that share them."""

    def declare(function: _Decorated) -> _Decorated:
        for flag in reversed(flags):
            function = flag(function)
        return function

    return declare


def each(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], tuple[Any, ...]]:
    """A callback for a flag that may be given often."""
    return lambda _ctx, _param, texts: tuple(parse(text) for text in texts)


class Helping(click.Command):
    """A command whose ``--help`` is an :class:`Option`."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """The one flag that every command has; also ``-h``, where that is no other (``run -h HOSTNAME``)."""
        if self._help_option is None:
            taken = any("-h" in param.opts for param in self.params)
            self._help_option = Option(
                ["--help"] if taken else ["--help", "-h"], is_flag=True, is_eager=True, expose_value=False,
                help="Show this message and exit.", callback=_show_help,
            )  # fmt: skip
        return self._help_option

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What click offers; of a flag the first line of its help, as zsh counts lines."""
        offered = super().shell_complete(ctx, incomplete)
        for item in offered:
            item.help = item.help and item.help.partition("\n")[0].rstrip(":")
        return offered


def _show_help(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


def expand(params: Iterable[click.Parameter], arguments: Sequence[str], *, interspersed: bool = True) -> list[str]:
    """The arguments with every switch's value written out, and ``-o=x`` as ``--output=x``.

    Whatever follows ``--`` (or the first argument, unless ``interspersed``) is somebody else's and stays as it is; so
    does what is the value of an option, and what no option is called.
    """
    return _Expansion(params, arguments, interspersed).run()


class _Expansion:
    def __init__(self, params: Iterable[click.Parameter], arguments: Sequence[str], interspersed: bool) -> None:
        self.options = {name: param for param in params if isinstance(param, click.Option) for name in _names(param)}
        self.rest = list(reversed(arguments))
        self.interspersed = interspersed
        self.done: list[str] = []

    def run(self) -> list[str]:
        while self.rest:
            argument = self.rest.pop()
            if argument == "--" or (_is_operand(argument) and not self.interspersed):
                return [*self.done, argument, *reversed(self.rest)]
            if _is_operand(argument):
                self.done.append(argument)
            elif argument.startswith("--"):
                self._long(argument)
            else:
                self._cluster(argument)
        return self.done

    def _long(self, argument: str) -> None:
        name, equals, _ = argument.partition("=")
        known = self.options.get(name)
        if isinstance(known, Switch):
            self.done.append(argument if equals else f"{name}=true")
            return
        self.done.append(argument)
        if known and not equals and _takes_value(known):
            self._copy(known.nargs)

    def _copy(self, count: int) -> None:
        for _ in range(min(count, len(self.rest))):
            self.done.append(self.rest.pop())

    def _cluster(self, argument: str) -> None:
        """``-itu=x``: switches, up to one option that takes the rest or the next argument."""
        expanded: list[str] = []
        letters = argument[1:]
        while letters:
            name, letters = f"-{letters[0]}", letters[1:]
            known = self.options.get(name)
            if known is None:
                self.done.append(argument)
                return
            if isinstance(known, Switch):
                value, letters = (letters[1:], "") if letters.startswith("=") else ("true", letters)
                expanded.append(_given(known, name, value))
            elif _takes_value(known):
                self._value(known, name, letters, expanded)
                return
            else:
                expanded.append(name)
        self.done += expanded

    def _value(self, known: click.Option, name: str, rest: str, before: list[str]) -> None:
        long = _long(known)
        self.done += before
        if not rest:
            self.done.append(long if long and self.rest else name)
            self._copy(known.nargs)
        elif long:
            self.done.append(f"{long}={rest.removeprefix('=')}")
        else:
            self.done += [name, ""] if rest == "=" else [name + rest.removeprefix("=")]


def _names(param: click.Option) -> list[str]:
    return [*param.opts, *param.secondary_opts]


def _is_operand(argument: str) -> bool:
    return argument == "-" or not argument.startswith("-")


def _takes_value(known: click.Option) -> bool:
    return not known.is_flag and not known.count


def _long(known: click.Option) -> str:
    """Its long name: click looks for a long option in vain first, and for what else could be meant, before a short."""
    return next((opt for opt in known.opts if opt.startswith("--")), "")


def _given(known: click.Option, name: str, value: str) -> str:
    long = _long(known)
    return f"{long}={value}" if long else f"{name}{value}"
