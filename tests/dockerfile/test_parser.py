"""What a parser must hold for any text, limits, and the small readers beneath it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scow.dockerfile.durations import duration
from scow.dockerfile.heredoc import Heredoc, heredoc
from scow.dockerfile.instructions import Arg, Copy, Definition, Healthcheck, Run
from scow.dockerfile.mounts import mount
from scow.dockerfile.parser import LARGEST, parse
from scow.dockerfile.ports import ports
from scow.dockerfile.signals import is_signal
from scow.dockerfile.span import Span
from scow.dockerfile.stages import stages
from scow.dockerfile.suggest import distance, nearest
from scow.dockerfile.values import boolean, csv, number, size
from scow.errors import Invalid, Limit, ScowError

MS, S = 1_000_000, 1_000_000_000

PIECES = st.sampled_from(
    [
        *("FROM", "RUN", "COPY", "ADD", "ENV", "ARG", "LABEL", "HEALTHCHECK", "ONBUILD", "SHELL", "EXPOSE", "VOLUME"),
        *("CMD", "AS", "a", "b=c", "\\\n", "`", "#", "# escape=`", "<<E", "<<-'E'", "E", "--mount=type=", "cache"),
        *(",target=/x", "--from=", "--link", "[", "]", '"', "'", ",", "$x", "${x", "\r\n", "\t", "--", "=", "\0"),
        *("\ufeff", "[]", '["a"]', "--interval=1s", " ", " ", "\n", "\n", "\n"),
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join) | st.text() | st.binary())
@settings(max_examples=400)
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    try:
        read = parse(text)
        stages(read)
    except ScowError as error:
        assert isinstance(error, Invalid)
        assert error.where is not None
        assert error.where.line <= 1 + len(text)
        return
    for instruction in read.instructions:
        where = read.where(instruction.span)
        assert where.text[where.column - 1 :].upper().startswith(instruction.keyword[:1])
        assert instruction.span.start_line <= instruction.span.end_line


def test_size_is_bounded() -> None:
    with pytest.raises(Limit):
        parse(b"#" * (LARGEST + 1))
    # Comments and continuations cost what they weigh.
    assert len(parse("FROM a\n" + "#\n" * 100_000).instructions) == 1
    assert len(parse("FROM a\nRUN b" + "\\\n " * 50_000).instructions) == 2


def test_deep_json_is_a_shell_command() -> None:
    (run,) = [one for one in parse("FROM a\nRUN " + "[" * 100_000).instructions if isinstance(one, Run)]
    assert not hasattr(run.command, "argv")


def test_words_know_their_places() -> None:
    text = "FROM a\nCOPY --chown=me \\\n  # comment\n  one \\\n  two /three/\n"
    read = parse(text)
    copy = read.instructions[1]
    assert isinstance(copy, Copy)
    assert copy.keyword == "COPY"
    assert copy.span_of("one") == Span(4, 4, 3, 3)
    assert copy.span_of("/three/") == Span(5, 5, 7, 7)
    assert copy.span_of("nowhere") == copy.span == Span(2, 5, 1, 16)
    assert read.where(copy.span_of("two")).text == "  two /three/"
    assert Span(99, 99).where("x", text).text == ""


def test_text_as_str_and_as_bytes_is_the_same() -> None:
    assert parse("\ufeffFROM ä").instructions == parse("\ufeffFROM ä".encode()).instructions
    with pytest.raises(Invalid, match="not valid UTF-8"):
        parse("FROM \ud800")


def test_a_heredoc_may_be_named_like_a_variable() -> None:
    for name in ("$E", "${E}", "${E:-x}", "${E/a/b}"):
        found = heredoc(f"<<{name}")
        assert found is not None
        assert (found.name, found.expand) == (name, True)


def test_heredocs_of_one_name_are_taken_in_order() -> None:
    copy = parse("FROM a\nCOPY <<E <<E /d/\none\nE\ntwo\nE\n").instructions[1]
    assert isinstance(copy, Copy)
    assert [file.text for file in copy.files] == ["one\n", "two\n"]


def test_an_escape_at_the_very_end_is_dropped() -> None:
    lone, third = parse("FROM a\nARG a \\\u00a0\nARG b=c\\\\\\\n").instructions[1:]
    assert isinstance(lone, Arg)
    assert isinstance(third, Arg)
    assert lone.definitions == (Definition("a"),)
    assert third.definitions == (Definition("b", "c\\\\"),)


def test_heredoc_text() -> None:
    assert Heredoc("E", "\t\ta\n\tb\n", chomp=True).text == "a\nb\n"
    assert Heredoc("E", "\ta\n").text == "\ta\n"


@pytest.mark.parametrize("word", ["", "EOF", "<<", "<<-", "<EOF", "<<<EOF", "<<EOF sh", "<<''"])
def test_no_heredoc(word: str) -> None:
    assert heredoc(word) is None


def test_quotes_that_do_not_balance_ask_for_no_heredoc() -> None:
    assert parse("FROM a\nRUN it's <<E").instructions[1].span == Span(2, 2, 1, 12)
    with pytest.raises(Invalid):
        heredoc("<<'E")
    read = parse("FROM a\nCOPY <<E' b\n")
    assert isinstance(read.instructions[1], Copy)
    assert read.instructions[1].sources == ("<<E'",)


def test_mounts_wait_for_their_variables() -> None:
    waiting = mount("type=cache,target=$HOME/.cache,mode=$MODE,from=base,ro=$RO,sharing=$S")
    assert (waiting.variable, waiting.target, waiting.mode, waiting.from_) == (True, "$HOME/.cache", None, "base")
    done = waiting.expanded({"HOME": "/root", "MODE": "0750", "RO": "true", "S": "Private"}.get)
    assert (done.variable, done.target, done.mode, done.readonly) == (False, "/root/.cache", 0o750, True)
    assert done.sharing == "private"
    with pytest.raises(Invalid, match="invalid value x for mode"):
        waiting.expanded({"MODE": "x"}.get)
    with pytest.raises(Invalid, match="V: is not allowed to be unset"):
        mount("target=${V?}").expanded(lambda _: None)
    with pytest.raises(Invalid, match="mode not allowed"):
        mount("type=$T,mode=7").expanded({"T": "tmpfs"}.get)
    assert mount("type=$T").variable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[("0", 0), ("30s", 30 * S), ("1h2m", 3720 * S), ("1.5h", 5400 * S), ("-1s", -S), ("+5ms", 5 * MS), ("-0", 0)],
        *[(".5s", S // 2), ("1.s", S), ("1us", 1000), ("1µs", 1000), ("1μs", 1000), ("2ns", 2), ("1.0000000001s", S)],
        *[("2562047h", 2562047 * 3600 * S)],
    ],
)
def test_durations(text: str, expected: int) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "+", "5", "1x", "s", ".s", "1h 2m", "1..s", "--1s", "2562048h", "9" * 30 + "s", "١s"]
)
def test_no_durations(text: str) -> None:
    with pytest.raises(Invalid, match="duration"):
        duration(text)


def test_a_flag_without_text_is_not_said() -> None:
    read = parse("FROM a\nHEALTHCHECK --interval= --retries= CMD x")
    assert isinstance(read.instructions[1], Healthcheck)
    assert (read.instructions[1].interval, read.instructions[1].retries) == (0, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", ("80/tcp",)),
        ("80/", ("80/tcp",)),
        ("80-82/UDP", ("80/udp", "81/udp", "82/udp")),
        ("127.0.0.1:8080:80/sctp", ("80/sctp",)),
        ("65535", ("65535/tcp",)),
        ("+80", ("80/tcp",)),
        ("000080-+82", ("80/tcp", "81/tcp", "82/tcp")),
        ("[::1]:80:90", ("90/tcp",)),
        ("::1:8080-8090:90", ("90/tcp",)),
        (":80-81:90-91", ("90/tcp", "91/tcp")),
    ],
)
def test_ports(text: str, expected: tuple[str, ...]) -> None:
    assert ports(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "80/tcp/",
        "/tcp",
        "x",
        "65536",
        "2-1",
        "80/x",
        "-1",
        "1-",
        "٣",
        "x:80",
        "localhost:1:80",
        "1:2:3:4:80",
        "1-3:80-81",
    ],
)
def test_no_ports(text: str) -> None:
    with pytest.raises(Invalid, match="invalid"):
        ports(text)


def test_small_values() -> None:
    assert [boolean(text) for text in ("1", "T", "false", "yes", "tRUE")] == [True, True, False, None, None]
    assert [size(text) for text in ("10", "1k", "1.5 GiB", "2MB", "b", "1x", "-1")] == [
        *(10, 1024, 3 << 29, 2 << 20),
        *(None, None, None),
    ]
    assert [number(text, 8) for text in ("0755", "8", "", "40000000000", "-1")] == [0o755, None, None, None, None]
    assert number("4294967295", 10) == 4294967295
    assert [is_signal(text) for text in ("term", "SIGKILL", "RTMAX-14", "15", "0", "-1", "x")] == [
        *(True, True, True, True),
        *(False, True, False),
    ]


def test_csv() -> None:
    assert [field for field, _, _ in csv('a,"b,""c""",,d')] == ["a", 'b,"c"', "", "d"]
    assert csv("ab,c") == [("ab", 0, 2), ("c", 3, 4)]
    for text in ('a"b', '"a', '"a"b', '"a""'):
        with pytest.raises(Invalid, match="quoted"):
            csv(text)


def test_suggestions() -> None:
    assert [distance("run", other) for other in ("run", "rnu", "runn", "rn", "", "copy")] == [0, 1, 1, 1, 3, 4]
    assert nearest("WORKDR", ["WORKDIR", "USER"]) == "WORKDIR"
    assert nearest("x", ["id"]) is None
    assert nearest("y" * 50, ["y" * 50]) is None
    assert nearest("a", []) is None
