"""Archives as the tools of the field write them: in each form one image of three layers, two of them alike."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scow.content.archive import open_archive
from scow.content.tar import Tar
from scow.content.verify import read_all
from scow.oci import media_types
from scow.oci.manifest import Index, Manifest, parse

Document = dict[str, Any]


def layer(name: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    return made.getvalue()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


PLAIN = [layer("a"), layer("b"), layer("a")]
PACKED = [gzip.compress(one, mtime=0) for one in PLAIN]
IDS = [f"{number:064x}" for number in range(3)]
CONFIG = json.dumps(
    {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha(p)}" for p in PLAIN]},
    }
).encode()
BARE = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": None}}).encode()
#: A member: bytes, or where a link leads; with a `=` before it, a hard link.
Members = dict[str, bytes | str]


def docker(config: str, layers: list[str] | None, *tags: str) -> bytes:
    return json.dumps([{"Config": config, "RepoTags": list(tags) or None, "Layers": layers}]).encode()


def in_directories(prefix: str = "", third: bytes | str = PLAIN[2]) -> Members:
    layers = {f"{prefix}{one}/layer.tar": data for one, data in zip(IDS, [*PLAIN[:2], third], strict=True)}
    return {**layers, f"{prefix}c.json": CONFIG}


def classic(third: bytes | str = PLAIN[2], before: str = "", told: str = "") -> Members:
    manifest = docker(f"{told}c.json", [f"{told}{one}/layer.tar" for one in IDS], "app:1")
    return {**in_directories(before, third), f"{before}manifest.json": manifest}


def podman() -> Members:
    links: Members = {f"{one}/layer.tar": f"../{sha(data)}.tar" for one, data in zip(IDS, PLAIN, strict=True)}
    files = {f"{sha(data)}.tar": data for data in PLAIN}
    return {
        **files,
        **links,
        "c.json": CONFIG,
        "manifest.json": docker("c.json", [*files, f"{sha(PLAIN[0])}.tar"], "app:1"),
    }


def packed(config: str) -> Members:
    """As go-containerregistry does: crane, ko, kaniko; and jib."""
    files: Members = {f"{sha(data)}.tar.gz": data for data in PACKED}
    return {
        config: CONFIG,
        **files,
        "manifest.json": docker(config, [f"{sha(data)}.tar.gz" for data in PACKED], "app:1"),
    }


def described(data: bytes, kind: str = media_types.OCI_MANIFEST, **more: Any) -> Document:
    return {"mediaType": kind, "digest": f"sha256:{sha(data)}", "size": len(data), **more}


MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "config": described(CONFIG, media_types.OCI_CONFIG),
        "layers": [described(data, media_types.OCI_LAYER_GZIP) for data in PACKED],
    }
).encode()


def index(*entries: Document) -> bytes:
    return json.dumps({"schemaVersion": 2, "manifests": entries}).encode()


def layout(entry: Document, *more: bytes, before: str = "") -> Members:
    blobs = {f"{before}blobs/sha256/{sha(data)}": data for data in (CONFIG, *PACKED, MANIFEST, *more)}
    return {f"{before}oci-layout": b"{}", **blobs, f"{before}index.json": index(entry)}


def called(name: str) -> Members:
    return layout(described(MANIFEST, annotations={"org.opencontainers.image.ref.name": name}))


def buildx() -> Members:
    """An index with an attestation; the name is containerd's, the ref.name a tag alone."""
    unknown = {"os": "unknown", "architecture": "unknown"}
    inner = index(
        described(MANIFEST, platform={"os": "linux", "architecture": "amd64"}), described(b"{}", platform=unknown)
    )
    named = {"io.containerd.image.name": "docker.io/library/app:1", "org.opencontainers.image.ref.name": "1"}
    return layout(described(inner, media_types.OCI_INDEX, annotations=named), inner)


def rules_oci() -> Members:
    """A layout whose names are in docker's ``manifest.json`` alone."""
    return {**layout(described(MANIFEST)), "manifest.json": docker(f"blobs/sha256/{sha(CONFIG)}", [], "app:1")}


def unnamed() -> Members:
    return {**in_directories(), "manifest.json": docker("c.json", [f"{one}/layer.tar" for one in IDS])}


FORMS: dict[str, tuple[Callable[[], Members], str | None]] = {
    "docker, a layer again as a symlink": (lambda: classic(f"../{IDS[0]}/layer.tar"), "app:1"),
    "a layer again as a hard link": (lambda: classic(f"={IDS[0]}/layer.tar"), "app:1"),
    "podman": (podman, "app:1"),
    "ko, kaniko, crane": (lambda: packed(f"sha256:{sha(CONFIG)}"), "app:1"),
    "jib": (lambda: packed("config.json"), "app:1"),
    "nix, members with ./": (lambda: classic(before="./"), "app:1"),
    "paths with ./": (lambda: classic(told="./"), "app:1"),
    "absolute members": (lambda: classic(before="/"), "app:1"),
    "absolute paths": (lambda: classic(told="/"), "app:1"),
    "buildx": (buildx, "app:1"),
    "rules_oci": (rules_oci, "app:1"),
    "a layout with ./": (lambda: layout(described(MANIFEST), before="./"), None),
    "a whole name": (lambda: called("docker.io/library/app:1"), "app:1"),
    "a host and no tag": (lambda: called("localhost:5000/app"), "localhost:5000/app:latest"),
    "a tag alone": (lambda: called("latest"), None),
    "a version": (lambda: called("v1.2+build.3"), None),
    "no name": (unnamed, None),
}  # fmt: skip


@contextlib.contextmanager
def written(path: Path, members: Members) -> Iterator[Tar]:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type = tarfile.LNKTYPE if content.startswith("=") else tarfile.SYMTYPE
                member.linkname = content.removeprefix("=")
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    with contextlib.closing(Tar(path)) as made:
        yield made


@pytest.mark.parametrize("form", FORMS)
def test_the_image_and_its_name(form: str, tmp_path: Path) -> None:
    members, name = FORMS[form]
    with written(tmp_path / "a.tar", members()) as tar:
        archive = open_archive(tar)
        [(found, descriptor)] = archive.names()
        assert found == name
        for _ in range(2):
            with archive.open(descriptor) as reader:
                document = parse(read_all(reader, 1 << 20), descriptor.media_type)
            if isinstance(document, Index):
                descriptor = document.manifests[0]
        assert isinstance(document, Manifest)
        read = []
        for one in document.layers:
            with archive.open(one) as reader:
                data = read_all(reader, 1 << 20)
            assert (f"sha256:{sha(data)}", len(data)) == (one.digest, one.size)
            read.append(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
        assert read == PLAIN


def test_an_image_without_layers(tmp_path: Path) -> None:
    """docker's ``FROM scratch`` with a CMD alone: Go writes ``null`` for what is empty."""
    members: Members = {"c.json": BARE, "manifest.json": docker("c.json", None, "app:1")}
    with written(tmp_path / "a.tar", members) as tar:
        archive = open_archive(tar)
        [(name, descriptor)] = archive.names()
        with archive.open(descriptor) as reader:
            document = parse(read_all(reader, 1 << 20), descriptor.media_type)
        assert isinstance(document, Manifest)
        assert (name, document.layers) == ("app:1", ())
