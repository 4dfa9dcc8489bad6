"""From inside, what containers have been left by before: each attempt says ESCAPED and its name when it succeeds.

The same attempts on rungs 1 to 3 and with every runtime: none may. Rung 4 is a root directory and no more; what it
does not hold is written down here too, so that it is noticed when it changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.conftest import Driver

#: name -> shell; it escaped when the last command succeeds. $HOST is a directory and $PID a process outside.
ATTEMPTS = {
    # new file systems, and the ones that are there with more rights
    "mount tmpfs": "mkdir -p /mnt; mount -t tmpfs none /mnt",
    "mount proc": "mkdir -p /p; mount -t proc none /p",
    "mount cgroup": "mkdir -p /g; mount -t cgroup none /g || mount -t cgroup2 none /g",
    "mount bind": "mount --bind /proc/sys /tmp",
    "remount proc": "mount -o remount,rw /proc/sys || mount -o remount,bind,rw /proc/sys",
    "remount sys": "mount -o remount,rw /sys",
    "unmask": "umount /proc/kcore || umount /proc/keys || umount /proc/interrupts || umount /sys/firmware",
    "user namespace": "unshare -U true",
    "mount namespace": "unshare -m true",
    "join a namespace": "nsenter --mount=/proc/1/ns/mnt true || nsenter --net=/proc/1/ns/net true",
    # the kernel's own ways to start a program outside
    "core_pattern": "echo '|/bin/sh' > /proc/sys/kernel/core_pattern",
    "modprobe": "echo /bin/sh > /proc/sys/kernel/modprobe",
    "uevent_helper": "echo /bin/sh > /sys/kernel/uevent_helper",
    "binfmt_misc": "echo ':x:E::x::/bin/sh:' > /proc/sys/fs/binfmt_misc/register",
    "release_agent": 'f=$(find /sys/fs/cgroup -name release_agent | head -1); [ -n "$f" ] && echo /bin/sh > $f',
    "notify_on_release": 'f=$(find /sys/fs/cgroup -name notify_on_release | head -1); [ -n "$f" ] && echo 1 > $f',
    "sysrq": "echo h > /proc/sysrq-trigger",
    # settings of the machine
    "any setting": "writable $(find /proc/sys -type f | head -400)",
    "sysfs": "writable $(find /sys/kernel /sys/class /sys/module -type f | head -400)",
    "clock": "date -s 2001-01-01; [ $(date +%Y) = 2001 ]",
    "host name": "hostname escaped",
    "kernel log": "dmesg | grep -q .",
    "oom score of others": "echo -1000 > /proc/1/oom_score_adj",
    # devices
    "memory": "mknod /dev/m c 1 1; head -c1 /dev/m | grep -q .",
    "kernel messages": "mknod /tmp/k c 1 11; head -c1 /tmp/k | grep -q . || head -c1 /dev/kmsg | grep -q .",
    "disk": "disks /tmp/d",
    "disk in /dev": "disks /dev/d",
    "loop device": "mknod /tmp/o b 7 0; : < /tmp/o",
    # what is outside, by path, descriptor, process and key
    "files of the host": "ls $HOST/canary || ls /proc/1/root$HOST/canary || ls /proc/self/root$HOST/canary",
    "above the root": "ls /../../../../..$HOST/canary || (cd / && ls ..$HOST/canary)",
    "descriptors": "directory /proc/1/fd/* || directory /proc/self/fd/*",
    "working directory": "ls /proc/1/cwd/../../../..$HOST/canary",
    "program image": "for p in /proc/[0-9]*; do case $(readlink $p/exe) in *python*) exit 0;; esac; done; false",
    "signal": "kill -0 $PID",
    "its memory": "head -c1 /proc/$PID/mem | grep -q . || grep -q canary /proc/$PID/environ",
    "keys": "grep -q . /proc/keys",
    "kernel memory": "head -c1 /proc/kcore | grep -q .",
    # rights
    "capabilities": "[ $((0x$(grep CapBnd /proc/self/status | cut -f2) & 0x230000)) != 0 ]",  # MODULE, RAWIO, ADMIN
    "inheritable capabilities": "grep CapInh /proc/self/status | grep -qv 0000000000000000",
    "load a module": "echo x > /tmp/m.ko; insmod /tmp/m.ko",
    "swap": "swapon /tmp/d",
    "pivot": "mkdir -p /new/old; pivot_root /new /new/old",
}

#: words of the attempts
HELP = """
    writable() { for f; do (: >> $f) && return; done; false; }
    disks() {
        for d in 7 8 252 253 254 259; do rm -f $1; mknod $1 b $d 0; head -c1 $1 | wc -c | grep -q 1 && return; done
        false
    }
    directory() { for f; do [ -d $f/ ] && return; done; false; }
