"""ShellCheck on the scripts of RUN, where it is installed: the script goes in by pipe, what it says comes back as JSON.

What it says of a place in a joined line is said of that place in the Dockerfile.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import msgspec

from scow.dockerfile.instructions import Arg, Env
from scow.dockerfile.lint.finding import Finding, Severity
from scow.dockerfile.lint.linted import Linted, Step
from scow.dockerfile.lint.linting import MOST, wanted
from scow.dockerfile.lint.settings import Settings
from scow.dockerfile.lint.source import Source
from scow.dockerfile.lint.table import is_shellcheck
from scow.oci.known import known

#: Seconds that one script may take, and scripts of one Dockerfile.
PATIENCE = 10
SCRIPTS = 200
_LARGEST = 1 << 22
_SEVERITIES = {"error": Severity.ERROR, "warning": Severity.WARNING, "info": Severity.INFO, "style": Severity.STYLE}
#: Files that are not there, and quotes that are meant: nothing to tell of a Dockerfile.
_LEFT_OUT = "SC1090,SC1091,SC2187,SC2148,SC3040"
_DIALECTS = {"bash": "bash", "dash": "dash", "ksh": "ksh", "ash": "dash", "busybox": "dash"}


class Comment(msgspec.Struct, frozen=True):
    """One of its comments; lines and columns count from 1."""

    line: int
    column: int
    level: str
    code: int
    message: str
    end_line: int = msgspec.field(name="endLine", default=0)
    end_column: int = msgspec.field(name="endColumn", default=0)


class Comments(msgspec.Struct, frozen=True):
    """What ``-f json1`` prints."""

    comments: tuple[Comment, ...] = ()


def check(linted: Linted, settings: Settings) -> tuple[Finding, ...]:
    """What ShellCheck says of every RUN; nothing where it is not installed, or where nobody wants to hear it."""
    program = shutil.which("shellcheck")
    if program is None or (settings.only and not any(is_shellcheck(name) for name in settings.only)):
        return ()
    scripts = [(step, source) for step in linted.steps for source in step.sources if source.text.strip()]
    found: list[Finding] = []
    for step, source in scripts[:SCRIPTS]:
        found += _findings(program, linted, step, source, settings)
    return tuple(found[:MOST])


def _findings(program: str, linted: Linted, step: Step, source: Source, settings: Settings) -> Iterator[Finding]:
    before = f"export {' '.join(sorted(_known(linted, step)))}\n"
    for comment in _said(program, _dialect(step), before + source.text):
        name = f"SC{comment.code:04}"
        severity = settings.severities.get(name.lower(), _SEVERITIES.get(comment.level, Severity.INFO))
        if comment.line < 2 or not wanted([name], settings) or severity is Severity.IGNORE:
            continue
        start = _offset(source.text, comment.line - 1, comment.column)
        end = _offset(source.text, comment.end_line - 1, comment.end_column)
        place = source.place(start), source.end(max(end, start + 1))
        yield Finding(
            name, severity, comment.message, linted.span(*place), hint=f"https://www.shellcheck.net/wiki/{name}"
        )


def _known(linted: Linted, step: Step) -> set[str]:
    """Variables that are set, as far as the Dockerfile says."""
    names = {"PATH", "HOME"}
    for one in (*(one for _, one in linted.instructions), *linted.of.meta):
        names |= {pair.key for pair in one.pairs} if isinstance(one, Env) else set()
        names |= {definition.name for definition in one.definitions} if isinstance(one, Arg) else set()
    return {name for name in names if name.isidentifier() and name.isascii()}


def _dialect(step: Step) -> str:
    """The shell's; the default shell may be any, and hears what bash hears."""
    name = step.shell[0].rpartition("/")[2] if step.shell else ""
    return _DIALECTS.get(name, "bash" if not step.shell else "sh")


def _said(program: str, dialect: str, script: str) -> tuple[Comment, ...]:
    argv = [program, "--norc", "-f", "json1", "-s", dialect, "-e", _LEFT_OUT, "-"]
    try:
        done = subprocess.run(argv, input=script.encode(), capture_output=True, timeout=PATIENCE, check=False)
        return msgspec.json.decode(done.stdout[:_LARGEST], type=known(Comments)).comments
    except (OSError, subprocess.TimeoutExpired, msgspec.MsgspecError):
        return ()


def _offset(text: str, line: int, column: int) -> int:
    """Of a place that counts from 1."""
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1
    return min(at + column - 1, len(text))
