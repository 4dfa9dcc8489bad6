"""What scow writes, skopeo, podman and docker read; what they write, scow reads. Nothing of an image gets lost."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.actors import Actor
from tests.support.containers import Tool
from tests.support.daemons import Docker
from tests.support.registries import Registry
from tests.support.trees import difference, snapshot_tree, umoci_unpack

pytestmark = [pytest.mark.peers, pytest.mark.slow]

#: every field of an image's config that a container gets to know
DOCKERFILE = """\
FROM base:1
ENV GREETING="hello world" EMPTY=
LABEL org.example.one="1" org.example.two="a \\"quoted\\" word"
RUN mkdir -p /srv/data && echo made > /srv/data/file && chown -R 1000:1000 /srv/data && rm /bin/zcat
COPY --chown=1000:1000 hello.sh /usr/bin/hello
EXPOSE 8080 53/udp
VOLUME /srv/data
WORKDIR /home/app
USER app:extra
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --timeout=5s --start-period=2s --retries=4 CMD test -f /srv/data/file
ENTRYPOINT ["/usr/bin/hello"]
CMD ["one", "two words"]
"""
HELLO = '#!/bin/sh\necho "$GREETING: $# arguments: $1, $2; user $(id -u):$(id -g) in $(pwd); $(cat /srv/data/file)"\n'
OUTPUT = "hello world: 2 arguments: one, two words; user 1000:2000 in /home/app; made\n"
CONFIG = {
    "Entrypoint": ["/usr/bin/hello"],
    "Cmd": ["one", "two words"],
    "User": "app:extra",
    "WorkingDir": "/home/app",
    "StopSignal": "SIGINT",
    "Labels": {"org.example.one": "1", "org.example.two": 'a "quoted" word'},
    "ExposedPorts": {"8080/tcp": {}, "53/udp": {}},
    "Volumes": {"/srv/data": {}},
    "Healthcheck": {
        "Test": ["CMD-SHELL", "test -f /srv/data/file"],
        "Interval": 30_000_000_000,
        "Timeout": 5_000_000_000,
        "StartPeriod": 2_000_000_000,
        "Retries": 4,
    },
}
ENV = {"GREETING=hello world", "EMPTY="}


def check_config(config: dict[str, Any], *, without: str = "") -> None:
    """The image config as written; buildah adds a label of its own. A tool may not know the field ``without``."""
    config = {**config, "Labels": {key: value for key, value in config["Labels"].items() if "buildah" not in key}}
    expected = {name: value for name, value in CONFIG.items() if name != without}
    assert {name: config.get(name) for name in expected} == expected
    assert set(config["Env"]) >= ENV


def make_context(actor: Actor) -> Path:
    """The context of DOCKERFILE."""
    actor.file("context/Dockerfile", DOCKERFILE)
    actor.file("context/hello.sh", HELLO, 0o755)
    return actor.directory / "context"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, busybox_tar: Path) -> Actor:
    """A store with ``app:1``, built by scow; tests read it only."""
    actor = Actor(tmp_path_factory.mktemp("built"))
    actor("import", "-c", "ENV PATH=/bin:/sbin:/usr/bin", str(busybox_tar), "base:1").ok()
    actor("build", "-t", "app:1", str(make_context(actor))).ok()
    return actor


@pytest.fixture(scope="module")
def pushed(built: Actor, open_registry: Registry) -> str:
    """The name of ``app:1`` at the open registry, where scow pushed it."""
    name = f"{open_registry.host}/scow/app:1"
    built("tag", "app:1", name).ok()
    built("push", name).ok()
    return name


@pytest.fixture(scope="module")
def saved(built: Actor) -> Path:
    """``app:1`` saved by scow, with a second name."""
    path = built.directory / "app.tar"
    built("tag", "app:1", "localhost/other/app:1").ok()
    built("save", "-o", str(path), "app:1", "localhost/other/app:1").ok()
    return path


@pytest.fixture(scope="module")
def docker_built(docker: Docker, built: Actor, busybox_tar: Path) -> str:
    """The same Dockerfile built by docker."""
    docker("import", "-c", "ENV PATH=/bin:/sbin:/usr/bin", str(busybox_tar), "base:1")
    docker("build", "--network", "none", "-t", "bydocker:1", str(built.directory / "context"))
    return "bydocker:1"


@pytest.fixture(scope="module")
def podman_built(podman: Tool, buildah: Tool, built: Actor, busybox_tar: Path) -> str:
    """The same Dockerfile built by buildah, in podman's storage. Docker's format: OCI has no HEALTHCHECK."""
    podman("import", "-c", "ENV PATH=/bin:/sbin:/usr/bin", str(busybox_tar), "base:1")
    context = str(built.directory / "context")
    buildah(
        "bud", "--format", "docker", "--isolation", "chroot", "--ulimit", "nproc=4096:4096",
        "-t", "localhost/bypodman:1", context,
    )  # fmt: skip
    return "localhost/bypodman:1"


def id_of(actor: Actor, name: str) -> str:
    """The image's id."""
    return actor("inspect", "-f", "{{.Id}}", name).ok().stdout.strip()


