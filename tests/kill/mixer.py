"""One of several processes at work on the same store: a random mix of commands, by seed.

``python mixer.py ROOT REGISTRY ARCHIVE SEED COUNT`` prints the names that it left there, as JSON. Any error that the
others cannot explain ends it.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from scow import Engine
from scow.errors import NotFound
from scow.registry.credentials import CredentialStore

#: images at the registry, made of a few layers each that they share
REMOTE = 4
BASE, LOADED = "base:1", "loaded:1"


class Mixer:
    """What one process does. The names it makes hold its seed: nobody else touches them."""

    def __init__(self, root: Path, registry: str, archive: Path, seed: int) -> None:
        self.engine = Engine(root, credentials=lambda: CredentialStore(()))
        self.registry, self.archive, self.seed = registry, archive, seed
        self.dice = random.Random(seed)
        self.mine: list[str] = []
        self.loaded = False

    def run(self, count: int) -> list[str]:
        acts = [self.pull, self.pull, self.push, self.build, self.tag, self.remove, self.forget, self.prune, self.load]
        for number in range(count):
            self.dice.choice(acts)(number)
        return [*self.mine, *([LOADED] if self.loaded else [])]

    def remote(self) -> str:
        return f"{self.registry}/shared/app:{self.dice.randrange(REMOTE)}"

    def pull(self, number: int) -> None:
        self.engine.images.pull(self.remote(), platform="linux/amd64")

    def push(self, number: int) -> None:
        if self.mine:
            name = f"{self.registry}/pushed/app{self.seed}:{number}"
            self.engine.images.tag(self.dice.choice(self.mine), name)
            self.engine.images.push(name)
            self.mine.append(name)

    def build(self, number: int) -> None:
        with tempfile.TemporaryDirectory() as context:
            Path(context, "file").write_bytes(self.dice.randbytes(20_000))
            Path(context, "shared").write_text(f"{number % 3}")
            text = f"FROM {BASE}\nCOPY shared /\nCOPY file /\n".encode()
            name = f"built{self.seed}:{number}"
            self.engine.images.build(context, tags=[name], dockerfile=text)
        self.mine.append(name)

    def tag(self, number: int) -> None:
        name = f"tagged{self.seed}:{number}"
        if self._done(lambda: self.engine.images.tag(self.dice.choice([BASE, self.remote()]), name)):
            self.mine.append(name)

    def remove(self, number: int) -> None:
        if self.mine:
            name = self.mine.pop(self.dice.randrange(len(self.mine)))
            self.engine.images.remove(name)

    def forget(self, number: int) -> None:
        """What another process may be pulling, or have removed."""
        self._done(lambda: self.engine.images.remove(self.remote()))

    def prune(self, number: int) -> None:
        self.engine.system.prune(cache=self.dice.random() < 0.5)

    def load(self, number: int) -> None:
        with self.archive.open("rb") as archive:
            self.engine.images.load(archive, platform="linux/amd64")
        self.loaded = True

    @staticmethod
    def _done(act: Callable[[], object]) -> bool:
        try:
            act()
        except NotFound:
            return False
        return True


if __name__ == "__main__":
    place, host, file, seed, count = sys.argv[1:]
    print(json.dumps(Mixer(Path(place), host, Path(file), int(seed)).run(int(count))))
