"""COPY and ADD over listings in memory: what goes where, with which mode, under which key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.build.listings import TIME, Memory, copied, resolved, told_of, view_of

from scow.build.copying import Copying
from scow.build.ops import CopyOp, FromContext, key
from scow.build.owners import maker, owner
from scow.errors import Invalid, NotFound
from scow.layer.entry import Entry
from scow.layer.pack import Content, Item
from scow.layer.view import View

FILES = {
    "a": "A", "b": "B", "c.txt": "C", "d/one": "1", "d/two.txt": "2", "d/e/three": "3", "d/e/four.txt": "4",
    "empty": None, "to-a": "-> a", "to-d": "-> d", "d/up": "-> ../b", "loop": "-> loop", "hanging": "-> nowhere",
    "out": "-> ../../a", "[x]": "X",
}  # fmt: skip

DESTINATIONS: list[tuple[str, str, str, dict[str, str | None], dict[str, str]]] = [
    # A file to a name, to a directory that is there, to one that is not.
    ("file to name", "a", "/x", {}, {"x": "A"}),
    ("file to deep name", "a", "/p/q/x", {}, {"p": "dir", "p/q": "dir", "p/q/x": "A"}),
    ("file to new directory", "a", "/x/", {}, {"x": "dir", "x/a": "A"}),
    ("file to directory that is there", "a", "/x", {"x": None}, {"x": "dir", "x/a": "A"}),
    ("file to directory that is there, slash", "a", "/x/", {"x": None}, {"x": "dir", "x/a": "A"}),
    ("file over file", "a", "/x", {"x": "old"}, {"x": "A"}),
    ("file to the root", "a", "/", {}, {"a": "A"}),
    ("files to directory", "a b", "/x/", {}, {"x": "dir", "x/a": "A", "x/b": "B"}),
    # A directory gives its contents.
    ("directory", "d/e", "/x", {}, {"x": "dir", "x/three": "3", "x/four.txt": "4"}),
    ("directory slash", "d/e/", "/x/", {}, {"x": "dir", "x/three": "3", "x/four.txt": "4"}),
    ("directory to the root", "d/e", "/", {}, {"three": "3", "four.txt": "4"}),
    ("deep directory", "d", "/x", {},
     {"x": "dir", "x/e": "dir", "x/e/three": "3", "x/e/four.txt": "4", "x/one": "1", "x/two.txt": "2",
      "x/up": "-> ../b"}),
    ("empty directory", "empty", "/x", {}, {"x": "dir"}),
    ("files to directory that is there", "a b", "/x", {"x": None}, {"x": "dir", "x/a": "A", "x/b": "B"}),
    ("files to one name", "a b", "/x", {}, {"x": "B"}),
    ("directory and file", "d/e a", "/x", {}, {"x": "dir", "x/three": "3", "x/four.txt": "4", "x/a": "A"}),
    ("two directories", "d/e empty", "/x/", {}, {"x": "dir", "x/three": "3", "x/four.txt": "4"}),
    ("directory into one that is there", "d/e", "/x", {"x/three": "old", "x/y": ""},
     {"x": "dir", "x/three": "3", "x/four.txt": "4"}),
    # Links among the sources are followed, links within a directory are copied.
    ("link to file", "to-a", "/x/", {}, {"x": "dir", "x/to-a": "A"}),
    ("link to directory", "to-d/e", "/x", {}, {"x": "dir", "x/three": "3", "x/four.txt": "4"}),
    ("link out of the context", "out", "/x", {}, {"x": "A"}),
    ("dotdot stays inside", "../../a", "/x", {}, {"x": "A"}),
    ("dotdot in the middle", "d/../b", "/x", {}, {"x": "B"}),
    # Links at the destination are followed beneath its root.
    ("link as directory", "a", "/l/x", {"l": "-> real", "real": None}, {"real": "dir", "real/x": "A"}),
    ("absolute link", "a", "/l/", {"l": "-> /p/q", "p/q": None}, {"p": "dir", "p/q": "dir", "p/q/a": "A"}),
    ("link to nothing", "a", "/l/x", {"l": "-> gone"}, {"gone": "dir", "gone/x": "A"}),
    ("link that climbs", "a", "/l/x", {"l": "-> ../../../r"}, {"r": "dir", "r/x": "A"}),
    # Patterns are Go's.
    ("star", "*.txt", "/x/", {}, {"x": "dir", "x/c.txt": "C"}),
    ("star in a directory", "d/*.txt", "/x/", {}, {"x": "dir", "x/two.txt": "2"}),
    ("star for a directory", "*/e", "/x/", {}, {"x": "dir", "x/three": "3", "x/four.txt": "4"}),
    ("question mark", "?.txt", "/x/", {}, {"x": "dir", "x/c.txt": "C"}),
    ("star in a linked directory", "to-d/*.txt", "/x/", {}, {"x": "dir", "x/two.txt": "2"}),
    ("class", "[a-b]", "/x/", {}, {"x": "dir", "x/a": "A", "x/b": "B"}),
    ("escaped", "[[]x]", "/x/", {}, {"x": "dir", "x/[x]": "X"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sources", "target", "below", "made"), [row[1:] for row in DESTINATIONS], ids=[row[0] for row in DESTINATIONS]
)
def test_where_things_go(sources: str, target: str, below: dict[str, str | None], made: dict[str, str]) -> None:
    assert copied(FILES, sources, target, below) == made


PROBLEMS: list[tuple[str, str, dict[str, str | None], type[Exception], str]] = [
    ("aa", "/", {}, NotFound, '"/aa": not found'),
    ("d/thre", "/", {}, NotFound, '"/d/thre": not found'),
    ("\\aa", "/", {}, NotFound, '"/\\aa": not found'),
    ("hanging", "/", {}, NotFound, '"/hanging": not found'),
    ("hang*", "/", {}, NotFound, '"/hanging": not found'),
    ("a", "/x/", {"x": "file"}, Invalid, "cannot copy to non-directory: /x"),
    ("d", "/x", {"x": "file"}, Invalid, "cannot copy to non-directory: /x"),
    ("d", "/x", {"x/e": "file"}, Invalid, "cannot copy over a non-directory: /x/e"),
    ("d/e", "/x", {"x/three/y": ""}, Invalid, "cannot copy over a directory: /x/three"),
    ("loop", "/x", {}, Invalid, "too many levels of symbolic links"),
    ("a empty", "/x", {}, Invalid, "cannot copy to non-directory: /x"),
    ("a", "/x/y/z", {"x": "file"}, Invalid, "not a directory: /x"),
    ("d", "/x/y", {"x": "file"}, Invalid, "not a directory: /x"),
    ("a", "/l/y/", {"l": "-> x", "x": "file"}, Invalid, "not a directory: /x"),
]


@pytest.mark.parametrize(("sources", "target", "below", "kind", "told"), PROBLEMS)
def test_what_cannot_be(
    sources: str, target: str, below: dict[str, str | None], kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind) as caught:
        copied(FILES, sources, target, below)
    assert told in str(caught.value)


def test_a_near_name_istold_of() -> None:
    with pytest.raises(NotFound) as caught:
        copied(FILES, "d/tow.txt", "/")
    assert caught.value.hint == "did you mean 'two.txt'?"
    with pytest.raises(NotFound) as caught:
        copied(FILES, "nothing/like/it", "/")
    assert ".dockerignore" in caught.value.hint


EXCLUDED = [
    (("*.txt",), "d", {"x", "x/e", "x/e/three", "x/e/four.txt", "x/one", "x/up"}),
    (("**/*.txt",), "d", {"x", "x/e", "x/e/three", "x/one", "x/up"}),
    (("e",), "d", {"x", "x/one", "x/two.txt", "x/up"}),
    (("*", "!e/three"), "d", {"x", "x/e", "x/e/three"}),
    (("a",), "a b", {"x", "x/b"}),
]


@pytest.mark.parametrize(("patterns", "sources", "paths"), EXCLUDED)
def test_exclude(patterns: tuple[str, ...], sources: str, paths: set[str]) -> None:
    assert set(copied(FILES, sources, "/x/", exclude=patterns)) == paths


def test_an_excluded_directory_comes_with_what_in_it_is_not() -> None:
    """It has the source's mode, as with BuildKit."""
    files: dict[str, str | Entry | None] = {**FILES, "d/e": Entry(b"d/e", "dir", 0o700), "d/n/x": "x"}
    made, _ = resolved(CopyOp(FromContext(), ("d",), "/", exclude=("*", "!e/three", "!n/y")), Memory(files))
    assert {path: oct(entry.mode) for path, (entry, _) in made.items()} == {"e": "0o700", "e/three": "0o644"}


