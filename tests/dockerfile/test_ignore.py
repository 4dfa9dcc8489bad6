"""Ignore patterns and wildcards: tables, and two properties against plain definitions."""

from __future__ import annotations

import time
from posixpath import basename, dirname

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.dockerfile.ignore import LARGEST, MOST, Patterns, clean, match
from scow.errors import Invalid, Limit, Where

MATCHES = [
    ("", "", True),
    ("abc", "abc", True),
    ("abc", "abcd", False),
    ("*", "", True),
    ("*", "abc", True),
    ("*", "a/b", False),
    ("**", "a/b", False),
    ("a*/b", "abc/b", True),
    ("a*/b", "a/c/b", False),
    ("*a*b", "xaxbxb", True),
    ("*a*b*", "bbbb", False),
    ("a?c", "a☺c", True),
    ("a?c", "a/c", False),
    ("[a-c]x", "bx", True),
    ("[a-c]x", "dx", False),
    ("[^a-c]x", "dx", True),
    ("[^a]", "/", True),
    ("[!a]", "!", True),
    ("[!a]", "b", False),
    ("[c-a]", "b", False),
    ("[^c-a]", "b", True),
    (r"[\]a]", "]", True),
    (r"[\-x]", "-", True),
    (r"[a\-z]", "m", False),
    ("[*]", "*", True),
    (r"\*", "*", True),
    (r"\*", "a", False),
    (r"\a", "a", True),
    ("a.b", "axb", False),
    ("(a|b){2}^$+", "(a|b){2}^$+", True),
    ("]", "]", True),
    ("ü*", "über", True),
    (".*", ".git", True),
    ("*", ".git", True),
    ("a\nb*", "a\nbc", True),
]

