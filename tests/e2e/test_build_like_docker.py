"""Dockerfiles built by dockerd (BuildKit) and by scow over the same base: equal files, configs and histories.

Times are not compared: scow's are the base image's (docs/differences.md). Nor is what dockerd puts into a container
before it starts (``/.dockerenv``, ``/etc/hosts`` …), which its export shows.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.actors import Actor
from tests.support.containers import Tool
from tests.support.daemons import Docker
from tests.support.trees import Record, difference, snapshot_tar, snapshot_tree, umoci_unpack

pytestmark = [pytest.mark.peers, pytest.mark.slow, pytest.mark.xdist_group("build_like_docker")]

FIELDS = (
    "Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Labels", "ExposedPorts", "Volumes", "Healthcheck", "Shell",
    "OnBuild", "StopSignal",
)  # fmt: skip
#: what dockerd makes in a container that was only created
DOCKERS = (b"dev", b"proc", b"sys", b"etc/hosts", b"etc/hostname", b"etc/resolv.conf", b"etc/mtab", b".dockerenv")


@dataclass(frozen=True)
class Case:
    """A Dockerfile, more files of the context (text, bytes, ``(text, mode)``, or ``-> target`` for a link), options.

    ``before`` is a Dockerfile whose image ``before:1`` the other one starts from. ``apart`` names fields that differ
    on purpose.
    """

    dockerfile: str
    files: Mapping[str, str | bytes | tuple[str, int]] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    before: str = ""
    apart: tuple[str, ...] = ()


def tar_gz(mode: str = "w:gz") -> bytes:
    """An archive with owners, modes, links and a file with a second name."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode=mode) as archive:  # type: ignore[call-overload]

        def add(name: str, kind: bytes = tarfile.REGTYPE, permissions: int = 0o640, link: str = "", owner: int = 0) -> None:
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.linkname, member.uid, member.gid = kind, permissions, link, owner, owner
            content = name.encode() if kind == tarfile.REGTYPE else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))

        add("packed", tarfile.DIRTYPE, 0o750, owner=1000)
        add("packed/file", owner=1000)
        add("packed/setuid", permissions=0o4755)
        add("packed/soft", tarfile.SYMTYPE, 0o777, "file")
        add("packed/hard", tarfile.LNKTYPE, link="packed/file")
        add("new/deeper/without-parents", owner=7)
    return output.getvalue()


TREE: dict[str, str | bytes | tuple[str, int]] = {
    "one.txt": "one",
    "two.txt": "two",
    "run.sh": ("#!/bin/sh\necho run\n", 0o755),
    "odd name.txt": "odd",
    "dir/a.txt": "a",
    "dir/b.log": "b",
    "dir/sub/c.txt": ("c", 0o600),
    "dir/sub/link": "-> ../a.txt",
    "dir/empty/.keep": "",
    "other/a.txt": "another a",
    "top-link": "-> dir",
}

