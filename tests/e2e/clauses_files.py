"""Files, clause by clause: COPY, ADD, RUN and its mounts, layers. A case without FROM begins ``FROM base:1``."""
# ruff: noqa: E501 - a case is a line

from __future__ import annotations

from tests.e2e.dockerfiles import slashes

_OUT = (
    "FROM base:1 AS out\nRUN mkdir -p /o/d/e && cd /o && echo 1 > f && echo 2 > d/g && ln -s d l && ln -s /o/f abs"
    " && ln f hard && chown -R 5:6 d && chmod 2751 d && chmod 4755 f && ln -s nowhere dangling\n"
)

COPY = {
    "copy-file-to-file": "COPY one.txt /a",
    "copy-file-to-new-directory": "COPY one.txt /a/b/c/",
    "copy-file-to-new-path": "COPY one.txt /a/b/c",
    "copy-file-to-directory": "COPY one.txt /etc",
    "copy-file-over-file": "COPY one.txt /etc/passwd\nCOPY two.txt /etc/passwd",
    "copy-two-to-directory": "COPY one.txt two.txt /x/\nCOPY one.txt two.txt ./",
    "copy-directory-contents": "COPY dir /x\nCOPY dir/ /y/\nCOPY dir/. /z",
    "copy-directory-over-directory": "COPY dir /x\nCOPY other /x",
    "copy-two-directories": "COPY dir other /x/",
    "copy-directory-and-file": "COPY dir one.txt /x/",
    "copy-root": "COPY . /x",
    "copy-root-slash": "COPY / /x/",
    "copy-dotdot": "COPY ../one.txt dir/../two.txt /x/",
    "copy-absolute": "COPY /one.txt /dir/a.txt /x/",
    "copy-wild": "COPY *.txt /x/\nCOPY d* /y/\nCOPY dir/[ab].* /z/",
    "copy-wild-question": "COPY ???.txt /x/\nCOPY dir/?.log /y/",
    "copy-wild-directories": "COPY */a.txt /x/\nCOPY dir/*/c.txt /y/",
    "copy-wild-class": "COPY [o-t]*.txt /x/\nCOPY [^o]*.txt /y/",
    "copy-wild-one-match-to-file": "COPY on*.txt /x\nCOPY r*.sh /bin/r",
    "copy-wild-escaped": "COPY star\\*.md /x/",
    "copy-escaped-letter": "# escape=`\nFROM base:1\nCOPY dir\\a.txt /x",
    "copy-json": 'COPY ["odd name.txt", "/odd name/"]\nCOPY ["one.txt", "two.txt", "/x/"]',
    "copy-relative-target": "WORKDIR /w/x\nCOPY one.txt a\nCOPY one.txt ./b/\nCOPY one.txt ../c\nCOPY one.txt .",
    "copy-symlink": "COPY top-link /x\nCOPY dir/sub/link /y",
    "copy-symlink-in-directory": "COPY dir/sub /x",
    "copy-through-symlink": "COPY top-link/a.txt /x",
    "copy-to-symlinked-directory": "RUN mkdir /real && ln -s /real /l\nCOPY one.txt /l/\nCOPY dir /l\nCOPY one.txt /l/new/x",
    "copy-to-relative-symlink": "RUN mkdir -p /a/real && ln -s real /a/l\nCOPY one.txt /a/l/\nCOPY dir /a/l",
    "copy-over-symlink": "RUN ln -s /etc/passwd /l && ln -s nowhere /m\nCOPY one.txt /l\nCOPY one.txt /m",
    "copy-over-symlink-in-directory": "RUN mkdir /x && ln -s /etc/passwd /x/a.txt\nCOPY dir /x",
    "copy-modes": "COPY run.sh dir/sub/c.txt /x/\nCOPY modes /y",
    "copy-keeps-target-mode": "RUN mkdir -m 2770 /x && chown 5:6 /x\nCOPY dir /x/\nCOPY one.txt /x/",
    "copy-keeps-target-directories-mode": "RUN mkdir -p -m 700 /x/sub && chown 5:6 /x/sub\nCOPY dir /x/",
    "copy-chown-forms": (
        "COPY --chown=app one.txt /1\nCOPY --chown=app:extra one.txt /2\nCOPY --chown=7 one.txt /3\n"
        "COPY --chown=7:8 one.txt /4\nCOPY --chown=0:extra one.txt /5\nCOPY --chown=root:9 one.txt /6"
    ),
    "copy-chown-half": "COPY --chown=:5 one.txt /1",  # of 5: newer versions have the number twice
    "copy-chown-root-of-scratch": "FROM scratch\nCOPY --chown=root:root one.txt /1\nCOPY --chown=5:root one.txt /2",
    "copy-chown-makes-parents": "COPY --chown=5:6 one.txt /a/b/c\nCOPY --chown=7:8 dir /a/d/e",
    "copy-chown-new-user": "RUN echo 'n:x:77:88::/:/bin/sh' >> /etc/passwd\nCOPY --chown=n:extra one.txt /x",
    "copy-chown-user-instruction": "USER app\nCOPY one.txt /1\nCOPY dir /2",
    "copy-chmod": "COPY --chmod=0600 one.txt /1\nCOPY --chmod=755 dir /2\nCOPY --chmod=711 run.sh /3/",
    "copy-chmod-and-chown": "COPY --chmod=600 --chown=5:6 dir /x/y",
    "copy-missing": "COPY nothing /x",
    "copy-wild-nothing": "COPY nothing* one.txt /x/",
    "copy-file-over-directory": "COPY one.txt /etc/\nCOPY one.txt /home",
    "copy-directory-over-file": "COPY one.txt /x\nCOPY dir /x",
    "copy-ignored": "COPY hidden.log /x",
    "copy-ignored-exception": "COPY ignored /x",
    "copy-unicode": "COPY ünï.txt /ünï/\nCOPY ünï.txt /x",
    "copy-empty-directory": "COPY empty /x\nCOPY empty /y/z/",
    "copy-deep": "COPY deep /x\nCOPY deep/1/2/3 /y",
    "copy-hard-links": "COPY hard /x\nCOPY hard/a hard/b /y/",
    "copy-hard-links-and-more": "COPY hard again /x/\nCOPY again hard /y/\nCOPY order /z",
    "copy-two-without-slash": "RUN mkdir /x\nCOPY one.txt two.txt /x\nCOPY one.txt two.txt /new\nCOPY dir one.txt /both",
    "copy-below-a-file": "COPY one.txt /x\nCOPY one.txt /x/y",
    "copy-directory-below-a-file": "COPY one.txt /x\nCOPY dir /x/y/z/",
    "copy-two-over-a-file": "COPY one.txt dir /x",
    "copy-into-setgid": (
        "RUN mkdir /x && chown 5:6 /x && chmod 2775 /x\nCOPY one.txt /x/a/b/\nCOPY --chown=7:8 dir /x/c/d\n"
        "WORKDIR /x/w/v\nUSER app\nWORKDIR /x/u\nADD packed.tar.gz /x/"
    ),
    "copy-again-same": "COPY one.txt /x\nCOPY one.txt /x",
    "copy-workdir-variable": "ENV W=/w\nWORKDIR $W\nCOPY one.txt ${W}2/\nCOPY one.txt $W/",
}

