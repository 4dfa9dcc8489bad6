"""PURE. Images and their histories as the rows and columns of docker's tables. The clock comes in as an argument."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from scow.cli import units
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.cli.images.choosing import Choice
    from scow.cli.table import Columns, Row
    from scow.engine.values import HistoryStep, ImageSummary

NONE = "<none>"
IMAGE_COLUMNS = (
    ("REPOSITORY", "Repository"),
    ("TAG", "Tag"),
    ("IMAGE ID", "ID"),
    ("CREATED", "CreatedSince"),
    ("SIZE", "Size"),
)
IMAGE_HEADERS = {
    "Digest": "DIGEST",
    "CreatedAt": "CREATED AT",
    "Containers": "CONTAINERS",
    "SharedSize": "SHARED SIZE",
    "UniqueSize": "UNIQUE SIZE",
}
HISTORY_COLUMNS = (
    ("IMAGE", "ID"),
    ("CREATED", "CreatedSince"),
    ("CREATED BY", "CreatedBy"),
    ("SIZE", "Size"),
    ("COMMENT", "Comment"),
)
_CREATED_BY_WIDTH = 45


def since(moment: str, now: float) -> str:
    """``2 weeks ago``; ``N/A`` where no time is known."""
    seconds = units.moment_of(moment)
    return "N/A" if seconds is None else f"{units.human_duration(now - seconds)} ago"


def _local(moment: str) -> str:
    seconds = units.moment_of(moment)
    if seconds is None:
        return "N/A"
    zone = datetime.fromtimestamp(seconds).astimezone().tzinfo
    return units.created_at(seconds, zone) if zone else units.created_at(seconds)


def image_rows(choices: Iterable[Choice], now: float, *, whole: bool, digests: bool) -> Iterator[Row]:
    """A row for each name, and one for an image without any. ``whole``: ids are not cut.

    With ``digests``, a name that several digests are known for has a row for each.
    """
    for image, names in choices:
        common: dict[str, Any] = {
            "ID": str(image.id) if whole else image.id.short,
            "CreatedSince": since(image.created, now),
            "CreatedAt": _local(image.created),
            "Size": units.human_size(image.size),
            "Containers": str(image.containers),
            "SharedSize": "N/A",
            "UniqueSize": "N/A",
        }
        for repository, tag, digest in _names(image, names, digests=digests):
            yield {"Repository": repository, "Tag": tag, "Digest": digest, **common}


def _names(image: ImageSummary, names: Iterable[str], *, digests: bool) -> list[tuple[str, str, str]]:
    """(repository, tag, digest) for each row."""
    known: dict[str, list[str]] = {}
    for text in image.digests:
        repository, _, digest = text.partition("@")
        known.setdefault(repository, []).append(digest)
    found: dict[tuple[str, str, str], None] = {}
    for name in names:
        reference = Reference.parse(name, default_tag=None)
        repository = reference.familiar_name
        own = [str(reference.digest)] if reference.digest else known.get(repository) or [NONE]
        for digest in own if digests else own[:1]:
            found[repository, reference.tag or NONE, digest] = None
    tagged = {repository for repository, tag, _ in found if tag != NONE}
    rows = [row for row in found if row[1] != NONE or row[0] not in tagged]
    return rows or [(NONE, NONE, NONE)]


def history_rows(steps: Iterable[HistoryStep], now: float, *, human: bool, whole: bool) -> Iterator[Row]:
    """A row for each step. ``human``: ages and rounded sizes; ``whole``: nothing is cut."""
    for step in steps:
        created_by = step.created_by.replace("\t", " ")
        seconds = units.moment_of(step.created)
        created = "" if seconds is None else units.rfc3339(seconds)
        yield {
            "ID": "<missing>" if step.id is None else str(step.id) if whole else step.id.short,
            "CreatedAt": created,
            "CreatedSince": since(step.created, now) if human else created,
            "CreatedBy": created_by if whole else units.ellipsis(created_by, _CREATED_BY_WIDTH),
            "Size": units.human_size(step.size) if human else str(step.size),
            "Comment": step.comment,
        }


def image_columns(*, digests: bool) -> Columns:
    """The columns of ``images``."""
    wanted = (("DIGEST", "Digest"),) if digests else ()
    return (*IMAGE_COLUMNS[:2], *wanted, *IMAGE_COLUMNS[2:])


def history_columns(*, human: bool) -> Columns:
    """The columns of ``history``, whose second is a time when it is not for people."""
    replaced: Mapping[str, tuple[str, str]] = {} if human else {"CreatedSince": ("CREATED AT", "CreatedAt")}
    return tuple(replaced.get(field, (header, field)) for header, field in HISTORY_COLUMNS)
