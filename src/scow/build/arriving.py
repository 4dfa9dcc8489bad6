"""A build context that arrives as one stream: a tar of its files, unpacked as an ordinary user would."""

from __future__ import annotations

import os
from pathlib import Path

from scow.errors import Denied, Invalid
from scow.layer.compression import inflated
from scow.layer.stream import Reader
from scow.oci.media_types import sniff

#: what is looked at to know a tar
HEAD = 512


def is_archive(head: bytes) -> bool:
    """Whether the first :data:`HEAD` bytes are those of a tar, compressed or not."""
    return head[257:262] == b"ustar" or sniff(head) != "none"


def unpack(reader: Reader, head: bytes, root: Path) -> None:
    """The tar's files beneath ``root``: no owners, no devices, nothing outside. ``reader`` begins with ``head``."""
    from scow.layer.apply import apply
    from scow.layer.index import Writer
    from scow.layer.rights import Ordinary
    from scow.layer.tree import OverlayTree

    tree = OverlayTree(root, Ordinary())
    try:
        with open(os.devnull, "r+b") as nowhere:
            apply(inflated(reader, sniff(head)), tree, Writer(nowhere))
    except OSError as error:
        raise Denied(f"cannot unpack the build context: {error.strerror}") from None
    finally:
        tree.close()


def dockerfile(root: Path, name: str) -> Path:
    """The Dockerfile, once neither it nor its ignore file is a link to a file of this machine."""
    for one in (name, f"{name}.dockerignore", ".dockerignore"):
        if not (root / one).resolve().is_relative_to(root.resolve()):
            raise Invalid("leads out of the build context", subject=one)
    return root / name
