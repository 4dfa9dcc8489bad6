"""Whatever goes wrong: one clear message, the documented exit code, no traceback, and the store as it was."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from tests.e2e.actors import Actor
from tests.e2e.refusals import check_refused, literally
from tests.support.peers import need_root

from scow.testing.registry import Registry

pytestmark = [pytest.mark.peers]

# -- the disk ----------------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of ``size`` at ``place``, for the length of the block."""
    need_root()
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def tight(caller: Actor, busybox: Path, tmp_path: Path) -> Iterator[Actor]:
    """An actor whose store has ``busybox:1`` and room for little more."""
    with small_disk(tmp_path / "disk", "6m") as disk:
        actor = Actor(caller.directory, root=disk / "store")
        actor("load", "-i", str(busybox)).ok()
        yield actor


def large_tar(directory: Path) -> Path:
    """A file system of 30 MB that does not compress."""
    path = directory / "large.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("large")
        member.size = 30 << 20
        archive.addfile(member, io.BytesIO(os.urandom(30 << 20)))
    return path


FULL = literally("scow: {...}: no space left on {...}\nhint: free some space {...}")


def test_full_disk_import(tight: Actor) -> None:
    check_refused(tight, "import", str(large_tar(tight.directory)), "large:1", says=FULL)
    assert tight("run", "--rm", "busybox:1", "echo", "works").ok().stdout == "works\n"


def test_full_disk_load_and_pull(tight: Actor) -> None:
    other = Actor(tight.directory, root=tight.directory / "other")
    other("import", str(large_tar(tight.directory)), "large:1").ok()
    archive = tight.directory / "saved.tar"
    other("save", "-o", str(archive), "large:1").ok()
    check_refused(tight, "load", "-i", str(archive), says=FULL)
    with Registry() as registry:
        name = f"{registry.host}/large:1"
        other("tag", "large:1", name).ok()
        other("push", name).ok()
        before = shutil.disk_usage(tight.store).used
        done = tight("pull", name)
        assert done.exit_code == 1
        assert re.fullmatch(FULL, done.stderr.rstrip("\n")), done.stderr
        assert shutil.disk_usage(tight.store).used - before < 1 << 16  # no half of a layer fills the disk for good
    assert tight("run", "--rm", "busybox:1", "echo", "works").ok().stdout == "works\n"


def test_full_disk_build(tight: Actor) -> None:
    tight.file("context/Dockerfile", "FROM busybox:1\nCOPY large.tar /\n")
    large_tar(tight.directory / "context")
    check_refused(tight, "build", "-q", "-t", "large:1", str(tight.directory / "context"), says=FULL)


def test_full_disk_save(stocked: Actor, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "200k") as disk:
        says = literally(f"scow: open {disk}/it.tar: no space left on device")
        check_refused(stocked, "save", "-o", str(disk / "it.tar"), "busybox:1", says=says)
        assert list(disk.iterdir()) == []


# -- Dockerfiles -------------------------------------------------------------------------------------------------------


