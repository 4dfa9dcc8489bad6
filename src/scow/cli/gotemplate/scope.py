"""Where a walk over a template stands: its variables, and the node that an error names.

Variables live on a stack: an action's last until the ``end`` that closes the block around it.
"""

from __future__ import annotations

from scow.cli.gotemplate import nodes
from scow.cli.gotemplate.nodes import source
from scow.cli.gotemplate.values import Value, encoded
from scow.errors import Invalid


class Scope:
    """``here`` is the node being evaluated, ``name`` the template it is in."""

    def __init__(self, text: str) -> None:
        self.variables: list[tuple[str, Value]] = []
        self.here: nodes.Place | None = None
        self.name = ""
        self._text = text

    def set(self, name: str, value: Value) -> None:
        """Give a variable a new value."""
        for at in range(len(self.variables) - 1, -1, -1):
            if self.variables[at][0] == name:
                self.variables[at] = (name, value)
                return
        raise self.wrong(f"undefined variable: {name}")

    def variable(self, name: str) -> Value:
        """A variable's value."""
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise self.wrong(f"undefined variable: {name}")

    def wrong(self, problem: str) -> Invalid:
        """The error docker prints for a template that fails at ``here``."""
        here = self.here
        position = getattr(here, "position", 0)
        line_start = self._text.rfind("\n", 0, position) + 1
        line = self._text.count("\n", 0, position) + 1
        column = len(encoded(self._text[line_start:position]))
        at = f" at <{source(here)}>" if here is not None else ""
        return Invalid(f'template parsing error: template: :{line}:{column}: executing "{self.name}"{at}: {problem}')
