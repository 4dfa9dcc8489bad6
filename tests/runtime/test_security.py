"""What a container may do, and what more it may when it is asked for, whoever starts it on whatever."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.conftest import Driver
from tests.support.daemons import Docker
from tests.support.peers import need_root
from tests.support.rootfs import busybox_tar_path

from scow.errors import Invalid
from scow.runtime.kernel.devices import told_devices
from scow.runtime.probe import probe
from scow.runtime.spec.options import Device, Options


def sh(driver: Driver, runtime: str, script: str, **options: Any) -> dict[str, Any]:
    return driver.run(runtime, "sh", "-c", script, options=options)


def lines(told: dict[str, Any]) -> list[str]:
    assert "error" not in told, told
    found: list[str] = told["out"].splitlines()
    return found


def test_seccomp_is_off_when_asked(driver: Driver, runtime: str) -> None:
    told = sh(driver, runtime, "grep ^Seccomp: /proc/self/status; unshare -U true && echo made", seccomp="unconfined")
    assert lines(told)[0] == "Seccomp:\t0"
    assert lines(sh(driver, runtime, "grep ^Seccomp: /proc/self/status")) == ["Seccomp:\t2"]


def test_a_profile_of_the_user_s(driver: Driver, runtime: str) -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}],
    }
    told = sh(driver, runtime, "mkdir /tmp/x; touch /tmp/y && echo fine", seccomp=json.dumps(profile))
    assert "No space left on device" in told["err"]
    assert lines(told) == ["fine"]
    broken = sh(driver, runtime, "true", seccomp="{")
    assert (broken["error"], "seccomp profile" in broken["message"]) == ("Invalid", True)


def test_privileged(driver: Driver, runtime: str) -> None:
    script = """
        grep -E '^(CapEff|Seccomp):' /proc/self/status; ls /dev | wc -l
        mount -t tmpfs none /mnt 2>/dev/null || { mkdir -p /m && mount -t tmpfs none /m; } && echo mounted
        (echo 1 > /proc/sys/kernel/shm_rmid_forced) 2>/dev/null && echo writable
    """
    told = lines(sh(driver, runtime, script, privileged=True))
    held = int(told[0].split()[1], 16)
    assert held >> 21 & 1  # CAP_SYS_ADMIN
    assert told[1] == "Seccomp:\t0"
    assert "mounted" in told
    plain = lines(sh(driver, runtime, "ls /dev | wc -l"))
    assert int(told[2]) >= int(plain[0])


def test_a_device_that_is_asked_for(driver: Driver, runtime: str) -> None:
    shown = Path("/dev/fuse") if driver.user == 0 else Path("/dev/zero")
    if not shown.exists():
        pytest.skip(f"{shown} is not there")
    device = {"source": str(shown), "target": "/dev/given" if runtime == "sandbox" or driver.user == 0 else str(shown)}
    told = sh(driver, runtime, f"(: < {device['target']}) && echo opened", devices=[device])
    assert lines(told) == ["opened"]
    for bad in ({"source": "/dev/no", "target": "/dev/x"}, {"source": "/etc/passwd", "target": "/dev/x"}):
        assert sh(driver, runtime, "true", devices=[bad])["error"] in ("NotFound", "Invalid")


def test_the_devices_of_a_directory(tmp_path: Path) -> None:
    need_root()
    (tmp_path / "deep").mkdir()
    (tmp_path / "file").touch()
    options = Options(devices=(Device(f"{tmp_path}/", "/dev/all", "r"),))
    with pytest.raises(Invalid, match="not a device node"):
        told_devices(options, user_namespace=False)
    for name in ("one", "deep/two"):
        os.mknod(tmp_path / name, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    told = told_devices(options, user_namespace=False)
    assert sorted(one["path"] for one in told) == ["/dev/all/deep/two", "/dev/all/one"]


def test_groups_are_added(driver: Driver, runtime: str) -> None:
    told = sh(driver, runtime, "id -G", group_add=["staff", "777"])
    if driver.user != 0:
        assert told["error"] == "Unsupported"
        return
    assert set(lines(told)[0].split()) >= {"0", "50", "777"}
    assert sh(driver, runtime, "true", group_add=["nobodys"])["error"] == "Invalid"


def test_settings_of_its_own_namespaces(driver: Driver, runtime: str) -> None:
    told = sh(driver, runtime, "cat /proc/sys/kernel/msgmax", sysctls=["kernel.msgmax=4321"])
    assert lines(told) == ["4321"]
    told = sh(
        driver, runtime, "cat /proc/sys/net/ipv4/ip_default_ttl", sysctls=["net.ipv4.ip_default_ttl=33"], network="none"
    )
    assert lines(told) == ["33"]
    for bad in ("kernel.hostname=x", "net.core.somaxconn=1", "vm.swappiness=1", "kernel.msgmax", "net/../x=1"):
        assert sh(driver, runtime, "true", sysctls=[bad])["error"] == "Invalid", bad


def test_namespaces_of_the_host(driver: Driver, runtime: str) -> None:
    script = "readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts; hostname"
    told = lines(sh(driver, runtime, script, ipc="host", uts="host"))
    assert told == [os.readlink("/proc/self/ns/ipc"), os.readlink("/proc/self/ns/uts"), os.uname().nodename]
    own = lines(sh(driver, runtime, script))
    assert not set(own[:2]) & set(told)


def test_nothing_is_masked_when_asked(driver: Driver, runtime: str) -> None:
    assert lines(sh(driver, runtime, "wc -c < /proc/interrupts")) == ["0"]
    assert lines(sh(driver, runtime, "wc -c < /proc/interrupts", unmasked=True)) != ["0"]


LOOK = """
    grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status
    mount | awk '{print $3}' | grep -E '^/proc/|^/sys/[^f]|^/sys/fi' | sort -u
    for call in 'mount -t tmpfs x /tmp' 'unshare -U true' 'chroot / true' 'mknod /tmp/n c 1 3' 'date -s 1200' \
        'ping -c1 -w1 127.0.0.1'
    do $call >/dev/null 2>&1; echo "$call $?"; done
"""


@pytest.mark.peers
@pytest.mark.slow
def test_the_defaults_are_docker_s_in_effect(driver: Driver, docker: Docker) -> None:
    """The same look around in a container of docker's: capabilities, what is masked, which calls are refused."""
    if driver.user != 0 or probe().rung != 1:
        pytest.skip("docker runs containers as root")
    image = docker("import", "-", stdin=busybox_tar_path().read_bytes()).strip()
    theirs = docker("run", "--rm", "--network=none", image, "sh", "-c", LOOK)
    ours = sh(driver, "sandbox", LOOK, network="none")["out"]
    assert set(ours.splitlines()) ^ set(theirs.splitlines()) <= MASKED_LATER


#: what docker masks since a later release than Debian's
MASKED_LATER = {"/proc/interrupts", "/sys/devices/virtual/powercap"}
