"""An archive's members beside Python's own reader, and archives made to hang, to exhaust memory or to crash it."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.layer import tars
from tests.layer.tars import END, block, file, gnu_long, pax, record

from scow.content.tar import Tar
from scow.errors import Invalid, Limit, NotFound, ScowError


def opened(place: Path, content: bytes) -> Tar:
    (place / "a.tar").write_bytes(content)
    return Tar(place / "a.tar")


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("t")


names = st.lists(st.text("ab\u00e4_.-", min_size=1, max_size=90), min_size=1, max_size=4).map("/".join)


@given(
    st.dictionaries(names, st.binary(max_size=600), max_size=6),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
@settings(max_examples=60, deadline=None)
def test_what_python_writes_is_found(short: Path, files: dict[str, bytes], form: int) -> None:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=form) as tar:
        for number, (name, content) in enumerate(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
            link = tarfile.TarInfo(f"link-{number}-" + "l" * 100)
            link.type, link.linkname = (tarfile.SYMTYPE if number % 2 else tarfile.LNKTYPE), name
            tar.addfile(link)
    if not files:
        output.write(bytes(1024))
    made = opened(short, output.getvalue())
    for number, (name, content) in enumerate(files.items()):
        if name in made and all(part not in ("", ".", "..") for part in name.split("/")):
            assert made.read(name) == content
            assert made.read(f"link-{number}-" + "l" * 100) == content
    made.close()


SPARSE = record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0") + record(b"GNU.sparse.realsize", b"9")

HOSTILE = {
    # tarfile goes back and forth for ever: CVE-2025-8194
    "negative size": file(b"a") + block(b"b", length=tars.base256(-512, 12)) + END,
    "negative size in PAX": file(b"a") + pax(record(b"size", b"-1024")) + block(b"b") + END,
    "size beyond the machine's": block(b"a", length=tars.base256(1 << 70, 12)) + END,
    "longer than the file": block(b"a", size=1 << 20) + END,
    # read whole by tarfile: CVE-2023-25153 and its kind
    "long PAX header": block(b"x", b"x", 2 << 20) + bytes(2 << 20) + file(b"a") + END,
    "long name": gnu_long(b"n" * (2 << 20), b"L") + file(b"a") + END,
    "long name that is not there": block(b"x", b"L", length=tars.base256(1 << 40, 12)) + END,
    "PAX length of zero": block(b"x", b"x", 10) + tars.padded(b"0 a=b\n") + file(b"a") + END,
    "PAX length too long": block(b"x", b"x", 10) + tars.padded(b"99 a=b\n") + file(b"a") + END,
    "PAX size is no number": pax(record(b"size", b"x")) + file(b"a") + END,
    "checksum": file(b"a")[:50] + b"x" + file(b"a")[51:] + END,
    "half a header": file(b"a") + block(b"b")[:300],
    "empty": b"",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_it_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises((Invalid, Limit)):
        opened(tmp_path, content)


ODD = {
    "sparse map without an end": pax(SPARSE) + block(b"s", b"0", 1024) + tars.padded(b"9" * 900),
    "sparse map of words": pax(record(b"GNU.sparse.map", b"a,b")) + block(b"s"),
    "very many headers about one": b"".join(block(b"x", b"x", 0) for _ in range(3000)) + block(b"s", b"6"),
    "link to itself": block(b"s", b"2", link=b"s"),
    "links in a ring": block(b"s", b"1", link=b"t") + block(b"t", b"2", link=b"s"),
    "link out": block(b"s", b"2", link=b"../../../../etc/passwd"),
    "device": block(b"s", b"3"),
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD.keys())
def test_it_holds_no_such_file(tmp_path: Path, content: bytes) -> None:
    made = opened(tmp_path, content + file(b"a", b"fine") + END)
    assert made.read("a") == b"fine"
    with pytest.raises(NotFound):
        made.read("s")
    made.close()


def test_a_huge_document_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.tar").open("wb") as output:
        output.write(block(b"index.json", size=5 << 30))
        os.truncate(output.fileno(), 512 + (5 << 30))
    made = Tar(tmp_path / "a.tar")
    assert made.find("index.json") == (512, 5 << 30)
    with pytest.raises(Invalid, match="too large"):
        made.read("index.json")
    made.close()


@given(st.binary(max_size=2000), st.integers(0, 1535), st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_tar_or_refused(short: Path, content: bytes, at: int, byte: int) -> None:
    good = bytearray(
        gnu_long(b"n" * 200, b"L") + file(b"x", b"y") + pax(record(b"size", b"1")) + file(b"a", b"b") + END
    )
    good[at] = byte
    for stream in (content, bytes(good)):
        with contextlib.suppress(ScowError):
            opened(short, stream).close()
