"""A Dockerfile as rules look at it: stages, where every word stands, and the shell commands of every RUN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from scow.dockerfile.ignore import Patterns
from scow.dockerfile.instructions import ExecForm, Instruction, Onbuild, Run, Shell, ShellForm
from scow.dockerfile.lines import Lines
from scow.dockerfile.lint.finding import Edit, Found
from scow.dockerfile.lint.program import Program, of_words, programs
from scow.dockerfile.lint.settings import Settings
from scow.dockerfile.lint.source import Page, Source
from scow.dockerfile.parser import Dockerfile, physical
from scow.dockerfile.span import LogicalLine, Span, Word
from scow.dockerfile.stages import Stage, Stages
from scow.dockerfile.tokens import cut

#: No RUN is looked at beyond so many programs.
MOST_PROGRAMS = 1_000
#: Stages on stages beyond this are not followed.
DEEPEST = 64
_POSIX = frozenset({"sh", "bash", "ash", "dash", "ksh", "zsh", "busybox"})


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of the world around the Dockerfile.

    ``ignored`` is the context's ignore file: None where the context is not known, without patterns where it has none.
    ``names`` are paths of the context that may weigh (``.git`` …). ``environments``: base image → its variables.
    """

    ignored: Patterns | None = None
    names: frozenset[str] = frozenset()
    environments: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """A RUN (or the RUN of an ONBUILD), its stage, what it runs, and which ``shell`` reads it (empty: the default)."""

    run: Run
    stage: Stage
    programs: tuple[Program, ...]
    sources: tuple[Source, ...]
    shell: tuple[str, ...] = ()


