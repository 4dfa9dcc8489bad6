"""How a Dockerfile is written: casing, old forms, lines that do not mean what they seem to."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from scow.dockerfile.directives import KEYS
from scow.dockerfile.instructions import Env, Instruction, Label, Maintainer
from scow.dockerfile.lint.finding import Edit, Found, Severity
from scow.dockerfile.lint.linted import Linted
from scow.dockerfile.lint.rule import Rule
from scow.dockerfile.lint.script import script

_LATE = re.compile(r"\s*#\s*(?P<key>[a-zA-Z]+)\s*=\s*\S")
_SAFE = re.compile(r"[^\s\"'\\$`#]+")


def _all(file: Linted) -> list[Instruction]:
    return list(file.read.instructions)


def casing(file: Linted) -> Iterator[Found]:
    """Keywords in both cases."""
    written = [(one, file.says(file.keyword(one))) for one in _all(file)]
    lower = sum(word.islower() for _, word in written)
    to_lower = lower > sum(word.isupper() for _, word in written)
    for one, word in written:
        right = word.lower() if to_lower else word.upper()
        if word != right:
            which = "lowercase" if to_lower else "uppercase"
            message = f"Command '{word}' should match the case of the command majority ({which})"
            place = file.keyword(one)
            yield file.found(message, place, Edit(*place, right))


def empty_continuation(file: Linted) -> Iterator[Found]:
    """A blank line within an instruction."""
    for one in _all(file):
        pieces = file.line(one).pieces
        blank = [
            number
            for before, after in itertools.pairwise(pieces)
            for number in range(before.line + 1, after.line)
            if not file.page.line(number).strip()
        ]
        if blank:
            edits = tuple(Edit(file.page.offset(n, 1), file.page.offset(n + 1, 1), "") for n in blank)
            start = file.page.offset(blank[0], 1)
            yield file.found("Empty continuation line", (start, start), *edits)


def legacy_pair(file: Linted) -> Iterator[Found]:
    """ENV key value"""
    for _, one in file.instructions:
        if isinstance(one, Env | Label) and not one.pairs[0].delimited:
            keyword = one.keyword
            message = f'"{keyword} key=value" should be used instead of legacy "{keyword} key value" format'
            yield file.found(message, file.whole(one), *_delimited(file, one))


def _delimited(file: Linted, one: Env | Label) -> tuple[Edit, ...]:
    """``=`` in the place of the blanks; quotes where the value needs them and can have them."""
    value = one.pairs[0].value
    key_word, value_word = one.words[-2:]
    if one.span.start_line != one.span.end_line or not (file.exact(key_word) and file.exact(value_word)):
        return ()
    quoted = value if _SAFE.fullmatch(value) else f'"{value}"'
    if quoted != value and set("\"'\\`") & set(value):
        return ()
    end, (start, after) = file.word(key_word)[1], file.word(value_word)
    return (Edit(end, start, "="), Edit(start, after, quoted))


def maintainer(file: Linted) -> Iterator[Found]:
    """MAINTAINER name"""
    for _, one in file.instructions:
        if isinstance(one, Maintainer):
            hint = f'LABEL org.opencontainers.image.authors="{one.name}"'
            message = "Maintainer instruction is deprecated in favor of using label"
            yield file.found(message, file.whole(one), hint=hint)


def late_directive(file: Linted) -> Iterator[Found]:
    """# syntax=… that is only a comment, as it is not at the top."""
    known = file.read.directives.lines
    first = file.read.instructions[0].span.start_line
    for number in range(1, first):
        found = _LATE.match(file.page.line(number))
        if found and number not in known and found["key"].lower() in KEYS:
            start = file.page.offset(number, 1)
            place = (start + found.start("key"), start + found.end("key"))
            message = f"this {found['key'].lower()} directive is a comment: something stands above it"
            yield file.found(message, place, hint="directives are the very first lines, with no blank line among them")


def swallowed(file: Linted) -> Iterator[Found]:
    """A # within RUN that makes a comment of the lines that continue it."""
    for step in file.steps:
        for source in step.sources:
            if "#" not in source.text or "\n" in source.text:
                continue
            for start, end in script(source.text, heredocs=False).comments:
                if file.page.span(source.place(start), source.end(end)).end_line > _line(file, source.place(start)):
                    message = "the lines that continue this one are part of its comment, and never run"
                    yield file.found(message, (source.place(start), source.place(start) + 1))


def _line(file: Linted, offset: int) -> int:
    return file.page.span(offset, offset + 1).start_line


def pragma(file: Linted) -> Iterator[Found]:
    """# hadolint ignore=…"""
    for number, line in enumerate(file.read.text.split("\n"), 1):
        if re.match(r"\s*#\s*(hadolint|scow)\s+(global\s+)?ignore\s*=", line):
            start = file.page.offset(number, 1)
            yield file.found("a rule is ignored here", (start, start + len(line.rstrip())))


RULES = (
    Rule("instruction-casing", Severity.STYLE, "Instructions are written in capitals and in small letters",
         "One way throughout reads best.", casing, ("ConsistentInstructionCasing",), fixable=True),
    Rule("empty-continuation", Severity.WARNING, "A blank line within an instruction",
         "It is skipped today and will be an error: a lost \\ two lines above looks just the same.",
         empty_continuation, ("NoEmptyContinuation",), fixable=True),
    Rule("legacy-key-value", Severity.WARNING, "ENV or LABEL without =",
         "The old form sets one variable to the rest of the line, which surprises whoever adds a second.",
         legacy_pair, ("LegacyKeyValueFormat",), fixable=True),
    Rule("maintainer", Severity.ERROR, "MAINTAINER is deprecated",
         "A label says who made an image, and can say more.", maintainer, ("MaintainerDeprecated", "DL4000")),
    Rule("late-directive", Severity.WARNING, "A parser directive that is too late",
         "Below a blank line, a comment or an instruction `# syntax=`, `# escape=` and `# check=` mean nothing.",
         late_directive),
    Rule("swallowed-lines", Severity.ERROR, "A # in RUN swallows the lines that follow",
         "Continued lines are joined before the shell reads them, so its comment runs to the end of the instruction.",
         swallowed),
    Rule("ignore-pragma", Severity.IGNORE, "A comment ignores a rule",
         "For those who allow no exceptions.", pragma, ("DL1001",)),
)  # fmt: skip