PARENTS = [
    ("a", {"x", "x/a"}),
    ("d/one", {"x", "x/d", "x/d/one"}),
    ("d/e", {"x", "x/d", "x/d/e", "x/d/e/three", "x/d/e/four.txt"}),
    ("./d/./e/three", {"x", "x/e", "x/e/three"}),
    ("d/e/./three", {"x", "x/three"}),
    ("/d/./e", {"x", "x/e", "x/e/three", "x/e/four.txt"}),
    ("d/*/three a", {"x", "x/d", "x/d/e", "x/d/e/three", "x/a"}),
    ("d/./*/*.txt", {"x", "x/e", "x/e/four.txt"}),
    ("empty", {"x", "x/empty"}),
    ("**/*.txt", {"x", "x/c.txt", "x/d", "x/d/two.txt", "x/d/e", "x/d/e/four.txt"}),
    ("d/**/*.txt", {"x", "x/d", "x/d/two.txt", "x/d/e", "x/d/e/four.txt"}),
    ("d/./**/*.txt", {"x", "x/two.txt", "x/e", "x/e/four.txt"}),
    ("**/e", {"x", "x/d", "x/d/e", "x/d/e/three", "x/d/e/four.txt"}),
    ("**/nothing", {"x"}),
    ("to-d/**", {"x"}),
    ("**/./e/three", {"x", "x/e", "x/e/three"}),  # before the pivot one directory, as BuildKit has it
    ("d/**/./three", {"x", "x/three"}),
    ("**/./three", {"x"}),
]


