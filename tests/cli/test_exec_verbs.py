"""``exec`` and terminals: more programs in containers that run, and coming back to a terminal."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from tests.cli.boxes import IMAGE
from tests.support.cli import COMMAND, Scow, environment
from tests.support.leftovers import until


@pytest.fixture(scope="module")
def sleeper(box: Scow) -> Iterator[str]:
    box("run", "-d", "--name", "sleeper", "-e", "ONE=1", "-w", "/home", IMAGE, "sleep", "1000").ok()
    yield "sleeper"
    box("rm", "-f", "sleeper").ok()


def typing(directory: Path, *argv: str, size: tuple[int, int] = (33, 77)) -> pexpect.spawn:
    env = {**environment(directory / "store", directory / "home"), "TERM": "xterm"}
    return pexpect.spawn(sys.executable, [*COMMAND, *argv], env=env, dimensions=size, timeout=30)


def typed_until(child: pexpect.spawn, line: str, answer: str) -> None:
    """Type it until it is answered so: a size comes when the signal has come, and what is typed too early is lost."""

    def answered() -> bool:
        child.sendline(line)
        return bool(child.expect([answer, pexpect.TIMEOUT], timeout=0.5) == 0)

    until(answered)


def ended(child: pexpect.spawn) -> int:
    child.expect(pexpect.EOF)
    child.close()
    return int(child.exitstatus)


def test_what_it_is_given(box: Scow, sleeper: str) -> None:
    script = (
        "echo $ONE $TWO; pwd; id -u; grep -E '^(CapEff|Seccomp|SigIgn):' /proc/self/status; ls /proc/self/fd | wc -l"
    )
    shown = box("exec", "-e", "TWO=2", sleeper, "sh", "-c", script).ok().stdout.splitlines()
    inside = box("exec", sleeper, "grep", "-E", "^(CapEff|Seccomp|SigIgn):", "/proc/1/status").ok().stdout.splitlines()
    assert shown[:3] == ["1 2", "/home", "0"]
    assert shown[3:6] == inside
    assert shown[6] == "4"  # the three, and that of ls
    other = box("exec", "-u", "app", "-w", "/tmp", sleeper, "sh", "-c", "id -un; id -G; pwd; echo $HOME").ok().stdout
    assert other == "app\n1000 2000\n/tmp\n/home/app\n"


def test_nothing_of_images_is_loaded_for_it(box: Scow, sleeper: str) -> None:
    """What it starts from was written down when the container started; that is half of its time."""
    told = box("exec", sleeper, "true", env={"PYTHONPROFILEIMPORTTIME": "1"}).ok().stderr
    loaded = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    assert "scow.runtime.joined" in loaded
    parts = ("scow.image", "scow.layer", "scow.content", "scow.runtime.bundle", "scow.runtime.probe")
    records = {"scow.content", "scow.content.disk", "scow.files"}
    assert not [name for name in loaded - records if name.startswith(parts)]


def test_it_is_in_the_container(box: Scow, sleeper: str) -> None:
    kinds = "for n in pid mnt ipc uts net user cgroup; do readlink /proc/{}/ns/$n; done"
    mine = box("exec", sleeper, "sh", "-c", kinds.format("self")).ok().stdout
    assert mine == box("exec", sleeper, "sh", "-c", kinds.format("1")).ok().stdout
    first, mine = (box("exec", sleeper, "cat", f"/proc/{who}/cgroup").ok().stdout for who in ("1", "self"))
    assert first == mine


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["sh", "-c", "exit 7"], 7, ""),
        (["sh", "-c", "kill -9 $$"], 137, ""),
        (["nosuch"], 127, "executable file not found"),
        (["/etc"], 126, "is a directory"),
        (["/proc/self/exe"], 127, "no such file"),
    ],
)
def test_exit_codes(box: Scow, sleeper: str, argv: list[str], code: int, told: str) -> None:
    result = box("exec", sleeper, *argv)
    assert (result.exit_code, told in result.stderr) == (code, True)


def test_refusals(box: Scow, sleeper: str) -> None:
    assert "unable to find user nosuch" in box("exec", "-u", "nosuch", sleeper, "true").stderr
    assert box("exec", "-w", "/no/such", sleeper, "true").exit_code == 127
    assert box("exec", "nosuch", "true").stderr == "scow: No such container: nosuch\n"
    box("create", "--name", "still", IMAGE).ok()
    told = box("exec", "still", "true")
    assert (told.exit_code, "is not running" in told.stderr) == (1, True)
    assert "not a TTY" in box("exec", "-it", sleeper, "true").stderr
    box("rm", "still").ok()


def test_streams_and_background(box: Scow, sleeper: str) -> None:
    result = box("exec", "-i", sleeper, "sh", "-c", "cat; echo err >&2", stdin=b"in\n" * 100_000).ok()
    assert (len(result.stdout), result.stderr) == (300_000, "err\n")
    assert box("exec", "-d", sleeper, "sh", "-c", "sleep 0.2; echo x > /done").ok().stdout == ""
    until(lambda: box("exec", sleeper, "cat", "/done").stdout == "x\n")


def test_privileged(box: Scow, sleeper: str) -> None:
    shown = box("exec", "--privileged", sleeper, "grep", "-E", "CapEff|Seccomp:", "/proc/self/status").ok().stdout
    assert "Seccomp:\t0" in shown
    assert shown != box("exec", sleeper, "grep", "-E", "CapEff|Seccomp:", "/proc/self/status").ok().stdout


def test_a_foreground_container_takes_programs_too(box: Scow, directory: Path) -> None:
    child = typing(directory, "run", "--rm", "--name", "fast", IMAGE, "sh", "-c", "echo ready; sleep 100")
    child.expect("ready")
    assert box("exec", "fast", "cat", "/proc/1/comm").ok().stdout in ("sh\n", "sleep\n")
    assert "has its streams" in box("attach", "fast").stderr
    box("stop", "-t", "0", "fast").ok()
    assert ended(child) == 137


def test_terminal_of_exec(box: Scow, sleeper: str, directory: Path) -> None:
    script = 'tty; stty size; until [ "$(stty size)" = "44 88" ]; do sleep 0.1; done; read -r line; exit "$line"'
    child = typing(directory, "exec", "-it", sleeper, "sh", "-c", script)
    child.expect("/dev/pts/[0-9]+\r\n33 77\r\n")
    child.setwinsize(44, 88)
    child.sendline("3")
    assert ended(child) == 3


def test_keys_leave_and_attach_comes_back(box: Scow, directory: Path) -> None:
    script = 'while read -r line; do echo "got $line"; stty size; done'
    child = typing(directory, "run", "-it", "--name", "talk", IMAGE, "sh", "-c", script)
    child.sendline("one")
    child.expect("got one\r\n33 77\r\n")
    child.send("\x10\x11")
    assert ended(child) == 0
    assert box("ps", "--format", "{{.Names}}", "--filter", "name=talk").ok().stdout == "talk\n"
    again = typing(directory, "attach", "--detach-keys", "ctrl-a,d", "talk", size=(40, 90))
    typed_until(again, "two", "got two\r\n40 90\r\n")
    again.setwinsize(50, 100)
    typed_until(again, "three", "got three\r\n50 100\r\n")
    again.send("\x01d")
    assert ended(again) == 1  # as docker's attach, alone
    again = typing(directory, "attach", "talk", size=(50, 100))
    typed_until(again, "four", "got four\r\n")
    again.send("\x03")  # ctrl-c is the program's
    assert ended(again) == 130
    assert "got two" in box("logs", "talk").ok().stdout
    box("rm", "talk").ok()


def test_a_terminal_that_is_closed_does_not_end_what_runs_on_it(box: Scow, directory: Path) -> None:
    """As with docker, no signal is passed on to a program that has a terminal of its own."""
    box("run", "-dit", "--name", "kept", IMAGE, "sh").ok()
    for words in (("attach", "kept"), ("start", "-ai", "kept")):
        child = typing(directory, *words)
        typed_until(child, "echo he''re", "here\r\n")
        child.kill(signal.SIGHUP)
        child.expect(pexpect.EOF)
        child.close()
        assert box("exec", "kept", "cat", "/proc/1/comm").ok().stdout == "sh\n"
    box("rm", "-f", "kept").ok()


def test_start_interactively(box: Scow, directory: Path) -> None:
    box("create", "-it", "--name", "shell", IMAGE, "sh").ok()
    for _ in range(2):
        child = typing(directory, "start", "-ai", "shell")
        child.expect("# ")
        child.sendline("exit 6")
        assert ended(child) == 6
    box("rm", "shell").ok()


def test_rm_of_a_terminal_container(box: Scow, directory: Path) -> None:
    child = typing(directory, "run", "--rm", "-it", "--name", "brief", IMAGE, "sh", "-c", "exit 5")
    assert ended(child) == 5
    assert box("ps", "-aq", "--filter", "name=brief").ok().stdout == ""


def test_groups_of_the_container_are_its_too(box: Scow) -> None:
    box("run", "-d", "--name", "grouped", "--group-add", "777", IMAGE, "sleep", "1000").ok()
    try:
        assert box("exec", "-u", "app", "grouped", "id", "-G").ok().stdout == "1000 777 2000\n"
        assert box("exec", "grouped", "id", "-G").ok().stdout == "0 777\n"
    finally:
        box("rm", "-f", "grouped").ok()
