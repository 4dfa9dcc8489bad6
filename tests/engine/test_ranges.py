"""Files of images at a real registry, read by range: what comes over the line is counted in the registry's own log."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.layer import tars
from tests.layer.tars import item
from tests.support import stargz
from tests.support.containers import Tool
from tests.support.registries import Registry

from scow import Engine
from scow.content.copy import copy
from scow.errors import Integrity
from scow.layer import toc
from scow.layer.entry import Entry
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId
from scow.oci.reference import Reference
from scow.testing.contract import Memory

pytestmark = pytest.mark.peers

BULK = random.Random(1).randbytes(10_000_000)
SEVERAL = random.Random(2).randbytes(1_500_000)
_SENT = re.compile(r'"GET /v2/(\S+)/blobs/\S+ HTTP/1.1" (\d+) (\d+)')


def files() -> bytes:
    """A layer of one large file, and small ones on both sides of it."""
    return tars.write(
        [
            item("etc", "dir"),
            item("etc/before", data=b"before\n"),
            item("bulk", data=BULK),
            item("etc/after", data=b"after\n" * 1000, mode=0o640),
            item("etc/several", data=SEVERAL),
            item("etc/empty"),
            item("etc/again", "hardlink", link=b"etc/after"),
            item("link", "symlink", link=b"etc/again"),
        ]
    )


def put(engine: Engine, name: str, layer: Descriptor, diff_id: str, memory: Memory) -> None:
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
    image = memory.image([layer], json.dumps(config).encode())
    repository = engine.workplace.registry.repository(Reference.parse(name), push=True)
    copy(memory, repository, image)
    repository.tag(image, "1")


def as_stargz(engine: Engine, name: str, directory: Path, podman: object, annotated: bool = True) -> None:
    blob, plain, digest = stargz.estargz(files())
    memory = Memory()
    layer = memory.add(blob, media_types.OCI_LAYER_GZIP)
    if annotated:
        layer = layer.annotated(annotations={stargz.ANNOTATION: digest})
    put(engine, name, layer, DiffId.of(plain), memory)


def as_chunked(engine: Engine, name: str, directory: Path, podman: Callable[..., str]) -> None:
    """By podman, which made the format."""
    (directory / "plain.tar").write_bytes(files())
    podman("import", str(directory / "plain.tar"), name)
    podman("push", "--tls-verify=false", "--compression-format", "zstd:chunked", name)


@pytest.fixture(scope="module", params=[as_stargz, as_chunked])
def image(
    request: pytest.FixtureRequest, open_registry: Registry, podman: Tool, tmp_path_factory: pytest.TempPathFactory
) -> str:
    name = f"{open_registry.host}/ranges/{request.param.__name__.replace('_', '-')}:1"
    directory = tmp_path_factory.mktemp("ranges")
    request.param(Engine(directory / "maker"), name, directory, podman)
    return name


def sent(registry: Registry, name: str) -> int:
    """Bytes of blobs that the registry says it has sent from a repository."""
    wanted = name.partition("/")[2].rpartition(":")[0]
    return sum(int(size) for path, _, size in _SENT.findall(registry.log.read_text()) if path == wanted)


def cat(engine: Engine, image: str, path: str) -> bytes:
    out = io.BytesIO()
    engine.files.cat(f"docker://{image}", path, out, platform="linux/amd64")
    return out.getvalue()


def test_little_comes_over_the_line(engine: Engine, image: str, open_registry: Registry, tmp_path: Path) -> None:
    before = sent(open_registry, image)
    assert cat(engine, image, "/link") == b"after\n" * 1000
    assert cat(engine, image, "/etc/before") == b"before\n"
    assert cat(engine, image, "/etc/empty") == b""
    listed = engine.files.list(f"docker://{image}", recursive=True, platform="linux/amd64")
    assert [found.entry.text for found in listed] == [
        "/bulk", "/etc", "/etc/after", "/etc/again", "/etc/before", "/etc/empty", "/etc/several", "/link",
    ]  # fmt: skip
    assert {found.entry.text: found.entry.mode for found in listed}["/etc/after"] == 0o640
    assert sent(open_registry, image) - before < 600_000
    assert cat(engine, image, "/etc/several") == SEVERAL
    engine.files.cp(f"docker://{image}", "/etc", tmp_path / "out", platform="linux/amd64")
    assert (tmp_path / "out/several").read_bytes() == SEVERAL
    assert os.path.samefile(tmp_path / "out/after", tmp_path / "out/again")
    assert sent(open_registry, image) - before < 5_000_000
    assert not list(engine.workplace.store.layers)


def test_the_same_as_looked_at_whole(engine: Engine, image: str) -> None:
    def told(entry: Entry) -> tuple[object, ...]:
        return entry.path, entry.kind, entry.mode, entry.uid, entry.gid, entry.size, entry.mtime, entry.link

    ranged = [told(one.entry) for one in engine.files.list(f"docker://{image}", recursive=True, platform="linux/amd64")]
    engine.images.pull(image, platform="linux/amd64")
    whole = [told(one.entry) for one in engine.files.list(image, recursive=True, platform="linux/amd64")]
    assert ranged == [line for line in whole if line[0] != toc.TABLE_NAME]


def test_without_the_digest_a_table_is_none(engine: Engine, open_registry: Registry, tmp_path: Path) -> None:
    """Nothing vouches for it: the layer comes whole, and is verified."""
    name = f"{open_registry.host}/ranges/bare:1"
    as_stargz(engine, name, tmp_path, None, annotated=False)
    assert cat(engine, name, "/etc/before") == b"before\n"
    assert sent(open_registry, name) > len(BULK)


def test_a_table_that_is_not_what_the_manifest_says(engine: Engine, open_registry: Registry) -> None:
    blob, plain, _ = stargz.estargz(files())
    memory = Memory()
    annotations = {stargz.ANNOTATION: "sha256:" + "0" * 64}
    name = f"{open_registry.host}/ranges/lies:1"
    layer = memory.add(blob, media_types.OCI_LAYER_GZIP).annotated(annotations=annotations)
    put(engine, name, layer, DiffId.of(plain), memory)
    with pytest.raises(Integrity, match="table of contents"):
        cat(engine, name, "/etc/before")


def test_content_that_is_not_what_the_table_says(engine: Engine, open_registry: Registry) -> None:
    """The registry changes a file and keeps the table."""
    blob, plain, digest = stargz.estargz(files())
    memory = Memory()
    layer = memory.add(blob, media_types.OCI_LAYER_GZIP).annotated(annotations={stargz.ANNOTATION: digest})
    name = f"{open_registry.host}/ranges/changed:1"
    put(engine, name, layer, DiffId.of(plain), memory)
    other = gzip.compress(b"after\n" * 1000, mtime=0)
    lie = gzip.compress(b"aftre\n" * 1000, mtime=0)
    assert len(other) == len(lie)
    assert blob.count(other) == 1
    open_registry.blob_path(layer.digest).write_bytes(blob.replace(other, lie))
    with pytest.raises(Integrity, match="file is not what"):
        cat(engine, name, "/etc/after")
