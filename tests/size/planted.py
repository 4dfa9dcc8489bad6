"""An image with waste of every kind planted in it, each file of a size of its own, and files that are none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from scow.layer.entry import Entry, Kind
from scow.size.analysis import Analysis
from scow.size.analyzing import analyze
from scow.size.layers import Layer

#: kind → paths that are of it
PLANTED: dict[str, tuple[str, ...]] = {
    "apt-lists": ("var/lib/apt/lists/deb.debian.org_dists_bookworm_InRelease",),
    "apt-archives": ("var/cache/apt/archives/curl_7.88.deb", "var/cache/apt/pkgcache.bin"),
    "dnf-cache": ("var/cache/dnf/fedora.solv", "var/cache/libdnf5/x/repo.xml"),
    "yum-cache": ("var/cache/yum/x86_64/7/base/primary.sqlite",),
    "zypper-cache": ("var/cache/zypp/solv/repo/solv",),
    "apk-cache": ("var/cache/apk/APKINDEX.tar.gz", "etc/apk/cache/curl.apk"),
    "pacman-cache": ("var/cache/pacman/pkg/curl.pkg.tar.zst",),
    "pip-cache": ("root/.cache/pip/http/1/2/3", "home/app/.cache/pip/wheels/a.whl"),
    "uv-cache": ("root/.cache/uv/archive-v0/x/y.py",),
    "npm-cache": ("root/.npm/_cacache/content-v2/sha512/aa", "home/node/.npm/_logs/x.log"),
    "yarn-cache": ("usr/local/share/.cache/yarn/v6/npm-x", "root/.local/share/pnpm/store/v3/files/00/a"),
    "node-cache": ("app/node_modules/.cache/babel-loader/x.json",),
    "go-cache": ("root/.cache/go-build/00/a", "go/pkg/mod/cache/download/x.zip", "root/go/pkg/mod/a@v1/a.go"),
    "cargo-cache": ("usr/local/cargo/registry/cache/x/serde.crate", "root/.cargo/registry/src/x/lib.rs"),
    "maven-cache": ("root/.m2/repository/org/x/x.jar", "home/gradle/.gradle/caches/modules-2/x.jar"),
    "gem-cache": ("usr/local/bundle/cache/rails.gem", "usr/lib/ruby/gems/3.1.0/cache/x.gem"),
    "composer-cache": ("root/.composer/cache/files/x.zip",),
    "nuget-cache": ("root/.nuget/packages/x/1.0/x.nupkg",),
    "conda-cache": ("opt/conda/pkgs/python-3.12.conda",),
    "user-cache": ("root/.cache/matplotlib/fontlist.json",),
    "version-control": ("app/.git/objects/pack/pack-1.pack", "app/.git/config", "srv/.hg/store/data"),
    "bytecode": ("usr/lib/python3/dist-packages/__pycache__/six.cpython-311.pyc", "app/old.pyc"),
    "docs": ("usr/share/doc/curl/README.gz", "usr/share/doc-base/x"),
    "man": ("usr/share/man/man1/ls.1.gz", "usr/local/man/man1/x.1"),
    "info": ("usr/share/info/find.info.gz",),
    "locales": (
        "usr/share/locale/de/LC_MESSAGES/apt.mo", "usr/lib/locale/locale-archive", "usr/share/i18n/charmaps/x.gz",
    ),
    "debug-symbols": ("usr/lib/debug/.build-id/00/a.debug", "opt/x/lib.so.debug"),
    "source-maps": ("app/dist/main.js.map",),
    "headers": (
        "usr/include/stdio.h", "usr/local/include/python3.12/Python.h", "usr/lib/x86_64-linux-gnu/pkgconfig/x.pc",
    ),
    "cpan-cache": ("root/.cpanm/work/1/build.log", "root/.cpan/sources/x.tar.gz"),
    "build-tools": (
        "usr/local/rustup/toolchains/stable/bin/rustc", "usr/local/go/pkg/tool/link", "usr/lib/llvm-14/bin/clang",
        "opt/java/openjdk/jmods/java.base.jmod", "usr/lib/jvm/java-17-openjdk-amd64/jmods/java.xml.jmod",
        "usr/lib/gcc/x86_64-linux-gnu/12/cc1", "usr/bin/make", "usr/bin/x86_64-linux-gnu-gcc-12", "usr/bin/ld.gold",
    ),
    "static-archives": ("usr/lib/x86_64-linux-gnu/libc.a", "usr/local/lib/libx.la"),
    "node-dev": ("app/node_modules/typescript/lib/tsc.js", "app/node_modules/@types/node/index.d.ts"),
    "node-leftovers": ("app/node_modules/express/examples/auth/index.js",),
    "package-tests": (
        "usr/lib/python3/dist-packages/numpy/tests/test_x.py",
        "usr/local/lib/python3.12/test/test_os.py",
        "app/node_modules/qs/test/parse.js",
        "app/node_modules/@x/y/__tests__/z.js", "usr/lib/ruby/gems/3.1.0/gems/rack-3.0/spec/x.rb",
    ),
    "editor-files": (
        "app/main.py~", "app/.main.py.swp", "app/.idea/workspace.xml", "app/.DS_Store", "etc/hosts.orig",
    ),
    "ci-files": ("app/.pytest_cache/v/cache/nodeids", "app/.mypy_cache/3.12/x.json"),
    "core-dumps": ("app/core.1234", "srv/hs_err_pid1.log", "opt/heap.hprof"),
    "package-logs": ("var/log/dpkg.log", "var/log/apt/history.log", "var/log/alternatives.log"),
    "package-backups": ("var/lib/dpkg/status-old", "var/cache/debconf/templates.dat-old", "etc/passwd-"),
    "ldconfig-cache": ("var/cache/ldconfig/aux-cache",),
    "logs": ("var/log/nginx/access.log", "app/npm-debug.log"),
    "temporary": ("tmp/build-x/a.o", "var/tmp/y", "tmp/x.deb"),
    "installers": ("root/go1.22.linux-amd64.tar.gz", "opt/chrome.deb", "app/wheel.whl"),
    "private-key": (
        "root/.ssh/id_rsa", "etc/nginx/server.key", "app/tls/privkey.pem", "tmp/id_ed25519", "etc/ssh/ssh_host_rsa_key",
        "etc/ssl/private/ssl-cert-snakeoil.pem",
    ),
    "env-file": ("app/.env", "app/.env.production"),
    "cloud-credentials": ("root/.aws/credentials", "app/terraform.tfstate", "app/service-account.json"),
    "registry-credentials": ("root/.docker/config.json", "root/.npmrc", "home/app/.pypirc"),
    "kubeconfig": ("root/.kube/config", "app/kubeconfig.yaml"),
    "password-file": ("root/.netrc", "root/.git-credentials", "root/.bash_history"),
}  # fmt: skip

#: Files that look a little like waste, and are none.
INNOCENT = (
    "bin/sh", "usr/bin/python3.11", "usr/bin/makeself", "usr/bin/ldd", "usr/bin/asciidoc", "usr/bin/scc", "app/main.py",
    "usr/lib/x86_64-linux-gnu/libc.so.6", "usr/share/doc/curl/copyright", "usr/share/zoneinfo/UTC", "app/environment",
    "usr/lib/locale/C.utf8/LC_CTYPE", "app/.env.example", "etc/ssl/certs/ca-certificates.crt", "app/docs/index.html",
    "etc/ssl/certs/ssl-cert.key.pem", "usr/lib/python3/dist-packages/certifi/cacert.pem", "app/test/data.bin",
    "app/node_modules/express/index.js", "app/node_modules/@babel/runtime/helpers.js", "app/core.py", "app/core",
    "var/lib/dpkg/status", "var/lib/apt/extended_states", "var/cache/fontconfig/x.cache-7", "app/git/HEAD",
    "usr/share/python-wheels/pip.whl", "app/logs.py", "app/cache/x", "opt/app/lib/data.zip", "app/.gitignore",
    "usr/local/lib/node_modules/npm/.npmrc", "usr/share/info-archive", "var/lib/app/tmp/x", "usr/lib/python3.11/ast.py",
    "app/node_modules/yaml/dist/doc/Document.js", "app/node_modules/vega-lite/build/src/spec/base.js", "app/old.py",
    "usr/lib/python3/dist-packages/django/test/client.py", "app/weights.a",
    "root/.cache/ms-playwright/chromium-1/chrome", "home/app/.cache/huggingface/hub/model.bin", "root/.kube/cache/x",
    "root/.docker/cli-plugins/docker-buildx", "usr/lib/llvm-19/lib/libLLVM.so.19.1",
    "usr/local/go/lib/time/zoneinfo.zip",    "root/.azure/cliextensions/x.py", "usr/share/tessdata/lat.la",
    "app/tests/fixtures.json", "usr/share/keyrings/debian.gpg", "etc/passwd", "root/.bashrc", "app/key.py", "app/a.map",
)  # fmt: skip

INSTRUCTIONS = (
    "ADD rootfs.tar / ",
    "RUN apt-get install -y everything",
    "COPY . /app",
    "RUN make",
    "RUN chmod -R 755 /app",
)


def entry(path: str | bytes, size: int = 0, kind: Kind = "file", *, salt: str = "", **fields: object) -> Entry:
    """An entry whose content is made of its size (and ``salt``): equal sizes are equal contents."""
    raw = path if isinstance(path, bytes) else path.encode()
    digest = hashlib.sha256(f"{size}{salt}".encode()).digest() if kind == "file" else b""
    return Entry(raw, kind, size=size, digest=digest, mode=0o644, **fields)  # type: ignore[arg-type]


def stacked(*layers: Sequence[Entry], instructions: Sequence[str] = INSTRUCTIONS) -> list[Layer]:
    """Layers made by ``instructions``, in their order."""
    return [Layer(f"sha256:{at:064x}", entries, 10, instructions[at]) for at, entries in enumerate(layers)]


def looked_at(*layers: Sequence[Entry], instructions: Sequence[str] = INSTRUCTIONS) -> Analysis:
    """The analysis of an image of these layers, which holds no package lists."""
    return analyze(stacked(*layers, instructions=instructions), name="planted:1")


def planted() -> tuple[list[list[Entry]], dict[tuple[str, int, str], int]]:
    """Five layers, and what is wasted in them: (kind, layer, path) → bytes."""
    layers: list[list[Entry]] = [[] for _ in INSTRUCTIONS]
    sizes = _sizes()
    expected: dict[tuple[str, int, str], int] = {}

    def plant(kind: str, layer: int, path: str) -> Entry:
        made = entry(path, next(sizes))
        layers[layer].append(made)
        expected[kind, layer, path] = made.size
        return made

    for at, (kind, paths) in enumerate(PLANTED.items()):
        for path in paths:
            plant(kind, at % 4, path)
    layers[0] += [entry(path, next(sizes)) for path in INNOCENT]
    plant("overwritten", 1, "app/config.json")
    layers[2].append(entry("app/config.json", next(sizes)))
    plant("deleted", 1, "app/build/main.o")
    layers[3].append(entry("app/build", 0, "whiteout"))
    plant("repeated", 2, "app/twice")
    layers[2].append(entry("app/twice", next(sizes)))
    owned = entry("app/owned.bin", next(sizes))
    layers[2].append(owned)
    layers[4].append(entry("app/owned.bin", owned.size, uid=1000))
    expected["metadata-copy", 4, "app/owned.bin"] = owned.size
    layers[4].append(layers[0][-1])
    expected["rewritten", 4, INNOCENT[-1]] = layers[0][-1].size
    same = next(sizes)
    layers[2] += [entry("app/one.bin", same), entry("app/two.bin", same)]
    expected["duplicate", 2, "app/two.bin"] = same
    return layers, expected


def _sizes() -> Iterator[int]:
    """Sizes that differ, and are large enough for duplicates to count."""
    size = 5000
    while True:
        yield size
        size += 7
