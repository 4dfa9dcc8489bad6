"""A step is done once: its layer is what an earlier build made of the same, or another stage of this one.

What is new is not read to find that out: a step whose outline (all but the contents of files) was never seen has no
layer anywhere, and its key is made of what reading it for the layer told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from scow.build.cache import Records
from scow.build.filling import Inputs
from scow.content.layout import Layout
from scow.image.layer import Layer


class Prepared(msgspec.Struct, frozen=True):
    """A step made ready: a key of all but the contents of files, its whole key, and how to do it."""

    outline: str
    key: Callable[[], str]
    make: Callable[[], Layer]


def told(key: str, make: Callable[[], Layer]) -> Prepared:
    """A step whose key is known before anything is read."""
    return Prepared(key, lambda: key, make)


class Once(msgspec.Struct):
    """The steps of one build. ``records`` are those of earlier ones, whose layers are in ``layout`` if nowhere else."""

    records: Records
    layout: Layout
    _made: dict[str, Layer] = {}
    _turns: dict[str, threading.Lock] = {}
    _guard: threading.Lock = msgspec.field(default_factory=threading.Lock)

    def layer(self, inputs: Inputs | None, prepared: Callable[[], Prepared], *, cached: bool) -> tuple[Layer, bool]:
        """The step's layer, and whether it was there; ``cached`` says whether earlier builds count."""
        if cached and inputs and (layer := self._of_inputs(inputs)):
            return layer, True
        step = prepared()
        with self._turn(step.outline):
            found = self._found(step, cached)
            layer = found or step.make()
            self._made |= {step.outline: layer, step.key(): layer}
            names = {step.outline, step.key()} if not found else set()
            for name in names | ({inputs.step, inputs.key()} if inputs else set()):
                self.records.keep(name, layer)
            return layer, found is not None

    def before(self, inputs: Inputs) -> Layer | None:
        """What this store made of the step when it was last done, of whatever went in."""
        return self.records.own(inputs.step)

    def _of_inputs(self, inputs: Inputs) -> Layer | None:
        layer = self._recorded(inputs.key()) if self.records.has(inputs.step) else None
        if layer:
            self.records.keep(inputs.step, layer)
        return layer

    def _found(self, step: Prepared, cached: bool) -> Layer | None:
        """Of the same step, of whatever stage; equal ones take turns."""
        if step.outline in self._made and (made := self._made.get(step.key())):
            return made
        return self._recorded(step.key()) if cached and self.records.has(step.outline) else None

    def _recorded(self, name: str) -> Layer | None:
        layer = self.records.find(name)
        if layer is None or not self.layout.exists(layer.descriptor):
            return None
        self.layout.hold(layer.diff_id)
        self.records.used(name)
        return layer

    def _turn(self, name: str) -> threading.Lock:
        with self._guard:
            return self._turns.setdefault(name, threading.Lock())
