"""What ``build`` reads of its flags with more than one word in them: ``--secret``, ``--ssh``, ``--output`` …

Empty values are none, as with docker: they come of variables that a script has not set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from scow.cli.units import parse_size
from scow.dockerfile.values import boolean, csv
from scow.errors import Invalid, NotFound, Unsupported

if TYPE_CHECKING:
    from scow.engine.builds.attesting import Attesting
    from scow.engine.builds.caching import CacheFrom, CacheTo
    from scow.engine.builds.compressing import Compression

_SECRET_KEYS = {"id": "id", "src": "src", "source": "src", "env": "env", "type": "type"}
_ENTITLEMENTS = ("network.host", "security.insecure")
_AGENT = "SSH_AUTH_SOCK"
#: kinds of ``--output`` that leave the store
EXPORTS = ("local", "tar", "oci", "docker", "layout")


class Output(NamedTuple):
    """``kind`` local, tar, oci, docker, layout (an oci that is no tar) or image; ``target`` a path, or ``-`` for
    standard output."""

    kind: str
    target: str = ""
    names: tuple[str, ...] = ()
    push: bool = False
    #: whether each platform's files are in a directory of its own, where it is said
    split: bool | None = None
    #: of the image's layers, where it is said
    compression: Compression | None = None


def secrets(entries: Iterable[str], caller: Mapping[str, str]) -> dict[str, bytes | Path]:
    """``id=ID[,src=FILE|,env=NAME]``; alone, an id is a variable's name, else a file's."""
    found: dict[str, bytes | Path] = {}
    for entry in filter(None, entries):
        fields = _fields(entry, _SECRET_KEYS, "secret")
        name = fields.get("id") or Path(fields.get("src", "")).name or fields.get("env", "")
        if not name:
            raise Invalid("secret missing 'id'", subject=entry)
        if fields.get("type", "file") not in ("file", "env"):
            raise Invalid(f'unsupported secret type "{fields["type"]}"', hint="file or env")
        found[name] = _secret(name, fields, caller)
    return found


def _secret(name: str, fields: Mapping[str, str], caller: Mapping[str, str]) -> bytes | Path:
    variable = fields.get("env", "")
    if fields.get("type") == "env":
        variable = variable or fields.get("src", "") or name
    elif not variable and "src" not in fields and "type" not in fields and name in caller:
        variable = name
    if variable:
        if variable not in caller:
            raise NotFound(f"secret {name}: the variable {variable} is not set")
        return caller[variable].encode("utf-8", "surrogateescape")
    path = Path(fields.get("src") or name)
    if not path.is_file() and not path.is_fifo():
        raise NotFound(f"secret {name}: no such file", subject=str(path))
    return path


def agents(entries: Iterable[str], caller: Mapping[str, str]) -> dict[str, Path]:
    """``default``, or ``ID=SOCKET``."""
    found: dict[str, Path] = {}
    for entry in filter(None, entries):
        name, equals, path = entry.partition("=")
        path = path if equals else caller.get(_AGENT, "")
        if not path:
            raise Invalid("no SSH agent is running", subject=f"--ssh {entry}", hint=f"set {_AGENT}, or name the socket")
        if not Path(path).is_socket():
            if Path(path).exists():
                raise Unsupported("keys are not read, only agents are asked", subject=path, hint="ssh-add it")
            raise NotFound("no such socket", subject=path)
        found[name or "default"] = Path(path)
    return found


def pairs(entries: Iterable[str], what: str) -> dict[str, str]:
    """``KEY=VALUE`` of ``--build-context`` and ``--annotation``."""
    found: dict[str, str] = {}
    for entry in filter(None, entries):
        name, equals, value = entry.partition("=")
        if not (name and equals):
            raise Invalid(f"invalid {what} {entry!r}, expected key=value")
        found[name] = value
    return found


def annotated(entries: Iterable[str], level: str) -> dict[str, str]:
    """Those of the manifest or of the index: ``[manifest:|index:|manifest,index:]KEY=VALUE``."""
    found = {}
    for name, value in pairs(entries, "annotation").items():
        kinds, colon, key = name.partition(":")
        levels = kinds.split(",") if colon else []
        if any(level in ("index-descriptor", "manifest-descriptor") or "[" in level for level in levels):
            raise Unsupported(f"annotations of the {kinds} are not supported", subject=name, hint="manifest or index")
        if not set(levels) <= {"manifest", "index"} or not levels:
            levels, key = ["manifest"], name  # a key may hold colons
        if level in levels:
            found[key] = value
    return found


def attesting(provenance: str | None, sbom: str | None, entries: Iterable[str]) -> Attesting:
    """``--provenance`` (true, false, min, max, mode=…), ``--sbom`` (true, false), ``--attest type=…[,mode=…]``."""
    from scow.engine.builds.attesting import Attesting

    asked = {"provenance": provenance or "false", "sbom": sbom or "false"}
    for entry in entries:
        fields = _fields(entry, {key: key for key in ("type", "mode", "disabled")}, "attest")
        if fields.get("type") not in asked:
            raise Invalid(f"invalid attestation type {fields.get('type', '')!r}", hint="provenance, sbom")
        disabled = boolean(fields.get("disabled", "false"))
        asked[fields["type"]] = "false" if disabled else fields.get("mode", "true")
    text = asked["provenance"].removeprefix("mode=")
    on, inside = boolean(text), boolean(asked["sbom"])
    if (on is None and text not in ("min", "max")) or inside is None:
        wrong = "--sbom is true or false" if inside is None else "--provenance is true, false, mode=min or mode=max"
        raise Invalid(f"invalid value: {wrong}")
    return Attesting("max" if text == "max" else "" if on is False else "min", inside)


def hosts(entries: Iterable[str]) -> tuple[str, ...]:
    """``HOST:ADDRESS`` or ``HOST=ADDRESS``, an IPv6 address with or without brackets."""
    found = []
    for entry in entries:
        name, _, address = entry.replace("=", ":", 1).partition(":")
        address = address.removeprefix("[").removesuffix("]")
        if not (name and address):
            raise Invalid(f'bad format for add-host: "{entry}"', hint="HOST:ADDRESS")
        found.append(f"{name}:{address}")
    return tuple(found)


def ulimits(entries: Iterable[str]) -> list[tuple[str, int, int]]:
    """``nofile=1024`` or ``nofile=1024:2048``."""
    if not (listed := list(entries)):
        return []
    from scow.cli.containers.runflags import parse_ulimit

    return [(one.name, one.soft, one.hard) for one in map(parse_ulimit, listed)]


def shm_size(text: str | None) -> int | None:
    """Bytes."""
    return parse_size(text) if text else None


def allowed(entries: Iterable[str]) -> tuple[str, ...]:
    """Entitlements."""
    listed = tuple(entries)
    for entry in listed:
        if entry not in _ENTITLEMENTS:
            raise Unsupported(f"unknown entitlement {entry!r}", hint=", ".join(_ENTITLEMENTS))
    return listed


def names(entries: Iterable[str]) -> tuple[str, ...]:
    """Names with commas between, of ``--no-cache-filter``."""
    return tuple(name.strip() for entry in entries for name in entry.split(",") if name.strip())


def outputs(entries: Iterable[str], *, push: bool = False) -> tuple[Output, ...]:
    """``DIR``, ``-``, or ``type=KIND,dest=PATH``. ``push``: those that are images are pushed, else one more is."""
    found = tuple(map(_output, filter(None, entries)))
    if push and not any(one.kind == "image" for one in found):
        return (*found, Output("image", push=True))
    return tuple(one._replace(push=True) if push and one.kind == "image" else one for one in found)


def _output(entry: str) -> Output:
    if entry == "-":
        return Output("tar", "-")
    if "=" not in entry:
        return Output("local", entry)
    fields = _fields_as_is(entry, _OUTPUT_KEYS, _OUTPUT_AS_IS, "output")
    kind, found = fields.get("type", ""), names([fields.get("name", "")])
    push, tar = (_truth(fields, key, otherwise) for key, otherwise in (("push", False), ("tar", True)))
    compression = _compression(fields, "output", entry)
    if kind in ("registry", "image") or (kind == "docker" and not fields.get("dest")):
        return Output("image", names=found, push=push or kind == "registry", compression=compression)
    if kind not in EXPORTS:
        raise Invalid(f"unsupported output type {kind!r}", hint=", ".join((*EXPORTS, "image", "registry")))
    target = fields.get("dest", "-")
    if (kind == "local" or not tar) and target == "-":
        raise Invalid(f"dest is required for the {kind} output", subject=entry)
    if not tar and kind != "oci":
        raise Unsupported(f"output: tar=false is not supported for type={kind}", subject=entry, hint="type=oci")
    if compression and kind in ("local", "tar"):
        raise Invalid(f"type={kind} holds files, and no layers to compress", subject=entry)
    split = _truth(fields, "platform-split", True) if "platform-split" in fields else None
    return Output(kind if tar else "layout", target, found, split=split, compression=compression)


def _truth(fields: Mapping[str, str], key: str, otherwise: bool, what: str = "output") -> bool:
    found = boolean(fields[key]) if key in fields else otherwise
    if found is None:
        raise Invalid(f"invalid {what}: {key} is true or false, not {fields[key]!r}")
    return found


def _compression(fields: Mapping[str, str], what: str, entry: str) -> Compression | None:
    """What is asked of layers; ``None`` for gzip as it is made anyway."""
    if not any(key in fields for key in _COMPRESSION_KEYS):
        return None
    from scow.engine.builds.compressing import Compression

    kinds: dict[str, Literal["gzip", "zstd", "none"]] = {"gzip": "gzip", "zstd": "zstd", "uncompressed": "none"}
    kind, level = kinds.get(fields.get("compression", "gzip")), fields.get("compression-level")
    if kind is None:
        problem = f"{what}: compression={fields['compression']} is not supported"
        raise Unsupported(problem, subject=entry, hint=", ".join(kinds))
    if level is not None and not (level.isascii() and level.isdigit()):
        raise Invalid(f"invalid {what}: compression-level is a number, not {level!r}", subject=entry)
    force = _truth(fields, "force-compression", False, what)
    asked = Compression(kind, None if level is None else int(level), force)
    return None if asked == Compression() else asked


_COMPRESSION_KEYS = ("compression", "compression-level", "force-compression")
_OUTPUT_KEYS = ("type", "dest", "name", "push", "tar", "platform-split", *_COMPRESSION_KEYS)
#: as :data:`_CACHE_AS_IS`, of outputs
_OUTPUT_AS_IS = {"oci-mediatypes": "true", "unpack": "true", "rewrite-timestamp": "true"}
_CACHE_KEYS = ("type", "ref", "src", "dest", "tag", "digest", "mode", "ignore-error", "mounts", *_COMPRESSION_KEYS)
#: keys of docker's that change nothing here, with the value that says what is done anyway
_CACHE_AS_IS = {"image-manifest": "true", "oci-mediatypes": "true"}


def caches_from(entries: Sequence[str]) -> tuple[CacheFrom, ...]:
    """``NAME``, ``type=registry,ref=NAME`` or ``type=local,src=DIR[,tag=NAME|,digest=DIGEST]``."""
    if not entries:
        return ()
    from scow.engine.builds.caching import CacheFrom

    found = []
    for entry in _each(entries):
        kind, fields = _cache(entry, "cache-from")
        if kind == "inline":
            raise Invalid("an inline cache is taken from its image", subject=entry, hint="--cache-from IMAGE")
        where = fields.get("ref" if kind == "registry" else "src", "")
        if not where:
            raise Invalid(f"{'ref' if kind == 'registry' else 'src'} is required for a {kind} cache", subject=entry)
        found.append(CacheFrom(kind, where, fields.get("digest") or fields.get("tag") or "latest"))
    return tuple(found)


def caches_to(entries: Sequence[str]) -> tuple[CacheTo, ...]:
    """``type=registry,ref=NAME``, ``type=local,dest=DIR`` or ``type=inline``, and ``mode ignore-error mounts``."""
    if not entries:
        return ()
    from scow.engine.builds.caching import CacheTo

    found = []
    for entry in _each(entries):
        kind, fields = _cache(entry, "cache-to")
        where = fields.get("ref" if kind == "registry" else "dest", "")
        if not where and kind != "inline":
            raise Invalid(f"{'ref' if kind == 'registry' else 'dest'} is required for a {kind} cache", subject=entry)
        mode, ignored = fields.get("mode", "min"), _truth(fields, "ignore-error", False, "cache-to")
        if mode not in ("min", "max"):
            raise Invalid("invalid cache-to: mode is min or max", subject=entry)
        mounts = tuple(fields["mounts"].split(";")) if fields.get("mounts") else ()
        if kind == "inline" and (mode == "max" or mounts):
            raise Unsupported("an inline cache holds only the image's own layers", subject=entry, hint="type=registry")
        compression, tag = _compression(fields, "cache-to", entry), fields.get("tag", "latest")
        found.append(CacheTo(kind, where, tag, "max" if mode == "max" else "min", ignored, mounts, compression))
    return tuple(found)


def _each(entries: Iterable[str]) -> Iterator[str]:
    """The entries; those that are only names may have commas between them."""
    for entry in filter(None, entries):
        yield from [entry] if "=" in entry else names([entry])


def _cache(entry: str, what: str) -> tuple[Literal["registry", "local", "inline"], dict[str, str]]:
    """The type of a cache and its fields; a name alone is a registry's."""
    if "=" not in entry:
        return "registry", {"ref": entry}
    fields = _fields_as_is(entry, _CACHE_KEYS, _CACHE_AS_IS, what)
    kinds: dict[str, Literal["registry", "local", "inline"]] = {
        "registry": "registry", "local": "local", "inline": "inline",
    }  # fmt: skip
    kind = kinds.get(fields.get("type", ""))
    if kind is None:
        problem = f"{what}: type {fields.get('type', '')!r} is not supported"
        raise Unsupported(problem, subject=entry, hint=", ".join(kinds))
    return kind, fields


def _fields_as_is(entry: str, keys: Sequence[str], as_is: Mapping[str, str], what: str) -> dict[str, str]:
    """The fields, among them those of ``as_is`` with no other value than theirs."""
    fields = _fields(entry, {key: key for key in (*keys, *as_is)}, what)
    for key, value in as_is.items():
        if fields.get(key, value) != value:
            raise Unsupported(f"{what}: {key}={fields[key]} is not supported", subject=entry, hint=f"{key}={value}")
    return fields


def _fields(entry: str, known: Mapping[str, str], what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text, _, _ in csv(entry):
        key, equals, value = text.partition("=")
        name = known.get(key.lower())
        if not equals or name is None:
            problem = f"unexpected key '{key}' in '{text}'" if equals else f"invalid field '{text}' must be key=value"
            raise Invalid(f"invalid {what}: {problem}", hint=", ".join(known))
        found[name] = value
    return found
