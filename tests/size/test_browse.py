"""The tree of all layers: what is where after each, what each did, and lists that cost what they show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.size.planted import entry

from scow.errors import Invalid
from scow.layer.entry import Entry
from scow.layer.view import View
from scow.size.browse import Listing, Node, Tree

LAYERS = [
    [
        entry("etc", 0, "dir"), entry("etc/a", 10), entry("etc/b", 20), entry("opt/deep/x", 30),
        Entry(b"lib", "symlink", link=b"usr/lib"),
    ],
    [entry("etc/a", 15), entry("opt", 0, "whiteout"), entry("lib/new", 5), entry("etc", 0, "dir", mtime=9)],
    [entry("etc/a", 0, "whiteout"), entry("opt/y", 7), entry("etc", 0, "dir", uid=1)],
]  # fmt: skip


def node(tree: Tree, path: str) -> Node:
    found = tree.find(path.encode())
    assert found is not None
    return found


def test_marks_and_sizes() -> None:
    tree = Tree(LAYERS)
    marks = {
        path: [node(tree, path).mark(layer) for layer in range(3)]
        for path in ("etc", "etc/a", "etc/b", "opt", "opt/deep/x", "usr/lib/new")
    }
    assert marks == {
        "etc": ["added", "within", "changed"],
        "etc/a": ["added", "changed", "removed"],
        "etc/b": ["added", "", ""],
        "opt": ["added", "removed", "added"],
        "opt/deep/x": ["added", "removed", ""],
        "usr/lib/new": ["", "added", ""],
    }
    assert [tree.root.size(layer) for layer in range(3)] == [60, 40, 32]
    assert [node(tree, "etc").size(layer) for layer in range(3)] == [30, 35, 20]


PATHS = st.sampled_from([b"a", b"b", b"d/a", b"d/b", b"d/e/a", b"s/a"])
ENTRIES = st.one_of(
    st.builds(lambda path, size: entry(path, size), PATHS, st.integers(0, 3)),
    st.builds(lambda path: entry(path, 0, "dir"), st.sampled_from([b"a", b"d", b"d/e"])),
    st.builds(lambda path: entry(path, 0, "whiteout"), PATHS | st.sampled_from([b"d", b"d/e"])),
    st.builds(lambda path: entry(path, 0, "opaque"), st.sampled_from([b"d", b"d/e"])),
)


@given(st.lists(st.lists(ENTRIES, max_size=5, unique_by=lambda one: one.path), min_size=1, max_size=4))
def test_it_is_what_the_view_says(layers: list[list[Entry]]) -> None:
    tree, view = Tree(layers), View()
    for number, entries in enumerate(layers):
        try:
            view.stack(number, entries)
        except Invalid:
            return
        there = {found.entry.path: found.entry.size for found in view.walk() if found.entry.kind != "dir"}
        shown = {one.path: one.at(number) for one in tree}
        assert {path: one.size for path, one in shown.items() if one is not None and one.kind != "dir"} == there
        assert tree.root.size(number) == sum(there.values())


def test_a_list_shows_what_is_unfolded() -> None:
    listing = Listing(Tree(LAYERS), 2)
    assert names(listing) == [b"etc", b"opt", b"usr", b"lib"]
    listing.toggle(0)
    assert names(listing) == [b"etc", b"etc/b", b"etc/a", b"opt", b"usr", b"lib"]
    listing.by_size = False
    listing.refresh()
    assert names(listing)[:3] == [b"etc", b"etc/a", b"etc/b"]
    listing.toggle(0)
    assert listing.reveal(node(listing.tree, "opt/y")) == names(listing).index(b"opt/y")
    listing.layer, listing.changes = 1, True
    listing.refresh()
    assert names(listing) == [b"etc", b"opt", b"opt/deep", b"usr"]


def test_a_filter_keeps_the_way_to_what_fits() -> None:
    listing = Listing(Tree(LAYERS), 1)
    assert listing.filter(b"new") == 1
    assert names(listing) == [b"usr", b"usr/lib", b"usr/lib/new"]
    assert listing.filter(b"no such name") == 0
    assert names(listing) == []
    listing.reveal(node(listing.tree, "etc/a"))
    assert b"etc/a" in names(listing)
    assert listing.filter(b"") == 0
    assert len(names(listing)) > 3


def test_deep_trees() -> None:
    deep = "/".join(["d"] * 1500)
    tree = Tree([[entry(f"{deep}/{at}/x", 1) for at in range(50)], [entry("d", 0, "whiteout")]])
    assert (tree.root.size(0), tree.root.size(1)) == (50, 0)
    assert node(tree, deep).mark(1) == "removed"


def names(listing: Listing) -> list[bytes]:
    return [row.node.path for row in listing.rows]


@pytest.mark.parametrize("count", [200, 200_000])
def test_a_list_costs_what_it_shows(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large the image is, unfolding a directory of twenty looks at no more than that."""
    tree = Tree([[entry(f"d{at // 20}/f{at % 20}", at) for at in range(count)]])
    listing = Listing(tree, 0)
    asked = 0
    shown = Node.shown

    def counting(self: Node, layer: int, *, changes: bool = False) -> list[Node]:
        nonlocal asked
        asked += 1
        return shown(self, layer, changes=changes)

    monkeypatch.setattr(Node, "shown", counting)
    listing.toggle(3)
    assert asked == 2  # the root and the directory
    assert len(listing.rows) == count // 20 + 20
