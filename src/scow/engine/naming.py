"""What containers, volumes and networks may be called, and names for containers that nobody named. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import Final

_ADJECTIVES: Final = """
amber brave breezy bright brisk calm candid cheerful clever copper coral crisp daring deft eager early fair fearless
fleet fond frosty gentle glad golden grand hardy hasty honest humble jolly keen kind laden lively lucky mellow merry
mild misty modest neat nimble noble patient plucky polite proud quick quiet rapid ready royal rustic sandy sharp
silent silver simple sleek smart snug solid steady still sturdy sunny swift tidy trim trusty upbeat vivid warm wise
witty zesty
""".split()  # noqa: SIM905
_BOATS: Final = """
ark barge bark brig canoe caravel carrack catboat clipper cog coracle corvette currach cutter dhow dinghy dory ferry
felucca flatboat flyboat galleon galley gig gondola houseboat junk kayak keelboat ketch knarr launch lighter longboat
lugger packet pinnace pirogue pontoon pram punt raft sampan schooner scull shallop skiff skipjack sloop smack tartane
tender towboat trawler trimaran tug umiak wherry whaler xebec yacht yawl
""".split()  # noqa: SIM905


_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


def is_name(text: str) -> bool:
    """Whether it is ``[a-zA-Z0-9][a-zA-Z0-9_.-]*``."""
    return text[:1].isalnum() and set(text) <= _LETTERS


def name(number: int, taken: Collection[str] = ()) -> str:
    """``number`` → an adjective and a boat; the next that is not ``taken``, with a digit once all are."""
    every = len(_ADJECTIVES) * len(_BOATS)
    for step in itertools.count():
        adjective, boat = divmod((number + step) % every, len(_BOATS))
        found = f"{_ADJECTIVES[adjective]}_{_BOATS[boat]}{step // every or ''}"
        if found not in taken:
            return found
    raise AssertionError("numbers do not end")
