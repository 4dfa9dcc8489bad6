"""What a container is, whoever starts it and whatever runs it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
from pathlib import Path
from typing import Any

import pexpect
import pytest
from tests.runtime.conftest import Driver
from tests.support.leftovers import until


def sh(driver: Driver, runtime: str, script: str, **wanted: Any) -> dict[str, Any]:
    return driver.run(runtime, "sh", "-c", script, **wanted)


def test_what_it_sees(driver: Driver, runtime: str) -> None:
    script = """
        echo pid $$; echo host $(hostname); pwd; id -u; echo home $HOME; echo path $PATH; echo a $A $B; umask
        echo ps $(ls -d /proc/[0-9]* | wc -l); grep -E '^(CapEff|CapBnd|Seccomp):' /proc/self/status
        readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc; readlink /proc/self/ns/mnt; readlink /proc/self/ns/net
        cat /proc/interrupts | wc -c; (echo x > /proc/sys/kernel/hostname) 2>&1; touch /sys/x 2>&1; grep box /etc/hosts
        cat /etc/hostname; ls -l /proc/self/fd | grep -c ' -> '
    """
    told = sh(driver, runtime, script, options={"hostname": "box", "env": ["B=2"]}, image={"env": ("A=1",)})
    assert told["err"].replace("ls: /proc/self/fd/3: cannot read link: No such file or directory\n", "") == ""
    lines = told["out"].splitlines()
    assert lines[:8] == [
        "pid 1", "host box", "/", "0", "home /root",
        "path /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "a 1 2", "0022",
    ]  # fmt: skip
    assert int(lines[8].split()[1]) <= 4
    assert "Seccomp:\t2" in lines
    effective = {"00000000a80425fb"} if runtime == "sandbox" else {"00000000a80425fb", "00000000a00425fb"}
    assert {line.split()[1] for line in lines if line.startswith("Cap")} <= effective
    for kind in ("pid", "ipc", "mnt"):
        assert not any(line == os.readlink(f"/proc/self/ns/{kind}") for line in lines)
    assert os.readlink("/proc/self/ns/net") in lines  # --network host
    assert "0" in lines  # /proc/interrupts is masked
    assert sum("Read-only file system" in line for line in lines) == 2
    assert "127.0.1.1\tbox" in lines
    assert lines[-2:] == ["box", "3"]  # no descriptor beside the three (and the one of ls itself, unreadable)
    assert told["code"] == 0


CODES = [
    (["sh", "-c", "exit 7"], 7, ""),
    (["true"], 0, ""),
    (["foo"], 127, 'exec: "foo": executable file not found in $PATH: unknown'),
    (["/foo"], 127, 'exec: "/foo": stat /foo: no such file or directory: unknown'),
    (["/etc"], 126, 'exec: "/etc": is a directory: unknown'),
    (["/etc/plain"], 126, 'exec: "/etc/plain": permission denied: unknown'),
    (["script"], 127, 'exec: "script": no such file or directory: unknown'),
    (["garbage"], 126, 'exec: "garbage": exec format error: unknown'),
    (["sneaky"], 127, 'exec: "sneaky": no such file or directory: unknown'),
    (["/selfexe"], 127, 'exec: "/selfexe": stat /selfexe: no such file or directory: unknown'),
    (["/proc/self/exe"], 127, 'exec: "/proc/self/exe": stat /proc/self/exe: no such file or directory: unknown'),
]


def test_exit_codes(driver: Driver, runtime: str) -> None:
    for args, code, message in CODES:
        told = driver.run(runtime, *args)
        assert (told["code"], told.get("message", "")) == (code, message), args


def test_signals(driver: Driver, runtime: str) -> None:
    wait = "echo ready; while :; do sleep 0.05; done"
    trapped = sh(driver, runtime, f"trap 'exit 42' TERM; {wait}", signal=15)
    assert trapped["code"] == 42
    assert trapped["pid"] > 1
    assert sh(driver, runtime, wait, signal=9)["code"] == 137


def test_containers_of_one_lower_do_not_see_each_other(driver: Driver, runtime: str) -> None:
    before = sorted(os.listdir(driver.lower))
    first = sh(driver, runtime, "echo mine > /data/file; rm /etc/plain; cat /data/file")
    second = sh(driver, runtime, "ls /data; cat /etc/plain")
    assert first["out"] == "mine\n"
    assert second["out"] == "not a program\n"
    assert sorted(os.listdir(driver.lower)) == before
    assert [p for p in first["upper"] if p not in ("etc", "data")] == ["data/file", "etc/plain"]


def test_mount_points_leave_nothing_in_the_upper_directory(driver: Driver, runtime: str) -> None:
    told = driver.run(runtime, "true", options={"mounts": [{"kind": "tmpfs", "source": "", "target": "/a/b"}]})
    assert told["upper"] in ([], ["etc"])
    old, new = driver.lower / "etc", driver.directory / f"c{driver.count}" / "upper/etc"
    if new.exists():
        assert old.stat().st_mtime_ns == new.stat().st_mtime_ns


def test_mounts(driver: Driver, runtime: str) -> None:
    shared = driver.directory / "shared"
    if not shared.exists():
        shared.mkdir()
        (shared / "there").write_text("there\n")
        os.chown(shared, driver.user, -1)
    mounts = [
        {"kind": "bind", "source": str(shared), "target": "/ro", "read_only": True},
        {"kind": "bind", "source": str(shared), "target": "/new/rw"},
        {"kind": "bind", "source": str(shared / "there"), "target": "/one"},
        {"kind": "tmpfs", "source": "", "target": "/mem", "options": ["size=1m", "mode=700"]},
    ]
    script = (
        "cat /ro/there /one; touch /ro/x 2>&1; echo w > /new/rw/written; cat /ro/written; rm /ro/written 2>&1"
        "; echo t > /mem/t && cat /mem/t; stat -c %a /mem; grep ' /mem ' /proc/mounts"
    )
    told = sh(driver, runtime, script, options={"mounts": mounts})
    lines = told["out"].splitlines()
    assert lines[:2] == ["there", "there"]
    assert "Read-only" in lines[2]
    assert lines[3] == "w"
    assert "Read-only" in lines[4]
    assert lines[5:7] == ["t", "700"]
    assert "size=1024k" in lines[7]
    (shared / "written").unlink()


def test_a_program_may_come_from_a_mount(driver: Driver, runtime: str) -> None:
    tools = driver.directory / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "prog").write_text("#!/bin/sh\nexit 4\n")
    (tools / "prog").chmod(0o755)
    options = {
        "mounts": [{"kind": "bind", "source": str(tools), "target": "/opt/tools"}],
        "env": ["PATH=/none:/opt/tools"],
    }
    assert driver.run(runtime, "prog", options=options)["code"] == 4
    assert driver.run(runtime, "./prog", options={**options, "workdir": "/opt/tools"})["code"] == 4


@pytest.mark.parametrize("word", ["/sbin/tool", "/bin/tool", "tool"])
def test_a_program_that_is_mounted_through_a_symlink(driver: Driver, runtime: str, word: str) -> None:
    mounts = [{"kind": "bind", "source": str(driver.lower / "bin/busybox"), "target": "/sbin/tool"}]
    answer = driver.run(runtime, word, options={"mounts": mounts})
    assert (answer["code"], answer.get("message", answer["err"])) == (127, "tool: applet not found\n")


def test_mount_target_through_a_symlink_stays_inside(driver: Driver, runtime: str) -> None:
    mounts = [{"kind": "tmpfs", "source": "", "target": "/outside/made"}]
    driver.run(runtime, "true", options={"mounts": mounts})
    assert os.listdir(driver.directory / "outside") == []


def test_network_none_has_only_loopback(driver: Driver, runtime: str) -> None:
    told = sh(driver, runtime, "ls /sys/class/net; ip addr show lo", options={"network": "none"})
    names, _, rest = told["out"].partition("\n")
    assert names == "lo"
    assert "127.0.0.1" in rest


def test_user(driver: Driver, runtime: str) -> None:
    told = driver.run(runtime, "sh", "-c", "id; echo $HOME; grep CapEff /proc/self/status", options={"user": "app"})
    if told.get("error"):
        assert (told["error"], told["message"].split(": ")[1]) == (
            "Unsupported",
            "cannot show another user with a single id",
        )
        pytest.skip("another user needs more ids than one here")
    assert told["out"].startswith("uid=1000(app) gid=1001(app)")
    assert ("50(staff)" in told["out"]) == (driver.user == 0)
    assert told["out"].splitlines()[1:] == ["/home/app", "CapEff:\t0000000000000000"]


def test_unknown_user(driver: Driver, runtime: str) -> None:
    told = driver.run(runtime, "true", options={"user": "nobody-here"})
    assert told["error"] == "Invalid"
    assert told["message"] == "unable to find user nobody-here: no matching entries in passwd file"


def test_working_directory(driver: Driver, runtime: str) -> None:
    assert driver.run(runtime, "pwd", options={"workdir": "/not/yet"})["out"] == "/not/yet\n"
    assert driver.run(runtime, "pwd", image={"working_dir": "tmp"})["out"] == "/tmp\n"
    for fd in (3, 4, 5, 6, 7, 8):
        told = driver.run(runtime, "pwd", options={"workdir": f"/proc/self/fd/{fd}"})
        assert told["code"] != 0 or told["out"].startswith("/proc"), told


def test_read_only_root(driver: Driver, runtime: str) -> None:
    told = sh(driver, runtime, "touch /x; touch /dev/shm/y && echo shm", options={"read_only": True})
    assert "Read-only file system" in told["err"]
    assert told["out"] == "shm\n"


def test_refused_calls(driver: Driver, runtime: str) -> None:
    script = "mount -t tmpfs x /tmp; unshare -U true; hostname other; chroot / echo chroot"
    told = sh(driver, runtime, script)
    assert told["err"].count("Operation not permitted") + told["err"].count("ermission denied") == 3
    assert told["out"] == "chroot\n"


def _openable_device() -> os.stat_result:
    """A device of this machine that anybody's root may open, and that no container gets."""
    for path in ("/dev/fuse", "/dev/loop-control", "/dev/net/tun"):
        try:
            os.close(os.open(path, os.O_RDONLY))
            return os.stat(path)
        except OSError:
            continue
    pytest.skip("no device to try with")


