"""New images from old: configs edited as documents, so that fields scow does not know outlive it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from scow.image.layer import Layer
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.documents import encode
from scow.oci.manifest import Manifest
from scow.oci.platform import Platform


class Step(msgspec.Struct, frozen=True):
    """One entry of history, with the layer it brought, if any."""

    created_by: str
    created: str | None = None
    layer: Layer | None = None
    comment: str = ""
    author: str = ""

    def record(self) -> dict[str, Any]:
        """The history entry (config.md, "history")."""
        fields: dict[str, Any] = {
            "created": self.created,
            "created_by": self.created_by,
            "author": self.author,
            "comment": self.comment,
            "empty_layer": self.layer is None,
        }
        return {key: value for key, value in fields.items() if value}


def scratch(platform: Platform) -> dict[str, Any]:
    """The config of an image with nothing in it."""
    return on(platform, {"config": {}, "rootfs": {"type": "layers", "diff_ids": []}, "history": []})


def on(platform: Platform, config: Mapping[str, Any]) -> dict[str, Any]:
    """``config``, said to be for ``platform``. What it says of its variant holds where the platform says nothing."""
    fields = {"architecture": platform.architecture, "os": platform.os, "variant": platform.variant}
    if all(config.get(name) == wanted for name, wanted in fields.items() if wanted):
        return dict(config)
    rest = {name: value for name, value in config.items() if name not in fields}
    return {**{name: value for name, value in fields.items() if value}, **rest}


def edited(config: Mapping[str, Any], steps: Sequence[Step], *, created: str | None, **process: Any) -> dict[str, Any]:
    """``config`` with more steps on top and ``process`` fields (docker's names: ``Env``, ``Cmd`` …) set.

    A field given as ``None`` goes away.
    """
    rootfs = dict(config.get("rootfs") or {"type": "layers"})
    rootfs["diff_ids"] = [*(rootfs.get("diff_ids") or ()), *(step.layer.diff_id for step in steps if step.layer)]
    settings = {**(config.get("config") or {}), **process}
    document = {
        **config,
        "config": {key: value for key, value in settings.items() if value is not None},
        "rootfs": rootfs,
        "history": [*(config.get("history") or ()), *(step.record() for step in steps)],
    }
    if created is not None:
        document["created"] = created
    return document


def without_layers(config: Mapping[str, Any], kept: int = 0) -> dict[str, Any]:
    """``config`` less its layers above the lowest ``kept``; the steps that made those are still told, as empty ones."""
    history: list[dict[str, Any]] = []
    seen = 0
    for step in config.get("history") or ():
        brings = not step.get("empty_layer")
        history.append({**step, "empty_layer": True} if brings and seen >= kept else step)
        seen += brings
    rootfs = {**config["rootfs"], "diff_ids": config["rootfs"]["diff_ids"][:kept]}
    return {**config, "history": history, "rootfs": rootfs}


def manifest(config: bytes, layers: Sequence[Descriptor], annotations: Mapping[str, str] | None = None) -> bytes:
    """The OCI manifest that joins a config and its layers; docker's layer types become OCI's."""
    return encode(
        Manifest(
            2,
            Descriptor.of(media_types.OCI_CONFIG, config),
            tuple(_as_oci(layer) for layer in layers),
            media_types.OCI_MANIFEST,
            annotations=dict(annotations) if annotations else None,
        )
    )


def _as_oci(layer: Descriptor) -> Descriptor:
    compression = media_types.LAYERS.get(layer.media_type)
    if compression is None or media_types.is_foreign(layer.media_type):
        return layer
    return Descriptor(media_types.LAYER_OF[compression], layer.digest, layer.size)