"""


@pytest.fixture(scope="module")
def victim() -> Any:
    """A process of the host's."""
    with subprocess.Popen(["sleep", "600"], env={"SECRET": "canary"}) as process:
        yield process.pid
        process.kill()


@pytest.fixture(scope="module")
def canary(driver: Driver) -> Path:
    """A directory that no container has, and that everybody may read."""
    place = driver.directory / "outside"
    (place / "canary").touch()
    return place


def attempts(host: Path, pid: int, names: dict[str, str]) -> str:
    tried = [f"({script}) >/dev/null 2>&1 && echo 'ESCAPED {name}'" for name, script in names.items()]
    return "\n".join([HELP, f"HOST={host} PID={pid}", *tried, "echo finished"])


def escaped(told: dict[str, Any]) -> list[str]:
    assert told.get("out", "").endswith("finished\n"), told
    return [line.removeprefix("ESCAPED ") for line in told["out"].splitlines() if line.startswith("ESCAPED")]


def test_nothing_leads_out(driver: Driver, runtime: str, canary: Path, victim: int) -> None:
    assert escaped(driver.run(runtime, "sh", "-c", attempts(canary, victim, ATTEMPTS))) == []
    assert sorted(os.listdir(canary)) == ["canary"]


@pytest.mark.slow
def test_nor_on_networks_of_its_own(driver: Driver, runtime: str, canary: Path, victim: int) -> None:
    script = attempts(canary, victim, ATTEMPTS)
    assert (
        escaped(driver.run(runtime, "sh", "-c", script, options={"network": "none", "no_new_privileges": True})) == []
    )


def test_the_attempts_can_succeed(driver: Driver) -> None:
    """The suite means something: a privileged container of root's gets a good part of them."""
    if driver.user != 0:
        pytest.skip("root's alone are this privileged")
    options = {"privileged": True, "uts": "host"}
    harmless = {
        name: ATTEMPTS[name] for name in ("mount tmpfs", "mount proc", "user namespace", "capabilities", "mount bind")
    }
    assert set(escaped(driver.run("sandbox", "sh", "-c", attempts(Path("/"), 1, harmless), options=options))) >= {
        "mount tmpfs", "mount proc", "capabilities", "mount bind",
    }  # fmt: skip


PLACES = ("/outside/made", "/data/evil/made", "/data/evil")


@pytest.mark.parametrize("place", PLACES)
def test_mounts_through_symlinks_stay_inside(driver: Driver, runtime: str, canary: Path, place: str) -> None:
    """A container leaves a symlink where the next start mounts: CVE-2019-19921 and its kind."""
    at = str(driver.directory / f"c-{runtime}{place.replace('/', '-')}")
    driver.run(runtime, "sh", "-c", f"ln -s {canary} /data/evil; ln -s / /data/up", place=at)
    mounts = [{"kind": "tmpfs", "source": "", "target": place}]
    told = driver.run(runtime, "sh", "-c", f"touch {place}/escaped", place=at, options={"mounts": mounts})
    assert sorted(os.listdir(canary)) == ["canary"], told


def another_image(driver: Driver, name: str) -> Path:
    """A root file system like the usual one, to be spoilt."""
    lower = driver.directory / name
    subprocess.run(["cp", "-a", str(driver.lower), str(lower)], check=True)
    return lower


def volume(driver: Driver, name: str, **links: str) -> dict[str, str]:
    """A directory of the container's user with these symlinks, as a mount on /v."""
    place = driver.directory / name
    place.mkdir(exist_ok=True)
    for link, target in links.items():
        with contextlib.suppress(FileExistsError):
            os.symlink(target, place / link)
    for path in (place, *place.iterdir()):
        os.chown(path, driver.user, driver.user, follow_symlinks=False)
    return {"kind": "bind", "source": str(place), "target": "/v"}


@pytest.mark.parametrize("kernels", ["proc", "sys"])
def test_what_is_masked_is_not_led_astray(driver: Driver, runtime: str, kernels: str) -> None:
    """/proc is a symlink, which a volume turns to another place once it is mounted: it would be writable at the first
    one (CVE-2019-19921, CVE-2023-27561, CVE-2023-28642)."""
    lower = another_image(driver, f"astray-{kernels}-{runtime}")
    for path in (lower / "v", lower / "real", lower / "dummy"):
        path.mkdir()
    (lower / "v/now").symlink_to("/real")
    (lower / kernels).symlink_to("/v/now")
    script = "for f in /real/sys/kernel/core_pattern /real/kcore /real/firmware; do [ -e $f ] && echo $f; done; true"
    mounts = [volume(driver, f"v-{kernels}-{runtime}", now="/dummy")]
    told = driver.run(runtime, "sh", "-c", script, lower=[str(lower)], options={"mounts": mounts})
    assert f"/{kernels}: must be a directory" in told.get("message", ""), told


