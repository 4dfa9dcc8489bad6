"""What the monitor decides and writes: restarts, the log, keys, signals, messages."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.engine.containers.logs import lines
from scow.errors import Invalid, NotFound, Unsupported
from scow.oci.config import Healthcheck
from scow.runtime import wire
from scow.runtime.monitor import health as checks
from scow.runtime.monitor.journal import Journal
from scow.runtime.monitor.loop import Loop
from scow.runtime.session import Session
from scow.runtime.spec.keeping import check_arguments, health, healthcheck, in_effect, restart_policy
from scow.runtime.spec.keys import DEFAULT, Typed, detach_keys
from scow.runtime.spec.restarting import pause
from scow.runtime.spec.signals import signal_number


@pytest.mark.parametrize(
    ("policy", "most", "code", "count", "last", "lasted", "expected"),
    [
        ("no", 0, 1, 0, 0.0, 1.0, None),
        ("on-failure", 0, 0, 0, 0.0, 1.0, None),
        ("on-failure", 0, 1, 50, 0.1, 1.0, 0.2),
        ("on-failure", 2, 1, 1, 0.0, 1.0, 0.1),
        ("on-failure", 2, 1, 2, 0.0, 1.0, None),
        ("always", 0, 0, 0, 0.0, 1.0, 0.1),
        ("always", 0, 0, 9, 51.2, 1.0, 60.0),
        ("unless-stopped", 0, 0, 9, 51.2, 10.0, 0.1),
    ],
)
def test_pause(
    policy: str, most: int, code: int, count: int, last: float, lasted: float, expected: float | None
) -> None:
    assert pause(policy, most, code=code, count=count, last=last, lasted=lasted) == expected


def test_restart_policies() -> None:
    assert restart_policy("") == ("no", 0)
    assert restart_policy("on-failure:3") == ("on-failure", 3)
    for wrong in ("sometimes", "always:3", "on-failure:x", "on-failure:"):
        with pytest.raises(Invalid):
            restart_policy(wrong)


def test_healthcheck_of_image_and_user() -> None:
    image = Healthcheck(("CMD", "look"), interval=5_000_000_000, retries=2)
    assert healthcheck(None, None) is None
    assert healthcheck(None, image) == image
    assert in_effect(healthcheck(Healthcheck(("NONE",)), image)) is in_effect(Healthcheck(retries=3)) is None
    assert in_effect(image) == image
    mine = healthcheck(Healthcheck(interval=1_000_000_000), image)
    assert mine == Healthcheck(("CMD", "look"), interval=1_000_000_000, retries=2)
    assert mine
    plain = health(mine, {})
    assert check_arguments(mine, None) == ("look",)
    assert check_arguments(Healthcheck(("CMD-SHELL", "a b")), None) == ("/bin/sh", "-c", "a b")
    assert check_arguments(Healthcheck(("CMD-SHELL", "a b")), ("/bin/bash", "-ec")) == ("/bin/bash", "-ec", "a b")
    assert (plain["interval"], plain["timeout"], plain["retries"]) == (1.0, 30.0, 2)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 15),
        ("KILL", 9),
        ("sigterm", 15),
        ("9", 9),
        ("RTMIN", 34),
        ("SIGRTMIN+2", 36),
        ("RTMAX-1", 63),
        ("usr1", 10),
    ],
)
def test_signals(text: str, number: int) -> None:
    assert signal_number(text) == number


@pytest.mark.parametrize(
    "text", ["NOPE", "0", "65", "RTMIN-1", "RTMAX+1", "RTMIN+99", "RTMIN+16", "RTMAX-15", "100", "-9", "1 5"]
)
def test_no_signals(text: str) -> None:
    with pytest.raises(Invalid):
        signal_number(text)


def test_detach_keys() -> None:
    assert detach_keys("") == DEFAULT == b"\x10\x11"
    assert detach_keys("ctrl-a,x,ctrl-[,ctrl-@") == b"\x01x\x1b\x00"
    for wrong in ("ctrl-1", "ab", "ctrl-", "é"):
        with pytest.raises(Invalid):
            detach_keys(wrong)


@given(st.lists(st.binary(max_size=6), max_size=8))
def test_what_is_typed_arrives_but_for_the_keys(parts: list[bytes]) -> None:
    typed, arrived = Typed(b"\x10\x11"), b""
    for part in parts:
        arrived += typed.passed(part)
        if typed.detached:
            break
    whole = b"".join(parts)
    before, keys, _ = whole.partition(b"\x10\x11")
    assert typed.detached == bool(keys)
    assert arrived == (before if keys else whole.removesuffix(b"\x10"))


def test_one_detach_key() -> None:
    typed = Typed(b"q")
    assert (typed.passed(b"abq"), typed.detached) == (b"ab", True)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_the_log_holds_what_was_written(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]) -> None:
    home = tmp_path_factory.mktemp("log")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        journal = Journal()
        for part in parts:
            journal.write("stdout", part)
        journal.end()
    found = "".join(line.log for line in lines(home))
    pieces = b"".join(parts).split(b"\n")
    assert found == "\n".join(piece.decode("utf-8", "replace") for piece in pieces)


def test_long_lines_and_turning_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    journal = Journal(1000, 3)
    journal.write("stderr", b"x" * 40_000 + b"\n")
    assert [len(line.log) for line in lines(tmp_path)] == [16384, 16384, 7233]
    for number in range(100):
        journal.write("stdout", b"line %d\n" % number)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["log", "log.1", "log.2"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    shown = [line.log for line in lines(tmp_path)]
    assert shown == [f"line {number}\n" for number in range(100 - len(shown), 100)]
    record = json.loads((tmp_path / "log").read_bytes().splitlines()[-1])
    assert (record["log"], record["stream"]) == ("line 99\n", "stdout")


def test_tail_and_times(tmp_path: Path) -> None:
    record = '{{"log":"{}\\n","stream":"stdout","time":"2026-01-01T00:00:0{}.500000000Z"}}\n'
    (tmp_path / "log").write_text("".join(record.format(n, n) for n in range(6)) + '{"log":"cut sho')
    begin = 1_767_225_600.0
    assert [line.log for line in lines(tmp_path, tail=2)] == ["4\n", "5\n"]
    assert [line.log for line in lines(tmp_path, tail=0)] == []
    assert [line.log for line in lines(tmp_path, since=begin + 4)] == ["4\n", "5\n"]
    assert [line.log for line in lines(tmp_path, until=begin + 1)] == ["0\n"]


def test_tail_of_a_long_log(tmp_path: Path) -> None:
    record = '{"log":"%d\\n","stream":"stdout","time":"2026-01-01T00:00:00.500000000Z"}\n'
    (tmp_path / "log").write_text("".join(record % n for n in range(40_000)))
    for count in (1, 7, 15_000, 39_999, 50_000):
        assert [int(line.log) for line in lines(tmp_path, tail=count)] == list(range(40_000))[-count:]


def test_messages_in_pieces() -> None:
    raw = wire.framed({"out": b"12"}) + wire.framed({"exit": 3})
    received, found = bytearray(), []
    for byte in raw:
        received.append(byte)
        found += wire.unframed(received) or []
    assert found == [{"out": b"12"}, {"exit": 3}]
    assert wire.unframed(bytearray(b"\xff\xff\xff\xff")) is None


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ({"exit": 3}, NotFound, "has no monitor"),  # which goes to everybody, also who has not been heard yet
        ({"protocol": 2}, Unsupported, "of another version of scow"),
        (None, NotFound, "has no monitor"),
    ],
)
def test_what_a_monitor_answers_first(tmp_path: Path, answer: dict[str, int] | None, error: type, said: str) -> None:
    def monitor() -> None:
        with listener.accept()[0] as caller:
            assert wire.receive(caller.fileno()) == {"stop": True}
            if answer:
                wire.send(caller.fileno(), answer)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / wire.SOCKET))
        listener.listen()
        thread = threading.Thread(target=monitor)
        thread.start()
        with pytest.raises(error, match=said):
            Session.to(tmp_path, {"stop": True})
        thread.join()


class Checked:
    """A check that says nothing."""

    process, started = 5, ""

    def __init__(self, *_: object) -> None:
        pass

    def output(self) -> str:
        return ""

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("begun", "ended", "status"), [(9.0, 9.5, "starting"), (9.0, 11.0, "starting"),
                                                        (11.0, 12.0, "unhealthy")])  # fmt: skip
def test_a_check_that_began_while_the_container_started_does_not_count(
    monkeypatch: pytest.MonkeyPatch, begun: float, ended: float, status: str
) -> None:
    now = [0.0]
    monkeypatch.setattr(checks, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(checks, "_Check", Checked)
    wanted = {"interval": 1, "timeout": 9, "start_period": 10, "start_interval": 1, "retries": 1, "plan": {}}
    told: list[str] = []
    kept = checks.Health(Loop(), wanted, lambda health: told.append(health["status"]))
    kept.begin(1, 1)
    now[0] = begun
    kept._start()
    now[0] = ended
    kept.reaped(Checked.process, 1)
    assert told == [status]
