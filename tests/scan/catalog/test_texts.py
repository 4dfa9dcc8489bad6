"""Databases that are texts or JSON: what each says, and what is told of one that does not follow its form."""

from __future__ import annotations

import json

import pytest

from scow.scan.catalog import apk, chisel, documents, dpkg, lockfiles, osrelease, pacman, python, ruby
from scow.scan.catalog.reading import Reading, hashed, sane, split_hashes
from scow.scan.package import Distribution, Package

DPKG = b"""\
Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl (3.0.11-1)
Version: 3.0.11-1~deb12u2
Description: Secure Sockets Layer toolkit
 Version: 99 is not a field but the description
 .

Package: gone
Status: deinstall ok config-files
Version: 1.0
Architecture: all

Package: perl
Status: install ok half-configured
Architecture: amd64
Version: 1:5.36.0-7
Source: perl
"""

APK = b"""\
C:Q1p78yvTLG094tHE1+dToJGbmYzQE=
P:libcrypto3
V:3.1.4-r5
A:x86_64
L:Apache-2.0
o:openssl
F:lib
R:libcrypto.so.3
a:0:0:755
Z:Q1abc
F:etc
F:etc/ssl
R:openssl.cnf

P:musl
V:1.2.4-r2
A:x86_64
o:musl

"""

PACMAN = b"""\
%NAME%
zlib

%VERSION%
1:1.3.1-1

%BASE%
zlib

%ARCH%
x86_64

%LICENSE%
custom
Zlib
"""


def names(reading: Reading) -> list[str]:
    return [f"{package.name} {package.version}" for package in reading.packages]


def test_dpkg_status() -> None:
    found = dpkg.status(b"var/lib/dpkg/status", DPKG)
    assert found.reasons == ()
    assert found.packages == (
        Package("libssl3", "3.0.11-1~deb12u2", "deb", source="openssl", source_version="3.0.11-1", arch="amd64",
                location=b"var/lib/dpkg/status"),
        Package("perl", "1:5.36.0-7", "deb", arch="amd64", location=b"var/lib/dpkg/status"),
    )  # fmt: skip


def test_dpkg_status_of_distroless_has_no_status_field() -> None:
    assert names(dpkg.status(b"x", b"Package: base-files\nVersion: 12.4\nArchitecture: amd64\n")) == ["base-files 12.4"]


def test_a_binary_rebuild_has_another_version_than_its_source() -> None:
    told = b"Package: bash\nVersion: 5.2.15-2+b13\nSource: bash (5.2.15-2)\n"
    (package,) = dpkg.status(b"x", told).packages
    assert (package.source, package.source_version) == ("bash", "5.2.15-2")


def test_dpkg_with_a_broken_paragraph_keeps_the_others() -> None:
    found = sane(dpkg.status(b"x", DPKG + b"\n\nnonsense\n\nPackage: a\n\nPackage: \xff\xfe\nVersion: 1\n"))
    assert len(found.packages) == 2
    assert [reason.split(":")[0] for reason in found.reasons] == [
        "a paragraph that is no package",
        "package 'a' has no version",
        "package '��' has a field that is no text",
    ]


def test_dpkg_lists_and_sums_own_paths() -> None:
    listed = dpkg.files(b"x", b"/.\n/usr/bin/x\n")
    assert hashed(b"usr/bin/x") in set(split_hashes(listed.owned))
    summed = dpkg.sums(b"x", b"0123456789abcdef0123456789abcdef  usr/share/doc/a b\n")
    assert list(split_hashes(summed.owned)) == [hashed(b"/usr/share/doc/a b")]


