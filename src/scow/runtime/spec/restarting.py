"""Restart policies: whether a container that ended starts again, and when. Pure, and light: the monitor asks.

docker's: ``no``, ``on-failure[:N]``, ``always``, ``unless-stopped``. The first pause is 0.1 s; each is twice the one
before it, up to a minute; a container that ran for 10 s begins anew.
"""

from __future__ import annotations

POLICIES = ("no", "on-failure", "always", "unless-stopped")

_FIRST, _LONGEST, _STEADY = 0.1, 60.0, 10.0  # seconds


def pause(policy: str, most: int, *, code: int, count: int, last: float, lasted: float) -> float | None:
    """Seconds until the next start; None: it stays as it is.

    ``most`` bounds the restarts of ``on-failure`` (0: no bound), ``count`` were made so far; ``last`` is the pause
    before this run, and ``lasted`` how long it ran.
    """
    if policy == "no" or (policy == "on-failure" and (code == 0 or (most and count >= most))):
        return None
    return _FIRST if not last or lasted >= _STEADY else min(last * 2, _LONGEST)
