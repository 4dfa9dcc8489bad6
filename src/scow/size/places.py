"""The kinds of waste that a file's directory tells: caches, leftovers, what only builds need. Pure.

A path is looked at from the root, without a leading slash; ``below`` is looked for in a file's directory (with a
slash at its end), where a component begins. Of several kinds that fit, the first of the table counts.
"""

from __future__ import annotations

from typing import Final

from scow.size.kinds import Kind

_SAME_RUN: Final = "; clean it in the same RUN, or keep it out of the layer with RUN --mount=type=cache"

#: What goes by the directory.
BELOW: Final = (
    Kind("apt-lists", "cache", "apt's package lists", "rm -rf /var/lib/apt/lists/*" + _SAME_RUN,
         below=rb"^var/lib/apt/lists/"),
    Kind("apt-archives", "cache", "apt's archives", "apt-get clean" + _SAME_RUN,
         below=rb"^var/cache/apt/"),
    Kind("dnf-cache", "cache", "dnf's cache", "dnf clean all" + _SAME_RUN,
         below=rb"^var/cache/(?:dnf|libdnf5|tdnf)/"),
    Kind("yum-cache", "cache", "yum's cache", "yum clean all" + _SAME_RUN,
         below=rb"^var/cache/yum/"),
    Kind("zypper-cache", "cache", "zypper's cache", "zypper clean --all" + _SAME_RUN,
         below=rb"^var/cache/zypp/"),
    Kind("apk-cache", "cache", "apk's cache", "apk add --no-cache",
         below=rb"^(?:var/cache/apk|etc/apk/cache)/"),
    Kind("pacman-cache", "cache", "pacman's cache", "pacman -Scc" + _SAME_RUN,
         below=rb"^var/(?:cache/pacman/pkg|lib/pacman/sync)/"),
    Kind("pip-cache", "cache", "pip's cache",
         "pip install --no-cache-dir, or RUN --mount=type=cache,target=/root/.cache/pip",
         below=rb"(?:^|/)\.cache/pip/"),
    Kind("uv-cache", "cache", "uv's and poetry's cache", "RUN --mount=type=cache,target=/root/.cache/uv (or pypoetry)",
         below=rb"(?:^|/)\.cache/(?:uv|pypoetry|pdm|pipenv)/"),
    Kind("npm-cache", "cache", "npm's cache", "npm cache clean --force" + _SAME_RUN,
         below=rb"(?:^|/)\.npm/(?:_cacache|_logs|_npx|_prebuilds|_update-notifier-last-checked)/"),
    Kind("yarn-cache", "cache", "yarn's and pnpm's cache", "yarn cache clean" + _SAME_RUN,
         below=rb"(?:^|/)(?:\.cache/yarn|\.yarn/berry/cache|\.cache/pnpm|\.pnpm-store|\.local/share/pnpm/store)/"),
    Kind("node-cache", "cache", "caches in node_modules", "rm -rf node_modules/.cache" + _SAME_RUN,
         below=rb"(?:^|/)node_modules/\.(?:cache|vite|parcel-cache)/"),
    Kind("go-cache", "cache", "Go's build and module caches", "build in a stage of its own",
         below=rb"(?:^|/)(?:\.cache/go-build|go/pkg/mod|go/pkg/sumdb)/"),
    Kind("cargo-cache", "cache", "cargo's registry", "build in a stage of its own",
         below=rb"(?:^|/)\.?cargo/(?:registry/(?:cache|index|src)|git/(?:db|checkouts))/"),
    Kind("maven-cache", "cache", "Maven's and Gradle's caches", "build in a stage of its own",
         below=rb"(?:^|/)(?:\.m2/repository|\.gradle/(?:caches|wrapper/dists|daemon)|\.ivy2/cache|\.sbt/boot)/"),
    Kind("gem-cache", "cache", "gem's cache",
         "gem install --no-document, then rm -rf $(gem env gemdir)/cache" + _SAME_RUN,
         below=rb"(?:^|/)(?:(?:gems|ruby)/\d+\.\d+(?:\.\d+)?|usr/local/bundle|\.gem|\.bundle|vendor)/cache/"),
    Kind("cpan-cache", "cache", "cpan's sources and logs", "rm -rf ~/.cpanm ~/.cpan" + _SAME_RUN,
         below=rb"(?:^|/)\.cpanm?/"),
    Kind("composer-cache", "cache", "composer's cache", "composer install --no-cache",
         below=rb"(?:^|/)(?:\.composer/cache|\.cache/composer)/"),
    Kind("nuget-cache", "cache", "NuGet's packages", "build in a stage of its own",
         below=rb"(?:^|/)\.nuget/packages/"),
    Kind("conda-cache", "cache", "conda's packages", "conda clean -afy" + _SAME_RUN,
         below=rb"(?:^|/)(?:conda|miniconda3?|anaconda3?|mambaforge|miniforge3?|micromamba)/pkgs/"),
    # what browsers and models are kept in is no cache: programs look for them there and nowhere else
    Kind("user-cache", "cache", "other caches", "delete ~/.cache in the same RUN",
         below=rb"^(?:root|home/[^/]+)/\.cache/(?!(?:ms-playwright|puppeteer|Cypress|selenium|rod|huggingface|torch|clip"
               rb"|whisper|fastembed|pre-commit)/)"),
    Kind("version-control", "unneeded", "version control", "add .git to .dockerignore",
         below=rb"(?:^|/)\.(?:git|hg|svn|bzr)/"),
    Kind("bytecode", "unneeded", "Python bytecode",
         "PYTHONDONTWRITEBYTECODE=1 or pip install --no-compile; start-up is slower without it",
         below=rb"(?:^|/)__pycache__/"),
    Kind("docs", "unneeded", "documentation", "dpkg: path-exclude=/usr/share/doc/*; dnf: --nodocs; licences stay",
         below=rb"^usr/(?:local/)?share/(?:doc|doc-base|gtk-doc|help|lintian|linda)/"),
    Kind("man", "unneeded", "manual pages", "dpkg: path-exclude=/usr/share/man/*; dnf: --nodocs",
         below=rb"^usr/(?:local/)?(?:share/)?man/"),
    Kind("info", "unneeded", "info pages", "dpkg: path-exclude=/usr/share/info/*; dnf: --nodocs",
         below=rb"^usr/(?:local/)?share/info/"),
    Kind("locales", "unneeded", "translations", "dpkg: path-exclude=/usr/share/locale/*",
         below=rb"^usr/(?:local/)?share/(?:locale/[^/]+/|i18n/)|^usr/lib/locale/(?!C\.utf8/)[^/]+/"),
    Kind("debug-symbols", "unneeded", "debug symbols", "strip, or leave out the -dbg packages",
         below=rb"^usr/lib/debug/|(?:^|/)(?:\.debug|[^/]+\.dSYM)/"),
    Kind("headers", "unneeded", "C headers and build files", "install -dev packages in a build stage only",
         below=rb"^usr/(?:local/)?include/|^usr/(?:local/)?(?:lib(?:/[^/]+)?|share)/(?:pkgconfig|cmake|aclocal)/"
               rb"|^usr/src/linux-"),
    Kind("build-tools", "unneeded", "compilers and build tools",
         "compile in a build stage and COPY --from=build the result",
         below=rb"^usr/(?:local/)?(?:lib|libexec)/gcc(?:-cross)?/|^usr/lib/llvm-[^/]+/(?:bin|include|libexec|share|lib/clang)/"
               rb"|(?:^|/)\.?rustup/(?:toolchains|downloads|tmp)/|^usr/local/go/(?:src|pkg|bin|test|api|doc|misc)/"
               rb"|^usr/(?:lib|share)/go-\d[.\d]*/|(?:^|/)(?:jvm|java|openjdk)[^/]*/(?:[^/]+/)?jmods/"
               rb"|^usr/(?:local/)?share/cmake-[^/]+/"),
    Kind("node-dev", "unneeded", "node packages for development", "npm ci --omit=dev",
         below=rb"(?:^|/)node_modules/(?:typescript|eslint(?:-[^/]+)?|prettier|jest(?:-[^/]+)?|mocha|chai|sinon"
               rb"|nodemon|webpack(?:-[^/]+)?|rollup|vite|vitest|ts-node|ts-jest|nyc|karma|husky|lint-staged"
               rb"|@types|@typescript-eslint|@jest|@babel/(?!runtime)[^/]+|@testing-library|@eslint|@vitest)/"),
    Kind("package-tests", "unneeded", "tests of installed packages",
         "delete them where the package is installed, in the same RUN",
         below=rb"(?:^|/)(?:site|dist)-packages/(?!django/test/)(?:[^/]+/)+tests?/"
               rb"|(?:^|/)node_modules/(?:@[^/]+/)?[^/]+/(?:tests?|__tests__|specs?)/|(?:^|/)gems/[^/]+/(?:tests?|specs?)/"
               rb"|(?:^|/)lib/python\d\.\d+/(?:test|[a-z_]+/tests?|idlelib/idle_test|lib2to3/tests)/"),
    Kind("node-leftovers", "unneeded", "docs and examples in node_modules",
         "prune node_modules where it is installed, in the same RUN",
         below=rb"(?:^|/)node_modules/(?:@[^/]+/)?[^/]+/(?:docs?|examples?|benchmarks?|\.github|coverage)/"),
    Kind("editor-files", "unneeded", "what editors and desktops leave", "add them to .dockerignore",
         below=rb"(?:^|/)(?:\.idea|\.vscode|\.vs|__MACOSX|\.Trash[^/]*)/"),
    Kind("ci-files", "unneeded", "caches of test and lint tools", "add them to .dockerignore",
         below=rb"(?:^|/)(?:\.pytest_cache|\.mypy_cache|\.ruff_cache|\.tox|\.nox|\.hypothesis|htmlcov|\.nyc_output"
               rb"|\.terraform)/"),
    Kind("package-logs", "cache", "logs of package managers", "rm -f /var/log/dpkg.log /var/log/apt/* in the same RUN",
         below=rb"^var/log/(?:apt|dnf|yum|zypp|unattended-upgrades)/"),
    Kind("logs", "unneeded", "logs", "log to standard output; delete what installers log in the same RUN",
         below=rb"^var/log/"),
    Kind("temporary", "unneeded", "temporary files",
         "delete them in the same RUN, or RUN --mount=type=tmpfs,target=/tmp",
         below=rb"^(?:tmp|var/tmp|dev/shm)/"),
)  # fmt: skip
