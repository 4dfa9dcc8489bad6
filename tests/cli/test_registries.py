"""``pull``, ``push``, ``login``, ``logout``, ``registry serve``: what they print, and their exit codes."""

from __future__ import annotations

import json
import re
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from tests.cli.conftest import Console
from tests.support.cli import COMMAND, popen_scow

from scow.testing.registry import Registry

PASSWORD = "open:sesame @1"


@pytest.fixture
def closed() -> Iterator[Registry]:
    """A registry that wants alice's password."""
    with Registry(username="alice", password=PASSWORD) as server:
        yield server


@pytest.fixture
def pushed(console: Console, registry: Registry, tiny: bytes) -> str:
    """The name of an image in the registry."""
    name = f"{registry.host}/team/app:1"
    console.image(tiny, name)
    console("push", name).ok()
    return name


def test_push_prints_layers_and_the_digest(console: Console, registry: Registry, tiny: bytes) -> None:
    name = f"{registry.host}/team/app"
    console.image(tiny, f"{name}:1")
    first, preparing, done, last = console("push", f"{name}:1").ok().lines
    assert first == f"The push refers to repository [{name}]"
    assert preparing.endswith(": Preparing")
    assert done == preparing.replace("Preparing", "Pushed")
    assert re.fullmatch(r"1: digest: sha256:[0-9a-f]{64} size: \d+", last)
    again = console("push", f"{name}:1").ok().lines
    assert again == [first, preparing, preparing.replace("Preparing", "Layer already exists"), last]


def test_push_without_a_tag_means_latest(console: Console, registry: Registry, tiny: bytes) -> None:
    name = f"{registry.host}/team/app"
    missing = console("push", name)
    assert missing.code == 1
    assert missing.lines[0] == "Using default tag: latest"
    assert missing.stderr == f"scow: An image does not exist locally with the tag: {name}\n"
    console.image(tiny, name)
    assert console("push", "-q", name).ok().stdout == f"{name}:latest\n"


def test_all_tags_travel(console: Console, registry: Registry, tiny: bytes, tmp_path: Path) -> None:
    name = f"{registry.host}/team/app"
    console.image(tiny, f"{name}:1")
    console("tag", f"{name}:1", f"{name}:2").ok()
    told = console("push", "-a", name).ok().stdout
    assert "1: digest: " in told
    assert "2: digest: " in told
    other = console.at(tmp_path / "other")
    assert other("pull", "-a", name).ok().lines[-1] == name
    assert sorted(other("images", "--format", "{{.Tag}}").ok().lines) == ["1", "2"]
    for verb in ("pull", "push"):
        refused = other(verb, "-a", f"{name}:1")
        assert (refused.code, "tag can't be used with --all-tags/-a" in refused.stderr) == (1, True)


def test_pull_prints_what_docker_prints(console: Console, pushed: str, tmp_path: Path) -> None:
    other = console.at(tmp_path / "other")
    lines = other("pull", pushed).ok().lines
    layer = lines[1].partition(":")[0]
    assert re.fullmatch(r"[0-9a-f]{12}", layer)
    digest = lines[3].removeprefix("Digest: ")
    assert lines == [
        "1: Pulling from team/app",
        f"{layer}: Pulling fs layer",
        f"{layer}: Pull complete",
        f"Digest: {digest}",
        f"Status: Downloaded newer image for {pushed}",
        pushed,
    ]
    up_to_date = [lines[0], lines[3], f"Status: Image is up to date for {pushed}", pushed]
    assert other("image", "pull", pushed).ok().lines == up_to_date
    assert other("pull", "-q", pushed).ok().stdout == f"{pushed}\n"


def test_pull_without_a_tag_means_latest(console: Console, pushed: str, tmp_path: Path) -> None:
    name = pushed.removesuffix(":1")
    console("tag", pushed, name).ok()
    console("push", name).ok()
    other = console.at(tmp_path / "other")
    lines = other("pull", name).ok().lines
    assert lines[:2] == ["Using default tag: latest", "latest: Pulling from team/app"]
    assert lines[-1] == f"{name}:latest"


