"""Images for the tests: made of layers given as items, put into a store, mounted, and told to other tools."""

from __future__ import annotations

import gzip
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from tests.layer import tars
from tests.layer.tars import Item
from tests.support.peers import need_root, path_of
from tests.support.trees import Record

from scow.content.copy import copy
from scow.content.verify import read_all
from scow.image.contents import Contents
from scow.image.layer import Layer
from scow.image.store import Store
from scow.layer.view import Found
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId
from scow.oci.documents import encode
from scow.runtime.probe import mounts
from scow.testing.contract import Memory

ROOT = Path(__file__).resolve().parents[2]

FORMS: tuple[Callable[[bytes], tuple[bytes, str]], ...] = (
    lambda tar: (gzip.compress(tar, 1, mtime=0), media_types.OCI_LAYER_GZIP),
    lambda tar: (tar, media_types.OCI_LAYER),
)


def add_layers(memory: Memory, layers: Sequence[bytes]) -> list[Layer]:
    """Hold each tar as a layer: gzip and plain in turn, as a mountable layer stands on a plain blob itself."""
    return [Layer(memory.add(*FORMS[number % 2](tar)), DiffId.of(tar)) for number, tar in enumerate(layers)]


def add_image(memory: Memory, layers: Sequence[Layer], **config: object) -> Descriptor:
    """Hold the config and manifest that join ``layers``."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        **config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    return memory.image([layer.descriptor for layer in layers], encode(document))


def stored(store: Store, layers: Sequence[list[Item]], name: str = "test:latest") -> list[Layer]:
    """Put an image of these layers into the store under a name."""
    memory = Memory()
    made = add_layers(memory, [tars.write(layer) for layer in layers])
    image = add_image(memory, made)
    with store.layout.working():
        copy(memory, store.unpacking, image)
        store.layout.tag(image, name)
    return made


def need_mountable(directory: Path) -> None:
    """Skip, aloud, where layers cannot be mounted as files."""
    if not mounts(directory):
        pytest.skip("this machine mounts no files as layers (root, Linux 6.12, EROFS)")


_MOUNTER = """
import ctypes, os, pickle, sys, traceback
from pathlib import Path
from tests.support.trees import snapshot_tree
libc = ctypes.CDLL(None, use_errno=True)
while True:
    try:
        lower, at = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    try:
        for number, tree in enumerate(lower):
            if os.path.basename(tree) == b"erofs":
                lower[number] = place = at + b".%d" % number
                os.makedirs(place, exist_ok=True)
                if libc.mount(tree + b"/metadata", place, b"erofs", 1, b"device=" + tree + b"/tar"):
                    raise OSError(ctypes.get_errno(), "mount erofs")
        options = b"lowerdir=" + b":".join([*lower, at + b".empty"])
        if libc.mount(b"overlay", at, b"overlay", 1, options):
            raise OSError(ctypes.get_errno(), "mount")
        try:
            result = snapshot_tree(Path(os.fsdecode(at)))
        finally:
            for place in [at, *lower]:
                libc.umount2(place, 2)
    except BaseException:
        result = traceback.format_exc()
    pickle.dump(result, sys.stdout.buffer)
    sys.stdout.buffer.flush()
"""


class Mounter:
    """A process with a mount namespace of its own that tells what an overlay of trees shows."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes], at: Path) -> None:
        self._requests, self._answers, self._at = requests, answers, at

    def shows(self, trees: Sequence[Path]) -> dict[bytes, Record]:
        """What the overlay of ``trees``, topmost first, looks like from above."""
        pickle.dump(([bytes(tree) for tree in trees], bytes(self._at)), self._requests)
        self._requests.flush()
        answer = pickle.load(self._answers)
        assert not isinstance(answer, str), answer
        found: dict[bytes, Record] = answer
        return found


@contextmanager
def mounter(at: Path) -> Iterator[Mounter]:
    """A :class:`Mounter` for the length of the block; needs root."""
    need_root()
    at.mkdir(exist_ok=True)
    at.with_name(at.name + ".empty").mkdir(exist_ok=True)  # an overlay has two trees at least
    argv = [path_of("unshare"), "--mount", "--propagation", "private", sys.executable, "-c", _MOUNTER]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Mounter(process.stdin, process.stdout, at)
        finally:
            process.stdin.close()
            process.wait(30)


def read(contents: Contents, found: Found) -> bytes:
    """A file of an image, whole."""
    (content,) = (read_all(reader, 8 << 20) for _, reader in contents.each([found]))
    return content
