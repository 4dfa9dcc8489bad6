"""A Dockerfile in Python: values that say the same, and plan the very same graph. Pure.

Every text is what a Dockerfile's word is: ``$NAME`` and ``${NAME:-x}`` are replaced, and nothing else is special; a
:class:`Literal` is taken as it is. Commands are a shell's business: nothing in them is replaced here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from scow.dockerfile.parser import parse
from scow.errors import Invalid

_EXCEPTIONAL: Final = ("\n", "<<", "\r")


class Literal(str):
    """A text in which ``$`` is a dollar."""

    __slots__ = ()


class Recipe(msgspec.Struct, frozen=True):
    """One stage: what it stands on, its lines, and the stages that it takes files from, each by its place in
    ``others``. Every method gives a new one."""

    base: str | Recipe
    lines: tuple[str, ...] = ()
    others: tuple[Recipe, ...] = ()
    platform: str = ""

    def run(self, *command: str, mounts: Iterable[str] = (), network: str = "", security: str = "") -> Recipe:
        """RUN: one text is the shell's, several are an argument vector. ``mounts`` are values of ``--mount``."""
        flags = [*(f"--mount={mount}" for mount in mounts)]
        flags += [f"--{name}={value}" for name, value in (("network", network), ("security", security)) if value]
        return self._line(" ".join(["RUN", *map(_flag, flags), _command(command, heredocs=True)]))

    def copy(
        self,
        *sources: str,
        to: str,
        from_: str | Recipe = "",
        chown: str = "",
        chmod: str = "",
        link: bool = False,
        parents: bool = False,
        exclude: Iterable[str] = (),
    ) -> Recipe:
        """COPY: ``from_`` is an image, a named context or another recipe."""
        made, source = self._with(from_)
        flags = _flags(source and f"--from={source}", chown, chmod, link, exclude, parents and "--parents")
        return made._line(" ".join(["COPY", *flags, _array((*sources, to))]))

    def add(
        self,
        *sources: str,
        to: str,
        chown: str = "",
        chmod: str = "",
        checksum: str = "",
        link: bool = False,
        unpack: bool | None = None,
        keep_git: bool = False,
        exclude: Iterable[str] = (),
    ) -> Recipe:
        """ADD: files, archives, URLs, git repositories."""
        told = "" if unpack is None else f"--unpack={json.dumps(unpack)}"
        flags = _flags(checksum and f"--checksum={checksum}", chown, chmod, link, exclude, told)
        flags += ["--keep-git-dir"] if keep_git else []
        return self._line(" ".join(["ADD", *flags, _array((*sources, to))]))

    def file(self, path: str, content: str, *, chown: str = "", chmod: str = "") -> Recipe:
        """COPY of a text written here, to an absolute path; nothing in it is replaced."""
        if content and not content.endswith("\n"):
            raise Invalid("a file of a recipe ends with a line break", subject=path)
        end = _ending(content)
        flags = _flags("", chown, chmod, link=False, exclude=())
        return self._line(" ".join(["COPY", *flags, f'<<"{end}"', _plain(path)]) + f"\n{content}{end}")

    def env(self, pairs: Mapping[str, str] | None = None, /, **more: str) -> Recipe:
        """ENV."""
        return self._line(f"ENV {_pairs({**(pairs or {}), **more})}")

    def label(self, pairs: Mapping[str, str] | None = None, /, **more: str) -> Recipe:
        """LABEL."""
        return self._line(f"LABEL {_pairs({**(pairs or {}), **more})}")

    def arg(self, name: str, default: str | None = None) -> Recipe:
        """ARG."""
        return self._line(f"ARG {name}" if default is None else f"ARG {name}={_quoted(default)}")

    def workdir(self, path: str) -> Recipe:
        """WORKDIR."""
        return self._line(f"WORKDIR {_plain(path)}")

    def user(self, user: str) -> Recipe:
        """USER ``user[:group]``."""
        return self._line(f"USER {_plain(user)}")

    def expose(self, *ports: str | int) -> Recipe:
        """EXPOSE."""
        return self._line(" ".join(["EXPOSE", *map(str, ports)]))

    def volume(self, *paths: str) -> Recipe:
        """VOLUME."""
        return self._line(f"VOLUME {_array(paths)}")

    def entrypoint(self, *command: str) -> Recipe:
        """ENTRYPOINT: one text is the shell's, several (or a list of one) are an argument vector."""
        return self._line(f"ENTRYPOINT {_command(command)}")

    def cmd(self, *command: str) -> Recipe:
        """CMD: as :meth:`entrypoint`."""
        return self._line(f"CMD {_command(command)}")

    def shell(self, *argv: str) -> Recipe:
        """SHELL."""
        return self._line(f"SHELL {json.dumps(argv, ensure_ascii=False)}")

    def stopsignal(self, signal: str) -> Recipe:
        """STOPSIGNAL."""
        return self._line(f"STOPSIGNAL {signal}")

    def healthcheck(self, *command: str, **options: str | int) -> Recipe:
        """HEALTHCHECK: ``interval="30s"``, ``timeout``, ``start_period``, ``start_interval``, ``retries``. Without a
        command, NONE."""
        if not command:
            return self._line("HEALTHCHECK NONE")
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        return self._line(" ".join(["HEALTHCHECK", *flags, "CMD", _command(command)]))

    def onbuild(self, trigger: Callable[[Recipe], Recipe]) -> Recipe:
        """ONBUILD: ``trigger`` adds one instruction to the recipe it is given."""
        (line,) = trigger(Recipe("")).lines
        return self._line(f"ONBUILD {line}")

    @property
    def dockerfile(self) -> bytes:
        """The Dockerfile that says the same; this recipe is its last stage."""
        stages: list[Recipe] = []
        _collect(self, stages)
        return "".join(_stage(stage, number, stages) for number, stage in enumerate(stages)).encode()

    def __str__(self) -> str:
        return self.dockerfile.decode()

    def _line(self, line: str) -> Recipe:
        read = parse(f"FROM scratch\n{line}\n", "recipe").instructions
        if len(read) != 2:
            raise Invalid("a text of a recipe holds a line break that it cannot", subject=line.partition("\n")[0])
        return msgspec.structs.replace(self, lines=(*self.lines, line))

    def _with(self, other: str | Recipe) -> tuple[Recipe, str]:
        """The recipe that knows ``other``, and what ``--from`` says: ``@0`` is the first of ``others``."""
        if isinstance(other, str):
            return self, other
        known = self.others if other in self.others else (*self.others, other)
        return msgspec.structs.replace(self, others=known), f"@{known.index(other)}"


