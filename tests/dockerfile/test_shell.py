"""Shell words: every form of a variable, quotes and escapes, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.dockerfile.shell import LONGEST_RESULT, expand, names, words
from scow.dockerfile.substitution import LONGEST_VALUE
from scow.errors import Invalid

ENV = {
    "A": "apple",
    "E": "",
    "P": "/usr/local/lib/libx.so.1",
    "S": "two  words",
    "Q": "it's",
    "STAR": "a*b?c\\d",
    "LINES": "one\ntwo",
    "ü": "umlaut",
    "PAT": "*/",
}

EXPANDED = [
    # plain, quotes, escapes
    ("", ""),
    ("plain text  kept", "plain text  kept"),
    ("'$A'", "$A"),
    ('"$A"', "apple"),
    ('"it\'s"', "it's"),
    (r"\$A", "$A"),
    (r"\'", "'"),
    (r"'\'", "\\"),
    (r'"\n\"\\\$"', '\\n"\\$'),
    (r'"\a"', r"\a"),
    ("end\\", "end"),
    ("<a << b <", "<a << b <"),
    # names
    ("$A$A", "appleapple"),
    ("$A.$AB.", "apple.."),
    ("${A}B", "appleB"),
    ("$ü ${ü}", "umlaut umlaut"),
    ("$", "$"),
    ("$.", "$."),
    ("a$12b$@c$#$", "abc$"),
    ("${12}${*}", ""),
    ("$Q", "it's"),
    ('"$Q"', "it's"),
    # defaults and alternatives
    ("${A:-w}${E:-w}${N:-w}", "appleww"),
    ("${A-w}${E-w}${N-w}", "applew"),
    ("${A:+w}${E:+w}${N:+w}", "w"),
    ("${A+w}${E+w}${N+w}", "ww"),
    ("${A:?w}${A?w}${E?w}", "appleapple"),
    ("${N:-${N:-$A}}", "apple"),
    ("${N:-'}'}", "}"),
    ('${N:-"a b"}', "a b"),
    (r"${N:-\}}", "}"),
    ("${N:-}", ""),
    ('"${N:-"x"}"', "x"),
    # prefixes and suffixes
    ("${P#*/}", "usr/local/lib/libx.so.1"),
    ("${P##*/}", "libx.so.1"),
    ("${P%.*}", "/usr/local/lib/libx.so"),
    ("${P%%.*}", "/usr/local/lib/libx"),
    ("${P%/*/*}", "/usr/local"),
    ("${P#no}", "/usr/local/lib/libx.so.1"),
    ("${P%no}", "/usr/local/lib/libx.so.1"),
    ("${A#?}${A%?}", "ppleappl"),
    ("${A#}${A##}${A%}", "appleappleapple"),
    ("${A#$N}${N#x}", "apple"),
    ("${P#$PAT}", "usr/local/lib/libx.so.1"),
    (r"${STAR#a\*}", "b?c\\d"),
    (r"${STAR%\\d}", "a*b?c"),
    (r"${STAR%b\?c*}", "a*"),
    ("${LINES#*o}", "ne\ntwo"),
    ("${LINES##*o}", "ne\ntwo"),
    ("${A##*p*l}", "e"),
    ("${A#*p*l}", "e"),
    ("${A%%p*l*}", "a"),
    # replacement
    ("${P/usr/opt}", "/opt/local/lib/libx.so.1"),
    ("${P//\\//:}", ":usr:local:lib:libx.so.1"),
    ("${A/p}", None),
    ("${A/p/}", "aple"),
    ("${A//p/}", "ale"),
    ("${A//p/$E$A}", "aappleapplele"),
    ("${A//*/x}", "x"),
    ("${A/p*/x}", "ax"),
    ("${A///-}", "-a-p-p-l-e-"),
    (r"${A/p/\}}", r"a\}ple"),
    ("${A/./x}", "apple"),
    ("${N/a/b}", ""),
]

REFUSED = [
    ("'", "unexpected end of statement while looking for matching single-quote"),
    ('"', "unexpected end of statement while looking for matching double-quote"),
    ('"\\', "unexpected end of statement while looking for matching double-quote"),
    ("${", "syntax error: missing '}'"),
    ("${A", "syntax error: missing '}'"),
    ("${A:", "syntax error: missing '}'"),
    ("${A:-", "syntax error: missing '}'"),
    ("${A:-'", "syntax error: missing '}'"),
    ("${}", "syntax error: bad substitution"),
    ("${{A}}", "syntax error: bad substitution"),
    ("${:-x}", "syntax error: bad substitution"),
    ("${A!x}", "unsupported modifier (!) in substitution"),
    ("${A:=x}", "unsupported modifier (:=) in substitution"),
    ("${A:#x}", "unsupported modifier (:#) in substitution"),
    ("${A=x}", "unsupported modifier (=) in substitution"),
    ("${N?}", "N: is not allowed to be unset"),
    ("${N:?}", "N: is not allowed to be unset"),
    ("${E:?}", "E: is not allowed to be empty"),
    ("${E:?give $A}", "E: give apple"),
    ("${N?no}", "N: no"),
    ("${A/p}", "syntax error: missing '/' in ${}"),
    ("${A/p/x", "syntax error: missing '}'"),
    (r"${A#\x}", r"invalid pattern (\x) in substitution: invalid escape '\x'"),
    ("${N:-${A!}}", "unsupported modifier (!) in substitution"),
    ("${A:-" * 100 + "}" * 100, "variables are nested deeper than 64"),
]

SPLIT = [
    ("", []),
    ("  ", []),
    ("a b\tc", ["a", "b", "c"]),
    ("$S", ["two", "words"]),
    ('"$S"', ["two  words"]),
    ("x$S", ["xtwo", "words"]),
    ("80${N:-80} x", ["8080", "x"]),
    (r"a\ b c", ["a b", "c"]),
    ("'a b'c", ["a bc"]),
    ('"" a', ["a"]),
    ("$N a$N", ["a"]),
    ("a\u00a0b", ["a", "b"]),
    ("a\x1fb", ["a\x1fb"]),
    ("<< a", ["<< a"]),
]


@pytest.mark.parametrize(("word", "result"), [case for case in EXPANDED if case[1] is not None])
def test_expands(word: str, result: str) -> None:
    assert expand(word, ENV.get) == result


@pytest.mark.parametrize(("word", "problem"), REFUSED)
def test_refuses(word: str, problem: str) -> None:
    with pytest.raises(Invalid) as caught:
        expand(word, ENV.get)
    assert caught.value.problem == problem
    assert caught.value.subject.startswith(f'"{word[:79]}')


@pytest.mark.parametrize(("word", "result"), SPLIT)
def test_splits(word: str, result: list[str]) -> None:
    assert words(word, ENV.get) == result


def test_another_escape() -> None:
    assert expand("c:\\$A`$A`", ENV.get, "`") == "c:\\apple$A"


def test_heredoc_content_keeps_quotes() -> None:
    assert expand("it's \"$A\" '$A' \\$A", ENV.get, quotes=False) == "it's \"apple\" 'apple' $A"


def test_names_are_those_looked_at_whatever_the_values() -> None:
    assert names("$A ${B:-$C} '${D}' \\$E ${F:?} ${G#$H} ${I/$J/$K}") == frozenset("ABCFGHIJK")
    assert names("'$A'", quotes=False) == {"A"}


def test_an_expansion_has_a_bound() -> None:
    big = "x" * (LONGEST_RESULT // 4)
    with pytest.raises(Invalid, match="the expansion is longer than"):
        expand("$A" * 5, {"A": big}.get)
    with pytest.raises(Invalid, match="the expansion is longer than"):
        expand('"' + "${A:-}" * 5 + '"', {"A": big}.get)
    with pytest.raises(Invalid, match="the value to substitute in is longer than"):
        expand("${A#x}", {"A": "x" * (LONGEST_VALUE + 1)}.get)


def test_many_stars_take_no_time() -> None:
    assert expand("${A#" + "*a" * 40 + "b}", {"A": "a" * 2000}.get) == "a" * 2000
    assert expand("${A%" + "a*" * 40 + "b}", {"A": "a" * 2000}.get) == "a" * 2000


@given(st.text(alphabet="${}:-+?#%/*\\'\"`aA< \n1@ü", max_size=60), st.sampled_from("\\`"))
def test_only_invalid_is_raised(word: str, escape: str) -> None:
    for run in (expand, words):
        try:
            run(word, ENV.get, escape)
        except Invalid as error:
            assert error.problem
    try:
        names(word, escape)
    except Invalid as error:
        assert error.problem


@given(st.text(alphabet=st.characters(exclude_characters="$\\'\"", exclude_categories=["Cs"])))
def test_plain_text_is_itself(text: str) -> None:
    assert expand(text, ENV.get) == text
    assert expand(f"'{text}'", ENV.get) == text
    assert expand(f'"{text}"', ENV.get) == text


@given(st.text(alphabet="ab*?", max_size=6), st.text(alphabet="ab", max_size=12))
def test_prefixes_are_the_shortest_and_the_longest(pattern: str, value: str) -> None:
    """Against the definition: try every prefix."""
    from fnmatch import fnmatchcase

    fitting = [end for end in range(len(value) + 1) if fnmatchcase(value[:end], pattern)]
    lookup = {"V": value, "P": pattern}.get
    assert expand("${V#$P}", lookup) == value[min(fitting, default=0) :]
    assert expand("x${V##${P}}", lookup) == "x" + value[max(fitting, default=0) :]
    endings = [at for at in range(len(value) + 1) if fnmatchcase(value[at:], pattern)]
    assert expand("${V%$P}", lookup) == value[: max(endings, default=len(value))]
    assert expand("${V%%$P}", lookup) == value[: min(endings, default=len(value))]
