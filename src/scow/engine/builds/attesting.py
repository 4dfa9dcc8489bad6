"""Attestations of a build, as BuildKit stores them: what went in (SLSA provenance), what is inside (SPDX).

::

    index   the image
            an attestation manifest for ``unknown/unknown``, annotated with the image's digest
                config: an image config that only lists the statements
                layers: in-toto statements (https://in-toto.io/Statement/v1)

Nothing in a statement depends on the hour or the machine: equal builds have equal attestations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from scow.build.plan import image_of
from scow.image.image import Image, load
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.documents import encode
from scow.oci.manifest import Manifest
from scow.oci.platform import Platform

if TYPE_CHECKING:
    from scow.engine.builds.building import Outcome
    from scow.engine.workplace import Workplace

_STATEMENT: Final = "https://in-toto.io/Statement/v1"
_PROVENANCE: Final = "https://slsa.dev/provenance/v1"
_SPDX: Final = "https://spdx.dev/Document"
_IN_TOTO: Final = "application/vnd.in-toto+json"
_BUILD_TYPE: Final = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"
_UNKNOWN: Final = Platform("unknown", "unknown")


class Attesting(msgspec.Struct, frozen=True):
    """What to attest: provenance ``min`` (what went in) or ``max`` (also build arguments and the Dockerfile), and the
    bill of materials."""

    provenance: Literal["", "min", "max"] = ""
    sbom: bool = False

    def __bool__(self) -> bool:
        return bool(self.provenance or self.sbom)


def attested(
    workplace: Workplace, asked: Attesting, outcome: Outcome, tags: Sequence[str], told: Mapping[str, Any]
) -> Descriptor:
    """The entry of an index for the attestations of ``outcome``; ``told`` are the build's own parameters."""
    layout = workplace.store.layout
    image = load(layout, outcome.descriptor)
    subject = _subject(image, tags)
    predicates = list(_predicates(workplace, asked, image, outcome, told))
    layers = []
    for kind, predicate in predicates:
        statement = {"_type": _STATEMENT, "predicateType": kind, "subject": subject, "predicate": predicate}
        layers.append(
            layout.put(_IN_TOTO, encode(statement)).annotated(annotations={"in-toto.io/predicate-type": kind})
        )
    diff_ids = [str(one.digest) for one in layers]
    config = layout.put(
        media_types.OCI_CONFIG,
        encode({
            "architecture": "unknown", "os": "unknown", "config": {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }),
    )  # fmt: skip
    manifest = layout.put(
        media_types.OCI_MANIFEST, encode(Manifest(2, config, tuple(layers), media_types.OCI_MANIFEST))
    )
    annotations = {
        "vnd.docker.reference.digest": str(outcome.descriptor.digest),
        "vnd.docker.reference.type": "attestation-manifest",
    }
    return manifest.annotated(platform=_UNKNOWN, annotations=annotations)


def _subject(image: Image, tags: Sequence[str]) -> list[dict[str, Any]]:
    digest = {"sha256": image.descriptor.digest.hex}
    platform = str(image.config.platform).replace("/", "%2F")
    names = [f"pkg:docker/{tag.replace(':', '@')}?platform={platform}" for tag in tags] or ["_"]
    return [{"name": name, "digest": digest} for name in names]


def _predicates(
    workplace: Workplace, asked: Attesting, image: Image, outcome: Outcome, told: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    if asked.provenance:
        yield _PROVENANCE, _provenance(asked.provenance, outcome, told)
    if asked.sbom:
        from scow.engine.scans.verbs import Scanner

        yield _SPDX, msgspec.json.decode(Scanner(workplace).sbom_of(image, format="spdx"))


def _provenance(mode: str, outcome: Outcome, told: Mapping[str, Any]) -> dict[str, Any]:
    """SLSA 1.0, "Provenance": what was asked, and the digests of what went in."""
    from scow import __version__

    request: dict[str, Any] = {"frontend": "dockerfile.v0"}
    if told.get("target"):
        request["target"] = told["target"]
    definition: dict[str, Any] = {
        "buildType": _BUILD_TYPE,
        "externalParameters": {"configSource": {"path": outcome.source}, "request": request},
        "resolvedDependencies": [*_materials(outcome.images)],
    }
    if mode == "max":
        request["args"] = {f"build-arg:{name}": value for name, value in sorted(told.get("args", {}).items())}
        request["labels"] = dict(sorted(told.get("labels", {}).items()))
        definition["internalParameters"] = {"buildConfig": {"dockerfile": outcome.text}}
    builder = {"id": f"https://pypi.org/project/scow/{__version__}"}
    return {"buildDefinition": definition, "runDetails": {"builder": builder}}


def _materials(images: Mapping[str, Image]) -> Iterable[dict[str, Any]]:
    for key, image in sorted(images.items()):
        name, platform = image_of(key)
        shown = (platform or str(image.config.platform)).replace("/", "%2F")
        uri = name if "://" in name else f"pkg:docker/{name.replace(':', '@', 1) if ':' in name else name}"
        yield {"uri": f"{uri}?platform={shown}", "digest": {"sha256": image.descriptor.digest.hex}}