BROKEN = {
    "unknown-instruction": (
        "FROM busybox:1\nRUNN echo hello\n",
        "scow: Dockerfile:2: unknown instruction: RUNN{...}\n    2 | RUNN echo hello\n        ^^^^{rest}",
    ),
    "unknown-flag": (
        "FROM busybox:1\n\nCOPY --chwon=1 a b\n",
        "scow: Dockerfile:3: unknown flag: --chwon\n    3 | COPY --chwon=1 a b\n             ^^^^^^^\nhint: {...}",
    ),
    "no-argument": (
        "FROM busybox:1\nCOPY one\n",
        "scow: Dockerfile:2: COPY requires at least two arguments{...}\n    2 | COPY one\n        ^^^^\n{rest}",
    ),
    "no-from": (
        "RUN echo\n",
        "scow: Dockerfile:1: no build stage in current context\n    1 | RUN echo\n        ^^^^^^^^\nhint: {...}",
    ),
    "bad-variable": (
        "FROM busybox:1\nENV A=${B\n",
        "scow: Dockerfile:2: \"${B\": syntax error: missing '}'\n    2 | ENV A=${B\n        ^^^^^^^^^",
    ),
    "no-heredoc-end": (
        "FROM busybox:1\nRUN <<EOF\necho\n",
        "scow: Dockerfile:2: unterminated heredoc\n    2 | RUN <<EOF\n            ^^^^^\nhint: {...}",
    ),
    "missing-source": (
        "FROM busybox:1\nCOPY missing.txt /\n",
        'scow: Dockerfile:2: "/missing.txt": not found\n    2 | COPY missing.txt /\n        ^^^^^^^^^^^^^^^^^^{rest}',
    ),
    "ignored-source": (
        "FROM busybox:1\nCOPY secret.key /\n",
        'scow: Dockerfile:2: "/secret.key": not found\n{rest}.dockerignore{rest}',
    ),
    "missing-stage": (
        "FROM busybox:1 AS one\nFROM busybox:1\nCOPY --from=7 /a /b\n",
        "scow: Dockerfile:3: invalid stage index 7\n    3 | COPY --from=7 /a /b\n             ^^^^^^^^",
    ),
    "unknown-user": (
        "FROM busybox:1\nCOPY --chown=nobody-here present.txt /\n",
        "scow: Dockerfile:2: invalid user index: no 'nobody-here' in the image's /etc/passwd\n{rest}^{rest}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_dockerfile_errors_have_their_place(stocked: Actor, case: str) -> None:
    text, says = BROKEN[case]
    stocked.file("context/Dockerfile", text)
    stocked.file("context/secret.key", "secret")
    stocked.file("context/present.txt", "here")
    stocked.file("context/.dockerignore", "*.key\n")
    check_refused(stocked, "build", "-q", "-t", "x:1", str(stocked.directory / "context"), says=literally(says))


def test_failing_step_gives_its_exit_code(stocked: Actor) -> None:
    stocked.file("context/Dockerfile", "FROM busybox:1\nRUN echo before\nRUN echo the reason >&2; exit 7\n")
    before = json.loads((stocked.store / "index.json").read_text())
    done = stocked("build", "-t", "x:1", str(stocked.directory / "context"))
    assert done.exit_code == 1
    assert "the reason" in done.stderr
    assert "Dockerfile:3: " in done.stderr
    assert "exit code: 7" in done.stderr
    assert json.loads((stocked.store / "index.json").read_text()) == before


def test_no_context_and_no_dockerfile(stocked: Actor) -> None:
    empty = stocked.file("empty/.keep").parent
    check_refused(stocked, "build", str(empty), says=literally("scow: {...}Dockerfile{...}no such file{...}{rest}"))
    check_refused(stocked, "build", str(empty / "nowhere"), says=literally("scow: {...}nowhere{...}{rest}"))


# -- archives ----------------------------------------------------------------------------------------------------------


def escaping(kind: str) -> bytes:
    """A tar whose entry would be written outside of where it is unpacked."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:

        def add(name: str, type_: bytes = tarfile.REGTYPE, link: str = "", content: bytes = b"owned") -> None:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = type_, link
            member.size = len(content) if type_ == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(content))

        if kind == "parent":
            add("../../escaped")
        elif kind == "absolute-parent":
            add("/../../../escaped")
        elif kind == "middle":
            add("a/../../escaped")
        elif kind == "hardlink":
            add("a", tarfile.LNKTYPE, "../../../../etc/passwd")
        elif kind == "whiteout":
            add(".wh...")
    return output.getvalue()


ESCAPES = {
    "parent": "scow: ../../escaped: name leaves the layer's root",
    "absolute-parent": "scow: /../../../escaped: name leaves the layer's root",
    "middle": "scow: a/../../escaped: name leaves the layer's root",
    "hardlink": "scow: ../../../../etc/passwd: name leaves the layer's root",
    "whiteout": "scow: .wh...: whiteout of nothing",
}


@pytest.mark.parametrize("kind", ESCAPES)
def test_a_tar_that_escapes(stocked: Actor, kind: str) -> None:
    """Refused in import, in load and in a pulled layer alike."""
    content = escaping(kind)
    says = literally(ESCAPES[kind])
    check_refused(stocked, "import", "-", "evil:1", stdin=content, says=says)
    archive = evil_archive(content)
    check_refused(stocked, "load", stdin=archive, says=says)
    with Registry() as registry:
        push_raw(registry, content)
        check_refused(stocked, "pull", f"{registry.host}/evil:1", says=says)
    assert not list(stocked.directory.parent.glob("escaped"))


def evil_documents(layer: bytes) -> dict[str, bytes]:
    """Layer, config and manifest of an image of one layer, by digest; the manifest comes last."""

    def named(content: bytes) -> str:
        return f"sha256:{hashlib.sha256(content).hexdigest()}"

    def described(content: bytes, media_type: str) -> dict[str, object]:
        return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": named(content), "size": len(content)}

    rootfs = {"type": "layers", "diff_ids": [named(layer)]}
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs})
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": described(config.encode(), "config.v1+json"), "layers": [described(layer, "layer.v1.tar")],
    })  # fmt: skip
    return {named(content): content for content in (layer, config.encode(), manifest.encode())}


def evil_archive(layer: bytes) -> bytes:
    """The image as an OCI archive named ``evil:1``."""
    documents = evil_documents(layer)
    digest, manifest = list(documents.items())[-1]
    entry = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": len(manifest),
        "annotations": {"org.opencontainers.image.ref.name": "evil:1"},
    }  # fmt: skip
    files = {f"blobs/sha256/{name.partition(':')[2]}": content for name, content in documents.items()}
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    files["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return output.getvalue()


def push_raw(registry: Registry, layer: bytes) -> None:
    """Put the image on the registry as ``evil:1``, with nothing of scow's on the way."""
    documents = list(evil_documents(layer).items())
    for digest, content in documents[:-1]:
        url = f"http://{registry.host}/v2/evil/blobs/uploads/?digest={digest}"
        with urlopen(Request(url, content, method="POST")) as answer:
            assert answer.status == 201
    headers = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
    url = f"http://{registry.host}/v2/evil/manifests/1"
    with urlopen(Request(url, documents[-1][1], headers, method="PUT")) as answer:
        assert answer.status == 201


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"this is not a tar" * 100, "scow: {...}not a tar archive: invalid header"),
        (b"", "scow: {...}not a tar archive: empty file"),
        (b"\x1f\x8b\x08\x00" + b"junk" * 500, "scow: {...}damaged gzip stream: {...}"),
        (escaping("nothing"), "scow: {...}archive holds no images: {...}\nhint: for a file system: scow import"),
    ],
    ids=["text", "empty", "broken-gzip", "no-images"],
)
def test_not_an_image_archive(stocked: Actor, content: bytes, says: str) -> None:
    check_refused(stocked, "load", stdin=content, says=literally(says))


