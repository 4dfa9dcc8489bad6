"""Modules of the standard library that are loaded when something of them is wanted, and not before.

click, msgspec, pathlib and urllib3 import some for help texts, schemas, other systems' paths, mail: a fifth of a short
command.
``importlib.util.LazyLoader`` is no help: the next import of such a module looks at its ``__spec__``, and so loads it.
"""

from __future__ import annotations

import contextlib
import re
import sys
from _thread import allocate_lock
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, Final

_LOCK: Final = allocate_lock()
_LONG: Final = 900
_compile = re.compile


class _Later(ModuleType):
    """Stands for a module; the first look at something in it loads that, and from then on this is a copy."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        loaded = _loaded(self.__name__)
        self.__dict__.update(loaded.__dict__)
        return getattr(loaded, name)


def _loaded(name: str) -> ModuleType:
    """The module itself, whatever stood for it."""
    from importlib import import_module

    with _LOCK:  # the first of several threads takes it away; the others wait for the import
        if isinstance(sys.modules.get(name), _Later):
            del sys.modules[name]
    return import_module(name)


def stand_in(*names: str) -> None:
    """Put off the loading of those that are not loaded yet."""
    for name in names:
        if name not in sys.modules:
            sys.modules[name] = module = _Later(name)
            above, _, last = name.rpartition(".")
            if above in sys.modules:  # as an import does
                setattr(sys.modules[above], last, module)


def stand_for(name: str, inner: str) -> None:
    """Let the module in C that another is made of be that one."""
    from importlib import import_module

    with contextlib.suppress(ImportError):
        sys.modules.setdefault(name, import_module(inner))


def stand_in_with(functions: Mapping[str, Iterable[str]]) -> None:
    """Put off those modules too, until one of these functions is called: to look at them is no reason."""
    for name, wanted in functions.items():
        stand_in(name)
        for function in wanted if isinstance(module := sys.modules[name], _Later) else ():
            setattr(module, function, _calling(name, function))


def _calling(name: str, function: str) -> Callable[..., Any]:
    def call(*args: Any, **named: Any) -> Any:
        return getattr(_loaded(name), function)(*args, **named)

    return call


class _Pattern:
    """A regular expression that is compiled when it is asked something."""

    def __init__(self, text: str, flags: int) -> None:
        self._text, self._flags = text, flags

    def match(self, string: str) -> Any:
        """What it is asked of each host's name; in brackets is none."""
        bracketed = self._text.startswith(r"^\[")
        return None if bracketed and not string.startswith("[") else _compile(self._text, self._flags).match(string)

    def __getattr__(self, name: str) -> Any:
        return getattr(_compile(self._text, self._flags), name)


def compile_late(*modules: str) -> None:
    """Put off the compiling of those modules' long patterns: urllib3's of IPv6 are a fifth of a short command."""

    def compiled(pattern: Any, flags: int = 0) -> Any:
        if len(pattern) > _LONG and sys._getframe(1).f_globals["__name__"] in modules:
            return _Pattern(pattern, flags)
        return _compile(pattern, flags)

    re.compile = compiled


@contextlib.contextmanager
def knowing(answers: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """Put off those modules too; meanwhile what is known of them is no reason to load them."""
    stand_in(*answers)
    begun = [(module, known) for name, known in answers.items() if isinstance(module := sys.modules[name], _Later)]
    for module, known in begun:
        module.__dict__.update(known)
    try:
        yield
    finally:
        for module, known in begun:
            for name, answer in known.items():
                if module.__dict__.get(name) is answer:  # it was not loaded for something else
                    del module.__dict__[name]


@contextlib.contextmanager
def missing(name: str) -> Iterator[None]:
    """Meanwhile ``name`` cannot be imported, as if it were not installed."""
    there = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]  # so an import of it fails (import system, "The module cache")
    try:
        yield
    finally:
        del sys.modules[name]
        if there is not None:
            sys.modules[name] = there
