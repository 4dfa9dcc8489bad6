"""The runtime-spec, capabilities, generated files and the system-call filter: tables and properties."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.errors import Invalid, Unsupported
from scow.runtime.spec import bpf, capabilities, etc, seccomp
from scow.runtime.spec.document import mounts, spec
from scow.runtime.spec.options import Mount, Options, Ulimit
from scow.runtime.spec.process import Process
from scow.runtime.spec.syscalls import MACHINES, NUMBERS

PROCESS = Process(("/bin/true",), ("PATH=/bin",), "/", "app")


def made(options: Options, **more: Any) -> dict[str, Any]:
    return spec(
        PROCESS, options, rootfs="/b/rootfs", directory="/b", hostname="h", container_id="c1",
        capabilities=capabilities.DEFAULT, **more,
    )  # fmt: skip


def by_place(document: dict[str, Any]) -> dict[str, Any]:
    return {m["destination"]: m for m in document["mounts"]}


def test_defaults() -> None:
    document = made(Options())
    assert document["process"]["user"] == {"username": "app"}
    assert [n["type"] for n in document["linux"]["namespaces"]] == ["pid", "ipc", "uts", "mount", "cgroup"]
    assert document["linux"]["cgroupsPath"] == "/scow/c1"
    assert by_place(document)["/etc/hosts"]["source"] == "/b/hosts"
    assert "gid=5" in by_place(document)["/dev/pts"]["options"]
    assert "ro" in by_place(document)["/sys"]["options"]


def test_one_id_alone_takes_no_other_ids_and_borrows_sysfs() -> None:
    assert "gid=5" in by_place(made(Options(), user_namespace=True))["/dev/pts"]["options"]
    places = by_place(made(Options(), user_namespace=True, single_id=True))
    assert "gid=5" not in places["/dev/pts"]["options"]
    assert places["/sys"]["type"] == "bind"
    assert "/sys/fs/cgroup" not in places
    assert by_place(made(Options(network="none"), user_namespace=True))["/sys"]["type"] == "sysfs"


def test_network_none_is_a_namespace() -> None:
    assert {"type": "network"} in made(Options(network="none"))["linux"]["namespaces"]


def test_the_users_mounts_come_last_outer_before_inner_and_replace_the_standard_ones() -> None:
    mounts = (Mount("bind", "/s", "/a/x/../b/c"), Mount("tmpfs", "", "/../a/./b/"), Mount("bind", "/h", "/etc/hosts"))
    document = made(Options(mounts=mounts))
    places = [m["destination"] for m in document["mounts"]]
    assert places[-3:] == ["/a/b", "/etc/hosts", "/a/b/c"]
    assert places.count("/etc/hosts") == 1
    assert by_place(document)["/a/b"]["options"] == ["nosuid", "noexec", "nodev", "rw"]


@pytest.mark.parametrize(
    ("mount", "error"),
    [
        (Mount("bind", "relative", "/x"), Invalid),
        (Mount("bind", "/s", "x"), Invalid),
        (Mount("bind", "/s", "/"), Invalid),
        (Mount("bind", "/s", "/a/../.."), Invalid),
        (Mount("bind", "/s", "/x", options=("z",)), Unsupported),
        (Mount("bind", "/s", "/x", options=("rshared",)), Unsupported),
        (Mount("tmpfs", "", "/x", options=("huge=always",)), Unsupported),
        (Mount("tmpfs", "", "/x", options=("mode=rwx",)), Invalid),
    ],
)
def test_bad_mounts(mount: Mount, error: type[Exception]) -> None:
    with pytest.raises(error):
        made(Options(mounts=(mount,)))


def test_ulimits() -> None:
    limits = made(Options(ulimits=(Ulimit("nofile", 1, -1),)))["process"]["rlimits"]
    assert limits == [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2**64 - 1}]
    for bad in (Ulimit("files", 1, 1), Ulimit("nofile", 2, 1), Ulimit("nofile", -1, 1)):
        with pytest.raises(Invalid):
            made(Options(ulimits=(bad,)))


@pytest.mark.parametrize(
    ("add", "drop", "expected"),
    [
        ((), (), set(capabilities.DEFAULT)),
        ((), ("ALL",), set()),
        (("chown",), ("all",), {"CAP_CHOWN"}),
        (("ALL",), ("CAP_SYS_ADMIN",), set(capabilities.NAMES) - {"CAP_SYS_ADMIN"}),
        (("sys_time",), ("NET_RAW",), {*capabilities.DEFAULT, "CAP_SYS_TIME"} - {"CAP_NET_RAW"}),
    ],
)
def test_capabilities(add: tuple[str, ...], drop: tuple[str, ...], expected: set[str]) -> None:
    assert set(capabilities.chosen(add, drop)) == expected


def test_capabilities_that_are_not_held_are_not_handed_on() -> None:
    assert capabilities.chosen((), (), possible=1) == ("CAP_CHOWN",)
    assert capabilities.mask(capabilities.DEFAULT) == 0xA80425FB  # what docker's containers show
    with pytest.raises(Invalid):
        capabilities.chosen(("CAP_FLY",), ())


def test_hosts() -> None:
    lines = etc.hosts("box", ("db:10.0.0.1", "six:[::1]", "eq=10.0.0.2")).decode().splitlines()
    assert lines[-4:] == ["10.0.0.1\tdb", "::1\tsix", "10.0.0.2\teq", "127.0.1.1\tbox"]
    assert etc.hosts("box.example.org", ()).endswith(b"\n127.0.1.1\tbox.example.org box\n")
    for bad in ("db", ":1.2.3.4", "db:", "db:host", "a b:1.2.3.4", "db:1.2.3.4\nx"):
        with pytest.raises(Invalid):
            etc.hosts("box", (bad,))


def test_resolv_conf() -> None:
    host = b"nameserver 1.1.1.1\nsearch lan\n"
    assert etc.resolv_conf(host, ()) == host
    assert etc.resolv_conf(host, ("9.9.9.9",)) == b"search lan\nnameserver 9.9.9.9\n"
    assert etc.resolv_conf(host, ("9.9.9.9",), (".",)) == b"nameserver 9.9.9.9\n"
    assert etc.resolv_conf(host, (), (".",)) == b"nameserver 1.1.1.1\n"
    with pytest.raises(Invalid):
        etc.resolv_conf(host, ("dns",))


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ä", "a\nb"])
def test_bad_hostnames(name: str) -> None:
    with pytest.raises(Invalid):
        etc.checked_hostname(name)


def verdict(program: bytes, arch: int, number: int, args: tuple[int, ...] = (0,) * 6) -> int:
    """What the kernel's interpreter would answer."""
    packet = struct.pack("<IIQ6Q", number, arch, 0, *args)
    code = [struct.unpack_from("=HBBI", program, i) for i in range(0, len(program), 8)]
    at = accumulator = 0
    while True:
        op, yes, no, k = code[at]
        at += 1
        if op == 0x20:
            accumulator = int.from_bytes(packet[k : k + 4], "little")
        elif op == 0x06:
            return int(k)
        elif op == 0x05:
            at += k
        elif op == 0x54:
            accumulator &= k
        else:
            holds = {0x15: accumulator == k, 0x35: accumulator >= k, 0x25: accumulator > k}[op]
            at += yes if holds else no


ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x50001, 0x50026


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("held", [capabilities.DEFAULT, (*capabilities.DEFAULT, "CAP_SYS_ADMIN")])
def test_the_filter_says_what_the_profile_says(machine: str, held: tuple[str, ...]) -> None:
    program = bpf.program(seccomp.profile(held), "x86_64" if machine == "i386" else machine)
    arch, allowed = bpf.AUDIT_ARCH[machine], set(seccomp.allowed(held))
    for name, numbers in NUMBERS.items():
        number = numbers[MACHINES.index(machine)]
        if number is not None and name not in seccomp.CONDITIONAL:
            assert verdict(program, arch, number) == (ALLOW if name in allowed else EPERM), name
    assert len(program) // 8 < 4096
    assert {"read", "execve", "fchmodat2"} <= allowed


