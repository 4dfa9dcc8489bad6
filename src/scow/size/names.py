"""The kinds of waste that a file's name tells: secrets, leftovers, tools. Pure.

``named`` has to be the whole name; of several kinds that fit, the first of its table counts.
"""

from __future__ import annotations

from typing import Final

from scow.size.kinds import Kind

_EXPOSED: Final = "take it out, change the secret, use RUN --mount=type=secret; deleting it later does not help"

#: What should not be in an image, whatever it weighs.
SECRETS: Final = (
    Kind("private-key", "secret", "private keys", _EXPOSED,
         below=rb"^etc/(?:ssl|pki/tls)/private/",
         named=rb"id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|(?:.*[._-])?(?:priv|private)[._-]?key(?:\.(?:pem|der|key"
               rb"|asc))?|(?:.*[._-])?privkey\d*\.pem|(?:server|client|tls|ssl|ca)[._-]?key\.pem|(?:server|client"
               rb"|tls|ssl|ca)\.key|.+\.(?:p12|pfx|jks|ppk|kdbx)|secring\.gpg|ssh_host_(?:rsa|dsa|ecdsa"
               rb"|ed25519)_key"),
    Kind("env-file", "secret", "environment files", _EXPOSED,
         named=rb"\.env(?:\.(?!example|sample|dist|template)[\w-]+)?"),
    Kind("cloud-credentials", "secret", "cloud credentials", _EXPOSED,
         below=rb"(?:^|/)(?:(?:\.aws|\.config/gcloud|\.oci|\.aliyun)/|\.azure/\Z)",
         named=rb"application_default_credentials\.json|service[-_]?account(?:[-_]?key)?\.json|credentials\.csv"
               rb"|terraform\.tfstate(?:\.backup)?|\.boto|\.s3cfg"),
    Kind("registry-credentials", "secret", "registry and package index logins", _EXPOSED,
         below=rb"(?:^|/)\.docker/\Z",
         named=rb"\.npmrc|\.pypirc|\.dockercfg|\.yarnrc\.yml"),
    Kind("kubeconfig", "secret", "cluster logins", _EXPOSED,
         below=rb"(?:^|/)\.kube/\Z",
         named=rb"kubeconfig(?:\.ya?ml)?|.+\.kubeconfig"),
    Kind("password-file", "secret", "passwords", _EXPOSED,
         named=rb"\.netrc|_netrc|\.git-credentials|\.pgpass|\.my\.cnf|\.htpasswd|\.vault-token|\.(?:bash|zsh|psql"
               rb"|mysql|python)_history"),
)  # fmt: skip

#: What goes by the name alone.
NAMED: Final = (
    Kind("installers", "unneeded", "packages and archives left behind",
         "download, use and delete in one RUN, or ADD --unpack, or COPY --from a stage",
         named=rb".+\.(?:deb|rpm|msi|AppImage)"),
    Kind("static-archives", "unneeded", "static libraries", "install -dev packages in a build stage only",
         named=rb"lib.+\.l?a"),
    Kind("debug-symbols", "unneeded", "debug symbols", "strip, or leave out the -dbg packages",
         named=rb".+\.(?:debug|dwo|dwp|pdb)"),
    Kind("source-maps", "unneeded", "source maps", "build without them, or publish them apart",
         named=rb".+\.(?:js|mjs|cjs|css)\.map"),
    Kind("core-dumps", "unneeded", "memory dumps", "delete them; find out what crashed in the build",
         named=rb"core\.\d+|vmcore|.+\.core|hs_err_pid\d+\.log|.+\.hprof|.+\.heapsnapshot"),
    Kind("editor-files", "unneeded", "what editors and desktops leave", "add them to .dockerignore",
         named=rb".+~|\..+\.sw[nop]|#.+#|\.#.+|.+\.(?:orig|rej|bak)|\.DS_Store|Thumbs\.db|desktop\.ini"),
    Kind("bytecode", "unneeded", "Python bytecode",
         "PYTHONDONTWRITEBYTECODE=1 or pip install --no-compile; start-up is slower without it",
         named=rb".+\.py[co]"),
    Kind("logs", "unneeded", "logs", "log to standard output; delete what installers log in the same RUN",
         named=rb"(?:npm-debug|yarn-error|yarn-debug|pip|lerna-debug)\.log(?:\.\d+)?|nohup\.out"),
)  # fmt: skip

#: The directories of what :data:`PLACED` tells; no other paths need to be tried.
PLACES: Final = (
    rb"|root|opt|srv|app|home/[^/]+|usr/(?:local/)?src|usr/src/app|usr/(?:local/)?bin|usr/lib/locale|var/log"
    rb"|var/lib/dpkg|var/cache/(?:debconf|ldconfig)|etc"
)
#: What needs both: ``named`` is the whole path.
PLACED: Final = (
    Kind("package-logs", "cache", "logs of package managers", "rm -f /var/log/dpkg.log /var/log/apt/* in the same RUN",
         named=rb"var/log/(?:dpkg|alternatives|bootstrap|fontconfig|dnf[^/]*|yum|hawkey|apk)\.log(?:\.\d+)?"),
    Kind("package-backups", "cache", "package databases' backups",
         "rm -f /var/lib/dpkg/*-old /var/cache/debconf/*-old in the same RUN",
         named=rb"(?:var/lib/dpkg|var/cache/debconf)/[^/]+-old|(?:etc/(?:passwd|group|shadow|gshadow|subuid"
               rb"|subgid))-"),
    Kind("locales", "unneeded", "translations", "dpkg: path-exclude=/usr/share/locale/*",
         named=rb"usr/lib/locale/locale-archive"),
    Kind("ldconfig-cache", "cache", "ldconfig's working file", "rm -f /var/cache/ldconfig/aux-cache in the same RUN",
         named=rb"var/cache/ldconfig/aux-cache"),
    Kind("installers", "unneeded", "packages and archives left behind",
         "download, use and delete in one RUN, or ADD --unpack, or COPY --from a stage",
         named=rb"(?:(?:root|opt|srv|app|home/[^/]+|usr/src|usr/local/src|usr/src/app)/)?[^/]+\.(?:tar(?:\.\w+)?"
               rb"|tgz|tbz2|txz|zip|7z|iso|whl)"),
    Kind("build-tools", "unneeded", "compilers and build tools",
         "compile in a build stage and COPY --from=build the result",
         named=rb"usr/(?:local/)?bin/(?:[\w-]+-linux-gnu[a-z0-9]*-)?(?:gcc|g\+\+|c\+\+|cc|cpp|c89|c99"
               rb"|clang(?:\+\+)?|as|ld(?:\.bfd|\.gold|\.lld)?|gold|make|gmake|cmake|ctest|cpack|ninja|meson"
               rb"|autoconf|automake|libtoolize|m4|bison|flex|gdb|strace|dwp|gprofng?|gcov(?:-\w+)?|lto-dump|nm"
               rb"|objdump|objcopy|ranlib|ar|readelf|strip|gprof|addr2line|gcc-(?:ar|nm"
               rb"|ranlib))(?:-\d+(?:\.\d+)*)?"),
)  # fmt: skip
