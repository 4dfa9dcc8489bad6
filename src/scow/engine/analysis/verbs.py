"""``engine.analysis``: where an image's bytes went, and getting them back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from scow.engine.analysis.stacking import analyzed, stacked
from scow.engine.images.looking import look
from scow.engine.workplace import Noun

if TYPE_CHECKING:
    from scow.engine.analysis.exploring import Exploration
    from scow.engine.analysis.slimming import Slimmed, Slimming
    from scow.engine.analysis.squashing import Squashed
    from scow.size.analysis import Analysis
    from scow.size.compare import Comparison


class Sizes(Noun):
    """``engine.analysis``."""

    def analyze(self, target: str, *, platform: str | None = None) -> Analysis:
        """Where the bytes of ``target`` went: an image of the store, or wherever one can be looked at.

        Nothing is unpacked, and nothing looked at twice: what an image came to is kept. Raises
        :class:`~scow.errors.NotFound`.
        """
        with look(self._workplace, target, platform) as contents:
            return analyzed(self._workplace, contents, target)

    def compare(self, a: str, b: str, *, semantic: bool = False, platform: str | None = None) -> Comparison:
        """What is different in image ``b``; ``semantic``: but for times, and for how files are spread over layers."""
        from scow.size.compare import Side, compare

        with look(self._workplace, a, platform) as one, look(self._workplace, b, platform) as other:
            first, second = (
                Side(name, [layer.diff_id for layer in contents.layers], contents.view)
                for name, contents in ((a, one), (b, other))
            )
            return compare(first, second, semantic=semantic)

    @contextlib.contextmanager
    def explore(self, target: str, *, platform: str | None = None) -> Iterator[Exploration]:
        """An image opened to be walked through, for the length of the block."""
        from scow.engine.analysis.exploring import Exploration

        with look(self._workplace, target, platform) as contents:
            yield Exploration(
                target, contents, lambda: stacked(contents), lambda: analyzed(self._workplace, contents, target)
            )

    def squash(self, name: str, *, base: str = "scratch", tag: str | None = None) -> Squashed:
        """Merge the layers above those of image ``base`` (all, for ``scratch``) into one; files stay what they are.

        Raises :class:`~scow.errors.Invalid` when the image does not stand on ``base``, or nothing is above it.
        """
        from scow.engine.analysis.squashing import squash

        return squash(self._workplace, name, base, tag)

    def slim(
        self, name: str, asked: Slimming, *, tag: str | None = None, tell: Callable[[str], None] = lambda text: None
    ) -> Slimmed:
        """Make an image with the files that a test opens and what ``asked`` keeps, and run the test in it.

        The test runs twice, on copies of the files; ``tell`` is told what happens next. Raises
        :class:`~scow.errors.Process` when it fails, ``Limit`` when what it opens cannot be told.
        """
        from scow.engine.analysis.slimming import slim

        return slim(self._workplace, name, asked, tag, tell)
