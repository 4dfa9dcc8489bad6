"""Reports of an image whose names are attacks: they stay text."""

from __future__ import annotations

import json

import pytest
from tests.size.planted import entry, planted, stacked

from scow.errors import printable
from scow.size.analysis import Analysis
from scow.size.analyzing import analyze
from scow.size.report import markdown, terminal
from scow.size.report.document import document
from scow.size.report.text import bar

HOSTILE = (
    b"tmp/\x1b[31mred\x1b[0m\x07",
    b"tmp/new\nline",
    b"tmp/not\xff\xfeutf8",
    b"tmp/</script><script>alert(1)</script>",
    b"tmp/|a|`b`|<img src=x onerror=alert(1)>",
    "tmp/\u202egnp.exe\u2066".encode(),
    b"tmp/\xc2\x9b31m",
)
INSTRUCTION = "RUN echo '</script><script>alert(2)</script>' | tee \x1b]0;title\x07"


def human(size: int) -> str:
    return f"{size}B"


@pytest.fixture
def hostile() -> Analysis:
    layers = stacked([entry(path, 100 + at) for at, path in enumerate(HOSTILE)], instructions=[INSTRUCTION])
    return analyze(layers, name="<b>name</b> @everyone")


def test_the_terminal_is_not_spoken_to(hostile: Analysis) -> None:
    text = terminal.report(hostile, (), human)
    assert not [char for char in text if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160]
    assert "\u202e" not in text
    assert text.count("\\x0a") == 0 or "new\\x0aline" in text


def test_markdown_holds_no_html(hostile: Analysis) -> None:
    text = markdown.report(hostile, (), human)
    assert "<script" not in text
    assert "<img" not in text
    assert "<b>" not in text
    assert "@everyone" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5, 7}


def test_json_tells_every_name(hostile: Analysis) -> None:
    told = json.loads(json.dumps(document(hostile)))
    paths = {one["path"] for waste in told["waste"] for one in waste["findings"]}
    assert len(paths) == len(HOSTILE)
    assert "/tmp/not\\xff\\xfeutf8" in paths
    assert "/tmp/new\nline" in paths


def test_the_document_adds_up() -> None:
    layers, _ = planted()
    told = document(analyze(stacked(*layers)))
    assert told["size"] == sum(layer["size"] for layer in told["layers"])
    assert told["wasted"] == sum(one["size"] for one in told["waste"])
    assert all(one["size"] == sum(found["size"] for found in one["findings"]) for one in told["waste"])


def test_printable() -> None:
    assert printable("a\x1b\nb") == "a\\x1b\\x0ab"
    assert printable("häß") == "häß"


def test_bars() -> None:
    assert [bar(share, 2) for share in (0, 1 / 16, 0.5, 1, 7)] == ["  ", "▏ ", "█ ", "██", "██"]