def test_what_every_machine_of_64_bits_has() -> None:
    """Numbers of include/uapi/asm-generic/unistd.h that stand in a profile of docker's."""
    known = {name: numbers[MACHINES.index("aarch64")] for name, numbers in NUMBERS.items()}
    generic = {"name_to_handle_at": 264, "open_by_handle_at": 265, "setns": 268, "bpf": 280, "clone3": 435}
    assert {name: known[name] for name in generic} == generic


def test_conditions() -> None:
    program, arch = bpf.program(seccomp.profile(capabilities.DEFAULT), "x86_64"), bpf.AUDIT_ARCH["x86_64"]

    def call(name: str, first: int) -> int:
        return verdict(program, arch, NUMBERS[name][0] or 0, (first, 0, 0, 0, 0, 0))

    assert call("clone", 0x01200011) == ALLOW
    assert verdict(program, bpf.AUDIT_ARCH["i386"], NUMBERS["clone"][2] or 0, (0x10000000, 0, 0, 0, 0, 0)) == EPERM
    assert call("clone", 0x10000000) == EPERM
    assert call("clone3", 0) == ENOSYS
    assert call("personality", 0x20008) == ALLOW
    assert call("personality", 0x0040000) == EPERM
    assert call("socket", 2) == ALLOW
    assert call("socket", 40) == EPERM
    assert call("socket", 1 << 32 | 40) == EPERM  # the kernel takes an int


