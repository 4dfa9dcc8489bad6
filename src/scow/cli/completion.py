"""``completion``: the script that makes a shell complete scow's verbs, flags and names."""

from __future__ import annotations

import click

from scow.cli.lazy import Command

_SHELLS = ("bash", "fish", "zsh")
_VARIABLE = "_SCOW_COMPLETE"
# click's own knows nothing of colons, at which readline parts words and which every name of an image has; and it
# calls whatever the alias is that was typed
_BASH = """\
_scow_completion() {
    local IFS=$'\\n' words=() last=-1 parted='' word type value
    [[ $COMP_WORDBREAKS == *:* ]] && parted=yes
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        if [[ $parted && $last -gt 0 && ( $word == : || ${words[last]} == *: ) ]]; then
            words[last]+=$word
        else
            words[++last]=$word
        fi
    done
    local known=''
    [[ $parted ]] && known=${words[last]%"${words[last]##*:}"}
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$known"}") ;;
        esac
    done < <(env COMP_WORDS="${words[*]}" COMP_CWORD=$last _SCOW_COMPLETE=bash_complete scow 2>/dev/null)
}
complete -o nosort -F _scow_completion scow\
"""


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

    if shell == "bash":
        click.echo(_BASH)
        return
    made = get_completion_class(shell)
    if made is None:
        raise AssertionError(shell)
    source = made(ctx.find_root().command, {}, "scow", _VARIABLE).source()
    click.echo(source.replace('string split ","', 'string split -m1 ","'))  # fish: a description may have commas
