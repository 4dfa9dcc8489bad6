"""``scow explore``: what keys do to the screen, what the screen says, and all of it in a real terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.size.planted import INSTRUCTIONS, entry, planted, stacked
from tests.support.cli import COMMAND, Scow, environment

from scow import Engine
from scow.cli.sizes.explorer import drawing
from scow.cli.sizes.explorer.drawing import frame
from scow.cli.sizes.explorer.keys import typed
from scow.cli.sizes.explorer.line import cells, drawn, fitted
from scow.cli.sizes.explorer.looking import LIMIT, shown
from scow.cli.sizes.explorer.screen import Screen
from scow.engine.analysis.exploring import Exploration
from scow.image.contents import Contents
from scow.layer.entry import Entry
from scow.layer.view import Found
from scow.size.analyzing import analyze


class Planted:
    """Contents whose files hold their own path, over and over."""

    def each(self, wanted: list[Found]) -> Iterator[tuple[Found, object]]:
        for found in wanted:
            yield found, Endless(found.entry.path + b"\n")


class Endless:
    def __init__(self, line: bytes) -> None:
        self.line = line

    def read(self, size: int = -1) -> bytes:
        assert 0 < size <= LIMIT
        return (self.line * (size // len(self.line) + 1))[:size]


class Driven(Screen):
    """A screen with fingers on its keys."""

    def keys(self, *keys: str) -> None:
        for key in keys:
            assert self.press(key)
            while self.later:
                self.later()

    @property
    def paths(self) -> list[str]:
        return [row.node.path.decode() for row in self.listing.rows]

    def text(self, width: int = 120, height: int = 40) -> list[str]:
        """The lines, each with its exact width."""
        lines = ["".join(text for text, _ in line) for line in frame(self, width, height)]
        assert [cells(line) for line in lines] == [width] * height
        return lines

    @property
    def right(self) -> list[str]:
        """The files' lines."""
        return [line.partition("│")[2].rstrip() for line in self.text()[1:-1]]


def opened(*layers: list[Entry], instructions: tuple[str, ...] = INSTRUCTIONS) -> Driven:
    contents: Contents = Planted()  # type: ignore[assignment]
    stack = stacked(*layers, instructions=instructions)
    return Driven(Exploration("planted:1", contents, lambda: stack, lambda: analyze(stack)))


LAYERS = (
    [entry("etc/a", 100), entry("etc/b", 50), entry("usr/bin/tool", 5000), entry("var/log/x.log", 900)],
    [entry("etc/a", 120), entry("etc/b", 0, "whiteout"), entry("opt/new", 70)],
)


def test_walking() -> None:
    screen = opened(*LAYERS)
    assert screen.listing.layer == 1
    assert screen.paths == ["usr", "var", "etc", "opt"]
    screen.keys("down", "j", "right")
    assert screen.paths == ["usr", "var", "etc", "etc/a", "etc/b", "opt"]
    assert [line.split() for line in screen.right[2:5]] == [
        ["·", "120B", "▾", "etc"],
        ["~", "120B", "a"],
        ["-", "50B", "b"],
    ]
    screen.keys("c")  # what this layer did
    assert screen.paths == ["etc", "etc/a", "etc/b", "opt"]
    screen.keys("c", "s")  # and by name
    assert screen.paths == ["etc", "etc/a", "etc/b", "opt", "usr", "var"]
    screen.keys("home", "down", "left", "left")
    assert screen.paths == ["etc", "opt", "usr", "var"]


def test_layers() -> None:
    screen = opened(*LAYERS)
    screen.keys("down", "down", "right", "down", "tab", "up")
    assert screen.listing.layer == 0
    assert screen.node is screen.exploration.tree.find(b"etc/a")
    assert "etc/b" in screen.paths
    assert "opt" not in screen.paths


def test_what_the_cursor_stands_on_is_told() -> None:
    screen = opened(*LAYERS)
    screen.keys("down", "down", "right", "down")
    left = [line.partition("│")[0].strip() for line in screen.text()]
    assert left[1].startswith("0  6.05kB ████████ ADD rootfs.tar /")
    about = left[left.index("About") + 1 :]
    assert about[:6] == [
        "RUN apt-get install -y everything",
        "",
        "/etc/a",
        "120B  changed",
        "file 0644 0:0",
        "layers +0, +1",
    ]


def test_filter() -> None:
    screen = opened(*LAYERS)
    screen.keys("/", *"toolx", "backspace")
    assert screen.text()[-1].startswith("/tool▏")
    screen.keys("enter")
    assert screen.paths == ["usr", "usr/bin", "usr/bin/tool"]
    assert screen.text()[-1].startswith("1 names fit")
    screen.keys("escape")
    assert screen.paths[-1] == "opt"
    screen.keys("/", *"tool", "escape")  # changed one's mind
    assert screen.paths[-1] == "opt"


def test_waste() -> None:
    screen = opened(*LAYERS)
    screen.press("w")
    assert screen.text()[-1].startswith("looking for waste")  # drawn before it is looked for
    screen.later()  # type: ignore[misc]
    assert screen.node is screen.exploration.tree.find(b"var/log/x.log")
    assert "waste: logs" in "".join(screen.text())
    screen.keys("w")
    assert screen.node is screen.exploration.tree.find(b"etc/a")
    assert screen.listing.layer == 0  # where the wasted bytes are
    clean = opened([entry("bin/sh", 10)])
    clean.keys("w")
    assert clean.text()[-1].startswith("nothing here looks like waste")


