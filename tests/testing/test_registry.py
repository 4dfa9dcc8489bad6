"""The in-process registry, asked with a plain HTTP client: it must be right by itself."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.containers import tool

from scow.oci import media_types
from scow.oci.digest import Digest
from scow.testing.registry import Registry


class Asker:
    """One request at a time over one connection."""

    def __init__(self, host: str) -> None:
        self._connection = http.client.HTTPConnection(host, timeout=60)

    def __call__(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body=body, headers=told)
        response = self._connection.getresponse()
        return response.status, response.headers, response.read()

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Registry(tmp_path) as running:
        yield running


@pytest.fixture
def ask(registry: Registry) -> Iterator[Asker]:
    with closing(Asker(registry.host)) as asker:
        yield asker


def _upload(ask: Asker, data: bytes, name: str = "a/b") -> str:
    digest = Digest.of(data)
    status, headers, _ = ask("POST", f"/v2/{name}/blobs/uploads/")
    assert status == 202
    status, _, _ = ask("PUT", f"{headers['Location']}&digest={digest}", data)
    assert status == 201
    return digest


def _image(ask: Asker, name: str = "a/b", **more: object) -> tuple[bytes, str]:
    config = _upload(ask, b"{}", name)
    entry = {"mediaType": media_types.OCI_CONFIG, "digest": config, "size": 2}
    raw = json.dumps({"schemaVersion": 2, "config": entry, "layers": [], **more}).encode()
    return raw, Digest.of(raw)


def test_blobs_in_one_request_in_pieces_and_in_chunks(ask: Asker) -> None:
    data = os.urandom(3_000_000)
    digest = Digest.of(data)
    status, _, _ = ask("POST", f"/v2/one/blobs/uploads/?digest={digest}", data)
    assert status == 201
    _, headers, _ = ask("POST", "/v2/two/blobs/uploads/")
    location = headers["Location"]
    for start in range(0, len(data), 1_000_000):
        span = f"{start}-{start + 999_999}"
        status, headers, _ = ask("PATCH", location, data[start : start + 1_000_000], Content_Range=span)
        assert (status, headers["Range"]) == (202, f"0-{start + 999_999}")
        location = headers["Location"]
    status, headers, _ = ask("GET", location.partition("?")[0])
    assert (status, headers["Range"]) == (204, "0-2999999")
    assert ask("PATCH", location, b"x", Content_Range="5-5")[0] == 416
    assert ask("PUT", f"{location}&digest={digest}")[0] == 201
    _, headers, _ = ask("POST", "/v2/three/blobs/uploads/")
    status, headers, _ = ask("PATCH", headers["Location"], iter([data[:10], data[10:]]))
    assert status == 202
    assert ask("PUT", f"{headers['Location']}&digest={digest}")[0] == 201
    for name in ("one", "two", "three"):
        assert ask("GET", f"/v2/{name}/blobs/{digest}")[2] == data


def test_a_wrong_digest_leaves_nothing(ask: Asker, registry: Registry) -> None:
    digest = Digest.of(b"right")
    _, headers, _ = ask("POST", "/v2/a/blobs/uploads/")
    status, _, body = ask("PUT", f"{headers['Location']}&digest={digest}", b"wrong")
    assert (status, json.loads(body)["errors"][0]["code"]) == (400, "DIGEST_INVALID")
    assert ask("HEAD", f"/v2/a/blobs/{digest}")[0] == 404
    assert list((registry.directory / "uploads").iterdir()) == []


def test_ranges_and_head(ask: Asker) -> None:
    digest = _upload(ask, b"0123456789")
    path = f"/v2/a/b/blobs/{digest}"
    assert ask("GET", path, Range="bytes=3-")[2] == b"3456789"
    status, headers, body = ask("GET", path, Range="bytes=3-5")
    assert (status, headers["Content-Range"], body) == (206, "bytes 3-5/10", b"345")
    assert ask("GET", path, Range="bytes=10-")[0] == ask("GET", path, Range="bytes=5-2")[0] == 416
    status, headers, body = ask("HEAD", path)
    assert (status, headers["Content-Length"], headers["Docker-Content-Digest"], body) == (200, "10", digest, b"")


def test_a_blob_belongs_to_its_repository_until_mounted(ask: Asker) -> None:
    digest = _upload(ask, b"x", "base")
    assert ask("HEAD", f"/v2/app/blobs/{digest}")[0] == 404
    assert ask("POST", f"/v2/app/blobs/uploads/?mount={digest}&from=nowhere")[0] == 202
    assert ask("POST", f"/v2/app/blobs/uploads/?mount={digest}&from=base")[0] == 201
    assert ask("HEAD", f"/v2/app/blobs/{digest}")[0] == 200
    assert ask("DELETE", f"/v2/app/blobs/{digest}")[0] == 202
    assert ask("HEAD", f"/v2/app/blobs/{digest}")[0] == 404
    assert ask("HEAD", f"/v2/base/blobs/{digest}")[0] == 200


def test_manifests_tags_and_catalog(ask: Asker) -> None:
    raw, digest = _image(ask)
    kind = {"Content_Type": media_types.OCI_MANIFEST}
    status, headers, _ = ask("PUT", "/v2/a/b/manifests/v1", raw, **kind)
    assert (status, headers["Docker-Content-Digest"]) == (201, digest)
    assert ask("PUT", f"/v2/a/b/manifests/{Digest.of(b'other')}", raw, **kind)[0] == 400
    for reference in ("v1", digest):
        status, headers, body = ask("GET", f"/v2/a/b/manifests/{reference}")
        assert (status, headers["Content-Type"], body) == (200, media_types.OCI_MANIFEST, raw)
    assert json.loads(ask("GET", "/v2/a/b/tags/list")[2]) == {"name": "a/b", "tags": ["v1"]}
    assert json.loads(ask("GET", "/v2/_catalog")[2]) == {"repositories": ["a/b"]}
    assert ask("DELETE", f"/v2/a/b/manifests/{digest}")[0] == 202
    assert ask("GET", "/v2/a/b/manifests/v1")[0] == 404
    assert ask("GET", "/v2/c/tags/list")[0] == 404


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b'{"schemaVersion":1}', b'{"schemaVersion":2}', b"[" * 1000, b" " * (5 << 20)],
    ids=lambda raw: f"{raw[:20]!r}",
)
def test_bad_manifests_are_refused(ask: Asker, registry: Registry, raw: bytes) -> None:
    assert ask("PUT", "/v2/a/manifests/v1", raw, Content_Type=media_types.OCI_MANIFEST)[0] == 400
    with closing(Asker(registry.host)) as another:
        assert another("GET", "/v2/a/manifests/v1")[0] == 404


def test_referrers(ask: Asker) -> None:
    raw, digest = _image(ask)
    ask("PUT", "/v2/a/b/manifests/v1", raw, Content_Type=media_types.OCI_MANIFEST)
    subject = {"mediaType": media_types.OCI_MANIFEST, "digest": digest, "size": len(raw)}
    other, other_digest = _image(ask, subject=subject, artifactType="application/x", annotations={"k": "v"})
    _, headers, _ = ask("PUT", f"/v2/a/b/manifests/{other_digest}", other, Content_Type=media_types.OCI_MANIFEST)
    assert headers["OCI-Subject"] == digest
    [found] = json.loads(ask("GET", f"/v2/a/b/referrers/{digest}")[2])["manifests"]
    assert (found["digest"], found["artifactType"], found["annotations"]) == (other_digest, "application/x", {"k": "v"})
    _, headers, body = ask("GET", f"/v2/a/b/referrers/{digest}?artifactType=application/y")
    assert (headers["OCI-Filters-Applied"], json.loads(body)["manifests"]) == ("artifactType", [])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/../../etc/passwd", 404),
        ("GET", "/v2/a/blobs/sha256:../../x", 404),
        ("GET", "/v2/a/blobs/sha256:00", 400),
        ("GET", "/v2/UPPER/tags/list", 404),
        ("PUT", "/v2/a/tags/list", 405),
        ("PUT", f"/v2/a/blobs/uploads/{'0' * 32}?digest=sha256:{'0' * 64}", 404),
        ("GET", "/v2/", 200),
        ("GET", "/v2/_catalog?n=2", 200),
        ("GET", "/v2/_catalog?n=two", 400),
        ("GET", "/v2/_catalog?n=-1", 400),
    ],
)
def test_paths(ask: Asker, method: str, path: str, status: int) -> None:
    assert ask(method, path)[0] == status


def test_a_connection_outlives_a_refused_upload(tmp_path: Path) -> None:
    with Registry(tmp_path, username="u", password="p") as registry, closing(Asker(registry.host)) as ask:
        status, headers, _ = ask("PUT", "/v2/a/manifests/v1", b"x" * 100_000)
        assert (status, headers["WWW-Authenticate"].split()[0]) == (401, "Basic")
        assert ask("GET", "/v2/", Authorization="Basic dTpw")[0] == 200
        assert ask("GET", "/v2/", Authorization="Basic !!")[0] == 401


def test_a_temporary_registry_leaves_nothing() -> None:
    with Registry() as registry:
        assert registry.directory.exists()
    assert not registry.directory.exists()


def test_as_a_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scow.testing.registry", "--port", "0", "--root", str(tmp_path)]
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a suite in the background may ignore it
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=heard) as process:
        assert process.stdout is not None
        host = process.stdout.readline().split()[-1]
        with closing(Asker(host)) as ask:
            assert ask("GET", "/v2/")[0] == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@pytest.mark.peers
def test_skopeo_pushes_and_pulls(tmp_path: Path, registry: Registry) -> None:
    layout = tmp_path / "layout"
    (layout / "blobs" / "sha256").mkdir(parents=True)

    def keep(data: bytes, kind: str) -> dict[str, object]:
        digest = Digest.of(data)
        (layout / "blobs" / "sha256" / digest.hex).write_bytes(data)
        return {"mediaType": kind, "digest": str(digest), "size": len(data)}

    layer = keep(b"\0" * 10240, media_types.OCI_LAYER)
    diff_ids = {"type": "layers", "diff_ids": [layer["digest"]]}
    config = keep(
        json.dumps({"architecture": "amd64", "os": "linux", "rootfs": diff_ids}).encode(), media_types.OCI_CONFIG
    )
    document = {"schemaVersion": 2, "mediaType": media_types.OCI_MANIFEST, "config": config, "layers": [layer]}
    manifest = keep(json.dumps(document).encode(), media_types.OCI_MANIFEST)
    named = {**manifest, "annotations": {"org.opencontainers.image.ref.name": "x"}}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    place = f"docker://{registry.host}/team/app:v1"
    skopeo = tool("skopeo", tmp_path / "skopeo")
    skopeo.trust(registry.host)
    accept = ["--preserve-digests", "--dest-oci-accept-uncompressed-layers"]
    skopeo("copy", *accept, f"oci:{layout}:x", place)
    skopeo("copy", place, f"dir:{tmp_path / 'out'}")
    assert (tmp_path / "out" / "manifest.json").exists()
