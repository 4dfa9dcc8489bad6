"""``system check``: a look at everything in the store, and what a repair makes of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import msgspec

from scow.content.layout import name_of
from scow.engine.images.catalogue import SOURCE
from scow.engine.images.manifests import PARTS
from scow.engine.system.faults import Checked, Fault, missing, seen_twice
from scow.errors import Denied, NotFound, ScowError, Unavailable
from scow.image.check import blob_problem, index_problem, tree_problem
from scow.image.collect import rests, set_aside
from scow.image.image import load
from scow.image.layer import Layer
from scow.layer.removal import remove
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId, Digest
from scow.oci.manifest import Index, Manifest, parse
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from pathlib import Path

    from scow.engine.workplace import Workplace

_THREADS: Final = max(2, os.cpu_count() or 2)
DROPPED: Final = "dropped"


class Checking:
    """One check of the store of ``workplace``."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._store = workplace.store
        self._layout = workplace.store.layout

    def run(self, *, repair: bool = False) -> Checked:
        """Look; with ``repair`` drop or fetch again what is damaged, and look again.

        Faults carry what was done; ``remaining`` are those that are still there.
        """
        with self._layout.working():
            found = self._looked()
            if not repair or found.sound:
                return found
            faults = tuple(self._repaired(found.faults))
            return msgspec.structs.replace(found, faults=faults, remaining=self._looked().faults)

    def _looked(self) -> Checked:
        found = self._look()
        if not found.sound:
            faults = seen_twice(found.faults, self._look().faults)
            found = msgspec.structs.replace(found, faults=faults, remaining=faults)
        return found

    # -- looking ----------------------------------------------------------------------------------------------------

    def _look(self) -> Checked:
        names, faults = self._names()
        blobs = dict(self._layout.blobs())
        bad = self._bad_blobs(blobs)
        faults += [Fault("blob", digest, problem) for digest, problem in bad.items()]
        for entry in names:
            faults += self._image_faults(entry, bad)
        layers = list(self._store.layers)
        trees, found = self._layer_faults(layers, names, {str(digest) for digest in blobs} - bad.keys())
        faults += found
        containers, found = self._container_faults()
        faults += found
        records, found = self._record_faults(bad)
        faults += [*found, *self._rests(blobs)]
        return Checked(
            len(blobs), sum(blobs.values()), len(layers), trees, len(names), containers, records,
            tuple(faults), tuple(faults),
        )  # fmt: skip

    def _names(self) -> tuple[tuple[Descriptor, ...], list[Fault]]:
        try:
            return self._layout.entries(), []
        except ScowError as error:
            return (), [Fault("names", "index.json", error.problem)]

    def _bad_blobs(self, blobs: Iterable[Digest]) -> dict[str, str]:
        """Digest → what is wrong."""
        digests = sorted(blobs)
        with ThreadPoolExecutor(_THREADS, "check") as pool:
            problems = pool.map(lambda digest: blob_problem(self._layout.path(digest), digest), digests)
            return {str(digest): problem for digest, problem in zip(digests, problems, strict=True) if problem}

    def _image_faults(self, entry: Descriptor, bad: dict[str, str]) -> Iterator[Fault]:
        subject = name_of(entry) or str(entry.digest)

        def held(node: Descriptor) -> bool:
            return node.digest not in bad and self._layout.exists(node)

        def read(node: Descriptor) -> Manifest | Index | None:
            try:
                return parse(self._layout.read(node), node.media_type, str(node.digest))
            except ScowError:
                return None

        problems = list(missing(entry, read, held, elsewhere=PARTS in (entry.annotations or {})))
        yield from (Fault(kind, subject, problem) for kind, problem in problems)
        if not problems and entry.media_type in media_types.MANIFESTS:
            yield from self._adds_up(entry, subject)

    def _adds_up(self, entry: Descriptor, subject: str) -> Iterator[Fault]:
        """Manifest and config agree. An artifact has no config of an image, and need not."""
        document = parse(self._layout.read(entry), entry.media_type)
        if isinstance(document, Manifest) and document.config.media_type in media_types.CONFIGS:
            try:
                load(self._layout, entry)
            except ScowError as error:
                yield Fault("image", subject, error.problem)

    def _layer_faults(
        self, layers: list[DiffId], names: Iterable[Descriptor], sound: set[str]
    ) -> tuple[int, list[Fault]]:
        """How many trees there are, and what is wrong with indexes and trees. ``sound`` blobs have their digests."""
        blobs = self._blobs_of(names)
        held = {one: blobs[one] for one in layers if one in blobs and self._layout.present(blobs[one])}
        known = [Layer(blob, one) for one, blob in held.items() if blob.digest in sound]
        with ThreadPoolExecutor(_THREADS, "check") as pool:
            problems = pool.map(lambda layer: index_problem(self._layout, self._store.layers, layer), known)
            pairs = list(zip(known, problems, strict=True))
        faults = [Fault("layer", layer.diff_id, problem) for layer, problem in pairs if problem]
        broken = {fault.subject for fault in faults}
        trees = 0
        for diff_id in layers:
            try:
                there, problem = self._tree_problem(diff_id, sound)
            except OSError as error:
                there, problem = False, f"cannot be read: {(error.strerror or '').lower()}"
            trees += there
            if problem and diff_id not in broken:
                faults.append(Fault("layer", diff_id, problem))
        return trees, faults

    def _tree_problem(self, diff_id: DiffId, sound: set[str]) -> tuple[bool, str]:
        """Whether there is a tree, and what is wrong with it."""
        if (tree := self._store.layers.tree(diff_id)) is None:
            return False, ""
        if (index := self._store.layers.index(diff_id)) is None:
            return True, "tree has no layer index"
        blob = self._layout.path(Digest(diff_id)) if diff_id in sound else None
        try:
            with index:
                problem = tree_problem(tree, diff_id, index, blob)
        except ScowError as error:
            return True, error.problem
        return True, f"tree is not what the layer holds ({problem})" if problem else ""

    def _blobs_of(self, names: Iterable[Descriptor]) -> dict[DiffId, Descriptor]:
        """Which blob is which layer, as images and cache records know."""
        known = {layer.diff_id: layer.descriptor for _, layer in self._workplace.cache}
        for entry in names:
            for manifest in _manifests(self._layout.read, entry):
                with contextlib.suppress(ScowError):
                    known |= {one.diff_id: one.descriptor for one in load(self._layout, manifest).layers}
        return known

    def _container_faults(self) -> tuple[int, list[Fault]]:
        readable = {settings.id: settings for settings in self._workplace.containers}
        faults = []
        for name in self._workplace.containers.names():
            settings = readable.get(name)
            if settings is None:
                faults.append(Fault("container", name, "container.json cannot be read"))
                continue
            try:
                load(self._layout, settings.manifest)
            except ScowError as error:
                faults.append(Fault("container", name, f"its image is not whole: {error}"))
        return len(readable), faults

    def _record_faults(self, bad: dict[str, str]) -> tuple[int, list[Fault]]:
        cache = self._workplace.cache
        faults = []
        keys = cache.keys()
        for key in keys:
            layer = cache.find(key)
            if layer is None:
                faults.append(Fault("record", key, "cannot be read"))
            elif layer.descriptor.digest in bad or not self._layout.exists(layer.descriptor):
                faults.append(Fault("record", key, f"its layer {layer.descriptor.digest} is missing"))
        return len(keys), faults

    def _rests(self, blobs: dict[Digest, int]) -> Iterator[Fault]:
        """What costs room only. Whatever a running command writes or holds is none of it."""
        try:
            needed = self._workplace.marked()
        except ScowError:  # without the names nothing can be called unneeded
            return
        for digest in sorted(set(blobs) - needed):
            yield Fault("unneeded", digest, f"no image, container or cache record needs it ({blobs[digest]} bytes)")
        for path in sorted(rests(self._layout.ingest)):
            yield Fault("leftover", f"ingest/{path.name}", "a command that was cut short left it")

    # -- repairing --------------------------------------------------------------------------------------------------

    def _repaired(self, faults: Iterable[Fault]) -> Iterator[Fault]:
        """The faults with what was done. Blobs go first: an image is fetched again once its bad parts are gone."""
        acts: dict[str, Callable[[Fault], str]] = {
            "blob": self._drop_blob,
            "layer": self._drop_layer,
            "record": self._drop_record,
            "image": self._restore,
        }
        done: dict[tuple[str, str], str] = {}
        for fault in faults:
            act = acts.get(fault.kind)
            key = fault.kind, fault.subject
            if act and key not in done:
                done[key] = act(fault)
            yield msgspec.structs.replace(fault, outcome=done.get(key, ""))

    def _drop_blob(self, fault: Fault) -> str:
        with self._layout.exclusive():
            return self._put_away(self._layout.path(Digest(fault.subject)))

    def _drop_layer(self, fault: Fault) -> str:
        return self._put_away(self._store.layers.home(DiffId(fault.subject)))

    def _put_away(self, path: Path) -> str:
        remove(set_aside(path, self._layout.ingest))
        return DROPPED

    def _drop_record(self, fault: Fault) -> str:
        self._workplace.cache.forget(fault.subject)
        return DROPPED

    def _restore(self, fault: Fault) -> str:
        """From where the image came; an image that nobody else can have loses its name."""
        entry = next((one for one in self._layout.entries() if fault.subject in (name_of(one), one.digest)), None)
        if entry is None:
            return DROPPED
        try:
            where = self._fetch(entry)
        except (Unavailable, Denied) as error:
            return f"could not be fetched, and stays: {error}"
        except ScowError as error:
            self._layout.rename(lambda entries: [one for one in entries if one != entry])
            return f"{DROPPED}: {error}"
        return f"fetched again from {where}"

    def _fetch(self, entry: Descriptor) -> str:
        from scow.content.copy import copy

        name = name_of(entry)
        if not name or SOURCE not in (entry.annotations or {}):
            raise NotFound("no registry is known to have it")
        repository = self._workplace.registry.repository(Reference.parse(name))
        copy(repository, self._store.unpacking, entry.plain)
        return repository.name


def _manifests(read: Callable[[Descriptor], bytes], entry: Descriptor) -> Iterator[Descriptor]:
    """The manifests at and below ``entry`` that can be read."""
    if entry.media_type not in media_types.INDEXES:
        yield entry
        return
    with contextlib.suppress(ScowError):
        for child in parse(read(entry), entry.media_type).children:
            yield from _manifests(read, child)
