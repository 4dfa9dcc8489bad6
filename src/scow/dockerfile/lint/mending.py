"""Edits that many rules make: a flag after a word, a command at the end of a RUN."""

from __future__ import annotations

from scow.dockerfile.lint.finding import Edit
from scow.dockerfile.lint.linted import Linted, Step
from scow.dockerfile.lint.program import Program
from scow.dockerfile.lint.script import ShellWord, script

_ENDINGS = (";", "&", "|", "\\")
_LEAVING = frozenset({"exit", "exec"})


def flag(program: Program, flag: str, word: ShellWord | None = None) -> tuple[Edit, ...]:
    """Put a flag behind a word of the program (its name where there is none); not into an exec form."""
    if program.source is None:
        return ()
    _, end = program.place(word)
    return (Edit(end, end, f" {flag}"),)


def end(step: Step) -> int | None:
    """Where one more command could follow those of a RUN, to be run when they succeeded; None where it could not.

    That is no part of a comment or a heredoc, and nothing before it leaves the shell.
    """
    if len(step.sources) != 1 or "\n" in step.sources[0].text or not step.programs:
        return None
    text = step.sources[0].text.rstrip()
    leaves = any(program.word.text in _LEAVING for program in step.programs)
    if leaves or "#" in text or "<<" in text or text.endswith(_ENDINGS) or not script(text, heredocs=False).closed:
        return None
    return step.sources[0].end(len(text))


def appended(file: Linted, step: Step, command: str) -> tuple[Edit, ...]:
    """Let one more command end a RUN; nothing where :func:`end` is None."""
    at = end(step)
    if at is None:
        return ()
    span = file.span(at - 1, at)
    if span.start_line == step.run.span.start_line:
        return (Edit(at, at, f" && {command}"),)
    line = file.page.line(span.start_line)
    indent = line[: len(line) - len(line.lstrip())]
    newline = "\r\n" if file.read.text[: file.page.starts[1]].endswith("\r\n") else "\n"
    return (Edit(at, at, f" {file.read.directives.escape}{newline}{indent}&& {command}"),)
