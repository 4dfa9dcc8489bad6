"""Dockerfiles that docker and scow must build alike, with their contexts."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field


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

        def add(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o640, link: str = "", owner: int = 0) -> None:
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.linkname, member.uid, member.gid = kind, mode, link, owner, owner
            content = name.encode() if kind == tarfile.REGTYPE else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))

        add("packed", tarfile.DIRTYPE, 0o750, owner=1000)
        add("packed/file", owner=1000)
        add("packed/setuid", mode=0o4755)
        add("packed/soft", tarfile.SYMTYPE, 0o777, "file")
        add("packed/hard", tarfile.LNKTYPE, link="packed/file", owner=1000)
        add("new/deeper/without-parents", owner=7)
    return output.getvalue()


def slashes() -> bytes:
    """An archive whose names end in slashes: of a file's type, and of the one that was a file's before 1988."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for name, kind, content in (("file/", b"0", b"abc"), ("empty/", b"0", b""), ("old/d/", b"\0", b"")):
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.size = kind, 0o750, len(content)
            archive.addfile(member, io.BytesIO(content))
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
VOLUME /data /more
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
        'FROM before:1\nENTRYPOINT ["/bin/true"]\nHEALTHCHECK NONE\nLABEL b=2\n'
        "ENV B=2\nEXPOSE 2\nVOLUME /two\nCMD []\n",
        before=(
            'FROM base:1\nCMD ["kept?"]\nHEALTHCHECK CMD true\nLABEL a=1 b=1\nENV A=1 B=1\nEXPOSE 1\nVOLUME /one\n'
            'USER nobody\nWORKDIR /srv\nSTOPSIGNAL 9\nSHELL ["/bin/ash", "-c"]\n'
        ),
    ),
    "entrypoint-drops-cmd": Case('FROM before:1\nENTRYPOINT ["/bin/echo"]\n', before='FROM base:1\nCMD ["gone"]\n'),
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
LABEL a=$A d=${D:+replaced} e="${NOTHING}"
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
RUN (id -un; id -G | tr ' ' '\\n' | sort -un) > /tmp/id && touch /tmp/owned
USER 0
WORKDIR /made/later
RUN pwd > where \\
    # a comment in between
    && echo done >> where
RUN echo "$PATH" > /path
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
RUN echo 'split:x:1500:1600::/:/bin/sh' >> /etc/passwd
COPY --chown=split one.txt /split
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
            "other/below/deeper": "gone",
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
            **TREE,
            "packed.tar.gz": tar_gz(),
            "not-named-so": tar_gz("w"),
            "packed.tar.xz": tar_gz("w:xz"),
            "packed.tar.bz2": tar_gz("w:bz2"),
            "broken.tar.gz": "not an archive at all",
        },
    ),
    "onbuild": Case(
        "FROM before:1\nRUN cat /triggered > /tmp/after\nENV E=2\n",
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
    "scratch": Case('FROM scratch\nCOPY one.txt /\nCOPY dir /a/b/\nWORKDIR /c\nCMD ["/one.txt"]\n', files=TREE),
}
