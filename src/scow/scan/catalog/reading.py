"""What one file of an image says, and how that is kept within bounds. Pure."""

# Annotations are not deferred: msgspec would compile each of them before the first record is read.

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec

from scow.oci.known import known
from scow.scan.package import Distribution, Package, Unread

#: the longest name or version that anybody publishes is far below this
_TEXT_LIMIT: Final = 1024
#: of one file; who reads one stops there
PACKAGES_LIMIT: Final = 100_000
_OWNED_LIMIT: Final = 1_000_000
_OBJECTS_LIMIT: Final = 500_000
_REASONS_LIMIT: Final = 20
#: bytes of a hash in ``Reading.owned``
HASH_SIZE: Final = 8

T = TypeVar("T")


class Reading(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """What one file says: ``packages``, and why the rest of it could not be read (``reasons``).

    ``owner`` is the kind of the distribution's packages whose database this is (a part of); ``owned`` are the paths
    that they brought, as :func:`hashes`. ``distribution`` is set by os-release alone. ``requested``: what it says
    counts only where lockfiles are asked for; ``declared``: where nothing else says the same.
    """

    packages: tuple[Package, ...] = ()
    reasons: tuple[str, ...] = ()
    owned: bytes = b""
    owner: str = ""
    distribution: Distribution | None = None
    requested: bool = False
    declared: bool = False

    def __bool__(self) -> bool:
        return bool(self.packages or self.reasons or self.owned or self.distribution)


class Record(msgspec.Struct, frozen=True, array_like=True):
    """What one layer contributes: its readings, by the path that it has in the layer."""

    readings: dict[bytes, Reading] = {}


class Merged(msgspec.Struct, frozen=True, array_like=True):
    """What an image holds, whatever it is called: the part of a catalog that its layers decide."""

    distribution: Distribution | None = None
    packages: tuple[Package, ...] = ()
    unread: tuple[Unread, ...] = ()


def hashed(path: bytes) -> bytes:
    """A path, 8 bytes long: many are kept and few are looked for."""
    return hashlib.blake2b(path.strip(b"/"), digest_size=HASH_SIZE).digest()


def hashes(paths: Iterable[bytes]) -> bytes:
    """The hashes of ``paths``, one after the other; of no more than anybody installs."""
    return b"".join(map(hashed, islice(paths, _OWNED_LIMIT)))


def split_hashes(owned: bytes) -> Iterator[bytes]:
    """The single hashes again."""
    return (owned[at : at + HASH_SIZE] for at in range(0, len(owned), HASH_SIZE))


def sane(reading: Reading) -> Reading:
    """``reading`` without what cannot be a package, each with its reason; reasons and packages are counted."""
    kept: list[Package] = []
    reasons = list(reading.reasons)
    for package in reading.packages[:PACKAGES_LIMIT]:
        problem = _problem(package)
        if problem:
            reasons.append(problem)
        else:
            kept.append(package)
    if len(reading.packages) > PACKAGES_LIMIT:
        reasons.append(f"names {len(reading.packages)} packages, over the limit of {PACKAGES_LIMIT}")
    if len(reasons) > _REASONS_LIMIT:
        reasons[_REASONS_LIMIT:] = [f"and {len(reasons) - _REASONS_LIMIT} more like these"]
    if len(kept) == len(reading.packages) and tuple(reasons) == reading.reasons:
        return reading
    return msgspec.structs.replace(reading, packages=tuple(kept), reasons=tuple(reasons))


def _problem(package: Package) -> str:
    if not package.name:
        return "a package without a name"
    told = f"package {package.name[:80]!r}"
    if not package.named[1].strip("/ "):  # no package URL has such a name
        return f"{told} has no name of its own"
    if not package.version:
        return f"{told} has no version"
    for text in (package.name, package.version, package.source, package.source_version, package.arch):
        if len(text) > _TEXT_LIMIT or not text.isprintable() or "\ufffd" in text:
            return f"{told} has a field that is no text: {text[:80]!r}"
    return ""


def text(raw: bytes) -> str:
    """``raw`` as text; what is not UTF-8 shows as U+FFFD, which :func:`sane` refuses where it matters."""
    return raw.decode(errors="replace").strip()


def paragraphs(data: bytes, apart: re.Pattern[bytes]) -> Iterator[bytes]:
    """The parts of a text between what matches ``apart``, one by one; at most one more than there may be packages."""
    at = 0
    for found in islice(apart.finditer(data), PACKAGES_LIMIT + 1):
        yield data[at : found.start()]
        at = found.end()
    if not apart.search(data, at):
        yield data[at:]


def fields(pattern: re.Pattern[bytes], data: bytes, limit: int) -> list[tuple[bytes, bytes]]:
    """The first ``limit`` pairs that ``pattern`` (of two groups) finds."""
    return [(found[1], found[2].strip()) for found in islice(pattern.finditer(data), limit)]


def document(data: bytes, kind: type[T]) -> T | str:
    """JSON as ``kind``, or the reason why it is not that."""
    if data.count(b"{") > _OBJECTS_LIMIT:
        return f"holds more than {_OBJECTS_LIMIT} objects"
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=known(kind))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return f"is not the JSON that was expected: {str(error)[:200]}"


def licences(told: Any) -> tuple[str, ...]:
    """Licences as JSON documents give them: a text, an object with ``type``/``name``, or a list of these."""
    if isinstance(told, str):
        return _alone(told) if told.strip() else ()
    if isinstance(told, dict):
        return licences(told.get("type") or told.get("name"))
    if isinstance(told, list):
        return tuple(one for item in told[:50] for one in licences(item) if not isinstance(item, list))
    return ()


@lru_cache(maxsize=256)
def _alone(licence: str) -> tuple[str, ...]:
    """The same value for the same licence: of thousands of packages, few have one of their own."""
    return (licence,)
