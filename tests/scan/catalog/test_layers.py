"""What an image of several layers holds, and which of them brought it: the merged view, not the sum of the layers."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import structs
from tests.image.images import stored
from tests.layer.tars import Item, item
from tests.scan.catalog import programs
from tests.scan.catalog.test_java import LOG4J

from scow import Engine
from scow.image.store import Store
from scow.scan.package import Catalog

STATUS = "var/lib/dpkg/status"
SITE = "usr/local/lib/python3.12/site-packages"
RELEASE = item("etc/os-release", data=b"ID=debian\nVERSION_ID=12\n")


def dpkg(*packages: str) -> bytes:
    """``name=version`` each."""
    pairs = (one.split("=") for one in packages)
    return "\n".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n"
        for name, version in pairs
    ).encode()


def status(*packages: str) -> Item:
    return item(STATUS, data=dpkg(*packages))


def apk(*packages: str) -> bytes:
    pairs = (one.split("=") for one in packages)
    return "\n".join(f"P:{name}\nV:{version}\nA:x86_64\n" for name, version in pairs).encode()


def npm(path: str, name: str, version: str) -> Item:
    return item(
        f"{path}/node_modules/{name}/package.json", data=json.dumps({"name": name, "version": version}).encode()
    )


def pip(name: str, version: str, at: str = "usr/lib/python3/dist-packages") -> Item:
    return item(f"{at}/{name}-{version}.dist-info/METADATA", data=f"Name: {name}\nVersion: {version}\n".encode())


def bill(path: str, *purls: str) -> Item:
    components = [{"purl": purl} for purl in purls]
    return item(path, data=json.dumps({"bomFormat": "CycloneDX", "components": components}).encode())


def gone(path: str) -> Item:
    return item(path, "whiteout")


def catalog(root: Path, layers: Sequence[list[Item]]) -> Catalog:
    """The catalog of an image, the same from its files, from the layers' bytes, from their records and the image's."""

    stored(Store(root), layers)
    cold = Engine(root).scanner.catalog("test:latest")
    passing = Engine(root / "other").scanner.catalog(f"oci:{root}:test:latest")
    assert structs.replace(passing, subject=cold.subject) == cold
    assert Engine(root).scanner.catalog("test:latest") == cold
    for record in (root / "cache/scan").glob("image-*"):
        record.unlink()
    assert Engine(root).scanner.catalog("test:latest") == cold
    return cold


def told(found: Catalog) -> list[str]:
    return [f"{one.name} {one.version} @{one.layer}" for one in found.packages]


CASES: dict[str, tuple[list[list[Item]], list[str]]] = {
    "one layer": ([[status("a=1", "b=2")]], ["a 1 @0", "b 2 @0"]),
    "added later": ([[status("a=1")], [status("a=1", "b=2")]], ["a 1 @0", "b 2 @1"]),
    "upgraded": ([[status("a=1")], [status("a=2")]], ["a 2 @1"]),
    "downgraded": ([[status("a=2")], [status("a=1")]], ["a 1 @1"]),
    "removed": ([[status("a=1", "b=1")], [status("b=1")]], ["b 1 @0"]),
    "removed, then there again": ([[status("a=1")], [status("b=1")], [status("a=1", "b=1")]], ["a 1 @2", "b 1 @1"]),
    "upgraded and back": ([[status("a=1")], [status("a=2")], [status("a=1")]], ["a 1 @2"]),
    "touched only": ([[status("a=1")], [status("a=1")], [item("x")]], ["a 1 @0"]),
    "database removed": ([[status("a=1")], [gone(STATUS)]], []),
    "directory of the database removed": ([[status("a=1")], [gone("var/lib")]], []),
    "directory of the database opaque": (
        [[status("a=1")], [item("var/lib", "opaque"), item("var/lib", "dir", mode=0o755)]], [],
    ),
    "database removed, then there again": ([[status("a=1")], [gone(STATUS)], [status("a=1")]], ["a 1 @2"]),
    "opaque directory with a new database": (
        [[status("a=1", "b=1")], [item("var/lib/dpkg", "opaque"), status("b=1")]], ["b 1 @0"],
    ),
    "directory became a symlink": (
        [[npm("app", "x", "1.0.0")], [item("app", "symlink", link=b"other"), npm("other", "y", "2.0.0")]],
        ["y 2.0.0 @1"],
    ),
    "directory became a file": ([[npm("app", "x", "1.0.0")], [item("app", data=b"no")]], []),
    "symlink became a directory": (
        [[npm("b", "x", "1.0.0"), item("a", "symlink", link=b"b")],
         [item("a", "dir", mode=0o755), npm("a", "y", "1.0.0")]],
        ["x 1.0.0 @0", "y 1.0.0 @1"],
    ),
    "written through a symlink of a lower layer": (
        [[item("usr/lib", "dir", mode=0o755), item("lib", "symlink", link=b"usr/lib")],
         [item("lib/apk/db/installed", data=apk("musl=1"))]],
        ["musl 1 @1"],
    ),
    "removed through a symlink of a lower layer": (
        [[item("usr/lib/apk/db/installed", data=apk("musl=1")), item("lib", "symlink", link=b"usr/lib")],
         [gone("lib/apk/db/installed")]],
        [],
    ),
    "an npm package upgraded in place": ([[npm("app", "x", "1.0.0")], [npm("app", "x", "1.1.0")]], ["x 1.1.0 @1"]),
    "a Python package upgraded by pip": (
        [[pip("six", "1.15")], [gone("usr/lib/python3/dist-packages/six-1.15.dist-info"), pip("six", "1.16")]],
        ["six 1.16 @1"],
    ),
    "a Python package in two places": (
        [[pip("six", "1.15")], [pip("six", "1.15", "opt/venv/lib/python3/site-packages")]],
        ["six 1.15 @1", "six 1.15 @0"],
    ),
    "a database that moved": (
        [[item("lib/apk/db/installed", data=apk("musl=1", "zlib=1"))],
         [gone("lib/apk"), item("usr/lib/apk/db/installed", data=apk("musl=1", "zlib=2"))]],
        ["musl 1 @0", "zlib 2 @1"],
    ),
    "distroless: a file per package": (
        [[item("var/lib/dpkg/status.d/base", data=dpkg("base-files=12"))],
         [item("var/lib/dpkg/status.d/ssl", data=dpkg("libssl3=3.0"))], [gone("var/lib/dpkg/status.d/base")]],
        ["libssl3 3.0 @1"],
    ),
    "a hard link in a layer": (
        [[item("store/object", data=dpkg("a=1")), item(STATUS, "hardlink", link=b"store/object")]], ["a 1 @0"],
    ),
    "a hard link that stays when its file goes": (
        [[npm("a", "x", "1.0.0"),
          item("b/node_modules/x/package.json", "hardlink", link=b"a/node_modules/x/package.json")], [gone("a")]],
        ["x 1.0.0 @0"],
    ),
    "a program replaced by a script": (
        [[item("usr/bin/app", data=programs.go(), mode=0o755)],
         [item("usr/bin/app", data=b"#!/bin/sh\n" * 500, mode=0o755)]],
        [],
    ),
    "a jar that went": ([[item("opt/a.jar", data=LOG4J)], [gone("opt/a.jar")]], []),
    "a directory became a link to itself": (
        [[npm("a", "x", "1.0.0"), item("a", "symlink", link=b"a"), npm("b", "y", "1.0.0")]], ["y 1.0.0 @0"],
    ),
    "what a Python package carries in it": (
        [[pip("setuptools", "80.0", SITE), pip("wheel", "0.43", f"{SITE}/setuptools/_vendor"),
          bill(f"{SITE}/pip/_vendor/bom.cdx.json", "pkg:pypi/x@1")]],
        ["setuptools 80.0 @0"],
    ),
    "what pip and npm were removing when they were stopped": (
        [[pip("six", "1.16", SITE), pip("~ix", "1.15", SITE), npm("a", "x", "2.0.0"), npm("a", ".x-Ab3dEf0h", "1.0.0"),
          npm("a/node_modules/@s/.y-Ab3dEf0h", "z", "1.0.0"), npm("a/node_modules/.pnpm/w@1.0.0", "w", "1.0.0")]],
        ["w 1.0.0 @0", "x 2.0.0 @0", "six 1.16 @0"],
    ),
    "an empty image": ([[item("x", data=b"y")]], []),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_layers(name: str, tmp_path: Path) -> None:
    layers, expected = CASES[name]
    found = catalog(tmp_path, layers)
    assert told(found) == expected
    assert found.unread == ()


def test_a_package_says_where_it_is(tmp_path: Path) -> None:
    found = catalog(tmp_path, [[RELEASE, status("a=1")], [item("opt/x.jar", data=LOG4J)]])
    debian, jar = found.packages
    assert (debian.location, debian.ecosystem, debian.distro) == (STATUS.encode(), "Debian:12", "debian-12")
    assert (jar.location, jar.layer) == (b"opt/x.jar", 1)
    assert [layer.diff_id[:7] for layer in found.layers] == ["sha256:", "sha256:"]
    assert found.digest.startswith("sha256:")


LISTED = item("var/lib/dpkg/info/python3-six.list", data=b"/usr/lib/python3/dist-packages/six-1.15.dist-info/METADATA\n"
              b"/usr/share/java/log4j.jar\n/bin/app\n")  # fmt: skip


def test_what_a_bill_says_too_is_there_once(tmp_path: Path) -> None:
    told_twice = bill("app/bom.cdx.json", "pkg:npm/x@1.0.0", "pkg:npm/y@2.0.0")
    found = catalog(tmp_path, [[told_twice], [npm("app", "x", "1.0.0")]])
    assert told(found) == ["x 1.0.0 @1", "y 2.0.0 @0"]


def test_what_a_wheel_bundles_of_another_distribution_is_not_this_ones(tmp_path: Path) -> None:
    """PEP 770: a wheel that was built on AlmaLinux 8, installed on another release."""
    purl = "pkg:rpm/almalinux/libgfortran@8.5.0-22.el8_10?arch=x86_64"
    release = item("etc/os-release", data=b"ID=almalinux\nVERSION_ID=9.4\n")
    bundled = bill(f"{SITE}/numpy-2.3.dist-info/sboms/auditwheel.cdx.json", purl)
    (found,) = catalog(tmp_path, [[release, bundled]]).packages
    assert (found.name, found.ecosystem, found.purl) == ("libgfortran", "", purl)


def test_what_dpkg_brought_is_dpkgs(tmp_path: Path) -> None:
    base = [
        status("python3-six=1.15-1"), LISTED, pip("six", "1.15"), item("usr/share/java/log4j.jar", data=LOG4J),
        item("bin", "symlink", link=b"usr/bin"), item("usr/bin/app", data=programs.go(), mode=0o755),
    ]  # fmt: skip
    mine = [pip("flask", "1.0", "usr/local/lib/python3/dist-packages")]
    assert told(catalog(tmp_path, [base, mine])) == ["python3-six 1.15-1 @0", "flask 1.0 @1"]


def test_a_list_without_its_database_proves_nothing(tmp_path: Path) -> None:
    found = catalog(tmp_path, [[status("python3-six=1.15-1"), LISTED, pip("six", "1.15")], [gone(STATUS)]])
    assert told(found) == ["six 1.15 @0"]


def test_apks_own_files_are_apks(tmp_path: Path) -> None:
    data = b"P:py3-six\nV:1.16-r0\nF:usr/lib/python3/dist-packages/six-1.16.dist-info\nR:METADATA\n"
    found = catalog(tmp_path, [[item("lib/apk/db/installed", data=data), pip("six", "1.16")]])
    assert told(found) == ["py3-six 1.16-r0 @0"]


def test_os_release_through_its_link(tmp_path: Path) -> None:
    layers = [
        [item("usr/lib/os-release", data=b"ID=alpine\nVERSION_ID=3.19.1\n"),
         item("etc/os-release", "symlink", link=b"../usr/lib/os-release"),
         item("lib/apk/db/installed", data=apk("musl=1"))],
        [item("usr/lib/os-release", data=b"ID=alpine\nVERSION_ID=3.20.0\n")],
    ]  # fmt: skip
    found = catalog(tmp_path, layers)
    assert found.packages[0].ecosystem == "Alpine:v3.20"
    assert found.packages[0].purl == "pkg:apk/alpine/musl@1?arch=x86_64&distro=alpine-3.20.0"


def test_a_distribution_without_its_database_is_told(tmp_path: Path) -> None:
    found = catalog(tmp_path, [[RELEASE, status("a=1"), npm("app", "x", "1.0.0")], [gone(STATUS)]])
    assert told(found) == ["x 1.0.0 @0"]
    assert [(one.path, one.reason) for one in found.unread] == [
        (b"etc/os-release", "debian-12 has no package database here: what it installed is not known")
    ]


def test_the_packages_of_another_manager_are_not_the_distributions(tmp_path: Path) -> None:
    found = catalog(tmp_path, [[RELEASE, status("a=1"), item("lib/apk/db/installed", data=apk("musl=1"))]])
    assert {one.kind: one.ecosystem for one in found.packages} == {"deb": "Debian:12", "apk": ""}


def test_a_rebuilt_image_costs_only_its_new_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scow.scan.catalog import survey
    from scow.scan.catalog.reading import Record

    looked: list[int] = []
    real = survey.survey

    def noted(layers: survey.Layers, number: int) -> Record:
        looked.append(number)
        return real(layers, number)

    monkeypatch.setattr(survey, "survey", noted)
    base = [[status("a=1")], [npm("app", "x", "1.0.0")]]
    for top in ([pip("six", "1.0")], [pip("six", "1.1")]):
        stored(Store(tmp_path), [*base, top])
        Engine(tmp_path).scanner.catalog("test:latest")
    assert sorted(looked[:3]) == [0, 1, 2] and looked[3:] == [2]  # of the first scan in any order


def test_records_do_not_pile_up(tmp_path: Path) -> None:
    from scow.layer.records import Records
    from scow.scan.catalog.reading import Record

    records = Records(tmp_path, 1)
    for number in range(2010):
        (tmp_path / f"layer-{number}.1").write_bytes(b"")
    records.keep("new", Record())
    records.trim()
    assert records.find("new", Record) == Record()
    assert len(list(tmp_path.iterdir())) == 2000


def test_an_archive_is_looked_at_without_being_unpacked(tmp_path: Path) -> None:
    """Files come out of the layers' bytes then, not from trees: programs and archives are read all the same."""

    app = item("usr/bin/app", data=programs.old_go(), mode=0o755)
    big = item("opt/big.jar", data=bytes(20 << 20) + LOG4J)  # over what is held in memory
    top = [status("a=1", "b=1"), npm("x", "y", "1.0.0")]
    stored(Store(tmp_path / "one"), [[RELEASE, status("a=1")], [app, big], top])
    engine = Engine(tmp_path / "one")
    here = engine.scanner.catalog("test:latest")
    with (tmp_path / "app.tar").open("wb") as file:
        engine.images.save(["test:latest"], file)
    there = Engine(tmp_path / "two").scanner.catalog(str(tmp_path / "app.tar"))
    assert (there.packages, there.unread, there.digest) == (here.packages, here.unread, here.digest)
    assert [one.kind for one in there.packages] == ["deb", "deb", *["golang"] * 4, "maven", "npm"]
    assert not list((tmp_path / "two/layers").rglob("bin"))


