"""``scow analyze`` as people use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.cli import COMMAND, Scow, environment


@pytest.fixture
def wasteful(scow: Scow, tmp_path: Path) -> str:
    """An image of two layers, the second of which overwrites a file of 60 kB and brings a key."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "big").write_bytes(b"a" * 60_000)
    (context / "small").write_bytes(b"b" * 1000)
    (context / "id_rsa").write_bytes(b"key")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY big /data\nCOPY small /data\nCOPY id_rsa /root/.ssh/\n")
    scow("build", "-q", "-t", "wasteful:1", str(context)).ok()
    return "wasteful:1"


def test_report(scow: Scow, wasteful: str) -> None:
    text = scow("analyze", wasteful).ok().stdout
    assert "Size        61kB in 3 layers; a container sees 1kB" in text
    at = text.index("overwritten later (overwritten, 1 file)")
    assert text[at:].splitlines()[1:4] == [
        "          in layer 0: COPY big /data",
        "          by layer 1: COPY small /data",
        "              60kB  /data",
    ]
    assert text.index("private keys") < at  # what is worst comes first


def test_json(scow: Scow, wasteful: str) -> None:
    document = json.loads(scow("analyze", wasteful, "--format", "json").ok().stdout)
    assert (document["size"], document["visible"], document["wasted"]) == (61_003, 1003, 60_003)
    assert [(one["kind"], one["layer"], one["findings"]) for one in document["waste"]] == [
        ("private-key", 2, [{"path": "/root/.ssh/id_rsa", "size": 3}]),
        ("overwritten", 0, [{"path": "/data", "size": 60_000}]),
    ]
    assert document["tree"]["size"] == 1003


def test_a_template_and_a_file(scow: Scow, wasteful: str, tmp_path: Path) -> None:
    scow(
        "analyze",
        wasteful,
        "--format",
        "{{.name}} {{len .layers}} {{(index .waste 1).kind}}",
        "-o",
        str(tmp_path / "out"),
    ).ok()
    assert (tmp_path / "out").read_text() == "wasteful:1 3 overwritten\n"


def test_markdown(scow: Scow, wasteful: str) -> None:
    text = scow("analyze", wasteful, "--format", "markdown").ok().stdout
    assert "| 60kB | overwritten later | 0 | COPY big /data<br>hidden by layer 1: COPY small /data |" in text


@pytest.mark.parametrize(
    ("flags", "broken"),
    [
        (["--max-size", "100k"], ""),
        (["--max-size", "10k"], "max-size: allowed 10.2kB, is 61kB"),
        (["--max-waste", "99%"], ""),
        (["--max-waste", "5%"], "max-waste-share: allowed 5.0 %, is 98.4 %"),
        (["--max-waste", "1k"], "max-waste: allowed 1.02kB, is 60kB"),
        (["--min-efficiency", "0.5"], "min-efficiency: allowed 50.0 %, is 1.6 %"),
        (["--ci"], "min-efficiency: allowed 90.0 %, is 1.6 %"),
        (["--ci", "--min-efficiency", "1%"], "max-user-wasted: allowed 10.0 %"),
    ],
)
def test_budgets(scow: Scow, wasteful: str, flags: list[str], broken: str) -> None:
    done = scow("analyze", wasteful, "--format", "{{.name}}", *flags)
    assert done.exit_code == (1 if broken else 0)
    assert broken in done.stderr
    assert bool(done.stderr) == bool(broken)


def test_the_budget_of_dive(scow: Scow, wasteful: str, tmp_path: Path) -> None:
    rules = tmp_path / ".dive-ci"
    rules.write_text("rules:\n  lowestEfficiency: 0.01\n  highestUserWastedPercent: disabled\n")
    assert scow("analyze", wasteful, "--ci", cwd=tmp_path).exit_code == 0
    rules.write_text("rules:\n  highestWastedBytes: 1kB\n")
    assert scow("analyze", wasteful, "--ci-config", str(rules)).exit_code == 1
    assert scow("analyze", wasteful, cwd=tmp_path).exit_code == 0  # nobody asked
    assert "no such file" in scow("analyze", wasteful, "--ci-config", "missing").stderr


def test_compare(scow: Scow, wasteful: str, tmp_path: Path) -> None:
    context = tmp_path / "context"
    (context / "Dockerfile").write_text("FROM scratch\nCOPY big /data\n")
    scow("build", "-q", "-t", "other:1", str(context)).ok()
    text = scow("analyze", "other:1", "--compare", wasteful).ok().stdout
    assert "-59kB; 1 layer in common; 4 paths changed" in text
    assert "-59kB  /data  (content)" in text
    markdown = scow("analyze", "other:1", "--compare", wasteful, "--format", "markdown").ok().stdout
    assert "| -59kB | /data | content |" in markdown
    page = scow("analyze", "other:1", "--compare", wasteful, "--format", "html").ok().stdout
    assert '<td class="number">-59kB</td><td class="mono">/data</td><td>content</td>' in page
    document = json.loads(scow("analyze", wasteful, "--compare", wasteful, "--format", "json").ok().stdout)
    assert document["same"] is True


def test_an_archive_is_as_good_as_the_store(scow: Scow, wasteful: str, tmp_path: Path) -> None:
    scow("save", "-o", str(tmp_path / "a.tar"), wasteful).ok()
    looked = scow("analyze", str(tmp_path / "a.tar"), "--format", "{{.size}} {{.wasted}}", root=tmp_path / "empty").ok()
    assert looked.stdout == "61003 60003\n"


def test_mistakes(scow: Scow) -> None:
    assert "is no share" in scow("analyze", "x", "--min-efficiency", "nine").stderr
    assert scow("analyze", "dir:/nowhere/at/all").exit_code == 1
    assert "HTML: no such format" in scow("analyze", "x", "--format", "HTML").stderr
    assert "--max-size: invalid size: 'big'" in scow("analyze", "x", "--max-size", "big").stderr
    assert "--max-waste: invalid size" in scow("analyze", "x", "--max-waste", "5x").stderr
    assert "--compare" in scow("analyze", "x", "--semantic").stderr
    assert "judges none" in scow("analyze", "x", "--compare", "y", "--max-size", "1m").stderr


def test_a_full_disk_behind_standard_output_is_told(scow_root: Path, tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, *COMMAND, "images"], env=environment(scow_root, tmp_path), stdout=full,
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "scow: write /dev/stdout: no space left on device\n")


@pytest.mark.parametrize("template", ["table", "json", "markdown", "html"])
def test_an_image_without_layers(scow: Scow, tmp_path: Path, template: str) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    scow("build", "-q", "-t", "empty:1", str(tmp_path)).ok()
    assert "empty:1" in scow("analyze", "empty:1", "--format", template, "--max-size", "0").ok().stdout
