"""``engine.analysis``: where an image's bytes went, and getting them back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from scow.engine.looking import look
from scow.size import analysis as size
from scow.size.analysis import Analysis
from scow.size.layers import Layer, instruction, steps

if TYPE_CHECKING:
    from scow.engine.squashing import Squashed
    from scow.engine.workplace import Workplace
    from scow.image.contents import Contents
    from scow.layer.view import Found
    from scow.size.compare import Comparison

_LIST_LIMIT: Final = 32 << 20  # of one package list


class Sizes:
    """``engine.analysis``."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    def analyze(self, target: str, *, platform: str | None = None) -> Analysis:
        """Where the bytes of ``target`` went: an image of the store, or wherever one can be looked at.

        Nothing is unpacked. Raises :class:`~scow.errors.NotFound`.
        """
        with look(self._workplace, target, platform) as contents:
            image = contents.image
            return size.analyze(
                stacked(contents),
                lambda wanted: _read(contents, wanted),
                name=target,
                id=str(image.id) if image else "",
                platform=str(image.config.platform) if image else "",
            )

    def compare(self, a: str, b: str, *, semantic: bool = False, platform: str | None = None) -> Comparison:
        """What is different in image ``b``; ``semantic``: but for times, and for how files are spread over layers."""
        from scow.size.compare import Side, compare

        with look(self._workplace, a, platform) as one, look(self._workplace, b, platform) as other:
            first, second = (
                Side(name, [layer.diff_id for layer in contents.layers], contents.view)
                for name, contents in ((a, one), (b, other))
            )
            return compare(first, second, semantic=semantic)

    def squash(self, name: str, *, base: str = "scratch", tag: str | None = None) -> Squashed:
        """Merge the layers above those of image ``base`` (all, for ``scratch``) into one; files stay what they are.

        Raises :class:`~scow.errors.Invalid` when the image does not stand on ``base``, or nothing is above it.
        """
        from scow.engine.squashing import squash

        return squash(self._workplace, name, base, tag)


def stacked(contents: Contents) -> list[Layer]:
    """The layers of ``contents`` with what history says of them, lowest first."""
    if contents.image is None:
        return [Layer("", list(contents.entries(0)))]
    made_by = steps(contents.image.config.history, len(contents.layers))
    return [
        Layer(
            str(layer.diff_id),
            list(contents.entries(number)),
            layer.descriptor.size,
            instruction(made_by[number].created_by),
            made_by[number].created or "",
        )
        for number, layer in enumerate(contents.layers)
    ]


def _read(contents: Contents, wanted: Sequence[Found]) -> Iterator[tuple[bytes, bytes]]:
    """(path, content) of small files; one that is too large to be a list of paths is passed over."""
    from scow.content.verify import read_all

    for found, reader in contents.each(one for one in wanted if one.entry.size < _LIST_LIMIT):
        yield found.entry.path, read_all(reader, found.entry.size + 1)