@pytest.mark.parametrize(("sources", "paths"), PARENTS)
def test_parents(sources: str, paths: set[str]) -> None:
    assert set(copied(FILES, sources, "/x/", parents=True)) == paths


def test_parents_keep_modes_and_exclude() -> None:
    files: dict[str, str | Entry | None] = {**FILES, "d": Entry(b"d", "dir", 0o2750, 5, 6)}
    op = CopyOp(FromContext(), ("d/e",), "/", parents=True, exclude=("d/e/*.txt",))
    made, _ = resolved(op, Memory(files))
    assert set(made) == {"d", "d/e", "d/e/three"}
    assert (made["d"][0].mode, made["d"][0].uid) == (0o2750, 5)


EXCLUDED_ON_THE_WAY = [
    (("d", "!d/e/three"), "d/e", {"x", "x/d", "x/d/e", "x/d/e/three"}),
    (("d", "!d/e"), "d/e/three", {"x", "x/d", "x/d/e", "x/d/e/three"}),
    (("d/e", "!d/e/three"), "d/*/three", {"x", "x/d", "x/d/e", "x/d/e/three"}),
    (("e", "!e/three"), "d/./e", {"x", "x/e", "x/e/three"}),
    (("e",), "d/e/./three", {"x", "x/three"}),
    (("d/e",), "d/*/three", {"x"}),
]


@pytest.mark.parametrize(("patterns", "sources", "paths"), EXCLUDED_ON_THE_WAY)
def test_parents_of_what_is_not_excluded_come_along(patterns: tuple[str, ...], sources: str, paths: set[str]) -> None:
    assert set(copied(FILES, sources, "/x/", parents=True, exclude=patterns)) == paths


