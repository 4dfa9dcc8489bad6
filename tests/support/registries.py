"""Debian's ``docker-registry`` on free loopback ports: open, behind a password, and with TLS."""

from __future__ import annotations

import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.peers import path_of
from tests.support.processes import NotStarted, free_port, started

USERNAME = "alice"
#: with the characters that careless code splits on
PASSWORD = "open:sesame @1"
#: bcrypt of PASSWORD, the only scheme that docker-registry accepts
HTPASSWD = "alice:$2y$05$Ke6HX5Ay/miGw5vY.wmnM..b/4EZdeM5Ul.cYVqfuM/iaCCOL9KdS\n"

_CONFIG = """\
version: 0.1
log: {{level: info, accesslog: {{disabled: false}}}}
storage:
  filesystem: {{rootdirectory: "{storage}"}}
  delete: {{enabled: true}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
http:
  addr: "{host}"
{extra}"""


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that answers: ``host`` is ``127.0.0.1:PORT``; ``storage`` is its disk, for tests that tamper.

    ``username`` and ``password`` are empty when it is open; ``ca`` is the certificate to trust, None for plain HTTP.
    """

    host: str
    storage: Path
    log: Path
    username: str = ""
    password: str = ""
    ca: Path | None = None

    @property
    def url(self) -> str:
        """``http://HOST`` or ``https://HOST``."""
        return f"{'https' if self.ca else 'http'}://{self.host}"

    def answers(self) -> bool:
        """Whether ``/v2/`` gives 200, or 401 when there is a password."""
        context = ssl.create_default_context(cafile=self.ca) if self.ca else None
        try:
            with urllib.request.urlopen(f"{self.url}/v2/", timeout=5, context=context):
                return True
        except urllib.error.HTTPError as refusal:
            return refusal.code == 401
        except OSError:
            return False

    def blob_path(self, digest: str) -> Path:
        """Where the bytes of ``sha256:…`` lie on the registry's disk."""
        algorithm, _, encoded = digest.partition(":")
        return self.storage / "docker/registry/v2/blobs" / algorithm / encoded[:2] / encoded / "data"


def _openssl(*argv: str, cwd: Path) -> None:
    subprocess.run([path_of("openssl"), *argv], cwd=cwd, check=True, capture_output=True)


def make_certificates(directory: Path) -> None:
    """``ca.crt`` and, signed by it, ``server.crt`` with ``server.key`` for 127.0.0.1, ::1 and localhost."""
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    _openssl(
        *new, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=throw-away test CA",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign", cwd=directory,
    )  # fmt: skip
    _openssl(
        *new, "-keyout", "server.key", "-out", "server.crt", "-subj", "/CN=localhost",
        "-CA", "ca.crt", "-CAkey", "ca.key",
        "-addext", "basicConstraints=critical,CA:FALSE",
        "-addext", "extendedKeyUsage=serverAuth",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1", cwd=directory,
    )  # fmt: skip


def _extra(directory: Path, *, password: bool, tls: bool) -> str:
    lines = []
    if tls:
        make_certificates(directory)
        lines.append(f'  tls: {{certificate: "{directory}/server.crt", key: "{directory}/server.key"}}')
    if password:
        (directory / "htpasswd").write_text(HTPASSWD)
        lines.append(f'auth: {{htpasswd: {{realm: test, path: "{directory}/htpasswd"}}}}')
    return "".join(f"{line}\n" for line in lines)


@contextmanager
def _serve(directory: Path, *, password: bool, tls: bool) -> Iterator[Registry]:
    registry = Registry(
        host=f"127.0.0.1:{free_port()}",
        storage=directory / "storage",
        log=directory / "registry.log",
        username=USERNAME if password else "",
        password=PASSWORD if password else "",
        ca=directory / "ca.crt" if tls else None,
    )
    config = directory / "config.yml"
    extra = _extra(directory, password=password, tls=tls)
    config.write_text(_CONFIG.format(storage=registry.storage, host=registry.host, extra=extra))
    argv = [path_of("docker-registry"), "serve", str(config)]
    # the environment may not override the configuration, and telemetry has nobody to talk to
    with started(argv, log=registry.log, ready=registry.answers, env={"OTEL_TRACES_EXPORTER": "none"}):
        yield registry


@contextmanager
def serve(directory: Path, *, password: bool = False, tls: bool = False) -> Iterator[Registry]:
    """Run a registry for the length of the block; its disk and log are in ``directory``."""
    for attempt in range(3):  # between finding a free port and binding it, somebody else may have taken it
        place = directory / str(attempt)
        place.mkdir(parents=True)
        serving = _serve(place, password=password, tls=tls)
        try:
            registry = serving.__enter__()
        except NotStarted:
            if attempt == 2:
                raise
            continue
        try:
            yield registry
        finally:
            serving.__exit__(None, None, None)
        return


@pytest.fixture(scope="session")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry over HTTP that lets everyone in."""
    path_of("docker-registry")
    with serve(tmp_path_factory.mktemp("open-registry")) as registry:
        yield registry


@pytest.fixture(scope="session")
def password_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry over HTTP that asks for ``registry.username`` and ``registry.password`` (basic)."""
    path_of("docker-registry")
    with serve(tmp_path_factory.mktemp("password-registry"), password=True) as registry:
        yield registry


@pytest.fixture(scope="session")
def tls_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry over HTTPS whose certificate only ``registry.ca`` vouches for."""
    path_of("docker-registry")
    with serve(tmp_path_factory.mktemp("tls-registry"), tls=True) as registry:
        yield registry
