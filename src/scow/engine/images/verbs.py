"""Image verbs of the library. Each returns values; progress goes to a callback."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Unpack

from scow.content.layout import name_of
from scow.content.target import Source
from scow.engine.images import keeping
from scow.engine.images.catalogue import SOURCE, Known
from scow.engine.outputs import whole
from scow.engine.texts import rfc3339, several
from scow.engine.values import HistoryStep, ImageSummary, Keep, Moved, Removed
from scow.engine.workplace import Noun
from scow.errors import Conflict, Invalid, NotFound, ScowError, Unavailable
from scow.image.image import Image, load, select
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.platform import Platform
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.build.execute import Event
    from scow.content.copy import Watch
    from scow.engine.builds.request import BuildOptions
    from scow.engine.workplace import Workplace
    from scow.image.difference import Difference


class Images(Noun):
    """``engine.images``."""

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self._store = workplace.store

    # -- registries -------------------------------------------------------------------------------------------------

    def pull(
        self, name: str, *, platform: str | None = None, keep: Keep = "both", watch: Watch = lambda progress: None
    ) -> Moved:
        """Fetch an image and unpack it while it arrives.

        ``keep``: ``compressed`` leaves unpacking to whoever needs a tree first; ``unpacked`` lets go of the layers'
        blobs at the end, which come from the registry again when somebody needs them.
        Raises :class:`~scow.errors.NotFound`, ``Denied``, ``Unavailable``, ``Integrity``. Nothing that is in the store
        is fetched again; a pull that was cut short goes on where it ended.
        """
        keeping.check(keep)
        reference, wanted = Reference.parse(name), self._workplace.wanted(platform)
        repository = self._workplace.registry.repository(reference)
        with self._bringing(resumable=True):
            asked = repository.resolve(reference.selector)
            before = self._workplace.catalogue().named(reference.familiar)
            image = self.bring(repository, asked, wanted, watch, keep)
            entry = image.descriptor.plain.annotated(annotations={SOURCE: asked.digest})
            self._store.layout.tag(entry, reference.familiar)
        if keep == "unpacked":
            keeping.shed(self._workplace, image, reference)
        fresh = before is None or before.digest != image.descriptor.digest
        return Moved(str(reference), asked.digest, image.id, fresh, asked.size)

    def push(self, name: str, *, watch: Watch = lambda progress: None) -> Moved:
        """Send an image to the registry that its name says; blobs that are there are not sent.

        Raises :class:`~scow.errors.NotFound` when the store has no such name, ``Denied``, ``Unavailable``.
        """
        from scow.content.copy import copy

        reference = Reference.parse(name)
        entry = self._workplace.catalogue().named(reference.familiar)
        if entry is None or reference.tag is None:
            problem = f"An image does not exist locally with the tag: {reference.familiar_name}"
            raise NotFound(problem, subject=reference.familiar_name, named=True)
        repository = self._workplace.pushing(reference)
        with self._store.layout.working():
            put = partial(repository.push, name=reference.tag)
            copy(self._store.layout, repository, entry.plain, watch=watch, put=put)
            image = self._workplace.catalogue().image(entry)
            self._store.used(image.descriptor)
            self._store.layout.tag(entry.plain.annotated(annotations={SOURCE: entry.digest}), reference.familiar)
        return Moved(str(reference), entry.digest, image.id, fresh=True, size=entry.size)

    # -- names ------------------------------------------------------------------------------------------------------

    def find(self, name: str, platform: str | None = None) -> Known:
        """The image that ``name`` means: a reference, an id, or the beginning of one. In an index the one for
        ``platform``, else for this machine, else the first. Raises :class:`~scow.errors.NotFound`."""
        return self._workplace.catalogue().find(name, self._workplace.wanted(platform) if platform else None)

    def tag(self, name: str, target: str) -> None:
        """Give an image one more name."""
        reference = Reference.parse(target)
        if reference.digest:
            raise Invalid("a tag cannot have a digest", subject=target)
        known = self.find(name)
        entry = next((one for one in known.entries if one.digest == known.image.descriptor.digest), known.entries[0])
        self._store.layout.tag(entry.plain, reference.familiar)

    def list(self) -> tuple[ImageSummary, ...]:
        """Every image, the newest first."""
        used = self._workplace.containers.images_in_use()
        summaries = [self._summary(known, used) for known in self._workplace.catalogue()]
        return tuple(sorted(summaries, key=lambda one: one.created, reverse=True))

    def last_used(self) -> dict[Digest, float]:
        """Image id → when the image came, or was last run, built on or from, pushed or saved, in unix seconds."""
        found: dict[Digest, float] = {}
        for known in self._workplace.catalogue():
            when = self._store.last_used(known.image.descriptor)
            found[known.image.id] = max(when, found.get(known.image.id, 0.0))
        return found

    def remove(self, name: str, *, force: bool = False, prune: bool = True) -> Removed:
        """Take a name away; with the last one, the image. An id takes all names when there is one, or with ``force``.

        Raises :class:`~scow.errors.Conflict` while a container stands on it, or for an id with several names.
        """
        catalogue = self._workplace.catalogue()
        known, by_name = catalogue.find(name), catalogue.named(name)
        users = self._workplace.containers.using(known.image.id)
        gone = [by_name] if by_name is not None else known.entries
        names = [text for entry in gone if (text := name_of(entry))]
        if by_name is None and len({*known.tags}) > 1 and not force:
            problem = f"conflict: unable to delete {known.image.id.short} (must be forced) - "
            raise Conflict(problem + "image is referenced in multiple repositories", subject=name, named=True)
        last = len(known.entries) == len(gone)
        if users and last and not force:
            problem = f"conflict: unable to remove repository reference {name!r} (must force) - "
            using = f"container {users[0][:12]} is using its referenced image {known.image.id.short}"
            raise Conflict(problem + using, subject=name, named=True)
        keep_nameless = bool(users) and last
        self._forget(gone, nameless=keep_nameless)
        freed = self.sweep() if prune and not keep_nameless else 0
        deleted = (known.image.id,) if last and not keep_nameless else ()
        return Removed(tuple(names), deleted, freed)

    def sweep(self) -> int:
        """Let go of content that nothing needs, once for many images removed without ``prune``; the bytes freed."""
        return self._workplace.collect().bytes

    # -- looking ----------------------------------------------------------------------------------------------------

    def inspect(self, name: str, platform: str | None = None) -> dict[str, Any]:
        """docker's JSON of an image, as plain values."""
        from scow.engine.describe import image_document

        known = self.find(name, platform)
        trees = [self._store.layers.tree(diff_id) for diff_id in reversed(known.image.diff_ids)]
        shown = [str(tree) for tree in trees if tree is not None]
        used = self._store.last_used(known.image.descriptor)
        return image_document(known.image, known.tags, known.digests, self._size(known.image), shown, used)

    def history(self, name: str) -> tuple[HistoryStep, ...]:
        """How the image was made, newest first."""
        from scow.engine.describe import history_steps

        known = self.find(name)
        unpacking = self._store.unpacking
        headers = [unpacking.header(layer) for layer in known.image.layers]
        return history_steps(known.image, headers, known.tags)

    # -- archives ---------------------------------------------------------------------------------------------------

    def save(self, names: Sequence[str], output: BinaryIO, *, platform: str | None = None) -> None:
        """Write images to one tar that docker, podman, skopeo and scow load.

        Of an index everything that the store has whole, or the image for ``platform``; docker's part of the tar has
        the one for this machine.
        """
        from scow.content import archive as tar_archive

        chosen: dict[Digest, tuple[Descriptor, list[Reference]]] = {}
        single: dict[Digest, Descriptor] = {}
        with self._store.layout.working():
            catalogue, wanted = self._workplace.catalogue(), self._workplace.wanted(platform) if platform else None
            for name in several("names", names):
                known, entry = catalogue.find(name, wanted), catalogue.named(name)
                self._store.used(known.image.descriptor)
                written = known.image.descriptor
                if entry is not None and platform is None and tar_archive.whole(self._store.layout, entry.plain):
                    written = entry.plain
                    single[written.digest] = known.image.descriptor
                _, references = chosen.setdefault(written.digest, (written, []))
                if entry is not None and (text := name_of(entry)):
                    references.append(Reference.parse(text, default_tag=None))
            for descriptor, _ in chosen.values():
                self._store.layout.exists(descriptor)
            listed = [(descriptor, tuple(references)) for descriptor, references in chosen.values()]
            tar_archive.write(self._store.layout, listed, whole(output), single)

    def lay_out(self, names: Sequence[str], directory: str | os.PathLike[str]) -> None:
        """Write images to a directory as an OCI image layout, beside what it holds."""
        from scow.content.copy import copy
        from scow.content.layout import Layout

        layout = Layout(Path(directory))
        layout.create()
        with self._store.layout.working():
            for name in several("names", names):
                found = self.find(name).image.descriptor
                self._store.used(found)
                entry = self._workplace.catalogue().named(name) or found
                copy(self._store.layout, layout, entry.plain)
                layout.tag(entry.plain, name_of(entry) or "latest")

    def export(self, name: str, output: BinaryIO, *, split: bool = False) -> None:
        """Write an image's file system to ``output`` as one flat tar; ``split``: as :meth:`checkout`."""
        from scow.engine.images.exporting import export_tar

        export_tar(self._store, self._apart(name) if split else {"": self.find(name).image}, whole(output))

    def checkout(self, name: str, directory: str | os.PathLike[str], *, split: bool = False) -> None:
        """Write an image's files below ``directory``, as this user's own; ``split``: those of each platform, below a
        directory of its name (``linux_arm64``)."""
        from scow.engine.images.exporting import export_directory

        for below, image in (self._apart(name) if split else {"": self.find(name).image}).items():
            export_directory(self._store, image, Path(directory, below))

    def _apart(self, name: str) -> dict[str, Image]:
        from scow.engine.images.exporting import apart

        return apart(self._store, self._workplace.catalogue().named(name) or self.find(name).image.descriptor)

    def load(
        self,
        archive: BinaryIO,
        *,
        platform: str | None = None,
        keep: Keep = "both",
        watch: Watch = lambda progress: None,
    ) -> tuple[tuple[str | None, Digest], ...]:
        """Read images from a tar (docker's or OCI's, compressed or not, from a file or a pipe) → (name, id) of each.

        ``keep`` is as of :meth:`pull`, but for ``unpacked``: no registry is known to have the blobs.
        """
        from scow.content import archive as tar_archive
        from scow.image.archive import opened

        keeping.check(keep, of_registry=False)
        wanted = self._workplace.wanted(platform)
        self._store.layout.create()
        entered: list[tuple[Descriptor, str | None]] = []
        ids: list[Digest] = []
        with self._bringing(), opened(archive, self._store.layout.ingest) as tar:
            source = tar_archive.open_archive(tar)
            try:
                for name, descriptor in source.names():
                    image = self.bring(source, descriptor, wanted, watch, keep)
                    entered.append((image.descriptor.plain, name))
                    ids.append(image.id)
            finally:  # those before one that is wrong stay
                self._store.layout.enter(entered)
        return tuple((name, image_id) for (_, name), image_id in zip(entered, ids, strict=True))

    def import_(
        self,
        archive: BinaryIO,
        name: str | None = None,
        *,
        changes: Sequence[str] = (),
        message: str = "",
        platform: str | None = None,
    ) -> Digest:
        """Make an image of one layer from a tar of a file system; returns its id. ``changes`` are Dockerfile lines."""
        from scow.engine.images.importing import import_image

        target = Reference.parse(name).familiar if name else None
        wanted = self._workplace.wanted(platform)
        with self._store.layout.working():
            descriptor = import_image(
                self._store, archive, several("changes", changes), message, wanted, rfc3339(time.time())
            )
            self._store.layout.keep(descriptor, target)
            return load(self._store.layout, descriptor).id

    # -- building ---------------------------------------------------------------------------------------------------

    def build(
        self,
        path: str | os.PathLike[str],
        *,
        tags: Sequence[str] = (),
        watch: Callable[[Event], None] | None = None,
        watch_pull: Watch = lambda progress: None,
        warn: Callable[[str], None] = lambda text: None,
        built: Callable[[Descriptor], None] = lambda descriptor: None,
        stays: bool = True,
        **options: Unpack[BuildOptions],
    ) -> Digest:
        """Build the Dockerfile of a directory, or of a git or tar URL; returns the image id.

        ``options`` are those of :class:`~scow.engine.builds.request.BuildOptions`. ``warn`` is told what the build does
        without, ``built`` the manifest or index that was made. With ``stays=False`` an image without a tag is no image
        of the store's: this engine knows it while it is :meth:`held`. Raises :class:`~scow.errors.Invalid` with its
        place in the Dockerfile, :class:`~scow.errors.Process` when a RUN fails.
        """
        from scow.engine.builds.request import build

        references = [Reference.parse(tag) for tag in several("tags", tags)]
        with self._store.layout.working():
            names = [reference.familiar for reference in references]
            told = watch or (lambda event: None)
            made = build(self, self._workplace, path, options, names, told, watch_pull, warn)
            built(made.descriptor)
            for reference in references:
                self._store.layout.tag(made.descriptor, reference.familiar)
            if not references:
                (self._store.layout.keep if stays else self._store.layout.let_pass)(made.descriptor)
            made.finish()
            image = self._workplace.catalogue().image(made.descriptor)
            self._store.used(image.descriptor)
            return image.id

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The content of what is looked at, brought or built inside stays in the store until the end of the block. What
        was built not to stay is let go of then."""
        layout = self._store.layout
        with contextlib.ExitStack() as after, layout.working():
            try:
                yield
            finally:
                if layout.passing:
                    after.callback(self.sweep)

    def differences(self, was: str, now: str, *, platform: str | None = None) -> tuple[Difference, ...]:
        """What is different in the image ``now``, field by field and entry by entry; empty for equal images."""
        from scow.engine.builds.verifying import differences

        with self._store.layout.working():
            old, new = (self.find(name, platform).image for name in (was, now))
            return tuple(differences(self._store, old, new))

    # -- parts ------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _bringing(self, *, resumable: bool = False) -> Iterator[None]:
        """What is brought stays at least until the end of the block. Of an image that cannot be had nothing stays;
        with ``resumable``, what a network cut short does, for the next try to go on from."""
        try:
            with self._store.layout.working():
                yield
        except ScowError as error:
            if not (resumable and isinstance(error, Unavailable)):
                with contextlib.suppress(ScowError):
                    self._workplace.collect()
            raise

    def bring(self, source: Source, asked: Descriptor, platform: Platform, watch: Watch, keep: Keep = "both") -> Image:
        """Copy the image for ``platform`` into the store, unpacked but for ``keep``, and make sure that it is whole."""
        from scow.content.copy import copy

        descriptor = select(source, asked, platform)
        if keep != "compressed":
            self._workplace.mounts  # noqa: B018 - tried in a child, which is not forked beside threads
        unpacking = self._store.taking(trees=keep != "compressed", blobs=keep != "unpacked")
        copy(source, unpacking, descriptor.plain, watch=watch)
        image = load(self._store.layout, descriptor.plain)
        self._store.used(image.descriptor)
        for layer in image.layers:
            if not media_types.is_foreign(layer.descriptor.media_type):
                unpacking.settle(layer)  # what does not match its diff_id is refused here
        return image

    def _forget(self, gone: Iterable[Descriptor], *, nameless: bool) -> None:
        doomed = {(entry.digest, name_of(entry)) for entry in gone}

        def change(entries: list[Descriptor]) -> list[Descriptor]:
            kept = [entry for entry in entries if (entry.digest, name_of(entry)) not in doomed]
            held = [entry.plain for entry in entries if (entry.digest, name_of(entry)) in doomed] if nameless else []
            return [*kept, *held[:1]]

        self._store.layout.rename(change)

    def _summary(self, known: Known, used: Mapping[str, int]) -> ImageSummary:
        config = known.image.config
        return ImageSummary(
            known.image.id,
            known.names,
            known.digests,
            config.created or "",
            self._size(known.image),
            dict(config.process.labels or {}),
            config.platform,
            used.get(known.image.id, 0),
        )

    def _size(self, image: Image) -> int:
        """Bytes of content in the layers; of a layer that was never looked at, its blob's size."""
        total = 0
        for layer in image.layers:
            header = self._store.layers.header(layer.diff_id)
            total += header.content if header else layer.descriptor.size
        return total
