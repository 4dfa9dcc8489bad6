"""Builds: Dockerfile stages and arguments → a graph of ops (pure) → executed, with a cache keyed by content.

>>> import scow.build
>>> made = scow.build.image("busybox").env(NAME="you").run("echo hello > /hello").cmd("cat", "/hello")
>>> print(made, end="")
FROM busybox AS s0
ENV NAME="you"
RUN echo hello > /hello
CMD ["cat", "/hello"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scow.build.recipe import Literal, Recipe

__all__ = ["image", "literal"]


def image(base: str | Recipe, *, platform: str = "") -> Recipe:
    """A recipe that begins ``FROM base``: an image's name, ``scratch``, or another recipe."""
    from scow.build.recipe import Recipe

    return Recipe(base, platform=platform)


def literal(text: str) -> Literal:
    """A text for a recipe in which ``$`` is a dollar."""
    from scow.build.recipe import Literal

    return Literal(text)