def test_a_chiselled_image() -> None:
    from backports import zstd

    lines = [
        {"jsonwall": "1.0", "schema": "1.0", "count": 3},
        {"kind": "package", "name": "libc6", "version": "2.39-0ubuntu8", "sha256": "00", "arch": "amd64"},
        {"kind": "path", "path": "/usr/lib/x.so"},
    ]
    found = chisel.manifest(b"p", zstd.compress("\n".join(map(json.dumps, lines)).encode()))
    assert found.packages == (Package("libc6", "2.39-0ubuntu8", "deb", arch="amd64", location=b"p"),)
    assert found.owned == hashed(b"usr/lib/x.so")
    assert "stream ends early" in chisel.manifest(b"p", zstd.compress(b"{}" * 50)[:-3]).reasons[0]
    assert len(chisel.manifest(b"p", zstd.compress(b"nothing")).reasons) == 1
    assert "over the limit" in chisel.manifest(b"p", zstd.compress(bytes(100 << 20))).reasons[0]


def test_apk() -> None:
    found = apk.installed(b"lib/apk/db/installed", APK)
    assert names(found) == ["libcrypto3 3.1.4-r5", "musl 1.2.4-r2"]
    assert found.packages[0].source == "openssl"
    assert found.packages[0].licences == ("Apache-2.0",)
    assert found.packages[1].source == ""
    assert set(split_hashes(found.owned)) == {hashed(b"lib/libcrypto.so.3"), hashed(b"etc/ssl/openssl.cnf")}


def test_apk_without_a_name() -> None:
    assert apk.installed(b"x", b"V:1\n").reasons == ("a paragraph that is no package: b'V:1'",)


def test_pacman() -> None:
    (package,) = pacman.desc(b"x", PACMAN).packages
    assert (package.name, package.version, package.arch) == ("zlib", "1:1.3.1-1", "x86_64")
    assert package.licences == ("custom", "Zlib")
    assert pacman.desc(b"x", b"%FOO%\nbar\n").reasons == ("has no %NAME%",)
    assert pacman.files(b"x", b"%FILES%\nusr/\nusr/bin/x\n").owned[8:] == hashed(b"usr/bin/x")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            b'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME="Alpine Linux v3.19"\n',
            Distribution("alpine", "3.19.1", "", "", "Alpine Linux v3.19"),
        ),
        (b"ID='rhel'\nVERSION_ID=\"9.3\"\n", Distribution("rhel", "9.3")),
        (b'ID=x\nPRETTY_NAME="a \\"b\\" \\$c"\n', Distribution("x", pretty='a "b" $c')),
    ],
)
def test_os_release(data: bytes, expected: Distribution) -> None:
    assert osrelease.os_release(b"etc/os-release", data).distribution == expected


def test_os_release_without_an_id() -> None:
    assert osrelease.os_release(b"x", b"NAME=x\n").reasons == ("has no ID",)


def test_python_metadata() -> None:
    data = (
        b"Metadata-Version: 2.1\r\nName: PyYAML\r\nVersion: 6.0.1\r\nLicense: MIT\r\n"
        b"Classifier: License :: OSI Approved :: MIT License\r\n\r\nName: not a header\r\n"
    )
    assert python.metadata(b"p", data).packages == (
        Package("PyYAML", "6.0.1", "pypi", "PyPI", licences=("MIT",), location=b"p"),
    )
    assert python.metadata(b"p", b"nothing").reasons == ("has no Name and no Version",)
    assert sane(python.metadata(b"p", b"Name: a\n")).reasons == ("package 'a' has no version",)


def test_python_licences_of_classifiers() -> None:
    data = b"Name: a\nVersion: 1\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: BSD License\n"
    assert python.metadata(b"p", data).packages[0].licences == ("BSD License",)


def test_conda() -> None:
    (package,) = python.conda(b"p", b'{"name": "numpy", "version": "1.26.0", "build": "h1", "license": "BSD"}').packages
    assert (package.kind, package.ecosystem, package.name, package.version) == ("conda", "", "numpy", "1.26.0")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"name": "@a/b", "version": "1.0.0", "license": "MIT"},
         [Package("@a/b", "1.0.0", "npm", "npm", licences=("MIT",))]),
        ({"name": "x", "version": "v2.0.0", "licenses": [{"type": "MIT"}, {"type": "BSD"}]},
         [Package("x", "2.0.0", "npm", "npm", licences=("MIT", "BSD"))]),
        ({"type": "module"}, []),
        ({"name": "x", "version": 3}, []),
    ],
)  # fmt: skip
def test_npm(document: object, expected: list[Package]) -> None:
    assert documents.npm(b"", json.dumps(document).encode()).packages == tuple(expected)