FROM_STAGE = {
    "from-everything": _OUT + "FROM base:1\nCOPY --from=out /o /x",
    "from-everything-to-scratch": _OUT + "FROM scratch\nCOPY --from=out /o /",
    "from-one": _OUT + "FROM base:1\nCOPY --from=out /o/f /o/hard /x/\nCOPY --from=out o/f /y",
    "from-links": _OUT + "FROM base:1\nCOPY --from=out /o/l /x/\nCOPY --from=out /o/abs /y\nCOPY --from=out /o/l/g /z",
    "from-wild": _OUT + "FROM base:1\nCOPY --from=out /o/? /x/\nCOPY --from=out /o/d/[a-g] /y/",
    "from-chown": _OUT + "FROM base:1\nCOPY --from=out --chown=app /o/d /x\nCOPY --from=out --chown=9 /o/f /y",
    "from-chmod": _OUT + "FROM base:1\nCOPY --from=out --chmod=640 /o/d/e /x",
    "from-owners": _OUT + "FROM base:1\nCOPY --from=out /o/d /new/parent/d\nCOPY --from=out /o/d/g /x/y/",
    "from-root": "FROM base:1 AS one\nRUN rm -r /home /bin/cat\nFROM scratch\nCOPY --from=one / /\n",
    "from-image": "COPY --from=before:1 /etc/passwd /p\nCOPY --from=before:1 /made /made",
    "from-deleted": "FROM before:1 AS one\nRUN rm -r /made\nFROM base:1\nCOPY --from=one /made /x",
    "from-dangling": _OUT + "FROM base:1\nCOPY --from=out /o/dangling /x",
    "from-sticky": "FROM base:1 AS one\nFROM scratch\nCOPY --from=one /tmp /tmp/\nCOPY --from=one /root /home /x/",
    "from-chain": _OUT + "FROM scratch AS two\nCOPY --from=out /o/d /d\nFROM base:1\nCOPY --from=two / /x/",
}

ADD = {
    "add-tars": "ADD packed.tar.gz /1/\nADD packed.tar.xz /2\nADD packed.tar.bz2 packed.tar /3/",
    "add-by-content": "ADD not-named-so /1\nADD not-named-so /2/",
    "add-broken": "ADD broken.tar.gz /1\nADD broken.tar.gz /2/",
    "add-slashes": "ADD slashes.tar /x/",
    "add-plain": "ADD one.txt /1\nADD dir /2\nADD *.txt /3/",
    "add-chown": "ADD --chown=5:6 dir /1/\nADD --chown=app one.txt /2",
    "add-over-existing": "RUN mkdir -m 700 /packed && echo old > /packed/file\nADD packed.tar.gz /",
    "add-relative": "WORKDIR /w\nADD packed.tar.gz .\nADD one.txt .",
    "add-tar-in-directory": "ADD archives /x",
    "add-empty-file": "ADD empty-file /x\nADD empty-file /y/",
    "add-gzip-only": "ADD plain.gz /x/",
}

