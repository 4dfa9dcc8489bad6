"""What the build cache holds, piece by piece: layers with the records that name them, and cache mounts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from scow.engine.values import CachePiece
from scow.layer.usage import disk_usage

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace

#: Whether a prune is about a piece.
Only = Callable[[CachePiece], bool]


def pieces(workplace: Workplace, without: Collection[str] = ()) -> tuple[CachePiece, ...]:
    """Every piece, the one used longest ago first; the images ``without`` have none of them any more."""
    store = workplace.store
    images = (known.image for known in workplace.catalogue() if known.image.id not in without)
    of_images = {diff_id for image in images for diff_id in image.diff_ids}
    keys: dict[str, list[str]] = {}
    parts: dict[str, set[str]] = {}
    for key, layer in workplace.cache:
        keys.setdefault(layer.diff_id, []).append(key)
        parts.setdefault(layer.diff_id, {layer.diff_id}).add(layer.descriptor.digest)
    found = [
        CachePiece(name.partition(":")[2], "layer", tuple(named), size, used, in_image=name in of_images)
        for name, named in keys.items()
        for size in [sum(map(store.room, parts[name]))]
        for used in [max(map(workplace.cache.last_used, named))]
    ]
    caches = workplace.cache_mounts
    found += [
        CachePiece(place.name, "mount", (), disk_usage(place), caches.last_used(place), caches.id_of(place) or "")
        for place in caches
    ]
    return tuple(sorted(found, key=lambda one: (one.used, one.id)))


def left(total: int, keep: int | None, most: int | None, lacking: int | None) -> int | None:
    """How many bytes of ``total`` a prune leaves: no more than ``most``, and ``lacking`` ones less than there are, but
    ``keep`` at least. ``None``: it takes all that it may."""
    bounds = [one for one in (most, None if lacking is None else max(total - lacking, 0)) if one is not None]
    return max(min(bounds), keep or 0) if bounds else keep


def chosen(
    found: Iterable[CachePiece],
    *,
    every: bool,
    before: float | None = None,
    keep: int | None = None,
    only: Only | None = None,
) -> tuple[CachePiece, ...]:
    """What a prune takes: what no image has (``every``: anything, mounts too) that was not used since ``before`` (unix
    seconds), oldest first, and only until the rest has ``keep`` bytes. What ``only`` says so may be a mount, too."""
    listed = list(found)
    rest = sum(one.size for one in listed)
    gone = []
    for one in listed:
        may_go = every or (not one.in_image and (one.kind == "layer" or only is not None))
        if only is not None and not only(one):
            continue
        if may_go and (before is None or one.used < before) and (keep is None or rest > keep):
            gone.append(one)
            rest -= one.size
    return tuple(gone)


def told(pieces: Iterable[CachePiece]) -> tuple[str, ...]:
    """What a prune says of the pieces: the keys of a layer's records, the ids of mounts."""
    return tuple(name for one in pieces for name in (one.keys or (one.id,)))


def mounted(pieces: Iterable[CachePiece]) -> int:
    """The bytes of those that are cache mounts."""
    return sum(one.size for one in pieces if one.kind == "mount")


def forget(workplace: Workplace, gone: Collection[CachePiece]) -> tuple[CachePiece, ...]:
    """Let go of the pieces; returns those that went: a mount in use stays. Blobs go with the next collection."""
    went = []
    for one in gone:
        if one.kind == "layer":
            for key in one.keys:
                workplace.cache.forget(key)
            went.append(one)
        elif any(place.name == one.id and workplace.cache_mounts.remove(place) for place in workplace.cache_mounts):
            went.append(one)
    return tuple(went)
