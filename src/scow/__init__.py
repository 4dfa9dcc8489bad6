"""scow: everything people do with container images, without Docker.

>>> from scow import Engine  # doctest: +SKIP
>>> engine = Engine()  # doctest: +SKIP
>>> engine.images.pull("debian:12")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scow.engine import Engine
    from scow.engine.containers.executing import Execution
    from scow.runtime.captured import Captured
    from scow.runtime.child import Stdio
    from scow.runtime.spec.options import Mount, Options

__all__ = ["Captured", "Engine", "Execution", "Mount", "Options", "Stdio", "__version__"]
__version__ = "0.1.0"

_PLACES = {
    "Captured": "scow.runtime.captured",
    "Engine": "scow.engine",
    "Execution": "scow.engine.containers.executing",
    "Mount": "scow.runtime.spec.options",
    "Options": "scow.runtime.spec.options",
    "Stdio": "scow.runtime.child",
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'scow' has no attribute {name!r}")
    from importlib import import_module  # what is asked for only: `import scow` alone stays cheap

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