BAD = ["[", "[]", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[^", "[^]", "[^bc", "a[", "\\", "[\\", "[a\\", "*[a"]

IGNORED = [
    # one pattern
    (["a"], {"a": True, "a/b": True, "a/b/c": True, "b/a": False, "ab": False}),
    (["/a/"], {"a": True, "a/b": True}),
    (["./a//b/../c"], {"a/c": True, "a/b": False}),
    (["*"], {"a": True, "a/b": True, ".git": True}),
    (["*.md"], {"a.md": True, "d/a.md": False, "x.md/y": True}),
    (["*/*.md"], {"a.md": False, "d/a.md": True, "d/e/a.md": False}),
    (["**/*.md"], {"a.md": True, "d/a.md": True, "d/e/a.md": True, "d/a.mdx": False}),
    (["**"], {"a": True, "a/b": True}),
    (["**/"], {"a": True}),
    (["a/**"], {"a": False, "a/b": True, "a/b/c": True, "ab": False}),
    (["**/x"], {"x": True, "x/y": True, "a/x": True, "a/bx": False, "a/x/y": True}),
    (["**x"], {"x": True, "a/bx": True, "bx/c": True}),
    (["**x*"], {"a/bx": False, "a/xb": True}),
    (["**/x/y"], {"x/y": True, "a/x/y": True, "ax/y": False}),
    (["a/**/z"], {"a/z": True, "a/b/z": True, "a/b/c/z/d": True, "a/bz": False}),
    (["a**/z"], {"a/z": True, "abc/z": True, "az": True, "a/b/z": True, "b/z": False}),
    (["**/**/*.txt"], {"a.txt": True, "a/b/c.txt": True}),
    (["a/**/b/**/c"], {"a/b/c": True, "a/x/b/y/z/c": True, "a/x/c": False}),
    (["a[b-d]e"], {"ace": True, "ae": False, "aee": False}),
    ([r"a\*b"], {"a*b": True, "axb": False}),
    (["a?b"], {"a/b": False, "axb": True}),
    (["."], {"a": False}),
    (["/"], {"a": False}),
    (["../a"], {"a": False}),
    (["a+(b).{c}^"], {"a+(b).{c}^": True}),
    # the last that matches decides
    (["*.md", "!README.md"], {"README.md": False, "x.md": True}),
    (["!README.md", "*.md"], {"README.md": True}),
    (["a", "!a/b"], {"a": True, "a/b": False, "a/b/c": False, "a/c": True}),
    (["a", "!a/b", "a/b/c"], {"a/b": False, "a/b/c": True, "a/b/d": False}),
    (["**", "!x/y"], {"x": True, "x/y": False, "x/z": True}),
    (["*", "! src", "src/*.o", "!**/keep.o"], {"src/a.c": False, "src/a.o": True, "src/keep.o": False, "b": True}),
    (["a", "!a", "a/b"], {"a": False, "a/b": True, "a/c": False}),
]

EXCEPTIONS = [
    (["a"], {"a": False, "": False}),
    (["a", "!a/b/c"], {"": True, "a": True, "a/b": True, "a/x": False, "a/b/x": False, "c": False}),
    (["a", "!b"], {"a": False}),
    (["!a/b", "a"], {"a": False}),
    (["a", "!**/keep"], {"a": True, "a/b/c/d": True}),
    (["a", "!a*/x/y"], {"a": True, "ab/x": True, "a/y": False}),
    (["a", "!a"], {"a": False, "a/b": False}),
    (["*", "!a**z"], {"a": True, "ab": True, "b": False}),
    (["*", "!a[^b]c"], {"a": True, "b": False}),
    (["a", "!" + "/".join("a" * 40)], {"a": True, "/".join("a" * 39): True, "b": False}),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), MATCHES)
def test_match(pattern: str, path: str, expected: bool) -> None:
    assert match(pattern, path) is expected


@pytest.mark.parametrize("pattern", BAD)
def test_bad_patterns(pattern: str) -> None:
    with pytest.raises(Invalid, match="syntax error in pattern"):
        match(pattern, "a")
    with pytest.raises(Invalid) as caught:
        Patterns.parse(f"ok\n  {pattern}\n")
    assert caught.value.where == Where(".dockerignore", 2, 1, len(pattern) + 2, f"  {pattern}")


@pytest.mark.parametrize(("lines", "paths"), IGNORED)
def test_ignores(lines: list[str], paths: dict[str, bool]) -> None:
    patterns = Patterns.parse("\n".join(lines))
    assert {path: patterns.ignores(path) for path in paths} == paths
    assert {path: patterns.beneath(dirname(path))(basename(path)) for path in paths} == paths
    assert not any(patterns.ignores(root) for root in ("", ".", "/"))


@pytest.mark.parametrize(("lines", "directories"), EXCEPTIONS)
def test_may_hold_exception(lines: list[str], directories: dict[str, bool]) -> None:
    patterns = Patterns.parse("\n".join(lines))
    assert {directory: patterns.may_hold_exception(directory) for directory in directories} == directories


def test_the_file() -> None:
    patterns = Patterns.parse(b"\xef\xbb\xbf# comment\r\n\r\n  /a/ \r\n#b\r\n ! a/x\r\ncaf\xe9\n")
    assert [(one.text, one.exception, one.number) for one in patterns.patterns] == [
        ("a", False, 3),
        ("a/x", True, 5),
        ("caf\udce9", False, 6),
    ]
    assert patterns.ignores("caf\udce9")
    assert not Patterns.parse("").ignores("a")


def test_a_lone_exclamation_mark() -> None:
    with pytest.raises(Invalid, match='illegal exclusion pattern: "!"'):
        Patterns.parse("a\n!\n")
    with pytest.raises(Invalid) as caught:
        Patterns.of(["!"])
    assert caught.value.where is None


def test_limits() -> None:
    with pytest.raises(Limit):
        Patterns.parse("#" * (LARGEST + 1))
    with pytest.raises(Limit):
        Patterns.of("x" for _ in range(MOST + 1))
    assert Patterns.parse("#" * LARGEST).patterns == ()
    assert len(Patterns.of("x" for _ in range(MOST)).patterns) == MOST


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "."),
        ("a/", "a"),
        ("//a", "/a"),
        ("/..", "/"),
        ("a/../..", ".."),
        ("../a/./b", "../a/b"),
        ("../../a", "../../a"),
        ("/../a", "/a"),
    ],
)
def test_clean(path: str, expected: str) -> None:
    assert clean(path) == expected


def test_fifty_thousand_paths_in_well_under_a_second() -> None:
    lines = ["node_modules", ".git", "**/__pycache__", "*.pyc", "**/*.pyc", "!keep.pyc", "build", "dist/**", "**/*.log"]
    lines += ["src/*/mod1?/file[1-3]*", "!src/pkg1/**", "**/test_*", "**/.DS_Store", "foo/**/bar", "README.md"]
    patterns = Patterns.of(lines * 2)
    paths = [f"src/pkg{a}/mod{b}/file{c}.py" for a in range(25) for b in range(40) for c in range(50)]
    began = time.process_time()
    ignored = sum(map(patterns.ignores, paths))
    assert time.process_time() - began < 1.0
    # Of 24 packages (not pkg1) and modules 10 to 19, the files whose name begins with 1, 2 or 3.
    assert ignored == 24 * 10 * 33


def test_hostile_patterns_take_no_time() -> None:
    began = time.process_time()
    assert not Patterns.of(["*a" * 60 + "b"]).ignores("a" * 240)
    assert not Patterns.of(["**/a/" * 40 + "b"]).ignores("a/" * 500 + "c")
    assert not match("*a" * 60 + "b", "a" * 240)
    assert not Patterns.of(["!" + "a/" * 20_000 + "b"]).may_hold_exception("b")
    assert time.process_time() - began < 2.0


names = st.text(alphabet="ab*?!/[]\\.", max_size=8)


@given(st.lists(names, max_size=6), st.text(alphabet="ab/.", max_size=10))
def test_only_invalid_is_raised(lines: list[str], path: str) -> None:
    try:
        patterns = Patterns.parse("\n".join(lines))
    except Invalid as error:
        assert error.where is not None
        return
    directory = clean(path)
    if patterns.ignores(directory) and not patterns.may_hold_exception(directory):
        assert patterns.ignores(f"{directory}/a/b")


@given(st.lists(st.text(alphabet="ab*/", min_size=1, max_size=5), max_size=5), st.lists(st.booleans(), min_size=5))
def test_the_last_match_decides(lines: list[str], exceptions: list[bool]) -> None:
    """Against the definition: every pattern alone, from the last to the first."""
    signed = list(zip(lines, exceptions, strict=False))
    together = Patterns.of(("!" if exception else "") + line for line, exception in signed)
    for path in ("a", "b", "a/b", "ab/ba/a", "b/b/b"):
        alone = (not exception for line, exception in reversed(signed) if Patterns.of([line]).ignores(path))
        assert together.ignores(path) is next(alone, False)
