"""A layer as files to mount: what fits, what does not, what a changed byte does. (What a mounted one shows is held
against directories, umoci and a model in tests/image.)"""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.layer import tars
from tests.layer.tars import Item, item

from scow.errors import Invalid
from scow.layer import erofs, mountable
from scow.layer.apply import apply
from scow.layer.index import Writer
from scow.layer.mountable import METADATA, TAR, Mountable, content, survived
from scow.layer.rights import MOUNTABLE
from scow.layer.view import Found, View
from scow.oci.digest import DiffId


def written(path: Path, tar: bytes) -> bool:
    """Write the layer to ``path``; whether it is fit."""
    path.mkdir()
    (path / TAR).write_bytes(tar)
    with open(os.devnull, "r+b") as nowhere:
        made = Mountable()
        apply(io.BytesIO(tar), made, Writer(nowhere))
        made.write(path, len(tar))
        assert path.exists() == made.fit
        return made.fit


def view_of(layer: list[Item]) -> View:
    view = View()
    offset, entries = 0, []
    for one in layer:
        offset += 512
        entries.append(msgspec.structs.replace(one.entry, offset=offset))
        offset += len(tars.padded(one.data))
    view.stack(0, entries)
    return view


LAYER = [item("a", data=b"content of a"), item("d", "dir", mode=0o755), item("d/b", data=b"b" * 5000)]


def test_single_files_are_read_without_mounting(tmp_path: Path) -> None:
    path = tmp_path / MOUNTABLE
    assert written(path, tars.write(LAYER))
    view = view_of(LAYER)
    for name, expected in ((b"a", b"content of a"), (b"d/b", b"b" * 5000)):
        found = view.find(name)
        assert found is not None
        with os.fdopen(content(path, found)(), "rb") as file:
            assert file.read(found.entry.size) == expected


def test_a_directory_is_read_the_same_way(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12")
    found = Found(item("x", data=b"12").entry, 0, b"x")
    with os.fdopen(content(tmp_path, found)(), "rb") as file:
        assert file.read() == b"12"


@pytest.mark.parametrize(
    "change",
    [lambda data, at: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], lambda data, at: data[:-512]],
    ids=["byte", "length"],
)
@pytest.mark.parametrize(("name", "at"), [(TAR, 0), (TAR, -1), (METADATA, erofs.METADATA), (METADATA, -400)])
def test_a_changed_byte_is_seen(name: str, at: int, change: Callable[[bytes, int], bytes], tmp_path: Path) -> None:
    path, tar = tmp_path / MOUNTABLE, tars.write(LAYER)
    written(path, tar)
    assert survived(path, DiffId.of(tar))
    data = (path / name).read_bytes()
    (path / name).write_bytes(change(data, at % len(data)))
    assert not survived(path, DiffId.of(tar))


def test_a_tar_that_is_known_to_be_right_is_not_read(tmp_path: Path) -> None:
    """Only as the same file, and the metadata always is."""
    path, tar = tmp_path / MOUNTABLE, tars.write(LAYER)
    written(path, tar)
    blob, other = tmp_path / "blob", tmp_path / "other"
    blob.hardlink_to(path / TAR)
    other.write_bytes(tar)
    (path / TAR).write_bytes(b"changed")
    found = [survived(path, DiffId.of(tar), known) for known in (blob, other, tmp_path / "gone", None)]
    assert found == [True, False, False, False]
    (path / METADATA).write_bytes(b"changed")
    assert not survived(path, DiffId.of(tar), blob)


def test_one_that_is_gone_has_not_survived(tmp_path: Path) -> None:
    assert not survived(tmp_path / MOUNTABLE, DiffId.of(b""))


def test_a_sparse_file_does_not_fit(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(3 << 20)
        file.seek(2 << 20)
        file.write(b"here")
    subprocess.run(["tar", "-C", tmp_path, "--sparse", "-cf", tmp_path / "t.tar", "sparse"], check=True)
    assert not written(tmp_path / "mountable", (tmp_path / "t.tar").read_bytes())


def test_a_root_that_hides_what_lies_below_does_not_fit(tmp_path: Path) -> None:
    assert not written(tmp_path / "mountable", tars.write([item("", "opaque"), item("a", data=b"1")]))


def test_too_many_files_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mountable, "_NODES_LIMIT", 3)
    assert written(tmp_path / "three", tars.write([item(str(number)) for number in range(3)]))
    assert not written(tmp_path / "four", tars.write([item(str(number)) for number in range(4)]))


def test_a_hard_link_to_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be linked"):
        written(tmp_path / "mountable", tars.write([item("d", "dir"), item("l", "hardlink", link=b"d")]))


def test_the_same_layer_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        written(tmp_path / name, tars.write(LAYER))
    assert (tmp_path / "one" / METADATA).read_bytes() == (tmp_path / "two" / METADATA).read_bytes()
