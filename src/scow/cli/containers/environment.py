"""``-e``, ``--env-file``, ``--label-file`` and their kin: ``K=V``, or ``K`` with the value that the caller has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scow.cli.options import each
from scow.errors import Invalid

_BOM = b"\xef\xbb\xbf"
_BLANKS = " \t"


def checked_variable(text: str) -> str:
    """An ``-e`` that has a name."""
    if not text.partition("=")[0]:
        raise Invalid(f"invalid environment variable: {text}")
    return text


VARIABLES = each(checked_variable)


def taken(entries: Iterable[str], caller: Mapping[str, str]) -> tuple[str, ...]:
    """The entries, those without a value with the caller's; one that the caller lacks stays bare, which takes the
    image's away."""
    return tuple(_taken(entry, caller) for entry in entries)


def _taken(entry: str, caller: Mapping[str, str]) -> str:
    name, equals, _ = checked_variable(entry).partition("=")
    return entry if equals or name not in caller else f"{name}={caller[name]}"


def read_env_file(path: str, caller: Mapping[str, str]) -> tuple[str, ...]:
    """The variables of a file: a line each, ``#`` starts a comment line; nothing is unquoted, as docker has it."""
    found: list[str] = []
    for line in _lines(path, "env"):
        name, equals, value = line.partition("=")
        if not name:
            raise Invalid(f"no variable name on line '{line}'", subject=path)
        if any(char.isspace() for char in name):
            raise Invalid(f"variable '{name}' contains whitespaces", subject=path)
        if equals:
            found.append(f"{name}={value}")
        elif name in caller:
            found.append(f"{name}={caller[name]}")
    return tuple(found)


def labels(entries: Iterable[str], files: Iterable[str] = ()) -> dict[str, str]:
    """``K=V`` or ``K``; what is given directly beats what files say."""
    everything = [*(checked_label(line) for path in files for line in _lines(path, "label")), *entries]
    return dict(_label(entry) for entry in everything)


def _label(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name:
        raise Invalid(f"invalid label '{text}': empty name")
    return name, value


def checked_label(text: str) -> str:
    """A ``-l`` that has a name, which is one word; blanks before it are its own, as docker has it."""
    name = text.partition("=")[0].lstrip(_BLANKS)
    if not name:
        raise Invalid(f"invalid label '{text}': empty name")
    if any(blank in name for blank in _BLANKS):
        raise Invalid(f"label '{name}' contains whitespaces")
    return text


LABELS = each(checked_label)


def _lines(path: str, kind: str) -> Iterable[str]:
    from scow.cli.userfiles import content  # most starts name none

    for number, line in enumerate(content(path).removeprefix(_BOM).splitlines(), 1):
        try:
            text = line.decode().lstrip()
        except UnicodeDecodeError:
            raise Invalid(f"invalid {kind} file: invalid utf8 bytes at line {number}", subject=path) from None
        if text and not text.startswith("#"):
            yield text
