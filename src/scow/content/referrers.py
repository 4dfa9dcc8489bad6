"""What refers to an image: signatures, SBOMs and other artifacts whose ``subject`` it is (distribution-spec, "Listing
Referrers"). They are no part of the image, so the graph copy leaves them; here they are found and copied after it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from scow.content.copy import Watch, copy, reachable
from scow.content.layout import Layout
from scow.content.target import Sink, Source
from scow.content.verify import read_document
from scow.errors import Limit, ScowError
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.manifest import parse

_DEPTH_LIMIT: Final = 8
_REFERRERS_LIMIT: Final = 1000


class Referring(Source, Protocol):
    """A source that knows what refers to what."""

    def referrers(self, digest: Digest, artifact_type: str | None = None) -> tuple[Descriptor, ...]:
        """The manifests whose subject is ``digest``."""
        ...


class LayoutReferrers:
    """An OCI layout, whose referrers are the entries of ``index.json`` with a subject."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.open = layout.open

    def referrers(self, digest: Digest, artifact_type: str | None = None) -> tuple[Descriptor, ...]:
        """By a look at every entry."""
        return tuple(
            entry
            for entry in self._layout.entries()
            if media_types.is_document(entry.media_type) and self._refers(entry, digest, artifact_type)
        )

    def _refers(self, entry: Descriptor, digest: Digest, artifact_type: str | None) -> bool:
        with contextlib.suppress(ScowError):
            document = parse(self._layout.read(entry), entry.media_type)
            right = artifact_type in (None, document.artifact_type)
            return right and document.subject is not None and document.subject.digest == digest
        return False


def copy_referrers(
    source: Referring, sink: Sink, root: Descriptor, keep: Callable[[Descriptor], None], watch: Watch
) -> tuple[Descriptor, ...]:
    """Copy what refers to ``root``, to an image in it, or to what refers to these. ``keep`` hears of each that came."""
    found: dict[str, Descriptor] = {}
    todo = [(node, 0) for node in documents(source, root)]
    while todo:
        node, depth = todo.pop()
        for referrer in source.referrers(node.digest):
            if referrer.digest in found:
                continue
            if depth >= _DEPTH_LIMIT or len(found) >= _REFERRERS_LIMIT:
                raise Limit("too many referrers", subject=str(root.digest))
            found[referrer.digest] = referrer
            copy(source, sink, referrer.plain, watch=watch)
            keep(referrer)
            todo += [(below, depth + 1) for below in documents(source, referrer)]
    return tuple(found.values())


def documents(source: Source, root: Descriptor) -> Iterator[Descriptor]:
    """``root`` and the manifests and indexes below it, each once."""

    def below(node: Descriptor) -> list[Descriptor]:
        if node.media_type not in media_types.INDEXES:
            return []
        document = parse(read_document(source, node), node.media_type, str(node.digest))
        return [child for child in document.children if media_types.is_document(child.media_type)]

    return reachable(root, below)
