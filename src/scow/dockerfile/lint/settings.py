"""What a user may set: which rules, how severe, and what labels and registries are expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scow.dockerfile.lint.finding import Severity

#: The kinds of label that a schema can ask for.
KINDS = ("text", "rawtext", "url", "semver", "hash", "rfc3339", "spdx", "email")


@dataclass(frozen=True, slots=True)
class Settings:
    """Rules are named by any of their names. ``only`` empty is "all"; ``labels``: name → kind (:data:`KINDS`).

    ``shell`` is what reads RUN until a SHELL says otherwise; ``threshold``: what is less severe is no failure.
    """

    ignored: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    trusted: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    strict_labels: bool = False
    threshold: Severity | None = Severity.INFO
    no_fail: bool = False
    pragmas: bool = True
    experimental: frozenset[str] = frozenset()
    shell: tuple[str, ...] = ()
