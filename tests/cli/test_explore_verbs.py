"""``scow explore``, driven by textual's pilot, and by a real terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pexpect
import pytest
from tests.size.planted import INSTRUCTIONS, entry, planted, stacked
from tests.support.cli import COMMAND, Scow, environment
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from scow import Engine
from scow.cli.explorer.app import Explorer
from scow.cli.explorer.files import Files
from scow.cli.explorer.looking import LIMIT, Lines, Look, shown
from scow.engine.exploring import Exploration
from scow.image.contents import Contents
from scow.layer.entry import Entry
from scow.layer.view import Found
from scow.size.analyzing import analyze

Drive = Callable[[Explorer, Pilot[None]], Awaitable[None]]


class Planted:
    """Contents whose files hold their own path, over and over."""

    def each(self, wanted: list[Found]) -> Iterator[tuple[Found, object]]:
        for found in wanted:
            yield found, Endless(found.entry.path + b"\n")


class Endless:
    def __init__(self, line: bytes) -> None:
        self.line = line
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        self.given += size
        assert 0 < size <= LIMIT
        return (self.line * (size // len(self.line) + 1))[:size]


def drive(layers: list[list[Entry]], how: Drive, instructions: tuple[str, ...] = INSTRUCTIONS) -> None:
    contents: Contents = Planted()  # type: ignore[assignment]
    stack = stacked(*layers, instructions=instructions)
    app = Explorer(Exploration("planted:1", contents, stack, lambda: analyze(stack)))

    async def run() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            await how(app, pilot)

    asyncio.run(run())


def paths(app: Explorer) -> list[str]:
    return [row.node.path.decode() for row in app.listing.rows]


def lines(app: Explorer) -> list[str]:
    files = app.query_one(Files)
    return [files.render_line(y).text.rstrip() for y in range(files.size.height)]


LAYERS = [
    [entry("etc/a", 100), entry("etc/b", 50), entry("usr/bin/tool", 5000), entry("var/log/x.log", 900)],
    [entry("etc/a", 120), entry("etc/b", 0, "whiteout"), entry("opt/new", 70)],
]


def test_walking() -> None:
    async def how(app: Explorer, pilot: Pilot[None]) -> None:
        assert app.listing.layer == 1
        assert paths(app) == ["usr", "var", "etc", "opt"]
        await pilot.press("down", "down", "right")
        assert paths(app) == ["usr", "var", "etc", "etc/a", "etc/b", "opt"]
        assert [line.split() for line in lines(app)[2:5]] == [
            ["·", "120B", "▾", "etc"],
            ["~", "120B", "a"],
            ["-", "50B", "b"],
        ]
        await pilot.press("c")  # what this layer did
        assert paths(app) == ["etc", "etc/a", "etc/b", "opt"]
        await pilot.press("c", "s")  # and by name
        assert paths(app) == ["etc", "etc/a", "etc/b", "opt", "usr", "var"]
        await pilot.press("down", "left", "left")
        assert paths(app) == ["etc", "opt", "usr", "var"]

    drive(LAYERS, how)


def test_layers() -> None:
    async def how(app: Explorer, pilot: Pilot[None]) -> None:
        await pilot.press("down", "down", "right", "down", "tab", "tab")
        app.query_one("#layers", OptionList).focus()
        await pilot.press("up")
        assert app.listing.layer == 0
        assert app.query_one(Files).node is app.exploration.tree.find(b"etc/a")
        assert "etc/b" in paths(app)
        assert "opt" not in paths(app)

    drive(LAYERS, how)


def test_filter() -> None:
    async def how(app: Explorer, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"tool", "enter")
        assert paths(app) == ["usr", "usr/bin", "usr/bin/tool"]
        await pilot.press("escape")
        assert paths(app)[-1] == "opt"

    drive(LAYERS, how)


def test_waste() -> None:
    async def how(app: Explorer, pilot: Pilot[None]) -> None:
        await app.workers.wait_for_complete()
        told = app.query_one("#told", Static)
        await pilot.press("w")
        assert app.query_one(Files).node is app.exploration.tree.find(b"var/log/x.log")
        await pilot.pause()
        assert "waste: logs" in str(told.content)
        await pilot.press("w")
        assert app.query_one(Files).node is app.exploration.tree.find(b"etc/a")
        assert app.listing.layer == 0  # where the wasted bytes are

    drive(LAYERS, how)


def test_looking_into_a_file_is_bounded() -> None:
    async def how(app: Explorer, pilot: Pilot[None]) -> None:
        await pilot.press("enter", "down", "enter", "down", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Look)
        box = app.screen.query_one(Lines)
        assert box.lines[0] == "usr/bin/tool"
        assert box.render_line(1).text.rstrip() == "usr/bin/tool"
        await pilot.press("escape")
        assert not isinstance(app.screen, Look)

    drive([[entry("usr/bin/tool", 10**12)]], how)


def test_only_what_is_on_the_screen_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    segments = Files._segments

    def counting(self: Files, row: object) -> object:
        nonlocal made
        made += 1
        return segments(self, row)  # type: ignore[arg-type]

    async def how(app: Explorer, pilot: Pilot[None]) -> None:
        nonlocal made
        await pilot.press("enter")
        await pilot.pause()
        assert len(app.listing.rows) == 30_001
        made = 0
        await pilot.press("end", "pageup", "home", "down")
        await pilot.pause()
        assert made < 1000

    monkeypatch.setattr(Files, "_segments", counting)
    drive([[entry(f"d/{at}", 1) for at in range(30_000)]], how)


def test_names_cannot_speak_to_the_terminal() -> None:
    async def how(app: Explorer, pilot: Pilot[None]) -> None:
        await pilot.press("down")
        await pilot.pause()
        text = "".join(lines(app)) + str(app.query_one("#told", Static).content).replace("\n", "")
        assert not [char for char in text if ord(char) < 32]
        assert "[red]bold" in text  # no markup either

    drive([[entry(b"\x1b[31mred\n", 9), entry(b"[red]bold\xff", 8)]], how, ("RUN [b]x[/b] \x1b]0;t\x07",))


def test_planted_waste_can_be_walked_through() -> None:
    async def how(app: Explorer, pilot: Pilot[None]) -> None:
        await app.workers.wait_for_complete()
        for _ in range(3):
            await pilot.press("w", "down", "up", "enter", "escape")

    drive(planted()[0], how)


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
    child.expect("app:1")
    child.expect("etc")
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_without_a_terminal(scow: Scow) -> None:
    assert "needs a terminal" in scow("explore", "x").stderr
