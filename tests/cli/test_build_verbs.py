"""``scow build`` as people use it, and how it shows."""

from __future__ import annotations

import io
import re
import sys
import tarfile
from pathlib import Path

import pexpect
import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import COMMAND, Scow, environment

from scow.build.execute import Event
from scow.cli.builds.log import Plain, plain

TWO_STAGES = f"""FROM {IMAGE} AS one
ARG WHO=nobody
RUN echo "made for $WHO" | tee /made; printf 'no end'
FROM {IMAGE}
COPY --from=one /made /made
LABEL a=b
CMD ["cat", "/made"]
"""


@pytest.fixture(scope="module")
def scow(directory: Path) -> Scow:
    return make_box(directory)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(TWO_STAGES)
    return tmp_path


def test_lines_in_a_pipe_and_the_cache(scow: Scow, context: Path) -> None:
    first = scow("build", "--no-cache", "-t", "app", "-t", "app:v2", "--build-arg", "WHO=you", str(context)).ok()
    assert first.stdout == ""
    lines = re.sub(r"\d+\.\d+", "N", first.stderr).splitlines()
    assert list(dict.fromkeys(line for line in lines if line.startswith("#1 "))) == [
        """#1 [one 1/1] RUN echo "made for $WHO" | tee /made; printf 'no end'""",
        "#1 N made for you",
        "#1 N no end",
        "#1 DONE Ns",
    ]
    assert {"#2 [stage-1 1/1] COPY --from=one /made /made", "#2 DONE Ns"} <= set(lines)
    assert "#3 naming to docker.io/library/app:v2 done" in lines
    assert scow("run", "--rm", "app").ok().stdout == "made for you\n"
    again = scow("build", "-q", "--build-arg", "WHO", str(context), env={"WHO": "you"}).ok()
    assert again.stderr == ""
    assert f"writing image {again.stdout.strip()} done" in first.stderr
    cached = scow("build", "--build-arg", "WHO=you", str(context)).ok()
    assert cached.stderr.count("CACHED") == 2


def test_flags(scow: Scow, context: Path, tmp_path: Path) -> None:
    (context / "other").mkdir()
    (context / "other/File").write_text(f"FROM {IMAGE} AS a\nLABEL b=1\nFROM a AS c\nRUN echo never; exit 1\n")
    ids = tmp_path / "id"
    flags = ["-f", "other/File", "--target", "a", "--label", "c=2", "--iidfile", str(ids), "--network", "none"]
    made = scow("build", "-q", *flags, str(context), cwd=Path("/")).ok().stdout.strip()
    assert ids.read_text() == made
    assert (
        scow("images", "-aq", "--no-trunc", "--filter", "label=b=1", "--filter", "label=c=2").ok().stdout.strip()
        == made
    )


def test_times_are_the_asked_ones(scow: Scow, context: Path) -> None:
    one = scow("build", "-q", "--no-cache", str(context), env={"SOURCE_DATE_EPOCH": "1000000000"}).ok().stdout
    two = scow("build", "-q", "--no-cache", "--build-arg", "SOURCE_DATE_EPOCH=1000000000", str(context)).ok().stdout
    assert one == two
    (context / "Dockerfile").write_text("FROM scratch\nARG SOURCE_DATE_EPOCH\nLABEL when=$SOURCE_DATE_EPOCH\n")
    one = scow("build", "-q", str(context), env={"SOURCE_DATE_EPOCH": "1000000000"}).ok().stdout
    assert one == scow("build", "-q", "--build-arg", "SOURCE_DATE_EPOCH=1000000000", str(context)).ok().stdout
    none = scow("build", "-q", "--build-arg", "SOURCE_DATE_EPOCH=", str(context), env={"SOURCE_DATE_EPOCH": "7"}).ok()
    assert scow("inspect", "-f", "{{.Config.Labels.when}}|{{.Created}}", none.stdout.strip()).ok().stdout == (
        "|1970-01-01T00:00:00Z\n"
    )
    bad = scow("build", str(context), env={"SOURCE_DATE_EPOCH": "yesterday"})
    assert (bad.exit_code, "SOURCE_DATE_EPOCH is not a number" in bad.stderr) == (1, True)


def test_a_failing_step(scow: Scow, context: Path) -> None:
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo before; echo why >&2; exit 9\nRUN true\n")
    result = scow("build", str(context))
    assert result.exit_code == 1
    log = re.sub(r"\d+\.\d{3}", "N", result.stderr)
    assert "#1 ERROR: process '/bin/sh -c echo before; echo why >&2; exit 9' did not complete" in log
    assert "------\n > [stage-0 1/2] RUN echo before; echo why >&2; exit 9:\nN before\nN why\n------\n" in log
    assert log.endswith("    2 | RUN echo before; echo why >&2; exit 9\n        " + "^" * 37 + "\n")
    quiet = scow("build", "-q", str(context))
    assert (quiet.exit_code, quiet.stdout) == (1, "")
    assert "why" in quiet.stderr


def test_a_dockerfile_that_is_wrong(scow: Scow, context: Path) -> None:
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\nCOPPY a b\n")
    result = scow("build", str(context))
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "scow: Dockerfile:2: unknown instruction: COPPY\n    2 | COPPY a b\n        ^^^^^\n"
    )


@pytest.mark.parametrize("endless", ["Dockerfile", ".dockerignore"])
def test_a_dockerfile_that_has_no_end(scow: Scow, context: Path, endless: str) -> None:
    (context / endless).unlink(missing_ok=True)
    (context / endless).symlink_to("/dev/zero")
    result = scow("build", str(context))
    assert result.exit_code == 1
    assert "is larger than 1048576 bytes" in result.stderr


