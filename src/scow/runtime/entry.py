"""Where each of our small interpreters begins: it loads its part, waits to be told what to do, and does that. Light."""

from __future__ import annotations

import _socket  # the socket module costs an enum, a selector and a tenth of a start
import os

from scow.runtime.wire import CONTROL, KEPT, READY, receive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PLACES = (0, 1, 2, KEPT)


def main(module: str) -> None:
    """Be ready for ``module``, though told of another one that is loaded then; without a word, leave."""
    part = _loaded(module)
    os.set_inheritable(CONTROL, False)
    os.write(CONTROL, READY)
    given = _descriptors()
    told = receive(CONTROL) if given else None
    if told is None:
        os._exit(0)
    for fd, place in zip(given, _PLACES, strict=False):  # a build's step has no lock
        os.dup2(fd, place, inheritable=place < CONTROL)
        os.close(fd)
    if told["module"] != module:
        part = _loaded(told["module"])
    part.main(told["plan"])


def _loaded(module: str) -> Any:
    return __import__(f"scow.runtime.{module}", fromlist=["main"])


def _descriptors() -> list[int]:
    """Those that come before the plan; none when the other end is gone."""
    line = _socket.socket(fileno=CONTROL)
    try:
        _, carried, _, _ = line.recvmsg(1, _socket.CMSG_SPACE(4 * len(_PLACES)))
    except ConnectionError:
        return []
    finally:
        line.detach()
    raw = b"".join(data for _, _, data in carried)
    return [int.from_bytes(raw[at : at + 4], "little") for at in range(0, len(raw), 4)]
