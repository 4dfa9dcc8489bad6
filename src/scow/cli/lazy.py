"""Commands that behave like docker's, and groups that import a command only when it is the one.

::

    scow = LazyGroup("scow", {"pull": Lazy("scow.cli.images.verbs:pull", "Download an image from a registry")})

A group knows names and short help from its table, so ``--help``, completion and a typing error import nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
import msgspec

from scow.cli import helptext
from scow.cli.failing import INTERRUPTED, UNREAD, drop_output
from scow.cli.misuse import Misuse, NoSuchTopic, misuse, program, wrong_count
from scow.cli.options import Helping, expand

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Command(Helping):
    """A click command with docker's flags, help, ``examples`` and errors."""

    def __init__(self, *args: Any, examples: str = "", **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.examples = examples
        self.allow_extra_args = True  # counted below, in docker's words

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """docker's flags, then click's reading of them."""
        args = expand(self.params, args, interspersed=ctx.allow_interspersed_args)
        try:
            left = super().parse_args(ctx, args)
        except click.UsageError as error:
            raise misuse(error, ctx) from None
        if left and not ctx.resilient_parsing:
            raise wrong_count(ctx)
        return left

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; errors of use are told as docker tells them."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise misuse(error, ctx) from None
        except KeyboardInterrupt:  # which click would make an exit code of 1
            raise SystemExit(INTERRUPTED) from None
        except BrokenPipeError:  # likewise
            drop_output()
            raise SystemExit(UNREAD) from None

    def get_help(self, ctx: click.Context) -> str:
        """The help text, laid out as docker lays it out."""
        return helptext.help_text(ctx, aliases=", ".join(spellings(ctx)), examples=self.examples)


class Lazy(msgspec.Struct, frozen=True):
    """Where a command is (``module:name``) and what a group says of it without looking.

    ``aliases`` are other names for it in the same group; ``section`` is the heading it is listed under. A ``group`` is
    a :class:`LazyGroup`.
    """

    target: str
    help: str
    section: str = "Commands"
    aliases: tuple[str, ...] = ()
    hidden: bool = False
    group: bool = False

    def load(self) -> click.Command:
        """Import it."""
        module, _, attribute = self.target.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.target} is not a command")
        return command


class LazyGroup(Helping, click.Group):
    """A group whose commands are a table of :class:`Lazy`, listed in its order."""

    command_class = Command

    def __init__(self, name: str, lazy_subcommands: Mapping[str, Lazy], **rest: Any) -> None:
        rest.setdefault("no_args_is_help", True)
        super().__init__(name, **rest)
        self.lazy = dict(lazy_subcommands)
        self._other_names = {alias: name for name, lazy in self.lazy.items() for alias in lazy.aliases}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command that was asked for."""
        lazy = self.find(cmd_name)
        try:
            return lazy.load() if lazy else super().get_command(ctx, cmd_name)
        except KeyboardInterrupt:  # as in Command.invoke
            raise SystemExit(INTERRUPTED) from None

    def find(self, name: str) -> Lazy | None:
        """What the table says of a name or an alias."""
        return self.lazy.get(self._other_names.get(name, name))

    def spellings(self, target: str) -> Iterator[str]:
        """The ways to type the command at ``target``, those of the groups below first."""
        for name, lazy in self.lazy.items():
            if lazy.group and isinstance(group := lazy.load(), LazyGroup):
                yield from (f"{name} {spelling}" for spelling in group.spellings(target))
        for name, lazy in self.lazy.items():
            if lazy.target == target:
                yield from (name, *lazy.aliases)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Names, aliases, and what was meant by a typing error."""
        name = self._other_names.get(args[0], args[0])
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            raise self._unknown(ctx, args[0])
        return name if command else None, command, args[1:]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The group's own flags; without any argument, its help."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            click.echo(self.get_help(ctx), err=True)
            ctx.exit()
        try:
            return super().parse_args(ctx, expand(self.params, args, interspersed=False))
        except click.UsageError as error:
            raise misuse(error, ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors of use are told as docker tells them."""
        try:
            return super().invoke(ctx)
        except Misuse:
            raise
        except click.UsageError as error:
            if error.ctx is not ctx:
                raise misuse(error, ctx) from None
        click.echo(self.get_help(ctx), err=True)  # options, but no command
        return None

    def _unknown(self, ctx: click.Context, name: str) -> Misuse:
        from scow.cli.absent import ABSENT

        whole = f"{ctx.command_path} {name}"
        if known := ABSENT.get(whole.partition(" ")[2]):
            return NoSuchTopic(f"{program(ctx)}: there is no '{whole}': {known.why}\nhint: {known.hint}", ctx)
        problem = f"{program(ctx)}: unknown command: {whole}"
        near = [f"'{ctx.command_path} {known}'" for known in self._near(name)]
        if near:
            problem += f"\n\nDid you mean {' or '.join(near)}?"
        return NoSuchTopic(problem, ctx)

    def _near(self, name: str) -> list[str]:
        from difflib import get_close_matches

        return get_close_matches(name, self._listed(), n=3, cutoff=0.6)

    def _listed(self) -> list[str]:
        return [name for name, lazy in self.lazy.items() if not lazy.hidden] + sorted(self.commands)

    def get_help(self, ctx: click.Context) -> str:
        """The help of the group, from its table."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, lazy in self.lazy.items():
            if not lazy.hidden:
                sections.setdefault(lazy.section, []).append((name, lazy.help))
        for name, command in self.commands.items():
            if not command.hidden:
                sections.setdefault("Commands", []).append((name, command.get_short_help_str(100)))
        return helptext.group_help(ctx, sections)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names from the table, so that completing imports no command."""
        from click.shell_completion import CompletionItem

        named = [
            CompletionItem(name, help=(self.lazy if name in self.lazy else self.commands)[name].help)
            for name in self._listed()
            if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]


def spellings(ctx: click.Context) -> list[str]:
    """The ways to type a command, if there are several: ``scow image ls``, ``scow image list``, ``scow images``."""
    root, group = ctx.find_root(), ctx.parent and ctx.parent.command
    lazy = group.find(ctx.info_name or "") if isinstance(group, LazyGroup) else None
    if lazy is None or not isinstance(root.command, LazyGroup):
        return []
    found = [f"{root.info_name} {spelling}" for spelling in root.command.spellings(lazy.target)]
    return found if len(found) > 1 else []


@click.command("help", cls=Command, help="Help about the command", context_settings={"ignore_unknown_options": True})
@click.argument("names", nargs=-1, metavar="[COMMAND]")
@click.pass_context
def help_command(ctx: click.Context, names: tuple[str, ...]) -> None:
    """``scow help image ls``: add it to the root group."""
    at = ctx.find_root()
    for name in names:
        command = at.command.get_command(at, name) if isinstance(at.command, click.Group) else None
        if command is None:
            raise NoSuchTopic(f"unknown help topic: {' '.join(names)}", ctx)
        at = click.Context(command, info_name=name, parent=at)
    click.echo(at.command.get_help(at))
