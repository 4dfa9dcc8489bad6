"""``scow run`` as people use it: real containers of busybox."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pexpect
import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import COMMAND, PROGRAM, Scow, environment, popen_scow


@pytest.fixture(scope="module")
def scow(directory: Path) -> Scow:
    return make_box(directory)


def sh(scow: Scow, script: str, *flags: str, **rest: object) -> str:
    """What a script prints in a container that is removed."""
    return scow("run", "--rm", *flags, IMAGE, "sh", "-c", script, **rest).ok().stdout  # type: ignore[arg-type]


@pytest.mark.skipif(os.geteuid() != 0 or not os.path.ismount("/dev/shm"), reason="needs root and a tmpfs")
def test_a_store_that_moved_to_another_file_system(scow: Scow, directory: Path) -> None:
    assert sh(scow, "echo before") == "before\n"
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        moved = Path(place) / "store"
        shutil.copytree(directory / "store", moved, symlinks=True)
        assert sh(scow, "echo moved", root=moved) == "moved\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["true"], 0), (["sh", "-c", "exit 7"], 7), (["nosuch"], 127), (["/etc"], 126)],
)
def test_exit_codes(scow: Scow, arguments: list[str], code: int) -> None:
    result = scow("run", "--rm", IMAGE, *arguments)
    assert result.exit_code == code, result.stderr


def test_command_and_entrypoint(scow: Scow) -> None:
    assert scow("run", "--rm", IMAGE).ok().stdout == "its CMD\n"
    assert scow("run", "--rm", "--entrypoint", "echo", IMAGE, "-n", "x").ok().stdout == "x"
    assert scow("run", "--rm", IMAGE, "echo", "--rm", "-e").ok().stdout == "--rm -e\n"


def test_environment(scow: Scow, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text('# a comment\nA=from file\n  B=${A} "quoted"\nCALLER\nNOT_SET\n')
    flags = ["--env-file", str(file), "-e", "A=flag", "-e", "TOKEN", "-e", "FROM_IMAGE"]
    shown = sh(scow, "env", *flags, env={"CALLER": "c", "TOKEN": "s3cret"}).splitlines()
    assert {"A=flag", 'B=${A} "quoted"', "CALLER=c", "TOKEN=s3cret"} <= set(shown)
    assert not any(line.startswith(("NOT_SET", "FROM_IMAGE")) for line in shown)


def test_user_workdir_hostname(scow: Scow) -> None:
    shown = sh(scow, "id -u; id -g; pwd; hostname; cat /etc/hostname", "-u", "app", "-w", "/home/app", "-h", "box")
    assert shown.split() == ["1000", "1000", "/home/app", "box", "box"]


def test_the_whole_name(scow: Scow) -> None:
    script = "hostname; cat /proc/sys/kernel/domainname; tail -n 2 /etc/hosts"
    flags = ("--domainname", "example.org", "--add-host", "other:10.1.2.3", "--network", "none")
    lines = sh(scow, script, "-h", "box", *flags).splitlines()
    assert lines == ["box", "example.org", "10.1.2.3\tother", "127.0.1.1\tbox.example.org box"]


def test_volumes(scow: Scow, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/file").write_text("from the host")
    made = tmp_path / "made/by/scow"
    flags = ["-v", "./in:/in:ro", "-v", f"{made}:/out", "-v", "kept:/kept", "--tmpfs", "/t:size=1m"]
    shown = sh(
        scow, "cat /in/file; touch /in/no || echo; echo -n refused; echo 1 > /out/f; echo 2 > /kept/f; df /t | tail -1",
        *flags, cwd=tmp_path,
    )  # fmt: skip
    assert shown.startswith("from the host\nrefused")
    assert "1024" in shown.splitlines()[-1]
    assert (made / "f").read_text() == "1\n"
    assert sh(scow, "cat /x/f", "--mount", "type=volume,source=kept,target=/x,readonly") == "2\n"
    assert sh(scow, "cat /x/file", "--mount", f"type=bind,src={tmp_path}/in,dst=/x") == "from the host"


def test_read_only_network_ulimit_shm(scow: Scow) -> None:
    shown = sh(
        scow, "touch /x /etc/hosts; ls /sys/class/net; ulimit -n; df /dev/shm | tail -1",
        "--read-only", "--network", "none", "--ulimit", "nofile=100:200", "--shm-size", "2m",
    )  # fmt: skip
    assert shown.split()[:2] == ["lo", "100"]
    assert "2048" in shown


def test_input(scow: Scow) -> None:
    assert scow("run", "--rm", "-i", IMAGE, "cat", stdin=b"\0typed").ok().output == b"\0typed"
    assert scow("run", "--rm", IMAGE, "cat", stdin=b"not read").ok().output == b""


def test_name_label_cidfile(scow: Scow, tmp_path: Path) -> None:
    ids = tmp_path / "id"
    scow("run", "--name", "named", "-l", "a=b", "--cidfile", str(ids), IMAGE, "true").ok()
    assert scow("ps", "-a", "--filter", "label=a=b", "--no-trunc", "-q").ok().stdout.strip() == ids.read_text()
    taken = scow("run", "--name", "named", IMAGE)
    assert (taken.exit_code, "already in use" in taken.stderr) == (125, True)
    again = scow("run", "--cidfile", str(ids), IMAGE)
    assert (again.exit_code, "container ID file found" in again.stderr) == (125, True)
    assert scow("rm", "named").ok().stdout == "named\n"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["-d", "-a", "stdout", IMAGE], 125, "Conflicting options: -a and -d"),
        (["--restart", "sometimes", IMAGE], 125, "invalid restart policy"),
        (["-v", "a/b:/x", IMAGE], 125, "includes invalid characters for a local volume name"),
        (["--mount", "type=bind,source=/no/such,target=/x", IMAGE], 125, "bind source path does not exist"),
        (["--mount", "type=bind,source=/", IMAGE], 125, "target is required"),
        (["--mount", '"type=bind', IMAGE], 125, 'extraneous or missing " in quoted-field'),
        (["--tmpfs", "/a", "--mount", "type=tmpfs,dst=/a/", IMAGE], 125, "Duplicate mount point"),
        (["-v", "/tmp:/x:ro,rw", IMAGE], 125, "invalid mode: ro,rw"),
        (["-v", "/tmp:/x:private,slave", IMAGE], 125, "invalid mode: private,slave"),
        (["-v", "data:/x:rslave", IMAGE], 125, "propagation is for what is not a volume"),
        (["-l", " a b=c", IMAGE], 125, "label 'a b' contains whitespaces"),
        (["-l", " =c", IMAGE], 125, "invalid label ' =c': empty name"),
        (["--ulimit", "nofile=x", IMAGE], 125, "invalid argument"),
        (["-e", "=x", IMAGE], 125, "invalid environment variable: =x"),
        (["--env-file", "/no/such", IMAGE], 125, "open /no/such: no such file or directory"),
        (["--pull", "never", "nosuch"], 125, "No such image: nosuch:latest"),
        (["--nosuch", IMAGE], 125, "unknown flag: --nosuch"),
        (["Upper"], 125, "lowercase"),
        ([], 1, "requires at least 1 argument"),
        (["-it", IMAGE], 1, "the input device is not a TTY"),
    ],
)
def test_refusals(scow: Scow, arguments: list[str], code: int, told: str) -> None:
    result = scow("run", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_nothing_stays_of_what_was_refused(scow: Scow) -> None:
    assert scow("ps", "-aq").ok().stdout == ""


def test_nothing_is_made_or_fetched_for_flags_that_are_wrong(scow: Scow, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    for verb in ("run", "create"):
        result = scow(verb, "-v", f"{missing}:/m", "--env-file", "/no/such", "127.0.0.1:1/x")
        assert (result.exit_code, result.stderr) == (125, "scow: open /no/such: no such file or directory\n")
    assert not missing.exists()
    assert scow("create", "-l", "=x", IMAGE).exit_code == 125


def test_what_has_no_command_is_not_made(scow: Scow) -> None:
    for verb, code in (("create", 1), ("run", 125)):
        result = scow(verb, "--entrypoint", "", "-v", "unmade:/data", IMAGE)
        assert (result.exit_code, result.stderr.splitlines()[0]) == (code, "scow: no command specified")
    assert scow("ps", "-aq").ok().stdout == ""
    assert "unmade" not in scow("volume", "ls", "-q").ok().stdout


def test_of_several_tmpfs_at_one_place_the_last_counts(scow: Scow) -> None:
    flags = ["--tmpfs", "/m:size=1m", "--tmpfs", "/m/:size=2m", "--mount", "type=TMPFS,dst=/n,tmpfs-size=3m"]
    assert sh(scow, "df -k /m /n | awk 'NR > 1 {print $2}'", *flags).split() == ["2048", "3072"]


def test_an_empty_name_is_none_and_one_with_a_slash_is_itself(scow: Scow) -> None:
    scow("run", "--name", "", IMAGE, "true").ok()
    scow("run", "--name", "/slashed", IMAGE, "true").ok()
    last, other = scow("ps", "-a", "--format", "{{.Names}}").ok().stdout.split()
    assert (last, "_" in other) == ("slashed", True)
    scow("rm", last, other).ok()


def test_what_changes_nothing_is_fine(scow: Scow) -> None:
    flags = ["--privileged=false", "--restart", "no", "--init=0", "-d=false", "--security-opt", "no-new-privileges"]
    assert sh(scow, "echo ok", *flags, "--platform", "linux") == "ok\n"


def test_missing_image_is_looked_for(scow: Scow) -> None:
    result = scow("run", "--rm", "127.0.0.1:1/x", env={"SCOW_INSECURE_REGISTRIES": "127.0.0.1:1"})
    assert result.exit_code == 125
    assert result.stderr.startswith("Unable to find image '127.0.0.1:1/x:latest' locally\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_reach_the_program(scow: Scow, directory: Path, number: signal.Signals) -> None:
    name = number.name.removeprefix("SIG")
    script = f"trap 'echo caught; exit 42' {name}; echo ready; while :; do sleep 0.1; done"
    process = popen_scow("run", "--rm", IMAGE, "sh", "-c", script, root=directory / "store")
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    assert process.stdout.readline() == b"caught\n"
    assert process.wait(60) == 42


def test_three_interrupts_end_a_deaf_program(scow: Scow, directory: Path) -> None:
    process = popen_scow(
        "run", "--rm", IMAGE, "sh", "-c", "trap '' INT; echo ready; sleep 60", root=directory / "store"
    )
    assert process.stdout
    process.stdout.readline()
    sent = 0
    while process.poll() is None and sent < 100:
        process.send_signal(signal.SIGINT)
        sent += 1
        time.sleep(0.5)  # two that come at once are one
    assert process.wait(60) == 137
    assert sent > 2
    assert scow("ps", "-aq").ok().stdout == ""


def test_terminal(directory: Path, scow: Scow) -> None:
    argv = [*COMMAND, "run", "--rm", "-it", IMAGE, "sh", "-c", "tty; stty size; read -r line; echo got:$line; exit 3"]
    env = {**environment(directory / "store", directory / "home"), "TERM": "xterm"}
    child = pexpect.spawn(sys.executable, argv, env=env, dimensions=(33, 77), timeout=30)
    child.expect("/dev/(pts/0|console)\r\n33 77\r\n")
    child.sendline("typed")
    child.expect("got:typed\r\n")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 3
    assert scow("ps", "-aq").ok().stdout == ""


def test_interrupt_in_a_terminal_is_the_programs(directory: Path, scow: Scow) -> None:
    argv = [*COMMAND, "run", "--rm", "-it", IMAGE, "sh", "-c", "trap 'echo caught; exit 5' INT; echo ready; sleep 30"]
    env = {**environment(directory / "store", directory / "home"), "TERM": "xterm"}
    child = pexpect.spawn(sys.executable, argv, env=env, timeout=30)
    child.expect("ready")
    child.sendintr()
    child.expect("caught")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 5


def test_start_imports_nothing_heavy(directory: Path, scow: Scow) -> None:
    words = ["-X", "importtime", *COMMAND, "run", "--rm", IMAGE, "true"]
    env = environment(directory / "store", directory / "home")
    done = subprocess.run([sys.executable, *words], env=env, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "scow.engine.containers.verbs" in loaded
    heavy = ("urllib3", "rich", "ssl", "http.client", "scow.build", "scow.registry.transport", "scow.dockerfile.")
    tables = {"scow.dockerfile.signals", "scow.dockerfile.truths"}
    assert not [name for name in loaded - tables if name.startswith(heavy)]


@pytest.mark.parametrize(("closed", "told"), [("<&-", "hi"), (">&-", ""), ("2>&-", "hi"), ("<&- >&- 2>&-", "")])
def test_closed_streams_are_nobodys(directory: Path, scow: Scow, closed: str, told: str) -> None:
    typed = f'exec "$@" run --rm {IMAGE} sh -c "echo hi; exit 3" {closed}'
    done = subprocess.run(
        ["sh", "-c", typed, "sh", sys.executable, *PROGRAM], env=environment(directory / "store", directory),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip(), done.stderr) == (3, told, "")


def test_a_directory_that_is_gone(directory: Path, scow: Scow, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    typed = f'cd "$1" && rmdir "$1" && shift && exec "$@" run --rm -v ./x:/x {IMAGE} true'
    done = subprocess.run(
        ["sh", "-c", typed, "sh", tmp_path / "gone", sys.executable, *PROGRAM],
        env=environment(directory / "store", directory), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "scow: the current directory is gone\nhint: cd to one that is there\n")


def test_a_working_directory_is_made_in_a_root_that_is_read_only(scow: Scow) -> None:
    assert sh(scow, "pwd; touch no 2>/dev/null || echo locked", "--read-only", "-w", "/new/one") == "/new/one\nlocked\n"


def test_what_is_mounted_is_found_by_its_old_name(scow: Scow) -> None:
    assert sh(scow, "readlink /etc/mtab; grep -c ' /proc ' /etc/mtab") == "/proc/mounts\n1\n"
    assert sh(scow, "rm /etc/mtab && echo mine > /etc/mtab && cat /etc/mtab") == "mine\n"


def test_programs_know_that_they_are_in_a_container(scow: Scow) -> None:
    scow("run", "--name", "knows", IMAGE, "ls", "/.dockerenv").ok()
    assert scow("diff", "knows").ok().stdout == ""
    assert b".dockerenv" not in scow("export", "knows").ok().output
    scow("rm", "knows").ok()


@pytest.mark.parametrize(
    ("flag", "told"), [("type=bind,src=,dst=/x", "Source must not be empty"), ("dst=", "target is")]
)
def test_an_empty_field_of_a_mount(scow: Scow, flag: str, told: str) -> None:
    refused = scow("run", "--rm", "--mount", flag, IMAGE, "true")
    assert refused.exit_code == 125
    assert told in refused.stderr