def test_devices_are_not_made_outside(driver: Driver, runtime: str, canary: Path) -> None:
    """CVE-2026-41579: the image's /dev is a symlink, which the runtime follows outside."""
    lower = another_image(driver, f"dev-{runtime}")
    with contextlib.suppress(FileNotFoundError):
        (lower / "dev").rmdir()
    (lower / "dev").symlink_to(canary)
    told = driver.run(runtime, "true", lower=[str(lower)])
    assert sorted(os.listdir(canary)) == ["canary"]
    assert "/dev: must be a directory" in told.get("message", ""), told


@pytest.mark.parametrize("place", ["/v", "/dev"])
def test_no_node_of_a_volume_works(driver: Driver, runtime: str, place: str) -> None:
    """Neither those that an image brought into it nor those that are made there, in a volume on /dev (which an image
    may declare) too; but what every container has works there."""
    if driver.user != 0 or driver.mapped:
        pytest.skip("nodes are root's to make")
    mounts = [volume(driver, f"nodes{place.replace('/', '-')}-{runtime}") | {"target": place}]
    for name, minor in (("null", 3), ("mem", 1), ("zero", 5)):
        os.mknod(Path(mounts[0]["source"], name), 0o20666, os.makedev(1, minor))
    script = f"cd {place}; mknod d b 7 0; for f in mem d; do (: < $f) && echo ESCAPED; done; : > /dev/null && echo null"
    told = driver.run(runtime, "sh", "-c", script, options={"mounts": mounts})
    assert told.get("error") or told["out"] in ("null\n", ""), told
    if runtime == "sandbox":
        assert told["out"] == "null\n"
        told = driver.run(runtime, "sh", "-c", script, options={"mounts": mounts, "privileged": True})
        assert ("ESCAPED" in told["out"]) == (place == "/dev"), told


def test_nothing_is_masked_with_what_the_container_brings(driver: Driver) -> None:
    """CVE-2025-31133: /dev/null is a symlink to what is to be masked. runc has it until 1.2.8."""
    mounts = [volume(driver, "null", null="/proc/keys") | {"target": "/dev"}]
    told = driver.run("sandbox", "wc", "-c", "/proc/keys", options={"mounts": mounts})
    assert "is not the null device" in told.get("message", ""), told


def test_a_terminal_is_not_shown_where_a_volume_leads(driver: Driver) -> None:
    """CVE-2025-52565: /dev/console is a symlink to what is to be masked. In a /dev that is not new there is none."""
    if driver.user != 0 or driver.mapped:
        pytest.skip("nodes are root's to make")
    mounts = [volume(driver, "console", console="/proc/sys/kernel/core_pattern") | {"target": "/dev"}]
    os.mknod(Path(mounts[0]["source"], "null"), 0o20666, os.makedev(1, 3))
    told = driver.run("sandbox", "true", options={"mounts": mounts, "tty": True})
    assert "/dev/pts: gives no terminal" in told.get("message", ""), told


def test_a_privileged_terminal_is_the_console_of_the_host_s_dev(driver: Driver) -> None:
    if driver.user != 0 or driver.mapped:
        pytest.skip("takes root to be privileged")
    mounts = [{"kind": "bind", "source": "/dev", "target": "/dev"}]
    told = driver.run(
        "sandbox", "ls", "-l", "/dev/console", options={"mounts": mounts, "tty": True, "privileged": True}
    )
    assert " 136, " in told["out"], told


def test_without_the_null_device_nothing_runs_unmasked(driver: Driver) -> None:
    told = driver.run("sandbox", "true", options={"mounts": [volume(driver, "empty") | {"target": "/dev"}]})
    assert "/dev/null: is not there, and nothing can be masked without it" in told.get("message", ""), told


def test_settings_are_the_kernel_s_and_no_volume_s(driver: Driver) -> None:
    """CVE-2019-16884, CVE-2025-52881: what is written to /proc goes to files of the container's instead, or to others
    through its links. A volume on /proc has some of them."""
    mounts = [volume(driver, "kernel") | {"target": "/proc"}]
    place = Path(mounts[0]["source"])
    written = ("sys/net/ipv4/ip_forward", "self/uid_map", "self/setgroups", "self/oom_score_adj", "self/attr/exec")
    for name in written:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("as it was")
        (place / name).chmod(0o666)
    asked = {"mounts": mounts, "network": "none", "sysctls": ["net.ipv4.ip_forward=1"], "oom_score_adj": 7}
    told = driver.run("sandbox", "sh", "-c", "cat /proc/self/uid_map", options=asked)
    assert told.get("out") == "as it was", told
    assert {(place / name).read_text() for name in written} == {"as it was"}


