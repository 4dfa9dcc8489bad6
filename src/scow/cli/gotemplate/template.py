"""``compile(text).render(value)``: the two calls the command line needs.

Both raise :class:`~scow.errors.Invalid` in docker's words (``template parsing error: template: :1: …``) and
:class:`~scow.errors.Limit` when a template nests, prints or runs too much.
"""

from __future__ import annotations

from collections.abc import Mapping

from scow.cli.gotemplate.execute import Walk
from scow.cli.gotemplate.functions import FUNCTIONS
from scow.cli.gotemplate.parser import Body, parse
from scow.cli.gotemplate.values import Function, Value
from scow.errors import Limit

_LONGEST = 1 << 20


class Template:
    """A template that parsed; rendering does not change it."""

    def __init__(self, text: str, bodies: Mapping[str, Body]) -> None:
        self.text = text
        self._bodies = bodies

    def render(self, value: Value, functions: Mapping[str, Function] | None = None) -> str:
        """The text for ``value`` (see :mod:`~scow.cli.gotemplate.values`); ``functions`` replace those of that name.

        A name that the value does not have is an error.
        """
        walk = Walk(self.text, self._bodies, {**FUNCTIONS, **(functions or {})})
        try:
            walk.run("", value)
        except RecursionError:
            raise Limit("template or value is nested too deep") from None
        return walk.sink.text()


def compile(text: str) -> Template:  # noqa: A001  (as in re.compile)
    """Parse ``text``. An unknown function is an error here, before anything is printed."""
    if len(text) > _LONGEST:
        raise Limit(f"template is longer than {_LONGEST >> 20} MiB")
    try:
        return Template(text, parse(text, FUNCTIONS))
    except RecursionError:
        raise Limit("template is nested too deep") from None