def check_image(actor: Actor, name: str) -> None:
    """scow has the image whole: its config is right and its program runs."""
    check_config(json.loads(actor("inspect", "-f", "{{json .Config}}", name).ok().stdout))
    assert actor("run", "--rm", name).ok().stdout == OUTPUT


# -- what scow writes --------------------------------------------------------------------------------------------------


def test_what_scow_built_is_what_was_written(built: Actor) -> None:
    check_image(built, "app:1")


def test_skopeo_describes_what_was_pushed(pushed: str, skopeo: Tool, built: Actor) -> None:
    remote = f"docker://{pushed}"
    told = json.loads(skopeo("inspect", "--tls-verify=false", remote))
    layers = json.loads(built("inspect", "-f", "{{json .RootFS.Layers}}", "app:1").ok().stdout)
    assert told["Labels"] == CONFIG["Labels"]
    assert len(told["Layers"]) == len(layers)
    assert told["RepoTags"] == ["1"]
    config = json.loads(skopeo("inspect", "--tls-verify=false", "--config", "--raw", remote))
    assert config["rootfs"]["diff_ids"] == layers
    check_config(config["config"])


def test_skopeo_reads_the_store_in_place(built: Actor, skopeo: Tool) -> None:
    config = json.loads(skopeo("inspect", "--config", "--raw", f"oci:{built.store}:app:1"))
    check_config(config["config"])
    told = json.loads(skopeo("inspect", f"oci:{built.store}:app:1"))
    digests = built("inspect", "-f", "{{json .RepoDigests}}", "app:1").ok().stdout
    assert told["Digest"].partition(":")[0] == "sha256"
    assert not json.loads(digests) or told["Digest"] in digests


def test_podman_pulls_and_runs(pushed: str, podman: Tool) -> None:
    podman("pull", "--tls-verify=false", pushed)
    assert podman("run", "--rm", "--network", "host", pushed) == OUTPUT
    config = json.loads(podman("inspect", "--type", "image", "--format", "{{json .Config}}", pushed))
    check_config(config, without="Healthcheck")  # podman reads that of docker's manifests only


def test_docker_pulls_and_runs(pushed: str, docker: Docker, built: Actor) -> None:
    docker("pull", pushed)
    assert docker("run", "--rm", "--network", "host", pushed) == OUTPUT
    check_config(json.loads(docker("inspect", "-f", "{{json .Config}}", pushed)))
    assert docker("inspect", "-f", "{{.Id}}", pushed).strip() == id_of(built, "app:1")


def test_docker_loads_what_was_saved(saved: Path, docker: Docker, built: Actor) -> None:
    told = docker("load", "-i", str(saved))
    assert "Loaded image: app:1\n" in told
    assert "Loaded image: localhost/other/app:1\n" in told
    assert docker("run", "--rm", "--network", "host", "app:1") == OUTPUT
    check_config(json.loads(docker("inspect", "-f", "{{json .Config}}", "app:1")))
    assert docker("inspect", "-f", "{{.Id}}", "app:1").strip() == id_of(built, "app:1")


def test_podman_loads_what_was_saved(saved: Path, podman: Tool, built: Actor) -> None:
    podman("load", "-i", str(saved))
    assert podman("run", "--rm", "--network", "host", "localhost/other/app:1") == OUTPUT
    assert f"sha256:{podman('inspect', '--type', 'image', '-f', '{{.Id}}', 'app:1').strip()}" == id_of(built, "app:1")


@pytest.mark.parametrize("transport", ["docker-archive", "oci-archive"])
def test_skopeo_copies_what_was_saved(built: Actor, skopeo: Tool, transport: str, tmp_path: Path) -> None:
    one = tmp_path / "one.tar"
    built("save", "-o", str(one), "app:1").ok()
    skopeo("copy", f"{transport}:{one}", f"oci:{tmp_path}/copy:it")
    left = snapshot_tree(umoci_unpack(tmp_path / "copy", "it", tmp_path / "unpacked"))
    skopeo("copy", f"oci:{built.store}:app:1", f"oci:{tmp_path}/direct:it")
    right = snapshot_tree(umoci_unpack(tmp_path / "direct", "it", tmp_path / "other"))
    assert difference(left, right) == []
    assert len(left) > 250


