"""Names of images, as far as rules look into them; :mod:`scow.oci` reads them for those who fetch."""

from __future__ import annotations

import re

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
_REFERENCE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@[a-z0-9+._-]+:[0-9a-fA-F]{{32,}})?"
)


def is_reference(text: str) -> bool:
    """Could it be the name of an image?"""
    return len(text) <= 1024 and _REFERENCE.fullmatch(text) is not None


def tag(image: str) -> str:
    """The tag, or nothing."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def host(image: str) -> str:
    """The registry; ``docker.io`` where none is written."""
    first, slash, _ = image.partition("/")
    return first if slash and (set(".:") & set(first) or first == "localhost") else "docker.io"
