"""Every target keeps to the same word."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from scow.content.archive import DockerArchive, OciArchive, open_archive, write
from scow.content.copy import copy
from scow.content.layout import Layout
from scow.content.tar import Tar
from scow.image.store import Store
from scow.oci import media_types
from scow.oci.reference import Reference
from scow.testing import contract
from scow.testing.contract import Check, Memory


@pytest.mark.parametrize("check", contract.TARGET, ids=lambda check: check.__name__)
def test_layout(check: Check, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    layout.create()
    check(layout)


@pytest.mark.parametrize("check", contract.TARGET, ids=lambda check: check.__name__)
def test_layout_that_nobody_made_yet(check: Check, tmp_path: Path) -> None:
    check(Layout(tmp_path / "not" / "yet"))


class Both:
    """The unpacking store as a source too: it reads as its layout does."""

    def __init__(self, store: Store) -> None:
        self.exists, self.push, self.tag = store.unpacking.exists, store.unpacking.push, store.unpacking.tag
        self.open, self.resolve = store.layout.open, store.layout.resolve


@pytest.mark.parametrize("check", contract.TARGET, ids=lambda check: check.__name__)
def test_unpacking(check: Check, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.layout.create()
    check(Both(store))


def an_image(name: str) -> Memory:
    memory = Memory()
    layers = [memory.add(bytes([number]) * 3000, media_types.OCI_LAYER) for number in range(2)]
    diffs = ",".join(f'"{layer.digest}"' for layer in layers)
    config = f'{{"os":"linux","architecture":"amd64","rootfs":{{"type":"layers","diff_ids":[{diffs}]}}}}'
    memory.names[name] = memory.image(layers, config.encode())
    return memory


def saved(memory: Memory, name: str, directory: Path) -> Path:
    layout = Layout(directory / "layout")
    image = memory.names[name]
    copy(memory, layout, image)
    with (directory / "image.tar").open("wb") as file:
        write(layout, [(image, (Reference.parse(name),))], file)
    return directory / "image.tar"


def without(path: Path, *names: str) -> Path:
    """The archive without some of its members: what other tools leave out."""
    made = path.with_name("less.tar")
    with tarfile.open(path) as old, tarfile.open(made, "w") as new:
        for member in old:
            if member.name not in names:
                new.addfile(member, old.extractfile(member))
    return made


def test_oci_archive(tmp_path: Path) -> None:
    memory = an_image("me/app:1")
    with closing(Tar(saved(memory, "me/app:1", tmp_path))) as tar:
        archive = open_archive(tar)
        assert isinstance(archive, OciArchive)
        assert archive.names() == [("me/app:1", memory.names["me/app:1"])]
        contract.source_holds(archive, "me/app:1", memory)


def test_docker_archive(tmp_path: Path) -> None:
    memory = an_image("me/app:1")
    with closing(Tar(without(saved(memory, "me/app:1", tmp_path), "index.json", "oci-layout"))) as tar:
        archive = open_archive(tar)
        assert isinstance(archive, DockerArchive)
        contract.source_holds(archive, "me/app:1", memory)


def test_the_same_images_give_the_same_archive(tmp_path: Path) -> None:
    made = []
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        made.append(saved(an_image("a:1"), "a:1", tmp_path / str(number)).read_bytes())
    assert made[0] == made[1]


def test_the_suite_finds_a_target_that_breaks_its_word(tmp_path: Path) -> None:
    class Careless(Layout):
        """Takes whatever comes."""

        def push(self, descriptor: object, source: object, watch: object = None) -> None:
            with source.open(descriptor) as reader:  # type: ignore[attr-defined]
                data = b"".join(iter(lambda: reader.read(1 << 16), b""))
            path = self.path(descriptor.digest)  # type: ignore[attr-defined]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    broken: list[Callable[..., None]] = []
    for number, check in enumerate(contract.TARGET):
        layout = Careless(tmp_path / str(number))
        layout.create()
        try:
            check(layout)
        except AssertionError:
            broken.append(check)
    assert contract.wrong_bytes_leave_nothing in broken


def test_a_tar_of_something_else_is_no_archive(tmp_path: Path) -> None:
    from scow.errors import Invalid

    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("etc/passwd"), io.BytesIO())
    with closing(Tar(tmp_path / "x.tar")) as other, pytest.raises(Invalid):
        open_archive(other)
