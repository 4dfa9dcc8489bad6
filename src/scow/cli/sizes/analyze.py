"""Where an image's bytes went: ``analyze``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from scow.cli import formats, names, userfiles
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scow.size.analysis import Analysis
    from scow.size.budget import Budget, Verdict
    from scow.size.compare import Comparison

_FORMATS = ("", "table", "json", "markdown", "html")
_DIVE = ".dive-ci"
_FORMAT = """Format of the report:
'table':            For a terminal (default)
'json':             Everything, every file that is waste included
'markdown':         For a pull request
'html':             One page with a map of the file system; needs no network
'TEMPLATE':         Print the JSON's fields using the given Go template"""


@click.command(
    "analyze",
    cls=Command,
    help="Show where an image's bytes went, by layer, directory and package, and which are wasted. The image may"
    " be in the store, a registry (docker://NAME), an archive or a directory; nothing is unpacked",
    examples="""
        scow analyze debian:12
        scow analyze app:1 --format html -o app.html
        scow analyze app:1 --ci --max-size 200m
        scow analyze app:1 --compare app:2
    """,
)
@click.argument("target", metavar="IMAGE", shell_complete=names.images)
@option("--format", "template", default="table", metavar="string", help=_FORMAT)
@option("-o", "--output", metavar="string", help="Write the report to a file")
@option("--min-efficiency", metavar="share", help="Exit with 1 when less of what the layers weigh is of use (0.9, 90%)")
@option("--max-waste", metavar="size", help="Exit with 1 when more is wasted: bytes, or a percentage of the image")
@option("--max-size", metavar="size", help="Exit with 1 when the image is larger")
@switch("--ci", help="Exit with 1 when dive's budget is broken: 90% efficiency, 10% wasted above the first layer")
@option("--ci-config", metavar="string", help=f"Take the budget of --ci from a file (default {_DIVE}, if it is there)")
@option(
    "--compare", "other", metavar="IMAGE", help="Show what is different in IMAGE instead", shell_complete=names.images
)
@switch("--semantic", help="With --compare: but for times, and for how files are spread over layers")
@option("--platform", metavar="string", help="Look at the image for another platform")
@pass_session
def analyze(
    session: Session,
    target: str,
    template: str,
    output: str | None,
    min_efficiency: str | None,
    max_waste: str | None,
    max_size: str | None,
    ci: bool,
    ci_config: str | None,
    other: str | None,
    semantic: bool,
    platform: str | None,
) -> None:
    """``scow analyze``."""
    _check(template)
    if other is None and semantic:
        raise Invalid("--semantic says how to --compare", hint="--compare IMAGE --semantic")
    if other is not None:
        if ci or any(given is not None for given in (ci_config, min_efficiency, max_waste, max_size)):
            raise Invalid("--compare tells differences, and judges none", hint="analyze the image alone for a budget")
        found = session.engine.analysis.compare(target, other, semantic=semantic, platform=platform)
        formats.write(output, _compared(found, template))
        return
    budget = _budget(min_efficiency, max_waste, max_size, ci=ci, ci_config=ci_config)
    analysis = session.engine.analysis.analyze(target, platform=platform)
    from scow.size.budget import judge

    verdicts = judge(analysis, budget)
    formats.write(output, _reported(analysis, verdicts, template))
    broken = [verdict for verdict in verdicts if not verdict.kept]
    if broken and (template != "table" or output):
        _tell(broken)
    click.get_current_context().exit(1 if broken else 0)


def _check(template: str) -> None:
    """A word that is no format is a mistake, and no template without a field."""
    if template not in _FORMATS and "{{" not in template:
        raise Invalid("no such format", subject=template, hint=f"{', '.join(_FORMATS[1:])}, or a Go template")


def _size(text: str, flag: str) -> int:
    from scow.cli.units import parse_size

    try:
        return parse_size(text)
    except Invalid as error:
        raise Invalid(error.problem, subject=flag, hint=error.hint) from None


def _budget(efficiency: str | None, waste: str | None, size: str | None, *, ci: bool, ci_config: str | None) -> Budget:
    import msgspec

    from scow.size.budget import Budget, share

    changed: dict[str, Any] = {}
    if efficiency is not None:
        changed["efficiency"] = share(efficiency, "--min-efficiency")
    if waste is not None and waste.endswith("%"):
        changed["waste_share"] = share(waste, "--max-waste")
    elif waste is not None:
        changed["waste"] = _size(waste, "--max-waste")
    if size is not None:
        changed["size"] = _size(size, "--max-size")
    asked = ci or ci_config is not None
    return msgspec.structs.replace(_of_dive(ci_config) if asked else Budget(), **changed)


def _of_dive(name: str | None) -> Budget:
    from scow.size.budget import DEFAULT, dive_rules

    try:
        return dive_rules(userfiles.text(name or _DIVE), name or _DIVE)
    except NotFound:
        if name is None:
            return DEFAULT
        raise


def _reported(analysis: Analysis, verdicts: Sequence[Verdict], template: str) -> str:
    from scow.cli.units import human_size

    if template in ("", "table"):
        from scow.size.report import terminal

        return terminal.report(analysis, verdicts, human_size, _width())
    if template == "markdown":
        from scow.size.report import markdown

        return markdown.report(analysis, verdicts, human_size)
    if template == "html":
        from scow.size.report import html

        return html.report(analysis, verdicts)
    from scow.size.report.document import document

    return _templated(partial(document, analysis, verdicts), template)


def _compared(found: Comparison, template: str) -> str:
    from scow.cli.units import human_size

    if template in ("", "table"):
        from scow.size.report import terminal

        return terminal.comparison(found, human_size)
    if template == "markdown":
        from scow.size.report import markdown

        return markdown.comparison(found, human_size)
    if template == "html":
        from scow.size.report import html

        return html.comparison(found, human_size)
    from scow.size.report.document import comparison_document

    return _templated(partial(comparison_document, found), template)


def _templated(document: Callable[[], dict[str, Any]], template: str) -> str:
    if template == "json":
        return formats.as_json(document(), 1) + "\n"
    from scow.cli.gotemplate.template import compile as compiled

    return compiled(template).render(document()) + "\n"


def _width() -> int:
    import shutil

    return max(80, shutil.get_terminal_size((100, 24)).columns)


def _tell(broken: Sequence[Verdict]) -> None:
    from scow.cli.units import human_size
    from scow.size.report.terminal import verdict_line

    for verdict in broken:
        click.echo(verdict_line(verdict, human_size).strip(), err=True)
