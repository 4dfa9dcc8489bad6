"""``scow scan``: targets, formats, what is left out, comparisons, exit codes, and what is never silent."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Console
from tests.image.images import stored
from tests.layer.tars import item
from tests.scan.test_database import archive, document
from tests.support.cli import popen_scow

from scow.image.store import Store
from scow.testing.registry import Registry

RELEASE = b"ID=debian\nVERSION_ID=12\nPRETTY_NAME='Debian GNU/Linux 12 (bookworm)'\n"
V31 = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]


def status(**versions: str) -> bytes:
    stanza = "Package: {}\nStatus: install ok installed\nVersion: {}\nArchitecture: amd64\n\n"
    return "".join(stanza.format(name, version) for name, version in versions.items()).encode()


def npm(name: str, version: str) -> Any:
    return item(f"app/node_modules/{name}/package.json", data=json.dumps({"name": name, "version": version}).encode())


def base(**versions: str) -> list[Any]:
    return [item("etc/os-release", data=RELEASE), item("var/lib/dpkg/status", data=status(**versions))]


@pytest.fixture
def osv(tmp_path: Path) -> Path:
    """Advisories: a critical one on bash that is fixed, an open one on tar, one on npm's x."""
    several = {
        "Debian": {
            "D-1": document(
                "D-1", "bash", fixed="5.3", ecosystem="Debian:12", severity=V31, upstream=["CVE-2024-0001"]
            ),
            "D-2": document("D-2", "tar", fixed="9", ecosystem="Debian:12", database_specific={"severity": "LOW"}),
        },
        "npm": {
            "N-1": document("N-1", "x", fixed="2.0.0", ecosystem="npm", aliases=["CVE-2024-0003"], summary="A hole")
        },
    }
    for ecosystem, documents in several.items():
        (tmp_path / "osv" / ecosystem).mkdir(parents=True)
        (tmp_path / "osv" / ecosystem / "all.zip").write_bytes(archive(documents).getvalue())
    return tmp_path / "osv"


@pytest.fixture
def old(console: Console, osv: Path) -> str:
    """An image of two layers, in a store that has the advisories."""
    stored(Store(console.store), [base(bash="5.2", tar="1.34"), [npm("x", "1.0.0")]], "app:1")
    console("db", "import", "-q", str(osv)).ok()
    return "app:1"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, without ignore files."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def names(console: Console, *argv: str) -> list[str]:
    return console("scan", "--offline", "-q", *argv).ok().lines


def test_the_table(console: Console, old: str) -> None:
    lines = console("scan", "--offline", old).ok().lines
    assert lines[0] == "app:1: Debian GNU/Linux 12 (bookworm), 3 packages"
    assert lines[1] == "3 findings: 1 critical, 1 low, 1 unknown"
    assert lines[3].split() == ["VULNERABILITY", "PACKAGE", "INSTALLED", "FIXED", "IN", "LAYER", "TITLE"]
    assert lines[4:6] == ["CRITICAL (1)", "  CVE-2024-0001  bash     5.2        5.3       0"]
    assert "  CVE-2024-0003  x        1.0.0      2.0.0     1      A hole" in lines


def test_documents(console: Console, old: str, tmp_path: Path) -> None:
    told = json.loads(console("scan", "--offline", "--format", "json", old).ok().stdout)
    assert [(one["Name"], one["Layer"]) for one in told["Findings"]] == [
        ("CVE-2024-0001", 0), ("D-2", 0), ("CVE-2024-0003", 1),
    ]  # fmt: skip
    for form, field in (("sarif", "runs"), ("cyclonedx", "vulnerabilities"), ("spdx", "packages")):
        path = tmp_path / form
        console("scan", "--offline", "--format", form, "-o", str(path), old).ok()
        assert json.loads(path.read_text())[field]
        umask = os.umask(0)
        os.umask(umask)
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask
    assert console("scan", "--offline", "--format", "markdown", old).ok().lines[0] == "## app:1"
    assert console("scan", "--offline", "--format", "html", old).ok().stdout.startswith("<!doctype html>")


def test_templates(console: Console, old: str, elsewhere: Path) -> None:
    template = '{{range .Findings}}{{.Name}} {{.Package.Name}}{{"\\n"}}{{end}}'
    expected = ["CVE-2024-0001 bash", "D-2 tar", "CVE-2024-0003 x"]
    assert console("scan", "--offline", "--format", template, old).ok().lines == expected
    (elsewhere / "report.tmpl").write_text(template)
    assert console("scan", "--offline", "--format=template", "--template", "@report.tmpl", old).ok().lines == expected
    assert "needs a --template" in console("scan", "--offline", "--format", "template", old).stderr


def test_what_is_shown(console: Console, old: str) -> None:
    assert names(console, old) == ["CVE-2024-0001", "D-2", "CVE-2024-0003"]
    assert names(console, "--severity", "CRITICAL,low", old) == ["CVE-2024-0001", "D-2"]
    for flag in ("--only-fixed", "--ignore-unfixed"):
        assert names(console, flag, "--severity", "low", old) == ["D-2"]
    refused = console("scan", "--offline", "--severity", "bad", old)
    assert (refused.code, refused.stderr.splitlines()[0]) == (1, "scow: bad: no such severity")