@pytest.mark.parametrize(("patterns", "source"), [(("d",), "d/e"), (("d/e/three",), "d/e/three"), (("**",), "d")])
def test_parents_want_what_is_named(patterns: tuple[str, ...], source: str) -> None:
    with pytest.raises(NotFound, match=f'"/{source}": not found') as caught:
        copied(FILES, source, "/x/", parents=True, exclude=patterns)
    assert caught.value.hint == "it is excluded"


def test_a_directory_on_the_way_that_is_there_keeps_its_owner() -> None:
    """It gets the mode of the source's, and nothing of the flags, as with BuildKit."""
    files: dict[str, str | Entry | None] = {**FILES, "d": Entry(b"d", "dir", 0o2750, 5, 6)}
    view = View()
    view.stack(0, [Entry(b"d", "dir", 0o711, 9, 9)])
    op = CopyOp(FromContext(), ("d/one", "d/e/three", "d/e/four.txt"), "/", parents=True, chown="1:2", chmod="777")
    copying = Copying(op, Memory(files), view, (1, 2), TIME, lambda content: None)
    copying.resolve()
    made = {entry.path: (entry.mode, entry.uid, entry.gid) for entry, _ in copying.items()}
    assert made.pop(b"d") == (0o2750, 9, 9)
    assert made.pop(b"d/e") == (0o755, 1, 2)  # of the second file: the third found it there
    assert set(made.values()) == {(0o777, 1, 2)}


def test_parents_follow_no_link() -> None:
    with pytest.raises(NotFound, match='"/to-d/one": not found'):
        copied(FILES, "to-d/one", "/x/", parents=True)
    assert set(copied(FILES, "to-d", "/x/", parents=True)) == {"x", "x/to-d"}


def test_what_belongs_to_a_file_goes_along() -> None:
    cap, device = (b"security.capability", b"x"), Entry(b"dev", "char", 0o600, major=1, minor=3)
    files: dict[str, str | Entry | None] = {"f": Entry(b"f", "file", 0o644, size=1, xattrs=(cap,)), "dev": device}
    made, _ = resolved(CopyOp(FromContext(), (".",), "/"), Memory(files))
    assert made["f"][0].xattrs == (cap,)
    assert (made["dev"][0].major, made["dev"][0].minor) == (1, 3)


def test_texts_are_files() -> None:
    op = CopyOp(FromContext(), (), "/x", files=(("name", b"text"),))
    made, _ = resolved(op, Memory({}))
    assert made == {"x": (Entry(b"x", "file", 0o644, size=4, mtime=TIME), b"text")}
    assert set(resolved(replace(op, target="/y/"), Memory({}))[0]) == {"y", "y/name"}


def test_names_of_one_file_stay_one_file() -> None:
    memory = Memory({"d/a": "same", "d/b": "same", "d/c": "same"}, {"d/a": 1, "d/b": 1})
    made, _ = resolved(CopyOp(FromContext(), ("d",), "/"), memory)
    assert {path: entry.kind for path, (entry, _) in made.items()} == {"a": "file", "b": "hardlink", "c": "file"}
    assert made["b"][0].link == b"a"


def test_owners_and_modes() -> None:
    files: dict[str, str | Entry | None] = {"d/f": Entry(b"d/f", "file", 0o4711, 5, 6), "d/l": "-> f"}
    plain, _ = resolved(CopyOp(FromContext(), ("d",), "/n/m/"), Memory(files), {"n": None}, (1, 2))
    assert {path: (entry.uid, entry.gid, entry.mode) for path, (entry, _) in plain.items()} == {
        "n": (0, 0, 0o755), "n/m": (1, 2, 0o755), "n/m/f": (5, 6, 0o4711), "n/m/l": (0, 0, 0o777),
    }  # fmt: skip
    given_, _ = resolved(CopyOp(FromContext(), ("d",), "/m/", chown="1:2", chmod="600"), Memory(files), {}, (1, 2))
    assert {path: (entry.uid, entry.mode) for path, (entry, _) in given_.items()} == {
        "m": (1, 0o755), "m/f": (1, 0o600), "m/l": (1, 0o777),
    }  # fmt: skip
    assert {entry.mtime for entry, _ in given_.values()} == {TIME}


