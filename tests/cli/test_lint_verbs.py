"""``scow lint`` as it is typed."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from tests.cli.conftest import Console, Outcome
from tests.support.peers import need

from scow.cli.linting import page as lintpage
from scow.dockerfile.lint.table import RULES
from scow.engine import Engine
from scow.engine.dockerfiles.shellcheck import check

TEXT = "FROM debian:12\nRUN apt-get update && \\\n    apt-get install curl=1\nUSER 1000\n"
MENDED = TEXT.replace("install curl=1", "install -y curl=1 \\\n    && rm -rf /var/lib/apt/lists/*")
ALONE = ("--shellcheck=false",)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    (made / "Dockerfile").write_text(TEXT)
    monkeypatch.chdir(made)
    return made


def rules(outcome: Outcome) -> list[str]:
    return [one["code"] for one in json.loads(outcome.stdout)]


def test_findings_have_line_and_caret(console: Console, here: Path) -> None:
    found = console("lint", "--only", "apt-asks,DL3009", *ALONE)
    assert found.code == 1
    assert found.stdout == (
        "Dockerfile:2: info: the lists that apt-get update downloads stay in the layer [apt-lists DL3009]\n"
        "    2 | RUN apt-get update && \\\n"
        "            ^^^^^^^\n"
        "hint: && rm -rf /var/lib/apt/lists/*, in the same RUN\n"
        "\n"
        "Dockerfile:3: warning: apt-get install asks, and nobody answers [apt-asks DL3014]\n"
        "    3 |     apt-get install curl=1\n"
        "            ^^^^^^^\n"
        "\n"
        "2 findings: 1 warning, 1 info; --fix mends 2\n"
    )


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ([], 1),
        (["--failure-threshold", "warning"], 1),
        (["--failure-threshold", "error"], 0),
        (["--failure-threshold=none"], 0),
        (["--no-fail"], 0),
        (["--ignore", "apt-asks,DL3009", "--ignore", "DL3015"], 0),
        (["--only", "sudo"], 0),
    ],
)
def test_exit_codes(console: Console, here: Path, flags: list[str], code: int) -> None:
    assert console("lint", *flags, *ALONE).code == code


def test_a_check_directive_makes_all_findings_count(console: Console, here: Path) -> None:
    (here / "Dockerfile").write_text("# check=error=true\nFROM debian:12\nCOPY . /a\n")
    assert console("lint", "--only", "no-ignore-file").code == 1


@pytest.mark.parametrize("flag", ["--ignore=no-such-rule", "--only=DL9999", "--failure-threshold=awful", "--dry-run"])
def test_flags_that_are_refused(console: Console, here: Path, flag: str) -> None:
    told = console("lint", flag)
    assert told.code == 1
    assert told.stderr.startswith("scow: ")
    assert not told.output


def test_settings_are_found_here(console: Console, here: Path) -> None:
    (here / ".hadolint.yaml").write_text("ignored: [DL3014]\nfailure-threshold: error\n")
    found = console("lint", "--format", "json", *ALONE).ok()
    assert "apt-lists" in rules(found)
    assert "apt-asks" not in rules(found)
    (here / "other.yaml").write_text("ignored:\n  - {bad}\n")
    told = console("lint", "--config", "other.yaml")
    assert (told.code, told.stderr.splitlines()[0]) == (
        1, "scow: other.yaml:2: flow maps: this part of YAML is not read here"
    )  # fmt: skip
    assert console("lint", "--config", "none.yaml").code == 1


def test_settings_are_found_at_home(console: Console, here: Path) -> None:
    settings = console.home / ".config" / "hadolint.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text("no-fail: true\n")
    assert console("lint", *ALONE).ok().stdout


def test_the_context_is_looked_at(console: Console, here: Path) -> None:
    (here / "Dockerfile").write_text("FROM debian:12\nCOPY . /a\nCOPY secret.txt /b\n")
    (here / ".git").mkdir()
    (here / ".dockerignore").write_text("secret.txt\n")
    flags = ("--format=json", "--only=context-baggage,CopyIgnoredFile")
    assert rules(console("lint", *flags)) == ["context-baggage", "copy-ignored-file"]
    assert rules(console("lint", *flags, ".")) == ["context-baggage", "copy-ignored-file"]
    assert rules(console("lint", *flags, "-", stdin=(here / "Dockerfile").read_bytes())) == []
    assert console("lint", "--context", "nowhere").code == 1


def test_formats(console: Console, here: Path) -> None:
    flags = ("--only", "apt-asks,apt-lists")
    listed = json.loads(console("lint", "-f", "json", *flags).stdout)
    assert {key: listed[1][key] for key in ("file", "line", "column", "level", "code", "fixable")} == {
        "file": "Dockerfile", "line": 3, "column": 5, "level": "warning", "code": "apt-asks", "fixable": True,
    }  # fmt: skip
    run = json.loads(console("lint", "-f", "sarif", *flags).stdout)["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["apt-lists", "apt-asks"]
    place = run["results"][1]["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "Dockerfile"}, "region": {"startLine": 3, "startColumn": 5, "endColumn": 12},
    }  # fmt: skip
    assert console("lint", "-f", "github", *flags).lines[1] == (
        "::warning file=Dockerfile,line=3,endLine=3,col=5,title=apt-asks DL3014"
        "::apt-get install asks, and nobody answers"
    )
    entries = json.loads(console("lint", "-f", "gitlab", *flags).stdout)
    assert [entry["severity"] for entry in entries] == ["minor", "major"]
    assert len({entry["fingerprint"] for entry in entries}) == 2
    errors = ET.fromstring(console("lint", "-f", "checkstyle", *flags).stdout).findall(
        "./file[@name='Dockerfile']/error"
    )
    assert [(error.get("line"), error.get("source")) for error in errors] == [("2", "apt-lists"), ("3", "apt-asks")]


def test_a_fingerprint_outlives_lines_above(console: Console, here: Path) -> None:
    def fingerprints() -> list[str]:
        return [one["fingerprint"] for one in json.loads(console("lint", "-f", "gitlab", *ALONE).stdout)]

    before = fingerprints()
    (here / "Dockerfile").write_text(f"# a comment\n\n{TEXT}")
    assert fingerprints() == before


def test_annotations_are_escaped(console: Console, here: Path) -> None:
    (here / "Dockerfile").write_text("FROM debian:12\nWORKDIR a%b\n")
    found = console("lint", "-f", "github", "--only", "relative-workdir")
    assert 'Relative workdir "a%25b"' in found.stdout


def test_fix_mends_the_file_and_shows_it(console: Console, here: Path) -> None:
    file = here / "Dockerfile"
    file.chmod(0o640)
    shown = console("lint", "--fix", "--dry-run", "--only", "apt-asks,apt-lists")
    assert shown.code == 1
    assert file.read_text() == TEXT
    mended = console("lint", "--fix", "--only", "apt-asks,apt-lists").ok()
    assert mended.stdout == shown.stdout
    assert "+    apt-get install -y curl=1 \\\n" in mended.stdout
    assert file.read_text() == MENDED
    assert file.stat().st_mode & 0o777 == 0o640
    assert console("lint", "--fix", "--dry-run", "--only", "apt-asks,apt-lists").ok().stdout == ""


def test_fix_leaves_line_ends_marks_and_links_alone(console: Console, here: Path) -> None:
    real = here / "real"
    real.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    (here / "Dockerfile").unlink()
    (here / "Dockerfile").symlink_to("real")
    console("lint", "--fix", "--only", "apt-asks,apt-lists").ok()
    assert (here / "Dockerfile").is_symlink()
    assert real.read_bytes() == b"\xef\xbb\xbf" + MENDED.replace("\n", "\r\n").encode()


def test_fix_of_standard_input_prints_the_result(console: Console, here: Path) -> None:
    found = console("lint", "--fix", "--only", "apt-asks,apt-lists", "-", stdin=TEXT.encode()).ok()
    assert found.stdout == MENDED


def test_fix_does_not_touch_what_it_cannot_read(console: Console, here: Path) -> None:
    (here / "Dockerfile").write_bytes(b"FROM debian:12\n# caf\xe9\nRUN apt-get install a=1\n")
    assert "is not UTF-8" in console("lint", "--fix").stderr
    assert rules(console("lint", "-f", "json", "--only", "apt-asks")) == ["apt-asks"]


def test_what_cannot_be_read_is_a_finding(console: Console, here: Path) -> None:
    (here / "Dockerfile").write_text("FROM debian:12\nCOPPY a b\n")
    found = console("lint")
    assert found.code == 1
    assert "Dockerfile:2: error: unknown instruction: COPPY [syntax]" in found.stdout
    assert "hint: did you mean COPY?" in found.stdout


def test_no_file(console: Console, here: Path) -> None:
    assert console("lint", "nothing").stderr == "scow: nothing: no such file\n"


def test_variables_of_a_base_in_the_store_are_known(console: Console, here: Path, box_with_env: str) -> None:
    (here / "Dockerfile").write_text(f"FROM {box_with_env}\nWORKDIR $PLACE\nWORKDIR $ELSEWHERE\n")
    found = json.loads(console("lint", "-f", "json", "--only", "UndefinedVar").stdout)
    assert [one["message"] for one in found] == ["Usage of undefined variable '$ELSEWHERE'"]


@pytest.fixture
def box_with_env(console: Console, tmp_path: Path) -> str:
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nENV PLACE=/a\nCOPY Dockerfile /\n")
    console("build", "-q", "-t", "box:1", str(context)).ok()
    return "box:1"


def test_the_list_has_every_rule(console: Console, here: Path) -> None:
    lines = console("lint", "--list-rules").ok().lines
    assert lines[0].split() == ["NAME", "SEVERITY", "FIX", "ALIASES", "TITLE"]
    assert [line.split()[0] for line in lines[1:]] == [rule.name for rule in RULES]


def test_the_page_is_what_the_rules_say() -> None:
    assert (Path(__file__).parents[2] / "docs" / "lint.md").read_text() == lintpage.page()


@pytest.mark.peers
def test_shellcheck_points_into_the_dockerfile(console: Console, here: Path) -> None:
    need("shellcheck")
    (here / "Dockerfile").write_text(
        'FROM debian:12\nARG GIVEN\nRUN echo "a" && \\\n    # why\n    echo $(cat x) $GIVEN\n'
        "# hadolint ignore=SC2046\nRUN echo $(cat x)\nRUN <<E\necho fine\necho `cat y`\nE\n"
        'SHELL ["/bin/bash", "-c"]\nRUN [[ a == a ]]\nSHELL ["powershell"]\nRUN echo $(cat x)\n'
    )
    found = json.loads(console("lint", "-f", "json").stdout)
    told = [(one["code"], one["line"], one["column"], one["width"]) for one in found if one["code"] == "SC2046"]
    assert told == [("SC2046", 5, 10, 8), ("SC2046", 10, 6, 7)]
    assert not [one for one in found if one["code"] == "SC2154"]
    only = console("lint", "-f", "json", "--only", "sc2046")
    assert rules(only) == ["SC2046", "SC2046"]
    assert rules(console("lint", "-f", "json", "--ignore", "SC2046", "--only", "SC2046")) == []


def test_without_shellcheck_nothing_is_said(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = Engine(tmp_path / "store").dockerfiles.lint(here / "Dockerfile", shellcheck=False)
    assert looked.linted is not None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check(looked.linted, looked.linted.settings) == ()


def test_a_shellcheck_that_talks_nonsense_is_not_heard(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "shellcheck"
    program.write_text("#!/bin/sh\necho '{\"comments\": 3}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    looked = Engine(tmp_path / "store").dockerfiles.lint(here / "Dockerfile")
    assert not [one for one in looked.findings if one.rule.startswith("SC")]
