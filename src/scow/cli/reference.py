"""The reference of the command line, from the commands themselves: ``python -m scow.cli.reference > docs/cli.md``."""

from __future__ import annotations

from collections.abc import Iterator

import click

from scow.cli.helptext import option_lines, usage_line, visible_options
from scow.cli.lazy import Command, LazyGroup, spellings
from scow.cli.main import scow

_WIDTH = 100
_HEAD = """# The command line

Made by `python -m scow.cli.reference` from the commands; `scow VERB --help` says the same."""


def reference() -> str:
    """All of it as Markdown; the same commands give the same text."""
    root = click.Context(scow, info_name="scow")
    parts = [_HEAD, *_section(root, scow), *(part for ctx in _commands(root) for part in _section(ctx, ctx.command))]
    return "\n\n".join(parts) + "\n"


def _commands(parent: click.Context) -> Iterator[click.Context]:
    """Every command below, in the order of help."""
    group = parent.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(parent):
        if isinstance(group, LazyGroup) and name in group.lazy and group.lazy[name].hidden:
            continue
        command = group.get_command(parent, name)
        if command is not None and not command.hidden:
            ctx = click.Context(command, info_name=name, parent=parent)
            yield ctx
            yield from _commands(ctx)


def _section(ctx: click.Context, command: click.Command) -> Iterator[str]:
    yield f"## {ctx.command_path}"
    yield _code([usage_line(ctx)])
    yield " ".join((command.help or "").split())
    if also := [f"`{spelling}`" for spelling in spellings(ctx) if spelling != ctx.command_path]:
        yield f"Also {', '.join(also)}."
    if options := visible_options(command):
        yield _code(option_lines(options, _WIDTH))
    if isinstance(command, Command) and command.examples:
        import textwrap

        yield _code(textwrap.dedent(command.examples).strip("\n").splitlines())


def _code(lines: list[str]) -> str:
    return "\n".join(["```text", *(line.rstrip() for line in lines), "```"])


def main() -> None:
    """Print it."""
    click.echo(reference(), nl=False)


if __name__ == "__main__":
    main()
