"""Every planted byte is found, in the right layer, with the right instruction, and nothing else is called waste."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.size.planted import INNOCENT, INSTRUCTIONS, PLANTED, entry, looked_at, planted

from scow.layer.entry import Entry
from scow.size import packages
from scow.size.analysis import Analysis
from scow.size.analyzing import analyze
from scow.size.fates import Stack
from scow.size.layers import Layer
from scow.size.recognise import Recogniser
from scow.size.tree import Node
from scow.size.waste import KINDS


def found(analysis: Analysis) -> dict[tuple[str, int, str], int]:
    return {
        (waste.kind, waste.layer, one.path.decode()): one.size for waste in analysis.waste for one in waste.findings
    }


def test_every_planted_byte_and_nothing_else() -> None:
    layers, expected = planted()
    analysis = looked_at(*layers)
    assert found(analysis) == expected
    assert len({kind for kind, _, _ in expected}) >= 50
    assert {one.kind for one in analysis.waste} == set(KINDS) - {"build-packages"}  # that one takes a package list
    assert all(one.instruction == INSTRUCTIONS[one.layer] for one in analysis.waste)


def test_the_sums_are_the_layers_sizes() -> None:
    layers, expected = planted()
    analysis = looked_at(*layers)
    assert [layer.size for layer in analysis.layers] == [sum(one.size for one in layer) for layer in layers]
    assert analysis.wasted == sum(expected.values()) == sum(layer.waste for layer in analysis.layers)
    hidden = sum(one.size for one in analysis.waste if one.sort == "hidden")
    assert analysis.size == analysis.visible + hidden
    assert adds_up(analysis.tree)


def adds_up(node: Node) -> bool:
    assert node.size == sum(size for _, size in node.layers)
    if node.children:
        assert node.size == sum(child.size for child in node.children)
        assert node.files == sum(child.files for child in node.children)
    return all(adds_up(child) for child in node.children)


def test_the_tree_tells_directories_apart_by_layer() -> None:
    lower = [entry("usr/lib/a", 600_000), entry("etc/b", 300_000)]
    node = looked_at(
        lower, [entry("usr/lib/c", 90_000), entry("usr/d", 50), *(entry(f"etc/{n}", n) for n in range(9))]
    ).tree
    usr, etc = node.children
    assert [(usr.name, usr.size, usr.files, usr.layers), (etc.name, etc.size)] == [
        ("usr", 690_050, 3, ((0, 600_000), (1, 90_050))),
        ("etc", 300_036),
    ]
    lib, rest = usr.children
    assert [(one.name, one.size, one.layers) for one in lib.children] == [
        ("a", 600_000, ((0, 600_000),)),
        ("c", 90_000, ((1, 90_000),)),
    ]
    assert (rest.rest, rest.size, rest.files, rest.layers) == (True, 50, 1, ((1, 50),))
    assert [(one.name, one.rest, one.size, one.files) for one in etc.children] == [
        ("b", False, 300_000, 1),
        ("", True, 36, 9),
    ]


def test_paths_of_two_thousand_directories() -> None:
    deep = "/".join(["node_modules"] * 300 + ["a"] * 1700)
    analysis = looked_at([entry(f"{deep}/{at}/x.py~", 5000 + at) for at in range(100)])
    assert {one.kind for one in analysis.waste} == {"editor-files"}
    assert adds_up(analysis.tree)
    assert Recogniser().kind(b"a/" * 20 + b".git/" + b"b/" * 1000 + b"c") == "version-control"


def test_what_hid_a_file_is_told() -> None:
    layers, _ = planted()
    by_kind = {one.kind: one for one in looked_at(*layers).waste}
    assert (by_kind["overwritten"].cause, by_kind["overwritten"].caused_by) == (2, "COPY . /app")
    assert (by_kind["deleted"].cause, by_kind["deleted"].caused_by) == (3, "RUN make")
    assert (by_kind["metadata-copy"].cause, by_kind["metadata-copy"].caused_by) == (4, "RUN chmod -R 755 /app")


@pytest.mark.parametrize("path", INNOCENT)
def test_innocent_names(path: str) -> None:
    assert Recogniser().kind(path.encode()) == ""


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind, paths in PLANTED.items() for path in paths])
def test_planted_names(kind: str, path: str) -> None:
    assert Recogniser().kind(path.encode()) == kind


def test_a_secret_that_was_deleted_is_still_told() -> None:
    analysis = looked_at([entry("root/.ssh/id_rsa", 400)], [entry("root/.ssh/id_rsa", 0, "whiteout")])
    (waste,) = analysis.waste
    assert (waste.kind, waste.layer, waste.cause) == ("deleted", 0, 1)
    assert [one.also for one in waste.findings] == ["private-key"]


def test_of_equal_contents_the_lowest_is_the_one_that_is_needed() -> None:
    same = entry("a", 5000)
    changed = entry("a", 5000, uid=1)
    assert found(looked_at([same], [changed], [entry("a", 5000, uid=2)])) == {
        ("metadata-copy", 1, "a"): 5000,
        ("metadata-copy", 2, "a"): 5000,
    }
    gone = looked_at([same], [changed], [entry("a", 0, "whiteout")])
    assert found(gone) == {("deleted", 0, "a"): 5000, ("metadata-copy", 1, "a"): 5000}
    assert gone.visible == 0


def test_a_file_that_another_name_still_needs_is_no_waste() -> None:
    link = Entry(b"b", "hardlink", link=b"a")
    assert found(looked_at([entry("a", 5000), link], [entry("a", 0, "whiteout")])) == {}
    both = [entry("a", 0, "whiteout"), entry("b", 0, "whiteout")]
    assert found(looked_at([entry("a", 5000), link], both)) == {("deleted", 0, "a"): 5000}


def test_bytes_of_several_names_are_needed_when_one_is() -> None:
    """conda and pnpm link what they install to what they keep: the same bytes, once."""
    cache, lone = entry("opt/conda/pkgs/x/lib/libx.so", 9000), entry("opt/conda/pkgs/y.conda", 8000)
    used = Entry(b"opt/conda/lib/libx.so", "hardlink", link=b"opt/conda/pkgs/x/lib/libx.so")
    also = Entry(b"tmp/y", "hardlink", link=b"opt/conda/pkgs/y.conda")
    assert found(looked_at([cache, lone, used, also])) == {("conda-cache", 0, "opt/conda/pkgs/y.conda"): 8000}
    gone = entry("opt/conda/lib/libx.so", 0, "whiteout")
    assert ("conda-cache", 0, "opt/conda/pkgs/x/lib/libx.so") in found(looked_at([cache, used], [gone]))


def test_a_secret_is_one_under_any_name() -> None:
    key = Entry(b"root/.ssh/id_rsa", "hardlink", link=b"opt/data")
    assert found(looked_at([entry("opt/data", 900), key])) == {("private-key", 0, "opt/data"): 900}


def test_bytecode_alone_is_the_program() -> None:
    assert found(looked_at([entry("app/a.pyc", 900), entry("app/b.pyc", 800), entry("app/b.py", 700)])) == {
        ("bytecode", 0, "app/b.pyc"): 800
    }
    assert not found(looked_at([entry("srv/1abc.pdb", 900)]))  # a protein
    assert found(looked_at([entry("tmp/a.pyc", 900)])) == {("temporary", 0, "tmp/a.pyc"): 900}


def test_deleted_and_made_anew_is_overwritten() -> None:
    anew = [entry("d", 0, "whiteout"), entry("d", 0, "dir"), entry("d/a", 6000)]
    for upper in (anew, anew[::-1], [entry("d", 0, "dir"), entry("d", 0, "opaque"), entry("d/a", 6000)]):
        analysis = looked_at([entry("d", 0, "dir"), entry("d/a", 5000), entry("d/b", 70)], upper)
        assert found(analysis) == {("overwritten", 0, "d/a"): 5000, ("deleted", 0, "d/b"): 70}


def test_a_directory_that_a_file_replaces() -> None:
    analysis = looked_at([entry("d/a", 5000), entry("d/b", 6000)], [entry("d", 7000)])
    assert found(analysis) == {("overwritten", 0, "d/a"): 5000, ("overwritten", 0, "d/b"): 6000}


def test_a_path_through_a_lower_layers_link() -> None:
    lower = [entry("usr/bin", 0, "dir"), entry("usr/bin/x", 5000), Entry(b"bin", "symlink", link=b"usr/bin")]
    assert found(looked_at(lower, [entry("bin/x", 0, "whiteout")])) == {("deleted", 0, "usr/bin/x"): 5000}
    assert found(looked_at(lower, [entry("bin/x", 6000)])) == {("overwritten", 0, "usr/bin/x"): 5000}


def test_packages_to_build_with_are_told_by_the_package_list() -> None:
    lists = {
        b"var/lib/dpkg/info/build-essential.list": b"/.\n/usr\n/usr/share/build-essential/list\n",
        b"var/lib/dpkg/info/libfoo-dev:amd64.list": b"/bin/foo-config\n",
        b"var/lib/dpkg/info/curl.list": b"/usr/bin/curl\n",
    }
    entries = [
        *(entry(path, 10 + at, salt="list") for at, path in enumerate(lists)),
        Entry(b"bin", "symlink", link=b"usr/bin"),
        entry("usr/share/build-essential/list", 5000),
        entry("usr/bin/foo-config", 6000),
        entry("usr/bin/curl", 7000),
    ]

    def owned(stack: Stack) -> dict[bytes, str]:
        listed = (packages.listed(*one) for one in lists.items())
        return packages.owners(chain.from_iterable(listed), stack.view.resolve)

    analysis = analyze([Layer("", entries)], owned)
    assert found(analysis) == {
        ("build-packages", 0, "usr/share/build-essential/list"): 5000,
        ("build-packages", 0, "usr/bin/foo-config"): 6000,
    }
    assert [(one.name, one.size) for one in analysis.packages] == [
        ("curl", 7000),
        ("libfoo-dev", 6000),
        ("build-essential", 5000),
    ]


PATHS = st.sampled_from([b"a", b"b", b"d/a", b"d/b", b"d/e/a", b"tmp/x", b"usr/share/doc/x"])
ENTRIES = st.one_of(
    st.builds(lambda path, size: entry(path, size), PATHS, st.sampled_from([0, 1, 5000, 6000])),
    st.builds(lambda path: entry(path, 0, "whiteout"), PATHS | st.sampled_from([b"d", b"d/e", b"tmp"])),
    st.builds(lambda path: entry(path, 0, "opaque"), st.sampled_from([b"d", b"d/e", b"tmp"])),
)


@given(st.lists(st.lists(ENTRIES, max_size=6), min_size=1, max_size=5))
def test_no_byte_is_lost_or_counted_twice(layers: list[list[Entry]]) -> None:
    analysis = looked_at(*layers)
    assert analysis.size == sum(one.size for layer in layers for one in layer)
    hidden = sum(one.size for one in analysis.waste if one.sort == "hidden")
    assert analysis.size == analysis.visible + hidden
    assert adds_up(analysis.tree)
    keys = [(waste.layer, one.path, waste.kind) for waste in analysis.waste for one in waste.findings]
    repeated = [key for key in keys if key[2] == "repeated"]
    assert len(keys) - len(repeated) == len({key[:2] for key in keys if key[2] != "repeated"})