def _collect(recipe: Recipe, found: list[Recipe]) -> None:
    """The stages, each after those it needs, each once."""
    for needed in (recipe.base, *recipe.others):
        if isinstance(needed, Recipe):
            _collect(needed, found)
    if recipe not in found:
        found.append(recipe)


def _stage(recipe: Recipe, number: int, stages: list[Recipe]) -> str:
    base = recipe.base if isinstance(recipe.base, str) else f"s{stages.index(recipe.base)}"
    platform = f"--platform={recipe.platform} " if recipe.platform else ""
    names = {f"--from=@{at} ": f"--from=s{stages.index(other)} " for at, other in enumerate(recipe.others)}
    lines = []
    for line in recipe.lines:
        flag = next((name for name in names if line.startswith(f"COPY {name}")), "")
        lines.append(line.replace(flag, names[flag], 1) if flag else line)
    return "\n".join([f"FROM {platform}{base} AS s{number}", *lines, ""])


# -- words ------------------------------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    """A word without quotes around it, for instructions that split at nothing."""
    out = text.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')
    return out.replace("$", "\\$") if isinstance(text, Literal) else out


def _plain(text: str) -> str:
    if any(char in text for char in "\n\r"):
        raise Invalid("a text of a recipe holds a line break that it cannot", subject=repr(text))
    return _escaped(text)


def _array(words: Iterable[str]) -> str:
    return json.dumps([_plain(word) for word in words], ensure_ascii=False)


def _quoted(text: str) -> str:
    out = _plain(text).replace("\\'", "'")
    return f'"{out}"'


def _pairs(pairs: Mapping[str, str]) -> str:
    return " ".join(f"{_quoted(name) if ' ' in name else name}={_quoted(value)}" for name, value in pairs.items())


def _flag(text: str) -> str:
    """A flag with a blank or a quote in it, as one word."""
    return (
        text if text.isascii() and not {" ", "\t", '"', "'", "\\"} & {*text} else "'" + text.replace("'", "\\'") + "'"
    )


def _flags(first: str, chown: str, chmod: str, link: bool, exclude: Iterable[str], last: str | bool = "") -> list[str]:
    named = [f"--{name}={value}" for name, value in (("chown", chown), ("chmod", chmod)) if value]
    excluded = [f"--exclude={pattern}" for pattern in exclude]
    flags = [first, *named, "--link" if link else "", *excluded, last or ""]
    return [_flag(str(flag)) for flag in flags if flag]


def _command(command: tuple[str, ...], *, heredocs: bool = False) -> str:
    if len(command) != 1:
        return json.dumps(command, ensure_ascii=False)
    (text,) = command
    if not heredocs or not (any(part in text for part in _EXCEPTIONAL) or text[:1] in "[-#" or text.endswith("\\")):
        return text
    end = _ending(text)
    body = text if text.endswith("\n") else f"{text}\n"
    return f"<<{end}\n{body}{end}"


def _ending(text: str) -> str:
    """A heredoc's name that is no line of the text."""
    lines = {line.strip() for line in text.splitlines()}
    return next(name for number in range(len(lines) + 2) if (name := f"EOF{number or ''}") not in lines)
