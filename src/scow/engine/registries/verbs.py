"""Images between places, and what only a registry knows. Each method returns values; progress goes to a callback."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

import msgspec

from scow.content.layout import Layout, name_of
from scow.content.target import Sink, Source
from scow.content.verify import read_document
from scow.engine.registries import ends, syncing
from scow.engine.registries.syncing import Leg
from scow.engine.texts import several
from scow.engine.values import Copied
from scow.engine.workplace import Noun
from scow.errors import Conflict, Invalid, ScowError, Unsupported
from scow.image.image import select
from scow.layer.scratch import scratch
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.location import Location
from scow.oci.manifest import parse
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.content.copy import Watch
    from scow.content.referrers import Referring
    from scow.engine.workplace import Workplace
    from scow.image.rewrite import Wish
    from scow.oci.platform import Platform
    from scow.registry.credentials import CredentialStore
    from scow.registry.remote import Registry
    from scow.registry.repository import Repository


_REFERRERS: Final = "--referrers goes between docker://NAME and oci:DIR"


class Options(TypedDict, total=False):
    """What a copy can be asked for besides where from and where to: see :meth:`Registries.copy`."""

    platforms: Sequence[str]
    every: bool
    wish: Wish | None
    preserve_digests: bool
    referrers: bool
    source_credentials: CredentialStore | None
    target_credentials: CredentialStore | None


class Registries(Noun):
    """``engine.registries``."""

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self._store = workplace.store

    def copy(
        self,
        source: str,
        target: str,
        *,
        platforms: Sequence[str] = (),
        every: bool = False,
        wish: Wish | None = None,
        preserve_digests: bool = False,
        referrers: bool = False,
        source_credentials: CredentialStore | None = None,
        target_credentials: CredentialStore | None = None,
        watch: Watch = lambda progress: None,
    ) -> Copied:
        """Bring an image from one place to another (:class:`~scow.oci.location.Location`).

        Of an index the image for this machine's platform or the one of ``platforms``; for several of these, or with
        ``every``, an index again. ``wish`` says what is to change on the way; ``preserve_digests`` refuses to change
        anything. ``referrers`` come along: signatures, SBOMs and other artifacts. Raises what the two ends raise.
        """
        from scow.content.copy import copy

        to, wanted = Location.parse(target), tuple(map(self._workplace.wanted, platforms))
        if every and wanted:
            raise Invalid("all platforms and some do not go together")
        with (
            self._store.layout.working(),
            ends.source(self._workplace, Location.parse(source), self._registry(source_credentials)) as found,
        ):
            place, origin, asked = found
            chosen, wish = self._chosen(origin, asked, wanted, every, None if wish and wish.empty else wish)
            if wish and (preserve_digests or referrers):
                flag = "--preserve-digests" if preserve_digests else "--referrers"
                raise Conflict("what is asked for changes digests", hint=f"leave out {flag}")
            referring = self._referring(place, origin, to) if referrers else None
            registry = self._registry(target_credentials)
            known = asked.digest if wish is None else None
            with (
                self._rewritten(origin, chosen, wish) as (rewritten, root),
                ends.target(self._workplace, to, registry, place, known) as (sink, put),
            ):
                copy(rewritten, sink, root.plain, watch=watch, put=put)
                came = self._with_referrers(referring, sink, root, watch) if referring else ()
        return Copied(str(place), str(to), root.digest, root.size, tuple(one.digest for one in came))

    def sync(
        self,
        sources: Sequence[str],
        target: str,
        *,
        scoped: bool = False,
        dry_run: bool = False,
        told: Callable[[Leg], None] = lambda leg: None,
        **options: Unpack[Options],
    ) -> tuple[Leg, ...]:
        """Copy many images below ``target`` (``docker://HOST/PATH``, ``oci:DIR``); ``told`` hears of each at its end.

        A source without a tag is all tags of the repository, or all names of the layout. What cannot be copied is told
        in its :class:`~scow.engine.registries.syncing.Leg`, and the others go on. ``options`` are :meth:`copy`'s.
        """
        place = Location.parse(target)
        syncing.check(place)
        legs = []
        for leg in self._planned(several("sources", sources), place, scoped, options):
            if not (dry_run or leg.error):
                try:
                    leg = msgspec.structs.replace(leg, copied=self.copy(leg.source, leg.target, **options))
                except ScowError as error:
                    leg = msgspec.structs.replace(leg, error=error)
            legs.append(leg)
            told(leg)
        return tuple(legs)

    def _planned(self, sources: Sequence[str], place: Location, scoped: bool, options: Options) -> Iterator[Leg]:
        """Which images the sources mean; a source that cannot be read is a leg that failed."""
        for text in sources:
            try:
                for name, source in self._spread(text, options):
                    yield Leg(str(source), str(syncing.target(name, place, scoped=scoped)))
            except ScowError as error:
                yield Leg(text, str(place), error=error)

    def _spread(self, text: str, options: Options) -> Iterator[tuple[str, Location]]:
        """(name, location) of every image that a source means."""
        location = Location.parse(text)
        if location.kind == "oci" and not location.name:
            for entry in Layout(Path(location.path)).entries():
                if name := name_of(entry):
                    yield name, Location("oci", location.path, name)
        elif location.kind in ("", "docker"):
            registry = self._registry(options.get("source_credentials"))
            reference = Reference.parse(location.name, default_tag=None)
            bare = reference.tag is None and reference.digest is None
            tags = registry().repository(reference).tags() if bare else ()
            for one in [reference.with_tag(tag) for tag in tags] if bare else [reference]:
                yield str(one), Location("docker", name=str(one))
        else:
            yield location.name, location

    def tags(self, name: str) -> tuple[str, ...]:
        """Every tag of a repository at its registry, in the registry's order."""
        return tuple(self._repository(name).tags())

    def digest(self, name: str, *, platform: str | None = None) -> Descriptor:
        """What a name means at its registry now; with ``platform``, the image for it in the index there."""
        wanted = self._workplace.wanted(platform)
        repository = self._repository(name)
        found = repository.resolve(Reference.parse(name).selector)
        return select(repository, found, wanted) if platform else found

    def delete(self, name: str) -> str:
        """Delete a tag or, by digest, a manifest with all its tags at the registry; returns what was deleted.

        A registry that cannot delete a tag alone is asked to delete the manifest only when the name says its digest.
        Raises :class:`~scow.errors.Unsupported`, ``NotFound``, ``Denied``.
        """
        reference = Reference.parse(name, default_tag=None)
        selector = reference.digest or reference.tag
        if selector is None:
            raise Invalid("say which tag or digest is to go", subject=name)
        self._repository(name, push=True).delete(selector)
        return str(reference)

    def referrers(self, name: str, *, artifact_type: str | None = None) -> tuple[Descriptor, ...]:
        """What refers to an image at its registry (signatures, SBOMs …), of one type or of all."""
        reference = Reference.parse(name)
        repository = self._repository(name)
        return repository.referrers(repository.resolve(reference.selector).digest, artifact_type)

    def attach(
        self,
        name: str,
        files: Sequence[tuple[str, str]],
        *,
        artifact_type: str,
        annotations: Mapping[str, str] | None = None,
        platform: str | None = None,
        watch: Watch = lambda progress: None,
    ) -> Descriptor:
        """Put an artifact of ``files`` ((path, media type or ``""``) each) beside an image that it refers to.

        With ``platform`` it refers to the image for that platform, else to what the name means: perhaps an index.
        """
        from scow.content.copy import copy
        from scow.image.artifact import add_artifact

        repository = self._repository(name, push=True)
        subject = self.digest(name, platform=platform)
        with self._store.layout.working(), scratch(self._store.layout.ingest, "artifact") as directory:
            staging = Layout(directory)
            made = add_artifact(staging, files, artifact_type=artifact_type, annotations=annotations, subject=subject)
            copy(staging, repository, made.plain, watch=watch)
        return made

    # -- parts ------------------------------------------------------------------------------------------------------

    def _repository(self, name: str, *, push: bool = False) -> Repository:
        return self._workplace.registry.repository(Reference.parse(name), push=push)

    def _registry(self, credentials: CredentialStore | None) -> Callable[[], Registry]:
        """The registries, with these credentials instead of the user's when there are any."""
        return lambda: self._workplace.registry if credentials is None else self._workplace.registry_with(credentials)

    def _referring(self, place: Location, origin: Source, to: Location) -> Referring:
        """The source as one that knows what refers to what."""
        from scow.content.referrers import LayoutReferrers
        from scow.registry.repository import Repository

        if to.kind not in ("docker", "oci"):
            raise Unsupported("has no room for what refers to an image", subject=str(to), hint=_REFERRERS)
        if isinstance(origin, Repository):
            return origin
        if place.kind == "oci" and isinstance(origin, Layout):
            return LayoutReferrers(origin)
        raise Unsupported("nobody knows there what refers to an image", subject=str(place), hint=_REFERRERS)

    def _with_referrers(
        self, referring: Referring, sink: Sink, root: Descriptor, watch: Watch
    ) -> tuple[Descriptor, ...]:
        from scow.content.referrers import copy_referrers

        return tuple(copy_referrers(referring, sink, root, ends.keeper(sink), watch))

    def _chosen(
        self, origin: Source, asked: Descriptor, platforms: tuple[Platform, ...], every: bool, wish: Wish | None
    ) -> tuple[Descriptor, Wish | None]:
        """What to copy below ``asked``, and everything that is to change, if anything is."""
        if asked.media_type not in media_types.INDEXES or every or _lists_referrers(origin, asked):
            return asked, wish
        if len(platforms) > 1:
            from scow.image.rewrite import Wish

            return asked, msgspec.structs.replace(wish or Wish(), platforms=platforms)
        return select(origin, asked, platforms[0] if platforms else self._workplace.platform), wish

    @contextlib.contextmanager
    def _rewritten(self, origin: Source, root: Descriptor, wish: Wish | None) -> Iterator[tuple[Source, Descriptor]]:
        if wish is None:
            yield origin, root
            return
        if not media_types.is_document(root.media_type):
            raise Unsupported("is neither a manifest nor an index", subject=root.media_type)
        from scow.image.rewrite import rewrite

        with scratch(self._store.layout.ingest, "rewrite") as directory:
            yield rewrite(origin, root, wish, Layout(Path(directory)))


def _lists_referrers(origin: Source, asked: Descriptor) -> bool:
    """Whether an index is a list of artifacts (the tag schema's), of which no platform has its own."""
    document = parse(read_document(origin, asked), asked.media_type, str(asked.digest))
    return all(one.artifact_type and one.platform is None for one in document.children)
