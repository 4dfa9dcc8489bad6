"""Where builds go, and what is told of them: outputs, files, rawjson."""

from __future__ import annotations

import base64
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import Scow, popen_scow

from scow.testing.registry import Registry


@pytest.fixture(scope="module")
def scow(tmp_path_factory: pytest.TempPathFactory) -> Scow:
    return make_box(tmp_path_factory.mktemp("outputs"))


@pytest.fixture
def context(tmp_path: Path) -> Path:
    directory = tmp_path / "context"
    directory.mkdir()
    (directory / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo told; echo x > /f\n")
    return directory


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as running:
        yield running


def test_pushed_when_built(scow: Scow, context: Path, registry: Registry) -> None:
    for number, flags in enumerate((["--push"], ["-o", "type=registry"], ["-o", "type=image,push=true"])):
        name = f"{registry.host}/team/app:{number}"
        scow("build", "-q", "-t", name, *flags, str(context)).ok()
        scow("rmi", name).ok()
        scow("pull", "-q", name).ok()
    name = f"{registry.host}/team/named:1"
    scow("build", "-q", "-o", f"type=registry,name={name}", str(context)).ok()
    assert scow("inspect", "-f", "{{.RepoTags}}", name).ok().stdout.count("named:1") == 1
    told = scow("build", "--push", "-t", name, str(context)).ok().stderr.splitlines()
    assert told[-1] == f"pushed {name}@{scow('digest', name).ok().stdout.strip()}"
    refused = scow("build", "--push", str(context))
    assert refused.exit_code == 1
    assert "tag is needed when pushing to registry" in refused.stderr


def test_pushed_compressed_as_asked(scow: Scow, context: Path, registry: Registry) -> None:
    """As users of buildx write it."""
    name = f"{registry.host}/team/zstd:1"
    asked = "push=true,compression=zstd,compression-level=19,force-compression=true,rewrite-timestamp=true"
    scow("build", "-q", "--output", f"type=image,name={name},{asked}", str(context)).ok()
    manifest = json.loads(scow("manifest", "inspect", name).ok().stdout)
    assert [one["mediaType"] for one in manifest["layers"]] == ["application/vnd.oci.image.layer.v1.tar+zstd"] * 2
    assert scow("run", "--rm", name, "cat", "/f").ok().stdout == "x\n"
    sent = {request.path.rpartition("/")[2] for request in registry.seen if request.method == "PUT"}
    assert "1" in sent


def test_a_layout_and_the_files_about_it(scow: Scow, context: Path, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    flags = ["--metadata-file", str(told), "--iidfile", str(tmp_path / "id"), "--annotation", "index:a=b"]
    scow(
        "build", "-q", "-t", "two:1", "--platform", "linux/amd64,linux/386", *flags, "-f", "-",
        "-o", f"type=oci,tar=false,dest={tmp_path}/layout", str(context), stdin=b"FROM scratch\nENV A=1\n",
    ).ok()  # fmt: skip
    document = json.loads(told.read_text())
    entries = json.loads((tmp_path / "layout/index.json").read_text())["manifests"]
    assert [one["digest"] for one in entries] == [document["containerimage.digest"]]
    assert document["containerimage.descriptor"]["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert document["image.name"] == "docker.io/library/two:1"
    assert (tmp_path / "id").read_text() == document["containerimage.config.digest"]
    blob = tmp_path / "layout/blobs/sha256" / document["containerimage.digest"].partition(":")[2]
    index = json.loads(blob.read_text())
    assert index["annotations"] == {"a": "b"}
    assert [one["platform"]["architecture"] for one in index["manifests"]] == ["amd64", "386"]


PLATFORMS = ["--platform", "linux/amd64,linux/arm/v7"]
FOR_EACH = b"FROM scratch\nARG TARGETARCH\nCOPY <<E /arch\n$TARGETARCH\nE\n"


def test_files_of_several_platforms(scow: Scow, context: Path, tmp_path: Path) -> None:
    """Each in a directory of its own, as BuildKit names them."""

    def built(*flags: str) -> None:
        scow("build", "-q", *flags, "-f", "-", str(context), cwd=tmp_path, stdin=FOR_EACH).ok()

    def found(directory: str) -> dict[str, str]:
        top = tmp_path / directory
        return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}

    before = scow("images", "-aq").ok().stdout
    both = {"linux_amd64/arch": "amd64\n", "linux_arm_v7/arch": "arm\n"}
    built(*PLATFORMS, "-o", "both")
    assert found("both") == both
    built(*PLATFORMS, "-o", "type=tar,dest=both.tar")
    with tarfile.open(tmp_path / "both.tar") as tar:
        assert {one.name: tar.extractfile(one).read().decode() for one in tar if one.isfile()} == both  # type: ignore[union-attr]
        assert [one.name for one in tar if one.isdir()] == ["linux_amd64", "linux_arm_v7"]
    built("--platform", "linux/arm64/v8", "-o", "type=local,dest=one,platform-split=true")
    assert found("one") == {"linux_arm64/arch": "arm64\n"}
    built("--platform", "linux/amd64", "--platform", "linux/arm/v7", "-o", "twice")
    assert found("twice") == both
    built("--platform", "linux/arm64", "-o", "plain")
    assert found("plain") == {"arch": "arm64\n"}
    built("--platform", "linux/arm64", "--build-arg", "BUILDKIT_MULTI_PLATFORM=1", "-o", "multi")
    assert found("multi") == {"linux_arm64/arch": "arm64\n"}
    assert scow("images", "-aq").ok().stdout == before


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ([*PLATFORMS, "-o", "type=local,dest=x,platform-split=false"], "holds one platform"),
        (["-o", "type=local,dest=x,platform-split=perhaps"], "platform-split is true or false"),
        (["-o", "x", "--provenance=true"], "holds files, and no attestations"),
    ],
)
def test_files_that_cannot_be_written(scow: Scow, context: Path, flags: list[str], told: str) -> None:
    refused = scow("build", *flags, str(context))
    assert (refused.exit_code, told in refused.stderr, len(refused.stderr.splitlines()) <= 2) == (1, True, True)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--network", "bridge"], "network mode 'bridge' is not supported"),
        (["--add-host", "x:y"], "x:y: not an IP address"),
        (["--ulimit", "files=1"], "files: invalid ulimit type"),
        (["--ulimit", "nofile=5:1"], "soft limit must be less"),
    ],
)
def test_what_no_run_could_be_given(scow: Scow, context: Path, flags: list[str], told: str) -> None:
    """It is told before the first step, if there is any."""
    refused = scow("build", *flags, "-", stdin=b"FROM scratch\nCOPY <<E /f\nE\n")
    assert (refused.exit_code, told in refused.stderr, "#1" in refused.stderr) == (1, True, False)