CASES: dict[str, Case] = {
    "metadata": Case(
        """\
FROM base:1
MAINTAINER somebody <some@example.org>
ENV ONE=1 TWO="two words" THREE='single $ONE' FOUR=${ONE}-${MISSING:-default}-${ONE:+set}
ENV OLD style with spaces
ENV ONE=changed NEXT=$ONE
LABEL a=b "c d"="e f" multi="line one \\
line two"
EXPOSE 80 443/tcp 53/udp 7000-7002
VOLUME /data "/with space"
VOLUME ["/json", "/array"]
USER app
WORKDIR /home/app
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=1m30s --timeout=3s --start-period=5s --retries=2 CMD ["true", "arg"]
SHELL ["/bin/sh", "-ec"]
ENTRYPOINT exec top -b
CMD ["a", "b c"]
"""
    ),
    "shell-forms": Case(
        'FROM base:1\nCMD echo "$HOME" && true\nENTRYPOINT ["/bin/echo"]\nCMD still here\nHEALTHCHECK CMD exit 0\n'
    ),
    "reset": Case(
        "FROM before:1\nENTRYPOINT [\"/bin/true\"]\nHEALTHCHECK NONE\nLABEL b=2\nENV B=2\nEXPOSE 2\nVOLUME /two\nCMD []\n",
        before=(
            "FROM base:1\nCMD [\"kept?\"]\nHEALTHCHECK CMD true\nLABEL a=1 b=1\nENV A=1 B=1\nEXPOSE 1\nVOLUME /one\n"
            "USER nobody\nWORKDIR /srv\nSTOPSIGNAL 9\nSHELL [\"/bin/ash\", \"-c\"]\n"
        ),
    ),
    "entrypoint-drops-cmd": Case("FROM before:1\nENTRYPOINT [\"/bin/echo\"]\n", before="FROM base:1\nCMD [\"gone\"]\n"),
    "arguments": Case(
        """\
ARG TAG=1
ARG OUTSIDE=outside
FROM base:${TAG} AS one
ARG OUTSIDE
ARG A=default-a
ARG B
ARG C=${A}-c
ENV C=env-c
RUN echo "$OUTSIDE $A $B $C" > /one
FROM one AS two
RUN echo "inherited: $A" > /two
FROM base:1
COPY --from=two /one /two /
ARG A
ARG D=unused
RUN echo "A=$A OUTSIDE=$OUTSIDE" > /three; env | grep -c '^D=unused' > /four
LABEL a=$A d=${D%used} e=${D#un}
""",
        options=("--build-arg", "A=given", "--build-arg", "B=b", "--build-arg", "TAG=1"),
    ),
    "run": Case(
        """\
FROM base:1
RUN mkdir -p /made/deep && echo text > /made/deep/file && chmod 4750 /made/deep/file && chown 1000:2000 /made
RUN ["/bin/sh", "-c", "echo exec form > '/exec form'"]
RUN rm /bin/zcat && rm -r /home/app && mkdir /home/app && touch /home/app/again
RUN ln -s /made /link && ln /made/deep/file /hard && mkfifo /fifo && mknod /tmp/node c 1 3
USER app:extra
RUN id > /tmp/id && touch /tmp/owned
USER 0
WORKDIR /made/later
RUN pwd > where \\
    # a comment in between
    && echo done >> where
RUN <<EOF
set -e
echo heredoc > /heredoc
echo "$PATH" >> /heredoc
EOF
RUN umask > /umask; grep -c CapEff /proc/self/status > /caps
"""
    ),
    "workdir": Case(
        """\
FROM base:1
WORKDIR relative
WORKDIR below/../beside
ENV DIR=/by/variable
WORKDIR $DIR/here
RUN pwd > /pwd
USER app
WORKDIR /as/app
WORKDIR /tmp
RUN mkdir mine
WORKDIR mine
"""
    ),
    "copy": Case(
        """\
FROM base:1
COPY one.txt /plain
COPY one.txt /into/
COPY one.txt two.txt /several/
COPY dir /contents
COPY dir/ /contents-too/
COPY dir/sub /new/deep/place
COPY ["odd name.txt", "/odd target.txt"]
COPY *.txt /wild/
COPY dir/?.* /question/
COPY d*r/s* /wild-directories/
WORKDIR /work
COPY one.txt relative.txt
COPY two.txt .
COPY run.sh ./
COPY other /contents/
COPY dir/sub/link /links/
COPY top-link /followed
COPY . /all/
COPY one.txt /bin
""",
        files=TREE,
    ),
    "copy-owners": Case(
        """\
FROM base:1
COPY --chown=app:extra one.txt /named
COPY --chown=app dir /made/by/app
COPY --chown=1234 one.txt /number
COPY --chown=5:6 dir/sub /both/
COPY --chown=nobody:2000 run.sh /home/app/
COPY --chmod=640 run.sh /mode
COPY --chmod=0711 --chown=1:1 dir /mode-directory
USER app
COPY one.txt /still-root
ADD --chown=app:app two.txt /added/
""",
        files=TREE,
    ),
    "copy-from": Case(
        """\
FROM base:1 AS first
RUN mkdir -p /out/dir && echo 1 > /out/one && echo 2 > /out/dir/two && ln -s dir /out/link && chown -R 1000 /out \\
    && chmod 700 /out/dir && ln /out/one /out/hard
FROM scratch AS second
COPY --from=first /out /from-first
COPY --from=0 /out/one /by-number
FROM base:1
COPY --from=second / /second/
COPY --from=first /out/link /link/
COPY --from=first /out/o* /wild/
COPY --from=base:1 /etc/passwd /passwd
COPY --from=first --chown=nobody /out/dir /chowned
"""
    ),
    "dockerignore": Case(
        "FROM base:1\nCOPY . /context/\nCOPY dir /dir/\n",
        files={
            **TREE,
            ".dockerignore": (
                "# a comment\n*.log\n**/*.log\n/dir/sub\n!dir/sub/c.txt\nother/\n!other/a.txt\n"
                "Dockerfile\n  two.txt  \n**/deep/**\n!**/deep/keep\n"
            ),
            "x/deep/keep": "kept",
            "x/deep/gone": "gone",
            "x/y.log": "gone",
        },
    ),
    "add": Case(
        """\
FROM base:1
ADD packed.tar.gz /unpacked/
ADD not-named-so /by-content
ADD packed.tar.xz packed.tar.bz2 one.txt /three/
ADD one.txt /plain
ADD dir /dir
COPY packed.tar.gz /copied/
ADD broken.tar.gz /broken
""",
        files={
            **TREE, "packed.tar.gz": tar_gz(), "not-named-so": tar_gz("w"), "packed.tar.xz": tar_gz("w:xz"),
            "packed.tar.bz2": tar_gz("w:bz2"), "broken.tar.gz": "not an archive at all",
        },
    ),
    "onbuild": Case(
        "FROM before:1\nRUN cat /triggered > /after\nENV E=2\n",
        files=TREE,
        before=(
            "FROM base:1\nONBUILD COPY one.txt /triggered\nONBUILD RUN echo ran >> /triggered\nONBUILD ENV E=1 F=1\n"
            "ONBUILD USER app\nRUN test ! -e /triggered\n"
        ),
    ),
    "onbuild-is-kept": Case("FROM base:1\nONBUILD RUN echo later\nONBUILD  COPY   a   /b\n"),
    "target": Case(
        """\
FROM base:1 AS one
RUN echo one > /one
FROM one AS Wanted
RUN echo wanted > /wanted
ENV STAGE=wanted
FROM base:1 AS never
RUN exit 1
""",
        options=("--target", "wanted"),
    ),
    "escape": Case("# escape=`\nFROM base:1\nRUN echo one `\n  two > /file\nENV PATH_LIKE=C:\\dir\\file\n"),
    "heredocs": Case(
        """\
# syntax=docker/dockerfile:1
FROM base:1
ARG NAME=world
COPY <<first.txt <<"second.txt" /docs/
hello $NAME
first.txt
raw $NAME
second.txt
COPY --chmod=755 <<-EOF /bin/indented
	#!/bin/sh
		echo hi
	EOF
RUN /bin/indented > /said
"""
    ),
    "existing-paths": Case(
        """\
FROM base:1
RUN mkdir -m 700 /kept && chown 1000:1000 /kept && mkdir -p /real/inside && ln -s /real /symlink \\
    && ln -s inside /real/in
COPY one.txt /kept/
COPY dir /kept/more
COPY one.txt /symlink/
COPY two.txt /symlink/in/
COPY dir/sub /symlink
COPY one.txt /etc/passwd
COPY dir /
""",
        files=TREE,
    ),
    "scratch": Case("FROM scratch\nCOPY one.txt /\nCOPY dir /a/b/\nWORKDIR /c\nCMD [\"/one.txt\"]\n", files=TREE),
}