def test_device_nodes_that_are_made_do_not_work(driver: Driver, runtime: str) -> None:
    device = _openable_device().st_rdev
    shared = driver.directory / "shared-devices"
    shared.mkdir(exist_ok=True)
    os.chown(shared, driver.user, -1)
    mounts = [
        {"kind": "bind", "source": str(shared), "target": "/bound"},
        {"kind": "tmpfs", "source": "", "target": "/mem", "options": ["dev"]},
    ]
    numbers = f"{os.major(device)} {os.minor(device)}"
    attempts = "; ".join(
        f"rm -f {place}/d; mknod {place}/d c {numbers}; (: < {place}/d) && echo opened in {place}"
        for place in ("/dev", "/tmp", "/bound", "/mem", "/dev/shm")
    )
    script = f"{attempts}; head -c1 /dev/zero | wc -c; echo x > /dev/null && echo fine"
    assert sh(driver, runtime, script, options={"mounts": mounts})["out"] == "1\nfine\n"


def test_capabilities(driver: Driver, runtime: str) -> None:
    told = sh(driver, runtime, "grep CapEff /proc/self/status", options={"cap_drop": ["ALL"], "cap_add": ["chown"]})
    assert told["out"] == "CapEff:\t0000000000000001\n"
    told = sh(driver, runtime, "grep NoNew /proc/self/status", options={"no_new_privileges": True})
    assert told["out"] == "NoNewPrivs:\t1\n"


