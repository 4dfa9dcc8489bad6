"""Completion scripts, and what they offer."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import COMMAND, Scow
from tests.support.peers import path_of


@pytest.fixture(scope="module")
def scow(tmp_path_factory: pytest.TempPathFactory) -> Scow:
    made = make_box(tmp_path_factory.mktemp("completion"))
    made("run", "--name", "stopped", IMAGE, "true").ok()
    return made


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(scow: Scow, shell: str) -> None:
    script = scow("completion", shell).ok().stdout
    assert f"_SCOW_COMPLETE={shell}_complete" in script
    assert "scow" in script


def test_an_unknown_shell(scow: Scow) -> None:
    assert scow("completion", "csh").exit_code == 1
    assert scow("completion").exit_code == 1


def offered(scow: Scow, *words: str) -> list[str]:
    env = {"_SCOW_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("scow", *words)), "COMP_CWORD": str(len(words))}
    return [line.partition(",")[2] for line in scow(env=env).ok().stdout.splitlines() if line]


def test_what_is_offered(scow: Scow) -> None:
    assert "build" in offered(scow, "b")
    assert "--read-only" in offered(scow, "run", "--rea")
    assert offered(scow, "run", "--rm", "bus") == [IMAGE]
    assert offered(scow, "rm", "st") == ["stopped"]
    assert "prune" in offered(scow, "system", "p")


def test_zsh_is_told_three_lines_of_each(scow: Scow) -> None:
    env = {"_SCOW_COMPLETE": "zsh_complete", "COMP_WORDS": "scow images --", "COMP_CWORD": "2"}
    told = scow(env=env).ok().stdout.splitlines()
    assert set(told[::3]) == {"plain"}
    assert {"--format", "--quiet"} <= set(told[1::3])


def test_fish_is_told_whole_descriptions(scow: Scow) -> None:
    script = scow("completion", "fish").ok().stdout
    assert 'string split -m1 "," $completion' in script, "a description may have commas"


def test_every_verb_says_what_it_does(scow: Scow) -> None:
    env = {"_SCOW_COMPLETE": "zsh_complete", "COMP_WORDS": "scow ", "COMP_CWORD": "1"}
    assert "_" not in scow(env=env).ok().stdout.splitlines()[2::3]


def test_refused_flags_are_not_offered(scow: Scow) -> None:
    assert offered(scow, "run", "--isol") == []


def test_an_empty_store_offers_nothing(scow: Scow, tmp_path: Path) -> None:
    assert offered(scow, "--root", str(tmp_path / "none"), "run", "bus") == []


def completed(scow: Scow, directory: Path, *words: str, called: str = "scow") -> list[str]:
    """What bash itself makes of a line that ends in the last of ``words``."""
    directory.mkdir(exist_ok=True)
    (directory / "completion.bash").write_text(scow("completion", "bash").ok().stdout)
    program = directory / "scow"
    program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *COMMAND])} "$@"\n')
    program.chmod(0o755)
    script = 'source "$1/completion.bash"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _scow_completion $1; '
    store = scow("info", "--format", "{{.DockerRootDir}}").ok().stdout.strip()
    script += 'printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        [path_of("bash"), "--norc", "-c", script, "bash", directory, called, *words],
        env={"PATH": f"{directory}:{os.environ['PATH']}", "SCOW_ROOT": store},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_parts_names_at_colons(scow: Scow, tmp_path: Path) -> None:
    assert completed(scow, tmp_path, "sys") == ["system"]
    assert completed(scow, tmp_path, "sys", called="docker") == ["system"]  # an alias
    assert completed(scow, tmp_path, "run", "--rm", "busy") == [IMAGE]
    assert completed(scow, tmp_path, "run", "--rm", "busybox", ":", "la") == ["latest"]
    assert completed(scow, tmp_path, "run", "-v", "a", ":", "/b", "busybox", ":") == ["latest"]
