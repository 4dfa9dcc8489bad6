"""What this process may do, as Linux counts it; light, as commands ask before they load anything."""

from __future__ import annotations

import contextlib
from typing import Final

_ADMIN: Final = 1 << 21  # CAP_SYS_ADMIN


def held() -> int:
    """Its effective capabilities as bits (capabilities(7)); all of them where nothing tells."""
    with contextlib.suppress(OSError), open("/proc/self/status", "rb") as status:
        for line in status:
            if line.startswith(b"CapEff:"):
                return int(line.split()[1], 16)
    return -1


def may_mount() -> bool:
    """Whether it has CAP_SYS_ADMIN."""
    return held() & _ADMIN == _ADMIN
