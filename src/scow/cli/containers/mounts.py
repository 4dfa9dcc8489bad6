"""``-v``, ``--mount`` and ``--tmpfs``: texts -> the container's mounts.

::

    -v       [SOURCE:]TARGET[:MODE[,MODE]...]   a bare name is a volume, a path the host's, nothing a new volume
    --mount  type=bind|volume|tmpfs,source=…,target=…[,readonly][,…]
    --tmpfs  TARGET[:OPTION[,OPTION]...]           of several at one place, the last counts
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Literal

from scow.errors import Denied, Invalid, NotFound, Unsupported
from scow.runtime.spec.options import Mount

Kind = Literal["bind", "volume", "tmpfs"]

#: SELinux labels, and what tells macOS how to share files: nothing to do here.
_SILENT = frozenset({"z", "Z", "consistent", "cached", "delegated"})
_PROPAGATION = frozenset("private rprivate slave rslave shared rshared".split())  # noqa: SIM905
#: A ``-v`` has at most one word of each.
_ALTERNATIVES = (
    frozenset({"ro", "rw"}), frozenset({"z", "Z"}), frozenset({"nocopy"}), _SILENT - {"z", "Z"}, _PROPAGATION,
)  # fmt: skip
_KINDS: Mapping[str, Kind] = {"bind": "bind", "volume": "volume", "tmpfs": "tmpfs"}
_NAMES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_SWITCHES = frozenset({"readonly", "volume-nocopy", "bind-nonrecursive"})
_COMMON = frozenset({"type", "source", "target", "readonly", "consistency"})
_OWN = {
    "bind": frozenset({"bind-propagation"}),
    "volume": frozenset({"volume-nocopy"}),
    "tmpfs": frozenset({"tmpfs-size", "tmpfs-mode"}),
}


def volume(text: str) -> Mount:
    """One ``-v``. A directory of the host may be missing: :func:`make_sources`."""
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise Invalid(f"invalid volume specification: '{text}'")
    if len(parts) == 1:
        return Mount("volume", "", text)
    modes = parts[2].split(",") if len(parts) == 3 else []
    if any(sum(word in some for word in modes) > 1 for some in _ALTERNATIVES):
        raise Invalid(f"invalid mode: {parts[2]}")
    read_only, no_copy = "ro" in modes, "nocopy" in modes
    options = tuple(word for word in modes if word not in _SILENT | {"ro", "rw", "nocopy"})
    source = parts[0]
    if source.split("/")[0] in (".", ".."):
        source = os.path.abspath(source)
    if not source.startswith("/"):
        if not _PROPAGATION.isdisjoint(options):
            raise Invalid(f"invalid volume specification: '{text}'", hint="propagation is for what is not a volume")
        return Mount("volume", "", parts[1], read_only, options, source, no_copy)
    if no_copy:
        raise Invalid(f"invalid volume specification: '{text}'", hint="nocopy is for volumes")
    return Mount("bind", source, parts[1], read_only, options)


def make_sources(mounts: Iterable[Mount]) -> None:
    """Make the directories of this machine that a ``-v`` names and that are not there, as docker does."""
    for path in (one.source for one in mounts if one.kind == "bind"):
        try:
            if not os.path.lexists(path):
                os.makedirs(path, exist_ok=True)
        except OSError as error:
            raise Denied(f"cannot make the directory to mount: {error.strerror}", subject=path) from None


def mount(text: str) -> Mount:
    """One ``--mount``. What a bind mount names must be there."""
    fields = _fields(text)
    kind = _KINDS.get(fields.get("type", "volume").lower())
    if kind is None:
        raise Invalid(f'mount type unknown: "{fields["type"]}"')
    if unknown := sorted(set(fields) - _COMMON - _OWN[kind]):
        raise Unsupported(f"option {unknown[0]!r} is not supported for mounts of type {kind}", subject=text)
    if not fields.get("target"):
        raise Invalid("target is required", subject=text)
    source, name = _source(kind, fields)
    no_copy = fields.get("volume-nocopy") == "true"
    return Mount(kind, source, fields["target"], fields.get("readonly") == "true", _own(fields), name, no_copy)


def tmpfs(texts: Iterable[str]) -> Iterable[Mount]:
    """The ``--tmpfs``: of those at one place the last."""
    return {mount.target.rstrip("/"): mount for mount in map(_tmpfs, texts)}.values()


def _tmpfs(text: str) -> Mount:
    target, _, words = text.partition(":")
    options = tuple(word for word in words.split(",") if word not in ("", "rw", "ro"))
    return Mount("tmpfs", "", target, "ro" in words.split(","), options)


def distinct(mounts: Iterable[Mount]) -> tuple[Mount, ...]:
    """The mounts, if no two are at one place."""
    found: dict[str, Mount] = {}
    for one in mounts:
        place = one.target.rstrip("/")
        if place in found:
            raise Invalid(f"Duplicate mount point: {one.target}")
        found[place] = one
    return tuple(found.values())


def _fields(text: str) -> dict[str, str]:
    from scow.dockerfile.values import csv

    fields: dict[str, str] = {}
    for field, _, _ in csv(text) if text else ():
        name, equals, value = field.partition("=")
        name = _NAMES.get(name.lower(), name.lower())
        if not equals and name not in _SWITCHES:
            raise Invalid(f"invalid field '{field}' must be a key=value pair")
        fields[name] = _switched(name, value, equals) if name in _SWITCHES else value
    return fields


def _switched(name: str, value: str, equals: str) -> str:
    if not equals:
        return "true"
    from scow.dockerfile.truths import TRUTHS

    if value not in TRUTHS:
        raise Invalid(f"invalid value for {name}: {value}")
    return str(TRUTHS[value]).lower()


def _source(kind: Kind, fields: Mapping[str, str]) -> tuple[str, str]:
    """The host's path, and the volume's name."""
    source = fields.get("source", "")
    if kind == "volume":
        return "", source
    if kind == "tmpfs":
        if source:
            raise Invalid('invalid mount config for type "tmpfs": field Source must not be specified')
        return "", ""
    if not source:
        raise Invalid('invalid mount config for type "bind": field Source must not be empty')
    source = os.path.abspath(source) if source.startswith(".") else source
    if not os.path.exists(source):
        raise NotFound(f'invalid mount config for type "bind": bind source path does not exist: {source}')
    return source, ""


def _own(fields: Mapping[str, str]) -> tuple[str, ...]:
    options = []
    if "bind-propagation" in fields:
        options.append(fields["bind-propagation"])
    if "tmpfs-size" in fields:
        from scow.cli.units import parse_size

        options.append(f"size={parse_size(fields['tmpfs-size'])}")
    if "tmpfs-mode" in fields:
        options.append(f"mode={fields['tmpfs-mode'].lstrip('0') or '0'}")
    return tuple(options)
