"""ADD from the network: files over HTTP, repositories over git's own protocol; and COPY --link."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile

import pytest
from tests.build.conftest import TIME, Kitchen
from tests.build.planning import copy_of, histories, last
from tests.build.servers import Repository, Web

from scow.build.ops import FromGit, FromUrl
from scow.errors import Denied, Integrity, Invalid, NotFound, ScowError, Unavailable, Unsupported

LAST_MODIFIED = "Tue, 01 Jan 2019 00:00:00 GMT"
MODIFIED = 1_546_300_800


def tar_of(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def test_a_file(kitchen: Kitchen, web: Web) -> None:
    url = web.put("/d/file.txt", b"content", Last_Modified=LAST_MODIFIED)
    image = kitchen.build(f"FROM scratch\nADD {url} /x/\nADD {url}?a=b /y\nADD --chown=3:4 --chmod=640 {url} /z\n")
    found = kitchen.files(image)
    assert {path: (one.mode, one.uid, one.gid, one.mtime // 10**9) for path, one in found.items() if path} == {
        "x": (0o755, 0, 0, MODIFIED), "x/file.txt": (0o600, 0, 0, MODIFIED), "y": (0o600, 0, 0, MODIFIED),
        "z": (0o640, 3, 4, MODIFIED),
    }  # fmt: skip
    assert kitchen.history(image)[0] == f"ADD {url} /x/"


def test_times_have_a_ceiling(kitchen: Kitchen, web: Web) -> None:
    url = web.put("/f", b"1", Last_Modified=LAST_MODIFIED)
    found = kitchen.files(kitchen.build(f"FROM scratch\nADD {url} /f", source_date_epoch=5))
    assert found["f"].mtime == 5 * 10**9
    bare = web.put("/bare", b"1")
    assert kitchen.files(kitchen.build(f"FROM scratch\nADD {bare} /f"))["f"].mtime == 0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("Fri, 31 Dec 9999 23:59:59 GMT", 0), ("Wed, 31 Dec 1969 23:59:59 GMT", -1), ("yesterday", 0)],
)
def test_times_that_servers_tell(kitchen: Kitchen, web: Web, header: str, seconds: int) -> None:
    url = web.put("/told", b"1", Last_Modified=header)
    image = kitchen.build(f"FROM scratch\nADD {url} /f", source_date_epoch=None)
    assert kitchen.files(image)["f"].mtime == seconds * 10**9


def test_a_name_with_signs_in_it(kitchen: Kitchen, web: Web) -> None:
    url = web.put("/a%20%5Bb%5D*", b"1")
    assert "x/a [b]*" in kitchen.files(kitchen.build(f"FROM scratch\nADD {url} /x/"))


def test_the_key_is_the_content(kitchen: Kitchen, web: Web) -> None:
    url = web.put("/keyed", b"one")
    text = f"FROM scratch\nADD {url} /f"
    first = kitchen.build(text)
    assert kitchen.build(text).id == first.id
    assert kitchen.ran == []
    web.put("/keyed", b"two")
    assert kitchen.build(text).id != first.id


def test_a_checksum_saves_the_way(kitchen: Kitchen, web: Web) -> None:
    url = web.put("/sum", b"summed")
    text = f"FROM scratch\nADD --checksum=sha256:{hashlib.sha256(b'summed').hexdigest()} {url} /f"
    kitchen.build(text)
    kitchen.build(text)
    assert web.asked == ["/sum"]
    with pytest.raises(Integrity, match=r"digest mismatch"):
        kitchen.build(f"FROM scratch\nADD --checksum=sha256:{'0' * 64} {url} /f")
    longer = hashlib.sha512(b"summed").hexdigest()
    kitchen.build(f"FROM scratch\nADD --checksum=sha512:{longer} {url} /f")


def test_unpacked_only_when_asked(kitchen: Kitchen, web: Web) -> None:
    url = web.put("/a.tgz", tar_of("inner", b"x"))
    assert set(kitchen.files(kitchen.build(f"FROM scratch\nADD {url} /"))) == {"", "a.tgz"}
    assert set(kitchen.files(kitchen.build(f"FROM scratch\nADD --unpack=true {url} /d/"))) == {"", "d", "d/inner"}


def test_redirects_and_refusals(kitchen: Kitchen, web: Web) -> None:
    url = web.put("/to", b"there")
    moved = web.put("/from", b"", 302, Location="/to")
    assert kitchen.files(kitchen.build(f"FROM scratch\nADD {moved} /f"))["f"].size == 5
    assert url.endswith("/to")
    with pytest.raises(NotFound, match="answered 404"):
        kitchen.build(f"FROM scratch\nADD {web.url}/none?token=hush /f")
    with pytest.raises(Denied, match="answered 403"):
        kitchen.build(f"FROM scratch\nADD {web.put('/no', b'', 403)} /f")
    with pytest.raises(Unavailable, match="answered 418"):
        kitchen.build(f"FROM scratch\nADD {web.put('/tea', b'', 418)} /f")


PLANNED = [
    ("ADD https://x.org/a/b.txt /c/", FromUrl("https://x.org/a/b.txt", name="b.txt"), ("*",)),
    ("ADD https://x.org/a.git /c/", FromGit("https://x.org/a.git"), (".",)),
    ("ADD --keep-git-dir https://x.org/a.git#v1:sub/dir /c/",
     FromGit("https://x.org/a.git", "v1", "sub/dir", keep_git=True), (".",)),
    ("ADD https://x.org/a.git?tag=v1&subdir=a/b&keep-git-dir&submodules=false /c/",
     FromGit("https://x.org/a.git", "refs/tags/v1", "a/b", keep_git=True, submodules=False), (".",)),
    ("ADD https://x.org/a.git?subdir=a#v1 /c/", FromGit("https://x.org/a.git", "v1", "a"), (".",)),
    ("ADD https://x.org/a.git?tag=refs/tags/v1#refs/tags/v1 /c/", FromGit("https://x.org/a.git", "refs/tags/v1"),
     (".",)),
    ("ADD https://x.org/a/b%20c%2Fd%C3%BC%5B1%5D?e=/f#g /c/",
     FromUrl("https://x.org/a/b%20c%2Fd%C3%BC%5B1%5D?e=/f#g", name="dü[1]"), ("*",)),
    ("ADD https://x.org/a/ /c/", FromUrl("https://x.org/a/", name="a"), ("*",)),
    ("ADD https://x.org /c", FromUrl("https://x.org", name="download"), ("*",)),
    ("ADD https://x.org/a.git?branch=main&commit=0123456789 /c/",
     FromGit("https://x.org/a.git", "refs/heads/main", checksum="0123456789"), (".",)),
    ("ADD git@x.org:a/b.git#main /c/", FromGit("git@x.org:a/b.git", "main"), (".",)),
    ("ADD github.com/a/b /c/", FromGit("https://github.com/a/b"), (".",)),
    ("ADD ssh://git@x.org/a /c/", FromGit("ssh://git@x.org/a"), (".",)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "origin", "sources"), PLANNED)
def test_what_is_remote(text: str, origin: object, sources: tuple[str, ...]) -> None:
    op = copy_of(last(f"FROM scratch\n{text}"))
    assert (op.origin, op.sources, op.unpack) == (origin, sources, False)


def test_local_and_remote_in_one_instruction() -> None:
    stage = last("FROM scratch\nADD a https://x.org/b <<c /d/\ntext\nc")
    assert histories(stage) == ["ADD a <<c /d/", "ADD https://x.org/b /d/"]


def test_history_has_a_repository_as_it_was_written() -> None:
    written = ("github.com/a/b", "https://x.org/a.git?subdir=d/&tag=v1", "git@x.org:a/b.git#main:/d")
    stage = last("FROM scratch\nARG H=x.org\n" + "".join(f"ADD {one.replace('x.org', '$H')} /d/\n" for one in written))
    assert histories(stage)[1:] == [f"ADD {one} /d/" for one in written]


REFUSED: list[tuple[type[ScowError], str]] = [
    (Invalid, "ADD --checksum=sha256:xx https://x.org/a /b"),
    (Invalid, f"ADD --checksum=sha256:{'0' * 64} a /b"),
    (Invalid, f"ADD --checksum=sha256:{'0' * 64} https://x.org/a https://x.org/b /c/"),
    (Invalid, "ADD https://x.org/ /b/"),
    (Invalid, "ADD https://u:p@x.org/a /b"),
    (Invalid, "ADD https://token@x.org/a.git /b"),
    (Unsupported, "ADD ftp://x.org/a /b"),
    (Unsupported, "ADD file:///x/a.git /b"),
    (Invalid, "ADD https://x.org/a.git?branch=x&tag=y /b"),
    (Invalid, "ADD https://x.org/a.git?who=x /b"),
    (Invalid, "ADD https://x.org/a.git?ref=x&ref=y /b"),
    (Invalid, "ADD https://x.org/a.git?ref=x#y /b"),
    (Invalid, "ADD https://x.org/a.git?subdir=x#:y /b"),
    (Invalid, "ADD https://x.org/a.git?branch= /b"),
    (Invalid, "ADD https://x.org/a.git?submodules=perhaps /b"),
    (Invalid, "ADD https://x.org/%2e%2e /b/"),
    (Invalid, "ADD https://x.org/a%00 /b/"),
    (Invalid, "ADD https://x.org/a.git#--upload-pack=x /b"),
    (Invalid, "ADD https://x.org/a.git#x:../y /b"),
    (Invalid, "ADD --checksum=zz https://x.org/a.git /b"),
]


@pytest.mark.parametrize(("kind", "text"), REFUSED)
def test_refusals_of_the_plan(kind: type[ScowError], text: str) -> None:
    with pytest.raises(kind, match=r"Dockerfile:2: "):
        last(f"FROM scratch\n{text}")


# -- git --------------------------------------------------------------------------------------------------------------


def test_a_repository(kitchen: Kitchen, repository: Repository) -> None:
    image = kitchen.build(f"FROM scratch\nADD {repository.url} /src")
    found = kitchen.files(image)
    assert {path: (one.kind, one.mode, one.size) for path, one in found.items() if path} == {
        "src": ("dir", 0o755, 0), "src/sub": ("dir", 0o755, 0), "src/sub/f": ("file", 0o644, 6),
        "src/run": ("file", 0o755, 10), "src/link": ("symlink", 0o777, 0),
    }  # fmt: skip
    assert {one.mtime for path, one in found.items() if path} == {TIME * 10**9}
    kitchen.build(f"FROM scratch\nADD {repository.url} /src")
    assert kitchen.ran == []


def test_a_reference_and_a_directory(kitchen: Kitchen, repository: Repository) -> None:
    first = repository.git("rev-parse", "v1^{}")
    for ref in ("v1", first, "refs/tags/v1"):
        image = kitchen.build(f"FROM scratch\nADD --checksum={first} {repository.url}#{ref}:sub /")
        assert {path: one.size for path, one in kitchen.files(image).items() if path} == {"f": 5}
    kept = kitchen.build(f"FROM scratch\nADD --keep-git-dir=true {repository.url}#main /")
    assert {".git/HEAD", "sub/f"} <= set(kitchen.files(kept))


def test_a_branch_comes_before_a_tag_of_its_name(kitchen: Kitchen, repository: Repository) -> None:
    repository.git("branch", "--force", "same", "main")
    repository.git("tag", "--force", "-a", "-m", "x", "same", "v1^{}")
    sizes = {}
    for ref in ("same", "heads/same", "tags/same", "refs/tags/same"):
        image = kitchen.build(f"FROM scratch\nADD {repository.url}#{ref}:sub /")
        sizes[ref] = kitchen.files(image)["f"].size
    assert sizes == {"same": 6, "heads/same": 6, "tags/same": 5, "refs/tags/same": 5}


def test_a_checksum_of_a_tag(kitchen: Kitchen, repository: Repository) -> None:
    tag, commit = repository.git("rev-parse", "v1"), repository.git("rev-parse", "v1^{}")
    assert tag != commit
    for checksum in (tag, commit[:8]):
        kitchen.build(f"FROM scratch\nADD --checksum={checksum} {repository.url}#v1 /")


def test_a_git_directory_that_is_kept(kitchen: Kitchen, repository: Repository) -> None:
    """It knows the tag that was asked for, and nothing of when and where it was fetched."""
    text = f"FROM scratch\nADD --keep-git-dir {repository.url}#v1 /"
    one = kitchen.build(text, use_cache=False)
    found = set(kitchen.files(one))
    assert ".git/refs/tags/v1" in found or ".git/packed-refs" in found
    assert not found & {".git/FETCH_HEAD", ".git/logs", ".git/hooks"}
    assert kitchen.build(text, use_cache=False).id == one.id
    commit = repository.git("rev-parse", "v1^{}")
    other = kitchen.build(f"FROM scratch\nADD --keep-git-dir {repository.url}#{commit} /")
    assert ".git/refs/tags/v1" not in kitchen.files(other)


@pytest.mark.parametrize(
    ("fragment", "kind"), [("#nosuch", NotFound), ("#main:nosuch", NotFound), ("-none", Unavailable)]
)
def test_repositories_that_are_not_there(
    kitchen: Kitchen, repository: Repository, fragment: str, kind: type[ScowError]
) -> None:
    with pytest.raises(kind):
        kitchen.build(f"FROM scratch\nADD {repository.url}{fragment} /")


def test_another_commit_than_promised(kitchen: Kitchen, repository: Repository) -> None:
    with pytest.raises(Integrity, match="commit mismatch"):
        kitchen.build(f"FROM scratch\nADD --checksum={'0' * 40} {repository.url}#main /")


# -- link -------------------------------------------------------------------------------------------------------------


def test_link_looks_at_nothing_below(kitchen: Kitchen) -> None:
    kitchen.file("f", "linked")
    text = "FROM busybox\nRUN mkdir /real && ln -s real /l && mkdir /dir{}\nCOPY {} f /l/f\nCOPY {} f /dir\n"
    plain = kitchen.files(kitchen.build(text.format("", "", "")))
    assert (plain["l"].kind, plain["real/f"].kind, plain["dir/f"].kind) == ("symlink", "file", "file")
    image = kitchen.build(text.format("", "--link", "--link"))
    linked = kitchen.files(image)
    assert (linked["l"].kind, linked["l/f"].kind, linked["dir"].kind) == ("dir", "file", "file")
    kitchen.build(text.format(" && echo other base > /x", "--link", "--link"))
    assert [title for title in kitchen.ran if title.startswith("COPY")] == []
    shown = kitchen.build(f'{text.format("", "--link", "--link")}RUN cat /l/f /dir && test -z "$(ls /real)" && echo ok')
    assert "ok" in kitchen.output
    assert shown.layers[:4] == image.layers


# -- security ---------------------------------------------------------------------------------------------------------


def test_insecure_when_it_is_allowed(kitchen: Kitchen) -> None:
    text = "RUN --security=insecure grep CapEff /proc/self/status\nRUN grep CapEff /proc/self/status"
    kitchen.build(text, allow=["security.insecure"])
    more, less = (int(line.split()[1], 16) for line in kitchen.output.splitlines())
    assert more > less if os.geteuid() == 0 else more >= less
