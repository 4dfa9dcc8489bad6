"""Files that a command line names: read whole, within a limit, or as a stream; written whole, or not at all.

One that cannot be had is told of in docker's words: ``open NAME: no such file or directory``.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from scow.errors import Denied, Invalid, Limit, NotFound, ScowError, Unavailable
from scow.files import replacing

#: Of what is read whole, in bytes.
LARGEST: Final = 1 << 20


def content(name: str | Path, largest: int = LARGEST) -> bytes:
    """The bytes of a file. Raises :class:`NotFound`, ``Denied``, ``Limit``."""
    try:
        with open(name, "rb") as file:
            return bounded(file, str(name), largest)
    except OSError as error:
        raise refused(str(name), error) from None


def text(name: str | Path, largest: int = LARGEST) -> str:
    """The same of a text. Raises :class:`Invalid` for what is none."""
    try:
        return content(name, largest).decode()
    except UnicodeDecodeError:
        raise Invalid("is not UTF-8", subject=str(name)) from None


def bounded(file: BinaryIO, name: str, largest: int = LARGEST) -> bytes:
    """All there is to read, from standard input perhaps. Raises :class:`Limit`."""
    found = file.read(largest + 1)
    if len(found) > largest:
        raise Limit(f"is larger than {largest} bytes", subject=name)
    return found


def write(name: str, text: str) -> None:
    """Write a text into a file, whatever that is."""
    try:
        Path(name).write_text(text)
    except OSError as error:
        raise refused(name, error) from None


@contextlib.contextmanager
def source(name: str) -> Iterator[BinaryIO]:
    """The file ``name``, or standard input for ``-``; what is wrong with it is told of that file."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise refused(name, error) from None
    with file:
        if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
            raise Invalid("is a directory", subject=name)
        try:
            yield file
        except Invalid as error:
            if error.where is None:  # else it is wrong with a --change
                error.subject = error.subject or name
            raise


@contextlib.contextmanager
def sink(name: str | None, mode: int = 0o600) -> Iterator[BinaryIO]:
    """The file ``name``, there only once it is whole, by default readable by its owner alone; or standard output."""
    if name is None:
        if sys.stdout.isatty():
            raise Invalid("cowardly refusing to save to a terminal. Use the -o flag or redirect")
        yield sys.stdout.buffer
        return
    path = Path(os.path.realpath(name))
    try:
        if path.exists() and not path.is_file():  # a device or a pipe: there is nothing to rename
            with path.open("wb") as file:
                yield file
            return
        if not path.parent.is_dir():
            raise Invalid(f'invalid output path: directory "{path.parent}" does not exist')
        with replacing(path, mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise refused(name, error) from None


def refused(name: str, error: OSError) -> ScowError:
    """What the system said of a file, as an error that tells the caller what to do."""
    problem = f"open {name}: {(error.strerror or str(error)).lower()}"
    if isinstance(error, FileNotFoundError):
        return NotFound(problem)
    return Denied(problem) if isinstance(error, PermissionError) else Unavailable(problem)