def test_a_library_need_not_be_executable(tmp_path: Path) -> None:
    """``go build -buildmode=c-shared`` makes such, of mode 0644."""
    library = item("opt/libapp.so", data=programs.go(), mode=0o644)
    found = catalog(tmp_path, [[library, item("opt/libapp.txt", data=programs.go(), mode=0o644)]])
    assert {one.location for one in found.packages if one.kind == "golang"} == {b"opt/libapp.so"}


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    from collections.abc import Iterable, Iterator

    from scow.errors import Denied
    from scow.layer.entry import Entry
    from scow.layer.view import Found
    from scow.scan.catalog.survey import survey

    class Guarded:
        def entries(self, number: int) -> Iterator[Entry]:
            yield from (Entry(path, "file", 0o644, size=9) for path in (STATUS.encode(), b"etc/os-release"))

        def watch(self, number: int, watch: object) -> bool:
            return False  # nothing goes by

        def each(self, wanted: Iterable[Found]) -> Iterator[tuple[Found, io.BytesIO]]:
            for found in wanted:
                if found.source == STATUS.encode():
                    raise Denied("may not be read", subject=f"/root/{STATUS}")
                yield found, io.BytesIO(b"ID=debian")

    readings = survey(Guarded(), 0).readings
    assert readings[STATUS.encode()].reasons == ("may not be read",)
    assert readings[b"etc/os-release"].distribution is not None


