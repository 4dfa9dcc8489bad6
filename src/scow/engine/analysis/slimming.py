"""``slim``: an image with the files that a test opens, and no others, proved by the test."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from scow.errors import Limit, Process, Unsupported
from scow.image import merge, mutate, rootfs
from scow.image.add import add_layer
from scow.image.image import Image, load
from scow.image.put import add_image
from scow.image.writable import writable
from scow.layer.mountable import content
from scow.layer.scratch import scratch
from scow.layer.view import Found, View
from scow.oci.config import document
from scow.oci.digest import Digest
from scow.oci.reference import Reference
from scow.runtime.kernel.watching import Watch
from scow.runtime.spec.options import Options
from scow.size import elf
from scow.size.needed import ALWAYS, Needed

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.image.layer import Layer

#: Told what happens next.
Tell = Callable[[str], None]
INOTIFY, STATIC = "inotify", "a static walk"
_LINE = 256


class Slimmed(msgspec.Struct, frozen=True):
    """A slim image. ``how`` is what told which files are needed; ``before`` and ``after`` are the content of the files
    that a container sees in bytes, ``opened`` how many files the test opened, ``files`` how many there are now."""

    id: Digest
    how: str
    before: int
    after: int
    opened: int
    files: int
    notes: tuple[str, ...] = ()


class Slimming(msgspec.Struct, frozen=True):
    """What is asked for: a program and its arguments as ``test`` (its exit code 0 is a pass), what to keep whatever
    happens (patterns as in ``.dockerignore``), how the container is run, and whether to ``watch`` it or only to walk
    through what programs load."""

    test: tuple[str, ...]
    keep: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    user: str = ""
    network: str = "host"
    watch: bool = True


def slim(workplace: Workplace, name: str, asked: Slimming, tag: str | None, tell: Tell) -> Slimmed:
    """See :meth:`scow.engine.analysis.verbs.Sizes.slim`."""
    target = Reference.parse(tag).familiar if tag else None
    store = workplace.store
    image = workplace.catalogue().find(name).image
    with store.layout.working():
        view = rootfs.view(image.layers, store)
        needed = Needed(view, *_readers(workplace, image))
        needed.named([*ALWAYS, *(pattern.lstrip("/") for pattern in asked.keep)])
        _commands(needed, image, asked)
        tell("running the test" + (", and watching what it opens" if asked.watch else ""))
        seen = _first_run(workplace, image, asked)
        if seen.how == STATIC:
            needed.static(image.config.process.working_dir.strip("/").encode())
        needed.opened(seen.opened)
        paths = needed.whole()
        layer = add_layer(
            store.layout,
            store.layers,
            merge.items(merge.chosen(view, paths), image.layers, store),
        )
        descriptor = add_image(store.layout, _config(image, layer, asked), [layer.descriptor])
        made = load(store.layout, descriptor)
        tell("running the test in the slim image")
        _proved(workplace, made, asked)
        store.layout.keep(descriptor, target)
        header = store.unpacking.header(layer)
        files = sum(1 for path in paths if (found := view.find(path)) and found.entry.kind == "file")
        return Slimmed(made.id, seen.how, _visible(view), header.content, len(seen.opened), files, seen.notes)


class _Seen(msgspec.Struct, frozen=True):
    """What a run opened, and how that is known."""

    how: str
    opened: set[bytes] = set()
    notes: tuple[str, ...] = ()


def _first_run(workplace: Workplace, image: Image, asked: Slimming) -> _Seen:
    """Run the test in the image as it is: in a copy of its files, whose every directory is watched if it can be."""
    store = workplace.store
    with scratch(store.layout.ingest, "slim") as directory:
        writable(store, image.layers, directory, stacks=False)
        root = os.fsencode(directory / "rootfs")
        if not asked.watch:
            _passes(workplace, image, directory, asked)
            return _Seen(STATIC)
        try:
            with Watch(root) as watch:
                _passes(workplace, image, directory, asked)
        except (Unsupported, Limit) as error:
            _passes(workplace, image, directory, asked)
            return _Seen(STATIC, notes=(f"{error}: what it opens could not be watched",))
        if watch.lost:
            return _Seen(STATIC, watch.opened, ("files were opened faster than could be told",))
        notes = [f"/{os.fsdecode(path)} could not be watched: all that is in it stays" for path in sorted(watch.unseen)]
        return _Seen(INOTIFY, watch.opened | _below(root, watch.unseen), tuple(notes))


def _passes(workplace: Workplace, image: Image, directory: Path, asked: Slimming) -> None:
    code = _run(workplace, image, directory, asked)
    if code:
        raise Process("the test fails in the image as it is", exit_code=code, subject=" ".join(asked.test))


def _below(root: bytes, directories: set[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for directory in directories:
        for at, _, names in os.walk(os.path.join(root, directory)):
            found.update(os.path.relpath(os.path.join(at, one), root) for one in names)
    return found


def _run(workplace: Workplace, image: Image, directory: Path, asked: Slimming) -> int:
    """Run the test on the files in ``directory/rootfs``, with the image's settings; returns its exit code."""
    from scow.layer.rootfs import Directory
    from scow.runtime.bundle import make_bundle
    from scow.runtime.child import Stdio
    from scow.runtime.runner import Runner

    runner = Runner(workplace.runtime)
    options = Options(args=asked.test, entrypoint=(), env=asked.env, user=asked.user, network=asked.network)
    root = Directory(directory / "rootfs")
    identity = f"slim-{os.getpid()}-{os.urandom(4).hex()}"
    bundle = make_bundle(directory / "bundle", identity, root, image.config.process, options, runner.probe)
    return runner.start(bundle, Stdio(None, 2, 2)).wait()


