"""``scow slim``: what the test opens stays, what --keep names stays, and the test passes in what is left."""

from __future__ import annotations

import json
import os
import re
from functools import partial
from pathlib import Path

import pytest
from tests.support.cli import Scow
from tests.support.users import User

CHECK = """
import json, sqlite3, ssl, threading, urllib.request
from wsgiref.simple_server import make_server
from app import app
server = make_server("127.0.0.1", 0, app)
threading.Thread(target=server.serve_forever, daemon=True).start()
answer = json.load(urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/x"))
assert answer == {"path": "/x", "answer": 42, "page": "hello"}, answer
"""
APP = """
import json, sqlite3
def app(environ, start):
    start("200 OK", [("Content-Type", "application/json")])
    answer = sqlite3.connect(":memory:").execute("select 6 * 7").fetchone()[0]
    page = open("/app/templates/index.html").read()
    return [json.dumps({"path": environ["PATH_INFO"], "answer": answer, "page": page}).encode()]
"""


@pytest.fixture
def small(scow: Scow, busybox_tar: Path, tmp_path: Path) -> str:
    return made(scow, busybox_tar, tmp_path)


def made(scow: Scow, busybox: Path, place: Path) -> str:
    context = place / "context"
    context.mkdir()
    context.chmod(0o755)
    for name in ("read", "asked", "named", "other"):
        (context / name).write_text(name * 100)
    (context / "Dockerfile").write_text("FROM busybox:1\nCOPY read asked named other /data/\nENV WANT=read\n")
    scow("import", "-", "busybox:1", stdin=busybox.read_bytes()).ok()
    scow("build", "-q", "-t", "small:1", str(context)).ok()
    return "small:1"


def files(scow: Scow, name: str) -> set[str]:
    document = json.loads(scow("analyze", "busybox:1", "--compare", name, "--format", "json").ok().stdout)
    return {one["path"] for one in document["changes"] if one["what"] == ["added"]}


def test_what_is_opened_and_what_is_named(scow: Scow, small: str) -> None:
    test = "sh -c 'test -e /data && cat /data/$WANT'"
    done = scow("slim", small, "--test", test, "--keep", "/data/na*", "-t", "small:slim").ok()
    assert "3 files stay" not in done.stderr
    assert re.search(r"told by inotify\), \d+ stay; the test passes", done.stderr)
    assert files(scow, "small:slim") == {"/data", "/data/read", "/data/named"}
    document = json.loads(scow("inspect", "small:slim").ok().stdout)[0]
    assert document["Id"] == done.stdout.strip()
    assert document["Config"] == json.loads(scow("inspect", small).ok().stdout)[0]["Config"]
    assert len(document["RootFS"]["Layers"]) == 1
    assert scow("run", "--rm", "small:slim", "cat", "/data/named").ok().stdout == "named" * 100
    assert scow("slim", "-q", small, "--test", test, "--keep", "/data/na*").ok().stdout == done.stdout


def test_a_test_has_to_pass_twice(scow: Scow, small: str) -> None:
    done = scow("slim", small, "--test", "sh -c 'exit 3'", "-t", "never:1")
    assert "the test fails in the image as it is" in done.stderr
    done = scow("slim", small, "--test", "sh -c 'test -s /data/asked'", "-t", "never:1")  # asked about, not opened
    assert "the test does not pass in the slim image" in done.stderr
    assert "hint: keep what it looks for without opening it: --keep PATTERN" in done.stderr
    assert done.exit_code == 1
    assert "never" not in scow("images").ok().stdout
    scow("slim", small, "--test", "sh -c 'test -s /data/asked'", "--keep", "/data/asked", "-t", "now:1").ok()


def test_what_is_no_test(scow: Scow, small: str) -> None:
    assert "names no program" in scow("slim", small, "--test", "").stderr
    assert "no closing quotation" in scow("slim", small, "--test", "sh -c 'x").stderr
    assert scow("slim", small, "--test", "nothing-here").exit_code != 0


@pytest.mark.slow
def test_an_ordinary_user(scow: Scow, busybox_tar: Path, ordinary_user: User) -> None:
    place = ordinary_user.home / "slim"
    place.mkdir()
    os.chown(place, ordinary_user.uid, ordinary_user.gid)
    mine: Scow = partial(scow, user=ordinary_user, root=place / "store")
    made(mine, busybox_tar, place)
    done = mine("slim", "small:1", "--test", "cat /data/read", "-t", "small:slim").ok()
    assert "told by inotify" in done.stderr
    assert files(mine, "small:slim") == {"/data", "/data/read"}


@pytest.mark.slow
@pytest.mark.peers
def test_a_python_web_app_on_debian(scow: Scow, debian_pip_tar: Path, tmp_path: Path) -> None:
    context = tmp_path / "context"
    (context / "templates").mkdir(parents=True)
    (context / "app.py").write_text(APP)
    (context / "check.py").write_text(CHECK)
    (context / "templates/index.html").write_text("hello")
    (context / "templates/error.html").write_text("bye")
    (context / "Dockerfile").write_text('FROM debian:pip\nWORKDIR /app\nCOPY . .\nCMD ["python3", "app.py"]\n')
    scow("import", str(debian_pip_tar), "debian:pip").ok()
    scow("build", "-q", "-t", "web:1", str(context)).ok()
    done = scow(
        "slim", "web:1", "--test", "python3 check.py", "--keep", "/app/templates/error.*", "-t", "web:slim"
    ).ok()
    times = re.search(r"([\d.]+) times smaller", done.stderr)
    assert times
    assert float(times[1]) >= 5
    scow("run", "--rm", "web:slim", "python3", "check.py").ok()
    page = scow("run", "--rm", "web:slim", "python3", "-c", "print(open('/app/templates/error.html').read())").ok()
    assert page.stdout == "bye\n"
    walked = scow("slim", "web:1", "--watch=false", "--test", "python3 check.py", "-t", "web:walked").ok()
    assert "told by a static walk" in walked.stderr
