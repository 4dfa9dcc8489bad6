"""The same input gives the same image: in another store, another directory, by another user, at another time."""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
from pathlib import Path

import pytest
from tests.e2e.actors import Actor

pytestmark = [pytest.mark.peers]

DOCKERFILE = """\
FROM base:1 AS build
ARG WORD=hello
WORKDIR /work/deeper
RUN echo $WORD > word && mkdir -p tree/a tree/b && ln word tree/a/hard && ln -s word tree/soft
RUN date > /tmp/now && rm /tmp/now
RUN echo one >> word; chmod 4755 word; rm -f /bin/zcat; touch -d '2030-01-01' tree/b/future
FROM base:1
COPY --from=build /work /work
COPY --chown=1000:1000 files/ /srv/
ADD archive.tar /added/
ENV A=b
RUN mkdir /closed && echo nobody > /closed/file && chmod 0 /closed/file && chmod 0 /closed
RUN find /srv /work /added /etc /home /tmp | sort > /list
CMD ["sh"]
"""
#: FROM scratch with files of fixed content, modes and links: no machine, user, clock or compressor decides a byte of it
GOLDEN_DOCKERFILE = """\
FROM scratch
LABEL org.example.golden=1
WORKDIR /made
COPY --chown=10:20 . /files/
COPY large.txt run.sh /made/
ENV PATH=/made
USER 10:20
CMD ["run.sh"]
"""
REF_NAME = "org.opencontainers.image.ref.name"
GOLDEN_ID = "sha256:39e17365032c8e061e4ac955ce73b23287916972c0be8f1fdec29bbcc6f5d338"
GOLDEN_DIGEST = "sha256:997e24a5d64fc9d7d383428b7a76bc717a34fd2ebb07657d722638fdd34bba5e"


def make_context(actor: Actor, name: str) -> Path:
    """A context whose times are those of the moment."""
    actor.file(f"{name}/Dockerfile", DOCKERFILE)
    actor.file(f"{name}/files/one", "one")
    actor.file(f"{name}/files/script", "#!/bin/sh\n", 0o755)
    actor.file(f"{name}/files/below/two", "two" * 1000)
    actor.file(f"{name}/archive.tar", archive())
    (actor.directory / name / "files/link").symlink_to("below/two")
    actor.own(actor.directory / name)
    return actor.directory / name


def archive() -> bytes:
    """A tar for ADD."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as written:
        member = tarfile.TarInfo("inside")
        member.size, member.mtime, member.uid = 6, 1_600_000_000, 5
        written.addfile(member, io.BytesIO(b"inside"))
    return output.getvalue()


def identity(actor: Actor, name: str) -> tuple[str, str]:
    """The image's id and the digest of its manifest."""
    image_id = actor("inspect", "-f", "{{.Id}}", name).ok().stdout.strip()
    entries = json.loads((actor.store / "index.json").read_text())["manifests"]
    wanted = [one["digest"] for one in entries if one.get("annotations", {}).get(REF_NAME) == name]
    assert len(wanted) == 1
    return image_id, wanted[0]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, busybox_tar: Path) -> Path:
    """``base:1`` as an archive: import notes the time of day, so that it is done once."""
    actor = Actor(tmp_path_factory.mktemp("base"))
    actor("import", "-c", "ENV PATH=/bin", str(busybox_tar), "base:1").ok()
    actor("save", "-o", str(actor.directory / "base.tar"), "base:1").ok()
    return actor.directory / "base.tar"


def build(actor: Actor, base: Path, directory: str) -> tuple[str, str]:
    """Load the base and build."""
    actor("load", "-i", str(actor.copy(base, "base.tar"))).ok()
    actor("build", "--network", "none", "-t", "app:1", str(make_context(actor, directory))).ok()
    return identity(actor, "app:1")


def test_the_same_build_gives_the_same_image(caller: Actor, ordinary: Actor, base: Path) -> None:
    first = build(caller, base, "context")
    time.sleep(1.1)  # another second on the clock
    second = build(caller.on("second"), base, "elsewhere/deeper")
    assert second == first
    assert build(ordinary, base, "context") == first


def test_without_the_cache_the_same_image(caller: Actor, base: Path) -> None:
    first = build(caller, base, "context")
    time.sleep(1.1)
    caller("build", "--network", "none", "--no-cache", "-t", "app:2", str(caller.directory / "context")).ok()
    assert identity(caller, "app:2") == first


def test_a_change_gives_another_image(caller: Actor, base: Path) -> None:
    """The twin of the others: they would pass if nothing mattered."""
    first = build(caller, base, "context")
    (caller.directory / "context/files/one").chmod(0o600)
    caller("build", "--network", "none", "-t", "app:1", str(caller.directory / "context")).ok()
    assert identity(caller, "app:1") != first


def test_import_in_the_same_second_or_another_has_the_same_layer(caller: Actor, busybox_tar: Path) -> None:
    shown = []
    for store in ("one", "two"):
        actor = caller.on(store)
        actor("import", str(busybox_tar), "x:1").ok()
        shown.append(actor("inspect", "-f", "{{.RootFS.Layers}}", "x:1").ok().stdout)
        time.sleep(0.6)
    assert shown[0] == shown[1]


def test_golden(actor: Actor) -> None:
    """A change of these digests is a change of the format of every image: it belongs in the changelog."""
    actor.file("golden/Dockerfile", GOLDEN_DOCKERFILE)
    actor.file("golden/large.txt", "".join(f"{number}\n" for number in range(2_000_000)))
    actor.file("golden/run.sh", "#!/bin/sh\n", 0o755)
    actor.file("golden/empty", "")
    actor.file("golden/sub/ünï", "text")
    (actor.directory / "golden/sub/link").symlink_to("../run.sh")
    os.link(actor.directory / "golden/run.sh", actor.directory / "golden/sub/hard")
    os.mkfifo(actor.directory / "golden/fifo", 0o640)
    (actor.directory / "golden/fifo").chmod(0o640)
    actor.own(actor.directory / "golden")
    for directory in ("golden", "golden/sub"):
        (actor.directory / directory).chmod(0o755)
    actor("build", "--platform", "linux/amd64", "-t", "golden:1", str(actor.directory / "golden")).ok()
    assert identity(actor, "golden:1") == (GOLDEN_ID, GOLDEN_DIGEST)