def test_archives_are_unpacked() -> None:
    members = [
        (Entry(b"in", "dir", 0o700, mtime=5), b""),
        (Entry(b"in/f", "file", 0o600, 1, 2, size=1, mtime=5), b"x"),
        (Entry(b"in/h", "hardlink", link=b"in/f"), b""),
    ]
    copying = Copying(
        CopyOp(FromContext(), ("a", "b"), "/x/", unpack=True), Memory(FILES), view_of(), (0, 0), TIME,
        lambda content: iter(members) if content == b"A" else None,
    )  # fmt: skip
    copying.resolve()
    made = {entry.path: entry for entry, _ in copying.items()}
    assert set(made) == {b"x", b"x/in", b"x/in/f", b"x/in/h", b"x/b"}
    assert (made[b"x/in/f"].uid, made[b"x/in/f"].mtime, made[b"x/in/h"].link) == (1, 5, b"x/in/f")


# -- keys -------------------------------------------------------------------------------------------------------------

BASE = CopyOp(FromContext(), ("d",), "/x/")


def name_of(op: CopyOp = BASE, owner: tuple[int, int] = (0, 0), **changed: str | Entry) -> str:
    files: dict[str, Any] = {"d/f": "1", "d/g": "2", "other": "3"}
    return resolved(
        op, Memory({**files, **{path.replace("__", "/"): value for path, value in changed.items()}}), {}, owner
    )[1]


@pytest.mark.parametrize(
    "changed",
    [
        name_of(d__f="2"),
        name_of(d__h="1"),
        name_of(d__f=Entry(b"d/f", "file", 0o600, size=1)),
        name_of(d__f=Entry(b"d/f", "file", 0o644, 1, 0, size=1)),
        name_of(d__f=Entry(b"d/f", "file", 0o644, size=1, xattrs=((b"user.a", b"b"),))),
        name_of(d__f="-> g"),
        name_of(replace(BASE, target="/y/")),
        name_of(replace(BASE, chmod="600")),
        name_of(replace(BASE, sources=("d/f",))),
        name_of(replace(BASE, exclude=("g",))),
        name_of(owner=(1, 0)),
        name_of(replace(BASE, files=(("name", b"text"),))),
    ],
)
def test_what_changes_a_key(changed: str) -> None:
    assert changed != name_of()


@pytest.mark.parametrize(
    "same",
    [
        name_of(),
        name_of(other="4"),
        name_of(d__f=Entry(b"d/f", "file", 0o644, size=1, mtime=77)),
        name_of(replace(BASE, sources=("d/",))),
        name_of(replace(BASE, exclude=("nothing",))),
    ],
)
def test_what_does_not(same: str) -> None:
    assert same == name_of()


def test_texts_and_archives_are_in_the_key() -> None:
    assert len({name_of(replace(BASE, sources=(), files=(("n", text),))) for text in (b"one", b"two")}) == 2

    def unpacked(content: str) -> str:
        op = CopyOp(FromContext(), ("a",), "/x/", unpack=True)
        return Copying(op, Memory({"a": content}), view_of(), (0, 0), TIME, lambda content: iter(())).resolve()

    assert unpacked("one") != unpacked("two")


def test_a_target_that_is_made_of_nothing_counts() -> None:
    """A directory of which all is excluded leaves the target behind, a file that is leaves nothing."""
    ops = [CopyOp(FromContext(), (source,), "/x/", exclude=("**",)) for source in ("a", "d")]
    (nothing, one), (directory, other) = (resolved(op, Memory(FILES)) for op in ops)
    assert (set(nothing), set(directory)) == (set(), {"x"})
    assert one != other


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_parts_never_run_together(one: list[bytes], two: list[bytes]) -> None:
    assert (key("x", one) == key("x", two)) is (one == two)


# -- files with several names ------------------------------------------------------------------------------------------