def test_all_that_was_built_is_written_without_a_name_too(scow: Scow, context: Path, tmp_path: Path) -> None:
    """An index, not its image for this machine; and nothing of it stays."""
    before = scow("images", "-aq").ok().stdout
    told = tmp_path / "told.json"
    for flags in (["-o", f"type=oci,dest={tmp_path}/a.tar"], ["-o", f"type=oci,tar=false,dest={tmp_path}/a"]):
        scow(
            "build", "-q", *PLATFORMS, *flags, "--metadata-file", str(told), "-f", "-", str(context), stdin=FOR_EACH
        ).ok()
    with tarfile.open(tmp_path / "a.tar") as tar:
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
    for entries in (index, json.loads((tmp_path / "a/index.json").read_text())):
        assert [one["digest"] for one in entries["manifests"]] == [
            json.loads(told.read_text())["containerimage.digest"]
        ]
        assert entries["manifests"][0]["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert scow("images", "-aq").ok().stdout == before


def test_equal_builds_take_nothing_from_each_other(scow: Scow, context: Path, tmp_path: Path) -> None:
    """Each is held by the pipe that it writes its first output to, until it is read."""

    def begin(name: str) -> subprocess.Popen[bytes]:
        outputs = ["-o", "type=tar,dest=-", "-o", f"type=oci,dest={name}"]
        building = popen_scow("build", "-q", *outputs, str(context), root=root, cwd=tmp_path)
        assert building.stdout
        assert building.stdout.read(1) != b"", building.communicate()[1].decode()
        return building

    root = Path(scow("info", "-f", "{{.DockerRootDir}}").ok().stdout.strip())
    before = scow("images", "-aq").ok().stdout
    first, second = begin("one.tar"), begin("two.tar")
    for building in (first, second):
        assert building.communicate(timeout=60)[1] == b""
        assert building.returncode == 0
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    assert scow("images", "-aq").ok().stdout == before


def documents(text: str) -> tuple[dict[str, Any], bytes]:
    """The last state of each vertex by name, and all that was logged."""
    read = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    vertexes = {one["name"]: one for each in read for one in each.get("vertexes", ())}
    return vertexes, b"".join(base64.b64decode(one["data"]) for each in read for one in each.get("logs", ()))


def test_rawjson(scow: Scow, context: Path) -> None:
    done = scow("build", "--no-cache", "--progress", "rawjson", str(context)).ok()
    vertexes, logged = documents(done.stderr)
    (step,) = vertexes.values()
    assert step["name"] == "[stage-0 1/1] RUN echo told; echo x > /f"
    assert step["started"] <= step["completed"]
    assert "cached" not in step
    assert logged == b"told\n"
    again, _ = documents(scow("build", "--progress", "rawjson", str(context)).ok().stderr)
    assert [one["cached"] for one in again.values()] == [True]
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN exit 3\n")
    failed = scow("build", "--progress", "rawjson", str(context))
    assert failed.exit_code == 3 or failed.exit_code == 1
    vertexes, _ = documents(failed.stderr)
    assert "exit code: 3" in vertexes["[stage-0 1/1] RUN exit 3"]["error"]


def test_what_a_run_finds(scow: Scow, context: Path) -> None:
    (context / "Dockerfile").write_text(
        f"FROM {IMAGE}\nRUN ulimit -n; grep there /etc/hosts; df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2\n"
    )
    flags = ["--ulimit", "nofile=100:200", "--add-host", "there:10.1.2.3", "--shm-size", "2m"]
    done = scow("build", "--no-cache", "--progress", "plain", *flags, str(context)).ok()
    shown = [line.split(" ", 2)[2] for line in done.stderr.splitlines() if line[:3] == "#1 " and line[3].isdigit()]
    assert shown[0] == "100"
    assert shown[1].split() == ["10.1.2.3", "there"]
    assert shown[2] == "2048"
