"""Images of several platforms, made of nothing but Python, and the places that they are copied between."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from scow import Engine
from scow.content.copy import copy
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId
from scow.oci.documents import encode
from scow.oci.manifest import Index, Manifest
from scow.oci.platform import Platform
from scow.oci.reference import Reference
from scow.testing.contract import Memory

PLATFORMS = ("linux/amd64", "linux/arm64")


def layer_tar(name: str, content: bytes) -> bytes:
    """A layer of one file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = len(content), 0o644, 1_700_000_000
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


@dataclass
class Made:
    """An index with an image for each of :data:`PLATFORMS`, in memory; ``bulk`` bytes of each do not compress."""

    bulk: int = 0
    memory: Memory = field(default_factory=Memory)
    images: dict[str, Descriptor] = field(default_factory=dict)
    index: Descriptor = field(init=False)

    def __post_init__(self) -> None:
        shared = layer_tar("shared", b"the same for all\n" * 1000)
        for platform in PLATFORMS:
            own = layer_tar("platform", platform.encode() * 500)
            bulk = [layer_tar("bulk", random.Random(platform).randbytes(self.bulk))] if self.bulk else []
            self.images[platform] = self.image(platform, [shared, own, *bulk])
        entries = [one.annotated(platform=Platform.parse(platform)) for platform, one in self.images.items()]
        attestation = self.attestation(entries[0])
        document = Index(2, (*entries, attestation), media_types.OCI_INDEX)
        self.index = self.memory.add(encode(document), media_types.OCI_INDEX)

    def image(self, platform: str, layers: list[bytes]) -> Descriptor:
        os, architecture = platform.split("/")[:2]
        diff_ids = [DiffId.of(layer) for layer in layers]
        config = {"architecture": architecture, "os": os, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        blobs = [self.memory.add(gzip.compress(layer, mtime=0), media_types.OCI_LAYER_GZIP) for layer in layers]
        return self.memory.image(blobs, json.dumps(config).encode())

    def attestation(self, of: Descriptor) -> Descriptor:
        """What buildkit puts beside an image."""
        statement = self.memory.add(b'{"_type":"statement"}', "application/vnd.in-toto+json")
        config = self.memory.add(b'{"architecture":"unknown","os":"unknown"}', media_types.OCI_CONFIG)
        manifest = Manifest(2, config, (statement,), media_types.OCI_MANIFEST)
        told = {"vnd.docker.reference.digest": str(of.digest), "vnd.docker.reference.type": "attestation-manifest"}
        descriptor = self.memory.add(encode(manifest), media_types.OCI_MANIFEST)
        return descriptor.annotated(annotations=told, platform=Platform("unknown", "unknown"))

    def at(self, engine: Engine, name: str) -> str:
        """Put the index to a registry."""
        reference = Reference.parse(name)
        repository = engine.workplace.registry.repository(reference, push=True)
        copy(self.memory, repository, self.index)
        repository.tag(self.index, reference.tag or "latest")
        return name


def place(kind: str, directory: Path, host: str, name: str = "team/app:1") -> str:
    """A location of that kind, fresh for ``name``."""
    flat = name.replace("/", "-").replace(":", "-")
    return {
        "docker": f"docker://{host}/{name}",
        "store": f"store:{name}",
        "oci": f"oci:{directory / flat}:{name}",
        "oci-archive": f"oci-archive:{directory / flat}.oci.tar:{name}",
        "docker-archive": f"docker-archive:{directory / flat}.docker.tar:{name}",
    }[kind]


KINDS = ("docker", "store", "oci", "oci-archive", "docker-archive")
