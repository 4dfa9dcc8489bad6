"""What is shown, left out and failed on: every format says the same, and the exit code with them.

The expected answer is worked out here from a plain list of what is wrong with the image; nothing of scow's is asked.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Console
from tests.cli.test_scan_verbs import base
from tests.image.images import stored
from tests.scan.test_database import archive

from scow.image.store import Store

WORDS = ("critical", "high", "medium", "low", "negligible", "unknown")


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a package: of ``old`` and ``new`` the images that have it."""

    name: str
    package: str
    severity: str
    fixed: str = ""
    unimportant: bool = False
    images: str = "old new"


WRONGS = (
    *(Wrong(f"CVE-2024-1{at}", "both", word, "2.0" if at % 2 else "") for at, word in enumerate(WORDS)),
    *(Wrong(f"CVE-2024-2{at}", "gone", word, "" if at % 2 else "2.0", images="old") for at, word in enumerate(WORDS)),
    *(Wrong(f"CVE-2024-3{at}", "came", word, "2.0", images="new") for at, word in enumerate(WORDS)),
    Wrong("CVE-2024-40", "both", "negligible", unimportant=True),
    Wrong("CVE-2024-41", "came", "negligible", "2.0", unimportant=True, images="new"),
    Wrong("CVE-2024-50", "both", "high", "2.0"),
    Wrong("CVE-2024-50", "came", "high", "2.0", images="new"),  # one vulnerability, two packages
)

IGNORED_LINES = """\
CVE-2024-10              # critical, still there
CVE-2024-31 exp:2999-12-31
CVE-2024-32 exp:2001-01-01
CVE-2024-13 pkg:other
CVE-2024-41 pkg:came
CVE-1999-0001            # of nothing here
"""
IGNORED = {("CVE-2024-10", "both"), ("CVE-2024-31", "came"), ("CVE-2024-41", "came")}

#: Two documents that contradict each other, the later of which is given first.
PURL = "pkg:deb/debian/{}"
VEX = (
    ("2024-05-01T00:00:00Z", (("CVE-2024-11", "both", "affected", ""), ("CVE-2024-33", "came", "fixed", ""))),
    (
        "2024-04-01T00:00:00Z",
        (
            ("CVE-2024-11", "both", "not_affected", ""),
            ("CVE-2024-33", "came", "affected", ""),
            ("CVE-2024-50", "came", "not_affected", ""),
            ("CVE-2024-12", "both", "under_investigation", "2024-06-01T02:00:00+03:00"),
            ("CVE-2024-12", "both", "not_affected", "2024-05-31T23:30:00Z"),  # half an hour later
            ("CVE-2024-30", "gone", "not_affected", ""),  # of another package
        ),
    ),
)
TOLD_BY_VEX = {("CVE-2024-33", "came"), ("CVE-2024-50", "came"), ("CVE-2024-12", "both")}