def test_pull_by_digest(console: Console, pushed: str, tmp_path: Path) -> None:
    digest = console("images", "--digests", "--format", "{{.Digest}}").ok().stdout.strip()
    name = pushed.removesuffix(":1")
    other = console.at(tmp_path / "other")
    lines = other("pull", f"{name}@{digest}").ok().lines
    assert lines[0] == f"{digest}: Pulling from team/app"
    assert lines[-1] == f"{name}@{digest}"
    assert other("images", "--digests").ok().lines[1].split()[:3] == [name, "<none>", digest]
    assert other("inspect", "-f", "{{index .RepoDigests 0}}", f"{name}@{digest}").ok().stdout == f"{name}@{digest}\n"


def test_layers_that_are_there_are_said_to_be(console: Console, pushed: str, tmp_path: Path) -> None:
    second = pushed.replace(":1", ":2")
    console("tag", pushed, second).ok()
    console("push", second).ok()
    other = console.at(tmp_path / "other")
    other("pull", pushed).ok()
    lines = other("pull", second).ok().lines
    assert lines[1].endswith(": Already exists")
    assert lines[3] == f"Status: Downloaded newer image for {second}"


def test_pull_for_another_platform(console: Console, registry: Registry, tiny: bytes, tmp_path: Path) -> None:
    name = f"{registry.host}/app:arm"
    console("import", "--platform", "linux/arm64", "-", name, stdin=tiny).ok()
    console("push", name).ok()
    other = console.at(tmp_path / "other")
    other("pull", "--platform", "linux/arm64", name).ok()
    assert other("inspect", "-f", "{{.Os}}/{{.Architecture}}", name).ok().stdout == "linux/arm64\n"


@pytest.mark.parametrize("verb", ["pull", "copy", "digest", "sbom"])
def test_a_platform_that_nothing_is_for_is_refused_before_a_request(
    console: Console, tmp_path: Path, verb: str
) -> None:
    operands = ["docker://127.0.0.1:1/app", f"oci:{tmp_path}/out:1"] if verb == "copy" else ["127.0.0.1:1/app"]
    refused = console(verb, "--platform", "bogus/x", *operands)
    assert refused.stderr == "scow: 'bogus/x': unknown operating system or architecture\nhint: as in linux/arm64\n"


def test_an_operating_system_alone_is_that_on_this_processor(console: Console, tiny: bytes, tmp_path: Path) -> None:
    console.image(tiny, "app:1")
    archive = tmp_path / "app.tar"
    console("save", "--platform", "linux", "-o", str(archive), "app:1").ok()
    console("load", "--platform", "linux", "-i", str(archive)).ok()
    console("copy", "--platform", "linux", "app:1", f"oci:{tmp_path}/out:1").ok()
    console("sbom", "--platform", "linux", "app:1").ok()


def test_what_is_not_there_is_said_in_one_line(console: Console, pushed: str) -> None:
    gone = console("pull", pushed.replace(":1", ":none"))
    assert gone.code == 1
    assert gone.stdout == ""
    assert gone.stderr.startswith(f"scow: manifest for {pushed.replace(':1', ':none')} not found")
    assert len(gone.stderr.splitlines()) == 1
    assert console("pull", "App").stderr == "scow: 'App': invalid reference format: repository name must be lowercase\n"


def test_login_push_logout(console: Console, closed: Registry, tiny: bytes) -> None:
    name = f"{closed.host}/team/app:1"
    console.image(tiny, name)
    refused = console("push", name)
    assert refused.code == 1
    assert f"hint: scow login {closed.host}" in refused.stderr
    entered = console("login", "-u", "alice", "--password-stdin", closed.host, stdin=f"{PASSWORD}\n".encode()).ok()
    file = console.home / ".docker/config.json"
    assert entered.stdout == "Login Succeeded\n"
    assert f"WARNING! Your credentials are stored unencrypted in '{file}'." in entered.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(json.loads(file.read_text())["auths"]) == [closed.host]
    assert PASSWORD not in entered.stdout + entered.stderr + file.read_text()
    console("push", name).ok()
    assert console("logout", closed.host).ok().stdout == f"Removing login credentials for {closed.host}\n"
    assert console("logout", closed.host).ok().stdout == f"Not logged in to {closed.host}\n"
    assert console("push", name).code == 1


