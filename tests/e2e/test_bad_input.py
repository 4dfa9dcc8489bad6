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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from tests.e2e.actors import Actor, listing
from tests.support.peers import need_root
from tests.support.processes import free_port

from scow.oci.digest import Digest
from scow.testing.registry import Registry
from scow.testing.registry_handler import Exchange

pytestmark = [pytest.mark.peers]

PASSWORD = "s3cret-pass:word"


def check_refused(actor: Actor, *argv: str, says: str, code: int = 1, stdin: bytes | None = None) -> None:
    """The command fails: ``says`` is a pattern of the whole of stderr; the store stays as it was."""
    before = listing(actor.store)
    done = actor(*argv, stdin=stdin)
    assert "Traceback" not in done.stderr
    assert re.fullmatch(says, done.stderr.rstrip("\n")), f"{done.stderr}\nis not\n{says}"
    assert done.exit_code == code, f"exit code {done.exit_code}: {done.stderr}"
    assert listing(actor.store) == before
    assert PASSWORD not in done.stderr + done.stdout


def literally(text: str) -> str:
    """``text`` as a pattern; ``{...}`` stands for anything on the line, ``{rest}`` for anything at all."""
    pattern = re.escape(text).replace(re.escape("{...}"), "[^\\n]*")
    return pattern.replace(re.escape("{rest}"), "(?s:.*)")


@pytest.fixture(scope="module")
def busybox(tmp_path_factory: pytest.TempPathFactory, busybox_tar: Path) -> Path:
    """``busybox:1`` as an archive that ``load`` takes."""
    actor = Actor(tmp_path_factory.mktemp("busybox"))
    actor("import", "-c", 'CMD ["sh"]', str(busybox_tar), "busybox:1").ok()
    actor("save", "-o", str(actor.directory / "busybox.tar"), "busybox:1").ok()
    return actor.directory / "busybox.tar"


@pytest.fixture
def stocked(caller: Actor, busybox: Path) -> Actor:
    """A store that has ``busybox:1``."""
    caller("load", "-i", str(busybox)).ok()
    return caller


# -- registries --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, busybox: Path) -> Path:
    """A registry's directory with ``team/app:1``."""
    directory = tmp_path_factory.mktemp("stock")
    actor = Actor(tmp_path_factory.mktemp("pusher"))
    with Registry(directory) as registry:
        name = f"{registry.host}/team/app:1"
        actor("load", "-i", str(busybox)).ok()
        actor("tag", "busybox:1", name).ok()
        actor("push", name).ok()
    return directory


@pytest.fixture
def registry(stock: Path) -> Iterator[Registry]:
    """A registry in this process, which misbehaves when a test says how."""
    with Registry(stock) as serving:
        yield serving


def is_layer(exchange: Exchange) -> bool:
    """Whether the request asks for a blob that is not the config: more than 64 KiB."""
    if exchange.command != "GET" or "/blobs/sha256:" not in exchange.path:
        return False
    digest = exchange.url_path.rpartition("/")[2]
    return size_of(exchange, digest) > 1 << 16


def size_of(exchange: Exchange, digest: str) -> int:
    """The size of a blob of the registry's."""
    return exchange.premises.storage.blob("team/app", Digest(digest)).stat().st_size


def test_wrong_password(stocked: Actor) -> None:
    with Registry(username="alice", password=PASSWORD) as closed:
        host = closed.host
        argv = ("login", "-u", "alice", "--password-stdin", host)
        said = "scow: {...}unauthorized: incorrect username or password{rest}"
        check_refused(stocked, *argv, stdin=f"not-{PASSWORD}".encode(), says=literally(said))
        assert not (stocked.docker_config / "config.json").exists()
        stocked("tag", "busybox:1", f"{host}/team/app:1").ok()
        says = literally(f"scow: {{...}}authentication required{{...}}\nhint: scow login {host}")
        check_refused(stocked, "push", f"{host}/team/app:1", says=says)
        check_refused(stocked, "pull", f"{host}/team/other:1", says=says)
        stocked("login", "-u", "alice", "--password-stdin", host, stdin=PASSWORD.encode()).ok()
        stocked("push", f"{host}/team/app:1").ok()


def test_unknown_tag(stocked: Actor, registry: Registry) -> None:
    says = literally("scow: {...}not found{...}{rest}") + "|" + literally("scow: {...}unknown{...}{rest}")
    check_refused(stocked, "pull", f"{registry.host}/team/app:nothing", says=says)
    check_refused(stocked, "pull", f"{registry.host}/nobody/nothing", says=says)
    check_refused(stocked, "pull", f"{registry.host}/team/app@sha256:{'0' * 64}", says=says)


def test_unknown_host(stocked: Actor) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    says = literally(f"scow: cannot reach {nobody}: connection refused")
    check_refused(stocked, "pull", f"{nobody}/app:1", says=says)
    check_refused(
        stocked, "pull", "no-such-host.invalid/app:1",
        says=literally("scow: cannot reach no-such-host.invalid: name not known"),
    )  # fmt: skip