def _proved(workplace: Workplace, image: Image, asked: Slimming) -> None:
    with scratch(workplace.store.layout.ingest, "slim") as directory:
        writable(workplace.store, image.layers, directory, stacks=False)
        code = _run(workplace, image, directory, asked)
    if code:
        raise Process(
            "the test does not pass in the slim image",
            exit_code=code,
            subject=" ".join(asked.test),
            hint="keep what it looks for without opening it: --keep PATTERN",
        )


def _commands(needed: Needed, image: Image, asked: Slimming) -> None:
    """The image's own program stays even when the test does not start it, with what it takes to load it."""
    process = image.config.process
    search = next((value[5:] for value in process.env or () if value.startswith("PATH=")), "")
    own = [*(process.entrypoint or ()), *(process.cmd or ())][:1]
    for name in [*own, asked.test[0]]:
        needed.command(os.fsencode(name), search)


def _readers(
    workplace: Workplace, image: Image
) -> tuple[Callable[[Found], elf.Needs | None], Callable[[Found], bytes]]:
    """What an ELF file needs, and the first line of a file, out of the unpacked layers."""

    @contextlib.contextmanager
    def opened(found: Found) -> Iterator[elf.Pread]:
        layer = image.layers[found.layer]
        fd = content(workplace.store.unpacking.tree(layer), found)()
        start, end = os.lseek(fd, 0, os.SEEK_CUR), found.entry.size  # it may be a part of a larger file
        try:
            yield lambda offset, size: os.pread(fd, max(0, min(size, end - offset)), start + min(offset, end))
        finally:
            os.close(fd)

    def needs(found: Found) -> elf.Needs | None:
        with opened(found) as pread:
            return elf.needs(pread)

    def first_line(found: Found) -> bytes:
        with opened(found) as pread:
            return pread(0, _LINE)

    return needs, first_line


def _config(image: Image, layer: Layer, asked: Slimming) -> dict[str, Any]:
    """The image's config over the one layer; the steps that made it are still told, as empty ones."""
    config = document(image.raw_config)
    created = config.get("created")
    step = mutate.Step(f"scow slim --test {msgspec.json.encode(asked.test).decode()}", created, layer)
    return mutate.edited(mutate.without_layers(config), [step], created=created)


def _visible(view: View) -> int:
    seen: dict[tuple[int, bytes], int] = {}
    for found in view.walk():
        seen[found.layer, found.source] = found.entry.size
    return sum(seen.values())
