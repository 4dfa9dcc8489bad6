"""What every format says of a package beyond its name. Pure."""

from __future__ import annotations

import hashlib

from scow.layer.entry import shown
from scow.scan.package import Catalog, Package, Unread


def layer(catalog: Catalog, number: int) -> str:
    """The diff_id of a layer, empty when it is not known."""
    return catalog.layers[number].diff_id if 0 <= number < len(catalog.layers) else ""


def identity(package: Package, purl: str = "") -> str:
    """16 hexadecimal digits that stand for this package at its place; ``purl`` is its own, where that is at hand."""
    return hashlib.sha256((purl or package.purl).encode() + b"\0" + package.location).hexdigest()[:16]


def complaint(unread: Unread) -> str:
    """What could not be read, and why: one line, and nothing that moves a terminal's cursor."""
    told = f"{shown(unread.path)}: {unread.reason}"
    return told if told.isprintable() else "".join(one if one.isprintable() else "\ufffd" for one in told)


def fingerprint(catalog: Catalog, version: str) -> str:
    """64 hexadecimal digits that stand for the catalog as this scow tells it: what a document is called after."""
    import msgspec

    found = hashlib.sha256(msgspec.msgpack.encode((version, msgspec.structs.replace(catalog, packages=()))))
    for package in catalog.packages:  # one by one: all of them together may be a hundred megabytes
        found.update(msgspec.msgpack.encode(package))
    return found.hexdigest()
