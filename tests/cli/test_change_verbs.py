"""What a container changed, and holding it: ``diff commit pause unpause top``."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from tests.cli.boxes import IMAGE
from tests.support.cli import Scow
from tests.support.leftovers import until

WRITING = (
    "echo x > /new; rm /etc/group; mkdir -p /d/e; chown 5:6 /d; chmod 4755 /d/e; touch /etc/passwd;"
    " rm -r /home; mkdir /home; touch /usr; chmod 711 /var; echo ready; while :; do date; sleep 0.05; done"
)


@pytest.fixture(params=["sandbox", "runc", "crun"])
def writer(box: Scow, request: pytest.FixtureRequest) -> Iterator[str]:
    made = box("--runtime", request.param, "run", "-d", "--name", "writer", "-e", "A=1", IMAGE, "sh", "-c", WRITING)
    if "is not installed" in made.stderr:
        pytest.skip(made.stderr)
    made.ok()
    until(lambda: "ready" in box("logs", "writer").stdout)
    yield "writer"
    box("rm", "-f", "writer").ok()


def test_diff_and_commit(box: Scow, writer: str) -> None:
    shown = box("diff", writer).ok().stdout.splitlines()
    wanted = ["A /d", "A /d/e", "C /etc", "D /etc/group", "C /etc/passwd", "C /home", "D /home/app", "A /new", "C /var"]
    assert [line for line in shown if line not in ("C /dev", "C /proc", "C /sys")] == wanted
    flags = ["-a", "me", "-m", "why", "-c", "ENV B=2", "-c", 'CMD ["cat", "/new"]']
    made = box("commit", *flags, writer, "made:1").ok().stdout
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", made)
    assert box("run", "--rm", "made:1").ok().stdout == "x\n"
    look = "stat -c '%u %g %a' /d /d/e; ls /etc/group /home/app 2>/dev/null; echo $A $B"
    assert box("run", "--rm", "made:1", "sh", "-c", look).ok().stdout == "5 6 755\n0 0 4755\n1 2\n"
    assert box("inspect", "-f", "{{.Author}} {{.Comment}}", "made:1").ok().stdout == "me why\n"
    assert "refusing to create a tag with a digest" in box("commit", writer, f"made@sha256:{'a' * 64}").stderr
    for change in ("RUN x", "FROM x"):
        assert "is not a valid change command" in box("commit", "-c", change, writer).stderr
    assert box("inspect", "-f", "{{.State.Status}}", writer).ok().stdout == "running\n"  # and paused no more


def test_commit_of_nothing(box: Scow) -> None:
    box("create", "--name", "still", IMAGE, "echo", "hi").ok()
    assert box("diff", "still").ok().stdout == ""
    box("commit", "still", "same:1").ok()
    layers = "{{len .RootFS.Layers}}"
    assert box("inspect", "-f", layers, "same:1").ok().stdout == box("inspect", "-f", layers, IMAGE).ok().stdout
    assert box("run", "--rm", "same:1").ok().stdout == "hi\n"
    box("commit", "-c", 'ENTRYPOINT ["echo", "ho"]', "still", "other:1").ok()
    assert box("run", "--rm", "other:1").ok().stdout == "ho\n"  # a command is an entrypoint's own
    box("rm", "still").ok()


def test_commit_of_what_was_asked_for(box: Scow) -> None:
    asked = ["-v", "/own", "-v", "named:/named", "--expose", "99", "--health-cmd", "x", "--health-retries", "2"]
    box("create", "--name", "asked", *asked, IMAGE, "echo", "hi").ok()
    box("commit", "asked", "asked:1").ok()
    template = "{{with .Config}}{{json .Volumes}} {{json .ExposedPorts}} {{.Healthcheck}}{{end}}"
    shown = box("inspect", "-f", template, "asked:1")
    assert shown.ok().stdout.startswith('{"/own":{}} {"99/tcp":{}} ')
    assert "CMD-SHELL x" in shown.stdout
    box("rm", "-v", "asked").ok()
    box("volume", "rm", "named").ok()


def silent(box: Scow, name: str) -> str:
    """Its log, if it has not grown for some moments."""
    before = box("logs", name).ok().stdout
    time.sleep(0.4)
    return before if box("logs", name).stdout == before else ""


def test_pause(box: Scow, writer: str) -> None:
    box("pause", writer).ok()
    assert "(Paused)" in box("ps").ok().stdout
    before = until(lambda: silent(box, writer))
    for wrong, told in (("pause", "already paused"), ("exec", "paused"), ("start", "paused"), ("rm", "paused")):
        words = [wrong, writer, *(["true"] if wrong == "exec" else [])]
        result = box(*words)
        assert (result.exit_code, told in result.stderr) == (1, True), result
    box("unpause", writer).ok()
    until(lambda: box("logs", writer).stdout != before)
    assert "is not paused" in box("unpause", writer).stderr
    box("pause", writer)
    box("stop", "-t", "0", writer).ok()
    assert box("inspect", "-f", "{{.State.Status}}", writer).ok().stdout == "exited\n"


def test_top(box: Scow, writer: str) -> None:
    shown = box("top", writer).ok().stdout.splitlines()
    assert shown[0].startswith(f"{'UID':20}{'PID':20}PPID")
    assert shown[0].split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    pid = box("inspect", "-f", "{{.State.Pid}}", writer).ok().stdout.strip()
    assert [line.split()[1] for line in shown[1:2]] == [pid]
    chosen = box("top", writer, "-o", "pid,comm").ok().stdout.splitlines()
    assert chosen[0].split() == ["PID", "COMMAND"]
    assert chosen[1].split() == [pid, "sh"]
    assert box("top", writer, "-o", "nothing").stderr.count("\n") == 1
    assert "PID field" in box("top", writer, "-o", "comm").stderr
