"""Tables, templates and JSON lines as docker prints them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.cli.table import align, label_header, labelled, render
from scow.errors import Invalid

HISTORY = (
    ("IMAGE", "ID"),
    ("CREATED", "CreatedSince"),
    ("CREATED BY", "CreatedBy"),
    ("SIZE", "Size"),
    ("COMMENT", "Comment"),
)
IMAGES = (
    ("REPOSITORY", "Repository"),
    ("TAG", "Tag"),
    ("IMAGE ID", "ID"),
    ("CREATED", "CreatedSince"),
    ("SIZE", "Size"),
)
ROWS: list[dict[str, Any]] = [
    {"Repository": "java", "Tag": "8", "ID": "308e519aac60", "CreatedSince": "6 days ago", "Size": "824.5MB"},
    {"Repository": "java", "Tag": "latest", "ID": "2711b1d6f3aa", "CreatedSince": "5 months ago", "Size": "603.9MB"},
]


def test_the_plain_table() -> None:
    assert render(ROWS, IMAGES).splitlines() == [
        "REPOSITORY   TAG       IMAGE ID       CREATED        SIZE",
        "java         8         308e519aac60   6 days ago     824.5MB",
        "java         latest    2711b1d6f3aa   5 months ago   603.9MB",
    ]
    assert render(ROWS, IMAGES, "") == render(ROWS, IMAGES)
    assert render(ROWS, IMAGES, no_headers=True) == (
        "java      8         308e519aac60   6 days ago     824.5MB\n"
        "java      latest    2711b1d6f3aa   5 months ago   603.9MB\n"
    )


def test_no_rows_leave_the_header() -> None:
    assert render([], IMAGES) == "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n"
    assert render([], IMAGES, quiet=True) == ""
    assert render([], IMAGES, "json") == ""


def test_history_with_an_empty_last_column() -> None:
    row = {"ID": "<missing>", "CreatedSince": "2 weeks ago", "CreatedBy": 'CMD ["sh"]', "Size": "0B", "Comment": ""}
    assert render([row], HISTORY).splitlines() == [
        "IMAGE       CREATED       CREATED BY   SIZE      COMMENT",
        '<missing>   2 weeks ago   CMD ["sh"]   0B        ',
    ]


def test_quiet_prints_the_ids() -> None:
    assert render(ROWS, IMAGES, quiet=True) == "308e519aac60\n2711b1d6f3aa\n"
    assert render(ROWS, IMAGES, "table {{.Tag}}", quiet=True, key="Repository") == "java\njava\n"
    assert render(ROWS, IMAGES, "{{.Tag}}", quiet=True) == "8\nlatest\n"


def test_a_template_prints_each_row() -> None:
    assert render(ROWS, IMAGES, "{{.ID}}: {{.CreatedSince}}") == (
        "308e519aac60: 6 days ago\n2711b1d6f3aa: 5 months ago\n"
    )
    assert render(ROWS[:1], IMAGES, r"  {{.ID}}\t{{.Tag}}\n--") == "308e519aac60\t8\n--\n"


def test_a_table_of_a_template_has_headers_for_its_fields() -> None:
    shown = render(ROWS, IMAGES, r"table {{.ID}}\t{{.Repository | upper}}:{{.Tag}}\t{{truncate .Size 3}}")
    assert shown.splitlines() == [
        "IMAGE ID       REPOSITORY:TAG   SIZE",
        "308e519aac60   JAVA:8           824",
        "2711b1d6f3aa   JAVA:latest      603",
    ]


def test_headers_name_further_fields() -> None:
    row = {**ROWS[0], "CreatedAt": "2024-01-02 15:04:05 +0000 UTC", "Label": labelled({"com.example.build-date": "x"})}
    shown = render(
        [row],
        IMAGES,
        r'table {{.CreatedAt}}\t{{.Label "com.example.build-date"}}\t{{.Label "no"}}',
        headers={"CreatedAt": "CREATED AT"},
    )
    assert shown.splitlines() == [
        "CREATED AT                      build date   no",
        "2024-01-02 15:04:05 +0000 UTC   x            ",
    ]
    assert label_header("maintainer") == "maintainer"


def test_json_is_an_object_a_line_with_sorted_keys() -> None:
    row = {**ROWS[0], "Label": labelled({})}
    assert render([row], IMAGES, "json") == (
        '{"CreatedSince":"6 days ago","ID":"308e519aac60","Repository":"java","Size":"824.5MB","Tag":"8"}\n'
    )
    assert [json.loads(line)["Tag"] for line in render(ROWS, IMAGES, "json").splitlines()] == ["8", "latest"]
    assert render([row], IMAGES, "{{json .Tag}}") == '"8"\n'


@pytest.mark.parametrize("template", ["{{.Nope}}", "table {{.Nope}}", "{{nope}}", "{{", "table {{.ID"])
def test_bad_templates(template: str) -> None:
    with pytest.raises(Invalid, match="template parsing error: template: :1"):
        render(ROWS, IMAGES, template)


def test_text_from_an_image_cannot_break_the_table_or_drive_the_terminal() -> None:
    row = {**ROWS[0], "Repository": "a\tb\nc\x1b[2Jd\x9b"}
    shown = render([row], IMAGES)
    assert len(shown.splitlines()) == 2
    assert "\x1b" not in shown
    assert "a b c [2Jd " in shown


def test_wide_characters_take_two_columns() -> None:
    assert align("漢字漢字漢字\tx\nab\ty\n") == "漢字漢字漢字   x\nab             y\n"


def test_columns_are_blocks_of_consecutive_lines() -> None:
    text = "a\tb\n\nlonger than ten\tc\n"
    assert align(text) == "a         b\n\nlonger than ten   c\n"


CELLS = st.text("abc é", max_size=15)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=6))
def test_every_cell_begins_where_its_column_does(rows: list[list[str]]) -> None:
    lines = align("".join("\t".join(row) + "\n" for row in rows)).split("\n")[:-1]
    starts = [0]
    for column in range(2):
        starts.append(starts[-1] + max(10, *(len(row[column]) + 3 for row in rows)))
    for line, row in zip(lines, rows, strict=True):
        assert [line[at : at + len(cell)] for at, cell in zip(starts, row, strict=True)] == row


def test_a_plain_table_needs_no_template_engine() -> None:
    code = (
        "import sys; from scow.cli.table import render; render([{'ID': 'x'}], [('ID', 'ID')]);"
        "print([name for name in sys.modules if 'gotemplate' in name or name in ('rich', 'click', 'msgspec')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
