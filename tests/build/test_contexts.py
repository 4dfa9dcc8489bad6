"""Build contexts that lie elsewhere: git repositories, tars and lone Dockerfiles behind a URL; their ignore files."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from tests.build.conftest import TIME, Kitchen
from tests.build.servers import Repository, Web

from scow.build.ops import FromGit
from scow.build.remote import Commit, Git
from scow.build.sources import is_git, is_remote, is_web
from scow.build.sources import repository as parsed
from scow.engine.builds.contexts import divided, in_layout
from scow.engine.builds.request import BuildOptions
from scow.errors import Invalid, NotFound, ScowError, Unavailable
from scow.image.image import Image


def tar_of(files: dict[str, str], mode: str = "w:gz") -> bytes:
    """A tar; ``-> target`` is a link."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if content.startswith("-> "):
                member.type, member.linkname = tarfile.SYMTYPE, content.removeprefix("-> ")
            data = b"" if member.issym() else content.encode()
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return raw.getvalue()


def built(kitchen: Kitchen, where: str | Path, **options: object) -> Image:
    given: BuildOptions = {"source_date_epoch": TIME, "network": "none", **options}  # type: ignore[typeddict-item]
    return kitchen.engine.images.find(kitchen.engine.images.build(where, **given)).image


def paths(kitchen: Kitchen, image: Image) -> set[str]:
    return {path for path, one in kitchen.files(image).items() if one.kind != "dir"}


