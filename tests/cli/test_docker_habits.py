"""What fingers and scripts that know docker type: verbs and flags that need a daemon, fields that need a server."""

from __future__ import annotations

import os

import pytest
from tests.cli.conftest import Console

from scow import Engine, __version__
from scow.cli.absent import ABSENT
from scow.oci.platform import Platform
from scow.runtime.spec.options import Options


@pytest.mark.parametrize("verb", sorted(ABSENT))
def test_a_verb_that_is_not_there_says_why(console: Console, verb: str) -> None:
    ended = console(*verb.split(), "--some", "flag")
    assert ended.code == 1
    assert ended.stderr.startswith(f"scow: there is no 'scow {verb}': {ABSENT[verb].why}\nhint: ")


@pytest.mark.parametrize(
    "flags", [["-H", "tcp://x"], ["--context", "x"], ["-D"], ["-l", "debug"], ["--tls"], ["--tlscert", "x"]], ids=str
)
def test_flags_of_a_daemon_are_refused(console: Console, flags: list[str]) -> None:
    ended = console(*flags, "images")
    assert ended.code == 1
    assert "means nothing here: there is no daemon\n" in ended.stderr


def test_logins_may_be_elsewhere(console: Console) -> None:
    elsewhere = console.home / "elsewhere"
    console("--config", str(elsewhere), "logout", "example.com").ok()
    console("--config", str(elsewhere), "images", "-q").ok()


def test_buildx_is_build(console: Console) -> None:
    options = [console(*verb, "--help").ok().stdout.partition("\n")[2] for verb in (["buildx", "build"], ["build"])]
    assert options[0] == options[1]
    assert console("builder", "build", "--check", "/nowhere").stderr == console("build", "--check", "/nowhere").stderr
    assert __version__ in console("buildx", "version").ok().stdout


def test_what_does_the_work_is_the_server(console: Console) -> None:
    assert console("version", "-f", "{{.Server.Version}}").ok().stdout == f"{__version__}\n"
    assert console("version", "-f", "{{json .Server}}").ok().stdout == "null\n"
    assert console("version", "-f", "{{.Nonsense}}").code == 1


def test_info_has_the_fields_that_scripts_read(console: Console) -> None:
    fields = "{{.OperatingSystem}}|{{.CgroupDriver}}|{{.LoggingDriver}}|{{.Swarm.LocalNodeState}}|{{.SecurityOptions}}"
    told = console("info", "-f", fields).ok().stdout.strip().split("|")
    assert told[1:4] == ["cgroupfs", "json-file", "inactive"]
    assert "name=seccomp" in told[4]


def test_create_fails_as_any_verb_and_its_flags_as_run_s(console: Console, tiny: bytes) -> None:
    console.image(tiny, "app:1")
    Engine(console.store).containers.create("app:1", Options(args=("/bin/hello",)), name="web")
    assert console("create", "--name", "web", "app:1").code == 1
    assert console("create", "--nonsense", "app:1").code == 125
    assert console("create", "--gpus", "all", "app:1").code == 125


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["-p", "99999:1"], "invalid hostPort: 99999"),
        (["-p", "1:99999"], "invalid containerPort: 99999"),
        (["--stop-signal", "BOGUS"], "Invalid signal: BOGUS"),
        (["--stop-signal", "99"], "Invalid signal: 99"),
        (["--log-opt", "labels=a"], "log opt 'labels' is not supported"),
        (["--disable-content-trust=false"], "images are not signed"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_by_its_name(console: Console, tiny: bytes, flags: list[str], told: str) -> None:
    console.image(tiny, "app:1")
    ended = console("create", *flags, "app:1", "/bin/hello")
    assert ended.code in (1, 125)
    assert told in ended.stderr
    console("create", "--disable-content-trust", "app:1", "/bin/hello").ok()


def test_a_volume_by_the_old_flag(console: Console) -> None:
    assert console("volume", "create", "--name", "data").ok().stdout == "data\n"
    assert console("volume", "create", "--name", "data", "other").code == 1


def test_a_registry_without_tls_for_once(console: Console) -> None:
    ended = console("manifest", "inspect", "--insecure", "registry.invalid:1/app:1")
    assert ended.code == 1
    assert "not supported" not in ended.stderr


@pytest.mark.parametrize("command", [["images"], ["image"], [], ["container", "ls"]], ids=str)
def test_h_is_help_where_it_is_nothing_else(console: Console, command: list[str]) -> None:
    assert console(*command, "-h").ok().stdout == console(*command, "--help").ok().stdout


def test_h_of_run_is_the_host_s_name(console: Console, tiny: bytes) -> None:
    console.image(tiny, "app:1")
    console("create", "--name", "web", "-h", "there", "app:1", "x").ok()
    assert console("inspect", "-f", "{{.Config.Hostname}}", "web").ok().stdout == "there\n"


@pytest.mark.parametrize(
    "flags",
    [
        ["images", "--tree"], ["history", "--platform", "linux/amd64", "x"], ["push", "--platform", "linux/amd64", "x"],
        ["rmi", "--platform", "linux/amd64", "x"], ["network", "create", "--ipv4=false", "x"],
    ],
    ids=str,
)  # fmt: skip
def test_newer_flags_are_refused_by_name(console: Console, flags: list[str]) -> None:
    ended = console(*flags)
    assert (ended.code, ended.stderr.split("\n")[0][-20:]) == (1, "is not supported yet")


def test_flags_that_change_nothing_here(console: Console, tiny: bytes) -> None:
    console.image(tiny, "app:1")
    made = console("create", "--name", "", "app:1", "x").ok().stdout.strip()  # as scripts with an unset variable do
    console("commit", "--no-pause", made).ok()
    console("network", "create", "--ipv4", "back").ok()
    assert console("build", "--compress", "/nowhere").stderr == console("build", "/nowhere").stderr


def test_architectures_go_by_go_s_names(console: Console) -> None:
    told = console("version", "-f", "{{.Server.Os}}/{{.Server.Arch}}").ok().stdout.strip()
    assert told == str(Platform(os.uname().machine, "linux").normalised())


def test_bad_detach_keys_are_told_before_there_is_a_container(console: Console, tiny: bytes) -> None:
    console.image(tiny, "app:1")
    ended = console("run", "--name", "web", "--detach-keys", "bogus", "app:1", "x")
    assert (ended.code, console("ps", "-aq").ok().stdout) == (125, "")
    assert "unknown key in the detach keys: 'bogus'" in ended.stderr


def test_networks_are_of_a_type_that_there_is(console: Console) -> None:
    ended = console("network", "ls", "--filter", "type=mine")
    assert (ended.code, ended.stderr.partition("\n")[0]) == (1, "scow: invalid filter 'type=mine'")
    console("network", "create", "back").ok()
    told = console("network", "ls", "--filter", "type=custom", "--format", "{{.CreatedAt}}").ok().stdout
    assert told.endswith(" +0000 UTC\n")
