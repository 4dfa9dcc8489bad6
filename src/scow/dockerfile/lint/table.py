"""All rules, and who is meant by a name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from scow.dockerfile.lint.checks import (
    bases,
    commands,
    copying,
    labels,
    languages,
    packages,
    process,
    size,
    text,
    variables,
)
from scow.dockerfile.lint.finding import Found, Severity
from scow.dockerfile.lint.linted import Linted
from scow.dockerfile.lint.rule import Rule
from scow.dockerfile.suggest import hint
from scow.errors import Invalid


def _nothing(_file: Linted) -> Iterator[Found]:
    """What these rules say is seen when the file is read."""
    return iter(())


_ORDER = "Dockerfile must begin with FROM: only ARG and comments may stand before it."
#: What is told of a file that cannot be read; the first that fits.
UNREADABLE = (
    Rule("instruction-order", Severity.ERROR, "An instruction before FROM", _ORDER, _nothing, ("DL3061",)),
    Rule("bad-port", Severity.ERROR, "EXPOSE of what is no port", "Ports are 1 to 65535, of tcp, udp or sctp.",
         _nothing, ("DL3011",)),
    Rule("bad-trigger", Severity.ERROR, "ONBUILD of FROM, MAINTAINER or ONBUILD", "They cannot be triggers.",
         _nothing, ("DL3043",)),
    Rule("syntax", Severity.ERROR, "The Dockerfile cannot be read",
         "The build fails with this very message; no other rule looks at the file before it is mended.", _nothing),
)  # fmt: skip
_TELLING = {
    "no build stage in current context": "instruction-order",
    "invalid containerPort": "bad-port",
    "invalid proto": "bad-port",
    "invalid port": "bad-port",
    "isn't allowed as an ONBUILD trigger": "bad-trigger",
    "Chaining ONBUILD": "bad-trigger",
}

#: Every rule, by subject.
RULES: tuple[Rule, ...] = (
    *UNREADABLE,
    *bases.RULES,
    *text.RULES,
    *variables.RULES,
    *copying.RULES,
    *packages.RULES,
    *languages.RULES,
    *commands.RULES,
    *size.RULES,
    *process.RULES,
    *labels.RULES,
)


@cache
def names() -> dict[str, tuple[Rule, ...]]:
    """Every name in small letters, and the rules that it means: an alias may mean several."""
    found: dict[str, tuple[Rule, ...]] = {}
    for rule in RULES:
        for name in rule.names:
            found[name.lower()] = (*found.get(name.lower(), ()), rule)
    return found


def meant(name: str) -> tuple[Rule, ...]:
    """The rules of that name; Invalid with the nearest for one that nobody has. ``SC…`` are ShellCheck's."""
    found = names().get(name.lower(), ())
    if not found and not is_shellcheck(name):
        raise Invalid(f"no rule is called {name}", hint=hint(name, names()))
    return found


def is_shellcheck(name: str) -> bool:
    """Is it the name of one of ShellCheck's checks?"""
    return name[:2].upper() == "SC" and name[2:].isdigit()


def unreadable(problem: str) -> Rule:
    """The rule that a parser's complaint belongs to."""
    name = next((rule for text_, rule in _TELLING.items() if text_ in problem), "syntax")
    return next(rule for rule in UNREADABLE if rule.name == name)
