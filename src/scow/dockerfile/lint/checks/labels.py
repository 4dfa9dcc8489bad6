"""LABEL: keys, and what the settings' schema asks of values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scow.dockerfile.instructions import Label, Pair
from scow.dockerfile.lint.finding import Found, Severity
from scow.dockerfile.lint.linted import Linted
from scow.dockerfile.lint.rule import Check, Rule
from scow.dockerfile.span import Word

_KEY = re.compile(r"[a-z](?:[a-z0-9]|[.-](?![.-]))*[a-z0-9]|[a-z]")
_RESERVED = ("com.docker.", "io.docker.", "org.dockerproject.")
_TIME = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
                   r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)")  # fmt: skip
_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-((0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
                     r"(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?")  # fmt: skip
_SPDX_ID = r"(?:(?:DocumentRef-[\w.-]+:)?LicenseRef-[\w.-]+|[A-Za-z0-9][A-Za-z0-9.-]*\+?)"
_SPDX = re.compile(rf"\(*{_SPDX_ID}\)*(?: (?:AND|OR|WITH) \(*{_SPDX_ID}\)*)*")
#: Families of licences, which are no identifiers without a version or variant.
_NO_LICENSE = frozenset({"GPL", "LGPL", "AGPL", "BSD", "Apache", "GPLv2", "GPLv3", "Apache2", "MPL", "CC", "EPL"})
_KINDS = {
    "url": re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#]+[^\s]*"),
    "rfc3339": _TIME,
    "hash": re.compile(r"[0-9a-f]{7,64}"),
    "semver": _SEMVER,
    "email": re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+"),
}


def _labels(file: Linted) -> Iterator[tuple[Label, Pair, Word]]:
    for _, one in file.instructions:
        if isinstance(one, Label):
            yield from ((one, pair, word) for pair, word in zip(one.pairs, one.words, strict=False))


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def bad_key(file: Linted) -> Iterator[Found]:
    """LABEL Key=…"""
    for _, pair, word in _labels(file):
        key = _bare(pair.key)
        if "$" not in key and (not _KEY.fullmatch(key) or key.startswith(_RESERVED)):
            yield file.found(
                f"{key} is no good key for a label", file.word(word), hint="small letters, digits, . and -"
            )


def missing(file: Linted) -> Iterator[Found]:
    """A label of the schema that the last stage does not set."""
    stage = file.stages[-1]
    given = {_bare(pair.key) for one in stage.instructions if isinstance(one, Label) for pair in one.pairs}
    for name in sorted(set(file.settings.labels) - given):
        yield file.found(f"the label {name} is missing", file.whole(stage.start))


def superfluous(file: Linted) -> Iterator[Found]:
    """A label that the schema does not know, where that is strict."""
    for _, pair, word in _labels(file) if file.settings.strict_labels else ():
        if _bare(pair.key) not in file.settings.labels:
            yield file.found(f"the label {_bare(pair.key)} is not in the schema", file.word(word))


def empty(file: Linted) -> Iterator[Found]:
    """A label of the schema without a value."""
    for _, pair, word in _labels(file):
        if _bare(pair.key) in file.settings.labels and not _bare(pair.value):
            yield file.found(f"the label {_bare(pair.key)} is empty", file.word(word))


def _is(kind: str, value: str) -> bool:
    if kind == "spdx":
        return bool(_SPDX.fullmatch(value)) and value.count("(") == value.count(")") and value not in _NO_LICENSE
    return bool(_KINDS[kind].fullmatch(value))


def of_kind(kind: str, what: str) -> Check:
    """A label whose value is not of the kind that the schema asks for."""

    def check(file: Linted) -> Iterator[Found]:
        for _, pair, word in _labels(file):
            name, value = _bare(pair.key), _bare(pair.value)
            if file.settings.labels.get(name) == kind and value and not _is(kind, value):
                yield file.found(f"the label {name} is no {what}: {value}", file.word(word))

    return check


_SCHEMA = "Silent until a label-schema (.hadolint.yaml) or --require-label asks for it."
_W, _I = Severity.WARNING, Severity.INFO

RULES = (
    Rule("label-key", Severity.STYLE, "A label's key that is not as keys should be",
         "Small letters, digits, dots and hyphens, beginning with a letter; docker keeps com.docker, io.docker and"
         " org.dockerproject for itself.", bad_key, ("DL3048",)),
    Rule("label-missing", _I, "A label of the schema is missing", _SCHEMA, missing, ("DL3049",)),
    Rule("label-superfluous", _I, "A label is not in the schema", f"{_SCHEMA[:-1]} with strict-labels.",
         superfluous, ("DL3050",)),
    Rule("label-empty", _W, "A label of the schema is empty", _SCHEMA, empty, ("DL3051",)),
    Rule("label-url", _W, "A label is no URL", _SCHEMA, of_kind("url", "URL"), ("DL3052",)),
    Rule("label-time", _W, "A label is no time as RFC 3339 has it", _SCHEMA,
         of_kind("rfc3339", "time as RFC 3339 has it"), ("DL3053",)),
    Rule("label-license", _W, "A label is no SPDX licence", _SCHEMA, of_kind("spdx", "SPDX licence"), ("DL3054",)),
    Rule("label-hash", _W, "A label is no git commit", _SCHEMA, of_kind("hash", "git commit"), ("DL3055",)),
    Rule("label-version", _W, "A label is no semantic version", _SCHEMA,
         of_kind("semver", "semantic version"), ("DL3056",)),
    Rule("label-email", _W, "A label is no mail address", _SCHEMA, of_kind("email", "mail address"), ("DL3058",)),
)  # fmt: skip