def test_exit_codes(console: Console, old: str) -> None:
    def code(*argv: str) -> int:
        return console("scan", "--offline", "-q", *argv, old).code

    assert code() == 0
    assert code("--fail-on", "critical") == 2
    assert code("--fail-on", "critical", "--exit-code", "7") == 7
    assert code("--fail-on", "critical", "--exit-code", "0") == 0
    assert code("--exit-code", "3") == 3
    assert code("--exit-code", "3", "--severity", "medium") == 0
    assert code("--fail-on", "high", "--severity", "low") == 0
    assert console("scan", "--offline", "nowhere.invalid/x:1").code == 1


def test_ignore_files(console: Console, old: str, elsewhere: Path) -> None:
    (elsewhere / ".trivyignore").write_text("D-2\n")
    (elsewhere / ".scowignore").write_text("CVE-2024-0003 exp:2999-01-01 # later\n")
    assert names(console, old) == ["CVE-2024-0001"]
    assert "2 ignored" in console("scan", "--offline", old).ok().lines[1]
    (elsewhere / "mine").write_text("CVE-2024-0001 pkg:bash\nCVE-2024-0003 exp:2001-01-01\n")
    assert names(console, "--ignorefile", "mine", old) == ["D-2", "CVE-2024-0003"]
    (elsewhere / "mine").write_text("CVE-2024-0001\r\n", encoding="utf-8-sig")  # as Windows' editors write it
    assert names(console, "--ignorefile", "mine", old) == ["D-2", "CVE-2024-0003"]
    (elsewhere / "mine").write_text("CVE-2024-0001 when:never\n")
    refused = console("scan", "--offline", "--ignorefile", "mine", old)
    assert refused.code == 1
    assert "mine:1" in refused.stderr


def test_vex(console: Console, old: str, elsewhere: Path) -> None:
    statement = {
        "vulnerability": {"name": "CVE-2024-0001"},
        "status": "not_affected",
        "products": [{"@id": "pkg:oci/app"}],
    }
    (elsewhere / "vex.json").write_text(
        json.dumps({"@context": "https://openvex.dev/ns/v0.2.0", "statements": [statement]})
    )
    assert names(console, "--vex", "vex.json", old) == ["D-2", "CVE-2024-0003"]


def test_what_a_rebuild_fixed_and_brought(console: Console, old: str) -> None:
    stored(Store(console.store), [base(bash="5.3", tar="1.35"), [npm("x", "1.0.0")], [npm("y", "1.0.0")]], "app:2")
    lines = console("scan", "--offline", "--compare", old, "app:2").ok().lines
    assert lines[:2] == ["app:1 → app:2", "1 gone, 0 new, 2 still there"]
    assert [line.split()[0] for line in lines[-1:]] == ["CVE-2024-0001"]
    told = json.loads(console("scan", "--offline", "--format", "json", "--compare", "app:2", old).ok().stdout)
    assert [one["Name"] for one in told["Brought"]] == ["CVE-2024-0001"]
    assert console("scan", "--offline", "-q", "--compare", "app:2", "--fail-on", "high", old).code == 2
    assert console("scan", "--offline", "-q", "--compare", old, "--fail-on", "unknown", "app:2").code == 0
    assert (
        "cannot be shown as sarif" in console("scan", "--offline", "--format=sarif", "--compare", old, "app:2").stderr
    )


def test_targets(console: Console, old: str, registry: Registry, elsewhere: Path) -> None:
    expected = names(console, old)
    name = f"{registry.host}/team/app:1"
    console("tag", old, name).ok()
    console("push", name).ok()
    console("save", "-o", "app.tar", old).ok()
    console("copy", f"store:{old}", "oci:layout:app").ok()
    console("sbom", "--format", "cyclonedx", "-o", "bom.json", old).ok()
    for target in (f"docker://{name}", "app.tar", "docker-archive:app.tar", "oci-archive:app.tar", "oci:layout:app",
                   "sbom:bom.json", f"store:{old}"):  # fmt: skip
        assert names(console, target) == expected, target
    root = elsewhere / "root"
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/os-release").write_bytes(RELEASE)
    (root / "var/lib/dpkg/status").write_bytes(status(bash="5.2"))
    assert names(console, f"dir:{root}") == ["CVE-2024-0001"]


