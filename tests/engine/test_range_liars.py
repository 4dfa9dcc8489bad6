"""Single files at registries that ignore ranges or lie about them: the right bytes all the same, or a clear error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.test_ranges import as_stargz, cat

from scow import Engine
from scow.errors import ScowError
from scow.testing.registry import Registry
from scow.testing.registry_handler import Exchange


def ignored(exchange: Exchange) -> bool:
    del exchange.headers["Range"]
    return False


def refused(exchange: Exchange) -> bool:
    exchange.refuse(416, "RANGE_INVALID")
    return True


def shifted(exchange: Exchange) -> bool:
    """Another part than was asked for, and said so."""
    exchange.headers.replace_header("Range", "bytes=1-9")
    return False


def from_the_start(exchange: Exchange) -> bool:
    """The beginning, said to be what was asked for."""
    start, _, end = exchange.headers["Range"].removeprefix("bytes=").partition("-")
    last = int(end or 0)
    body = bytes(last - int(start) + 1)
    exchange.send_response(206)
    exchange.send_header("Content-Range", f"bytes {start}-{last}/*")
    exchange.send_header("Content-Length", str(len(body)))
    exchange.end_headers()
    exchange.wfile.write(body)
    return True


Fault = Callable[[Exchange], bool]


@pytest.mark.parametrize("lie", [ignored, refused, shifted, from_the_start])
def test_never_other_bytes(lie: Fault, engine: Engine, tmp_path: Path) -> None:
    asked: list[str] = []

    def fault(exchange: Exchange) -> bool:
        if exchange.method != "GET" or "/blobs/" not in exchange.path or not exchange.headers.get("Range"):
            return False
        asked.append(exchange.headers["Range"])
        return lie(exchange)

    with Registry() as registry:
        name = f"{registry.host}/ranges/app:1"
        as_stargz(Engine(tmp_path / "maker"), name, tmp_path, None)
        registry.fault = fault
        try:
            assert cat(engine, name, "/etc/before") == b"before\n"
        except ScowError as error:
            assert lie in (shifted, from_the_start), error
        assert asked
        registry.fault = None
        assert cat(engine, name, "/etc/before") == b"before\n"
        assert engine.system.check().sound
