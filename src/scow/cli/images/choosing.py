"""Which images ``images`` is about, and by which of their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from scow.cli.filters import Filters
from scow.cli.units import moment_of
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.engine.values import ImageSummary

FILTERS = ("dangling", "label", "before", "since", "reference", "until")


class Choice(NamedTuple):
    """An image and the names of it that were asked for."""

    image: ImageSummary
    names: tuple[str, ...]


def choose(
    images: Iterable[ImageSummary], asked: Filters, now: float, created_of: Callable[[str], str], name: str | None
) -> list[Choice]:
    """The images that pass every filter. ``created_of`` is the time (RFC 3339) of the image a filter names.

    ``name`` is the pattern that was given as an argument: names must match it, and one of the ``reference`` filters.
    """
    dangling = asked.flag("dangling")
    oldest = [_moment(created_of(one)) for one in asked.of("since")]
    newest = [_moment(created_of(one)) for one in asked.of("before")]
    patterns = [one for one in (asked.of("reference"), (name,) if name is not None else ()) if one]
    older = asked.older(now)
    chosen = []
    for image in images:
        created = _moment(image.created)
        names = tuple(one for one in image.names if all(_fits(one, any_of) for any_of in patterns))
        if (
            (names or not patterns)
            and (dangling is None or image.dangling is dangling)
            and asked.labels(image.labels)
            and all(created > limit for limit in oldest)
            and all(created < limit for limit in newest)
            and older(image.created)
        ):
            chosen.append(Choice(image, names))
    return chosen


def _moment(created: str) -> float:
    return moment_of(created) or 0.0


def _fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name, short or in full, with or without its tag, matches one of them; ``*`` stops at a slash."""
    from scow.dockerfile.wildcard import match

    reference = Reference.parse(name, default_tag=None)
    texts = (reference.familiar, reference.familiar_name, str(reference), reference.repository)
    return any(match(pattern, text) for pattern in patterns for text in texts)
