"""A real browser, without a window: a page after its script ran, what it said, and what it asked the network for."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from tests.support.peers import path_of

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # whatever is asked for is noted, and never reached
    "--virtual-time-budget=2000",
    "--window-size=1300,1200",
    "--enable-logging=stderr",
)
_CONSOLE = re.compile(r"CONSOLE.*")
_OUTSIDE = re.compile(r"(?:https?|wss?|ftp)://")
#: What the browser asks for on its own behalf, whatever the page.
_OWN = re.compile(
    r"https?://(?:clients\d*\.google\.com|accounts\.google\.com|www\.google\.com"
    r"|(?:update|optimizationguide-pa|content-autofill|android\.clients)\.googleapis\.com)/"
)


@dataclass(frozen=True, slots=True)
class Element:
    """A start tag: its name and attributes."""

    name: str
    attributes: dict[str, str]


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(Element(tag, {name: value or "" for name, value in attrs}))


@dataclass(frozen=True, slots=True)
class Visit:
    """A page after its script ran. ``console`` are the lines it said; ``requests`` the addresses outside that it
    asked for."""

    dom: str
    console: list[str]
    requests: list[str]

    @property
    def elements(self) -> list[Element]:
        """Every element of the page."""
        parser = _Elements()
        parser.feed(self.dom)
        return parser.found


def visit(page: Path, scratch: Path, *flags: str) -> Visit:
    """Open ``page`` from its file, with a profile of its own below ``scratch``."""
    log = scratch / "net.json"
    profile = f"--user-data-dir={scratch / 'profile'}"
    argv = [path_of("chromium"), *_FLAGS, profile, f"--log-net-log={log}", *flags, "--dump-dom", page.as_uri()]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return Visit(done.stdout, _CONSOLE.findall(done.stderr), _requests(log))


def _requests(log: Path) -> list[str]:
    events = json.loads(log.read_text())["events"]
    urls = [event.get("params", {}).get("url", "") for event in events]
    return sorted({url for url in urls if _OUTSIDE.match(url) and not _OWN.match(url)})