def test_a_cut_archive(stocked: Actor, busybox: Path) -> None:
    content = busybox.read_bytes()
    stocked("rmi", "busybox:1").ok()
    half = content[: len(content) // 2]
    check_refused(stocked, "load", stdin=half, says=literally("scow: {...}unexpected end of data"))
    missing = stocked.directory / "nothing.tar"
    says = literally(f"scow: open {missing}: no such file or directory")
    check_refused(stocked, "load", "-i", str(missing), says=says)
    stocked("load", stdin=content).ok()


# -- names -------------------------------------------------------------------------------------------------------------


def test_unknown_image(stocked: Actor) -> None:
    says = literally("scow: No such image: nothing:1")
    check_refused(stocked, "rmi", "nothing:1", says=says)
    check_refused(stocked, "tag", "nothing:1", "other:1", says=says)
    check_refused(stocked, "save", "-o", "x.tar", "nothing:1", says=says)
    assert not (stocked.directory / "x.tar").exists()
    check_refused(stocked, "history", "nothing:1", says=says)
    check_refused(stocked, "inspect", "nothing:1", says=literally("Error: No such object: nothing:1"))
    check_refused(stocked, "run", "--pull", "never", "nothing:1", says=says, code=125)
    check_refused(
        stocked, "push", "localhost:1/nothing:1",
        says=literally("scow: An image does not exist locally with the tag: localhost:1/nothing"),
    )  # fmt: skip
    check_refused(stocked, "export", "nothing", says=literally("scow: No such container: nothing"))
    check_refused(stocked, "rm", "nothing", says=literally("scow: No such container: nothing"))


def test_inspect_prints_what_it_found(stocked: Actor) -> None:
    done = stocked("inspect", "-f", "{{index .RepoTags 0}}", "nothing:1", "busybox:1")
    assert done.exit_code == 1
    assert done.stdout == "busybox:1\n"
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["UPPER:1", "a b", "x:" + "y" * 200, "a//b", "a" * 64, "x@sha256:12", ""])
def test_bad_reference(stocked: Actor, name: str) -> None:
    says = literally(f"scow: '{name}': invalid reference format{{...}}") + "(\nhint: [^\n]*)?"
    check_refused(stocked, "tag", "busybox:1", name, says=says)
    check_refused(stocked, "pull", name, says=says)
    check_refused(stocked, "run", "--rm", name, says=says, code=125)
    stocked.file("context/Dockerfile", "FROM busybox:1\n")
    check_refused(stocked, "build", "-q", "-t", name, str(stocked.directory / "context"), says=says)


