"""Which files of an image a slim one keeps: what was opened, what belongs to it, what a user names, and what programs
need to be loaded. Pure: the beginnings of files come in through a function.

Directories, devices and empty files weigh nothing and stay, and so do links to what stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from scow.dockerfile.ignore import Patterns
from scow.errors import Invalid
from scow.layer.view import Found, View
from scow.size.elf import Needs

#: What an ELF file needs, or ``None``; and the first line of a file.
Elf = Callable[[Found], Needs | None]
FirstLine = Callable[[Found], bytes]

#: What programs ask about a system, and what libc loads when a thread ends or a name is looked up, even when a test did
#: not come to it: some hundred kilobytes in all.
ALWAYS: Final = (
    "etc/passwd", "etc/group", "etc/nsswitch.conf", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/os-release",
    "usr/lib/os-release", "etc/ld.so.cache", "etc/ld.so.conf", "etc/ld.so.conf.d",
    "**/libgcc_s.so.1", "**/libnss_files.so.2", "**/libnss_dns.so.2",
)  # fmt: skip
_PATH: Final = (b"usr/local/sbin", b"usr/local/bin", b"usr/sbin", b"usr/bin", b"sbin", b"bin")
_LIBRARIES: Final = re.compile(rb"(?:usr/)?(?:local/)?lib(?:32|64|x32)?(?:/[\w.]+-linux-[\w.]+)?")
_BYTECODE: Final = re.compile(rb"(?P<directory>.*/)?__pycache__/(?P<name>[^/]+?)\.[^/.]+(?:\.opt-\d)?\.pyc")
#: An interpreter by its name → where what it loads at run time is, for when nobody could watch it.
_RUNTIMES: Final = (
    (re.compile(rb"(?:.*/)?python3?(?:\.\d+)?"), re.compile(rb"usr/(?:local/)?lib/python3(?:\.\d+)?/.*")),
    (re.compile(rb"(?:.*/)?node(?:js)?"), re.compile(rb"(?:.*/)?node_modules/.*|usr/share/nodejs/.*")),
    (
        re.compile(rb"(?:.*/)?perl(?:5[.\d]*)?"),
        re.compile(rb"(?:usr|etc)/(?:(?:local/)?(?:lib|share)/)?(?:[^/]+/)?perl.*"),
    ),
    (re.compile(rb"(?:.*/)?ruby[.\d]*"), re.compile(rb"(?:usr/(?:local/)?|var/)lib/(?:[^/]+/)?(?:ruby|gems)/.*")),
    (re.compile(rb"(?:.*/)?java"), re.compile(rb"(?:usr/lib/jvm|opt)/.*")),
)
#: What Python finds its library by, and only asks about.
_PYTHON: Final = re.compile(rb"(?P<home>(?:.*/)?lib/python3\.\d+)/.*")


class Needed:
    """Collects paths of ``view``; ``paths`` is all that stays so far."""

    def __init__(self, view: View, elf: Elf, first_line: FirstLine) -> None:
        self._view, self._elf, self._first_line = view, elf, first_line
        self._libraries: list[bytes] | None = None
        self.paths: set[bytes] = set()

    def opened(self, paths: Iterable[bytes]) -> None:
        """Files that a run opened, and what those were looked up by: bytecode counts only beside its source."""
        for path in paths:
            if self._view.find(path) is not None:
                self.paths.add(path)
            self.paths.update(one for one in _beside(path) if self._view.find(one) is not None)

    def static(self, workdir: bytes) -> None:
        """What may be needed, where no run could be watched: the working directory, and all that interpreters among
        what stays so far may load."""
        runtimes = [places for name, places in _RUNTIMES if any(map(name.fullmatch, self.paths))]
        for found in list(self._view.walk()):
            path = found.entry.path
            if found.entry.kind == "file" and (
                (workdir and path.startswith(workdir + b"/")) or any(place.fullmatch(path) for place in runtimes)
            ):
                self.program(path)

    def named(self, patterns: Sequence[str]) -> int:
        """What a user names, as in ``.dockerignore``, with what the programs among it need; how many files fit."""
        wanted = Patterns.of(patterns)
        fit = [
            found.entry.path
            for found in self._view.walk()
            if found.entry.kind == "file" and wanted.ignores(found.entry.path.decode(errors="surrogateescape"))
        ]
        for path in fit:
            self.program(path)
        return len(fit)

    def command(self, name: bytes, search: str) -> None:
        """A program as it is started: a path, or a name that ``search`` (a PATH) finds."""
        directories = [part.encode().strip(b"/") for part in search.split(":") if part] or list(_PATH)
        candidates = [name.strip(b"/")] if b"/" in name else [directory + b"/" + name for directory in directories]
        for candidate in candidates:
            if self._at(candidate) is not None:
                self.program(candidate)
                return

    def program(self, path: bytes) -> None:
        """A file, and what it takes to load it: libraries and loader of an ELF file, the interpreter of a script."""
        todo = [path]
        while todo:
            found = self._at(todo.pop())
            if found is None or found.entry.path in self.paths:
                continue
            self.paths.add(found.entry.path)
            if found.entry.kind == "file" and found.entry.size:
                todo += self._loads(found)

    def whole(self) -> set[bytes]:
        """Everything that stays: what was collected, what weighs nothing, links that lead to it, and all parents."""
        links: list[Found] = []
        for found in self._view.walk():
            entry = found.entry
            if entry.kind == "symlink":
                links.append(found)
            elif entry.kind != "file" or not entry.size:
                self.paths.add(entry.path)
        return self.paths | {link.entry.path for link in links if self._leads(link)}

    def _leads(self, link: Found) -> bool:
        """Whether a link leads to something that stays, or out of what the image has."""
        try:
            target = self._view.resolve(link.entry.path)
        except Invalid:
            return True
        return target in self.paths or self._view.find(target) is None

    def _at(self, path: bytes) -> Found | None:
        try:
            return self._view.find(self._view.resolve(path))
        except Invalid:
            return None

    def _loads(self, found: Found) -> Iterator[bytes]:
        needs = self._elf(found)
        if needs is None:
            line = self._first_line(found)
            if line.startswith(b"#!"):
                yield from (word.strip(b"/") for word in _interpreter(line))
            return
        if needs.interpreter:
            yield needs.interpreter.strip(b"/")
        for library in needs.libraries:
            yield from self._library(library, found.entry.parent, needs.search)

    def _library(self, name: bytes, origin: bytes, search: Sequence[bytes]) -> Iterator[bytes]:
        own = [part.replace(b"$ORIGIN", origin).replace(b"${ORIGIN}", origin).strip(b"/") for part in search]
        for directory in [*own, *self._library_directories()]:
            path = name.strip(b"/") if b"/" in name else directory + b"/" + name
            if self._at(path) is not None:
                yield path
                return

    def _library_directories(self) -> list[bytes]:
        if self._libraries is None:
            every = (found.entry.path for found in self._view.walk() if found.entry.kind in ("dir", "symlink"))
            self._libraries = [path for path in every if _LIBRARIES.fullmatch(path)]
        return self._libraries


def _beside(path: bytes) -> Iterator[bytes]:
    """What a file that is opened is looked up by without being opened."""
    bytecode = _BYTECODE.fullmatch(path)
    if bytecode:
        yield (bytecode["directory"] or b"") + bytecode["name"] + b".py"
    python = _PYTHON.fullmatch(path)
    if python:
        yield python["home"] + b"/os.py"


def _interpreter(line: bytes) -> Iterator[bytes]:
    """The interpreter of a script; after ``env``, the program that it is to find."""
    words = line[2:].split(b"\n")[0].split()
    if not words:
        return
    yield words[0]
    if words[0].endswith(b"/env"):
        named = [word for word in words[1:] if not word.startswith(b"-") and b"=" not in word]
        yield from (directory + b"/" + named[0] for directory in _PATH if named)