def test_a_dockerfile_from_standard_input(scow: Scow, context: Path) -> None:
    text = f"FROM {IMAGE}\nCMD echo from stdin\n".encode()
    scow("build", "-t", "stdin", "-", stdin=text).ok()
    assert scow("run", "--rm", "stdin").ok().stdout == "from stdin\n"
    (context / "file").write_text("content")
    scow("build", "-t", "both", "-f", "-", str(context), stdin=f"FROM {IMAGE}\nCOPY file /\n".encode()).ok()
    assert scow("run", "--rm", "both", "cat", "/file").ok().stdout == "content"
    assert scow("build", "-", stdin=b"").exit_code == 1


def tar_of(*members: tuple[str, bytes, str], mode: str = "w") -> bytes:
    """(name, content, link target) of each member."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content, target in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            if target:
                member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_context_from_standard_input(scow: Scow, mode: str) -> None:
    dockerfile = f"FROM {IMAGE}\nCOPY . /all\nCMD cat /all/deep/er\n".encode()
    context = tar_of(("Dockerfile", dockerfile, ""), ("deep/er", b"in a tar", ""), mode=mode)
    scow("build", "-t", "tarred", "-", stdin=context).ok()
    assert scow("run", "--rm", "tarred").ok().stdout == "in a tar"


@pytest.mark.parametrize(
    "members",
    [
        [("Dockerfile", b"", "/etc/hostname")],
        [("Dockerfile", b"FROM scratch\n", ""), (".dockerignore", b"", "/etc/hostname")],
        [("Dockerfile", b"FROM scratch\n", ""), ("../outside", b"x", "")],
        [("out", b"", "/tmp"), ("Dockerfile", b"FROM scratch\nCOPY out/nothing /\n", "")],
    ],
)
def test_a_context_that_leads_outside(scow: Scow, members: list[tuple[str, bytes, str]]) -> None:
    result = scow("build", "-", stdin=tar_of(*members))
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    assert Path("/etc/hostname").read_text().strip() not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--secret", "id=x", "."], 1, "secret x: no such file"),
        (["--call", "subrequests.describe", "."], 1, "check, outline or targets"),
        (["file:///no/such/x.git"], 1, "git ls-remote failed"),
        (["ftp://127.0.0.1/x"], 1, "not a context that can be fetched"),
        (["no/such"], 1, "not a directory"),
        (["-f", "-", "-"], 1, "can't use stdin for both"),
        (["--progress", "fancy", "."], 125, "fancy"),
        (["-t", "Upper", "."], 1, "lowercase"),
        ([], 1, "requires 1 argument"),
        (["--nosuch", "."], 125, "unknown flag: --nosuch"),
        (["--target", "nosuch", "."], 1, "nosuch"),
    ],
)
def test_refusals(scow: Scow, context: Path, arguments: list[str], code: int, told: str) -> None:
    result = scow("build", *arguments, cwd=context)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_arguments_that_nobody_takes_are_told(scow: Scow, context: Path) -> None:
    done = scow("build", "--build-arg", "NOBODY=1", "--build-arg", "WHO=you", str(context)).ok()
    assert "WARNING: One or more build-args [NOBODY] were not consumed" in done.stderr


def test_what_changes_nothing_is_fine(scow: Scow, context: Path) -> None:
    scow("build", "-q", "--rm", "--force-rm=false", "--load", "--provenance=false", str(context)).ok()


@pytest.mark.parametrize("flags", [[], ["--progress", "tty"]])
def test_on_a_terminal(directory: Path, scow: Scow, context: Path, flags: list[str]) -> None:
    argv = [*COMMAND, "build", "--no-cache", "-t", "drawn", *flags, str(context)]
    env = {**environment(directory / "store", directory / "home"), "TERM": "xterm"}
    child = pexpect.spawn(sys.executable, argv, env=env, dimensions=(20, 90), timeout=60)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", child.before.decode())
    assert "[+] Building " in shown
    assert re.search(r"\(2/2\) FINISHED", shown)
    assert " => [one 1/1] RUN echo" in shown
    assert " => naming to docker.io/library/drawn:latest" in shown
    assert max(len(line) for line in shown.replace("\r", "\n").split("\n")) <= 90


def event(state: str, output: bytes = b"", number: int = 1, stage: str = "s") -> Event:
    return Event(stage, number, 2, "RUN x", state, 0.5, output)  # type: ignore[arg-type]


def test_stages_side_by_side() -> None:
    stream = io.StringIO()
    with Plain(stream) as log:
        for one in (
            event("started"), event("started", stage="t"), event("output", b"a\nb"), event("output", b"t\n", stage="t"),
            event("output", b"c\n"), event("done"), event("cached", stage="t"),
        ):  # fmt: skip
            log.watch(one)
    assert re.sub(r"\d\.\d{3}", "N", stream.getvalue()).splitlines() == [
        "#1 [s 1/2] RUN x", "", "#2 [t 1/2] RUN x", "", "#1 [s 1/2] RUN x", "#1 N a", "", "#2 [t 1/2] RUN x", "#2 N t",
        "", "#1 [s 1/2] RUN x", "#1 N bc", "#1 DONE 0.5s", "", "#2 [t 1/2] RUN x", "#2 CACHED",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"plain", "plain"),
        (b"10%\r50%\r100%\r", "100%"),
        (b"\x1b[31mred\x1b[0m \x1b]0;title\x07end", "red end"),
        (b"\x1b[2J\x1b[1;1Hcleared\x08\x00", "cleared"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("été\t1".encode(), "été\t1"),
    ],
)
def test_output_moves_no_cursor(written: bytes, shown: str) -> None:
    assert plain(written) == shown
