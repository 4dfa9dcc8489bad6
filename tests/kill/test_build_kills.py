"""A build killed while its cache goes out, and builds of one Dockerfile at once: no wrong layer, no half cache."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from tests.kill.test_kills import Place, layer_tar, place  # noqa: F401 - a fixture
from tests.support.cli import popen_scow, run_scow
from tests.support.leftovers import cgroups, leftovers, lineage, processes, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = 12
TEXT = """FROM older:1 AS one
COPY data.tar /
RUN cp /data.tar /copy.tar && rm /data.tar
FROM older:1
COPY --from=one /copy.tar /
RUN --mount=type=cache,id=c,target=/c head -c 300000 /dev/urandom > /c/f; ls -l /copy.tar > /list
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    made = tmp_path / "context"
    made.mkdir()
    (made / "data.tar").write_bytes(layer_tar(11, files=60))
    (made / "Dockerfile").write_text(TEXT)
    return made


def test_killed_while_the_cache_goes_out(place: Place, context: Path, tmp_path: Path) -> None:  # noqa: F811
    """After any kill the name is not there, or what it names is whole: another machine builds without a warning."""
    name = f"{place.registry}/cache:1"
    base = tmp_path / "older.tar"
    place.run("save", "-o", str(base), "older:1")
    argv = ("build", "-q", "-t", "built:1", "--cache-to", f"type=registry,ref={name},mode=max,mounts=*", str(context))
    longest = place.timed(argv)
    expected = place.run("inspect", "-f", "{{.Id}}", "built:1")
    for number in range(KILLS):
        place.run("rmi", "built:1")
        place.run("builder", "prune", "-af")
        place.kill(argv, longest)
        place.check()
        if number % 4 == 3:
            other = Place(tmp_path / f"other{number}", place.home, place.registry)
            other.run("load", "-q", "-i", str(base))
            done = run_scow(
                "build", "-t", "built:1", "--cache-from", name, str(context), root=other.root, home=other.home
            ).ok()
            assert "WARNING" not in done.stderr
            assert other.run("inspect", "-f", "{{.Id}}", "built:1") == expected
            other.check()
        place.run("build", "-q", "-t", "built:1", str(context))
        assert place.run("inspect", "-f", "{{.Id}}", "built:1") == expected


def test_one_dockerfile_at_once(place: Place, context: Path) -> None:  # noqa: F811
    """Four builds that begin together, two of them without a cache: one image."""
    ways = [[], ["--no-cache"], [], ["--no-cache"]]
    running = [
        popen_scow("build", "-q", "-t", f"many:{number}", *flags, str(context), root=place.root, home=place.home)
        for number, flags in enumerate(ways)
    ]
    told = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0] * 4, told
    assert len({out for out, _ in told}) == 1
    place.check()
    place.run("builder", "prune", "-af")
    place.check()
    assert place.run("run", "--rm", "many:3", "cat", "/list")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(place: Place, context: Path, number: signal.Signals) -> None:  # noqa: F811
    """Ctrl-C, or the end of a CI job, in the middle of a RUN: nothing of it goes on, and the next build is right."""
    (context / "Dockerfile").write_text("FROM older:1\nRUN echo begun; sleep 300 && echo > /never\n")
    process = popen_scow("build", "--progress=plain", str(context), root=place.root, home=place.home)
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if b"begun" in line and b"echo" not in line:
            break
    process.send_signal(number)
    told.append(process.communicate(timeout=60)[1])
    assert process.returncode == 128 + number, b"".join(told)
    assert not [one for one in Path("/proc").glob("[0-9]*") if of_the_store(one, b"sleep\x00300", place.root)]
    assert not list((place.root / "ingest").glob("build-*"))
    place.check()
    (context / "Dockerfile").write_text("FROM older:1\nRUN echo > /then\n")
    place.run("build", "-q", "-t", "then:1", str(context))
    assert json.loads(place.run("inspect", "then:1"))[0]["RootFS"]["Layers"]


def test_everything_killed(place: Place, context: Path) -> None:  # noqa: F811
    """scow and all of a step at once: the next collection takes the step's cgroups with what else is left."""
    (context / "Dockerfile").write_text("FROM older:1\nRUN sleep 86001\n")
    process = popen_scow("--runtime", "runc", "build", str(context), root=place.root, home=place.home)
    (step,) = until(lambda: steps(place.root))
    process.send_signal(signal.SIGSTOP)  # it would clean up after its launcher
    os.kill(lineage(int(step.name), process.pid)[-1], signal.SIGKILL)
    until(lambda: not steps(place.root))
    process.kill()
    process.communicate()
    left = list((place.root / "ingest").glob("build-*"))
    assert any(cgroups(one.name) for one in left), "nothing was left to sweep"
    for one in left:
        os.utime(one, (0, 0))  # what is younger than ten seconds may not have been locked yet
    place.run("builder", "prune", "-f")
    assert [leftovers(one.name) for one in left if one.exists() or leftovers(one.name)] == []
    place.check()


def steps(root: Path) -> list[Path]:
    """The processes of the step above."""
    return [one for one in processes() if of_the_store(one, b"sleep\x0086001", root)]


def of_the_store(process: Path, command: bytes, root: Path) -> bool:
    """Whether the process runs the command on a file system of the store."""
    try:
        mounts = (process / "mounts").read_bytes()
        return command in (process / "cmdline").read_bytes() and str(root).encode() in mounts
    except OSError:
        return False
