"""Layers that go to a registry while the build that makes them goes on."""

from __future__ import annotations

import time
from pathlib import Path

from tests.support.processes import free_port

from scow import Engine
from scow.build.execute import Event
from scow.testing.registry import Registry


def context(place: Path) -> Path:
    place.mkdir()
    for name in ("first", "second"):
        (place / name).write_text(name)
    (place / "Dockerfile").write_text("FROM scratch\nCOPY first /first\nCOPY second /second\n")
    return place


def sent(registry: Registry) -> list[str]:
    """Blobs that were sent whole, in order."""
    return [one.path for one in registry.seen if one.method == "PUT" and "/blobs/uploads/" in one.path]


def test_a_layer_leaves_before_the_next_is_made(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "store")
    with Registry() as registry:
        name = f"{registry.host}/team/app:1"

        def watch(event: Event) -> None:
            if event.state == "started" and "second" in event.title:
                until = time.monotonic() + 30
                while not sent(registry) and time.monotonic() < until:
                    time.sleep(0.01)
                assert len(sent(registry)) == 1

        engine.images.build(context(tmp_path / "context"), tags=[name], watch=watch, ahead_of_push=[name])
        assert len(sent(registry)) == 2
        assert not any("/manifests/" in one.path and one.method == "PUT" for one in registry.seen)
        engine.images.push(name)
        assert len(sent(registry)) == 3  # the config
        engine.images.remove(name)
        engine.images.pull(name)


def test_a_build_does_not_mind_a_registry_that_is_away(tmp_path: Path) -> None:
    name = f"127.0.0.1:{free_port()}/app:1"
    Engine(tmp_path / "store").images.build(context(tmp_path / "context"), tags=[name], ahead_of_push=[name])