@pytest.mark.parametrize("data", [b"{", b"[1]", b"[" * 100_000, b""])
def test_json_that_is_none(data: bytes) -> None:
    for read in (documents.npm, documents.composer, documents.dotnet, python.conda):
        found = read(b"", data)
        assert found.packages == ()
        assert len(found.reasons) == 1


def test_json_whose_text_is_none() -> None:
    assert len(documents.npm(b"", b'{"name": "\xff"}').reasons) == 1


def test_composer() -> None:
    one = {"name": "symfony/console", "version": "v5.4.0", "license": ["MIT"]}
    for document in ({"packages": [one], "dev": True}, [one]):
        found = documents.composer(b"", json.dumps(document).encode())
        assert names(found) == ["symfony/console v5.4.0"]
        assert found.packages[0].ecosystem == "Packagist"


def test_dotnet() -> None:
    libraries = {"Newtonsoft.Json/12.0.1": {"type": "package"}, "mine/1.0.0": {"type": "project"}}
    found = documents.dotnet(b"", json.dumps({"libraries": libraries}).encode())
    assert found.packages == (Package("Newtonsoft.Json", "12.0.1", "nuget", "NuGet"),)


def test_dotnets_files_and_runtimes() -> None:
    runtime = "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.14"
    libraries = {
        "app/1.0.0": {"type": "project"},
        "Json/13.0.1": {"type": "package"},
        "Native/1.0.0": {"type": "package"},
        "System.Net.Http/4.3.0": {"type": "package"},
        runtime: {"type": "runtimepack"},
    }
    target = {
        "app/1.0.0": {"dependencies": {"Json": "13.0.1"}, "runtime": {"app.dll": {}}},
        "Json/13.0.1": {"runtime": {"lib/net6.0/Json.dll": {"assemblyVersion": "13.0.0.0"}}},
        "Native/1.0.0": {"runtimeTargets": {"runtimes/linux-x64/native/n.so": {"rid": "linux-x64"}}},
        "System.Net.Http/4.3.0": {"dependencies": {"Json": "13.0.1"}},
        runtime: {"runtime": {"System.Private.CoreLib.dll": {}}, "native": {"libcoreclr.so": {}}},
    }
    told = {"targets": {".NETCoreApp,Version=v8.0": {}, ".NETCoreApp,Version=v8.0/linux-x64": target}}
    found = documents.dotnet(b"", json.dumps({**told, "libraries": libraries}).encode())
    assert names(found) == ["Json 13.0.1", "Native 1.0.0", "Microsoft.NETCore.App.Runtime.linux-x64 8.0.14"]


def test_gems() -> None:
    stubbed = b"# -*- encoding: utf-8 -*-\n# stub: rake 13.0.6 ruby lib\n\nGem::Specification.new do |s|\n"
    stubbed += b'  s.name = "rake".freeze\n  s.licenses = ["MIT".freeze]\nend\n'
    (package,) = ruby.gemspec(b"", stubbed).packages
    assert (package.name, package.version, package.licences) == ("rake", "13.0.6", ("MIT",))
    plain = b"Gem::Specification.new do |spec|\n  spec.name = 'a'\n  spec.version = Gem::Version.new(\"1.2\")\nend"
    assert names(ruby.gemspec(b"", plain)) == ["a 1.2"]
    assert ruby.gemspec(b"", b"s.name = NAME").reasons == ("computes its name or version",)


