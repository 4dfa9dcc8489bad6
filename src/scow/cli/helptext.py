"""The text of ``--help``, laid out as docker's: usage, one line, aliases, commands, options.

Nothing here imports a subcommand: a group tells its commands from its own table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import click

_NARROWEST_NAMES = 11
_WIDEST = 1000


def usage_line(ctx: click.Context) -> str:
    """``Usage:  scow pull [OPTIONS] NAME[:TAG|@DIGEST]``"""
    command = ctx.command
    pieces = ["[OPTIONS]"] if visible_options(command) else []
    if isinstance(command, click.Group):
        pieces.append("COMMAND")
    pieces += [param.make_metavar(ctx) for param in command.params if isinstance(param, click.Argument)]
    return " ".join([f"Usage:  {ctx.command_path}", *pieces])


def visible_options(command: click.Command) -> list[click.Option]:
    """The options that help lists, by name; ``--help`` itself goes without saying."""
    options = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    return sorted(options, key=lambda option: _long(option) or option.opts[0].lstrip("-"))


def _long(option: click.Parameter) -> str:
    return next((name[2:] for name in option.opts if name.startswith("--")), "")


def _short(option: click.Parameter) -> str:
    return next((name for name in option.opts if not name.startswith("--")), "")


def flag_names(option: click.Parameter) -> str:
    """``-f, --force``"""
    return ", ".join(filter(None, (_short(option), _long(option) and f"--{_long(option)}")))


def help_text(ctx: click.Context, *, aliases: str = "", examples: str = "") -> str:
    """The help of one command."""
    return _join(ctx, _head(ctx, aliases, examples), _options(ctx, "Options"))


def group_help(ctx: click.Context, sections: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """The help of a group; ``sections`` are headings ("Management Commands") over names and their short help."""
    names = [name for commands in sections.values() for name, _ in commands]
    wide = max([_NARROWEST_NAMES, *map(len, names)])
    listed = [
        "\n".join([f"{heading}:", *(f"  {name.ljust(wide)} {short}".rstrip() for name, short in commands)])
        for heading, commands in sections.items()
    ]
    options = _options(ctx, "Options" if ctx.parent else "Global Options")
    own = [options, *listed] if ctx.parent else [*listed, options]
    more = f"Run '{ctx.command_path} COMMAND --help' for more information on a command."
    return _join(ctx, _head(ctx, "", ""), *own, more)


def _head(ctx: click.Context, aliases: str, examples: str) -> str:
    import textwrap

    told = textwrap.dedent(ctx.command.help or ctx.command.short_help or "").strip()
    width = ctx.terminal_width or _terminal_width()
    wrapped = (textwrap.fill(line, width, break_on_hyphens=False) for line in told.splitlines())
    parts = [usage_line(ctx), "\n".join(wrapped)]
    if aliases:
        parts.append(f"Aliases:\n  {aliases}")
    if examples:
        parts.append("Examples:\n" + textwrap.indent(textwrap.dedent(examples).strip("\n"), "  "))
    return "\n\n".join(filter(None, parts))


def _join(ctx: click.Context, *parts: str) -> str:
    return "\n\n".join(filter(None, (*parts, (ctx.command.epilog or "").strip())))


def _options(ctx: click.Context, heading: str) -> str:
    options = visible_options(ctx.command)
    if not options:
        return ""
    width = ctx.terminal_width or _terminal_width()
    return "\n".join([f"{heading}:", *option_lines(options, width)])


def _terminal_width() -> int:
    import shutil

    return min(max(shutil.get_terminal_size().columns, 40), _WIDEST)


def option_lines(options: Iterable[click.Option], width: int) -> list[str]:
    """``  -f, --filter filter   What it does (default 3)``, wrapped to ``width`` columns."""
    import textwrap

    rows = [(_left(option), _right(option)) for option in options]
    indent = max(len(left) for left, _ in rows) + 3
    lines: list[str] = []
    for left, right in rows:
        texts = [
            line for part in right.split("\n") for line in textwrap.wrap(part, max(width - indent - 1, 24)) or [""]
        ]
        for at, text in enumerate(texts):
            lines.append(((left if at == 0 else "").ljust(indent) + text).rstrip())
    return lines


def _left(option: click.Option) -> str:
    short, long = _short(option), _long(option)
    name = f"  {short}, --{long}" if short and long else f"      --{long}" if long else f"  {short}"
    return f"{name} {_type(option)}".rstrip()


def _type(option: click.Option) -> str:
    if option.metavar is not None:
        return option.metavar
    if option.is_flag or option.count:
        return ""
    if option.multiple:
        return "list"
    return {"text": "string", "integer": "int"}.get(option.type.name, option.type.name)


def _right(option: click.Option) -> str:
    told = (option.help or "").strip()
    default = option.default
    if not isinstance(default, bool | int | float | str) or not default or option.show_default is False:
        return told
    return f'{told} (default "{default}")' if isinstance(default, str) else f"{told} (default {str(default).lower()})"