def test_an_ordinary_user_writes_the_same_image(ordinary: Actor, built: Actor, saved: Path, docker: Docker) -> None:
    """The store of a user who cannot chown still has, and gives away, the right owners."""
    copied = ordinary.copy(saved, "app.tar")
    ordinary("load", "-i", str(copied)).ok()
    assert id_of(ordinary, "app:1") == id_of(built, "app:1")
    again = ordinary("save", "app:1").ok().output
    docker("load", stdin=again)
    owner = docker("run", "--rm", "--network", "host", "--entrypoint", "stat", "app:1", "-c", "%u:%g", "/srv/data/file")
    assert owner == "1000:1000\n"


# -- what the others write ---------------------------------------------------------------------------------------------


def test_scow_pulls_what_docker_pushed(
    docker_built: str, docker: Docker, caller: Actor, open_registry: Registry
) -> None:
    name = f"{open_registry.host}/docker/app:1"
    docker("tag", docker_built, name)
    docker("push", name)
    caller("pull", name).ok()
    check_image(caller, name)
    assert id_of(caller, name) == docker("inspect", "-f", "{{.Id}}", name).strip()


def test_scow_pulls_what_podman_pushed(podman_built: str, podman: Tool, caller: Actor, open_registry: Registry) -> None:
    name = f"{open_registry.host}/podman/app:1"
    podman("push", "--tls-verify=false", podman_built, name)
    caller("pull", name).ok()
    check_image(caller, name)


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_scow_pulls_what_skopeo_pushed_as_oci(
    pushed: str, skopeo: Tool, caller: Actor, open_registry: Registry, compression: str
) -> None:
    name = f"{open_registry.host}/skopeo/app:{compression}"
    skopeo(
        "copy", "--format", "oci", "--dest-compress-format", compression, "--src-tls-verify=false",
        "--dest-tls-verify=false", f"docker://{pushed}", f"docker://{name}",
    )  # fmt: skip
    caller("pull", name).ok()
    check_image(caller, name)


@pytest.mark.parametrize("packed", ["plain", "gzip", "pipe"])
def test_scow_loads_what_docker_saved(docker_built: str, docker: Docker, caller: Actor, packed: str) -> None:
    archive = caller.directory / "saved.tar"
    docker("save", "-o", str(archive), docker_built)
    content = archive.read_bytes()
    if packed == "gzip":
        archive.write_bytes(gzip.compress(content, 1))
    given = ("load",) if packed == "pipe" else ("load", "-i", str(archive))
    told = caller(*given, stdin=content if packed == "pipe" else None).ok()
    assert told.stdout == f"Loaded image: {docker_built}\n"
    check_image(caller, docker_built)
    assert id_of(caller, docker_built) == docker("inspect", "-f", "{{.Id}}", docker_built).strip()


@pytest.mark.parametrize("compressor", ["gzip", "xz", "zstd", "bzip2"])
@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_scow_loads_what_podman_saved(
    podman_built: str, podman: Tool, actor: Actor, form: str, compressor: str
) -> None:
    archive = podman.directory / f"saved-{form}.tar"
    archive.unlink(missing_ok=True)
    podman("save", "--format", form, "-o", str(archive), podman_built)
    done = subprocess.run([compressor, "-c", str(archive)], capture_output=True, check=True)
    told = actor("load", stdin=done.stdout).ok()
    assert told.stdout == f"Loaded image: {podman_built}\n"
    assert actor("run", "--rm", podman_built).ok().stdout == OUTPUT
    config = json.loads(actor("inspect", "-f", "{{json .Config}}", podman_built).ok().stdout)
    check_config(config, without="Healthcheck" if form == "oci-archive" else "")


def test_scow_loads_several_images_of_one_archive(docker_built: str, docker: Docker, caller: Actor) -> None:
    archive = caller.directory / "two.tar"
    docker("tag", docker_built, "second:tag")
    docker("save", "-o", str(archive), docker_built, "second:tag", "base:1")
    told = caller("load", "-i", str(archive)).ok().stdout
    assert set(told.splitlines()) == {f"Loaded image: {name}" for name in (docker_built, "second:tag", "base:1")}
    assert id_of(caller, "second:tag") == id_of(caller, docker_built) != id_of(caller, "base:1")


def test_docker_imports_what_scow_exports(built: Actor, docker: Docker) -> None:
    built("run", "--name", "writer", "--entrypoint", "sh", "app:1", "-c", "echo written > /tmp/new").ok()
    docker("import", "-", "flat:1", stdin=built("export", "writer").ok().output)
    built("rm", "writer").ok()
    shown = docker("run", "--rm", "--network", "host", "flat:1", "/bin/cat", "/tmp/new", "/srv/data/file")
    assert shown == "written\nmade\n"
