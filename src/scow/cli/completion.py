"""``completion``: the script that makes a shell complete scow's verbs, flags and names."""

from __future__ import annotations

import click

from scow.cli.lazy import Command

_SHELLS = ("bash", "fish", "zsh")
_VARIABLE = "_SCOW_COMPLETE"


@click.command(
    "completion",
    cls=Command,
    help="Print a completion script for your shell: bash, zsh or fish",
    examples="""
        scow completion bash > ~/.local/share/bash-completion/completions/scow
        scow completion zsh > ~/.zfunc/_scow
        scow completion fish > ~/.config/fish/completions/scow.fish
    """,
)
@click.argument("shell", type=click.Choice(_SHELLS), metavar="SHELL")
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """``scow completion``. The script asks scow itself, through an environment variable, what may come next."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise AssertionError(shell)
    click.echo(made(ctx.find_root().command, {}, "scow", _VARIABLE).source())
