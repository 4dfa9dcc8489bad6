"""How often, and how long after one another, something transient is tried again. PURE: the clock comes in."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from scow.errors import Unavailable

#: What went wrong -> how many tries it is worth in all. A name that is not known will not be in a second either.
TRIES: Mapping[str, int] = {
    "name": 2,
    "refused": 3,
    "connect": 4,
    "broken": 6,
    "timeout": 3,
    "status": 6,
    "limited": 4,  # 429 without a word on when to come back
    "never": 1,
}


class Trouble(Unavailable):
    """A transient failure; ``kind`` is its row in :data:`TRIES`. It stays within this room: see :attr:`final`."""

    def __init__(
        self, problem: str, kind: str, *, subject: str = "", hint: str = "", named: bool = False,
        retry_after: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(problem, subject=subject, hint=hint, named=named, retry_after=retry_after)
        self.kind = kind

    @property
    def final(self) -> Unavailable:
        """The same, said to the caller after the last try; nobody tries again what was given up once."""
        return Unavailable(
            self.problem, subject=self.subject, hint=self.hint, named=self.named, retry_after=self.retry_after
        )


class Patience(msgspec.Struct, frozen=True):
    """Waits grow from ``first`` seconds by doubling to ``longest``; all waits of one request stay within ``total``."""

    first: float = 0.25
    longest: float = 15.0
    total: float = 90.0

    def wait(self, trouble: Trouble, tries: int, waited: float, jitter: float) -> float | None:
        """Seconds until the next try after ``tries`` failed ones, or ``None``: give up.

        ``jitter`` is in [0, 1): clients that failed together must not come back together.
        """
        if tries >= TRIES[trouble.kind]:
            return None
        if trouble.retry_after is not None:
            pause = trouble.retry_after * (1.0 + jitter / 10) + jitter / 10
        else:
            pause = min(self.first * 2 ** (tries - 1), self.longest) * (0.5 + jitter / 2)
        return pause if waited + pause <= self.total else None