def test_no_data_is_never_no_findings(console: Console, old: str) -> None:
    console("db", "import", "--help")
    stored(Store(console.store), [[item("etc/os-release", data=b"ID=debian\nVERSION_ID=99\n"),
                                  item("var/lib/dpkg/status", data=status(bash="1"))]], "odd:1")  # fmt: skip
    shown = console("scan", "--offline", "odd:1").ok()
    assert shown.lines[1] == "nothing could be checked"
    assert shown.lines[2].startswith("! no data for Debian:99: 1 package not checked")
    quiet = console("scan", "--offline", "-q", "odd:1").ok()
    assert (quiet.lines, quiet.stderr.count("no data for Debian:99")) == ([], 1)
    for gate in (["--fail-on", "low"], ["--exit-code", "3"], ["--fail-on", "low", "--compare", old]):
        refused = console("scan", "--offline", *gate, "odd:1")
        assert (refused.code, refused.stderr.splitlines()[-2]) == (1, "scow: odd:1: nothing could be checked"), gate
    assert console("scan", "--offline", "--fail-on", "low", "--exit-code", "0", "odd:1").code == 0
    told = json.loads(console("scan", "--offline", "--format", "json", "odd:1").ok().stdout)
    assert told["Uncovered"][0]["What"] == "Debian:99"


def test_a_comparison_says_what_could_not_be_looked_at_on_either_side(console: Console, old: str) -> None:
    odd = [
        item("etc/os-release", data=b"ID=debian\nVERSION_ID=99\n"),
        item("var/lib/dpkg/status", data=status(bash="1")),
    ]
    stored(Store(console.store), [odd, [npm("x", "next")]], "odd:1")
    for argv in (("odd:1", old), (old, "odd:1")):
        before = "odd:1: " if argv[0] == "odd:1" else ""
        gaps = [
            f"{before}no data for Debian:99: 1 package not checked",
            f"{before}x next: 1 advisory could not be compared",
        ]
        table = console("scan", "--offline", "--compare", *argv).ok().stdout
        quiet = console("scan", "--offline", "-q", "--compare", *argv).ok()
        for gap in gaps:
            assert f"\n! {gap}" in table
            assert f"scow: {gap}" in quiet.stderr
        told = json.loads(console("scan", "--offline", "--format", "json", "--compare", *argv).ok().stdout)
        side = told["Before"] if before else told
        assert [one["What"] for one in side["Uncovered"]] == ["Debian:99"]
        assert [one["Package"]["Name"] for one in side["Undecided"]] == ["x"]
        assert (side["Unread"], side["Notes"]) == ([], [])


def test_without_a_database_offline(console: Console) -> None:
    stored(Store(console.store), [base(bash="5.2")], "app:1")
    lines = console("scan", "--offline", "app:1").ok().lines
    assert lines[1] == "nothing could be checked"
    assert lines[2] == (
        "! no data for Debian:12: 1 package not checked (not in the advisory database: scow db update Debian)"
    )


def test_what_is_missing_is_fetched_unless_offline(console: Console, osv: Path, registry: Registry) -> None:
    import functools
    import threading
    from http.server import ThreadingHTTPServer

    from tests.cli.test_db_verbs import _Quiet

    stored(Store(console.store), [base(bash="5.2"), [npm("x", "1.0.0")]], "app:1")
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(osv))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mirror = {"SCOW_ADVISORIES": f"http://127.0.0.1:{server.server_port}"}
        first = console("scan", "-q", "app:1", env=mirror).ok()
        assert first.lines == ["CVE-2024-0001", "CVE-2024-0003"]
        assert first.stderr.splitlines() == [
            "Debian: 2 advisories, 2 new or changed", "npm: 1 advisory, 1 new or changed",
        ]  # fmt: skip
        server.shutdown()
    again = console("scan", "-q", "app:1", env=mirror).ok()  # fresh: nobody is asked
    assert (again.lines, again.stderr) == (first.lines, "")


def test_what_is_missing_may_come_from_a_directory(console: Console, osv: Path) -> None:
    stored(Store(console.store), [base(bash="5.2")], "app:1")
    done = console("scan", "-q", "app:1", env={"SCOW_ADVISORIES": str(osv)}).ok()
    assert (done.lines, done.stderr) == (["CVE-2024-0001"], "Debian: 2 advisories, 2 new or changed\n")


def test_advisories_that_cannot_be_had_are_said(console: Console) -> None:
    stored(Store(console.store), [base(bash="5.2")], "app:1")
    lines = console("scan", "app:1", env={"SCOW_ADVISORIES": "http://127.0.0.1:1"}).ok().lines
    assert lines[1] == "nothing could be checked"
    assert any("advisories of Debian could not be updated" in line for line in lines)


def test_versions_that_cannot_be_compared_are_said(console: Console, old: str) -> None:
    stored(Store(console.store), [[npm("x", "next")]], "odd:1")
    lines = console("scan", "--offline", "odd:1").ok().lines
    assert "! x next: 1 advisory could not be compared: next: not a semantic version" in lines


def test_eight_scans_and_an_import_at_once(console: Console, old: str, osv: Path, tmp_path: Path) -> None:
    running = [popen_scow("scan", "--offline", "-q", old, root=console.store) for _ in range(8)]
    running.append(popen_scow("db", "import", "-q", str(osv), root=console.store))
    for number, process in enumerate(running):
        stdout, stderr = process.communicate(timeout=120)
        assert (process.returncode, stderr) == (0, b"")
        assert stdout.decode().split() == (["CVE-2024-0001", "D-2", "CVE-2024-0003"] if number < 8 else [])
