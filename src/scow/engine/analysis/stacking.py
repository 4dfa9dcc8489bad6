"""What the size room is handed of an image: its layers' entries with what history says of them, and who owns a path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from scow.layer.records import Records
from scow.size.analysis import VERSION, Analysis

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.image.contents import Contents
    from scow.layer.view import Found
    from scow.size.fates import Stack
    from scow.size.layers import Layer

_LISTS_LIMIT: Final = 128 << 20  # of all package lists together
_KEPT: Final = 200  # records: each names every wasted file
_DATABASES_LIMIT: Final = 512 << 20


def stacked(contents: Contents) -> list[Layer]:
    """The layers of ``contents`` with what history says of them, lowest first."""
    from scow.size.layers import Layer, instruction, steps

    if contents.image is None:
        return [Layer("", list(contents.digested(0)))]
    made_by = steps(contents.image.config.history, len(contents.layers))
    return [
        Layer(
            str(layer.diff_id),
            list(contents.digested(number)),
            layer.descriptor.size,
            instruction(made_by[number].created_by) or made_by[number].comment,
            made_by[number].created or "",
        )
        for number, layer in enumerate(contents.layers)
    ]


def analyzed(workplace: Workplace, contents: Contents, name: str) -> Analysis:
    """Where the bytes of ``contents`` went. For an image it is worked out once, and kept by the manifest's digest."""
    image = contents.image
    if image is None:
        return _made(contents, name)
    records = Records(workplace.root / "cache" / "size", VERSION)
    record = f"image-{image.descriptor.digest.hex}"
    known = records.find(record, Analysis)
    if known is None:
        known = _made(contents, name)
        records.keep(record, known)
        records.trim(_KEPT)
    return msgspec.structs.replace(known, name=name)


def _made(contents: Contents, name: str) -> Analysis:
    from scow.size.analyzing import analyze

    image = contents.image
    return analyze(
        stacked(contents),
        lambda stack: owners(contents, stack),
        name=name,
        id=str(image.id) if image else "",
        platform=str(image.config.platform) if image else "",
    )


def owners(contents: Contents, stack: Stack) -> Mapping[bytes, str]:
    """Path → the package that brought it, as the lists of dpkg, apk and rpm in the image say."""
    from scow.size import packages

    return packages.owners(_owned(contents, stack.found), stack.view.resolve)


def _owned(contents: Contents, found: Sequence[Found]) -> Iterator[tuple[bytes, str]]:
    from scow.content.verify import read_all
    from scow.scan.catalog import rpm
    from scow.size import packages

    places = frozenset(path.encode() for path in rpm.DATABASES)
    lists = [one for one in found if packages.LISTS.fullmatch(one.entry.path)]
    for one, reader in contents.each(_within(_LISTS_LIMIT, lists)):
        yield from packages.listed(one.entry.path, read_all(reader, one.entry.size + 1))
    databases = [one for one in found if one.entry.path in places]
    if databases:
        from scow.scan.catalog.opening import windowed

        for one, reader in contents.each(_within(_DATABASES_LIMIT, databases)):
            with windowed(reader, one.entry.size) as window:
                yield from rpm.owned(window)


def _within(limit: int, found: Iterable[Found]) -> Iterator[Found]:
    """Those that are no larger than ``limit`` bytes together; no real image comes near."""
    for one in found:
        if one.entry.size <= limit:
            limit -= one.entry.size
            yield one
