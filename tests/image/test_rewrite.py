"""A source that rewrites: what becomes of a graph, and how often it is looked at."""

from __future__ import annotations

from pathlib import Path

from tests.image import images

from scow.content.layout import Layout
from scow.image.rewrite import Wish, rewrite
from scow.oci import media_types
from scow.oci.manifest import Index, parse
from scow.testing.contract import Memory


def test_what_an_index_names_on_many_ways_is_rewritten_once(tmp_path: Path) -> None:
    memory, staging = Memory(), Layout(tmp_path)
    staging.create()
    node = images.add_image(memory, [])
    for _ in range(3):
        node = memory.index([node] * 10)
    _, made = rewrite(memory, node, Wish(family="docker"), staging)
    assert len(memory.opened) == 4
    document = parse(staging.read(made), made.media_type)
    assert isinstance(document, Index)
    assert document.media_type == media_types.DOCKER_INDEX
    assert len(document.manifests) == 10
    assert len(set(document.manifests)) == 1
