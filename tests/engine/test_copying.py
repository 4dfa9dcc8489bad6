"""A copy between any two places: the same digests, nothing twice, and what is changed on the way when it is wished."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.places import KINDS, Made, layer_tar, place
from tests.image.images import read

from scow import Engine
from scow.content.layout import Layout
from scow.engine.images.looking import look
from scow.engine.registries import ends
from scow.engine.registries.syncing import Leg
from scow.errors import Conflict, Denied, Integrity, Invalid, NotFound, Unsupported
from scow.image.image import load
from scow.image.recompress import recompress
from scow.image.rewrite import Wish
from scow.layer.compression import MEMBER
from scow.oci import media_types
from scow.oci.digest import Digest
from scow.oci.location import Location
from scow.oci.manifest import Index, Manifest, parse
from scow.oci.platform import Platform
from scow.registry.credentials import CredentialStore
from scow.testing.registry import Registry

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAIN: dict[str, Callable[[bytes], bytes]] = {"zstd": zstd.decompress, "gzip": gzip.decompress, "none": bytes}
AMD, ARM = "linux/amd64", "linux/arm64"


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def origin(made: Made, engine: Engine, registry: Registry) -> str:
    return "docker://" + made.at(engine, f"{registry.host}/origin/app:1")


def document(engine: Engine, location: str) -> Manifest | Index:
    """What a place has under a name, its bytes checked."""
    with ends.source(engine.workplace, Location.parse(location), lambda: engine.workplace.registry) as found:
        _, source, descriptor = found
        with source.open(descriptor) as reader:
            raw = reader.read()
        assert Digest.of(raw) == descriptor.digest
        return parse(raw, descriptor.media_type)


def blobs(engine: Engine, location: str) -> list[tuple[str, bytes]]:
    """(media type, bytes) of an image's layers."""
    with ends.source(engine.workplace, Location.parse(location), lambda: engine.workplace.registry) as found:
        _, source, descriptor = found
        read = []
        for layer in load(source, descriptor, Platform.parse(AMD)).layers:
            parts = []
            with source.open(layer.descriptor) as reader:
                while part := reader.read():
                    parts.append(part)
            assert Digest.of(b"".join(parts)) == layer.descriptor.digest
            read.append((layer.descriptor.media_type, b"".join(parts)))
        return read


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_any_place_to_any_other(
    source: str, target: str, engine: Engine, registry: Registry, made: Made, origin: str, tmp_path: Path
) -> None:
    first, second = place(source, tmp_path, registry.host, "team/first:1"), place(target, tmp_path, registry.host)
    engine.registries.copy(origin, first, platforms=[AMD])
    copied = engine.registries.copy(first, second)
    if source != "docker-archive":  # whose reader makes its manifests up, when they are not in the archive
        assert copied.digest == made.images[AMD].digest
    again = Engine(tmp_path / "elsewhere") if target != "store" else engine
    with look(again.workplace, second, AMD) as contents:
        found = contents.view.find(b"platform")
        assert found is not None
        assert read(contents, found) == AMD.encode() * 500
    assert engine.system.check().sound


@pytest.mark.parametrize("target", ["docker", "store", "oci", "oci-archive"])
def test_all_platforms_keep_their_index(
    target: str, engine: Engine, registry: Registry, made: Made, origin: str, tmp_path: Path
) -> None:
    to = place(target, tmp_path, registry.host)
    copied = engine.registries.copy(origin, to, every=True, preserve_digests=True)
    assert copied.digest == made.index.digest
    back = engine.registries.copy(to, f"docker://{registry.host}/back/app:1", every=True)
    assert back.digest == made.index.digest
    for platform in (AMD, ARM):
        found = engine.registries.digest(f"{registry.host}/back/app:1", platform=platform)
        assert found.digest == made.images[platform].digest
    assert engine.system.check().sound


def test_one_or_some_platforms_of_an_index(engine: Engine, registry: Registry, made: Made, origin: str) -> None:
    one = engine.registries.copy(origin, "store:one", platforms=[ARM])
    assert one.digest == made.images[ARM].digest
    some = engine.registries.copy(origin, f"docker://{registry.host}/some:1", platforms=[AMD, ARM])
    index = document(engine, f"docker://{registry.host}/some:1")
    assert some.digest == made.index.digest  # both are all there are
    assert isinstance(index, Index)
    with pytest.raises(Invalid, match="linux/s390x"):
        engine.registries.copy(origin, "store:none", platforms=[AMD, "linux/s390x"])
    with pytest.raises(NotFound, match="linux/s390x"):
        engine.registries.copy(origin, "store:none", platforms=["linux/s390x"])
    with pytest.raises(Invalid, match="do not go together"):
        engine.registries.copy(origin, "store:none", every=True, platforms=[AMD])


