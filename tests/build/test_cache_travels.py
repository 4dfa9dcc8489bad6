"""The build cache on other machines: out to a registry, a directory or an image, and in again where nothing is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.build.conftest import Kitchen
from tests.support.rootfs import busybox_tar_path

from scow import Engine
from scow.engine.builds.caching import CacheFrom, CacheTo
from scow.errors import ScowError
from scow.testing.registry import Registry

TEXT = """FROM busybox AS one
RUN echo made > /made
FROM busybox
WORKDIR /w
COPY --from=one /made /copied
COPY f .
RUN cat f > g
"""


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as running:
        yield running


class Machines:
    """Machines with empty stores but for busybox, over one context."""

    def __init__(self, directory: Path, context: Path) -> None:
        self.directory, self.context, self.count = directory, context, 0
        self.warnings: list[str] = []

    def new(self) -> Kitchen:
        self.count += 1
        engine = Engine(self.directory / f"store{self.count}")
        with busybox_tar_path().open("rb") as tar:
            engine.images.import_(tar, "busybox", changes=["ENV A=1"])
        image = engine.images.find("busybox").image
        if self.count > 1:  # an import is made at a time: every machine has the very same base
            engine.images.remove("busybox")
            with (self.directory / "base.tar").open("rb") as tar:
                engine.images.load(tar)
        else:
            with (self.directory / "base.tar").open("wb") as output:
                engine.images.save(["busybox"], output)
        assert image.layers
        return Kitchen(engine, self.context)

    def build(self, kitchen: Kitchen, text: str = TEXT, **given: Any) -> str:
        return kitchen.build(text, warn=self.warnings.append, **given).id


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    context = tmp_path / "context"
    context.mkdir()
    (context / "f").write_text("file")
    return Machines(tmp_path, context)


def test_through_a_registry(machines: Machines, registry: Registry) -> None:
    name = f"{registry.host}/team/cache:main"
    first = machines.new()
    image_id = machines.build(first, cache_to=[CacheTo("registry", name, mode="max")])
    assert len(first.ran) == 5
    second = machines.new()
    assert machines.build(second, cache_from=[CacheFrom("registry", name)]) == image_id
    assert second.ran == []
    assert machines.build(second) == image_id  # and now it is the store's own
    assert second.ran == []
    (machines.context / "f").write_text("changed")
    third = machines.new()
    machines.build(third, cache_from=[CacheFrom("registry", name)])
    assert third.ran == ["COPY f .", "RUN cat f > g"]
    assert machines.warnings == []


def test_the_least_holds_the_images_own_steps(machines: Machines, tmp_path: Path) -> None:
    first = machines.new()
    image_id = machines.build(first, cache_to=[CacheTo("local", str(tmp_path / "c"))])
    second = machines.new()
    assert machines.build(second, cache_from=[CacheFrom("local", str(tmp_path / "c"))]) == image_id
    assert second.ran == ["RUN echo made > /made"]
    index = json.loads((tmp_path / "c/index.json").read_text())
    assert [one["annotations"]["org.opencontainers.image.ref.name"] for one in index["manifests"]] == ["latest"]


def test_several_of_one_directory(machines: Machines, tmp_path: Path) -> None:
    texts = {name: f"FROM busybox\nRUN echo {name} > /made\n" for name in "ab"}
    first, second = machines.new(), machines.new()
    for name, text in texts.items():
        machines.build(first, text, cache_to=[CacheTo("local", str(tmp_path / "c"), name)])
    caches = [CacheFrom("local", str(tmp_path / "c"), name) for name in texts]
    for text in texts.values():
        machines.build(second, text, cache_from=caches)
        assert second.ran == []


def test_from_a_cached_build_as_well(machines: Machines, tmp_path: Path) -> None:
    first = machines.new()
    machines.build(first)
    image_id = machines.build(first, cache_to=[CacheTo("local", str(tmp_path / "c"), mode="max")])
    assert first.ran == []
    second = machines.new()
    assert machines.build(second, cache_from=[CacheFrom("local", str(tmp_path / "c"))]) == image_id
    assert second.ran == []


def test_inside_an_image(machines: Machines, registry: Registry) -> None:
    name = f"{registry.host}/team/app:1"
    first = machines.new()
    image_id = machines.build(first, cache_to=[CacheTo("inline")], tags=[name])
    by_argument = first.build(TEXT, build_args={"BUILDKIT_INLINE_CACHE": "1"}, tags=[name])
    assert (by_argument.id, "dev.scow.cache" in (by_argument.manifest.annotations or {})) == (image_id, True)
    first.engine.images.push(name)
    second = machines.new()
    assert machines.build(second, cache_from=[CacheFrom("registry", name)]) == image_id
    assert second.ran == ["RUN echo made > /made"]
    third = machines.new()
    first.engine.images.tag("busybox", f"{registry.host}/team/plain:1")
    first.engine.images.push(f"{registry.host}/team/plain:1")
    machines.build(third, cache_from=[CacheFrom("registry", f"{registry.host}/team/plain:1")])
    assert len(third.ran) == 5
    assert "has no cache inside" in machines.warnings[0]


def test_cache_mounts_go_along(machines: Machines, registry: Registry) -> None:
    name = f"{registry.host}/team/cache:mounts"
    mount = "--mount=type=cache,id=go,target=/c,uid=5,mode=700"
    text = f"FROM busybox\nRUN {mount} cat /c/d/n; mkdir -p /c/d; echo {{}} > /c/d/n\n"
    first = machines.new()
    machines.build(first, text.format(1), cache_to=[CacheTo("registry", name, mounts=("go",))])
    machines.build(first, text.format(2), cache_to=[CacheTo("registry", name, mounts=("*",))])
    assert first.output == "1\n"
    second = machines.new()
    machines.build(second, text.format(3), cache_from=[CacheFrom("registry", name)])
    assert second.output == "2\n"
    machines.build(second, text.format(4), cache_from=[CacheFrom("registry", name)])
    assert second.output == "3\n"
    machines.build(first, text.format(5), cache_to=[CacheTo("registry", name, mounts=("other",))])
    third = machines.new()
    machines.build(third, text.format(6), cache_from=[CacheFrom("registry", name)])
    assert "No such file" in third.output


def test_a_place_that_is_not_there_is_done_without(machines: Machines, registry: Registry, tmp_path: Path) -> None:
    kitchen = machines.new()
    gone = [CacheFrom("registry", f"{registry.host}/no/such:1"), CacheFrom("local", str(tmp_path / "none"))]
    machines.build(kitchen, cache_from=gone)
    assert len(kitchen.ran) == 5
    assert len(machines.warnings) == 2


def test_a_registry_that_dies_while_it_is_written(machines: Machines) -> None:
    kitchen = machines.new()
    uploads = []

    def dies(exchange: Any) -> bool:
        if exchange.method in ("PUT", "PATCH") or (exchange.method == "POST" and "upload" in exchange.path):
            uploads.append(exchange.path)
            return len(uploads) > 3 and bool(exchange.answer(500))
        return False

    with Registry(fault=dies) as registry:
        name = f"{registry.host}/team/cache:1"
        with pytest.raises(ScowError) as caught:
            machines.build(kitchen, cache_to=[CacheTo("registry", name, mode="max")], tags=["kept:1"])
        assert "ignore-error" in caught.value.hint
        image_id = kitchen.engine.images.find("kept:1").image.id
        again = machines.build(kitchen, cache_to=[CacheTo("registry", name, mode="max", ignore_error=True)])
        assert again == image_id
        assert kitchen.ran == []
        assert machines.warnings
        machines.warnings.clear()
        other = machines.new()
        machines.build(other, cache_from=[CacheFrom("registry", name)])
        assert len(other.ran) == 5  # nothing half written has a name
        assert "not found" in machines.warnings[0].lower() or "unknown" in machines.warnings[0].lower()


@pytest.mark.parametrize("what", ["layer", "number", "diff_id", "key"])
def test_a_cache_that_lies(machines: Machines, tmp_path: Path, what: str) -> None:
    from scow.build import travel
    from scow.content.layout import Layout
    from scow.oci import media_types
    from scow.oci.documents import decode
    from scow.oci.manifest import parse_manifest

    place = tmp_path / "c"
    first = machines.new()
    image_id = machines.build(first, cache_to=[CacheTo("local", str(place), mode="max")])
    layout = Layout(place)
    entry = layout.resolve("latest")
    manifest = parse_manifest(layout.read(entry))
    told = json.loads(layout.read(manifest.config))
    if what == "layer":
        for blob in manifest.layers:
            layout.path(blob.digest).chmod(0o644)
            layout.path(blob.digest).write_bytes(b"x" * blob.size)
    elif what == "number":
        told["records"][0]["layer"] = 99
    elif what == "key":
        told["records"][0]["key"] = "../../x"
    else:
        told["diff_ids"] = told["diff_ids"][1:] + told["diff_ids"][:1]
    config, raw = travel.manifest(decode(json.dumps(told).encode(), travel.Inventory, "test"), manifest.layers)
    layout.put(travel.CONFIG, config)
    layout.tag(layout.put(media_types.OCI_MANIFEST, raw), "latest")
    second = machines.new()
    assert machines.build(second, cache_from=[CacheFrom("local", str(place))]) == image_id
    assert machines.warnings
