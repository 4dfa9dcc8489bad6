"""Reading and writing the JSON documents: bounded before parsing, and never re-serialised once read.

The digest is of the bytes, so whoever needs a document's bytes keeps them beside the parsed value.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from scow.errors import Invalid, Limit, ScowError
from scow.oci.descriptor import decode_hook
from scow.oci.known import known

#: distribution-spec: registries should limit manifests to 4 MiB; nobody ships a config larger than that either.
DOCUMENT_LIMIT = 4 << 20
_DEPTH_LIMIT = 100

T = TypeVar("T")


def decode(raw: bytes, kind: type[T], subject: str, *, limit: int = DOCUMENT_LIMIT) -> T:
    """Parse ``raw`` into ``kind``. Raises :class:`Invalid` with the JSON path, or :class:`Limit`."""
    check_bounds(raw, subject, limit)
    try:
        return msgspec.json.decode(raw, type=known(kind), dec_hook=decode_hook)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid(f"not valid JSON for this document: {str(error)[:300]}", subject=subject) from None
    except ScowError as error:
        raise Invalid(str(error), subject=subject) from None


def encode(document: Any) -> bytes:
    """Compact JSON with the keys in the order given: the same value gives the same bytes everywhere.

    Raises :class:`Invalid` for text that is not Unicode.
    """
    try:
        return msgspec.json.encode(document, enc_hook=str)
    except UnicodeEncodeError as error:  # a name or value of the user's, as bytes of another encoding
        raise Invalid("is not UTF-8, and cannot stand in a document", subject=repr(error.object[:80])) from None


def check_bounds(raw: bytes, subject: str, limit: int = DOCUMENT_LIMIT) -> None:
    """Refuse documents that are too long or nest too deep to be looked at."""
    if len(raw) > limit:
        raise Limit(f"document of {len(raw)} bytes is over the limit of {limit}", subject=subject)
    depth = deepest = 0
    for byte in raw.translate(None, _NOT_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > _DEPTH_LIMIT:
        raise Limit(f"document nests {deepest} deep, over the limit of {_DEPTH_LIMIT}", subject=subject)


_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
