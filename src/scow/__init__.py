"""scow: everything people do with container images, without Docker.

>>> from scow import Engine  # doctest: +SKIP
>>> engine = Engine()  # doctest: +SKIP
>>> engine.images.pull("debian:12")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scow.engine import Engine

__all__ = ["Engine", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "Engine":  # imported when asked for: `import scow` alone stays cheap
        from scow.engine import Engine

        return Engine
    raise AttributeError(f"module 'scow' has no attribute {name!r}")
