"""Commands as programs: what ``sudo``, ``env``, ``bash -c`` and their like really run.

>>> from scow.dockerfile.lint.source import Source
>>> [program.name for program in programs(Source("sudo -E apt-get update; sh -c 'pip install x'", ((0, 0),)))]
['apt-get', 'sh', 'pip']
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scow.dockerfile.lint.script import Command, ShellWord, script
from scow.dockerfile.lint.source import Source

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh"})
_DEEPEST = 4
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_PYTHON = re.compile(r"python[0-9.]*\Z")
_PIP = re.compile(r"pip[0-9.]*\Z")
#: Programs that run another one, and those of their flags that take a value.
_WRAPPERS: dict[str, frozenset[str]] = {
    "command": frozenset(),
    "doas": frozenset({"-u"}),
    "eatmydata": frozenset(),
    "env": frozenset({"-u", "--unset", "-C", "--chdir"}),
    "exec": frozenset({"-a"}),
    "fakeroot": frozenset(),
    "nice": frozenset({"-n"}),
    "nohup": frozenset(),
    "sudo": frozenset({"-u", "--user", "-g", "--group", "-h", "-p", "-C", "-D"}),
    "time": frozenset(),
    "timeout": frozenset({"-k", "-s", "--signal", "--kill-after"}),
    "xargs": frozenset({"-n", "-I", "-P", "-L", "-d", "-a", "-s"}),
}
_PIP_TAKING = (
    "requirement", "constraint", "editable", "index-url", "extra-index-url", "find-links", "target", "prefix", "root",
    "trusted-host", "proxy", "platform", "abi", "python-version", "progress-bar", "cache-dir", "no-binary",
    "only-binary", "src", "log", "cert", "build-option", "global-option", "config-settings", "upgrade-strategy",
    "retries", "timeout", "root-user-action",
)  # fmt: skip
#: Flags whose value is the next word, of programs whose first operand says what to do.
_TAKING: dict[str, frozenset[str]] = {
    "apk": frozenset({"-t", "--virtual", "-X", "--repository", "-p", "--root", "--arch", "--keys-dir"}),
    "apt": frozenset({"-t", "--target-release", "-o", "--option", "-c", "-a"}),
    "apt-get": frozenset({"-t", "--target-release", "-o", "--option", "-c", "-a"}),
    "aptitude": frozenset({"-t", "--target-release", "-o", "-q"}),
    "gem": frozenset({"-i", "--install-dir", "-n", "--bindir", "-P", "-s", "--source", "-p", "--use-system-libraries"}),
    "git": frozenset({"-C", "-c", "--branch", "-b", "--depth", "--git-dir", "--work-tree"}),
    "go": frozenset({"-ldflags", "-tags", "-o", "-mod", "-gcflags", "-C"}),
    "npm": frozenset({"--registry", "--prefix", "--userconfig", "--loglevel", "--tag", "-C", "--cache", "--omit",
                      "--workspace", "-w", "--before", "--only"}),
    "pip": frozenset({"-r", "-c", "-e", "-i", "-f", "-t", *(f"--{name}" for name in _PIP_TAKING)}),
    "yarn": frozenset({"--cwd", "--cache-folder", "--network-timeout", "--registry"}),
    "zypper": frozenset({"-r", "--repo", "-t", "--type", "-R", "--root", "--from"}),
    **dict.fromkeys(("yum", "dnf", "microdnf"), frozenset({
        "-c", "--config", "--enablerepo", "--disablerepo", "--repo", "--installroot", "--releasever", "-x", "--exclude",
        "--setopt",
    })),
}  # fmt: skip
#: How many plain words of the wrapper's own stand before the program.
_OPERANDS = {"timeout": 1}


@dataclass(frozen=True, slots=True)
class Program:
    """A program with its arguments. ``name`` is without its directory; ``python3 -m pip`` is ``pip``.

    ``wrappers`` are what runs it, outermost first. ``source`` holds its words; None for the exec form, whose words
    stand where they say.
    """

    name: str
    arguments: tuple[ShellWord, ...]
    word: ShellWord
    after: str = ""
    wrappers: tuple[str, ...] = ()
    source: Source | None = None
    depth: int = 0

    def place(self, word: ShellWord | None = None) -> tuple[int, int]:
        """Where a word of it stands in the Dockerfile; without one, its name."""
        word = word or self.word
        if self.source is None:
            return word.start, word.end
        return self.source.place(word.start), self.source.end(word.end)

    @property
    def operands(self) -> tuple[ShellWord, ...]:
        """The arguments that are neither flags nor, where those are known, their values; none behind ``--``."""
        taking = _TAKING.get(self.name, frozenset())
        found: list[ShellWord] = []
        value = False
        for word in self.arguments:
            if word.text == "--" and not value:
                break
            if not value and not word.text.startswith("-"):
                found.append(word)
            value = not value and word.text in taking
        return tuple(found)

    @property
    def flags(self) -> tuple[str, ...]:
        """The arguments that are flags."""
        return tuple(word.text for word in self.arguments if word.text.startswith("-"))

    def has(self, *flags: str) -> bool:
        """Is one of the flags given: ``--long``, ``--long=value``, ``-s``, or ``-s`` among others (``-qs``)?"""
        return any(_is(given, flag) for given in self.flags for flag in flags)

    def runs(self, *subcommands: str) -> bool:
        """Is its first operand one of these?"""
        return bool(self.operands) and self.operands[0].text in subcommands


def _is(given: str, flag: str) -> bool:
    if flag.startswith("--"):
        return given == flag or given.startswith(f"{flag}=")
    return given == flag or (not given.startswith("--") and flag[1:] in given[1:] and len(flag) == 2)


def programs(source: Source, *, heredocs: bool = True, depth: int = 0) -> Iterator[Program]:
    """The programs that shell text runs, in the order they begin."""
    for command in script(source.text, heredocs=heredocs).commands:
        if not command.words:
            continue
        found = _program(command, source)
        yield found
        if found.name in _SHELLS and depth < _DEEPEST:
            yield from _inner(found, depth)


def of_words(words: Sequence[tuple[str, int, int]]) -> tuple[Program, ...]:
    """The program of an exec form: text and place of each word; a shell's ``-c`` is read, at the place of its word."""
    if not words:
        return ()
    made = Command(tuple(ShellWord(text, start, end) for text, start, end in words))
    found = _program(made, None)
    return (found, *_inner(found, 0)) if found.name in _SHELLS else (found,)


