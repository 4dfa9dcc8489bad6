"""Docker's flags, lazily loaded groups, help and usage errors."""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Iterator
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scow.cli.helptext import help_text, option_lines
from scow.cli.lazy import Command, Lazy, LazyGroup, help_command
from scow.cli.misuse import Misuse
from scow.cli.options import Option, Switch, expand, option, switch
from scow.cli.units import parse_size

MODULE = "scow_test_commands"


@click.command(cls=Command, examples="$ scow pull alpine")
@switch("-a", "--all-tags", help="Download all tagged images in the repository")
@switch("-q", "--quiet", help="Suppress verbose output")
@switch("-H", "--human", default=True, help="Print sizes")
@option("--platform", metavar="string", help="Set platform " + "if it is multi-platform capable " * 2)
@option("-n", "--last", type=int, default=-1, help="How many")
@option("-m", "--memory", callback=lambda ctx, param, value: value and parse_size(value))
@option("-f", "--filter", multiple=True, metavar="filter", help="Filter output")
@option("--secret-knob", hidden=True)
@click.argument("name", metavar="NAME[:TAG|@DIGEST]")
def pull(**given: Any) -> None:
    """Download an image from a registry"""
    click.echo({key: value for key, value in sorted(given.items()) if value not in (None, (), "")})


@click.command(cls=Command, context_settings={"allow_interspersed_args": False})
@switch("-i", "--interactive")
@switch("-t", "--tty")
@switch("--rm")
@switch("-x")
@option("-e", "--env", multiple=True)
@option("-w", "--workdir")
@click.argument("image", metavar="IMAGE")
@click.argument("command", nargs=-1, metavar="[COMMAND] [ARG...]")
def run(**given: Any) -> None:
    """Create and run a new container"""
    click.echo({key: value for key, value in sorted(given.items()) if value not in (None, ())})


@click.command(cls=Command, help="Show information")
def version() -> None:
    click.echo("1")


@click.command(cls=Command, help="Clash")
def clash() -> None:
    raise click.UsageError("these two do not go together")


@pytest.fixture
def scow(monkeypatch: pytest.MonkeyPatch) -> Iterator[LazyGroup]:
    module = types.ModuleType(MODULE)
    module.__dict__.update(pull=pull, run=run, version=version, clash=clash, broken=3)
    module.__dict__["image"] = LazyGroup(
        "image",
        {"pull": Lazy(f"{MODULE}:pull", "Download an image", aliases=("get",))},
        help="Manage images",
    )
    monkeypatch.setitem(sys.modules, MODULE, module)
    group = LazyGroup(
        "scow",
        {
            "run": Lazy(f"{MODULE}:run", "Create and run a new container", "Common Commands"),
            "pull": Lazy(f"{MODULE}:pull", "Download an image from a registry", "Common Commands"),
            "image": Lazy(f"{MODULE}:image", "Manage images", "Management Commands", group=True),
            "version": Lazy(f"{MODULE}:version", "Show information"),
            "clash": Lazy(f"{MODULE}:clash", "Clash", hidden=True),
            "broken": Lazy(f"{MODULE}:broken", "", hidden=True),
            "missing": Lazy("scow_no_such_module:x", "Not imported until it is asked for"),
        },
        help="Container images without Docker",
        params=[Switch(["-D", "--debug"], help="Debug mode"), Option(["--root"], help="Where the images are")],
        callback=lambda **_: None,
    )
    group.add_command(help_command)
    yield group


def call(group: LazyGroup, *arguments: str) -> Result:
    return CliRunner().invoke(group, arguments, prog_name="scow", terminal_width=80)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["x"], {"human": True, "name": "x"}),
        (["-aq", "x"], {"all_tags": True, "human": True, "name": "x", "quiet": True}),
        (["-aq=0", "x"], {"all_tags": True, "human": True, "name": "x"}),
        (["--quiet", "--quiet=false", "x"], {"human": True, "name": "x"}),
        (["--quiet=0", "--quiet", "x"], {"human": True, "name": "x", "quiet": True}),
        (["x", "-H=F"], {"name": "x"}),
        (["--human=True", "x"], {"human": True, "name": "x"}),
        (["-fa=b", "-f=c", "--filter", "-q", "x"], {"filter": ("a=b", "c", "-q"), "human": True, "name": "x"}),
        (["-qf", "-a", "x"], {"filter": ("-a",), "human": True, "name": "x", "quiet": True}),
        (["-m", "10m", "x"], {"human": True, "memory": 10485760, "name": "x"}),
        (["--", "-q"], {"human": True, "name": "-q"}),
        (["-"], {"human": True, "name": "-"}),
    ],
)
def test_flags(scow: LazyGroup, arguments: list[str], shown: dict[str, Any]) -> None:
    result = call(scow, "pull", *arguments)
    shown = {"all_tags": False, "last": -1, "quiet": False, "human": False} | shown
    assert result.output == f"{dict(sorted(shown.items()))}\n"
    assert result.exit_code == 0


