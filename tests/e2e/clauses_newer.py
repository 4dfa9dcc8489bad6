"""What came to the language after dockerd 20.10's front end: each case beside an older Dockerfile that is the same.

``name: (newer, older)``; the older one is written from the Dockerfile reference and is built by BuildKit.
"""

from __future__ import annotations

_OUT = "FROM base:1 AS out\nRUN mkdir -p /o/d/e && echo 1 > /o/f && echo 2 > /o/d/g && echo 3 > /o/d/e/h\n"

NEWER: dict[str, tuple[str, str]] = {
    "heredoc-run": ("RUN <<EOF\necho a > /1\necho b > /2\nEOF", "RUN echo a > /1 && echo b > /2"),
    "heredoc-run-quoted": ("RUN <<'EOF'\nA=1\necho $A > /1\nEOF", "RUN A=1; echo $A > /1"),
    "heredoc-run-tabs": ("RUN <<-EOF\n\techo a > /1\n\t\techo b > /2\n\tEOF", "RUN echo a > /1 && echo b > /2"),
    "heredoc-run-to-program": ("RUN cat <<EOF > /f\na\n b\nEOF", "RUN printf 'a\\n b\\n' > /f"),
    "heredoc-run-shebang": (
        "RUN <<EOF\n#!/bin/sh -e\necho $0 | tr a-z x > /dev/null; echo 1 > /f\nEOF",
        "RUN echo 1 > /f",
    ),
    "heredoc-run-two": ("RUN cat <<A > /a; cat <<B > /b\n1\nA\n2\nB", "RUN echo 1 > /a; echo 2 > /b"),
    "heredoc-run-variable": ("ENV V=v\nRUN <<EOF\necho $V > /f\nEOF", "ENV V=v\nRUN echo v > /f"),
    "heredoc-copy": ("COPY <<EOF /f\na\n\nb\nEOF", "RUN printf 'a\\n\\nb\\n' > /f"),
    "heredoc-copy-expands": (
        "ENV V=v\nCOPY <<EOF /f\n$V ${N:-n} \\$V 'q' \"d\"\nEOF",
        'ENV V=v\nRUN echo "v n \\$V \'q\' \\"d\\"" > /f',
    ),
    "heredoc-copy-quoted": ('COPY <<"EOF" /f\n$V \\$V\nEOF', "RUN printf '%s\\n' '$V \\$V' > /f"),
    "heredoc-copy-tabs": ("COPY <<-EOF /f\n\ta\n\t b\n\tEOF", "RUN printf 'a\\n b\\n' > /f"),
    "heredoc-copy-two": ("COPY <<a <<b /d/\n1\na\n2\nb", "RUN mkdir /d && echo 1 > /d/a && echo 2 > /d/b"),
    "heredoc-copy-with-file": ("COPY <<a one.txt /d/\n1\na", "COPY one.txt /d/\nRUN echo 1 > /d/a"),
    "heredoc-copy-chmod": (
        "COPY --chmod=755 --chown=5:6 <<EOF /f\nx\nEOF",
        "RUN echo x > /f && chmod 755 /f && chown 5:6 /f",
    ),
    "heredoc-copy-to-directory": ("COPY <<f /etc\nx\nf", "RUN echo x > /etc/f"),
    "heredoc-add": ("ADD <<EOF /f\nx\nEOF", "RUN echo x > /f"),
    "heredoc-empty": ("COPY <<EOF /f\nEOF", "RUN touch /f"),
    "heredoc-in-comment": ("COPY <<EOF /f\n# kept\nEOF\n# <<EOF", "RUN echo '# kept' > /f"),
    "var-colonless": ("ENV A=\nENV B=${A-x} C=${N-x} D=${A+x} E=${N+x}", "ENV A=\nENV B= C=x D=x E="),
    "var-suffix": ("ENV A=a.tar.gz\nENV B=${A%.*} C=${A%%.*} D=${A%x}", "ENV A=a.tar.gz\nENV B=a.tar C=a D=a.tar.gz"),
    "var-prefix": ("ENV A=/x/y/z\nENV B=${A#*/} C=${A##*/} D=${A#x}", "ENV A=/x/y/z\nENV B=x/y/z C=z D=/x/y/z"),
    "var-replace": ("ENV A=a.b.c\nENV B=${A/./-} C=${A//./-} D=${A/x/y}", "ENV A=a.b.c\nENV B=a-b.c C=a-b-c D=a.b.c"),
    "var-pattern": (
        "ENV A=foobar\nENV B=${A#f?o} C=${A%[a-c]ar} D=${A//o/}",
        "ENV A=foobar\nENV B=bar C=foobar D=fbar",
    ),
    "arg-in-mount": ("ARG T=/tmp\nRUN --mount=type=tmpfs,target=$T touch $T/x", "ARG T=/tmp\nRUN true"),
    "workdir-clean": ("WORKDIR /d/./e//f/", "WORKDIR /d/e/f"),
    "health-zero": ("HEALTHCHECK --interval=0s --retries=0 CMD a", "HEALTHCHECK CMD a"),
    "run-network": ("RUN --network=none echo 1 > /f", "RUN echo 1 > /f"),
    "run-network-default": ("RUN --network=default echo 1 > /f", "RUN echo 1 > /f"),
    "run-security": ("RUN --security=sandbox echo 1 > /f", "RUN echo 1 > /f"),
    "copy-link": ("COPY --link one.txt /a/b/\nCOPY --link dir /c", "COPY one.txt /a/b/\nCOPY dir /c"),
    "copy-link-chown": ("COPY --link --chown=5:6 --chmod=700 dir /c/d", "COPY --chown=5:6 --chmod=700 dir /c/d"),
    "copy-link-from": (_OUT + "FROM base:1\nCOPY --link --from=out /o /x", _OUT + "FROM base:1\nCOPY --from=out /o /x"),
    "copy-chmod-setuid": ("COPY --chmod=4711 one.txt /f", "COPY one.txt /f\nRUN chmod 4711 /f"),
    "copy-chmod-symbolic": ("COPY --chmod=u=rwX,go=rX dir /c", "COPY dir /c\nRUN chmod -R u=rwX,go=rX /c"),
    "copy-chmod-plus": ("COPY --chmod=a+x,o-r one.txt /f", "COPY one.txt /f\nRUN chmod a+x,o-r /f"),
    "copy-chmod-variable": ("ARG M=700\nCOPY --chmod=$M one.txt /f", "ARG M=700\nCOPY one.txt /f\nRUN chmod 700 /f"),
    "copy-parents": (
        "COPY --parents dir/sub/c.txt dir/a.txt /x/",
        "COPY dir/sub/c.txt /x/dir/sub/\nCOPY dir/a.txt /x/dir/",
    ),
    "copy-parents-directory": ("COPY --parents dir/sub /x/", "COPY dir/sub /x/dir/sub"),
    "copy-parents-pivot": ("COPY --parents ./deep/1/./2/3 /x/", "COPY deep/1/2/3 /x/2/3"),
    "copy-parents-wild": ("COPY --parents */a.txt /x/", "COPY dir/a.txt /x/dir/\nCOPY other/a.txt /x/other/"),
    "copy-parents-globstar": ("COPY --parents **/a.txt /x/", "COPY dir/a.txt /x/dir/\nCOPY other/a.txt /x/other/"),
    "copy-parents-from": (
        _OUT + "FROM base:1\nCOPY --parents --from=out /o/d/g /x/",
        _OUT + "FROM base:1\nCOPY --from=out /o/d/g /x/o/d/",
    ),
    "copy-exclude": ("COPY --exclude=sub dir /x", "COPY dir/a.txt /x/\nCOPY dir/empty /x/empty"),
    "copy-exclude-pattern": (
        "COPY --exclude=*.txt --exclude=**/c.* --exclude=**/link dir /x",
        "RUN mkdir -p /x/sub\nCOPY dir/empty /x/empty",
    ),
    "copy-exclude-files": (
        "COPY --exclude=two* *.txt /x/",
        'COPY one.txt /x/\nCOPY ["odd name.txt", "/x/"]\nCOPY ünï.txt /x/',
    ),
    "copy-exclude-from": (
        _OUT + "FROM base:1\nCOPY --from=out --exclude=e /o/d /x",
        _OUT + "FROM base:1\nCOPY --from=out /o/d/g /x/",
    ),
    "add-exclude": ("ADD --exclude=sub dir /x", "COPY dir/a.txt /x/\nCOPY dir/empty /x/empty"),
    "add-unpack-false": ("ADD --unpack=false packed.tar.gz /x/", "COPY packed.tar.gz /x/"),
    "add-unpack-true": ("ADD --unpack packed.tar.gz /x/", "ADD packed.tar.gz /x/"),
    "copy-parents-globstar-deep": (
        "COPY --parents **/f deep/**/f ./other/./**/*.txt /x/",
        "COPY deep/1/2/3/4/5/f /x/deep/1/2/3/4/5/\nCOPY other/a.txt /x/",
    ),
    "copy-chmod-classes": ("COPY --chmod=g=u,o-rwx+x dir /c", "COPY dir /c\nRUN chmod -R g=u,o-rwx+x /c/*"),
    "add-chown-archive": (
        "ADD --chown=5:6 packed.tar.gz /1/",
        "ADD --chown=5:6 packed.tar.gz /1/\nRUN cd /1 && chown -h 5:6 packed packed/* new/deeper/without-parents"
        " && chmod 4755 packed/setuid && ln -f packed/file packed/hard",
    ),
    "from-platform-default": ("FROM --platform=$TARGETPLATFORM base:1\nENV A=1", "FROM base:1\nENV A=1"),
    "directive-check": ("# check=skip=all\nFROM base:1\nENV A=1", "ENV A=1"),
    "directive-syntax": ("# syntax=docker/dockerfile:1.20\nFROM base:1\nENV A=1", "ENV A=1"),
    "directive-syntax-latest": ("#syntax=docker/dockerfile:1-labs\nFROM base:1\nENV A=1", "ENV A=1"),
}