# -- containers --------------------------------------------------------------------------------------------------------


def test_programs_that_cannot_run(actor: Actor, busybox: Path) -> None:
    actor("load", "-i", str(actor.copy(busybox, "busybox.tar"))).ok()
    run = ("run", "--rm", "busybox:1")
    actor(*run, "true").ok()
    missing = (
        literally("scow: {...}no-such-program{...}not found{...}{rest}")
        + "|"
        + literally("scow: {...}no-such-program{...}no such file or directory{...}{rest}")
    )
    check_refused(actor, *run, "no-such-program", says=missing, code=127)
    check_refused(actor, *run, "/bin/no-such-program", says=missing, code=127)
    denied = literally("scow: {...}permission denied{...}{rest}")
    check_refused(actor, *run, "/etc/passwd", says=denied, code=126)
    check_refused(actor, *run, "/etc", says=literally("scow: {...}/etc{...}{rest}"), code=126)
    check_refused(
        actor, "run", "--rm", "-u", "no-such-user", "busybox:1", "true",
        says=literally("scow: {...}no-such-user{...}{rest}"), code=125,
    )  # fmt: skip


def test_a_working_directory_below_a_file(actor: Actor, busybox: Path) -> None:
    actor("load", "-i", str(actor.copy(busybox, "busybox.tar"))).ok()
    actor("run", "--rm", "busybox:1", "true").ok()
    says = literally("scow: {...}/etc/passwd{...}ot a directory")
    check_refused(actor, "run", "--rm", "-w", "/etc/passwd/x", "busybox:1", "true", says=says, code=125)


def test_names_and_images_in_use(stocked: Actor) -> None:
    stocked("run", "--name", "taken", "busybox:1", "true").ok()
    check_refused(
        stocked, "run", "--name", "taken", "busybox:1", "true", code=125,
        says=literally('scow: Conflict. The container name "/taken" is already in use by container "{...}". {...}'),
    )  # fmt: skip
    check_refused(
        stocked, "rmi", "busybox:1",
        says=literally(
            "scow: conflict: unable to remove repository reference 'busybox:1' (must force) - "
            "container {...} is using its referenced image {...}"
        ),
    )  # fmt: skip
    stocked("rm", "taken").ok()
    stocked("rmi", "busybox:1").ok()


def test_options_that_do_not_exist(stocked: Actor) -> None:
    for verb in ("pull", "build", "images", "run"):
        done = stocked(verb, "--no-such-option", "busybox:1")
        assert done.exit_code == 125
        assert "unknown flag: --no-such-option" in done.stderr
        assert "Traceback" not in done.stderr