def test_ulimits(driver: Driver, runtime: str) -> None:
    told = sh(driver, runtime, "ulimit -n; ulimit -Hn", options={"ulimits": [["nofile", 64, 128]]})
    assert told["out"] == "64\n128\n"
    several = [["nofile", 8, 16], ["locks", 5, 5], ["nofile", 64, 128]]
    assert sh(driver, runtime, "ulimit -n; ulimit -Hn", options={"ulimits": several})["out"] == "64\n128\n"


def test_ulimits_that_cannot_be_raised_are_said(driver: Driver, runtime: str) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    told = driver.run(runtime, "true", options={"ulimits": [["nofile", 64, hard + 1]]})
    assert told["code"] == 0 or told["error"] in ("Denied", "Unsupported")


def test_a_container_can_be_started_again(driver: Driver, runtime: str) -> None:
    place = str(driver.directory / f"c-again-{runtime}")
    assert sh(driver, runtime, "echo 1 > /data/kept", place=place)["code"] == 0
    assert sh(driver, runtime, "cat /data/kept", place=place)["out"] == "1\n"


def test_several_at_once(driver: Driver, runtime: str) -> None:
    requests = [
        json.dumps(
            driver.request(
                runtime, options={"args": ["sh", "-c", "echo $HOSTNAME > /data/x; cat /data/x"], "hostname": f"h{n}"}
            )
        )
        for n in range(6)
    ]
    running = [
        subprocess.Popen(
            [*driver.command(), r], stdout=subprocess.PIPE, text=True, env=driver.environment, **driver.identity()
        )
        for r in requests
    ]
    assert [p.communicate()[0] for p in running] == [f"h{n}\n" for n in range(6)]