def test_npms_lockfiles() -> None:
    newer = {"packages": {"": {"version": "1"}, "node_modules/l": {"link": True},
                          "node_modules/a": {"version": "1.0.0"},
                          "node_modules/a/node_modules/@b/c": {"version": "2.0.0"},
                          "node_modules/alias": {"version": "3.0.0", "name": "real"}}}  # fmt: skip
    found = lockfiles.package_lock(b"", json.dumps(newer).encode())
    assert names(found) == ["a 1.0.0", "@b/c 2.0.0", "real 3.0.0"]
    older = {"dependencies": {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0"}}}}}
    assert names(lockfiles.package_lock(b"", json.dumps(older).encode())) == ["a 1.0.0", "b 2.0.0"]
    others = {"dependencies": {"alias": {"version": "npm:@a/b@3.0.0"}, "own": {"version": "file:packages/own"}}}
    assert names(lockfiles.package_lock(b"", json.dumps(others).encode())) == ["@a/b 3.0.0"]
    assert lockfiles.package_lock(b"", b"[]").reasons != ()


def test_yarns_lockfiles() -> None:
    classic = (
        b'# yarn lockfile v1\n\n\n"@babel/core@^7.0.0", "@babel/core@^7.1.0":\n  version "7.12.11"\n  resolved "x"\n'
    )
    classic += b'  dependencies:\n    version "^1.0.0"\n\nlodash@^4.17.0:\n  version "4.17.20"\n'
    assert names(lockfiles.yarn_lock(b"", classic)) == ["@babel/core 7.12.11", "lodash 4.17.20"]
    berry = b'__metadata:\n  version: 6\n\n"app@workspace:.":\n  version: 0.0.0-use.local\n\n"lodash@npm:^4.17.0":\n'
    berry += b'  version: 4.17.21\n  resolution: "lodash@npm:4.17.21"\n'
    assert names(lockfiles.yarn_lock(b"", berry)) == ["lodash 4.17.21"]
    aliases = b'"a@npm:lodash@3.10.1":\n  version "3.10.1"\n\nb@npm:@c/d@1.0.0:\n  version "1.0.0"\n\n'
    aliases += b'"own@file:./own":\n  version "9.9.9"\n'
    assert names(lockfiles.yarn_lock(b"", aliases)) == ["lodash 3.10.1", "@c/d 1.0.0"]


PNPM = {
    "5.4": b"""
  /@babel/core/7.0.0_x@1.0.0:
    resolution: {integrity: sha512-Xm==}
    dependencies:
      chalk: 2.4.2

  /chalk/2.4.2:
    engines: {node: '>=4'}

  file:own:
    resolution: {directory: own, type: directory}
    name: own
    version: 9.9.9

  github.com/a/1git/0123:
    resolution: {tarball: https://codeload.github.com/a/1git/tar.gz/0123}
    name: git
    version: 1.0.0
""",
    "6.0": b"""
  /@babel/core@7.0.0(x@1.0.0):
    resolution: {integrity: sha512-Xm==}
    dev: false

  /chalk@2.4.2:
    resolution: {integrity: sha512-Mt==}

  file:own:
    resolution: {directory: own, type: directory}
    name: own

  github.com/a/1git/0123:
    resolution: {tarball: https://codeload.github.com/a/1git/tar.gz/0123}
    name: git
    version: 1.0.0
""",
    "9.0": b"""
  '@babel/core@7.0.0':
    resolution: {integrity: sha512-Xm==}

  chalk@2.4.2:
    resolution: {integrity: sha512-Mt==}

  own@file:own:
    resolution: {directory: own, type: directory}

  git@https://codeload.github.com/a/1git/tar.gz/0123:
    resolution: {tarball: https://codeload.github.com/a/1git/tar.gz/0123}
    version: 1.0.0

snapshots:

  '@babel/core@7.0.0(x@1.0.0)':
    dependencies:
      chalk: 2.4.2
""",
}


@pytest.mark.parametrize("version", PNPM)
def test_pnpms_lockfiles(version: str) -> None:
    """As pnpm 7, 8 and 9 write them."""
    importers = b"importers:\n\n  packages/1:\n    dependencies:\n      chalk:\n        version: 2.4.2\n\npackages:\n"
    found = lockfiles.pnpm_lock(b"", b"lockfileVersion: '%s'\n\n%s" % (version.encode(), importers) + PNPM[version])
    assert names(found) == ["@babel/core 7.0.0", "chalk 2.4.2", "git 1.0.0"]
