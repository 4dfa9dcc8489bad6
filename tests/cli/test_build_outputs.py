"""Where builds go, and what is told of them: outputs, files, rawjson."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import Scow

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
    refused = scow("build", "--platform", "linux/amd64,linux/386", "-o", "type=local,dest=x", str(context))
    assert "holds one platform" in refused.stderr


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
