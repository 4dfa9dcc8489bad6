"""A pull that is cut short, in whatever way: the next one fetches no byte that the first one had."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.places import Made
from tests.support.cli import popen_scow, run_scow
from tests.support.leftovers import until

from scow import Engine
from scow.testing.registry import Registry
from scow.testing.registry_handler import Exchange

SIZE = 3_000_000
#: bytes of each large blob that come before the line goes quiet, and how long it stays so (seconds)
FIRST, QUIET = 1_000_000, 30


class Line:
    """A registry that stops in the middle of each large blob while ``quiet``; counts the bytes it was asked for."""

    def __init__(self, registry: Registry) -> None:
        self.registry, self.quiet, self.asked = registry, True, 0
        registry.fault = self.fault

    def fault(self, exchange: Exchange) -> bool:
        if exchange.method != "GET" or "/blobs/" not in exchange.path:
            return False
        digest = exchange.url_path.rpartition("/")[2]
        path = next(p for p in self.registry.directory.rglob(digest.partition(":")[2]) if p.stat().st_size)
        data = path.read_bytes()
        start = int((exchange.headers.get("Range") or "bytes=0-")[6:-1])
        if not self.quiet or len(data) < SIZE:
            self.asked += len(data) - start
            return False
        exchange.send_response(200)
        exchange.send_header("Content-Length", str(len(data)))
        exchange.end_headers()
        exchange.wfile.write(data[:FIRST])
        exchange.wfile.flush()
        self.asked += FIRST
        until = time.monotonic() + QUIET
        while self.quiet and time.monotonic() < until:
            time.sleep(0.02)
        exchange.drop()
        return True


def dropped(exchange: Exchange) -> bool:
    exchange.drop()
    return True


@pytest.fixture
def line() -> Iterator[Line]:
    with Registry() as registry:
        yield Line(registry)


def parts(root: Path) -> list[int]:
    """How much there is of each blob that is not whole."""
    return sorted(path.stat().st_size for path in (root / "ingest").glob("*.part")) if root.exists() else []


def wait_for_parts(root: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + QUIET
    while time.monotonic() < deadline and process.poll() is None:
        if sum(parts(root)) >= FIRST:
            return
        time.sleep(0.02)
    raise AssertionError(f"the pull did not get so far: {process.communicate()}")


@pytest.mark.parametrize("how", ["ctrl-c", "kill", "dead line"])
def test_no_byte_is_fetched_twice(how: str, line: Line, tmp_path: Path) -> None:
    made = Made(bulk=SIZE)
    line.quiet = False
    name = made.at(Engine(tmp_path / "maker"), f"{line.registry.host}/team/app:1")
    line.quiet, line.asked = True, 0
    root = tmp_path / "store"
    process = popen_scow("pull", "-q", "--platform", "linux/amd64", name, root=root, home=tmp_path)
    wait_for_parts(root, process)
    if how == "dead line":  # refused from now on, too
        line.registry.fault = dropped
        line.quiet = False
    else:
        process.send_signal(signal.SIGINT if how == "ctrl-c" else signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == {"ctrl-c": 130, "kill": -9, "dead line": 1}[how], said
    had = sum(parts(root))
    assert had >= FIRST
    line.registry.fault, line.quiet = line.fault, False
    before = line.asked
    run_scow("pull", "-q", "--platform", "linux/amd64", name, root=root, home=tmp_path).ok()
    image = Engine(root).images.find(name).image
    whole = sum(layer.descriptor.size for layer in image.layers) + image.manifest.config.size
    assert line.asked - before <= whole - had
    assert run_scow("system", "check", root=root, home=tmp_path).ok()
    assert parts(root) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_is_asked_to_end_takes_away_what_it_was_writing(number: signal.Signals, line: Line, tmp_path: Path) -> None:
    line.quiet = False
    name = Made(bulk=SIZE).at(Engine(tmp_path / "maker"), f"{line.registry.host}/team/app:1")
    line.quiet = True
    root, out = tmp_path / "store", tmp_path / "out"
    out.mkdir()
    process = popen_scow("copy", "-q", f"docker://{name}", f"oci-archive:{out}/image.tar", root=root, home=tmp_path)
    until(lambda: line.asked >= FIRST)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (128 + number, b"")
    assert list(out.iterdir()) == []
    assert list((root / "ingest").iterdir()) == []
    assert list((root / "leases").iterdir()) == []
