"""Builds for other platforms, and for several at once."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.build.conftest import Kitchen
from tests.support.peers import path_of
from tests.support.rootfs import busybox_tar_path

from scow import Engine
from scow.errors import NotFound, Unsupported
from scow.image.image import Image, load
from scow.oci.manifest import Index, parse
from scow.oci.platform import Platform
from scow.runtime.kernel.emulation import missing
from scow.testing.registry import Registry

AMD, ARM = Platform("amd64", "linux"), Platform("arm64", "linux")
#: a registration as the kernel shows it (qemu-user-static's)
QEMU = """enabled
interpreter /usr/bin/qemu-aarch64-static
flags: {flags}
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
"""

CROSS = """FROM --platform=$BUILDPLATFORM busybox AS make
ARG TARGETPLATFORM TARGETARCH
RUN echo "$TARGETPLATFORM" > /for; uname -m > /on; echo "$TARGETARCH"
FROM scratch
COPY --from=make /for /on /
ENV WHERE=here
"""


#: what a riscv64 program does: write(1, what follows it, 8), exit(0)
RISCV64_CODE = (
    0x00100513, 0x00000597, 0x02058593, 0x00800613, 0x04000893, 0x00000073, 0x00000513, 0x05D00893, 0x00000073
)  # fmt: skip


def riscv64_program() -> bytes:
    """An ELF file of one segment that writes ``emulated``."""
    base, headers = 0x10000, 64 + 56
    code = b"".join(word.to_bytes(4, "little") for word in RISCV64_CODE) + b"emulated"
    size = headers + len(code)
    ident = b"\x7fELF\2\1\1".ljust(16, b"\0")
    elf = ident + struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, base + headers, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return elf + struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 4096) + code


@pytest.fixture
def riscv64() -> Iterator[None]:
    """riscv64 programs run here, by qemu registered with the kernel for the length of the test."""
    if os.geteuid() != 0 or "binfmt_misc" not in Path("/proc/filesystems").read_text():
        pytest.skip("only root of a machine with binfmt_misc registers an emulator")
    qemu, place = path_of("qemu-riscv64-static"), Path("/proc/sys/fs/binfmt_misc")
    is_mounted = (place / "register").exists()
    if not is_mounted:
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(place)], check=True)
    header = "".join(f"\\x{byte:02x}" for byte in riscv64_program()[:20])
    name = f"scow-test-{os.getpid()}"
    (place / "register").write_text(f":{name}:M::{header}::{qemu}:F\n")
    try:
        yield
    finally:
        (place / name).write_text("-1")
        if not is_mounted:
            subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(autouse=True)
def amd_only(engine: Engine) -> None:
    if engine.workplace.platform.architecture != "amd64":
        pytest.skip("these expect to run on amd64")


def of(kitchen: Kitchen, name: str, platform: Platform) -> Image:
    return load(kitchen.engine.workplace.store.layout, kitchen.engine.workplace.store.layout.resolve(name), platform)


def content(kitchen: Kitchen, image: Image, path: str) -> str:
    out = io.BytesIO()
    from scow.engine.images.exporting import export_tar

    export_tar(kitchen.engine.workplace.store, {"": image}, out)
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        found = tar.extractfile(path)
        assert found is not None
        return found.read().decode()


def test_for_another_platform(kitchen: Kitchen) -> None:
    image = kitchen.build(CROSS, platform="linux/arm64")
    assert str(image.config.platform) == "linux/arm64"
    assert content(kitchen, image, "for") == "linux/arm64\n"
    assert content(kitchen, image, "on") == content(kitchen, kitchen.build(CROSS), "on")
    variant = kitchen.build("FROM scratch\nENV A=1", platform="linux/arm/v6")
    assert json.loads(variant.raw_config)["variant"] == "v6"


def test_a_base_image_for_another_platform_is_told(kitchen: Kitchen, tmp_path: Path) -> None:
    with Registry() as registry:
        name = f"{registry.host}/only-amd64:1"
        kitchen.build("FROM scratch\nENV A=1", tags=[name])
        kitchen.engine.images.push(name)
        told: list[str] = []
        for source in (name, f"--platform=linux/amd64 {name}"):
            dockerfile = f"FROM {source}\nENV B=1".encode()
            kitchen.engine.images.build(tmp_path, dockerfile=dockerfile, platform="linux/arm64", warn=told.append)
    assert told == [
        f'Base image {name} was pulled with platform "linux/amd64", expected "linux/arm64" for current build'
        " (Dockerfile:1)"
    ]


def test_for_two_at_once(kitchen: Kitchen) -> None:
    kitchen.build(CROSS, platform="linux/amd64,linux/arm64,linux/amd64", tags=["two:1"], index_annotations={"a": "b"})
    layout = kitchen.engine.workplace.store.layout
    index = parse(layout.read(layout.resolve("two:1")))
    assert isinstance(index, Index)
    assert [str(entry.platform) for entry in index.manifests] == ["linux/amd64", "linux/arm64"]
    assert index.annotations == {"a": "b"}
    assert [content(kitchen, of(kitchen, "two:1", one), "for") for one in (AMD, ARM)] == [
        "linux/amd64\n",
        "linux/arm64\n",
    ]
    again = kitchen.build(CROSS, platform="linux/amd64,linux/arm64", tags=["two:2"], index_annotations={"a": "b"})
    assert kitchen.ran == []
    assert layout.resolve("two:2").digest == layout.resolve("two:1").digest
    assert kitchen.engine.images.find("two:2").image.id == again.id
    assert kitchen.engine.images.inspect("two:1")["Architecture"] == "amd64"
    assert kitchen.engine.images.inspect("two:1", "linux/arm64")["Architecture"] == "arm64"
    with pytest.raises(NotFound):
        kitchen.engine.images.inspect("two:1", "linux/s390x")
    kitchen.build("FROM scratch\nENV A=1", platform="linux/arm64,linux/s390x", tags=["foreign:1"])
    assert kitchen.engine.images.inspect("foreign:1")["Architecture"] == "arm64"
    names = [name for one in kitchen.engine.images.list() for name in one.names]
    assert {"two:1", "two:2", "foreign:1"} <= set(names)


def test_all_of_an_index_is_pushed_and_saved(kitchen: Kitchen, tmp_path: Path) -> None:
    with Registry() as registry:
        name = f"{registry.host}/team/both:1"
        kitchen.build(CROSS, platform="linux/amd64,linux/arm64", tags=[name])
        kitchen.engine.images.push(name)
        other = Engine(tmp_path / "other")
        for platform in ("linux/amd64", "linux/arm64"):
            other.images.pull(name, platform=platform)
            assert other.images.inspect(name)["Architecture"] == platform.partition("/")[2]
    raw = io.BytesIO()
    kitchen.engine.images.save([name], raw)
    for platform in ("linux/amd64", "linux/arm64"):
        raw.seek(0)
        third = Engine(tmp_path / platform.replace("/", "-"))
        third.images.load(raw, platform=platform)
        assert third.images.inspect(name)["Architecture"] == platform.partition("/")[2]
    raw.seek(0)
    with tarfile.open(fileobj=raw) as tar:
        file = tar.extractfile("manifest.json")
        assert file is not None
        (docker,) = json.load(file)
    assert docker["Config"].endswith(kitchen.engine.images.inspect(name)["Id"].partition(":")[2])
    one = io.BytesIO()
    kitchen.engine.images.save([name], one, platform="linux/arm64")
    one.seek(0)
    fourth = Engine(tmp_path / "fourth")
    fourth.images.load(one, platform="linux/arm64")
    assert fourth.images.inspect(name)["Architecture"] == "arm64"


def test_a_foreign_base_keeps_its_hands_off_names(kitchen: Kitchen, tmp_path: Path) -> None:
    with Registry() as registry:
        name = f"{registry.host}/team/base:1"
        maker = Kitchen(Engine(tmp_path / "maker"), kitchen.context)
        with busybox_tar_path().open("rb") as tar:
            maker.engine.images.import_(tar, "base", platform="linux/arm64")
        maker.build("FROM base", platform="linux/arm64", tags=["arm:1"])
        with busybox_tar_path().open("rb") as tar:
            maker.engine.images.import_(tar, "base")
        text = "FROM base\nCOPY <<f /f\nx\nf\n"
        maker.build("FROM scratch\nCOPY <<f /f\nx\nf\n", platform="linux/amd64,linux/arm64", tags=[name])
        maker.engine.images.push(name)
        kitchen.engine.images.pull(name)
        before = kitchen.engine.images.find(name).image.id
        kitchen.file("g", "1")
        image = kitchen.build(text.replace("base", name) + "COPY g /g\n", platform="linux/arm64")
        assert str(image.config.platform) == "linux/arm64"
        assert kitchen.engine.images.find(name).image.id == before
        both = f"FROM --platform=$BUILDPLATFORM {name} AS own\nFROM {name}\nCOPY --from=own /f /g\n"
        image = kitchen.build(both, platform="linux/arm64")
        assert (str(image.config.platform), len(image.layers)) == ("linux/arm64", 2)


def test_a_run_that_this_machine_cannot_do(kitchen: Kitchen) -> None:
    if missing(Platform("s390x", "linux"), AMD) is None:
        pytest.skip("this machine runs s390x")
    with pytest.raises(Unsupported, match="RUN needs linux/s390x, which this machine cannot run") as caught:
        kitchen.build("FROM scratch\nRUN x", platform="linux/s390x")
    assert "qemu" in caught.value.hint
    assert kitchen.build("FROM scratch\nCOPY <<f /f\nx\nf\n", platform="linux/s390x")


def test_an_image_is_for_what_was_asked(kitchen: Kitchen) -> None:
    """Whatever it stands on; scratch is for what is built for, too."""
    own = "FROM --platform=$BUILDPLATFORM busybox\n"
    assert str(kitchen.build(own, platform="linux/arm64").config.platform) == "linux/arm64"
    assert str(kitchen.build(own, platform="linux/arm/v6").config.platform) == "linux/arm/v6"
    assert kitchen.build(own, platform="linux/amd64").config == kitchen.build(own).config
    scratch = "FROM --platform=linux/s390x scratch\nENV A=1\n"
    assert kitchen.build(scratch).config.platform == kitchen.engine.workplace.platform
    assert str(kitchen.build(scratch, platform="linux/arm64").config.platform) == "linux/arm64"


def test_what_binfmt_misc_says(tmp_path: Path) -> None:
    assert missing(AMD, AMD, tmp_path) is None
    assert missing(Platform("386", "linux"), AMD, tmp_path) is None
    assert missing(Platform("amd64", "windows"), AMD, tmp_path) == "this machine runs linux"
    assert missing(Platform("wasm", "linux"), AMD, tmp_path) == "no emulator is known for it"
    assert "no emulator is registered" in (missing(ARM, AMD, tmp_path) or "")
    assert "no emulator is registered" in (missing(ARM, AMD, tmp_path / "none") or "")
    for name in ("register", "status"):
        (tmp_path / name).write_text("enabled\n")
    (tmp_path / "qemu-aarch64").write_text(QEMU.format(flags="OC"))
    assert "without the flag F" in (missing(ARM, AMD, tmp_path) or "")
    (tmp_path / "qemu-aarch64").write_text(QEMU.format(flags="OCF"))
    assert missing(ARM, AMD, tmp_path) is None
    assert missing(Platform("riscv64", "linux"), AMD, tmp_path) is not None
    (tmp_path / "qemu-aarch64").write_text(QEMU.format(flags="OCF").replace("enabled", "disabled"))
    assert missing(ARM, AMD, tmp_path) is not None


@pytest.mark.peers
@pytest.mark.usefixtures("riscv64")
def test_a_foreign_program_runs_by_its_emulator(kitchen: Kitchen) -> None:
    kitchen.file("hello", riscv64_program(), 0o755)
    text = 'FROM --platform=linux/riscv64 scratch\nCOPY hello /\nRUN ["/hello"]\nUSER 5:5\nRUN ["/hello"]\n'
    image = kitchen.build(text, platform="linux/riscv64")
    assert kitchen.output == "emulatedemulated"
    assert str(image.config.platform) == "linux/riscv64"