def test_nothing_is_sent_twice_and_the_same_registry_mounts(engine: Engine, registry: Registry, origin: str) -> None:
    registry.forget()
    engine.registries.copy(origin, f"docker://{registry.host}/mounted:1", platforms=[AMD])
    seen = registry.seen
    assert not [one for one in seen if one.method == "PUT" and "/blobs/uploads/" in one.path]
    assert [one for one in seen if one.method == "POST" and "mount=" in one.query]
    assert not [one for one in seen if one.method == "GET" and "/blobs/" in one.path and "origin" not in one.path]
    registry.forget()
    engine.registries.copy(origin, f"docker://{registry.host}/mounted:2", platforms=[AMD])
    assert not [
        one for one in registry.seen if one.method == "PATCH" or (one.method == "POST" and "mount=" not in one.query)
    ]
    assert not [one for one in registry.seen if one.method == "PUT" and "/blobs/uploads/" in one.path]


def test_one_request_for_each_part(engine: Engine, registry: Registry, origin: str) -> None:
    """The manifest comes with the tag's name, what is mounted is not asked for, the root is put under its tag."""
    engine.registries.copy(origin, f"docker://{registry.host}/first:1", platforms=[AMD])  # finds out how it speaks
    registry.forget()
    engine.registries.copy(f"docker://{registry.host}/first:1", f"docker://{registry.host}/second:1")
    seen = [(one.method, one.path.rsplit("/", 2)[-2]) for one in registry.seen]
    parts = len([one for one in seen if one == ("POST", "uploads")])
    assert seen == [("GET", "manifests"), *[("POST", "uploads")] * parts, ("PUT", "manifests")]
    assert parts > 1


def test_the_store_is_not_passed_through(engine: Engine, registry: Registry, origin: str, tmp_path: Path) -> None:
    engine.registries.copy(origin, f"docker://{registry.host}/away:1", every=True)
    engine.registries.copy(origin, f"oci:{tmp_path / 'away'}:1", every=True)
    assert not list(Layout(tmp_path / "store").blobs())
    assert sorted(path.name for path in (tmp_path / "away").iterdir()) == ["blobs", "index.json", "lock", "oci-layout"]


@pytest.mark.parametrize(("compression", "level"), [("zstd", 9), ("gzip", 9), ("none", None), ("gzip", 1)])
def test_recompression(
    compression: str, level: int | None, engine: Engine, registry: Registry, made: Made, origin: str
) -> None:
    to = f"docker://{registry.host}/squeezed:1"
    copied = engine.registries.copy(origin, to, every=True, wish=Wish(compression, level))
    assert copied.digest != made.index.digest
    index = document(engine, to)
    assert isinstance(index, Index)
    assert [str(entry.platform) for entry in index.manifests] == [AMD, ARM, "unknown/unknown"]
    attested = (index.manifests[2].annotations or {})["vnd.docker.reference.digest"]
    assert attested == index.manifests[0].digest  # and not the digest that the image had
    for media_type, data in blobs(engine, to):
        assert media_types.sniff(data) == compression
        assert media_type == media_types.LAYER_OF[compression]
    assert PLAIN[compression](blobs(engine, to)[1][1]) == layer_tar("platform", AMD.encode() * 500)
    assert engine.registries.copy(origin, to, every=True, wish=Wish(compression, level)).digest == copied.digest
    engine.registries.copy(to, "store:squeezed")
    assert engine.images.find("squeezed").image.diff_ids == load(made.memory, made.images[AMD]).diff_ids


def test_what_has_the_compression_already_is_kept(engine: Engine, made: Made, origin: str) -> None:
    assert engine.registries.copy(origin, "store:same", every=True, wish=Wish("gzip")).digest == made.index.digest


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        (Wish("brotli"), "no such compression"),
        (Wish("gzip", 13), "gzip has levels from 0 to 12"),
        (Wish("zstd", 23), "zstd has levels"),
        (Wish("zstd", family="docker"), "no zstd layers"),
    ],
)
def test_wishes_that_cannot_come_true(wish: Wish, problem: str, engine: Engine, origin: str) -> None:
    with pytest.raises((Invalid, Unsupported), match=problem):
        engine.registries.copy(origin, "store:never", wish=wish)
    assert engine.images.list() == ()


