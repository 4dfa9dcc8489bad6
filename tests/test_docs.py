"""What the documents say is so: links lead somewhere, commands are ones there are, and those that can run here do.

The Python in them is run by `make check`, as doctests.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import COMMAND, environment
from tests.support.peers import need

from scow.cli import lazy, main
from scow.cli.lazy import LazyGroup
from scow.testing.registry import Registry

REPOSITORY = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
#: what a line with one of these would take → why it is not run
NOT_HERE = {
    "-it": "a terminal",
    "scow login": "a terminal",
    "scow logs -f": "somebody to stop it",
    "-p 8080": "a free port, and limits that not every machine has",
    "--network": "a network of its own",
    "python3": "an image with Python",
    "--prove": "a program called app",
    "scow scan debian": "OSV",
    "scow db update": "OSV",
    "make": "the machine for a while",
    ".ci/run": "the machine for a while",
    "pip install": "PyPI",
    "skopeo": "skopeo and the user's own store",
}


def lines() -> Iterator[tuple[Path, str]]:
    """Each line of a ``console`` block that somebody would type, without the comment behind it."""
    for path in DOCUMENTS:
        for block in re.findall(r"^```console\n(.*?)^```", path.read_text(), re.M | re.S):
            for line in block.splitlines():
                if line.startswith("$ "):
                    yield path, re.sub(r"\s+# .*", "", line[2:]).strip()


def programs(line: str) -> Iterator[list[str]]:
    """The words of each program of a shell's line, without what is redirected."""
    words: list[str] = []
    reader = shlex.shlex(re.sub(r"\$\(.*?\)", "NAME", line), posix=True, punctuation_chars=";|<>&")
    reader.whitespace_split, reader.commenters = True, ""
    for word in reader:
        if word[0] in ";|&":
            yield words
            words = []
        elif word[0] in "<>":
            next(reader)
        else:
            words.append(word)
    yield words


def examples(group: LazyGroup, context: click.Context, path: str) -> Iterator[tuple[str, str]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, LazyGroup):
            yield from examples(command, click.Context(command, context, name), f"{path} {name}")
        for line in getattr(command, "examples", "").splitlines():
            if line.strip().startswith("scow "):
                yield f"{path} {name} --help", line.strip()


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_lead_somewhere() -> None:
    dead = []
    for path in DOCUMENTS:
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", path.read_text()):
            name, _, anchor = link.partition("#")
            there = path.parent / name if name else path
            if not there.exists() or (anchor and anchor not in anchors(there)):
                dead.append(f"{path.relative_to(REPOSITORY)}: {link}")
    assert not dead, "\n".join(dead)


def test_commands_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy.Command, "invoke", lambda self, context: None)
    told = [(str(path.relative_to(REPOSITORY)), line) for path, line in lines()]
    root = click.Context(main.scow)
    wrong = []
    for source, line in [*told, *examples(main.scow, root, "scow")]:
        for words in programs(line):
            if words[:1] != ["scow"]:
                continue
            try:
                main.scow.main(words[1:], prog_name="scow", standalone_mode=False)
            except Exception as error:
                wrong.append(f"{source}: {line}: {error}")
    assert not wrong, "\n".join(wrong)


def test_only_programs_that_people_have_are_named() -> None:
    named = {words[0] for _, line in lines() for words in programs(line)}
    assert named <= {"scow", "make", "pip", "jq", "skopeo", ".ci/run"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A directory and an environment as the documents suppose them: images, Dockerfiles, and registries that answer."""
    work = tmp_path_factory.mktemp("documents")
    scow = make_box(work)
    build = work / "app"
    (build / "docker").mkdir(parents=True)
    for name in ("Dockerfile", "docker/app.Dockerfile"):
        (build / name).write_text('FROM debian:12\nCOPY hello /hello\nUSER 1000\nCMD ["cat", "/hello"]\n')
    (build / "base.Dockerfile").write_text(f"FROM {IMAGE}\nCOPY hello /etc/os-release\n")
    (build / "hello").write_text("hello\n")
    (build / "report.tmpl").write_text("{{len .Findings}}\n")
    (work / "osv/Debian").mkdir(parents=True)
    advisory = '{"id": "X-1", "modified": "2024-01-01T00:00:00Z", "affected": []}'
    (work / "osv/Debian/X-1.json").write_text(advisory)
    program = work / "bin/scow"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *COMMAND])} "$@"\n')
    program.chmod(0o755)
    with Registry() as registry:
        rules = "\n".join(
            f'[[registry]]\nprefix = "{name}"\nlocation = "{registry.host}/{place}"'
            for name, place in [("docker.io", "hub"), ("registry.example.com", "a"), ("registry.example", "b")]
        )
        settings = work / "home/.config/scow/registries.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(rules)
        scow("build", "-q", "-f", f"{build}/base.Dockerfile", "-t", "debian:12", "-t", "alpine", str(build)).ok()
        scow("build", "-q", "-t", "app:1", str(build)).ok()
        for name in ("app:2", "app:v1", "registry.example.com/app:1", "registry.example.com/team/app:v1"):
            scow("tag", "app:1", name).ok()
        for name in ("debian:12", "alpine", "registry.example.com/app:1"):
            scow("push", name).ok()
        env = environment(work / "store", work / "home")
        yield build, {**env, "PATH": f"{program.parent}:{env['PATH']}"}


@pytest.mark.slow
@pytest.mark.peers
def test_commands_work(desk: tuple[Path, dict[str, str]]) -> None:
    need("jq")
    build, env = desk
    failed = []
    for path, line in lines():
        if any(mark in line for mark in NOT_HERE):
            continue
        typed = line.replace("/mnt/osv", f"{build.parent}/osv").replace("/backup", f"{build.parent}/backup")
        done = subprocess.run(
            ["sh", "-c", typed], cwd=build, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL,
            timeout=120, check=False,
        )  # fmt: skip
        if done.returncode:
            failed.append(f"{path.relative_to(REPOSITORY)}: {line}: {done.returncode}\n{done.stderr[-900:]}")
    assert not failed, "\n".join(failed)
