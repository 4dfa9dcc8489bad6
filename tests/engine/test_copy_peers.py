"""scow and skopeo read what the other one copied."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.places import Made, place
from tests.support.peers import need, path_of
from tests.support.processes import CLEAN_ENVIRONMENT

from scow import Engine
from scow.image.rewrite import Wish
from scow.oci.reference import Reference
from scow.testing.registry import Registry

pytestmark = pytest.mark.peers
KINDS = ("docker", "oci", "oci-archive", "docker-archive")
Skopeo = Callable[..., str]


@pytest.fixture
def skopeo(tmp_path: Path) -> Skopeo:
    need("skopeo")

    def run(*argv: str) -> str:
        whole = [path_of("skopeo"), "--insecure-policy", *argv]
        env = {**CLEAN_ENVIRONMENT, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
        done = subprocess.run(whole, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def told(location: str) -> str:
    """The location as skopeo takes it: a docker-archive's name in full."""
    kind, _, rest = location.partition(":")
    if kind != "docker-archive":
        return location
    path, _, name = rest.partition(":")
    return f"{kind}:{path}:{Reference.parse(name)}"


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_skopeo_reads_what_scow_copied(
    kind: str, compression: str, engine: Engine, registry: Registry, skopeo: Skopeo, tmp_path: Path
) -> None:
    origin = Made().at(engine, f"{registry.host}/origin:1")
    ours = place(kind, tmp_path, registry.host)
    copied = engine.registries.copy(
        f"docker://{origin}",
        ours,
        platforms=["linux/amd64"],
        wish=Wish(compression, 3 if compression == "zstd" else None),
    )
    flags = ("--src-tls-verify=false",) if kind == "docker" else ()
    skopeo("copy", *flags, "--preserve-digests", told(ours), f"oci:{tmp_path / 'theirs'}:x")
    if kind != "docker-archive":
        digest = skopeo("inspect", "--format", "{{.Digest}}", f"oci:{tmp_path / 'theirs'}:x")
        assert digest == copied.digest
    with_names = Engine(tmp_path / "again")
    with_names.registries.copy(f"oci:{tmp_path / 'theirs'}:x", "store:again")
    assert with_names.images.find("again").image.layers
    assert with_names.system.check().sound


@pytest.mark.parametrize(
    ("kind", "family"),  # skopeo writes its own format to the others
    [("docker", "oci"), ("docker", "v2s2"), ("oci", "oci"), ("oci-archive", "oci"), ("docker-archive", "v2s2")],
)
def test_scow_reads_what_skopeo_copied(
    kind: str, family: str, engine: Engine, registry: Registry, skopeo: Skopeo, tmp_path: Path
) -> None:
    origin = Made().at(engine, f"{registry.host}/origin:1")
    theirs = place(kind, tmp_path, registry.host)
    flags = ["--src-tls-verify=false", *(["--dest-tls-verify=false"] if kind == "docker" else [])]
    skopeo("copy", *flags, "--format", family, f"docker://{origin}", told(theirs))
    copied = engine.registries.copy(theirs, "store:copied")
    diff_ids = engine.images.find("copied").image.diff_ids
    engine.registries.copy(f"docker://{origin}", "store:direct", platforms=["linux/amd64"])
    assert diff_ids == engine.images.find("direct").image.diff_ids
    if kind == "docker":
        digest = skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}", theirs)
        assert copied.digest == digest
    assert engine.system.check().sound


def test_an_index_both_ways(engine: Engine, registry: Registry, skopeo: Skopeo, tmp_path: Path) -> None:
    made = Made()
    origin = made.at(engine, f"{registry.host}/origin:1")
    engine.registries.copy(f"docker://{origin}", f"oci:{tmp_path / 'ours'}:x", every=True)
    skopeo("copy", "--all", "--preserve-digests", f"oci:{tmp_path / 'ours'}:x", f"oci:{tmp_path / 'theirs'}:x")
    back = engine.registries.copy(f"oci:{tmp_path / 'theirs'}:x", "store:back", every=True)
    assert back.digest == made.index.digest