_HOLDS = {
    "EQ": int.__eq__, "NE": int.__ne__, "LT": int.__lt__, "LE": int.__le__, "GT": int.__gt__, "GE": int.__ge__,
}  # fmt: skip


@given(
    st.sampled_from([*_HOLDS, "MASKED_EQ"]), st.integers(0, 2**64 - 1) | st.integers(2**33, 2**33 + 3),
    st.integers(0, 2**64 - 1) | st.integers(2**33, 2**33 + 3), st.integers(0, 5),
)  # fmt: skip
def test_conditions_of_profiles_hold_for_64_bits(op: str, value: int, given: int, index: int) -> None:
    two = value & 0xFF00FF
    argument = {"index": index, "value": value, "valueTwo": two, "op": f"SCMP_CMP_{op}"}
    rule = {"names": ["read"], "action": "SCMP_ACT_LOG", "args": [argument]}
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule, {"names": ["write"], "action": "SCMP_ACT_KILL"}]}
    program, arch = bpf.program(profile, "x86_64"), bpf.AUDIT_ARCH["x86_64"]
    holds = given & value == two if op == "MASKED_EQ" else _HOLDS[op](given, value)
    if op == "NE" and value < 1 << 32:
        holds = given & 0xFFFFFFFF != value
    args = tuple(given if place == index else 0 for place in range(6))
    assert verdict(program, arch, 0, args) == (0x7FFC0000 if holds else ALLOW)
    assert verdict(program, arch, 1) == 0
    assert verdict(program, arch, 999) == ALLOW


def test_a_profile_of_docker_s_users() -> None:
    text = """{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "archMap": [], "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {}, "excludes": {}, "comment": ""},
        {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["umount2"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_CHOWN"]}},
        {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
        {"name": "chmod", "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "args": null}]}"""
    made = seccomp.given(text, capabilities.DEFAULT, "x86_64")
    assert [rule["names"] for rule in made["syscalls"]] == [["read"], ["arch_prctl"], ["chmod"]]
    assert (made["defaultErrnoRet"], made["syscalls"][2]["errnoRet"]) == (38, 1)
    for bad in ("", "[]", '{"defaultAction": "SCMP_ACT_NOTIFY"}', '{"syscalls": []}'):
        with pytest.raises(Invalid):
            seccomp.given(bad, (), "x86_64")


@given(st.integers(0, 2**32 - 1))
def test_unknown_calls_and_machines_are_not_there(number: int) -> None:
    program = bpf.program(seccomp.profile(capabilities.DEFAULT), "x86_64")
    assert verdict(program, 0x40000028, number) == ENOSYS
    assert verdict(program, bpf.AUDIT_ARCH["x86_64"], number | 0x40000000) == ENOSYS
    with pytest.raises(KeyError):
        bpf.program(seccomp.profile(()), "m68k")


def test_a_volume_on_etc_hides_no_generated_file() -> None:
    asked = Options(mounts=(Mount("bind", "/x", "/etc"), Mount("bind", "/y", "/etc/hosts"), Mount("bind", "/z", "/z")))
    order = [one["destination"] for one in mounts(asked, "/bundle", False)]
    assert order.index("/etc") < order.index("/etc/hostname") < len(order)
    assert order.count("/etc/hosts") == 1
