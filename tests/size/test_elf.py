"""What real programs need, as readelf tells it, and files that are none or lie."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.peers import path_of

from scow.size.elf import Needs, needs


def of(path: Path) -> Needs | None:
    data = path.read_bytes()
    return needs(lambda offset, size: data[offset : offset + size])


@pytest.mark.peers
@pytest.mark.parametrize("path", ["/bin/ls", "/usr/bin/readelf", os.path.realpath(sys.executable)])
def test_as_readelf_has_it(path: str) -> None:
    told = subprocess.run([path_of("readelf"), "-dlW", path], capture_output=True, text=True, check=True).stdout
    found = of(Path(path))
    assert found is not None
    assert [name.decode() for name in found.libraries] == re.findall(r"\(NEEDED\).*\[(.*)\]", told)
    assert [found.interpreter.decode()] == re.findall(r"interpreter: (.*)\]", told)
    search = [part for value in re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", told) for part in value.split(":")]
    assert [part.decode() for part in found.search] == search


def test_what_is_none() -> None:
    assert needs(lambda offset, size: b"#!/bin/sh\n"[offset : offset + size]) is None
    assert needs(lambda offset, size: b"") is None
    assert needs(lambda offset, size: (b"\x7fELF\2\1" + bytes(58))[offset : offset + size]) == Needs()


def test_a_text_that_does_not_end_is_none() -> None:
    """As many times a mebibyte would come of it as there are tags."""
    tags, text = [(1, 0)] * 4000 + [(5, 1 << 20), (10, 1 << 20), (0, 0)], b"x" * (1 << 20)
    dynamic = b"".join(struct.pack("<qQ", *tag) for tag in tags)
    at = 64 + 2 * 56
    load = struct.pack("<IIQQQQQQ", 1, 0, at + len(dynamic), 1 << 20, 0, len(text), 0, 0)
    segment = struct.pack("<IIQQQQQQ", 2, 0, at, 0, 0, len(dynamic), 0, 0)
    head = (b"\x7fELF\2\1".ljust(32, b"\0") + struct.pack("<Q14xHH", 64, 56, 2)).ljust(64, b"\0")
    data = head + load + segment + dynamic + text
    found = needs(lambda offset, size: data[offset : offset + size])
    assert found is not None
    assert len(found.libraries) == 4000
    assert set(found.libraries) == {b""}


@given(st.binary(max_size=400), st.sampled_from([b"\x7fELF\2\1", b"\x7fELF\1\1", b"\x7fELF\2\2"]))
def test_nothing_in_it_is_believed(rest: bytes, ident: bytes) -> None:
    data = ident + rest
    needs(lambda offset, size: data[offset : offset + min(size, 1 << 20)])


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=20))
def test_damaged_programs(changes: list[tuple[int, int]]) -> None:
    data = bytearray(Path("/bin/ls").read_bytes())
    for at, value in changes:
        data[at] = value
    needs(lambda offset, size: bytes(data[offset : offset + min(size, 1 << 20)]))