@pytest.fixture
def checkout(repository: Repository) -> Repository:
    """A repository with Dockerfiles."""
    (repository.work / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (repository.work / "sub/Dockerfile.two").write_text("FROM scratch\nCOPY f /two\n")
    (repository.work / ".dockerignore").write_text("Dockerfile\nlink\n")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--allow-empty", "-m", "files")
    return repository


def test_a_repository_of_a_server_and_of_this_machine(kitchen: Kitchen, checkout: Repository, tmp_path: Path) -> None:
    image = built(kitchen, f"{checkout.url}#main")
    assert paths(kitchen, image) == {".dockerignore", "sub/Dockerfile.two", "sub/f", "run"}
    bare = tmp_path / "bare.git"
    checkout.git("clone", "--quiet", "--bare", ".", str(bare))
    assert built(kitchen, f"file://{bare}#main").id == image.id
    assert built(kitchen, f"file://{bare}?branch=main").id == image.id
    two = built(kitchen, f"file://{bare}#main:sub", dockerfile="Dockerfile.two")
    assert paths(kitchen, two) == {"two"}
    kept = built(kitchen, f"file://{bare}?keep-git-dir=1&branch=main")
    assert ".git/HEAD" in paths(kitchen, kept)
    asked = {"BUILDKIT_CONTEXT_KEEP_GIT_DIR": "1"}
    assert ".git/HEAD" in paths(kitchen, built(kitchen, f"file://{bare}#main", build_args=asked))
    with pytest.raises(NotFound):
        built(kitchen, f"file://{bare}#main:nothing")
    assert not list((kitchen.engine.root / "ingest").glob("build-*"))


def test_a_repository_elsewhere_brings_nothing_of_this_machine(
    kitchen: Kitchen, checkout: Repository, tmp_path: Path
) -> None:
    """A submodule may name a repository by ``file://``: the caller's own ones (CVE-2022-39253)."""
    private = tmp_path / "private.git"
    checkout.git("clone", "--quiet", "--bare", ".", str(private))
    theirs = Repository(checkout.url.replace("/work", "/theirs"), checkout.work.parent / "theirs")
    checkout.git("clone", "--quiet", ".", str(theirs.work))
    theirs.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", f"file://{private}", "taken")
    theirs.git("commit", "--quiet", "-m", "a submodule")
    with pytest.raises(Unavailable, match="git submodule failed"):
        built(kitchen, f"{theirs.url}#main")
    assert "taken/sub/f" in paths(kitchen, built(kitchen, f"file://{theirs.work}/.git#main"))


def test_a_reference_is_no_option(checkout: Repository, tmp_path: Path) -> None:
    """A Dockerfile names it, and the server that lacks the commit behind it is asked for it by that name."""
    origin = FromGit(f"file://{checkout.work}/.git", ref=f"--upload-pack=touch {tmp_path}/ran; git-upload-pack")
    with pytest.raises(Unavailable):
        Git(tmp_path, protocols=("file",)).checkout(origin, Commit("0" * 40, ""), tmp_path / "files")
    assert not (tmp_path / "ran").exists()


def test_a_look_at_the_time_runs_nothing_of_the_repository(kitchen: Kitchen, tmp_path: Path) -> None:
    """What is missing of a partial clone git fetches by programs that the repository's own config names."""
    work = tmp_path / "work"
    work.mkdir()
    theirs = Repository("", work)
    theirs.git("init", "--quiet")
    (work / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    theirs.git("add", "Dockerfile")
    theirs.git("commit", "--quiet", "-m", "one")
    commit = theirs.git("rev-parse", "HEAD")
    (work / ".git/objects" / commit[:2] / commit[2:]).unlink()
    for name, value in (
        ("core.repositoryformatversion", "1"), ("extensions.partialClone", "origin"),
        ("remote.origin.url", f"file://{work}"), ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", f"touch {tmp_path}/ran; git-upload-pack"),
    ):  # fmt: skip
        theirs.git("config", name, value)
    with pytest.raises(Invalid, match="no commit to take the time of"):
        built(kitchen, work, source_date_epoch="context")
    assert not (tmp_path / "ran").exists()


def test_the_time_of_the_commit(kitchen: Kitchen, checkout: Repository, tmp_path: Path) -> None:
    when = int(checkout.git("log", "-1", "--format=%ct"))
    image = built(kitchen, checkout.work, source_date_epoch="context")
    assert {one.mtime for path, one in kitchen.files(image).items() if path} == {when * 10**9}
    bare = tmp_path / "bare.git"
    checkout.git("clone", "--quiet", "--bare", ".", str(bare))
    there = built(kitchen, f"file://{bare}", source_date_epoch="context")
    assert there.config.created == image.config.created
    kitchen.file("Dockerfile", "FROM scratch\nCOPY . /\n")
    with pytest.raises(Invalid, match="no commit to take the time of"):
        built(kitchen, kitchen.context, source_date_epoch="context")


def test_a_tar_and_a_lone_dockerfile(kitchen: Kitchen, web: Web) -> None:
    files = {"Dockerfile": "FROM scratch\nCOPY . /\n", "a/b": "x", ".dockerignore": "Dockerfile\n.dockerignore"}
    image = built(kitchen, web.put("/c.tgz", tar_of(files)))
    assert paths(kitchen, image) == {"a/b"}
    assert built(kitchen, web.put("/c", tar_of(files, "w"))).id == image.id
    other = built(kitchen, web.put("/o.tar", tar_of({"d/F": "FROM scratch\nCOPY d /\n"}, "w")), dockerfile="d/F")
    assert paths(kitchen, other) == {"F"}
    alone = built(kitchen, web.put("/Dockerfile", b"FROM scratch\nCOPY <<f /\nhi\nf\n"))
    assert paths(kitchen, alone) == {"f"}


@pytest.mark.parametrize(
    "files",
    [
        {"Dockerfile": "-> /etc/passwd"},
        {"Dockerfile": "FROM scratch\n", ".dockerignore": "-> ../../../etc/passwd"},
        {"../Dockerfile": "FROM scratch\n"},
    ],
)
def test_nothing_outside_is_read(kitchen: Kitchen, web: Web, files: dict[str, str]) -> None:
    with pytest.raises(ScowError):
        built(kitchen, web.put("/bad.tar", tar_of(files)))


def test_named_contexts_from_elsewhere(kitchen: Kitchen, web: Web, checkout: Repository) -> None:
    url = web.put("/n.tgz", tar_of({"inner": "x"}))
    text = "FROM scratch\nCOPY --from=web inner /a\nCOPY --from=code sub/f /b\n"
    image = kitchen.build(text, build_contexts={"web": url, "code": f"{checkout.url}#main"})
    assert paths(kitchen, image) == {"a", "b"}
    with pytest.raises(Invalid, match="a named context is a directory"):
        kitchen.build(text, build_contexts={"web": web.put("/lone", b"FROM scratch"), "code": f"{checkout.url}#main"})


def test_a_contexts_name_is_the_shortest_of_its_image() -> None:
    given = {
        "docker.io/library/a:latest": "docker-image://b", "c:1": "/c", "data": "/d", "none": "docker-image://scratch",
        "scratch": "/e", "context": "/f",
    }  # fmt: skip
    names, directories = divided(given, Path)
    assert names == {"a": "docker.io/library/b:latest", "c:1": None, "data": None, "none": "scratch"}
    assert directories == {"c:1": Path("/c"), "data": Path("/d")}


@pytest.mark.parametrize("name", ["Data", "a::linux/arm64", "a b"])
def test_a_contexts_name_could_be_an_images(name: str) -> None:
    with pytest.raises(Invalid, match=f"invalid context name {name}: invalid reference format"):
        divided({name: "/d"}, Path)


def test_a_stage_that_is_a_directory(kitchen: Kitchen, tmp_path: Path) -> None:
    """Its own name, or that of its image; what stands on it has its files, as on scratch."""
    (tmp_path / "given").mkdir()
    (tmp_path / "given/g").write_text("given")
    kitchen.file("f", "main")
    given = {"build_contexts": {"dir": str(tmp_path / "given")}}
    on = kitchen.build("FROM dir AS a\nENV A=1\nFROM a\nCOPY f /\n", **given)
    assert set(kitchen.files(on)) == {"", "f", "g"}
    assert kitchen.history(on) == ["COPY --from=dir . /", "ENV A=1", "COPY f /"]
    instead = kitchen.build("FROM nowhere AS dir\nRUN no\nFROM dir\nCOPY --from=0 g /h\n", **given)
    assert set(kitchen.files(instead)) == {"", "g", "h"}
    assert set(kitchen.files(kitchen.build("FROM nowhere AS dir\nRUN no\n", **given))) == {"", "g"}


def test_an_image_of_a_layout(kitchen: Kitchen, tmp_path: Path) -> None:
    """By its tag, whether a layout's names are tags or whole; a lone one is the latest."""
    where, images = f"oci-layout://{tmp_path}/layout", kitchen.engine.images
    one = kitchen.build("FROM scratch\nENV A=1", tags=["one:1"]).descriptor.digest
    images.lay_out(["one:1"], tmp_path / "layout")
    assert {in_layout(f"{where}{tag}")[1].digest for tag in ("", ":1", ":latest", f"@{one}")} == {one}
    images.lay_out(["busybox"], tmp_path / "layout")
    assert in_layout(f"{where}:1")[1].digest == one
    assert in_layout(where)[1].digest == images.find("busybox").image.descriptor.digest
    with pytest.raises(NotFound, match="no '2'"):
        in_layout(f"{where}:2")


def test_what_is_where() -> None:
    assert parsed("github.com/a/b#v1:c") == FromGit("https://github.com/a/b", "v1", "c")
    for text in ("a/b.git", "./x", "/x", "C:x", "."):
        assert not is_remote(text)
    assert is_git("https://h/x.git") and is_git("https://h/x.git#main") and is_git("https://h/x.git?tag=1")
    assert is_web("https://h/x") and not is_web("https://h/x.git") and is_web("HTTP://h/x.tar.gz")


def test_an_ignore_file_of_the_dockerfiles_own(kitchen: Kitchen) -> None:
    kitchen.file("a", "1")
    kitchen.file("b", "1")
    kitchen.file(".dockerignore", "a\n")
    kitchen.file("File", "FROM scratch\nCOPY . /\n")
    kitchen.file("File.dockerignore", "b\nFile*\n.docker*\n")
    assert paths(kitchen, built(kitchen, kitchen.context, dockerfile=kitchen.context / "File")) == {"a"}


def test_a_few_hex_digits_are_a_name(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so many as docker shows of an id are that image."""

    def pull(self: object, name: str, **rest: object) -> None:
        raise NotFound(f"asked for {name}")

    monkeypatch.setattr(type(kitchen.engine.images), "pull", pull)
    base = kitchen.build("ENV A=1").id.hex
    with pytest.raises(NotFound, match=f"asked for {base[:8]}"):
        kitchen.build(f"FROM {base[:8]}\nENV B=1")
    assert "B=1" in (kitchen.build(f"FROM {base[:12]}\nENV B=1").config.process.env or ())