def write_context(directory: Path, case: Case) -> None:
    """The files of a case, and its Dockerfile."""
    directory.mkdir()
    (directory / "Dockerfile").write_text(case.dockerfile)
    for name, given in case.files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content, mode = given if isinstance(given, tuple) else (given, 0o644)
        if isinstance(content, str) and content.startswith("-> "):
            path.symlink_to(content.removeprefix("-> "))
            continue
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory, docker: Docker, busybox_tar: Path) -> Actor:
    """A store, and a dockerd, with the same ``base:1``."""
    actor = Actor(tmp_path_factory.mktemp("builder"))
    actor("import", "-c", "ENV PATH=/bin:/sbin", "-c", 'CMD ["sh"]', str(busybox_tar), "base:1").ok()
    docker("load", stdin=actor("save", "base:1").ok().output)
    return actor


def by_scow(actor: Actor, context: Path, name: str, *options: str) -> None:
    """Build with scow."""
    actor("build", "-q", "-t", name, *options, str(context)).ok()


def by_docker(docker: Docker, context: Path, name: str, *options: str) -> None:
    """Build with BuildKit; no network, as dockerd has no bridge here."""
    docker("build", "-q", "--network", "none", "-t", name, *options, str(context))


def files_by_scow(actor: Actor, skopeo: Tool, name: str, directory: Path) -> dict[bytes, Record]:
    """What the image's layers hold: read in place by skopeo, unpacked by umoci."""
    skopeo("copy", f"oci:{actor.store}:{name}", f"oci:{directory}/layout:it")
    return without_dockers(snapshot_tree(umoci_unpack(directory / "layout", "it", directory / "bundle")))