LINKED = {"one/f": "1", "one/g": "1", "one/h": "1", "two/f": "2", "a/x": "3", "a.b": "3"}
SAME = {"one/f": "i", "one/g": "i", "one/h": "i", "a/x": "j", "a.b": "j"}


@pytest.mark.parametrize(
    ("sources", "made"),
    [
        ("one", {"f": "1", "g": "= f", "h": "= f"}),
        ("one two", {"f": "2", "g": "1", "h": "= g"}),  # what another source puts there has not their content
        ("two one", {"f": "1", "g": "= f", "h": "= f"}),
        ("one/g one/h", {"g": "1", "h": "1"}),  # of a source each
        (".", {"a": "dir", "a.b": "3", "a/x": "= a.b", "one": "dir", "one/f": "1", "one/g": "= one/f",
               "one/h": "= one/f", "two": "dir", "two/f": "2"}),  # the file comes before its links
    ],
)  # fmt: skip
def test_names_of_one_file(sources: str, made: dict[str, str]) -> None:
    op = CopyOp(FromContext(), tuple(sources.split()), "/")
    found, _ = resolved(op, Memory(LINKED, SAME))
    assert {path: told_of(*item) for path, item in found.items()} == made
    assert list(found) == sorted(found)


def test_an_archive_may_name_a_file_before_it() -> None:
    def unpack(content: Content) -> Iterator[Item]:
        yield Entry(b"z", "file", 0o644, 3, 4, size=1), b"z"
        yield Entry(b"m", "hardlink", 0o644, link=b"z"), b""
        yield Entry(b"a", "hardlink", 0o644, link=b"m"), b""
        yield Entry(b"y", "file", 0o644, size=1), b"y"
        yield Entry(b"n", "hardlink", 0o644, link=b"y"), b""
        yield Entry(b"y", "file", 0o644, size=1), b"Y"

    op = CopyOp(FromContext(), ("a",), "/", unpack=True)
    copying = Copying(op, Memory(FILES), view_of(), (0, 0), TIME, unpack)
    copying.resolve()
    assert {entry.path.decode(): told_of(entry, content) for entry, content in copying.items()} == {
        "a": "z", "m": "= a", "z": "= a", "n": "y", "y": "Y",
    }  # fmt: skip


def test_an_archive_may_put_a_link_in_place_of_a_directory() -> None:
    def unpack(content: Content) -> Iterator[Item]:
        yield Entry(b"d/f", "file", 0o644, size=1), b"f"
        yield Entry(b"d/g", "hardlink", 0o644, link=b"d/f"), b""
        yield Entry(b"d", "symlink", 0o777, link=b"e"), b""

    op = CopyOp(FromContext(), ("a",), "/", unpack=True)
    copying = Copying(op, Memory(FILES), view_of(), (0, 0), TIME, unpack)
    copying.resolve()
    assert [(entry.path, entry.kind) for entry, _ in copying.items()] == [(b"d", "symlink")]

    files = Memory({"a": "", "s/d/h": "from the context"})
    copying = Copying(replace(op, sources=("s", "a")), files, view_of(), (0, 0), TIME, unpack)
    copying.resolve()
    assert [(entry.path, entry.kind) for entry, _ in copying.items(digests=True)] == [(b"d", "symlink")]


def test_an_archive_says_nothing_of_the_directory_it_goes_to() -> None:
    """``./`` is the first member of many."""

    def unpack(content: Content) -> Iterator[Item]:
        yield Entry(b"", "dir", 0o700, 7, 8), b""
        yield Entry(b"f", "file", 0o600, 7, 8, size=1), b"f"

    view = View()
    view.stack(0, [Entry(b"x", "dir", 0o711, 9, 9)])
    op = CopyOp(FromContext(), ("a", "empty"), "/x/", unpack=True)
    copying = Copying(op, Memory(FILES), view, (0, 0), TIME, unpack)
    copying.resolve()
    assert [(entry.path, entry.mode, entry.uid) for entry, _ in copying.items()] == [
        (b"x", 0o711, 9), (b"x/f", 0o600, 7),
    ]  # fmt: skip


