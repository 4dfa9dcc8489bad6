"""Which file a container's first word is, found before the start, so that every runtime answers alike. Light.

Docker's answers: 127 when there is no such file, 126 when it cannot be run.
"""

from __future__ import annotations

import os
import stat

from scow.runtime.wire import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LINKS = 40
_INTERPRETERS = 6  # one more than the kernel follows


class View:
    """The container's paths before its mounts are made: ``root`` on the host, and bind mounts as (place, source).

    Places that only the kernel fills (proc, tmpfs) are empty here, and so nothing under them can be started: a first
    word of /proc/self/exe would be this program.
    """

    def __init__(self, root: str, mounts: list[dict[str, Any]]) -> None:
        self.root = root
        self.mounts: list[tuple[str, str | None]] = []  # the last one first
        for mount in mounts:
            place, bound = mount["destination"], mount["type"] == "bind"
            at = (self.place(place) or place) if bound else place
            self.mounts.insert(0, (at, mount["source"] if bound else None))

    def host(self, path: str) -> str | None:
        """Where a resolved container path is on the host."""
        for place, source in self.mounts:
            if path == place or path.startswith(f"{place}/"):
                return None if source is None else source + path[len(place) :]
        return self.root + path

    def resolve(self, path: str) -> str | None:
        """The host's path of what ``path`` leads to, symlinks followed inside; None when it is not there."""
        place = self.place(path)
        return None if place is None else self.host(place or "/")

    def place(self, path: str) -> str | None:
        """The path without symlinks, in the container ("" is the root); None when there is nothing."""
        todo, done, links = path.split("/")[::-1], "", 0
        while todo:
            name = todo.pop()
            if name in ("", ".", ".."):
                done = done.rpartition("/")[0] if name == ".." else done
                continue
            here = self.host(f"{done}/{name}")
            if here is None or not os.path.lexists(here):
                return None
            if not os.path.islink(here) or any(place == f"{done}/{name}" for place, _ in self.mounts):
                done = f"{done}/{name}"
                continue
            target = os.readlink(here)
            done = "" if target.startswith("/") else done
            todo += target.split("/")[::-1]
            links += 1
            if links > _LINKS:
                return None
        return done


def find_executable(view: View, word: str, path: str, cwd: str) -> str:
    """The container path to execute for ``word``; raises :class:`Refused` in docker's words."""
    if "/" in word:
        whole = word if word.startswith("/") else f"{cwd.rstrip('/')}/{word}"
        _check(view, word, whole)
        return whole
    found = ""
    for directory in path.split(":"):
        whole = f"{directory or cwd}/{word}" if directory.startswith("/") else f"{cwd.rstrip('/')}/{directory}/{word}"
        here = view.resolve(whole)
        if here is None or not os.path.isfile(here):
            continue
        found = found or whole
        if os.stat(here).st_mode & 0o111:
            _check_format(view, word, here)
            return whole
    if found:
        raise _refused(126, word, "permission denied")
    raise _refused(127, word, "executable file not found in $PATH")


def _check(view: View, word: str, whole: str) -> None:
    here = view.resolve(whole)
    if here is None:
        raise _refused(127, word, f"stat {word}: no such file or directory")
    mode = os.stat(here).st_mode
    if stat.S_ISDIR(mode):
        raise _refused(126, word, "is a directory")
    if not stat.S_ISREG(mode) or not mode & 0o111:
        raise _refused(126, word, "permission denied")
    _check_format(view, word, here)


def _check_format(view: View, word: str, here: str, depth: int = 0) -> None:
    """The interpreter that a script or a dynamic program names must be in the container too, and its own, and so on."""
    try:
        with open(here, "rb") as file:
            head = file.read(4096)
    except PermissionError:
        return  # it may be run without being read
    if head.startswith(b"#!"):
        words = head[2:].split(b"\n", 1)[0].split()
        interpreter = view.resolve(os.fsdecode(words[0])) if words else None
    elif head.startswith(b"\x7fELF"):
        loader = _loader(head)
        interpreter = view.resolve(os.fsdecode(loader)) if loader else here
    elif depth or _other_formats():
        return
    else:
        raise _refused(126, word, "exec format error")
    if interpreter is None or not os.path.isfile(interpreter):
        raise _refused(127, word, "no such file or directory")
    if interpreter != here and depth < _INTERPRETERS:
        _check_format(view, word, interpreter, depth + 1)


def _loader(head: bytes) -> bytes:
    """PT_INTERP of a 64-bit little-endian ELF file, when its headers are in ``head``."""
    if head[4:6] != b"\x02\x01" or len(head) < 64:
        return b""
    number = int.from_bytes
    start, size, count = number(head[32:40], "little"), number(head[54:56], "little"), number(head[56:58], "little")
    for at in range(start, min(start + size * count, len(head) - 55), size or 56):
        if number(head[at : at + 4], "little") == 3:
            offset, length = number(head[at + 8 : at + 16], "little"), number(head[at + 32 : at + 40], "little")
            return head[offset : offset + length].rstrip(b"\0")
    return b""


def _other_formats() -> bool:
    """Whether the kernel was told of formats of its own (binfmt_misc)."""
    try:
        return bool(set(os.listdir("/proc/sys/fs/binfmt_misc")) - {"register", "status"})
    except OSError:
        return False


def _refused(code: int, word: str, why: str) -> Refused:
    return Refused("Process", f'exec: "{word}": {why}: unknown', hint=_meant(word), exit_code=code)


def _meant(word: str) -> str:
    """What somebody meant who names no program."""
    if word.startswith("-"):
        return "flags go before the name of the image or container"
    return f"for a shell: sh -c {word!r}" if " " in word else ""
