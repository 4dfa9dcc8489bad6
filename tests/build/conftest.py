"""A kitchen: an engine with busybox in its store, a context, and builds of Dockerfiles written in tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.build.servers import repository, web  # noqa: F401 - fixtures
from tests.support.rootfs import busybox_tar_path

from scow import Engine
from scow.build.execute import Event
from scow.image.image import Image
from scow.image.rootfs import view
from scow.layer.entry import Entry

#: of everything that is built, unless a test says otherwise
TIME = 1_600_000_000


@dataclass
class Kitchen:
    """``output`` is what the programs of the last build wrote, ``ran`` the titles of the steps that were not cached."""

    engine: Engine
    context: Path
    output: str = ""
    ran: list[str] = field(default_factory=list)

    def build(self, text: str, **given: Any) -> Image:
        """Build ``text`` (below ``FROM busybox`` where it has no FROM); keywords are those of ``images.build``."""
        self.output, self.ran = "", []
        dockerfile = text if "FROM" in text else f"FROM busybox\n{text}"
        wanted = {"source_date_epoch": TIME, "network": "none", **given}
        built = self.engine.images.build(self.context, dockerfile=dockerfile.encode(), watch=self._watch, **wanted)
        return self.engine.images.find(built).image

    def file(self, name: str, content: str | bytes = "", mode: int = 0o644) -> Path:
        """Write a file of the context."""
        path = self.context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def entries(self, image: Image, layer: int = -1) -> dict[str, Entry]:
        """What a layer of the image holds."""
        chosen = image.layers[layer]
        with self.engine.workplace.store.unpacking.index(chosen) as index:
            return {entry.path.decode(): entry for entry in index}

    def files(self, image: Image) -> dict[str, Entry]:
        """What the image holds, all layers together."""
        merged = view(image.layers, self.engine.workplace.store)
        return {found.entry.path.decode(): found.entry for found in merged.walk()}

    def history(self, image: Image) -> list[str]:
        """What each step of the image is called."""
        return [entry.created_by or "" for entry in image.config.history or ()]

    def _watch(self, event: Event) -> None:
        self.output += event.output.decode(errors="replace")
        if event.state == "done":
            self.ran.append(event.title)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    made = Engine(tmp_path_factory.mktemp("kitchen") / "store")
    with busybox_tar_path().open("rb") as tar:
        made.images.import_(tar, "busybox")
    return made


@pytest.fixture
def kitchen(engine: Engine, tmp_path: Path) -> Iterator[Kitchen]:
    """A fresh context over the session's store."""
    context = tmp_path / "context"
    context.mkdir()
    yield Kitchen(engine, context)
    left = list((engine.root / "ingest").glob("build-*"))
    assert not left