def test_distroless_knows_its_files_by_their_sums(tmp_path: Path) -> None:
    path = b"usr/lib/python3/dist-packages/six-1.15.dist-info/METADATA"
    layer = [
        item("var/lib/dpkg/status.d/six", data=dpkg("python3-six=1.15-1")),
        item("var/lib/dpkg/status.d/six.md5sums", data=b"0" * 32 + b"  " + path + b"\n"),
        pip("six", "1.15"),
    ]
    assert told(catalog(tmp_path, [layer])) == ["python3-six 1.15-1 @0"]


def test_bills_in_images(tmp_path: Path) -> None:
    bill = {"spdxVersion": "SPDX-2.3", "packages": [
        {"externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:bitnami/redis@7.2.1-0?arch=amd64"}]},
        {"externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:nothing"}]},
    ]}  # fmt: skip
    found = catalog(tmp_path, [[item("opt/bitnami/redis/.spdx-redis.spdx", data=json.dumps(bill).encode())]])
    (package,) = found.packages
    assert (package.name, package.version, package.ecosystem) == ("redis", "7.2.1-0", "Bitnami")
    assert "no package URL" in found.unread[0].reason


def test_a_directory_is_looked_at_too(tmp_path: Path) -> None:
    place = tmp_path / "root" / "var/lib/dpkg"
    place.mkdir(parents=True)
    (place / "status").write_bytes(dpkg("a=1"))
    (tmp_path / "root/etc").mkdir()
    (tmp_path / "root/etc/os-release").write_text("ID=debian\nVERSION_ID=12\n")
    found = Engine(tmp_path / "store").scanner.catalog(f"dir:{tmp_path / 'root'}")
    assert told(found) == ["a 1 @0"]
    assert found.packages[0].ecosystem == "Debian:12"