def files_by_docker(docker: Docker, name: str, directory: Path) -> dict[bytes, Record]:
    """What the image holds, from a container that was never started."""
    container = docker("create", name, "nothing").strip()
    path = directory / "docker.tar"
    docker("export", "-o", str(path), container)
    docker("rm", "-v", container)
    return without_dockers(snapshot_tar(path))


def without_dockers(tree: Mapping[bytes, Record]) -> dict[bytes, Record]:
    """The tree without what dockerd makes; ``etc`` it makes for that, where an image has none."""
    bare = b"etc/passwd" not in tree
    tops = (*DOCKERS, b".", *((b"etc",) if bare else ()))
    return {
        path: record
        for path, record in tree.items()
        if not any(path == top or path.startswith(top + b"/") for top in tops)
    }


def config_by_docker(docker: Docker, name: str, directory: Path) -> dict[str, Any]:
    """The image's config document, from ``docker save``."""
    path = directory / "saved.tar"
    docker("save", "-o", str(path), name)
    with tarfile.open(path) as archive:

        def read(member: str) -> Any:
            stream = archive.extractfile(member)
            assert stream is not None
            return json.load(stream)

        document: dict[str, Any] = read(read("manifest.json")[0]["Config"])
    return document


def config_by_scow(actor: Actor, skopeo: Tool, name: str) -> dict[str, Any]:
    """The image's config document, read in place by skopeo."""
    document: dict[str, Any] = json.loads(skopeo("inspect", "--config", "--raw", f"oci:{actor.store}:{name}"))
    return document


def process_of(config: dict[str, Any], apart: tuple[str, ...]) -> dict[str, Any]:
    """The fields that a container gets to know; empty and missing are the same."""
    process = config.get("config") or {}
    return {name: process[name] for name in FIELDS if process.get(name) and name not in apart}


def pattern_of(config: dict[str, Any]) -> list[tuple[str, bool]]:
    """Of each step of history: the instruction, and whether it brought no layer."""
    steps = [(step.get("created_by", ""), bool(step.get("empty_layer"))) for step in config["history"]]
    return [(text.replace("/bin/sh -c #(nop) ", "").split(" ")[0], empty) for text, empty in steps]


@pytest.mark.parametrize("name", CASES)
def test_builds_like_docker(builder: Actor, docker: Docker, skopeo: Tool, name: str, tmp_path: Path) -> None:
    case = CASES[name]
    if case.before:
        write_context(tmp_path / "before", Case(case.before))
        by_docker(docker, tmp_path / "before", "before:1")
        by_scow(builder, tmp_path / "before", "before:1")
    write_context(tmp_path / "context", case)
    by_docker(docker, tmp_path / "context", f"{name}:1", *case.options)
    by_scow(builder, tmp_path / "context", f"{name}:1", *case.options)

    theirs, ours = config_by_docker(docker, f"{name}:1", tmp_path), config_by_scow(builder, skopeo, f"{name}:1")
    lines = difference(
        files_by_scow(builder, skopeo, f"{name}:1", tmp_path), files_by_docker(docker, f"{name}:1", tmp_path),
        ignore=["mtime_ns", "xattrs"],
    )  # fmt: skip
    assert not lines, "\n".join(lines[:50])
    assert process_of(ours, case.apart) == process_of(theirs, case.apart)
    assert ours.get("author") == theirs.get("author")
    assert pattern_of(ours) == pattern_of(theirs)
    assert sum(not empty for _, empty in pattern_of(ours)) == len(ours["rootfs"]["diff_ids"])


def test_unchanged_builds_hit_the_cache(builder: Actor, tmp_path: Path) -> None:
    """What the twins above cannot show: the second build is the cache's, and a touched file does not miss it."""
    write_context(tmp_path / "context", CASES["copy"])
    by_scow(builder, tmp_path / "context", "cached:1")
    os.utime(tmp_path / "context/one.txt")
    again = builder("build", "-t", "cached:2", str(tmp_path / "context")).ok()
    ids = [builder("inspect", "-f", "{{.Id}}", f"cached:{tag}").ok().stdout for tag in (1, 2)]
    assert ids[0] == ids[1]
    steps = [line for line in CASES["copy"].dockerfile.splitlines() if line.startswith(("COPY", "WORKDIR"))]
    assert (again.stdout + again.stderr).count("CACHED") == len(steps)
