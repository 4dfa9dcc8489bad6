"""Dockerfiles built by dockerd (BuildKit) and by scow over the same base: equal files, configs and histories.

Times are not compared: scow's are the base image's (docs/differences.md). Nor is what dockerd puts into a container
before it starts (``/.dockerenv``, ``/etc/hosts`` …), which its export shows.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.actors import Actor
from tests.e2e.dockerfiles import CASES, Case
from tests.support.containers import Tool
from tests.support.daemons import Docker
from tests.support.trees import Record, difference, snapshot_tar, snapshot_tree, umoci_unpack

pytestmark = [pytest.mark.peers, pytest.mark.slow]

FIELDS = (
    "Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Labels", "ExposedPorts", "Volumes", "Healthcheck", "Shell",
    "OnBuild", "StopSignal",
)  # fmt: skip
#: what dockerd makes in a container that was only created
DOCKERS = (b"dev", b"proc", b"sys", b"etc/hosts", b"etc/hostname", b"etc/resolv.conf", b"etc/mtab", b".dockerenv")


def write_context(directory: Path, case: Case) -> None:
    """The files of a case, and its Dockerfile."""
    directory.mkdir()
    (directory / "Dockerfile").write_text(case.dockerfile)
    for name, given in case.files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content, mode = given if isinstance(given, tuple) else (given, 0o644)
        if isinstance(content, str) and content.startswith("-> "):
            path.symlink_to(content.removeprefix("-> "))
            continue
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory, docker: Docker, busybox_tar: Path) -> Actor:
    """A store, and a dockerd, with the same ``base:1``."""
    actor = Actor(tmp_path_factory.mktemp("builder"))
    actor("import", "-c", "ENV PATH=/bin:/sbin", "-c", 'CMD ["sh"]', str(busybox_tar), "base:1").ok()
    docker("load", stdin=actor("save", "base:1").ok().output)
    return actor


def by_scow(actor: Actor, context: Path, name: str, *options: str) -> None:
    """Build with scow."""
    actor("build", "-q", "-t", name, *options, str(context)).ok()


def by_docker(docker: Docker, context: Path, name: str, *options: str) -> None:
    """Build with BuildKit; no network, as dockerd has no bridge here."""
    docker("build", "-q", "--network", "none", "-t", name, *options, str(context))


def files_by_scow(actor: Actor, skopeo: Tool, name: str, directory: Path) -> dict[bytes, Record]:
    """What the image's layers hold: read in place by skopeo, unpacked by umoci."""
    skopeo("copy", f"oci:{actor.store}:{name}", f"oci:{directory}/layout:it")
    return without_dockers(snapshot_tree(umoci_unpack(directory / "layout", "it", directory / "bundle")))


def files_by_docker(docker: Docker, name: str, directory: Path) -> dict[bytes, Record]:
    """What the image holds, from a container that was never started."""
    container = docker("create", name, "nothing").strip()
    path = directory / "docker.tar"
    docker("export", "-o", str(path), container)
    docker("rm", "-v", container)
    return without_dockers(snapshot_tar(path))


def without_dockers(tree: Mapping[bytes, Record]) -> dict[bytes, Record]:
    """The tree without what dockerd makes; ``etc`` it makes for that, where an image has none."""
    bare = b"etc/passwd" not in tree
    tops = (*DOCKERS, b".", *((b"etc",) if bare else ()))
    return {
        path: record
        for path, record in tree.items()
        if not any(path == top or path.startswith(top + b"/") for top in tops)
    }


def config_by_docker(docker: Docker, name: str, directory: Path) -> dict[str, Any]:
    """The image's config document, from ``docker save``."""
    path = directory / "saved.tar"
    docker("save", "-o", str(path), name)
    with tarfile.open(path) as archive:

        def read(member: str) -> Any:
            stream = archive.extractfile(member)
            assert stream is not None
            return json.load(stream)

        document: dict[str, Any] = read(read("manifest.json")[0]["Config"])
    return document


def config_by_scow(actor: Actor, skopeo: Tool, name: str) -> dict[str, Any]:
    """The image's config document, read in place by skopeo."""
    document: dict[str, Any] = json.loads(skopeo("inspect", "--config", "--raw", f"oci:{actor.store}:{name}"))
    return document


def process_of(config: dict[str, Any], apart: tuple[str, ...]) -> dict[str, Any]:
    """The fields that a container gets to know; empty and missing are the same."""
    process = config.get("config") or {}
    return {name: process[name] for name in FIELDS if process.get(name) and name not in apart}


def pattern_of(config: dict[str, Any]) -> list[tuple[str, bool]]:
    """Of each step of history: the instruction, and whether it brought no layer."""
    steps = [(step.get("created_by", ""), bool(step.get("empty_layer"))) for step in config["history"]]
    return [(text.replace("/bin/sh -c #(nop) ", "").split(" ")[0], empty) for text, empty in steps]


@pytest.mark.parametrize("name", CASES)
def test_builds_like_docker(builder: Actor, docker: Docker, skopeo: Tool, name: str, tmp_path: Path) -> None:
    case = CASES[name]
    if case.before:
        write_context(tmp_path / "before", Case(case.before))
        by_docker(docker, tmp_path / "before", "before:1")
        by_scow(builder, tmp_path / "before", "before:1")
    write_context(tmp_path / "context", case)
    by_docker(docker, tmp_path / "context", f"{name}:1", *case.options)
    by_scow(builder, tmp_path / "context", f"{name}:1", *case.options)

    theirs, ours = config_by_docker(docker, f"{name}:1", tmp_path), config_by_scow(builder, skopeo, f"{name}:1")
    lines = difference(
        files_by_scow(builder, skopeo, f"{name}:1", tmp_path), files_by_docker(docker, f"{name}:1", tmp_path),
        ignore=["mtime_ns", "xattrs"],
    )  # fmt: skip
    assert not lines, "\n".join(lines[:50])
    assert process_of(ours, case.apart) == process_of(theirs, case.apart)
    assert ours.get("author") == theirs.get("author")
    assert pattern_of(ours) == pattern_of(theirs)
    assert sum(not empty for _, empty in pattern_of(ours)) == len(ours["rootfs"]["diff_ids"])


def test_unchanged_builds_hit_the_cache(builder: Actor, tmp_path: Path) -> None:
    """What the twins above cannot show: the second build is the cache's, and a touched file does not miss it."""
    write_context(tmp_path / "context", CASES["copy"])
    by_scow(builder, tmp_path / "context", "cached:1")
    os.utime(tmp_path / "context/one.txt")
    again = builder("build", "-t", "cached:2", str(tmp_path / "context")).ok()
    ids = [builder("inspect", "-f", "{{.Id}}", f"cached:{tag}").ok().stdout for tag in (1, 2)]
    assert ids[0] == ids[1]
    steps = [line for line in CASES["copy"].dockerfile.splitlines() if line.startswith(("COPY", "WORKDIR"))]
    assert (again.stdout + again.stderr).count("CACHED") == len(steps)