MANIFEST = "node_modules/x/package.json"
HOSTILE: dict[str, tuple[list[Item], str, str]] = {
    "no UTF-8": ([item(STATUS, data=b"Package: \xff\nVersion: 1\n")], STATUS, "is no text"),
    "no JSON": ([item(MANIFEST, data=b'{"name": ')], MANIFEST, "is not the JSON"),
    "deep JSON": ([item(MANIFEST, data=b"[" * 1_000_000)], MANIFEST, "is not the JSON"),
    "no archive": ([item("x.jar", data=b"PK" * 100)], "x.jar", "is not a ZIP"),
    "a lying header": (
        [item("var/lib/rpm/Packages.db",
              data=b"RpmP" + bytes(8) + b"\1\0\0\0" + bytes(16) + b"Slot\1\0\0\0\0\1\0\0\1\0\0\0"
              + (b"Slot" + bytes(12)) * 253 + b"BlbS\1\0\0\0\1\0\0\0\xff\xff\xff\x7f")],
        "var/lib/rpm/Packages.db", "a blob says that it has 2147483647 bytes",
    ),
    "a huge version": ([item(STATUS, data=b"Package: a\nVersion: " + b"1" * 10_000 + b"\n")], STATUS, "is no text"),
    "os-release without an ID": ([item("etc/os-release", data=b"NAME=x\n")], "etc/os-release", "has no ID"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_told(name: str, tmp_path: Path) -> None:
    items, path, reason = HOSTILE[name]
    found = catalog(tmp_path, [[*items, npm("app", "x", "1.0.0")]])
    assert told(found) == ["x 1.0.0 @0"]
    (unread,) = found.unread
    assert (unread.path, unread.layer) == (path.encode(), 0)
    assert reason in unread.reason


def test_links_in_a_circle(tmp_path: Path) -> None:
    links = {STATUS: b"status", "etc/os-release": b"os-release", "a": b"b", "b": b"a"}
    circle = [item(path, "symlink", link=target) for path, target in links.items()]
    found = catalog(tmp_path, [circle, [npm("app", "x", "1.0.0")]])
    assert (told(found), found.distribution) == (["x 1.0.0 @1"], None)


@pytest.mark.parametrize("target", ["/etc", "../../../../../../../../etc", "b"])
def test_no_link_leads_out_of_a_layer(target: str, tmp_path: Path) -> None:
    """A directory with a file that counts, then a link in its place: whatever lies behind it is not the image's."""
    layer = [item("a/os-release", data=b"x"), item("a/node_modules/x/package.json", data=b"{}"), npm("b", "y", "1.0.0"),
             item("a", "symlink", link=target.encode())]  # fmt: skip
    assert told(catalog(tmp_path, [layer])) == ["y 1.0.0 @0"]
    hostile = [item("etc/os-release", data=b"ID=mine\n"), item("etc", "symlink", link=target.encode())]
    stored(Store(tmp_path / "other"), [hostile])
    assert Engine(tmp_path / "other").scanner.catalog("test:latest").distribution is None


def test_no_hard_link_leads_out_of_a_layer() -> None:
    """The link's file lies in a directory that is a symlink by now: nobody asks for it."""
    from collections.abc import Iterable, Iterator

    from scow.layer.entry import Entry
    from scow.layer.view import Found
    from scow.scan.catalog.survey import survey

    class Layer:
        def entries(self, number: int) -> Iterator[Entry]:
            yield Entry(b"a/passwd", "file", 0o644, size=9)
            yield Entry(b"a", "symlink", link=b"/etc")
            yield Entry(STATUS.encode(), "hardlink", link=b"a/passwd")
            yield Entry(b"b/status", "file", 0o644, size=9)
            yield Entry(b"lib/apk/db/installed", "hardlink", link=b"b/status")

        def watch(self, number: int, watch: object) -> bool:
            return False  # nothing goes by

        def each(self, wanted: Iterable[Found]) -> Iterator[tuple[Found, io.BytesIO]]:
            for found in wanted:
                assert found.source == b"b/status"
                yield found, io.BytesIO(b"P:a\nV:1\n")

    assert set(survey(Layer(), 0).readings) == {b"b/status", b"lib/apk/db/installed"}


def test_a_sparse_status_of_ten_gigabytes(tmp_path: Path) -> None:
    """Ten gigabytes of nothing in a tar of a few hundred bytes."""
    import tarfile

    size = 10 << 30
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("var/lib/dpkg/GNUSparseFile.0/status")
        content = b"1\n0\n1\n".ljust(512, b"\0") + b"x"
        member.size = len(content)
        told = {"major": "1", "minor": "0", "name": STATUS, "realsize": str(size)}
        member.pax_headers = {f"GNU.sparse.{key}": value for key, value in told.items()}
        archive.addfile(member, io.BytesIO(content))
    out.seek(0)
    engine = Engine(tmp_path)
    engine.images.import_(out, "sparse:1")
    (unread,) = engine.scanner.catalog("sparse:1").unread
    assert unread.path == STATUS.encode()
    assert "over the limit" in unread.reason


def test_more_than_one_layer_may_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten lists of a million files each: a minute and three gigabytes. What comes before the limit is still there."""
    monkeypatch.setattr("scow.scan.catalog.opening._OWNED_LIMIT", 1000)
    monkeypatch.setattr("scow.scan.catalog.opening._PACKAGES_LIMIT", 3)
    lists = [item(f"var/lib/dpkg/info/{name}.list", data=b"/x\n" * 600) for name in "abc"]
    found = catalog(tmp_path / "lists", [[status("a=1"), *lists, status("a=1", "b=1")]])
    (unread,) = found.unread
    assert unread.path == b"var/lib/dpkg/info/b.list"
    assert unread.reason.startswith("is where the limit of 3 packages and 1000 files of theirs was reached")
    several = [npm("app", name, "1.0.0") for name in "abcde"]
    found = catalog(tmp_path / "packages", [several, [npm("app", "f", "1.0.0")]])
    assert [one.name for one in found.packages] == ["a", "b", "c", "f"]
    assert len(found.unread) == 1


def test_lockfiles_take_nothing_from_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scow.scan.catalog.opening._PACKAGES_LIMIT", 3)
    lock = "".join(f'p{number}@^1:\n  version "1.0"\n' for number in range(5)).encode()
    found = catalog(tmp_path, [[item("a/yarn.lock", data=lock), npm("app", "x", "1.0.0")]])
    assert (told(found), found.unread) == (["x 1.0.0 @0"], ())
    (unread,) = Engine(tmp_path).scanner.catalog("test:latest", lockfiles=True).unread
    assert unread.path == b"a/yarn.lock"