def advisory(one: Wrong) -> dict[str, Any]:
    events = [{"introduced": "0"}, *([{"fixed": one.fixed}] if one.fixed else [])]
    affected: dict[str, Any] = {
        "package": {"ecosystem": "Debian:12", "name": one.package},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    if one.unimportant:
        affected["ecosystem_specific"] = {"urgency": "unimportant"}
    told = {} if one.severity == "unknown" else {"database_specific": {"severity": one.severity.upper()}}
    return {"id": one.name, "modified": "2024-01-01T00:00:00Z", "affected": [affected], **told}


@pytest.fixture
def images(console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The images ``old`` and ``new``, the advisories, and what says what to leave out, in the current directory."""
    documents: dict[str, bytes] = {}
    for name, several in itertools.groupby(sorted(WRONGS, key=lambda one: one.name), key=lambda one: one.name):
        parts = [advisory(one) for one in several]
        document = {**parts[0], "affected": [part for one in parts for part in one["affected"]]}
        documents[name] = json.dumps(document).encode()
    place = tmp_path / "osv" / "Debian"
    place.mkdir(parents=True)
    (place / "all.zip").write_bytes(archive(documents).getvalue())
    console("db", "import", "-q", str(tmp_path / "osv")).ok()
    stored(Store(console.store), [base(both="1.0", gone="1.0")], "old:1")
    stored(Store(console.store), [base(both="1.0", came="1.0")], "new:1")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "rules").write_text(IGNORED_LINES)
    for number, (moment, statements) in enumerate(VEX):
        told = [
            {"vulnerability": {"name": name}, "products": [{"@id": PURL.format(package)}], "status": status}
            | ({"timestamp": at} if at else {})
            for name, package, status, at in statements
        ]
        document = {"@context": "https://openvex.dev/ns/v0.2.0", "timestamp": moment, "statements": told}
        (here / f"vex{number}.json").write_text(json.dumps(document))
    return here


@dataclass(frozen=True)
class Asked:
    """One command line."""

    severity: str = ""
    fixed: str = ""
    bar: str = ""
    code: int | None = None
    rules: bool = False
    vex: bool = False

    @property
    def argv(self) -> list[str]:
        argv = ["--severity", self.severity] if self.severity else []
        argv += [self.fixed] if self.fixed else []
        argv += ["--fail-on", self.bar] if self.bar else []
        argv += ["--exit-code", str(self.code)] if self.code is not None else []
        argv += ["--ignorefile", "rules"] if self.rules else []
        return argv + (["--vex", "vex0.json", "--vex", "vex1.json"] if self.vex else [])

    def left_out(self, image: str) -> set[tuple[str, str]]:
        told = (IGNORED if self.rules else set()) | (TOLD_BY_VEX if self.vex else set())
        return {(one.name, one.package) for one in WRONGS if image in one.images} & told

    def shown(self, image: str) -> list[Wrong]:
        return [
            one
            for one in WRONGS
            if image in one.images
            and (one.name, one.package) not in self.left_out(image)
            and (not self.severity or one.severity in self.severity.split(","))
            and (not self.fixed or (one.fixed and not one.unimportant))
        ]

    def exit_code(self, shown: list[Wrong]) -> int:
        bad = shown
        if self.bar:
            bad = [one for one in shown if not one.unimportant and WORDS.index(one.severity) <= WORDS.index(self.bar)]
        code = self.code if self.code is not None else 2 if self.bar else 0
        return code if bad else 0


ASKED = [
    Asked(),
    Asked(rules=True),
    Asked(vex=True),
    Asked(rules=True, vex=True),
    Asked("critical,high"),
    Asked("negligible", code=5),
    Asked("unknown,low", "--only-fixed", "unknown"),
    Asked("", "--ignore-unfixed", "critical", rules=True),
    Asked("critical", bar="high", rules=True),
    Asked("negligible", "--only-fixed", bar="negligible", vex=True),
    Asked("high,medium", bar="medium", code=9, rules=True, vex=True),
    Asked(bar="low", code=0),
    Asked("", "--only-fixed", code=7, rules=True, vex=True),
]


@pytest.mark.parametrize("asked", ASKED, ids=lambda one: " ".join(one.argv) or "nothing")
def test_every_report_and_the_exit_code_say_the_same(console: Console, images: Path, asked: Asked) -> None:
    expected = asked.shown("new")
    pairs = sorted((one.name, one.package) for one in expected)
    left_out = sorted(asked.left_out("new"))

    def report(form: str) -> str:
        done = console("scan", "--offline", "--format", form, *asked.argv, "new:1")
        assert (done.code, done.stderr) == (asked.exit_code(expected), "")
        return done.stdout

    told = json.loads(report("json"))
    assert sorted((one["Name"], one["Package"]["Name"]) for one in told["Findings"]) == pairs
    assert sorted((one["Name"], one["Package"]["Name"]) for one in told["Ignored"]) == left_out
    assert told["Severities"] == {
        word: count for word in WORDS if (count := sum(one.severity == word for one in expected))
    }
    assert in_sarif(json.loads(report("sarif"))) == (pairs, left_out)
    assert in_table(report("table")) == (pairs, len(left_out))
    by_vex = asked.left_out("new") & TOLD_BY_VEX if asked.vex else set()
    assert in_cyclonedx(json.loads(report("cyclonedx"))) == (pairs, sorted(by_vex))
    quiet = console("scan", "--offline", "-q", *asked.argv, "new:1")
    assert (quiet.code, sorted(quiet.lines)) == (asked.exit_code(expected), sorted({name for name, _ in pairs}))
    for form in ("markdown", "html"):
        text = report(form).replace("\\", "")
        assert sum(len(re.findall(f">{name}<|[|] {name} ", text)) for name in {name for name, _ in pairs}) == len(pairs)
        assert (f"{len(left_out)} ignored" in text) is bool(left_out)


@pytest.mark.parametrize("asked", ASKED, ids=lambda one: " ".join(one.argv) or "nothing")
def test_so_does_a_comparison(console: Console, images: Path, asked: Asked) -> None:
    old, new = (asked.shown(image) for image in ("old", "new"))
    brought, gone, stayed = (
        sorted((one.name, one.package) for one in several)
        for several in (
            [one for one in new if one not in old],
            [one for one in old if one not in new],
            [one for one in new if one in old],
        )
    )
    code = asked.exit_code([one for one in new if one not in old])
    argv = ("scan", "--offline", "--compare", "old:1", *asked.argv, "new:1")
    done = console(*argv, "--format", "json")
    told = {
        key: sorted((one["Name"], one["Package"]["Name"]) for one in json.loads(done.stdout)[key])
        for key in ("Brought", "Gone", "Stayed")
    }
    assert (done.code, told) == (code, {"Brought": brought, "Gone": gone, "Stayed": stayed})
    table = console(*argv)
    assert table.code == code
    counts = f"{len(gone)} gone, {len(brought)} new, {len(stayed)} still there"
    assert table.lines[1] == counts
    assert table.stdout.count("  CVE-2024-") == len(brought) + len(gone)
    quiet = console(*argv, "-q")
    assert (quiet.code, sorted(quiet.lines)) == (code, sorted({name for name, _ in brought}))


def in_sarif(told: dict[str, Any]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The results, and those that are suppressed."""
    (run,) = told["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    shown: list[tuple[str, str]] = []
    left_out: list[tuple[str, str]] = []
    for one in run["results"]:
        assert rules[one["ruleIndex"]] == one["ruleId"]
        package = one["message"]["text"].partition(" ")[0]
        (left_out if one.get("suppressions") else shown).append((one["ruleId"], package))
    return sorted(shown), sorted(left_out)


def in_table(text: str) -> tuple[list[tuple[str, str]], int]:
    """The lines, and how many the headline says are ignored; what it counts must be there."""
    rows = sorted((line.split()[0], line.split()[1]) for line in text.splitlines() if line.startswith("  CVE-"))
    headline = text.splitlines()[1]
    serious = int(found[1]) if (found := re.match(r"(\d+) finding", headline)) else 0
    rest = int(found[1]) if (found := re.search(r"(\d+) unimportant", headline)) else 0
    assert serious + rest == len(rows), headline
    return rows, int(found[1]) if (found := re.search(r"(\d+) ignored", headline)) else 0


def in_cyclonedx(told: dict[str, Any]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What affects which component, and what a VEX statement says does not."""
    names = {one["bom-ref"]: one["name"] for one in told["components"]}
    shown: list[tuple[str, str]] = []
    left_out: list[tuple[str, str]] = []
    references = [one["bom-ref"] for one in told["vulnerabilities"]]
    assert len(references) == len(set(references))
    for one in told["vulnerabilities"]:
        for component in one["affects"]:
            (version,) = component["versions"]
            if "analysis" in one:
                assert one["analysis"]["state"] == ("resolved" if one["id"] == "CVE-2024-33" else "not_affected")
            assert version["status"] == ("unaffected" if "analysis" in one else "affected")
            (left_out if "analysis" in one else shown).append((one["id"], names[component["ref"]]))
    return sorted(shown), sorted(left_out)
