"""What a check of the store may find, and what is to be done about it. PURE.

A *fault* that is damage makes the check fail; one that is not is told for completeness: it costs room or time only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.manifest import Index, Manifest


class Kind(NamedTuple):
    """``damage``: something cannot be used, or must not be trusted. ``remedy``: what helps; ``by_hand`` only where a
    repair does not."""

    damage: bool
    remedy: str
    by_hand: bool = False


KINDS: Final[dict[str, Kind]] = {
    "names": Kind(True, "put index.json back from a copy; the blobs are still there", True),
    "image": Kind(True, "fetch what is missing again, or drop the name"),
    "blob": Kind(True, "drop it"),
    "layer": Kind(True, "drop its index and tree: the blob makes them again"),
    "container": Kind(True, "scow rm, once what it wrote is saved", True),
    "record": Kind(True, "drop it: the step runs again"),
    "partial": Kind(False, "nothing: the image is here for some platforms only"),
    "unneeded": Kind(False, "scow image prune"),
    "leftover": Kind(False, "nothing: the next prune removes it"),
}


class Fault(msgspec.Struct, frozen=True):
    """One thing that is not as it should be. ``outcome`` is what a repair did: dropped, fetched again, or why not."""

    kind: str
    subject: str
    problem: str
    outcome: str = ""

    @property
    def damage(self) -> bool:
        """Whether something is really broken."""
        return KINDS[self.kind].damage


class Checked(msgspec.Struct, frozen=True):
    """What a check looked at, and what it found. ``bytes`` were read of blobs; ``remaining`` is what a repair left."""

    blobs: int
    bytes: int
    layers: int
    trees: int
    names: int
    containers: int
    records: int
    faults: tuple[Fault, ...] = ()
    remaining: tuple[Fault, ...] = ()

    @property
    def sound(self) -> bool:
        """Nothing is damaged (any more)."""
        return not any(fault.damage for fault in self.remaining)


Documents = Callable[[Descriptor], Manifest | Index | None]


def missing(
    root: Descriptor, read: Documents, held: Callable[[Descriptor], bool], *, elsewhere: bool = False
) -> Iterator[tuple[str, str]]:
    """What an image lacks: (kind of fault, words). ``read`` gives a document, ``None`` for one that cannot be used.

    An index may list images that are not here; it must have one that is, unless its images are known to be
    ``elsewhere``. What is here must be whole.
    """
    todo, seen = [root], {root.digest}
    while todo:
        node = todo.pop()
        if not held(node):
            yield "image", f"{_word(node)} {node.digest} is missing"
            continue
        if not media_types.is_document(node.media_type):
            continue
        document = read(node)
        if document is None:
            yield "image", f"{_word(node)} {node.digest} cannot be used"
            continue
        below = [child for child in document.children if not media_types.is_foreign(child.media_type)]
        if isinstance(document, Index):
            below = [child for child in document.manifests if held(child)]
            if document.manifests and not below and not (elsewhere and node is root):
                yield "image", f"index {node.digest} lists no image that is here"
            elif len(below) < len(document.manifests):
                yield "partial", f"{len(below)} of the {len(document.manifests)} images of index {node.digest} are here"
        fresh = {child.digest: child for child in below if child.digest not in seen}
        seen.update(fresh)
        todo += reversed(fresh.values())


def _word(descriptor: Descriptor) -> str:
    if descriptor.media_type in media_types.INDEXES:
        return "index"
    if descriptor.media_type in media_types.MANIFESTS:
        return "manifest"
    if descriptor.media_type in media_types.CONFIGS:
        return "config"
    return "layer" if descriptor.media_type in media_types.LAYERS else "blob"


def seen_twice(first: Iterable[Fault], second: Iterable[Fault]) -> tuple[Fault, ...]:
    """What two looks agree on: commands that ran meanwhile make faults that are none."""
    again = set(second)
    return tuple(fault for fault in first if fault in again)
