"""Files that flags name: what cannot be had is told, and nothing is read without end."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Console

from scow.cli import userfiles
from scow.errors import Invalid, Limit, NotFound, ScowError


@pytest.mark.parametrize(
    ("name", "error", "told"),
    [
        ("/no/such", NotFound, "open /no/such: no such file or directory"),
        ("/dev/zero", Limit, "/dev/zero: is larger than 1048576 bytes"),
        ("/", ScowError, "open /: is a directory"),
    ],
)
def test_what_cannot_be_had(name: str, error: type[ScowError], told: str) -> None:
    with pytest.raises(error, match=told):
        userfiles.content(name)


def test_a_text_is_utf8(tmp_path: Path) -> None:
    (tmp_path / "name").write_bytes(b"\xff")
    with pytest.raises(Invalid, match="is not UTF-8"):
        userfiles.text(tmp_path / "name")


def test_an_ignore_file_that_never_ends(console: Console, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".dockerignore").symlink_to("/dev/zero")
    for argv in (["lint"], ["build", "-q"]):
        refused = console(*argv, str(tmp_path))
        assert (refused.code, "the ignore file is larger than" in refused.stderr) == (1, True)