RUN = {
    "run-forms": 'RUN echo a > /1\nRUN ["sh", "-c", "echo b > /2"]\nRUN true && \\\n    echo c > /3',
    "run-environment": "ENV A=1\nRUN echo $A $HOME $PATH > /f; pwd >> /f; umask >> /f",
    "run-as-user-home": "USER app\nWORKDIR /tmp\nRUN echo $HOME > f",
    "run-deletes": "FROM before:1\nRUN rm /made/file\nRUN rm -r /made\nRUN mkdir /made && echo new > /made/again",
    "run-deletes-its-own": "RUN echo 1 > /f && rm /f\nRUN mkdir /d\nRUN rmdir /d",
    "run-replaces-directory-with-file": "FROM before:1\nRUN rm -r /made && echo 1 > /made",
    "run-replaces-directory-with-link": "FROM before:1\nRUN mv /made /moved && ln -s moved /made",
    "run-replaces-file-with-directory": "FROM before:1\nRUN rm /made/file && mkdir -p /made/file/x",
    "run-opaque": "FROM before:1\nRUN rm -r /made && mkdir /made && echo 1 > /made/only",
    "run-moves": "FROM before:1\nRUN mv /made/file /made/renamed && mv /made/sub /elsewhere",
    "run-modes": "RUN mkdir -m 1777 /t && touch /s && chmod 6755 /s && mkdir -m 2755 /g && touch /z && chmod 0 /z",
    "run-chmod-only": "FROM before:1\nRUN chmod 700 /made\nRUN chown 5:6 /made/file\nRUN chmod 4755 /made/file",
    "run-hard-links": "RUN echo 1 > /a && ln /a /b && mkdir /d && ln /a /d/c\nRUN ln /a /e\nRUN echo 2 >> /b",
    "run-hard-link-below": "FROM before:1\nRUN ln /made/file /linked\nRUN rm /made/file",
    "run-odd-names": "RUN touch '/a b' '/c\\d' \"/e'f\" /ü '/-g' '/*' && touch \"$(printf '/new\\nline')\" \"$(printf '/\\377x')\"",
    "run-long-names": "RUN n=$(printf %0120d 1) && mkdir -p /$n/$n && echo 1 > /$n/$n/$n && ln -s $n/$n/$n /l",
    "run-whiteout-like-names": "RUN touch /wh.a /.whx && mkdir /.w",
    "run-symlinks": "RUN ln -s /etc/passwd /abs && ln -s ../x /rel && ln -s '' /e || ln -s nowhere /n",
    "run-empty-layer": 'RUN true\nRUN ["true"]',
    "run-many-layers": "\n".join(f"RUN echo {n} > /f{n % 3}" for n in range(6)),
    "run-fails": "RUN exit 3",
    "run-missing-program": 'RUN ["/no/such/program"]',
    "run-big-and-sparse": "RUN dd if=/dev/zero of=/s bs=1 count=1 seek=3000000 2>/dev/null; head -c 300000 /dev/zero > /z",
    "mount-bind": "RUN --mount=target=/tmp cat /tmp/one.txt > /f && ls /tmp/dir > /g",
    "mount-bind-from": "FROM before:1 AS b\nFROM base:1\nRUN --mount=from=b,source=/made,target=/var ls /var > /f",
    "mount-tmpfs": "RUN --mount=type=tmpfs,target=/tmp echo 1 > /tmp/f && ls /tmp > /g",
    "mount-cache-stays-out": "RUN --mount=type=cache,target=/var echo 1 > /var/f && touch /kept",
}

#: the context: text, bytes, (content, mode), ``-> target``; ``None`` is an empty directory
MORE: dict[str, str | bytes | tuple[str | bytes, int] | None] = {
    "star*.md": "star", "starx.md": "not me", "ünï.txt": "ü", "empty": None, "empty-file": "", "hidden.log": "no",
    "modes/a": ("a", 0o600), "modes/b": ("b", 0o4755), "modes/c": ("c", 0o444), "modes/d/e": ("e", 0o777),
    "deep/1/2/3/4/5/f": "deep", "deep/1/.hidden": "h", "ignored/a": "no", "ignored/keep": "yes", "ignored/b/c": "no",
    "again/a": "again", "order/a/x": "order", "order/b": "", "slashes.tar": slashes(),
    ".dockerignore": "**/*.log\nignored\n!ignored/keep\nDockerfile*\n",
}  # fmt: skip