def test_logins_of_podman_are_found(console: Console, closed: Registry, tiny: bytes, tmp_path: Path) -> None:
    console("login", "-u", "alice", "-p", PASSWORD, closed.host).ok()
    console.image(tiny, f"{closed.host}/app")
    console("push", f"{closed.host}/app").ok()
    kept = console.home / ".docker/config.json"
    for variable in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        (tmp_path / variable / "containers").mkdir(parents=True)
        kept = kept.rename(tmp_path / variable / "containers/auth.json")
        environment = {variable: str(tmp_path / variable)}
        assert console("tags", f"{closed.host}/app", env=environment).ok().stdout == "latest\n"
    assert console("tags", f"{closed.host}/app").code == 1
    assert console("logout", closed.host, env=environment).ok().stdout.startswith("Removing")
    assert console("tags", f"{closed.host}/app", env=environment).code == 1


def test_a_wrong_password_is_kept_nowhere(console: Console, closed: Registry) -> None:
    refused = console("login", "-u", "alice", "-p", "wrong", closed.host)
    assert refused.code == 1
    assert refused.stderr.startswith("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n")
    assert "incorrect username or password" in refused.stderr
    assert not (console.home / ".docker/config.json").exists()


def test_login_again_uses_what_is_kept(console: Console, closed: Registry) -> None:
    console("login", "-u", "alice", "-p", PASSWORD, f"http://{closed.host}/v2/").ok()
    again = console("login", closed.host).ok().lines
    assert again == ["Authenticating with existing credentials... [Username: alice]", "Login Succeeded"]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--password-stdin"], "Must provide --username with --password-stdin"),
        (["--password-stdin", "-u", "a", "-p", "b"], "--password and --password-stdin are mutually exclusive"),
        ([], "Cannot perform an interactive login from a non TTY device"),
        (["-u", "a"], "Cannot perform an interactive login from a non TTY device"),
        (["-u", "a", "--password-stdin"], "password is empty"),
    ],
)
def test_login_flags_that_do_not_fit(console: Console, closed: Registry, flags: list[str], told: str) -> None:
    refused = console("login", *flags, closed.host)
    assert refused.code == 1
    assert told in refused.stderr


def test_login_asks_on_a_terminal(console: Console, closed: Registry) -> None:
    env = {"HOME": str(console.home), "SCOW_ROOT": str(console.store), "LANG": "C.UTF-8", "TERM": "xterm"}
    child = pexpect.spawn(sys.executable, [*COMMAND, "login", closed.host], env=env, encoding="utf-8", timeout=60)
    child.expect("Username: ")
    child.sendline("alice")
    child.expect("Password: ")
    child.sendline(PASSWORD)
    child.expect("Login Succeeded")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert PASSWORD not in str(child.before)


def test_logout_of_the_hub(console: Console) -> None:
    assert console("logout").ok().stdout == "Not logged in to https://index.docker.io/v1/\n"


def test_a_registry_of_your_own(console: Console, tiny: bytes, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    who = ["--username", "alice", "--password-file", str(tmp_path / "password")]
    with popen_scow(
        "registry", "serve", "--port", "0", "--root", str(tmp_path / "registry"), *who, root=console.store
    ) as serving:
        assert serving.stdout
        host = serving.stdout.readline().decode().removeprefix("listening on ").strip()
        assert re.fullmatch(r"127\.0\.0\.1:\d+", host)
        console.image(tiny, f"{host}/app:1")
        assert console("push", f"{host}/app:1").code == 1
        console("login", "-u", "alice", "--password-stdin", host, stdin=PASSWORD.encode()).ok()
        console("push", f"{host}/app:1").ok()
        taken = console("registry", "serve", "--port", host.rpartition(":")[2], "--root", str(tmp_path / "registry"))
        assert taken.code == 1
        assert "address already in use" in taken.stderr
        serving.send_signal(signal.SIGINT)
        assert serving.wait(30) == 0
    half = console("registry", "serve", "--root", str(tmp_path), "--username", "alice")
    assert (half.code, half.stderr) == (1, "scow: --username and --password-file belong together\n")
