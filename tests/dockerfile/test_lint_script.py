"""Shell text cut into commands: what people write, and whatever else it may be given."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.dockerfile.lint.program import programs
from scow.dockerfile.lint.script import DEEPEST, script
from scow.dockerfile.lint.source import Source

Commands = list[tuple[str, ...]]


def commands(text: str, *, heredocs: bool = True) -> Commands:
    return [tuple(word.text for word in command.words) for command in script(text, heredocs=heredocs).commands]


def named(text: str) -> list[str]:
    return [program.name for program in programs(Source(text, ((0, 0),)))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b && c; d || e & f", [("a", "b"), ("c",), ("d",), ("e",), ("f",)]),
        ("a\tb\n\nc \\\n d", [("a", "b"), ("c", "d")]),
        ("a 'b c' \"d $e\" f\\ g", [("a", "b c", "d $e", "f g")]),
        ('a "b \\" c" \'\'', [("a", 'b " c', "")]),
        ("A=1 B=2 c", [("c",)]),
        ("a > b 2>&1 < c >> d &> e <<< f", [("a",)]),
        ("2>/dev/null a", [("a",)]),
        ("a # b && c", [("a",)]),
        ("a b#c", [("a", "b#c")]),
        ("a $(b | c) d", [("a", "$(b | c)", "d"), ("b",), ("c",)]),
        ("a `b c`", [("a", "`b c`"), ("b", "c")]),
        ('a "$(b "$(c)")"', [("a", '$(b "$(c)")'), ("b", "$(c)"), ("c",)]),
        ("a $((1 + 2)) ${b:-c}", [("a", "$((1 + 2))", "${b:-c}")]),
        ("if a; then b; elif c; then d; else e; fi", [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ("for i in 1 2; do a $i; done; b", [("a", "$i"), ("b",)]),
        ("while ! a; do b; done", [("a",), ("b",)]),
        ("case $x in a|b) c;; (d) e;; *) f; g;; esac; h", [("c",), ("e",), ("f",), ("g",), ("h",)]),
        ("( a && b ); { c; }", [("a",), ("b",), ("c",)]),
        ("f() { a; }; f", [("a",), ("f",)]),
        ("[[ a && b ]] && c", [("[[", "a", "&", "&", "b", "]]"), ("c",)]),
        ("[ -f a ] || b", [("[", "-f", "a", "]"), ("b",)]),
        ("cat <<E >a\nb c\nE\nd", [("cat",), ("d",)]),
        ("cat <<-E\n\tb\n\tE\nd", [("cat",), ("d",)]),
        ("diff <(a b) c", [("diff", "c"), ("a", "b")]),
        ("X=$(a)", [(), ("a",)]),
        ("", []),
    ],
)
def test_commands(text: str, expected: Commands) -> None:
    assert commands(text) == expected


def test_a_joined_line_has_no_documents() -> None:
    assert commands("cat <<E > a && b", heredocs=False) == [("cat",), ("b",)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sudo -u jo -E apt-get update", ["apt-get"]),
        ("env A=b /usr/bin/apt-get update", ["apt-get"]),
        ("timeout -k 5 10 nice -n 3 make", ["make"]),
        ("python3.11 -m pip install a; pip3 install b", ["pip", "pip"]),
        ("bash -euxc 'a && b \"c d\"'", ["bash", "a", "b"]),
        ("sh -c \"bash -c 'a'\"", ["sh", "bash", "a"]),
        ("sh -c", ["sh"]),
        ("sudo", ["sudo"]),
        ("xargs -n 1 rm -f", ["rm"]),
    ],
)
def test_programs(text: str, expected: list[str]) -> None:
    assert named(text) == expected


@pytest.mark.parametrize("text", ["x bash -c 'abc def'; sh -c 'abc def'", 'sh -c "abc def"', "sh -c abc"])
def test_a_word_in_a_script_in_a_word_has_a_place(text: str) -> None:
    found = next(program for program in programs(Source(text, ((0, 0),))) if program.name == "abc")
    start, end = found.place()
    assert text[start:end] == "abc"


@pytest.mark.parametrize(
    "text", ["a '", 'a "b', "a `b", "a $(b", "a $((1", "a ${b", "( a", "case a in b) c", 'a "$(b"']
)
def test_what_is_left_open_is_told(text: str) -> None:
    assert not script(text).closed
    assert script("a 'b' \"$(c `d`)\" $((1)) ${e} ( f ) # '").closed


_TEXT = st.lists(
    st.sampled_from([
        "a", "b c", " ", "\n", "'", '"', "`", "\\", "$", "$(", "${", "$((", ")", "(", "}", "{", "|", "&&", ";", ";;",
        "#", "<<E", "<", ">", "E\n", "case ", " in ", "esac", "if ", "fi", "for ", "do ", "done", "[[ ", " ]]", "=",
        "sh -c ", "é", "\0", "sudo ", "\t",
    ]), max_size=40,
).map("".join)  # fmt: skip


@given(_TEXT)
def test_whatever_it_is_given_it_reads(text: str) -> None:
    read = script(text)
    starts = [command.start for command in read.commands]
    assert starts == sorted(starts)
    for command in read.commands:
        assert 0 <= command.start <= len(text)
        for word in (*command.words, *command.assignments):
            assert text[word.start : word.end] and word.end <= len(text)
            if word.exact and not set("'\"\\") & set(text[word.start : word.end]):
                assert text[word.start : word.end] == word.text
    assert all(text[start] == "#" for start, _ in read.comments)
    list(programs(Source(text, ((0, 0),))))


@given(
    st.lists(st.text("abc-=/.", min_size=1, max_size=5), min_size=1, max_size=5), st.sampled_from([" && ", "; ", "\n"])
)
def test_plain_words_are_what_they_are(words: list[str], between: str) -> None:
    one = " ".join(["x", *words])
    assert commands(between.join([one, one])) == [("x", *words)] * 2


@pytest.mark.parametrize("piece", ["`", "$(", "$((", '"$(', "a|", "((", "<<x\n", "case x in ", "a;", "'", "[[ a "])
def test_time_is_linear(piece: str) -> None:
    def seconds(count: int) -> float:
        began = time.process_time()
        script(piece * count)
        return time.process_time() - began

    seconds(100)
    short, long = min(seconds(3_000) for _ in range(3)), min(seconds(12_000) for _ in range(3))
    assert long < 10 * short + 0.05


def test_depth_is_bounded() -> None:
    assert max(command.depth for command in script("$(a " * 100).commands) <= DEEPEST
