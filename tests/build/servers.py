"""A web server and a git daemon of the tests' own."""

from __future__ import annotations

import http.server
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.peers import path_of
from tests.support.processes import CLEAN_ENVIRONMENT, started


@dataclass
class Web:
    """A web server: path → (status, headers, body)."""

    url: str = ""
    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        self.pages[path] = (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
        return self.url + path


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            status, headers, body = made.pages.get(self.path.partition("?")[0], (404, {}, b"none"))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Repository:
    """A repository that a git daemon serves."""

    url: str
    work: Path

    def git(self, *words: str) -> str:
        own = {**CLEAN_ENVIRONMENT, "HOME": str(self.work.parent), "GIT_CONFIG_NOSYSTEM": "1"}
        who = ("-c", "user.name=x", "-c", "user.email=x@x.org", "-c", "init.defaultBranch=main")
        done = subprocess.run([path_of("git"), *who, *words], cwd=self.work, env=own, capture_output=True, check=True)
        return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    base = tmp_path_factory.mktemp("git")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Repository(f"git://127.0.0.1:{port}/work", base / "work")
    made.work.mkdir()
    made.git("init", "--quiet")
    (made.work / "sub").mkdir()
    (made.work / "sub/f").write_text("first")
    (made.work / "run").write_text("#!/bin/sh\n")
    (made.work / "run").chmod(0o755)
    (made.work / "link").symlink_to("sub/f")
    made.git("add", "--all")
    made.git("commit", "--quiet", "-m", "one")
    made.git("tag", "-a", "v1", "-m", "v1")
    (made.work / "sub/f").write_text("second")
    made.git("commit", "--quiet", "-am", "two")
    argv = [path_of("git"), "daemon", "--reuseaddr", "--export-all", f"--port={port}", "--listen=127.0.0.1",
            f"--base-path={base}", str(base)]  # fmt: skip

    def listens() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    with started(argv, log=base / "log", ready=listens, seconds=20):
        yield made