def test_the_other_family_and_back(engine: Engine, registry: Registry, made: Made, origin: str) -> None:
    docker = f"docker://{registry.host}/docker:1"
    engine.registries.copy(origin, docker, platforms=[AMD], wish=Wish(family="docker"))
    manifest = document(engine, docker)
    assert isinstance(manifest, Manifest)
    assert manifest.media_type == media_types.DOCKER_MANIFEST
    assert manifest.config.media_type == media_types.DOCKER_CONFIG
    assert {layer.media_type for layer in manifest.layers} == {media_types.DOCKER_LAYER + ".gzip"}
    assert engine.registries.digest(f"{registry.host}/docker:1").media_type == media_types.DOCKER_MANIFEST
    back = engine.registries.copy(docker, "store:back", wish=Wish(family="oci"))
    assert back.digest == made.images[AMD].digest
    engine.registries.copy(docker, "oci:" + str(engine.root.parent / "d") + ":x", wish=Wish(family="docker"))
    assert (
        document(engine, "oci:" + str(engine.root.parent / "d") + ":x") == manifest
    )  # unchanged, so its bytes are kept


def test_an_index_in_dockers_family(engine: Engine, registry: Registry, origin: str) -> None:
    to = f"docker://{registry.host}/list:1"
    engine.registries.copy(origin, to, every=True, wish=Wish(family="docker"))
    index = document(engine, to)
    assert isinstance(index, Index)
    assert index.media_type == media_types.DOCKER_INDEX
    assert {entry.media_type for entry in index.manifests} == {media_types.DOCKER_MANIFEST}
    assert blobs(engine, to)


def test_digests_are_preserved_or_the_copy_fails(engine: Engine, origin: str) -> None:
    for wish in (Wish("zstd"), Wish(family="docker")):
        with pytest.raises(Conflict, match="changes digests"):
            engine.registries.copy(origin, "store:x", wish=wish, preserve_digests=True)
    with pytest.raises(Conflict):
        engine.registries.copy(origin, "store:x", platforms=[AMD, ARM], preserve_digests=True)


def test_a_digest_as_the_target_must_be_the_images(engine: Engine, registry: Registry, made: Made, origin: str) -> None:
    right, wrong = made.images[AMD].digest, made.images[ARM].digest
    engine.registries.copy(origin, f"docker://{registry.host}/by@{right}", platforms=[AMD])
    assert engine.registries.tags(f"{registry.host}/by") == ()
    with pytest.raises(Integrity, match="another digest"):
        engine.registries.copy(origin, f"docker://{registry.host}/by@{wrong}", platforms=[AMD])
    with pytest.raises(Invalid, match="cannot have a digest"):
        engine.registries.copy(origin, f"store:by@{right}")


def test_places_that_are_none(engine: Engine, registry: Registry, origin: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="does not say where to"):
        engine.registries.copy(origin, "just-a-name")
    with pytest.raises(Unsupported, match="no image"):
        engine.registries.copy(f"dir:{tmp_path}", "store:x")
    with pytest.raises(NotFound):
        engine.registries.copy(f"docker://{registry.host}/nothing:1", "store:x")
    with pytest.raises(NotFound, match="no such directory"):
        engine.registries.copy(origin, f"oci-archive:{tmp_path / 'no/such/place.tar'}:x")
    assert not (tmp_path / "no").exists()


def test_a_damaged_source_is_not_recompressed(engine: Engine, registry: Registry, origin: str, made: Made) -> None:
    manifest = parse(made.memory.blobs[made.images[AMD].digest])
    digest = manifest.children[1].digest
    files = [path for path in registry.directory.rglob("*") if path.name == digest.hex and path.is_file()]
    kept = max(files, key=lambda path: path.stat().st_size)
    kept.chmod(0o600)
    kept.write_bytes(gzip.compress(b"something else", mtime=0).ljust(kept.stat().st_size, b"\0"))
    with pytest.raises((Integrity, Invalid)):
        engine.registries.copy(origin, "store:x", platforms=[AMD], wish=Wish("zstd"))
    with pytest.raises(Integrity):
        engine.registries.copy(origin, "store:x", platforms=[AMD])
    assert engine.images.list() == ()


def test_credentials_of_either_side(made: Made, tmp_path: Path) -> None:
    def pocket(name: str, host: str, secret: str) -> CredentialStore:
        store = CredentialStore((tmp_path / name,))
        (tmp_path / name).write_text(json.dumps({"auths": {host: {"username": "u", "password": secret}}}))
        return store

    engine = Engine(tmp_path / "store", credentials=lambda: CredentialStore((tmp_path / "none",)))
    with (
        Registry(username="u", password="one") as first,
        Registry(username="u", password="two", auth="bearer") as other,
    ):
        source, target = pocket("a", first.host, "one"), pocket("b", other.host, "two")
        owner = Engine(tmp_path / "owner", credentials=lambda: source)
        made.at(owner, f"{first.host}/app:1")
        names = f"docker://{first.host}/app:1", f"docker://{other.host}/app:1"
        with pytest.raises(Denied):
            engine.registries.copy(*names, source_credentials=source, every=True)
        engine.registries.copy(*names, source_credentials=source, target_credentials=target, every=True)
        assert f"u:{'two'}" not in str(other.seen)