def test_chown_is_for_what_an_archive_holds_too() -> None:
    def unpack(content: Content) -> Iterator[Item]:
        yield Entry(b"d/f", "file", 0o4755, 1, 2, size=1), b"f"

    made = {}
    for chown in ("", "5:6"):
        op = CopyOp(FromContext(), ("a",), "/x/", unpack=True, chown=chown, chmod="600")
        copying = Copying(op, Memory(FILES), view_of(), (5, 6) if chown else (0, 0), TIME, unpack)
        copying.resolve()
        made[chown] = {entry.path.decode(): (entry.mode, entry.uid, entry.gid) for entry, _ in copying.items()}
    assert made[""] == {"x": (0o755, 0, 0), "x/d": (0o755, 0, 0), "x/d/f": (0o4755, 1, 2)}
    assert made["5:6"] == {"x": (0o755, 5, 6), "x/d": (0o755, 0, 0), "x/d/f": (0o4755, 5, 6)}


@pytest.mark.parametrize(
    ("chown", "new"), [("", [(0o2755, 0, 50), (0o2755, 0, 50)]), ("5:6", [(0o2755, 5, 6), (0o2755, 5, 6)])]
)
def test_new_directories_in_a_setgid_one(chown: str, new: list[tuple[int, int, int]]) -> None:
    """As the kernel makes them; what is copied has its own mode."""
    below = View()
    below.stack(0, [Entry(b"s", "dir", 0o2750, 7, 50)])
    op = CopyOp(FromContext(), ("d/e",), "/s/n/m", chown=chown)
    copying = Copying(op, Memory(FILES), below, (5, 6) if chown else (0, 0), TIME, lambda content: None)
    copying.resolve()
    made = {entry.path.decode(): (entry.mode, entry.uid, entry.gid) for entry, _ in copying.items()}
    assert [made["s"], made["s/n"], made["s/n/m"]] == [(0o2750, 7, 50), *new]
    assert made["s/n/m/three"] == (0o644, *((5, 6) if chown else (0, 0)))


# -- owners -----------------------------------------------------------------------------------------------------------

PASSWD = (
    b"root:x:0:0::/:\nme:x:1000:50::/:\nodd:x:nine:1::/:\nshort\nmany:x:"
    + b"9" * 5000
    + b":1::/:\nbig:x:4294967296:1:\n"
)
GROUP = b"root:x:0:\nstaff:x:50:\n"
OWNERS = [
    ("", (0, 0)), ("5", (5, 5)), ("5:6", (5, 6)), ("me", (1000, 50)), ("me:staff", (1000, 50)), ("me:7", (1000, 7)),
    ("5:root", (5, 0)), (":6", (0, 6)), ("5:", (5, 5)), (":", (0, 0)), ("me:", (1000, 50)),
    ("nobody", "passwd"), ("me:nobody", "group"), ("odd", "passwd"), ("4294967296", "passwd"),
    ("4294967295", "passwd"), ("4294967294", (4294967294, 4294967294)), ("9" * 5000, "passwd"), ("many", "passwd"),
    ("big", "passwd"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), OWNERS)
def test_owners(text: str, found: tuple[int, int] | str) -> None:
    if isinstance(found, str):
        with pytest.raises(Invalid, match=f"/etc/{found}"):
            owner(text, PASSWD, GROUP)
    else:
        assert owner(text, PASSWD, GROUP) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("me", (1000, 50)),
        ("nobody", (0, 0)),
        ("nobody:7", (0, 7)),
        ("5:nobody", (5, 5)),
        ("me:staff", (1000, 50)),
        ("5:", (5, 5)),
    ],
)
def test_makers_of_directories(text: str, found: tuple[int, int]) -> None:
    assert maker(text, PASSWD, GROUP) == found


def test_root_needs_no_passwd() -> None:
    assert owner("root", b"", b"") == owner("root:root", b"", b"") == (0, 0)
