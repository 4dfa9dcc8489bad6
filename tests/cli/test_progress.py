"""The displays of long work: lines, bars on a real pseudo terminal's stream, nothing."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import threading

import pytest

from scow.cli.progress import FINAL, Display, Lines, Live, choose
from scow.cli.registries.transfers import COPY, LOAD, PULL, PUSH, Words


class Clock:
    """A clock that only moves when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_choose() -> None:
    stream = io.StringIO()
    assert type(choose(stream, quiet=True, isatty=True)) is Display
    assert isinstance(choose(stream, isatty=True), Live)
    assert isinstance(choose(stream), Lines)


@pytest.mark.parametrize("words", [PULL, PUSH, COPY, LOAD])
def test_what_ended_has_no_bar_any_more(words: Words) -> None:
    assert words.done.startswith(FINAL) and words.exists.startswith(FINAL)
    assert not words.moving.startswith(FINAL)


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Display() as display:
        display.update("a", "Downloading", 1, 2)
        display.update("", "Status: done")
    assert capsys.readouterr() == ("", "")


def test_lines_tell_each_change_of_status_once() -> None:
    stream = io.StringIO()
    with Lines(stream) as display:
        display.update("", "latest: Pulling from library/alpine")
        display.update("4f4fb700ef54", "Pulling fs layer")
        display.update("4f4fb700ef54", "Pulling fs layer")
        for done in range(0, 100, 10):
            display.update("4f4fb700ef54", "Downloading", done, 100)
        display.update("4f4fb700ef54", "Download complete", 100, 100)
        display.update("4f4fb700ef54", "Download complete", 100, 100)
        display.update("4f4fb700ef54", "Extracting", 5, 100)
        display.update("4f4fb700ef54", "Pull complete")
        display.update("", "Digest: sha256:abc")
        display.update("", "Digest: sha256:abc")
    assert stream.getvalue().splitlines() == [
        "latest: Pulling from library/alpine",
        "4f4fb700ef54: Pulling fs layer",
        "4f4fb700ef54: Download complete",
        "4f4fb700ef54: Pull complete",
        "Digest: sha256:abc",
        "Digest: sha256:abc",
    ]


def test_live_draws_bars_with_bytes_and_rate() -> None:
    stream, clock = io.StringIO(), Clock()
    display = Live(stream, clock=clock, width=100)
    display.update("4f4fb700ef54", "Downloading", 0, 10_000_000)
    clock.now = 2.0
    display.update("4f4fb700ef54", "Downloading", 5_000_000, 10_000_000)
    assert "4f4fb700ef54 Downloading" in plain(stream.getvalue())
    assert "5MB/10MB  2.5MB/s" in plain(stream.getvalue())
    display.close()


def test_live_leaves_room_for_what_the_terminal_echoes() -> None:
    stream = io.StringIO()
    display = Live(stream, clock=Clock(), width=40)
    display.update("4f4fb700ef54", "Downloading", 1, 10_000_000)
    drawn = [line for line in plain(stream.getvalue()).splitlines() if "4f4f" in line]
    assert drawn
    assert max(map(len, drawn)) <= 38
    display.close()


def test_live_is_redrawn_ten_times_a_second_at_most() -> None:
    stream, clock = io.StringIO(), Clock()
    with Live(stream, clock=clock, width=80) as display:
        display.update("a", "Downloading", 0, 1000)
        before = stream.getvalue()
        for done in range(1, 100):
            display.update("a", "Downloading", done, 1000)
        assert stream.getvalue() == before
        clock.now = 0.11
        display.update("a", "Downloading", 123, 1000)
        assert "123B/1kB" in plain(stream.getvalue())


def test_live_collapses_what_is_finished_and_leaves_final_lines() -> None:
    stream, clock = io.StringIO(), Clock()
    with Live(stream, clock=clock, width=80) as display:
        display.update("", "latest: Pulling from library/alpine")
        display.update("a", "Downloading", 1, 10)
        display.update("b", "Downloading", 1, 10)
        display.update("a", "Pull complete")
        display.update("b", "Verifying Checksum")
        display.update("", "Status: [bold]text as it is[/bold]")
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", plain(stream.getvalue()))]
    assert "latest: Pulling from library/alpine" in lines
    assert "a: Pull complete" in lines
    assert "b: Verifying Checksum" in lines
    assert "Status: [bold]text as it is[/bold]" in lines
    last = plain(stream.getvalue()).rindex("a: Pull complete")
    assert "a Downloading" not in plain(stream.getvalue())[last:]


def test_live_after_close_is_silent() -> None:
    stream = io.StringIO()
    display = Live(stream, clock=Clock(), width=80)
    display.update("a", "Downloading", 1, 10)
    display.close()
    before = stream.getvalue()
    display.update("a", "Downloading", 2, 10)
    display.close()
    assert stream.getvalue() == before
    assert before.endswith("a: Downloading\n")
    assert "\x1b[?25h" in before  # the cursor is back


def test_live_without_colour() -> None:
    coloured, bare = io.StringIO(), io.StringIO()
    for stream, color in ((coloured, True), (bare, False)):
        with Live(stream, color=color, clock=Clock(), width=80) as display:
            display.update("a", "Downloading", 5, 10)
    assert re.search(r"\x1b\[[0-9;]*m", coloured.getvalue())
    assert not re.search(r"\x1b\[(3[0-7]|38)[0-9;]*m", bare.getvalue())


@pytest.mark.parametrize("kind", [Lines, Live])
def test_threads_do_not_mix_their_lines(kind: type[Lines] | type[Live]) -> None:
    stream = io.StringIO()
    display = kind(stream)

    def work(item: str) -> None:
        for done in range(200):
            display.update(item, "Downloading", done, 200)
        display.update(item, "Pull complete")

    threads = [threading.Thread(target=work, args=(f"layer{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    display.close()
    lines = [line.strip() for line in re.split(r"[\r\n]+", plain(stream.getvalue()))]
    assert sorted(line for line in lines if "Pull complete" in line) == [f"layer{n}: Pull complete" for n in range(8)]


def test_rich_is_imported_when_it_draws() -> None:
    code = (
        "import io, sys; from scow.cli.progress import choose;"
        "d = choose(io.StringIO()); d.update('a', 'Downloading', 1, 2); d.close();"
        "e = choose(io.StringIO(), isatty=True); e.update('', 'x'); print('rich' in sys.modules);"
        "e.update('a', 'Downloading', 1, 2); e.close(); print('rich' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\nTrue\n"