def test_what_follows_the_image_is_the_containers(scow: LazyGroup) -> None:
    result = call(
        scow, "run", "-itx", "--rm=true", "-e", "A=1", "--rm=0", "img", "sh", "-c", "--rm=x", "-it", "--", "y"
    )
    assert result.output == (
        "{'command': ('sh', '-c', '--rm=x', '-it', '--', 'y'), 'env': ('A=1',), 'image': 'img', 'interactive': True, "
        "'rm': False, 'tty': True, 'x': True}\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["pull", "--foo"], "unknown flag: --foo", 125),
        (["pull", "-z", "x"], "unknown shorthand flag: 'z' in -z", 125),
        (["pull", "--platform"], "flag needs an argument: --platform", 125),
        (["pull", "x", "-n"], "flag needs an argument: 'n' in -n", 125),
        (["pull", "-n", "x", "y"], 'invalid argument "x" for "-n, --last" flag: ', 125),
        (["pull", "-m", "x", "y"], 'invalid argument "x" for "-m, --memory" flag: invalid size: \'x\'', 125),
        (
            ["pull", "--quiet=maybe", "x"],
            'invalid argument "maybe" for "-q, --quiet" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
            125,
        ),
        (["pull"], "scow: 'scow pull' requires 1 argument\n", 1),
        (["pull", "a", "b"], "scow: 'scow pull' requires 1 argument\n", 1),
        (["image", "get"], "scow: 'scow image pull' requires 1 argument\n", 1),
        (["run"], "scow: 'scow run' requires at least 1 argument\n", 1),
        (["version", "x"], "scow: 'scow version' accepts no arguments\n", 1),
        (["clash"], "these two do not go together", 125),
        (["--root"], "flag needs an argument: --root", 125),
        (["--debug=x", "pull"], 'invalid argument "x" for "-D, --debug" flag: ', 125),
        (["help", "nothing"], "unknown help topic: nothing", 1),
    ],
)
def test_usage_errors(scow: LazyGroup, arguments: list[str], message: str, code: int) -> None:
    result = call(scow, *arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith(message)
    path = "scow image pull" if "get" in arguments else " ".join(["scow", *arguments[:1]])
    if not path.startswith("scow -"):
        assert result.stderr.endswith(f"\n\nRun '{path} --help' for more information\n")


def test_the_usage_line_is_told(scow: LazyGroup) -> None:
    assert call(scow, "pull").stderr == (
        "scow: 'scow pull' requires 1 argument\n\nUsage:  scow pull [OPTIONS] NAME[:TAG|@DIGEST]\n\n"
        "Run 'scow pull --help' for more information\n"
    )


def test_errors_have_a_text_and_a_code_without_clicks_main(scow: LazyGroup) -> None:
    with pytest.raises(Misuse) as caught:
        scow.main(["pull", "--foo"], prog_name="scow", standalone_mode=False)
    assert caught.value.exit_code == 125
    assert caught.value.text.startswith("unknown flag: --foo\n\nUsage:  scow pull")


def test_an_unknown_command_suggests_near_ones(scow: LazyGroup) -> None:
    result = call(scow, "pul")
    assert result.exit_code == 1
    assert result.stderr == (
        "scow: unknown command: scow pul\n\nDid you mean 'scow pull'?\n\nRun 'scow --help' for more information\n"
    )
    assert "Did you mean" not in call(scow, "zzzzz").stderr
    assert call(scow, "image", "pll").stderr.startswith(
        "scow: unknown command: scow image pll\n\nDid you mean 'scow image pull'?"
    )
    assert "clash" not in call(scow, "clas").stderr.partition("\n")[2]


def test_help_of_a_command(scow: LazyGroup) -> None:
    result = call(scow, "pull", "--help")
    assert result.exit_code == 0
    assert result.stdout == (
        "Usage:  scow pull [OPTIONS] NAME[:TAG|@DIGEST]\n"
        "\n"
        "Download an image from a registry\n"
        "\n"
        "Aliases:\n"
        "  scow image pull, scow image get, scow pull\n"
        "\n"
        "Examples:\n"
        "  $ scow pull alpine\n"
        "\n"
        "Options:\n"
        "  -a, --all-tags          Download all tagged images in the repository\n"
        "  -f, --filter filter     Filter output\n"
        "  -H, --human             Print sizes (default true)\n"
        "  -n, --last int          How many (default -1)\n"
        "  -m, --memory string\n"
        "      --platform string   Set platform if it is multi-platform capable if it is\n"
        "                          multi-platform capable\n"
        "  -q, --quiet             Suppress verbose output\n"
    )
    assert call(scow, "help", "pull").stdout == result.stdout


def test_help_of_groups_imports_no_command(scow: LazyGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, MODULE)
    result = call(scow, "--help")
    assert result.stdout == (
        "Usage:  scow [OPTIONS] COMMAND\n"
        "\n"
        "Container images without Docker\n"
        "\n"
        "Common Commands:\n"
        "  run         Create and run a new container\n"
        "  pull        Download an image from a registry\n"
        "\n"
        "Management Commands:\n"
        "  image       Manage images\n"
        "\n"
        "Commands:\n"
        "  version     Show information\n"
        "  missing     Not imported until it is asked for\n"
        "  help        Help about the command\n"
        "\n"
        "Global Options:\n"
        "  -D, --debug         Debug mode\n"
        "      --root string   Where the images are\n"
        "\n"
        "Run 'scow COMMAND --help' for more information on a command.\n"
    )
    assert call(scow, "help").stdout == result.stdout


def test_no_command_is_help_on_standard_error(scow: LazyGroup) -> None:
    for arguments in ([], ["-D"], ["image"]):
        result = call(scow, *arguments)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr.startswith("Usage:  scow")
        assert "COMMAND --help' for more information on a command." in result.stderr


def test_a_table_that_names_no_command_is_a_mistake_of_ours(scow: LazyGroup) -> None:
    assert isinstance(call(scow, "broken").exception, TypeError)


def complete(group: LazyGroup, arguments: list[str], incomplete: str) -> list[str]:
    return [str(item.value) for item in ShellComplete(group, {}, "scow", "_X").get_completions(arguments, incomplete)]


def test_completion_reads_the_table(scow: LazyGroup) -> None:
    assert complete(scow, [], "p") == ["pull"]
    assert complete(scow, ["-D"], "mis") == ["missing"]
    assert complete(scow, ["pull"], "--p") == ["--platform"]
    assert "clash" not in complete(scow, [], "")


def test_completion_after_a_switch_is_the_arguments() -> None:
    @click.command("x", cls=Command)
    @switch("-q", "--quiet")
    @click.argument("name", shell_complete=lambda ctx, param, incomplete: ["alpine"])
    def command(**_: Any) -> None: ...

    for arguments in ([], ["-q"], ["--quiet"], ["--quiet=false"]):
        got = ShellComplete(command, {}, "x", "_X").get_completions(arguments, "")
        assert [item.value for item in got] == ["alpine"]


def test_default_none_tells_not_given_from_false() -> None:
    @click.command("x", cls=Command)
    @switch("--rm", default=None)
    def command(rm: bool | None) -> None:
        click.echo(str(rm))

    assert [CliRunner().invoke(command, args).output for args in ([], ["--rm"], ["--rm=0"])] == [
        "None\n",
        "True\n",
        "False\n",
    ]


def test_plain_click_flags_and_counts_may_stand_in_a_cluster() -> None:
    params = [Switch(["-q"]), click.Option(["-v"], count=True), click.Option(["-p"], is_flag=True), Option(["-o"])]
    assert expand(params, ["-qvvp", "-vo", "-q", "-po="]) == [
        "-qtrue",
        "-v",
        "-v",
        "-p",
        "-v",
        "-o",
        "-q",
        "-p",
        "-o",
        "",
    ]
    assert expand(params, ["-o"]) == ["-o"]
    assert expand(params, ["-vz", "--nope=1", "--nope"]) == ["-vz", "--nope=1", "--nope"]


def test_what_a_command_is_for_wraps_to_the_terminal() -> None:
    command = click.Command("x", help="Do one thing with docker-archive:FILE, and then do it again.\n\nNo more.")
    shown = help_text(click.Context(command, info_name="x", terminal_width=40))
    told = shown.partition("\n\n")[2]
    assert told == "Do one thing with docker-archive:FILE,\nand then do it again.\n\nNo more."


def test_option_lines_wrap_to_the_terminal() -> None:
    lines = option_lines([Option(["-o", "--output"], help="word " * 30, default="file")], 60)
    assert all(len(line) < 60 for line in lines)
    assert lines[0].startswith("  -o, --output string   word word")
    assert lines[-1].endswith('(default "file")')


PIECES = st.sampled_from(
    [
        *("-a", "-q", "-aq", "-aq=0", "--quiet", "--quiet=false", "--quiet=x", "-f", "-fx", "--filter", "--filter="),
        *("-n1", "-n", "--", "-", "", "x", "--nope", "-z", "-=", "--=", "=", "-q=", "--help"),
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=8))
def test_any_arguments_end_in_a_result_or_a_misuse(arguments: list[str]) -> None:
    result = CliRunner().invoke(pull, arguments)
    assert result.exit_code in (0, 1, 125)
    assert result.exception is None or isinstance(result.exception, SystemExit)


@given(st.lists(st.text()))
def test_without_options_nothing_is_changed(arguments: list[str]) -> None:
    assert expand([], arguments) == arguments


def test_the_groundwork_imports_nothing_heavy() -> None:
    heavy = "('rich', 'difflib', 'urllib3', 'logging', 'subprocess', 'click.shell_completion')"
    code = f"import sys, scow.cli.lazy; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
