"""What the size room is handed of an image: its layers' entries with what history says of them, and package lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from scow.size.layers import Layer, instruction, steps

if TYPE_CHECKING:
    from scow.image.contents import Contents
    from scow.layer.view import Found

_LISTS_LIMIT: Final = 128 << 20  # of all package lists together


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
            instruction(made_by[number].created_by) or made_by[number].comment,
            made_by[number].created or "",
        )
        for number, layer in enumerate(contents.layers)
    ]


def read_lists(contents: Contents, wanted: Sequence[Found]) -> Iterator[tuple[bytes, bytes]]:
    """(path, content) of package lists; what goes over a limit that no real image comes near is passed over."""
    from scow.content.verify import read_all

    chosen: list[Found] = []
    left = _LISTS_LIMIT
    for found in wanted:
        if found.entry.size <= left:
            chosen.append(found)
            left -= found.entry.size
    for found, reader in contents.each(chosen):
        yield found.entry.path, read_all(reader, found.entry.size + 1)
