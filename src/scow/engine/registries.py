"""Images between places, and what only a registry knows. Each method returns values; progress goes to a callback."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scow.content.layout import Layout
from scow.content.target import Source
from scow.engine import ends
from scow.engine.values import Copied
from scow.errors import Conflict, Invalid, Unsupported
from scow.image.image import select
from scow.layer.store import scratch
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.location import Location
from scow.oci.platform import Platform
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.content.copy import Progress
    from scow.engine.workplace import Workplace
    from scow.image.rewrite import Wish
    from scow.registry.credentials import CredentialStore
    from scow.registry.remote import Registry
    from scow.registry.repository import Repository

Watch = Callable[["Progress"], None]


def _silent(progress: Progress) -> None:
    """The watch of a caller who does not care."""


class Registries:
    """``engine.registries``."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
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
        source_credentials: CredentialStore | None = None,
        target_credentials: CredentialStore | None = None,
        watch: Watch = _silent,
    ) -> Copied:
        """Bring an image from one place to another (:class:`~scow.oci.location.Location`).

        Of an index the image for this machine's platform or the one of ``platforms``; for several of these, or with
        ``every``, an index again. ``wish`` says what is to change on the way; ``preserve_digests`` refuses to change
        anything. Raises what the two ends raise.
        """
        from scow.content.copy import copy

        to = Location.parse(target)
        with (
            self._store.layout.working(),
            ends.source(self._workplace, Location.parse(source), self._registry(source_credentials)) as found,
        ):
            place, origin, asked = found
            chosen, wish = self._chosen(origin, asked, platforms, every, wish)
            if preserve_digests and not wish.empty:
                raise Conflict("what is asked for changes digests", hint="leave out --preserve-digests")
            registry = self._registry(target_credentials)
            known = asked.digest if wish.empty else None
            with (
                self._rewritten(origin, chosen, wish) as (rewritten, root),
                ends.target(self._workplace, to, registry, place, known) as (sink, name),
            ):
                copy(rewritten, sink, root.plain, watch=watch)
                name(root.plain)
        return Copied(str(place), str(to), root.digest, root.size)

    def tags(self, name: str) -> tuple[str, ...]:
        """Every tag of a repository at its registry, in the registry's order."""
        return tuple(self._repository(name).tags())

    def digest(self, name: str, *, platform: str | None = None) -> Descriptor:
        """What a name means at its registry now; with ``platform``, the image for it in the index there."""
        reference = Reference.parse(name)
        repository = self._repository(name)
        found = repository.resolve(reference.selector)
        return select(repository, found, Platform.parse(platform)) if platform else found

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

    # -- parts ------------------------------------------------------------------------------------------------------

    def _repository(self, name: str, *, push: bool = False) -> Repository:
        return self._workplace.registry.repository(Reference.parse(name), push=push)

    def _registry(self, credentials: CredentialStore | None) -> Callable[[], Registry]:
        """The registries, with these credentials instead of the user's when there are any."""
        return lambda: self._workplace.registry if credentials is None else self._workplace.registry_with(credentials)

    def _chosen(
        self, origin: Source, asked: Descriptor, platforms: Sequence[str], every: bool, wish: Wish | None
    ) -> tuple[Descriptor, Wish]:
        """What to copy below ``asked``, and everything that is to change."""
        import msgspec

        from scow.image.rewrite import Wish

        wish = wish or Wish()
        wanted = tuple(Platform.parse(text) for text in platforms)
        if every and wanted:
            raise Invalid("all platforms and some do not go together")
        if asked.media_type not in media_types.INDEXES or every:
            return asked, wish
        if len(wanted) > 1:
            return asked, msgspec.structs.replace(wish, platforms=wanted)
        return select(origin, asked, wanted[0] if wanted else self._workplace.platform), wish

    @contextlib.contextmanager
    def _rewritten(self, origin: Source, root: Descriptor, wish: Wish) -> Iterator[tuple[Source, Descriptor]]:
        if wish.empty:
            yield origin, root
            return
        if not media_types.is_document(root.media_type):
            raise Unsupported("is neither a manifest nor an index", subject=root.media_type)
        from scow.image.rewrite import rewrite

        with scratch(self._store.layout.ingest, "rewrite") as directory:
            yield rewrite(origin, root, wish, Layout(Path(directory)))
