"""A command line that cannot be followed: what to say, and the exit code, as docker has them.

====================================  ====
a flag that is unknown or ill-formed  125
a wrong number of arguments           1
an unknown command                    1
====================================  ====
"""

from __future__ import annotations

from typing import IO, Any

import click

from scow.cli import helptext
from scow.errors import printable


class Misuse(click.UsageError):
    """A usage error in docker's words: a flag. :attr:`text` is everything to print on standard error."""

    exit_code = 125
    tells_usage = True

    @property
    def text(self) -> str:
        """All that goes to standard error."""
        if self.ctx is None:
            return self.message
        usage = f"{helptext.usage_line(self.ctx)}\n\n" if self.tells_usage else ""
        return f"{self.message}\n\n{usage}Run '{self.ctx.command_path} --help' for more information"

    def show(self, file: IO[Any] | None = None) -> None:
        """click's way of printing an error."""
        click.echo("\n".join(map(printable, self.text.split("\n"))), file=file, err=True)


class WrongArguments(Misuse):
    """The number of arguments does not fit."""

    exit_code = 1


class NoSuchTopic(Misuse):
    """There is no such command, or no help on it."""

    exit_code = 1
    tells_usage = False


def misuse(error: click.UsageError, ctx: click.Context) -> Misuse:
    """The same error in docker's words."""
    if isinstance(error, Misuse):
        return error
    ctx = error.ctx or ctx
    match error:
        case click.NoSuchOption():
            return Misuse(_unknown(error), ctx)
        case click.MissingParameter() if isinstance(error.param, click.Argument):
            return wrong_count(ctx)
        case click.MissingParameter() if error.param is not None:
            return Misuse(f"required flag(s) {helptext.flag_names(error.param)} not set", ctx)
        case click.BadOptionUsage() if "requires" in error.message:
            return Misuse(f"flag needs an argument: {_needing(error.option_name)}", ctx)
        case click.BadParameter() if isinstance(error.param, click.Option):
            return Misuse(f'invalid argument for "{helptext.flag_names(error.param)}" flag: {error.message}', ctx)
        case click.BadParameter():
            return WrongArguments(error.message, ctx)
    return Misuse(error.format_message(), ctx)


def _unknown(error: click.NoSuchOption) -> str:
    name = error.option_name
    if not name.startswith("--"):
        return f"unknown shorthand flag: '{name.lstrip('-')[:1]}' in {name}"
    near = f" (did you mean {error.possibilities[0]}?)" if error.possibilities else ""
    return f"unknown flag: {name}{near}"


def _needing(name: str) -> str:
    return name if name.startswith("--") else f"'{name.lstrip('-')}' in {name}"


def wrong_count(ctx: click.Context) -> WrongArguments:
    """``scow: 'scow pull' requires 1 argument``: too many or too few."""
    least = most = 0
    for param in ctx.command.params:
        if isinstance(param, click.Argument):
            least += max(param.nargs, 1) if param.required else 0
            most += 1000 if param.nargs < 0 else param.nargs
    if most == 0:
        problem = "accepts no arguments"
    elif least == most:
        problem = f"requires {_arguments(least)}"
    elif most >= 1000:
        problem = f"requires at least {_arguments(least)}"
    elif least == 0:
        problem = f"requires at most {_arguments(most)}"
    else:
        problem = f"requires at least {least} and at most {_arguments(most)}"
    return WrongArguments(f"{program(ctx)}: '{ctx.command_path}' {problem}", ctx)


def _arguments(count: int) -> str:
    return f"{count} argument" if count == 1 else f"{count} arguments"


def program(ctx: click.Context) -> str:
    """The name of the whole program."""
    return ctx.find_root().info_name or "scow"
