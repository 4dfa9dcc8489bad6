"""What every ``--format`` says of itself, and how one document is printed by it and by ``--output``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from scow.cli.options import option
from scow.errors import escaped

_LIST = """Format output using a custom template:
'table':            Print output in table format with column headers (default)
'table TEMPLATE':   Print output in table format using the given Go template
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template"""

ONE = """Format output using a custom template:
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template"""

of_list = option("--format", "template", default="", metavar="string", help=_LIST)
of_one = option("-f", "--format", "template", default="", metavar="string", help=ONE)


def one(document: Mapping[str, Any], template: str) -> str:
    """The document, as :data:`ONE` says."""
    from scow.cli.gotemplate.template import compile as compiled

    return compiled("{{json .}}" if template == "json" else template).render(document)


def as_json(document: Any, indent: int | str = 2) -> str:
    """A document for eyes and programs, without a last newline; it speaks to no terminal."""
    import json

    return escaped(json.dumps(document, indent=indent, ensure_ascii=False))


def write(output: str | None, report: str | bytes | Iterable[bytes]) -> None:
    """Print a whole report, perhaps in pieces, or write it to the file ``output``, with what the umask allows."""
    pieces = (report,) if isinstance(report, str | bytes) else report
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    from scow.cli.userfiles import sink

    with sink(output, 0o666) as file:
        file.writelines(one if isinstance(one, bytes) else one.encode(errors="backslashreplace") for one in pieces)
