"""``--build-context``: names for directories and images, instead of what the Dockerfile means by them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from scow.build.draft import familiar
from scow.build.sources import is_remote
from scow.content.layout import Layout, name_of
from scow.dockerfile.stages import SCRATCH
from scow.errors import Invalid, NotFound, Unsupported
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.reference import Reference

IMAGE: Final = "docker-image://"
LAYOUT: Final = "oci-layout://"
#: names that mean what they do in every Dockerfile
_TAKEN: Final = (SCRATCH, "context")


def divided(
    given: Mapping[str, str | os.PathLike[str]], fetch: Callable[[str], Path]
) -> tuple[dict[str, str | None], dict[str, Path]]:
    """Each name → an image's name or ``None``, and those of directories → their paths; ``fetch`` brings a URL's."""
    contexts: dict[str, str | None] = {}
    directories: dict[str, Path] = {}
    for key, place in given.items():
        value = os.fspath(place)
        if not key or not value:
            raise Invalid("invalid context value, expected key=value", subject=f"{key}={value}")
        try:
            Reference.parse(key)
        except Invalid as error:
            raise Invalid(f"invalid context name {key}: {error.problem}", hint="a stage's or an image's name") from None
        name = familiar(key)
        if name in _TAKEN:
            continue
        if value.startswith(IMAGE):
            image = value.removeprefix(IMAGE)
            contexts[name] = image if image == SCRATCH else str(Reference.parse(image))
        elif value.startswith(LAYOUT):
            contexts[name] = value
        elif value.startswith("target:"):
            raise Unsupported("a target of another file is not supported", subject=value)
        else:
            contexts[name], directories[name] = None, fetch(value) if is_remote(value) else Path(value)
    return contexts, directories


def in_layout(name: str) -> tuple[Layout, Descriptor]:
    """The layout and the image that ``oci-layout://DIR[:TAG][@DIGEST]`` names.

    A layout's names are tags, as the specification shows them, or whole ones, as docker and scow write them. Where
    there is but one image, it is also the latest.
    """
    path, at, digest = name.removeprefix(LAYOUT).partition("@")
    directory, colon, tag = path.rpartition(":")
    if not colon or "/" in tag:
        directory, tag = path, "" if at else "latest"
    layout = Layout(Path(directory))
    if not (layout.root / "oci-layout").is_file():
        raise NotFound("no image layout is there", subject=directory)
    wanted = Digest(digest) if at else None
    entries = list(layout.entries())
    for descriptor in entries:
        if descriptor.digest == wanted or (not wanted and (name_of(descriptor) or "").rpartition(":")[2] == tag):
            return layout, descriptor
    if tag == "latest" and len(entries) == 1:
        return layout, entries[0]
    raise NotFound(f"the image layout has no {digest or tag!r}", subject=directory)
