"""Dockerfiles and images that reach for the machine's own files while they are built on: nothing of it is seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.cli import Scow, bound_scow
from tests.support.peers import need_root

from scow.runtime.kernel.beneath import read_beneath

pytestmark = [pytest.mark.peers]

#: name -> what follows FROM evil:1, whose /out leads to $OUT, a directory outside; each looks for the canary in it
REACHES = {
    # CVE-2024-1753
    "bind of a link in an image": "RUN --mount=type=bind,from=evil:1,source=/out,target=/t,rw find /t; touch /t/x",
    "bind of a link in a stage": "FROM evil:1 AS s\nFROM evil:1\nRUN --mount=from=s,source=/out,target=/t find /t",
    "bind of a link in the context": "RUN --mount=type=bind,source=link,target=/t find /t",
    "bind of what lies above": "RUN --mount=type=bind,source=../outside,target=/t find /t",
    # CVE-2024-11218, CVE-2024-23651: what is mounted is not what is being changed
    "bind on a link": "RUN --mount=type=bind,target=/out,rw touch /out/made",
    "tmpfs on a link": "RUN --mount=type=tmpfs,target=/out touch /out/made",
    # CVE-2024-9675
    "id of a cache": "RUN --mount=type=cache,id=../../../../$OUT,target=/t find /t; touch /t/made",
    "source of a cache": "RUN --mount=type=cache,from=evil:1,source=/out,target=/t find /t; touch /t/made",
    # CVE-2024-9407
    "propagation": "RUN --mount=type=bind,bind-propagation=shared,target=/t find /t",
    # CVE-2024-23652: empty mount points are taken away, through a link that was put in their place
    "mount point taken away": "RUN --mount=type=tmpfs,target=/w/empty mv /w /gone; ln -s $OUT /w",
    "copy through a link": "COPY f /out/made",
    "copy of a link": "COPY --from=evil:1 /out/ /t/\nRUN find /t",
    "working directory": "WORKDIR /out/made\nRUN touch here; find /out",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, and what lies beside it."""
    return tmp_path_factory.mktemp("building")


@pytest.fixture(scope="module")
def scow(place: Path, busybox_tar: Path) -> Scow:
    need_root()
    made = bound_scow(place / "store", place)
    made("import", str(busybox_tar), "busybox:1").ok()
    (place / "outside/empty").mkdir(parents=True)
    (place / "outside/canary").touch()
    (place / "evil").mkdir()
    (place / "evil/Dockerfile").write_text(f"FROM busybox:1\nRUN ln -s {place}/outside /out\n")
    made("build", "-t", "evil:1", str(place / "evil")).ok()
    return made


@pytest.mark.parametrize("text", REACHES.values(), ids=REACHES.keys())
def test_nothing_outside_is_reached(scow: Scow, place: Path, tmp_path: Path, text: str) -> None:
    outside = place / "outside"
    context = tmp_path / "context"
    context.mkdir()
    (context / "link").symlink_to(outside)
    (context / "f").touch()
    (tmp_path / "outside").symlink_to(outside)
    (context / "Dockerfile").write_text(f"FROM evil:1\n{text}\n".replace("$OUT", str(outside)))
    done = scow("build", "--progress", "plain", "--no-cache", str(context))
    assert "canary" not in done.stdout + done.stderr
    assert sorted(os.listdir(outside)) == ["canary", "empty"]


def test_a_list_of_users_is_a_file_of_the_image(tmp_path: Path) -> None:
    """CVE-2024-9676: what is looked up in /etc/passwd waits for nobody, has an end, and lies inside."""
    root = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "out").symlink_to("../../../../../../etc/passwd")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "dir").mkdir()
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 40)
    try:
        assert [read_beneath(root, name) for name in ("/fifo", "/out", "/zero", "/dir", "/none")] == [b""] * 5
        assert len(read_beneath(root, "/large")) <= 4 << 20
    finally:
        os.close(root)