def test_what_only_a_registry_knows(engine: Engine, registry: Registry, made: Made, origin: str) -> None:
    name = f"{registry.host}/origin/app"
    engine.registries.copy(origin, f"docker://{name}:2", every=True)
    assert engine.registries.tags(name) == ("1", "2")
    assert engine.registries.digest(f"{name}:1").digest == made.index.digest
    with pytest.raises(Invalid, match="say which"):
        engine.registries.delete(name)
    assert engine.registries.delete(f"{name}:1") == f"{name}:1"
    assert engine.registries.tags(name) == ("2",)
    engine.registries.delete(f"{name}@{made.index.digest}")
    assert engine.registries.tags(name) == ()
    with pytest.raises(NotFound):
        engine.registries.delete(f"{name}:1")


class Crumbs:
    """A reader that hands out an odd number of bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, size: int = -1, /) -> bytes:
        part, self.data = self.data[:70_001], self.data[70_001:]
        return part


@pytest.mark.parametrize("size", [0, 1, MEMBER, MEMBER + 1, 9 << 20])
@pytest.mark.parametrize("compression", PLAIN)
def test_members_whatever_the_machine(compression: str, size: int) -> None:
    data, out = random.Random(size).randbytes(size), io.BytesIO()
    digest, length = recompress(Crumbs(data), out, compression)
    assert (hashlib.sha256(out.getvalue()).hexdigest(), len(out.getvalue())) == (digest, length)
    assert PLAIN[compression](out.getvalue()) == data


def test_many_at_once(engine: Engine, registry: Registry, made: Made, origin: str, tmp_path: Path) -> None:
    engine.registries.copy(origin, f"docker://{registry.host}/origin/app:2", platforms=[ARM])
    engine.registries.copy(origin, f"docker://{registry.host}/deep/er/tool:9", platforms=[AMD])
    sources = [
        f"docker://{registry.host}/origin/app",
        f"{registry.host}/deep/er/tool:9",
        f"docker://{registry.host}/no:1",
        f"docker://{registry.host}/none",
        "NOT a name",
        f"docker://{registry.host}/origin/app:2",
    ]
    told: list[Leg] = []
    legs = engine.registries.sync(sources, f"docker://{registry.host}/m", every=True, told=told.append)
    assert tuple(told) == legs
    assert [leg.target.removeprefix(f"docker://{registry.host}/") for leg in legs] == [
        "m/app:1", "m/app:2", "m/tool:9", "m/no:1", "m", "m", "m/app:2",
    ]  # fmt: skip
    assert [leg.copied.digest if leg.copied else None for leg in legs] == [
        made.index.digest, made.images[ARM].digest, made.images[AMD].digest, None, None, None, made.images[ARM].digest,
    ]  # fmt: skip
    assert [type(leg.error) for leg in legs[3:6]] == [NotFound, NotFound, Invalid]
    registry.forget()
    planned = engine.registries.sync(sources[1:2], f"docker://{registry.host}/m", scoped=True, dry_run=True)
    assert planned[0].target == f"docker://{registry.host}/m/{registry.host.replace(':', '-')}/deep/er/tool:9"
    assert not [one for one in registry.seen if one.method != "GET"]
    engine.registries.sync(sources[:2], f"oci:{tmp_path / 'kept'}", every=True)
    back = engine.registries.sync([f"oci:{tmp_path / 'kept'}"], f"docker://{registry.host}/back", every=True)
    assert sorted(leg.target.rpartition("/")[2] for leg in back) == ["app:1", "app:2", "tool:9"]
    assert all(leg.copied for leg in back)
    with pytest.raises(Invalid, match="many images cannot go there"):
        engine.registries.sync(sources, "store:x")


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_of_an_index_in_an_archive_docker_gets_the_image_for_this_machine(
    engine: Engine, origin: str, tmp_path: Path, kind: str
) -> None:
    """As ``save`` has it: docker's kind of archive knows no index, and docker would load nothing."""
    engine.registries.copy(origin, f"{kind}:{tmp_path / 'all.tar'}:app:1", every=True)
    with tarfile.open(tmp_path / "all.tar") as tar:
        document = tar.extractfile("manifest.json")
        assert document is not None
        (listed,) = json.loads(document.read())
    here = engine.registries.copy(origin, "store:here")
    assert listed["Config"] == f"blobs/sha256/{engine.images.find('here').image.id.hex}"
    assert listed["RepoTags"] == ["app:1"]
    assert here.digest in (tmp_path / "all.tar").read_bytes().decode(errors="replace")
