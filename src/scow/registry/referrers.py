"""What refers to a manifest: told by the registry, or listed by its clients under a tag made of the digest where it
has no referrers API (distribution-spec, "Listing Referrers", "Referrers Tag Schema")."""

from __future__ import annotations

from collections.abc import Callable

from scow.errors import Invalid, Limit, NotFound, Unsupported
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.documents import encode
from scow.oci.manifest import Index, Manifest, parse
from scow.registry import protocol
from scow.registry.auth import Scopes
from scow.registry.endpoint import Asked, Endpoint

_LIMIT = 100_000

#: Puts a manifest: name, media type, bytes.
Put = Callable[[str, str, bytes], object]


class Referrers:
    """Those of the manifests in repository ``path``. ``asked`` makes the words of refusals."""

    def __init__(self, endpoint: Endpoint, path: str, scopes: Scopes, asked: Callable[[str], Asked], put: Put) -> None:
        self._endpoint, self._path, self._scopes = endpoint, path, scopes
        self._asked, self._put = asked, put

    def of(self, subject: Digest, artifact_type: str | None) -> tuple[Descriptor, ...]:
        """Every referrer of ``subject``, or those of a type."""
        try:
            found = self._told(subject, artifact_type)
        except (NotFound, Invalid, Unsupported):
            found = self._listed(subject)
        return tuple(one for one in found if artifact_type in (None, one.artifact_type))

    def enlist(self, subject: Digest, raw: bytes, descriptor: Descriptor) -> None:
        """The registry took a referrer without a word on its subject: the client keeps the list (distribution-spec,
        "Pushing Manifests with Subject")."""
        found = self._listed(subject)
        if any(one.digest == descriptor.digest for one in found):
            return
        document = parse(raw, descriptor.media_type)
        kind = document.artifact_type or (document.config.media_type if isinstance(document, Manifest) else None)
        entry = descriptor.plain.annotated(artifact_type=kind, annotations=document.annotations)
        self._list(subject, (*found, entry))

    def strike(self, subject: Digest, digest: Digest) -> None:
        """``digest`` was deleted: it is taken from the list, if there is one."""
        found = self._listed(subject)
        left = tuple(one for one in found if one.digest != digest)
        if left != found:
            self._list(subject, left)

    def _told(self, subject: Digest, artifact_type: str | None) -> tuple[Descriptor, ...]:
        request = protocol.referrers(self._path, subject, artifact_type)
        found: list[Descriptor] = []
        for answer in self._endpoint.pages(request, self._scopes, self._asked(subject)):
            found += _manifests(answer.body, subject)
            if len(found) > _LIMIT:
                raise Limit(f"has more than {_LIMIT} referrers", subject=subject)
        return tuple(found)

    def _listed(self, subject: Digest) -> tuple[Descriptor, ...]:
        request = protocol.manifest("GET", self._path, protocol.referrers_tag(subject))
        try:
            answer = self._endpoint.ask(request, self._scopes, asked=self._asked(subject))
        except NotFound:
            return ()
        return _manifests(answer.body, subject)

    def _list(self, subject: Digest, referrers: tuple[Descriptor, ...]) -> None:
        index = encode(Index(2, referrers, media_types.OCI_INDEX))
        self._put(protocol.referrers_tag(subject), media_types.OCI_INDEX, index)


def _manifests(raw: bytes, subject: Digest) -> tuple[Descriptor, ...]:
    index = parse(raw, media_types.OCI_INDEX, f"referrers of {subject}")
    return index.manifests if isinstance(index, Index) else ()