def test_standard_input(driver: Driver, runtime: str) -> None:
    assert driver.run(runtime, "cat", stdin="through\n")["out"] == "through\n"
    assert driver.run(runtime, "cat")["out"] == ""


def test_directory_rootfs(driver: Driver, runtime: str) -> None:
    told = sh(driver, runtime, "echo d > /data/by-directory; cat /data/by-directory", path=str(driver.lower))
    assert told["out"] == "d\n"
    written = driver.lower / "data/by-directory"
    assert written.read_text() == "d\n"
    written.unlink()


def test_two_hundred_layers(driver: Driver, runtime: str) -> None:
    layers = driver.directory / "layers"
    for number in range(200):
        (layers / str(number) / "data").mkdir(parents=True, exist_ok=True)
        (layers / str(number) / "data" / f"f{number}").touch()
    lower = [*(str(layers / str(n)) for n in range(200)), str(driver.lower)]
    assert sh(driver, runtime, "ls /data | wc -l", lower=lower)["out"] == "200\n"


def test_no_mount_is_left(driver: Driver, runtime: str) -> None:
    driver.run(runtime, "true")
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    assert [line for line in mounts if str(driver.directory) in line] == []


@pytest.mark.parametrize("victim", ["scow", "launcher"])
def test_a_kill_leaves_no_process(driver: Driver, runtime: str, victim: str) -> None:
    mark = f"31{os.getpid()}.{driver.count}"  # other suites on this machine run the same test
    args = ["sh", "-c", f"sleep {mark} & sleep {mark}"]
    request = json.dumps(driver.request(runtime, options={"args": args}, tell=True))
    with subprocess.Popen(
        [*driver.command(), request], stdout=subprocess.PIPE, text=True, env=driver.environment, **driver.identity()
    ) as process:
        assert process.stdout
        words = process.stdout.readline().split()
        until(lambda: len(_sleeping(mark)) == 2)
        os.kill(int(words[1 if victim == "scow" else 2]), signal.SIGKILL)
        code = process.wait(60)
    assert code == (-9 if victim == "scow" else 137)
    until(lambda: not _sleeping(mark))


def _sleeping(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", mark.encode()]:
            found.append(path.parent.name)
    return found


def test_terminal(driver: Driver, runtime: str) -> None:
    script = "tty; test -t 0 && test -t 1 && stty size; read x; echo got:$x; echo $TERM"
    script += '; until [ "$(stty size)" = "20 50" ]; do sleep 0.1; done; read y; exit $y'
    request = driver.request(runtime, options={"args": ["sh", "-c", script], "tty": True, "interactive": True})
    child = pexpect.spawn(
        driver.python, [str(driver.command()[1]), json.dumps(request)],
        env=driver.environment, timeout=60, dimensions=(33, 77), encoding="utf-8",
        preexec_fn=lambda: _become(driver),
    )  # fmt: skip
    child.expect("/dev/pts/0\r\n")
    child.expect("33 77\r\n")
    child.sendline("hello")
    child.expect("got:hello\r\n")
    child.expect("xterm\r\n")
    child.setwinsize(20, 50)
    child.sendline("5")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 5


def _become(driver: Driver) -> None:
    if driver.user != os.geteuid():
        os.setgroups([])
        os.setgid(driver.user)
        os.setuid(driver.user)