def test_truncated_blob(stocked: Actor, registry: Registry) -> None:
    """What came whole before the line broke is kept for the next try, beyond that the store is as it was."""

    def cut(exchange: Exchange) -> bool:
        if is_layer(exchange):
            exchange.drop() if "Range" in exchange.headers else None  # going on where it ended gets nowhere
            exchange.cut = 1000
        return False

    registry.fault = cut
    name = f"{registry.host}/team/app:1"
    stocked("rmi", "busybox:1").ok()
    before = listing(stocked.store)
    done = stocked("pull", name)
    assert done.exit_code == 1
    assert re.fullmatch(literally("scow: {...}connection {...}{rest}"), done.stderr.rstrip("\n")), done.stderr
    after = listing(stocked.store)
    config = json.loads(stocked.file("manifest.json", manifest_of(registry)).read_bytes())["config"]["digest"]
    kept = {f"blobs/sha256/{config.partition(':')[2]}", "blobs/sha256"}
    assert {path for path in after.keys() ^ before.keys() if path not in kept} == set()
    registry.fault = None
    stocked("pull", name).ok()
    assert stocked("run", "--rm", name, "echo", "whole").ok().stdout == "whole\n"


def manifest_of(registry: Registry) -> bytes:
    """The manifest of ``team/app:1``."""
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    with urlopen(Request(f"http://{registry.host}/v2/team/app/manifests/1", headers=accept)) as answer:
        content: bytes = answer.read()
    return content


DAMAGED = literally(
    "scow: sha256:{...}: content does not have its digest: it was damaged or changed on the way"
    " (expected sha256:{...}, got sha256:{...})"
)


def test_tampered_blob(stocked: Actor, registry: Registry) -> None:
    def tamper(exchange: Exchange) -> bool:
        if not is_layer(exchange):
            return False
        zeros = bytes(size_of(exchange, exchange.url_path.rpartition("/")[2]))
        exchange.answer(200, {"Content-Type": "application/octet-stream"}, zeros)
        return True

    registry.fault = tamper
    stocked("rmi", "busybox:1").ok()
    check_refused(stocked, "pull", f"{registry.host}/team/app:1", says=DAMAGED)
    registry.fault = None
    stocked("pull", f"{registry.host}/team/app:1").ok()


def answering(change: Callable[[bytes], bytes], *, told: bool) -> Callable[[Exchange], bool]:
    """A registry that changes its manifests; ``told``: it names the changed one's digest, else the right one's."""

    def tamper(exchange: Exchange) -> bool:
        if "/manifests/" not in exchange.path:
            return False
        digest, media_type, raw = exchange.premises.storage.manifest("team/app", "1")
        changed = change(raw)
        named = f"sha256:{hashlib.sha256(changed).hexdigest()}" if told else digest
        exchange.answer(200, {"Content-Type": media_type, "Docker-Content-Digest": named}, changed)
        return True

    return tamper


def test_tampered_manifest(stocked: Actor, registry: Registry) -> None:
    registry.fault = answering(lambda raw: raw.replace(b'"size":', b'"size" :'), told=False)
    check_refused(stocked, "pull", f"{registry.host}/team/app:1", says=DAMAGED)
    registry.fault = answering(lambda raw: raw[:-10], told=False)
    check_refused(stocked, "pull", f"{registry.host}/team/app:1", says=DAMAGED)
    digest = f"sha256:{hashlib.sha256(manifest_of(registry)).hexdigest()}"
    registry.fault = answering(lambda raw: raw.replace(b'"size":', b'"size" :'), told=True)
    check_refused(stocked, "pull", f"{registry.host}/team/app@{digest}", says=DAMAGED)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>a proxy's page</html>", "scow: {...}not valid JSON{...}"),
        (b'{"schemaVersion":2,"layers":' + b"[" * 50_000, "scow: {...}nests 50001 deep, over the limit of {...}"),
        (b'{"schemaVersion":2,"config":{"mediaType":"x","digest":"../../etc","size":1}}', "scow: {...}digest{...}"),
        (b'{"schemaVersion":1,"name":"team/app","tag":"1","fsLayers":[]}', "scow: {...}schema{...}{rest}"),
        (b" " * (5 << 20), "scow: {...}over the limit{...}"),
    ],
    ids=["html", "deep", "digest", "schema1", "huge"],
)
def test_manifests_that_are_none(stocked: Actor, registry: Registry, body: bytes, says: str) -> None:
    registry.fault = answering(lambda raw: body, told=True)
    check_refused(stocked, "pull", f"{registry.host}/team/app:1", says=literally(says))


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
        'scow: Dockerfile:2: "/missing.txt": not found\n{rest}',
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
    says = literally(f"scow: '{name}': invalid reference format{{...}}")
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
    missing = literally("scow: {...}no-such-program{...}not found{...}{rest}") + "|" + literally(
        "scow: {...}no-such-program{...}no such file or directory{...}{rest}"
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


def test_a_working_directory_below_a_file(actor: Actor, busybox: Path, request: pytest.FixtureRequest) -> None:
    if actor.user is None:
        why = "runc writes its own message to the container's standard error as well: two messages"
        request.applymarker(pytest.mark.xfail(strict=True, reason=why))
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
