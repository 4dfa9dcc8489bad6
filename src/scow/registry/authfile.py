"""Reads and writes one config.json: unknown fields live on, and a file is never half written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scow.errors import Denied, Invalid, Limit
from scow.files import replacing
from scow.oci.documents import check_bounds

_LIMIT = 1 << 20


def read_config(source: Path | bytes, name: str = "") -> dict[str, Any]:
    """The document; a file that is not there is an empty one. Raises :class:`Invalid`, :class:`Denied`."""
    subject = name or str(source)
    raw = source if isinstance(source, bytes) else _read(source)
    if not raw.strip():
        return {}
    check_bounds(raw, subject, _LIMIT)
    import json  # takes longer than most files

    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        line = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Invalid(f"is not valid JSON{line}", subject=subject) from None  # its text may hold secrets
    if not isinstance(document, dict):
        raise Invalid("is not a JSON object", subject=subject)
    return document


def write_config(file: Path, document: Mapping[str, Any]) -> None:
    """Replace ``file`` in one step, readable by its owner only. A link is followed: people keep theirs elsewhere."""
    import json

    target = Path(os.path.realpath(file))
    try:
        target.parent.mkdir(0o700, parents=True, exist_ok=True)
        with replacing(target) as stream:
            stream.write(json.dumps(document, indent="\t").encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise Denied(
            f"cannot write: {error.strerror}", subject=str(file), hint="set DOCKER_CONFIG to a directory of yours"
        ) from None


def _read(file: Path) -> bytes:
    try:
        with open(file, "rb") as stream:
            raw = stream.read(_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        if not os.path.lexists(file):  # HOME is another user's, as where sudo or a pod chose only the user
            return b""
        raise Denied(f"cannot read: {error.strerror}", subject=str(file)) from None
    if len(raw) > _LIMIT:
        raise Limit(f"is larger than {_LIMIT} bytes", subject=str(file))
    return raw
