"""The variables of a stage: ENV beats the ARGs above it; a stage on another inherits both (reference, "ARG").

An ARG with a value below the ENV of its name is what the build sees from there on, as BuildKit has it; the image keeps
the ENV. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Known without being declared; set for RUN, but in no cache key and no history unless they are (reference, "ARG").
PROXIES: Final = frozenset(
    name
    for upper in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (upper, upper.lower())
)


class Variables:
    """What ``$name`` means at a point of a stage.

    ``given`` are the user's build arguments, ``outside`` the ARGs before the first FROM and the platform's.
    """

    def __init__(self, given: Mapping[str, str], outside: Mapping[str, str], env: Mapping[str, str]) -> None:
        self._given, self._outside = given, outside
        self.env = dict(env)
        self.args: dict[str, str] = {}
        self._declared: dict[str, None] = {}  # in their order
        self._over: set[str] = set()  # arguments that no ENV below them covers

    def copy(self) -> Variables:
        """The same values for a stage built on this one."""
        other = Variables(self._given, self._outside, self.env)
        other.args, other._declared, other._over = dict(self.args), dict(self._declared), set(self._over)
        return other

    def lookup(self, name: str) -> str | None:
        """The value, or ``None`` when it is not set."""
        return self.args[name] if name in self._over else self.env.get(name)

    def set(self, pairs: Mapping[str, str]) -> None:
        """ENV."""
        self.env.update(pairs)
        self._over.difference_update(pairs)

    def declare(self, name: str, default: str | None) -> str | None:
        """ARG: the user's value, else the default, else that of the same name before the first FROM.

        One that has a value keeps it when it is declared again without.
        """
        value = self._given.get(name, default if default is not None else self._outside.get(name))
        self._declared[name] = None
        if value is not None:
            self.args[name] = value
            self._over.add(name)
        return value

    @property
    def told(self) -> tuple[str, ...]:
        """The declared arguments as a RUN's history has them: in their order, empty without a value."""
        return tuple(f"{name}={self.lookup(name) or ''}" for name in self._declared)

    @property
    def run_env(self) -> dict[str, str]:
        """The variables of ENV as a RUN sees them."""
        return {name: self.args[name] if name in self._over else value for name, value in self.env.items()}

    @property
    def proxies(self) -> tuple[str, ...]:
        """The predeclared arguments that the user gave, each in upper and in lower case."""
        given = {name: value for name, value in sorted(self._given.items()) if name in PROXIES and value}
        both = {name: value for one, value in given.items() for name in (one.upper(), one.lower())} | given
        return tuple(
            f"{name}={value}"
            for name, value in sorted(both.items())
            if name not in self._declared and name not in self.env
        )
