"""``copy``, ``tags``, ``digest``, ``delete``: what they print, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Console

from scow.testing.registry import Registry


@pytest.fixture
def origin(console: Console, registry: Registry, tiny: bytes) -> str:
    """The name of an image at the registry, and in the store."""
    name = f"{registry.host}/team/app:1"
    console.image(tiny, name)
    console("push", "-q", name).ok()
    return name


def test_copy_prints_blobs_and_the_digest(console: Console, registry: Registry, origin: str, tmp_path: Path) -> None:
    digest = console("digest", origin).ok().stdout
    file = tmp_path / "digest"
    told = console("copy", "--digestfile", str(file), f"docker://{origin}", f"oci:{tmp_path / 'out'}:app").ok()
    assert told.lines[-1] + "\n" == digest
    assert any("Copied" in line for line in told.lines)
    assert file.read_text() + "\n" == digest
    assert console("copy", "-q", origin, f"docker://{registry.host}/quiet:1").ok().stdout == digest
    assert console("copy", "-q", str(tmp_path / "out"), f"oci-archive:{tmp_path / 'a.tar'}:app").ok().stdout == digest
    assert (tmp_path / "a.tar").stat().st_mode & 0o777 == 0o600


def test_copy_changes_what_is_asked_for(console: Console, origin: str) -> None:
    console("copy", "-q", "--compression", "zstd", f"docker://{origin}", f"docker://{origin}-zstd").ok()
    console("copy", "-q", "-f", "docker", f"docker://{origin}", f"docker://{origin}-docker").ok()
    told = json.loads(console("digest", "--format", "json", f"{origin}-docker").ok().stdout)
    assert told["MediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    assert console("tags", origin.removesuffix(":1")).ok().lines == ["1", "1-docker", "1-zstd"]


def test_copy_refuses(console: Console, origin: str) -> None:
    nowhere = console("copy", origin, "somewhere")
    assert nowhere.code == 1
    assert "does not say where to" in nowhere.stderr
    assert "hint: docker://NAME" in nowhere.stderr
    kept = console("copy", "--preserve-digests", "--compression", "zstd", origin, "store:x")
    assert "what is asked for changes digests" in kept.stderr
    secret = console("copy", "--src-creds", "me:hunter2", origin, "store:x")
    assert secret.code == 1
    assert "hunter2" not in secret.stderr
    assert "--src-authfile" in secret.stderr
    absent = console("copy", "--src-authfile", "/nonexistent", origin, "store:x")
    assert (absent.code, absent.stderr.splitlines()[0]) == (1, "scow: /nonexistent: no such file")
    assert console("copy", "-f", "v1", origin, "store:x").code != 0


def test_delete(console: Console, origin: str) -> None:
    several = console("delete", f"{origin}-not", origin)
    assert (several.code, several.stdout) == (1, f"Deleted: {origin}\n")
    assert "not found" in several.stderr
    gone = console("digest", origin)
    assert gone.code == 1
    assert "not found" in gone.stderr
    assert "say which tag or digest" in console("delete", origin.removesuffix(":1")).stderr


def test_sync(console: Console, registry: Registry, origin: str, tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"# mine\n\ndocker://{origin}  # the app\n")
    argv = ("sync", "--from", str(tmp_path / "list"), f"docker://{registry.host}/mirror")
    dry = console(*argv, "--dry-run").ok().stdout
    assert dry == f"docker://{origin} -> docker://{registry.host}/mirror/app:1\n"
    assert console(*argv).ok().stdout.startswith(dry.strip() + " sha256:")
    half = console("sync", "-q", f"docker://{registry.host}/nothing:1", origin, f"docker://{registry.host}/half")
    assert (half.code, half.stdout) == (1, "")
    assert half.stderr.startswith(f"docker://{registry.host}/nothing:1: ")
    assert console("tags", f"{registry.host}/half/app").ok().lines == ["1"]
    assert "names no source" in console("sync", f"docker://{registry.host}/half").stderr
    assert "open /no/such/file: no such file" in console("sync", "--from", "/no/such/file", "oci:x").stderr


def test_attach_and_referrers(console: Console, origin: str, tmp_path: Path) -> None:
    (tmp_path / "sbom.json").write_text("{}")
    file = f"{tmp_path / 'sbom.json'}:application/json"
    made = (
        console("image", "attach", "-q", "--artifact-type", "text/sbom", "--annotation", "a=b", origin, file)
        .ok()
        .stdout
    )
    assert console("referrers", "-q", origin).ok().stdout == made
    told = console("referrers", "--format", "{{.ArtifactType}} {{.Annotations}}", origin).ok().stdout
    assert told == "text/sbom a=b\n"
    assert console("referrers", "-q", "--artifact-type", "other", origin).ok().stdout == ""
    assert console("referrers", origin).ok().lines[0].split("  ")[0] == "DIGEST"
    out = f"oci:{tmp_path / 'out'}:x"
    console("copy", "-q", "--referrers", f"docker://{origin}", out).ok()
    index = json.loads((tmp_path / "out/index.json").read_text())
    assert made.strip() in [entry["digest"] for entry in index["manifests"]]
    assert "key=value" in console("image", "attach", "--artifact-type", "x/y", "--annotation", "a", origin, file).stderr