def _program(command: Command, source: Source | None) -> Program:
    words, wrappers = list(command.words), []
    name = _base(words[0])
    while name in _WRAPPERS and (rest := _wrapped(name, words[1:])):
        wrappers.append(name)
        words = rest
        name = _base(words[0])
    arguments = tuple(words[1:])
    if _PYTHON.match(name) and len(arguments) > 1 and arguments[0].text == "-m":
        name, arguments = arguments[1].text, arguments[2:]
    name = "pip" if _PIP.match(name) else name
    return Program(name, arguments, words[0], command.after, tuple(wrappers), source, command.depth)


def _base(word: ShellWord) -> str:
    return word.text.rpartition("/")[2]


def _wrapped(name: str, words: list[ShellWord]) -> list[ShellWord]:
    """The words without those that are the wrapper's."""
    taking, operands, at = _WRAPPERS[name], _OPERANDS.get(name, 0), 0
    while at < len(words):
        text = words[at].text
        if text.startswith("-"):
            at += 1 + (text in taking)
        elif _ASSIGNMENT.match(text) and name in {"env", "sudo"}:
            at += 1
        elif operands:
            operands -= 1
            at += 1
        else:
            return words[at:]
    return []


def _inner(shell: Program, depth: int) -> Iterable[Program]:
    """What ``bash -c '…'`` runs."""
    at = next((i for i, word in enumerate(shell.arguments) if re.fullmatch(r"-[a-z]*c[a-z]*", word.text)), None)
    given = [word for word in shell.arguments[at + 1 :] if not word.text.startswith("-")] if at is not None else []
    if not given:
        return ()
    word = given[0]
    source = _within(shell, word)
    return programs(source, depth=depth + 1)


def _within(shell: Program, word: ShellWord) -> Source:
    """The text in a word. Where the word is not its text in plain quotes, all of it stands at the word's beginning."""
    if shell.source is not None:
        for quotes in (0, 1):
            inner = shell.source.part(word.start + quotes, word.end - quotes)
            if inner.text == word.text:
                return inner
    start, _ = shell.place(word)
    return Source(word.text, tuple((at, start) for at in range(len(word.text) + 1)))
