"""Limits as tables: what is refused, and what each version of cgroups is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.errors import Invalid
from scow.runtime.spec import limits
from scow.runtime.spec.options import Limits

MIB = 1 << 20

WRONG = [
    (Limits(memory=MIB), "Minimum memory limit allowed is 6MB"),
    (Limits(memory_swap=8 * MIB), "You should always set the Memory limit when using Memoryswap limit, see usage"),
    (
        Limits(memory=16 * MIB, memory_swap=8 * MIB),
        "Minimum memoryswap limit should be larger than memory limit, see usage",
    ),
    (
        Limits(memory=16 * MIB, memory_reservation=32 * MIB),
        "Minimum memory limit can not be less than memory reservation limit, see usage",
    ),
    (Limits(cpu_period=5), "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"),
    (Limits(cpu_quota=5), "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
    (Limits(blkio_weight=5), "Range of blkio weight is from 10 to 1000"),
    (Limits(cpuset_cpus="all"), "Invalid value all for cpuset cpus"),
    (Limits(cpuset_mems="0-1-2"), "Invalid value 0-1-2 for cpuset mems"),
]


@pytest.mark.parametrize(("asked", "problem"), WRONG)
def test_docker_s_refusals(asked: Limits, problem: str) -> None:
    with pytest.raises(Invalid, match="^" + problem.replace("(", r"\(").replace(")", r"\)")):
        limits.resources(asked)


def test_swap_is_as_much_as_memory_unless_said() -> None:
    assert limits.resources(Limits(memory=8 * MIB))["memory"] == {"limit": 8 * MIB, "swap": 16 * MIB}
    assert limits.resources(Limits(memory=8 * MIB, memory_swap=-1))["memory"] == {"limit": 8 * MIB}
    assert limits.resources(Limits()) == {}


def test_both_versions_are_told_the_same() -> None:
    wanted = limits.resources(
        Limits(memory=64 * MIB, memory_swap=96 * MIB, cpu_shares=1024, cpu_quota=50_000, cpuset_cpus="0", pids=9)
    )
    first = {file: text for _, file, text in limits.first_version(wanted)}
    second = {file: text for _, file, text in limits.second_version(wanted)}
    assert first == {
        "memory.limit_in_bytes": "67108864", "memory.memsw.limit_in_bytes": "100663296", "cpu.shares": "1024",
        "cpu.cfs_quota_us": "50000", "cpuset.cpus": "0", "pids.max": "9",
    }  # fmt: skip
    assert second == {
        "memory.max": "67108864", "memory.swap.max": "33554432", "cpu.weight": "39", "cpu.max": "50000 100000",
        "cpuset.cpus": "0", "pids.max": "9",
    }  # fmt: skip


def test_what_is_no_longer_limited_is_told_too() -> None:
    old, new = Limits(memory=64 * MIB, pids=9), Limits(memory=64 * MIB, memory_swap=-1)
    wanted = limits.changed(old, new)
    first = {file: text for _, file, text in limits.first_version(wanted)}
    second = {file: text for _, file, text in limits.second_version(wanted)}
    assert (first["memory.memsw.limit_in_bytes"], first["pids.max"]) == ("-1", "max")
    assert (second["memory.swap.max"], second["pids.max"]) == ("max", "max")
    assert limits.changed(new, new) == limits.resources(new)
    assert limits.changed(Limits(), old) == limits.resources(old)


asked_limits = st.builds(
    Limits,
    memory=st.sampled_from([0, 6 * MIB, 1 << 30]), cpu_shares=st.integers(0, 1 << 18), pids=st.integers(-1, 9),
    cpu_quota=st.sampled_from([0, -1, 1000, 99_999]), cpuset_cpus=st.sampled_from(["", "0", "0-1,3"]),
    blkio_weight=st.sampled_from([0, 10, 1000]),
)  # fmt: skip


@given(asked_limits)
def test_a_controller_that_is_taken_out_is_told_nothing(asked: Limits) -> None:
    wanted = limits.resources(asked)
    for gone in limits.controllers(wanted):
        left = limits.without(wanted, gone)
        assert gone not in limits.controllers(left)
        for table in (limits.first_version, limits.second_version):
            assert table(left) == [write for write in table(wanted) if write[0] != gone]


def test_cgroup_parents() -> None:
    assert limits.path("", "id") == "/scow/id"
    assert limits.path("/mine/", "id") == "/mine/id"
    for bad in ("/../x", "/", "a/./b"):
        with pytest.raises(Invalid):
            limits.path(bad, "id")
