"""Every byte that nobody needs: which file, in which layer, and what makes it waste. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from scow.size.fates import File
from scow.size.kinds import DUPLICATE, OWNED
from scow.size.packages import to_build_with
from scow.size.recognise import Recogniser
from scow.size.waste import KINDS, Finding, Waste

#: Smaller files of equal content are not worth a link.
DUPLICATE_FROM: Final = 4096
#: kind -> ending -> that of the file beside which it is not needed: bytecode alone is the program
_BESIDE: Final = {"bytecode": {b"pyc": b"py", b"pyo": b"py"}, "debug-symbols": {b"pdb": b"dll"}}
_ORDER: Final = {"secret": 0, "hidden": 1, "cache": 2, "unneeded": 3}
_Key = tuple[str, int, int]


def find(files: Sequence[File], owners: Mapping[bytes, str], instructions: Sequence[str]) -> tuple[Waste, ...]:
    """The waste among ``files``; ``owners`` says which package brought a path, ``instructions`` what made each layer.

    What is hidden comes before what only looks like waste, and that before duplicates of what is left.
    """
    judge = _Judge(files)
    groups: dict[_Key, list[Finding]] = {}
    left: list[File] = []
    for file in files:
        path, size = file.entry.path, file.entry.size
        if not size:
            continue
        kind = judge.kind(file)
        if file.fate:
            groups.setdefault((file.fate, file.layer, file.cause), []).append(Finding(path, size, kind))
        elif kind or to_build_with(owners.get(path, "")):
            groups.setdefault((kind or OWNED.id, file.layer, -1), []).append(Finding(path, size))
        else:
            left.append(file)
    for layer, duplicate in _duplicates(left):
        groups.setdefault((DUPLICATE.id, layer, -1), []).append(duplicate)
    return tuple(sorted((_told(key, several, instructions) for key, several in groups.items()), key=_rank))


class _Judge:
    """What a file looks like, by all names that it has and by what lies beside it."""

    def __init__(self, files: Sequence[File]) -> None:
        self._recognised = Recogniser().kind
        self._there = {file.entry.path for file in files if not file.fate}

    def kind(self, file: File) -> str:
        """The id of a kind, or nothing."""
        path = file.entry.path
        kind = self._recognised(path)
        if file.links:
            kind = _of_all([kind, *map(self._recognised, file.links)])
        return "" if kind in _BESIDE and self._is_alone(kind, path) else kind

    def _is_alone(self, kind: str, path: bytes) -> bool:
        stem, dot, ending = path.rpartition(b".")
        other = _BESIDE[kind].get(ending)
        return other is not None and b"/__pycache__/" not in path and stem + dot + other not in self._there


def _of_all(kinds: Sequence[str]) -> str:
    """What bytes of several names are: a secret under any of them; waste only where no name is needed."""
    secret = next((kind for kind in kinds if kind and KINDS[kind].sort == "secret"), "")
    return secret or (kinds[0] if all(kinds) else "")


def _duplicates(files: Iterable[File]) -> Iterable[tuple[int, Finding]]:
    first: dict[bytes, bytes] = {}
    for file in files:
        entry = file.entry
        if entry.size < DUPLICATE_FROM or not entry.digest:
            continue
        known = first.setdefault(entry.digest, entry.path)
        if known is not entry.path:
            yield file.layer, Finding(entry.path, entry.size, like=known)


def _told(key: _Key, findings: list[Finding], instructions: Sequence[str]) -> Waste:
    kind, layer, cause = key
    findings.sort(key=lambda one: (-one.size, one.path))
    caused_by = instructions[cause] if cause >= 0 else ""
    total = sum(one.size for one in findings)
    return Waste(kind, layer, cause, instructions[layer], caused_by, total, tuple(findings))


def _rank(waste: Waste) -> tuple[int, int, str, int, int]:
    return _ORDER[waste.sort], -waste.size, waste.kind, waste.layer, waste.cause