@dataclass
class Linted:
    """What a check is given."""

    read: Dockerfile
    of: Stages
    settings: Settings = field(default_factory=Settings)
    around: Around = field(default_factory=Around)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages."""
        return self.of.stages

    @cached_property
    def page(self) -> Page:
        """The text and where its lines begin."""
        return Page.of(self.read.text)

    @cached_property
    def physical(self) -> list[str]:
        """Its lines, ends included."""
        return physical(self.read.text)

    @cached_property
    def instructions(self) -> tuple[tuple[Stage, Instruction], ...]:
        """Every instruction of every stage but FROM; of an ONBUILD its trigger too."""
        found: list[tuple[Stage, Instruction]] = []
        for stage in self.stages:
            for one in stage.instructions:
                found += [(stage, one), (stage, one.trigger)] if isinstance(one, Onbuild) else [(stage, one)]
        return tuple(found)

    def line(self, instruction: Instruction) -> LogicalLine:
        """The logical line that an instruction was read from."""
        of = self.read.directives
        lines = Lines(self.read.source, self.physical, of.escape, of.lines, at=instruction.span.start_line - 1)
        return next(iter(lines))

    def keyword(self, instruction: Instruction) -> tuple[int, int]:
        """Where its keyword stands."""
        start = self.page.offset(instruction.span.start_line, instruction.span.column)
        return start, start + len(instruction.original.split(None, 1)[0])

    def word(self, word: Word) -> tuple[int, int]:
        """Where a word stands; of one that goes on behind a line's end, its first line."""
        start = self.page.offset(word.span.start_line, word.span.column)
        return start, start + word.span.width

    def whole(self, instruction: Instruction) -> tuple[int, int]:
        """Where its first line stands."""
        start = self.page.offset(instruction.span.start_line, instruction.span.column)
        return start, start + instruction.span.width

    def at(self, instruction: Instruction, text: str) -> tuple[int, int]:
        """Where ``text`` stands as an argument or flag, else the instruction."""
        word = next((word for word in instruction.words if word.text == text), None)
        return self.word(word) if word else self.whole(instruction)

    def flag(self, instruction: Instruction, name: str) -> tuple[int, int]:
        """Where the flag ``--name`` stands."""
        starts = (f"--{name}=", f"--{name}")
        word = next((word for word in instruction.words if word.text.startswith(starts)), None)
        return self.word(word) if word else self.whole(instruction)

    def span(self, start: int, end: int) -> Span:
        """The span of a range of the text."""
        return self.page.span(start, end)

    def exact(self, word: Word) -> bool:
        """Does the word stand in the text as it is, on one line?"""
        start, end = self.word(word)
        return self.read.text[start:end] == word.text

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every RUN that a shell we can read, or none, reads."""
        return tuple(step for stage in self.stages for step in self._steps(stage))

    def programs(self, *names: str) -> Iterator[tuple[Step, Program]]:
        """Every program that a RUN runs, with its RUN; where any ``names`` are given, those of these names."""
        return ((step, one) for step in self.steps for one in step.programs if not names or one.name in names)

    @cached_property
    def _by_line(self) -> dict[int, Step]:
        return {step.run.span.start_line: step for step in self.steps}

    def step(self, one: Instruction) -> Step | None:
        """The step of a RUN; None where another shell reads it."""
        return self._by_line.get(one.span.start_line)

    def _steps(self, stage: Stage) -> Iterator[Step]:
        shell = self.shell_of(stage)
        for one in stage.instructions:
            inner = one.trigger if isinstance(one, Onbuild) else one
            shell = inner.argv if isinstance(inner, Shell) else shell
            if isinstance(inner, Run) and (readable(shell) or isinstance(inner.command, ExecForm)):
                yield self._step(inner, stage, shell, nested=inner is not one)

    @cached_property
    def _bases(self) -> tuple[int | None, ...]:
        """The earlier stage that each is built on."""
        known: dict[str, int] = {}
        found: list[int | None] = []
        for stage in self.stages:
            found.append(known.get(stage.start.image.lower()))
            known |= {stage.name: stage.index} if stage.name else {}
        return tuple(found)

    def lineage(self, stage: Stage) -> list[Stage]:
        """The earlier stages that a stage is built on, the nearest first, and no further than :data:`DEEPEST`."""
        found: list[Stage] = []
        at = self._bases[stage.index]
        while at is not None and len(found) < DEEPEST:
            found.append(self.stages[at])
            at = self._bases[at]
        return found

    @cached_property
    def kept(self) -> frozenset[int]:
        """The stages whose layers are in the image: the last one and those it is built on."""
        last = self.stages[-1]
        return frozenset(stage.index for stage in (last, *self.lineage(last)))

    def shell_of(self, stage: Stage) -> tuple[str, ...]:
        """The SHELL a stage begins with: that of the stage it is built on, or what a comment or ``escape`` says."""
        for one in self.lineage(stage):
            for instruction in one.instructions[::-1]:
                if isinstance(instruction, Shell):
                    return instruction.argv
        return ("cmd",) if self.read.directives.escape == "`" else self.settings.shell

    def _step(self, run: Run, stage: Stage, shell: tuple[str, ...], *, nested: bool) -> Step:
        line = self.line(run)
        parts = cut(line, 0, self.read.directives.escape)
        parts = cut(line, parts.rest.start, self.read.directives.escape) if nested else parts
        source = self.page.source(line, parts.rest.start)
        if isinstance(run.command, ExecForm):
            words = [(text, *self.at(run, text)) for text in run.command.argv]
            return Step(run, stage, of_words(words), (), shell)
        documents = self._documents(run.command, line)
        if documents and run.command.text.lstrip().startswith("<<"):
            sources = tuple(one for one in documents if _is_script(one.text))
        else:
            sources = (source,)
        every = (one for each in sources for one in programs(each, heredocs=each is not source))
        found = tuple(islice(every, MOST_PROGRAMS))
        return Step(run, stage, found, sources, shell)

    def _documents(self, command: ShellForm, line: LogicalLine) -> list[Source]:
        """The heredocs, which follow the line one after the other."""
        at = line.pieces[-1].line
        found = []
        for one in command.heredocs:
            found.append(Source(one.content, ((0, self.page.offset(at + 1, 1)),)) if one.content else None)
            at += one.content.count("\n") + 1
        return [one for one in found if one is not None]

    def found(self, message: str, place: tuple[int, int], *edits: Edit, hint: str = "", beyond: bool = False) -> Found:
        """What a check saw at a place."""
        return Found(message, *place, edits, hint, beyond)

    def says(self, place: tuple[int, int]) -> str:
        """The text at a place."""
        return self.read.text[place[0] : place[1]]


def readable(shell: tuple[str, ...]) -> bool:
    """Is it a shell whose words we can read? Without SHELL it is."""
    return not shell or shell[0].rpartition("/")[2].removesuffix(".exe") in _POSIX


def _is_script(text: str) -> bool:
    """A document without ``#!``, or with a shell there."""
    first = text.split("\n", 1)[0]
    return not first.startswith("#!") or any(name in _POSIX for name in first.replace("/", " ").split())
