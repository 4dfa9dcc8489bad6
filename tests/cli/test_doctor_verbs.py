"""``scow doctor``: what it finds, and what it says would help."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.support.cli import run_scow
from tests.support.users import User

from scow.cli.system.doctor import _page
from scow.errors import Unsupported
from scow.runtime.examination import examine
from scow.runtime.probe import Probe
from scow.runtime.runner import choose
from scow.runtime.spec.capabilities import NAMES


def found(root: Path, user: User | None = None) -> dict[str, tuple[str, str]]:
    told = run_scow("doctor", "--format", "json", root=root, home=root.parent, user=user).ok().stdout
    document = json.loads(told)
    assert document["Rung"] in (1, 2, 3, 4)
    return {one["Part"]: (one["Missing"], one["Fix"]) for one in document["Findings"]}


def test_the_page(tmp_path: Path) -> None:
    page = run_scow("doctor", root=tmp_path / "store", home=tmp_path).ok().stdout
    assert page.startswith("This machine is on rung ")
    assert all(line[:5] in ("yes  ", "no   ", "     ") for line in page.splitlines()[2:])
    assert len(page.splitlines()) < 40


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to be somebody else")
def test_an_ordinary_user_is_told_how_to_get_a_range(ordinary_user: User) -> None:
    parts = found(ordinary_user.home / "doctor", ordinary_user)
    assert parts["rung 1: root, every namespace"] == ("not the machine's root", "sudo scow …")
    missing, fix = parts["rung 2: a user namespace with a range of ids"]
    assert "gives" in missing
    assert fix == f"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {ordinary_user.name}"
    assert parts["rung 3: a user namespace with one id"] == ("", "")
    assert "Delegate=yes" in parts["limits: memory"][1]


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to be somebody else")
def test_the_range_is_seen(subordinate_user: User) -> None:
    assert found(subordinate_user.home / "doctor", subordinate_user)[
        "rung 2: a user namespace with a range of ids"
    ] == ("", "")


def test_what_forbids_user_namespaces_is_undone(tmp_path: Path) -> None:
    held = 1 << NAMES.index("CAP_SYS_CHROOT")
    here = Probe(True, held, False, "none", (), 4, ("root", "user.max_user_namespaces is 0"))
    parts = {one.part: one for one in examine(here, tmp_path)}
    assert parts["rung 3: a user namespace with one id"].fix == "sysctl -w user.max_user_namespaces=15000"
    assert parts["rung 4: a root directory"].missing == ""
    assert parts["OCI runtime crun"].missing == "not installed"


def test_where_no_container_can_be_made_is_said_first(tmp_path: Path) -> None:
    here = Probe(True, 0, False, "none", (), 4, ("root without CAP_SYS_ADMIN", "unshare: operation not permitted"))
    parts = {one.part: one for one in examine(here, tmp_path)}
    assert parts["rung 4: a root directory"].missing == "no CAP_SYS_CHROOT"
    assert parts["rung 2: a user namespace with a range of ids"].fix == ""  # root's own entry would change nothing
    assert parts["limits: memory"].fix in ("", "--best-effort-limits goes without")
    assert _page(4, tuple(parts.values())).startswith("This machine lets this user make no container.\n")
    with pytest.raises(Unsupported) as refused:
        choose(here)
    assert refused.value.hint == "scow doctor says what this machine lacks, and what would help"


def test_a_store_that_cannot_be_made_is_a_line_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    page = run_scow("doctor", root=tmp_path / "file/store", home=tmp_path).ok().stdout
    assert f"no   the store: {tmp_path}/file/store: not a directory\n       name a directory" in page
    told = run_scow("tag", "a", "b", root=tmp_path / "file/store", home=tmp_path)
    assert told.exit_code == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to be somebody else")
def test_a_user_that_the_system_does_not_know_and_who_has_no_home(ordinary_user: User) -> None:
    nobody = User("nobody-knows", 54_321, 54_321, ordinary_user.home)  # pods run such
    told = run_scow("images", root=Path(), home=Path(), user=nobody, cwd=Path("/"), env={"HOME": "", "SCOW_ROOT": ""})
    assert told.exit_code == 1
    assert told.stderr == (
        "scow: user 54321 has no home directory for a store\n"
        "hint: name a directory for the store that you may write: --root DIR, or SCOW_ROOT=DIR\n"
    )
    here = run_scow("version", root=Path(), home=Path(), user=nobody, cwd=Path("/"), env={"HOME": "", "SCOW_ROOT": ""})
    assert "Version:" in here.ok().stdout
    denied = run_scow(
        "login", "-u", "a", "--password-stdin", "127.0.0.1:1", root=Path(), home=Path(), user=nobody, cwd=Path("/"),
        env={"HOME": "", "SCOW_ROOT": ""}, stdin=b"secret",
    )  # fmt: skip
    assert "has no home directory" in denied.stderr
