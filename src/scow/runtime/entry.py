"""Where each of our small interpreters begins: it loads its part, waits to be told what to do, and does that. Light."""

from __future__ import annotations

import os

from scow.runtime.wire import CONTROL, KEPT, READY, receive, taken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PLACES = (0, 1, 2, KEPT)
#: what is started so, by the name that it has in ps and top
_PARTS = {
    "launch": "launcher.launch",
    "joining": "launcher.joining",
    "carrying": "launcher.carrying",
    "monitor": "monitor.monitor",
}


def main(module: str) -> None:
    """Be ready for ``module`` (of ``_PARTS``), though told of another that is loaded then; told nothing, leave."""
    part = _loaded(module)
    os.set_inheritable(CONTROL, False)
    try:
        os.write(CONTROL, READY)
    except BrokenPipeError:  # the command that would have told has failed, and left
        os._exit(0)
    given = taken(CONTROL, len(_PLACES))
    told = receive(CONTROL) if given else None
    if told is None:
        os._exit(0)
    for fd, place in zip(given, _PLACES, strict=False):  # a build's step has no lock
        os.dup2(fd, place, inheritable=place < CONTROL)
        os.close(fd)
    if told["module"] != module:
        part = _loaded(told["module"])
    with open("/proc/self/comm", "w") as file:  # what ps and top call it
        file.write(f"scow-{told['module']}")
    part.main(told["plan"])


def _loaded(module: str) -> Any:
    return __import__(f"scow.runtime.{_PARTS[module]}", fromlist=["main"])
