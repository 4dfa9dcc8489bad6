"""``.hadolint.yaml`` → settings. ``.scow-lint.yaml`` is the same document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from scow.dockerfile.lint.finding import Severity
from scow.dockerfile.lint.settings import KINDS, Settings
from scow.dockerfile.lint.table import meant
from scow.dockerfile.lint.yaml import Value, read
from scow.dockerfile.suggest import hint
from scow.errors import Invalid

#: Where settings are looked for, beside the Dockerfile's caller.
FILES = (".scow-lint.yaml", ".hadolint.yaml", ".hadolint.yml")
_TRUTHS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}
#: Keys of hadolint's that say how it prints; here the command line does.
_PRINTING = frozenset({"format", "no-color"})


def settings(text: bytes, source: str) -> Settings:
    """Read a file of settings. Invalid, with its name, for a key or a rule that nobody knows."""
    found = Settings()
    for key, value in read(text, source).items():
        if key in _PRINTING:
            continue
        reader = _READERS.get(key)
        if reader is None:
            raise Invalid(f"unknown setting: {key}", subject=source, hint=hint(key, _READERS))
        try:
            found = replace(found, **reader(value))
        except Invalid as error:
            raise Invalid(f"{key}: {error.problem}", subject=source, hint=error.hint) from None
    return found


def rules(names: Iterable[str]) -> frozenset[str]:
    """Names of rules in small letters, as settings keep them. Invalid for one that nobody has."""
    given = [name.strip() for name in names if name.strip()]
    for name in given:
        meant(name)
    return frozenset(name.lower() for name in given)


def threshold(word: str) -> Severity | None:
    """``error`` … ``style``; None for ``none`` and ``ignore``: nothing is a failure."""
    if word.lower() in {"none", "ignore"}:
        return None
    found = Severity.of(word)
    if found is None:
        raise Invalid(f"no such severity: {word}", hint="error, warning, info, style or none")
    return found


def schema(entries: Mapping[str, str]) -> dict[str, str]:
    """Labels and their kinds. Invalid for a kind that is none."""
    for name, kind in entries.items():
        if kind not in KINDS:
            raise Invalid(f"{name}: no such kind of label: {kind}", hint=", ".join(KINDS))
    return dict(entries)


def _list(value: Value) -> list[str]:
    if isinstance(value, dict):
        raise Invalid("expected a list")
    return [value] if isinstance(value, str) and value else list(value)


def _map(value: Value) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid("expected a map")
    return value


def _truth(value: Value) -> bool:
    if not isinstance(value, str) or value.lower() not in _TRUTHS:
        raise Invalid("expected true or false")
    return _TRUTHS[value.lower()]


def _word(value: Value) -> str:
    if not isinstance(value, str):
        raise Invalid("expected a word")
    return value


def _severities(value: Value) -> dict[str, Severity]:
    found: dict[str, Severity] = {}
    for word, listed in _map(value).items():
        severity = Severity.of(word)
        if severity is None:
            raise Invalid(f"no such severity: {word}", hint="error, warning, info, style or ignore")
        found |= dict.fromkeys(rules(_list(listed)), severity)
    return found


_READERS: dict[str, Callable[[Value], dict[str, Any]]] = {
    "ignored": lambda value: {"ignored": rules(_list(value))},
    "override": lambda value: {"severities": _severities(value)},
    "trustedRegistries": lambda value: {"trusted": tuple(_list(value))},
    "label-schema": lambda value: {"labels": schema({name: _word(kind) for name, kind in _map(value).items()})},
    "strict-labels": lambda value: {"strict_labels": _truth(value)},
    "failure-threshold": lambda value: {"threshold": threshold(_word(value))},
    "no-fail": lambda value: {"no_fail": _truth(value)},
    "disable-ignore-pragma": lambda value: {"pragmas": not _truth(value)},
}