def test_looking_into_a_file_is_bounded() -> None:
    screen = opened([entry("usr/bin/tool", 10**12)])
    screen.keys("enter", "down", "enter", "down", "enter")
    lines = screen.text()
    assert lines[0].split() == ["/usr/bin/tool", "and", str(10**12 - LIMIT), "more", "bytes"]
    assert lines[1].rstrip() == "usr/bin/tool"
    screen.keys("right")
    assert screen.text()[1].rstrip() == "tool"
    screen.keys("end", "down")
    assert screen.text()[-2].strip() == ""  # the last line, cut within a name
    screen.keys("escape")
    assert screen.look is None


def test_a_file_that_the_layer_removed_can_be_looked_into() -> None:
    screen = opened(*LAYERS)
    screen.keys("/", "b", "enter", "end", "enter")
    assert screen.look is not None
    assert screen.look.rows[0] == "etc/b"


def test_only_what_is_on_the_screen_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    row = drawing._row

    def counting(*arguments: object) -> object:
        nonlocal made
        made += 1
        return row(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(drawing, "_row", counting)
    screen = opened([entry(f"d/{at}", 1) for at in range(30_000)])
    screen.keys("enter")
    assert len(screen.listing.rows) == 30_001
    for key in ("end", "pageup", "home", "down"):
        screen.keys(key)
        screen.text()
    assert made <= 4 * 40


def test_names_cannot_speak_to_the_terminal() -> None:
    screen = opened([entry(b"\x1b[31mred\n", 9)], instructions=("RUN \x1b]0;t\x07",))
    written = "".join(drawn(line, colour=False) for line in frame(screen, 120, 40))
    assert not {char for char in written.replace("\x1b[", "") if ord(char) < 32}
    assert "\x1b[31m" not in written


@pytest.mark.parametrize("size", [(120, 40), (71, 24), (40, 12), (20, 5), (10, 3), (1, 1)])
def test_every_size_of_terminal(size: tuple[int, int]) -> None:
    for layers in ((), ([],), LAYERS, tuple(planted()[0])):
        screen = opened(*layers)
        screen.text(*size)
        for key in ("enter", "down", "tab", "down", "tab", "w", "enter", "end", "escape", "/", "x"):
            screen.keys(key)
            screen.text(*size)


def test_wide_names_keep_the_columns() -> None:
    screen = opened([entry("日本語/ファイル", 7), entry("e\u0301", 5)])
    screen.keys("enter")
    screen.text()
    assert fitted([("日本語", "")], 4) == [("日…", ""), (" ", "")]
    assert fitted([("ab", "bold"), ("cd", "")], 3) == [("ab", "bold"), ("…", "")]


def test_no_colour_keeps_what_is_marked() -> None:
    line = [("a", "red strike"), ("b", "green"), ("c", "")]
    assert drawn(line, colour=True) == "\x1b[31;9ma\x1b[m\x1b[32mb\x1b[mc"
    assert drawn(line, colour=False) == "\x1b[9ma\x1b[mbc"


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"\x1b[A\x1bOB\x1b[1;5C\x1b[D", ["up", "down", "right", "left"]),
        (b"\x1b[5~\x1b[6~\x1b[1~\x1b[F\x1b[Z", ["pageup", "pagedown", "home", "end", "backtab"]),
        (b"\x1b[200~q\x1b[201~", ["q"]),  # nobody asked for these
        (b"q\r\t\x7f\x03\x01 \xc3\xa9\xff", ["q", "enter", "tab", "backspace", "interrupt", " ", "é"]),
        (b"\x1b", ["escape"]),
        (b"\x1bq", ["escape", "q"]),
    ],
)
def test_keys(data: bytes, keys: list[str]) -> None:
    assert typed(data) == (keys, b"")


@given(st.lists(st.sampled_from([b"\x1b[A", b"\x1bOH", b"\x1b[15;2~", b"x", "é€😀".encode(), b"\t"])), st.data())
def test_keys_that_come_in_two_parts(sent: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(sent)
    at = data.draw(st.integers(0, len(whole)))
    first, left = typed(whole[:at], more=True)
    assert first + typed(left + whole[at:])[0] == typed(whole)[0]


@given(st.binary())
def test_any_bytes_are_some_keys(data: bytes) -> None:
    keys, left = typed(data)
    assert left == b""
    assert all(keys)


def test_planted_waste_can_be_walked_through() -> None:
    screen = opened(*planted()[0])
    for _ in range(3):
        screen.keys("w", "down", "up", "enter", "escape")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a\tb\n\x1b[0m", "a       b\n\\x1b[0m"),
        ("häß\n".encode()[:-2], "hä"),  # cut within a character
        (b"\x00\x01A", "00000000  00 01 41"),
        (b"", ""),
    ],
)
def test_what_a_file_looks_like(content: bytes, expected: str) -> None:
    assert shown(content).startswith(expected)


def test_in_a_real_terminal(scow: Scow, scow_root: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /etc/read-me\n")
    scow("build", "-q", "-t", "app:1", str(tmp_path)).ok()
    with Engine(scow_root).analysis.explore("app:1") as exploration:
        found = exploration.tree.find(b"etc/read-me")
        assert found is not None
        there = found.at(0)
        assert there is not None
        assert exploration.beginning(0, there, 12) == b"FROM scratch"
    env = {**environment(scow_root, tmp_path), "TERM": "xterm-256color"}
    child = pexpect.spawn(
        sys.executable, [*COMMAND, "explore", "app:1"], env=env, dimensions=(30, 100), encoding="utf-8"
    )
    child.expect("reading app:1")
    child.expect("etc")
    child.send("\x1b[C\x1b[B\r")
    child.expect("FROM scratch")
    child.send("\x1b")
    child.expect("About")
    child.setwinsize(10, 50)
    child.expect("after layer 0")
    child.send("q")
    child.expect_exact("\x1b[?1049l")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_without_a_terminal(scow: Scow) -> None:
    assert "needs a terminal" in scow("explore", "x").stderr