@pytest.mark.parametrize("cwd", ["/proc/self/fd/7", "/proc/self/fd/9/../..", "/proc/1/cwd/..", "/data/evil"])
def test_a_working_directory_is_inside(driver: Driver, runtime: str, canary: Path, cwd: str) -> None:
    """CVE-2024-21626: a descriptor of the runtime's as working directory."""
    at = str(driver.directory / f"c-cwd-{runtime}")
    driver.run(runtime, "sh", "-c", f"ln -sf {canary} /data/evil", place=at)
    told = driver.run(runtime, "sh", "-c", "ls; ls ..; ls ../../../..; pwd", place=at, options={"workdir": cwd})
    assert "canary" not in told.get("out", ""), told
    assert "scow-runtime" not in told.get("out", "").replace(str(canary), "")


@pytest.mark.slow
def test_symlinks_that_are_swapped_while_it_starts(driver: Driver, runtime: str, canary: Path) -> None:
    """CVE-2021-30465: a volume of the attacker's, in which a mount point turns into a symlink."""
    shared = driver.directory / f"swap-{runtime}"
    shared.mkdir()
    (shared / "dir").mkdir()
    os.symlink(canary, shared / "link")
    for path in (shared, shared / "dir"):
        os.chown(path, driver.user, driver.user)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for name in ("link", "dir"):
                with contextlib.suppress(OSError):  # the container made a mount point of its own
                    os.rename(shared / name, shared / "point")
                    os.rename(shared / "point", shared / name)

    swapping = threading.Thread(target=swap)
    swapping.start()
    mounts = [
        {"kind": "bind", "source": str(shared), "target": "/v"},
        {"kind": "tmpfs", "source": "", "target": "/v/point"},
    ]
    try:
        for _ in range(8):
            driver.run(runtime, "sh", "-c", "touch /v/point/escaped", options={"mounts": mounts})
    finally:
        stop.set()
        swapping.join()
    assert sorted(os.listdir(canary)) == ["canary"]


#: what a root directory alone does not keep a container from: it is told by `scow info`, and in docs/isolation.md
HELD_BY_NOTHING = {"signal"}
#: what says nothing there: there is no /proc and no /sys at all
WITHOUT_PROC = {"capabilities"}


ATTEMPTS_THERE = {name: script for name, script in ATTEMPTS.items() if name not in WITHOUT_PROC}


def test_the_lowest_rung_holds_what_it_can(driver: Driver, canary: Path, victim: int) -> None:
    if driver.user != 0 or driver.mapped:
        pytest.skip("rung 4 is root's")
    tree = driver.directory / "chroot"
    if not tree.exists():
        subprocess.run(["cp", "-a", str(driver.lower), str(tree)], check=True)
    told = driver.run("sandbox", "sh", "-c", attempts(canary, victim, ATTEMPTS_THERE), rung=4, path=str(tree))
    assert set(escaped(told)) == HELD_BY_NOTHING
    told = driver.run(
        "sandbox", "sh", "-c", "mkdir -p /x; chroot /x true 2>&1; ls /proc | wc -l", rung=4, path=str(tree)
    )
    assert "Operation not permitted" in told["out"]
    assert told["out"].endswith("0\n") or "No such file" in told["err"]


def test_the_lowest_rung_is_found_where_nothing_else_is_allowed(driver: Driver, canary: Path, victim: int) -> None:
    """For real: without CAP_SYS_ADMIN and under a filter, as in a default pod; nothing but the probe says so."""
    if driver.user != 0 or driver.mapped:
        pytest.skip("rung 4 is root's")
    tree = driver.directory / "chroot-for-real"
    subprocess.run(["cp", "-a", str(driver.lower), str(tree)], check=True)
    for script, code in ((f"{attempts(canary, victim, ATTEMPTS_THERE)}; exit 7", 7), ("id -u", 0)):
        request = json.dumps(driver.request("sandbox", options={"args": ["sh", "-c", script]}, path=str(tree)))
        environment = {**driver.environment, "SCOW_TEST_LOWEST": "1"}
        done = subprocess.run(
            [*driver.command(), request], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert {line for line in done.stdout.splitlines() if "ESCAPED" in line} <= {"ESCAPED signal"}
    asked = json.dumps(driver.request("sandbox", options={"args": ["true"], "network": "none"}, path=str(tree)))
    refused = subprocess.run([*driver.command(), asked], env=environment, capture_output=True, text=True, check=False)
    assert "a network of its own needs CAP_SYS_ADMIN or user namespaces, and neither is here" in refused.stderr
