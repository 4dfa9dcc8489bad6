"""A secret given to a build is found nowhere afterwards: not in the store, caches that travel, logs, command lines."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from pathlib import Path

import pytest
from tests.e2e.actors import Actor

pytestmark = [pytest.mark.slow]

HUSH = "hush-" + "7c1f" * 6
DOCKERFILE = """FROM busybox:1 AS made
RUN --mount=type=secret,id=file --mount=type=secret,id=name,env=NAME \\
    --mount=type=cache,id=kept,target=/c \\
    test "$(cat /run/secrets/file)" = "$NAME" && sleep 1 && echo "${#NAME}" | tee /length /c/length && exit ${FAIL:-0}
FROM made
RUN --mount=type=secret,id=file,target=/etc/deep/secret,mode=0444 wc -c < /etc/deep/secret > /count; exit ${FAIL:-0}
"""


def everything(root: Path) -> bytes:
    """Every byte of every file beneath ``root``, compressed ones decompressed, and every name."""
    found = []
    for path in root.rglob("*"):
        found.append(str(path).encode())
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            found += [data, gzip.decompress(data) if data[:2] == b"\x1f\x8b" else b""]
    return b"\0".join(found)


class CommandLines(threading.Thread):
    """Reads every command line of the machine until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self.over = threading.Event()

    def run(self) -> None:
        """Look, again and again."""
        while not self.over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.seen.add(path.read_bytes())


@pytest.mark.parametrize("fails", [False, True])
def test_nowhere(stocked: Actor, fails: bool) -> None:
    actor = stocked
    actor.file("context/Dockerfile", DOCKERFILE.replace("${FAIL:-0}", str(int(fails))))
    secret = actor.file("given/secret", HUSH)
    log = actor.directory / "cache"
    flags = [
        "--secret", f"id=file,src={secret}", "--secret", "id=name,env=GIVEN", "--progress", "rawjson",
        "--provenance=mode=max", "--cache-to", f"type=local,dest={log},mode=max,mounts=*",
        "--metadata-file", str(actor.directory / "about.json"), "-t", "kept:1",
    ]  # fmt: skip
    watching = CommandLines()
    watching.start()
    try:
        done = actor("build", *flags, str(actor.directory / "context"), env={"GIVEN": HUSH})
    finally:
        watching.over.set()
        watching.join()
    assert done.exit_code == (1 if fails else 0), done.stderr
    assert any(b"busybox" in line or b"sleep" in line for line in watching.seen)
    needle = HUSH.encode()
    assert not [line for line in watching.seen if needle in line]
    assert needle not in done.output + done.stderr.encode()
    secret.unlink()
    assert needle not in everything(actor.directory)
    for left in Path("/dev/shm").glob("scow-secrets-*"):
        assert needle not in everything(left)
    if not fails:
        history = actor("history", "--no-trunc", "--format", "json", "kept:1").ok().stdout
        assert HUSH not in history + json.dumps(json.loads(actor("inspect", "kept:1").ok().stdout))
        assert actor("run", "--rm", "kept:1", "cat", "/length", "/count").ok().stdout.split() == [str(len(HUSH))] * 2
