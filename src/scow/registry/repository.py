"""One repository at one registry, as a target: a :class:`~scow.content.target.Source` and a Sink."""

from __future__ import annotations

import contextlib
import io
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scow.content.target import Reader, Source
from scow.content.verify import read_document
from scow.errors import Denied, Integrity, Invalid, NotFound, ScowError, Unavailable, Unsupported
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.manifest import parse
from scow.oci.reference import HUB, Reference
from scow.registry import protocol
from scow.registry.download import Download
from scow.registry.endpoint import Asked, Endpoint
from scow.registry.referrers import Referrers
from scow.registry.sessions import Sessions
from scow.registry.spans import is_large
from scow.registry.transport import Call, Response
from scow.registry.upload import Upload

if TYPE_CHECKING:
    from scow.registry.routes import Pull

_MANIFESTS = media_types.INDEXES | media_types.MANIFESTS | media_types.SCHEMA1
#: Bytes of manifests kept for :meth:`Repository.tag` and for reading twice.
_KEPT_LIMIT = 16 << 20
_GONE = frozenset({404, 410})


class Repository:
    """Repository ``reference.path`` at ``reference.host``. Thread safe.

    ``mount_from`` are paths of repositories at the same registry that may hold blobs already; ``held_by`` is one that
    holds all of what is pushed, so that mounting is tried before asking. ``mirrors`` are asked
    first for what is pulled; what one lacks, refuses or cannot give now, the next one is asked for. ``sessions`` is the
    directory that remembers uploads which were cut short.
    """

    def __init__(
        self,
        reference: Reference,
        endpoint: Endpoint,
        *,
        push: bool = False,
        mount_from: Sequence[str] = (),
        held_by: str = "",
        mirrors: Sequence[tuple[Repository, Pull]] = (),
        sessions: Path | None = None,
    ) -> None:
        self.reference = reference
        self._path = reference.path
        self._endpoint = endpoint
        self._mount_from = tuple(mount_from)
        self._held_by = (held_by,) if held_by else ()
        self._mirrors = [one for one, pull in mirrors if pull != "tag-only"]
        self._mirrors_of_tags = [one for one, pull in mirrors if pull != "digest-only"]
        self._pull_scopes = (f"repository:{self._path}:{'pull,push' if push else 'pull'}",)
        self._push_scopes = (f"repository:{self._path}:pull,push",)
        kept = Sessions(sessions, endpoint.host, self._path)
        self._upload = Upload(endpoint, self._path, self._push_scopes, self._pushed(), kept)
        self._referrers = Referrers(endpoint, self._path, self._pull_scopes, self._pulled, self._put)
        self._gave: dict[Digest, list[Repository]] = {}
        self._kept: OrderedDict[Digest, bytes] = OrderedDict()
        self._lock, self._wide = threading.Lock(), threading.Lock()

    @property
    def name(self) -> str:
        """The repository in full, as error messages have it."""
        return self.reference.familiar_name if self.reference.host == HUB else self.reference.repository

    # -- Source

    def resolve(self, name: str) -> Descriptor:
        """The manifest that tag or digest ``name`` means now.

        A HEAD, which costs no pull where pulls are counted; a GET where the registry tells too little.
        """
        asked = Digest(name) if ":" in name else None
        for mirror in self._mirrors if asked else self._mirrors_of_tags:
            with contextlib.suppress(ScowError):
                return mirror.resolve(name)
        with self._endpoint.send(protocol.manifest("HEAD", self._path, name), self._pull_scopes) as response:
            answer = response.excerpt()
        found = protocol.described(answer) if response.status == 200 else None
        if found is None or (asked is not None and found.digest != asked):
            return self._fetched(name, asked)
        return found

    def fetch(self, name: str) -> Descriptor:
        """As :meth:`resolve`, for who reads the manifest next: it is kept, and a request saved."""
        asked = Digest(name) if ":" in name else None
        for mirror in self._mirrors if asked else self._mirrors_of_tags:
            with contextlib.suppress(ScowError):
                return mirror.fetch(name)
        return self._fetched(name, asked)

    def open(self, descriptor: Descriptor, offset: int = 0) -> AbstractContextManager[Reader]:
        """The bytes of a manifest, by digest, or of a blob, resumed over broken connections. Not verified."""
        if descriptor.media_type in _MANIFESTS:
            return closing(io.BytesIO(self._manifest(descriptor)[offset:]))
        if is_large(descriptor.size - offset):
            from scow.registry.wide import Wide

            return Wide(partial(self.part, descriptor), offset, descriptor.size, self._wide)
        return self.part(descriptor, offset, None)

    def part(self, descriptor: Descriptor, start: int, end: int | None) -> Download:
        """The bytes of a blob from ``start`` to ``end``, or to its own. Not verified. With an ``end``, raises
        :class:`Unsupported` where the registry hands out whole blobs only."""

        def open_at(offset: int, patient: bool) -> Response:
            return self._blob_at(descriptor, offset, patient, end)

        return Download(descriptor, start, open_at, self._endpoint.transport, end)

    def forsake(self, descriptor: Descriptor) -> bool:
        """Mirrors that gave something else for ``descriptor`` are not asked any more; whether there were any."""
        liars = self._gave.pop(descriptor.digest, [])
        self._mirrors = [one for one in self._mirrors if one not in liars]
        return bool(liars)

    # -- Sink

    def exists(self, descriptor: Descriptor) -> bool:
        """Whether the registry has it in this repository; it does once it was mounted from where it is held."""
        is_manifest = descriptor.media_type in _MANIFESTS
        if not is_manifest and self._upload.mount(descriptor, self._held_by):
            return True
        if is_manifest:
            request = protocol.manifest("HEAD", self._path, descriptor.digest, descriptor.media_type)
        else:
            request = protocol.blob("HEAD", self._path, descriptor.digest)
        with self._endpoint.send(request, self._pull_scopes) as response:
            if response.status == 200:
                response.excerpt()
                return True
            if response.status in _GONE:
                response.excerpt()
                return False
            raise self._endpoint.refused(response, self._pushed())

    def push(self, descriptor: Descriptor, source: Source, name: str = "") -> None:
        """Send a blob, or a manifest: by digest, or at once under the tag ``name``.

        Foreign layers stay where their urls say.
        """
        if media_types.is_foreign(descriptor.media_type):
            return
        if descriptor.media_type in _MANIFESTS:
            raw = read_document(source, descriptor)
            answer = self._put(name or descriptor.digest, descriptor.media_type, raw)
            self._keep(descriptor.digest, raw)
            subject = parse(raw, descriptor.media_type, str(descriptor.digest)).subject
            if subject and "oci-subject" not in answer.headers:
                self._referrers.enlist(subject.digest, raw, descriptor)
        else:
            self._upload.send(descriptor, source, self._mount_from)

    def tag(self, descriptor: Descriptor, name: str) -> None:
        """Put the manifest under ``name``: the same bytes again, as the registry knows no other way."""
        self._put(name, descriptor.media_type, self._manifest(descriptor))

    # -- what only a registry can do

    def tags(self) -> Iterator[str]:
        """Every tag, page by page, in the registry's order. Raises :class:`NotFound` for an unknown repository."""
        contexts = {NotFound: f"repository {self.name} not found", Denied: f"access to {self.name} denied"}
        for answer in self._endpoint.pages(protocol.tags(self._path), self._pull_scopes, Asked(self.name, contexts)):
            yield from protocol.tag_names(answer, self.name)

    def referrers(self, digest: Digest, artifact_type: str | None = None) -> tuple[Descriptor, ...]:
        """Manifests whose subject is ``digest``; by the referrers API, or by the tag schema where there is none."""
        return self._referrers.of(digest, artifact_type)

    def delete(self, name: str) -> None:
        """Delete a manifest by digest or, where the registry can, a tag alone. Raises :class:`Unsupported`.

        What referred to an image is taken from the list of its referrers, too, where the registry keeps none itself
        (distribution-spec, "Deleting Manifests").
        """
        scopes = (f"repository:{self._path}:delete,pull,push",)
        contexts = {
            NotFound: f"manifest for {self._named(name)} not found",
            Denied: f"deleting {self._named(name)} denied",
            Unsupported: f"the registry does not delete {self._named(name)}",
        }
        request = protocol.delete_manifest(self._path, name)
        subject = self._subject(Digest(name)) if ":" in name else None
        try:
            self._endpoint.ask(request, scopes, expected=(200, 202, 204), asked=Asked(self._named(name), contexts))
            if subject:
                self._referrers.strike(subject, Digest(name))
        except (Integrity, Invalid):
            if ":" in name:
                raise
            digest = self.resolve(name).digest  # docker's registry, version 2, takes a tag for a wrong digest
            raise Unsupported(
                f"the registry deletes by digest only, not {self._named(name)}",
                hint=f"all tags of the manifest would go: scow delete {self._named(digest)}",
            ) from None

    # -- within

    def _fetched(self, name: str, asked: Digest | None) -> Descriptor:
        request = protocol.manifest("GET", self._path, name)
        answer = self._endpoint.ask(request, self._pull_scopes, asked=self._pulled(name))
        descriptor = protocol.describe(answer, asked, self._named(name))
        self._keep(descriptor.digest, answer.body)
        return descriptor

    def _manifest(self, descriptor: Descriptor) -> bytes:
        with self._lock:
            kept = self._kept.get(descriptor.digest)
        if kept is not None:
            return kept
        for mirror in dict.fromkeys((*self._mirrors, *self._mirrors_of_tags)):
            with contextlib.suppress(ScowError):
                raw = mirror._manifest(descriptor)
                if Digest.of(raw) == descriptor.digest:
                    return raw
        request = protocol.manifest("GET", self._path, descriptor.digest, descriptor.media_type)
        asked = self._pulled(descriptor.digest)
        raw = self._endpoint.ask(request, self._pull_scopes, asked=asked).body
        if descriptor.digest.algorithm == "sha256" and Digest.of(raw) == descriptor.digest:
            self._keep(descriptor.digest, raw)
        return raw

    def _subject(self, digest: Digest) -> Digest | None:
        """What the manifest refers to, if it is there and to be read."""
        with contextlib.suppress(ScowError):
            descriptor = self._fetched(digest, digest)
            subject = parse(self._manifest(descriptor), descriptor.media_type).subject
            return subject.digest if subject else None
        return None

    def _put(self, name: str, media_type: str, raw: bytes) -> protocol.Answer:
        request = protocol.put_manifest(self._path, name, media_type, raw)
        asked = self._pushed()
        answer = self._endpoint.ask(request, self._push_scopes, expected=(200, 201, 202, 204), asked=asked)
        stored = answer.headers.get("docker-content-digest", "")
        if stored.startswith("sha256:") and stored != Digest.of(raw) and not name.startswith("sha512:"):
            raise Integrity("the registry stored another manifest", expected=Digest.of(raw), actual=stored)
        return answer

    def _keep(self, digest: Digest, raw: bytes) -> None:
        with self._lock:
            self._kept[digest] = raw
            while sum(map(len, self._kept.values())) > _KEPT_LIMIT:
                self._kept.popitem(last=False)

    def _blob_at(self, descriptor: Descriptor, offset: int, patient: bool, end: int | None) -> Response:
        for mirror in list(self._mirrors):
            try:
                response = mirror._blob_at(descriptor, offset, False, end)
                self._gave.setdefault(descriptor.digest, []).append(mirror)
                return response
            except Unavailable:  # not to be waited for again with every blob
                with contextlib.suppress(ValueError):
                    self._mirrors.remove(mirror)
            except ScowError:
                continue
        request = protocol.blob("GET", self._path, descriptor.digest, offset, end)
        response = self._endpoint.send(request, self._pull_scopes, retry=patient)
        if response.status in (200, 206, 416):
            return response
        error = self._endpoint.refused(response, self._blob(descriptor))
        if isinstance(error, NotFound) and media_types.is_foreign(descriptor.media_type):
            return self._foreign_at(descriptor, offset, error, end)
        raise error

    def _foreign_at(self, descriptor: Descriptor, offset: int, error: ScowError, end: int | None) -> Response:
        """A foreign layer lives where its urls say: anywhere, so nothing of ours goes along."""
        for url in descriptor.urls or ():
            try:
                call = Call("GET", protocol.http_url(url), protocol.byte_range(offset, end))
                response = self._endpoint.transport.send(call)
            except (Invalid, Unavailable) as trouble:
                error = trouble
                continue
            if response.status in (200, 206, 416):
                return response
            error = self._endpoint.refused(response)
        raise error

    def _named(self, name: str) -> str:
        return f"{self.name}@{name}" if ":" in name else f"{self.name}:{name}"

    def _pulled(self, name: str) -> Asked:
        asked = self._named(name)
        return Asked(asked, {NotFound: f"manifest for {asked} not found", Denied: self._denied})

    def _blob(self, descriptor: Descriptor) -> Asked:
        words = f"blob {descriptor.digest} not found in {self.name}"
        return Asked(self._named(descriptor.digest), {NotFound: words, Denied: self._denied})

    @property
    def _denied(self) -> str:
        return f"pull access denied for {self.name}, repository does not exist or may require 'scow login'"

    def _pushed(self) -> Asked:
        failed = f"pushing to {self.name} failed"
        return Asked(self.name, {Denied: f"push access to {self.name} denied", NotFound: failed, Invalid: failed})
