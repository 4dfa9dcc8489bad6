"""Where a name really leads: mirrors, other locations, registries that may not be asked (containers-registries.conf(5),
version 2, and three keys of our own). PURE: files are read elsewhere.

::

    [[registry]]
    prefix = "docker.io"             # host, host/path (also :tag or @digest), *.domain; the longest that fits counts
    location = "hub.corp.example"    # is asked instead
    insecure = false                 # plain HTTP, or any certificate
    blocked = false                  # is never asked
    ca-file = "/etc/ssl/corp.pem"    # ours
    client-cert = "/etc/ssl/me.pem"  # ours
    client-key = "/etc/ssl/me.key"   # ours

    [[registry.mirror]]
    location = "mirror.corp.example/hub"
    insecure = false
    pull-from-mirror = "all"         # or digest-only, or tag-only
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from scow.errors import Denied, Invalid
from scow.oci.known import known
from scow.oci.reference import Reference

_LIMIT: Final = 1 << 20
Pull = Literal["all", "digest-only", "tag-only"]


class Mirror(msgspec.Struct, frozen=True, rename="kebab"):
    """A place that may have what the registry has."""

    location: str
    insecure: bool = False
    pull_from_mirror: Pull = "all"


class Rule(msgspec.Struct, frozen=True, rename="kebab"):
    """One ``[[registry]]``."""

    prefix: str = ""
    location: str = ""
    insecure: bool = False
    blocked: bool = False
    mirror_by_digest_only: bool = False
    mirror: tuple[Mirror, ...] = ()
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    @property
    def scope(self) -> str:
        """What it is for: the prefix, else the location."""
        return self.prefix or self.location


class Route(msgspec.Struct, frozen=True):
    """What is asked: ``target`` in the end, before it those ``mirrors`` that fit, each with what it is good for."""

    target: Reference
    mirrors: tuple[tuple[Reference, Pull], ...] = ()


class _File(msgspec.Struct):
    registry: tuple[Rule, ...] = ()


def parse(raw: bytes, name: str, *, strict: bool = True) -> tuple[Rule, ...]:
    """The rules of a file. Raises :class:`Invalid` for one that is not TOML or, when ``strict``, says what is not
    known: a file that other tools read may say more than we follow."""
    if len(raw) > _LIMIT:
        raise Invalid(f"is larger than {_LIMIT} bytes", subject=name)
    try:
        document: dict[str, Any] = tomllib.loads(raw.decode())
        rules = msgspec.convert(document, known(_File)).registry
        if strict:
            _only_known(document)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise Invalid(f"cannot be used: {str(error)[:300]}", subject=name) from None
    for rule in rules:
        _checked(rule, name)
    return rules


def _only_known(document: Mapping[str, Any]) -> None:
    for where, table, kind in (
        ("the file", document, _File),
        *(("[[registry]]", one, Rule) for one in document.get("registry", ())),
        *(
            ("[[registry.mirror]]", one, Mirror)
            for rule in document.get("registry", ())
            for one in rule.get("mirror", ())
        ),
    ):
        strange = sorted(set(table) - set(kind.__struct_encode_fields__))
        if strange:
            raise msgspec.ValidationError(f"{where} does not know {strange[0]!r}")


def _checked(rule: Rule, name: str) -> None:
    if not rule.scope:
        raise Invalid("a [[registry]] has neither prefix nor location", subject=name)
    if rule.client_key and not rule.client_cert:
        raise Invalid(f"{rule.scope} has a client-key without its client-cert", subject=name)
    for place in (rule.prefix.removeprefix("*."), rule.location, *(mirror.location for mirror in rule.mirror)):
        if place and (place != place.strip() or "://" in place or place.endswith("/")):
            raise Invalid(f"{place!r} is not host[:port][/path]", subject=name)


def merged(files: Iterable[Sequence[Rule]]) -> tuple[Rule, ...]:
    """The rules of several files, the first of which counts for what several speak of."""
    found: dict[str, Rule] = {}
    for rules in files:
        fresh = {rule.scope: rule for rule in rules if rule.scope not in found}
        found |= fresh
    return tuple(found.values())


def routed(rules: Sequence[Rule], reference: Reference, *, push: bool = False) -> Route:
    """Where ``reference`` leads. Nothing is pushed to a mirror. Raises :class:`Denied` for a blocked registry."""
    fitting = [(len(rule.scope), rule) for rule in rules if _fits(rule.scope, reference)]
    if not fitting:
        return Route(reference)
    rule = max(fitting, key=lambda pair: pair[0])[1]
    if rule.blocked:
        raise Denied("is blocked by the registries' settings", subject=reference.repository, hint="registries.toml")
    target = _moved(reference, rule.scope, rule.location) if rule.location else reference
    if push:
        return Route(target)
    return Route(
        target,
        tuple(
            (
                _moved(reference, rule.scope, one.location),
                "digest-only" if rule.mirror_by_digest_only else one.pull_from_mirror,
            )
            for one in rule.mirror
        ),
    )


def _fits(scope: str, reference: Reference) -> bool:
    if scope.startswith("*."):
        return reference.host.endswith(scope[1:])
    tagged = f"{reference.repository}:{reference.tag}" if reference.tag else reference.repository
    names = (reference.repository, tagged, f"{reference.repository}@{reference.digest}")
    return scope in names or reference.repository.startswith(f"{scope}/")


def _moved(reference: Reference, scope: str, location: str) -> Reference:
    """The same image below another place."""
    kept = reference.host if scope.startswith("*.") else scope
    text = location + reference.repository[len(kept) :]
    suffix = (f":{reference.tag}" if reference.tag else "") + (f"@{reference.digest}" if reference.digest else "")
    host, _, path = text.partition("/")
    if not path:
        raise Invalid(f"{location!r} leaves no repository for {reference.repository}", subject="registries.toml")
    moved = Reference.parse(text + suffix, default_tag=None)
    # a host without a dot or port would be read as a path: it was said to be a host
    return moved if moved.host == host else msgspec.structs.replace(moved, host=host, path=path)
