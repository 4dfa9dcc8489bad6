"""A runtime-spec seccomp document compiled to a classic BPF program, without libseccomp. Pure, and light.

The program looks at ``struct seccomp_data``: nr at 0, arch at 4, args (64 bits, little-endian here) from 16. Of the
rules for one call those with conditions come first; what no rule decides, the default does.
"""

from __future__ import annotations

import struct

from scow.runtime.spec.syscalls import MACHINES, NUMBERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "i386": 0x40000003}
HOSTS = {"x86_64": ("x86_64", "i386"), "aarch64": ("aarch64",)}
# what a filter answers; an errno is added to ERRNO
ACTIONS = {
    "SCMP_ACT_ALLOW": 0x7FFF0000, "SCMP_ACT_ERRNO": 0x00050000, "SCMP_ACT_KILL": 0, "SCMP_ACT_KILL_THREAD": 0,
    "SCMP_ACT_KILL_PROCESS": 0x80000000, "SCMP_ACT_TRAP": 0x00030000, "SCMP_ACT_LOG": 0x7FFC0000,
}  # fmt: skip
_LOAD, _AND, _JUMP, _JEQ, _JGT, _JGE, _RET = 0x20, 0x54, 0x05, 0x15, 0x25, 0x35, 0x06
_EPERM, _ENOSYS = 1, 38
_X32 = 0x40000000
_HIGH, _LOW = 4, 0  # the halves of an argument

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand


def program(profile: dict[str, Any], machine: str) -> bytes:
    """The filter for one machine (x86_64 with its 32-bit programs, aarch64); KeyError for another.

    Calls of another architecture (x32 among them) get ENOSYS; calls newer than the table too, where what the profile
    does not name is refused.
    """
    code: list[Instruction] = [(_LOAD, 0, 0, 4)]
    for name in HOSTS[machine]:
        section = _section(profile, MACHINES.index(name))
        code += [(_JEQ, 1, 0, AUDIT_ARCH[name]), (_JUMP, 0, 0, len(section)), *section]
    code.append(_answer("SCMP_ACT_ERRNO", _ENOSYS))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _section(profile: dict[str, Any], column: int) -> list[Instruction]:
    """The verdicts of one architecture; every way through it ends in one."""
    newest = max(numbers[column] or 0 for numbers in NUMBERS.values())
    refuses = profile["defaultAction"] == "SCMP_ACT_ERRNO"
    code: list[Instruction] = [
        (_LOAD, 0, 0, 0),
        (_JGE, 0, 1, newest + 1 if refuses else _X32),  # x32's calls have a high bit: they end here too
        _answer("SCMP_ACT_ERRNO", _ENOSYS),
    ]
    plain: dict[Instruction, set[int]] = {}
    for rule in profile["syscalls"]:
        answer = _answer(rule["action"], rule.get("errnoRet", _EPERM))
        numbers = [n for n in (NUMBERS[name][column] for name in rule["names"] if name in NUMBERS) if n is not None]
        if not rule.get("args"):
            plain.setdefault(answer, set()).update(numbers)
            continue
        block = [*(step for argument in rule["args"] for step in _condition(argument)), answer]
        body = _resolved(block)
        for number in numbers:
            code += [(_JEQ, 0, len(body), number), *body]
    for answer, known in plain.items():
        for low, high in _ranges(known):
            code += [(_JGE, 0, 2, low), (_JGE, 1, 0, high + 1), answer]
    code.append(_answer(profile["defaultAction"], profile.get("defaultErrnoRet", _EPERM)))
    return code


def _answer(action: str, errno: int) -> Instruction:
    value = ACTIONS[action]
    return (_RET, 0, 0, value | int(errno) if action == "SCMP_ACT_ERRNO" else value)


def _ranges(numbers: set[int]) -> list[tuple[int, int]]:
    """The numbers as inclusive runs."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


# A step whose jump is -1 leads to where the condition fails, -2 to where it holds (the end of its own steps).
_FAILS, _HOLDS = -1, -2


def _condition(argument: dict[str, Any]) -> list[Instruction]:
    """Steps that go on at their end when the argument (64 bits) is as asked, and fail otherwise."""
    at, value, operator = (
        16 + 8 * int(argument["index"]),
        int(argument["value"]),
        argument["op"].removeprefix("SCMP_CMP_"),
    )
    high, low = value >> 32 & 0xFFFFFFFF, value & 0xFFFFFFFF
    load_high, load_low = (_LOAD, 0, 0, at + _HIGH), (_LOAD, 0, 0, at + _LOW)
    if operator == "MASKED_EQ":
        wanted = int(argument.get("valueTwo", 0))
        steps = [load_high, (_AND, 0, 0, high), (_JEQ, 0, _FAILS, wanted >> 32 & 0xFFFFFFFF)]
        steps += [load_low, (_AND, 0, 0, low), (_JEQ, 0, _FAILS, wanted & 0xFFFFFFFF)]
    elif operator == "NE":
        # Of a small value only the low half counts: the kernel takes an int there, whatever stands above it.
        steps = [load_high, (_JEQ, 0, _HOLDS, high)] if high else []
        steps += [load_low, (_JEQ, _FAILS, 0, low)]
    elif operator == "EQ":
        steps = [load_high, (_JEQ, 0, _FAILS, high), load_low, (_JEQ, 0, _FAILS, low)]
    else:
        code, decided, not_decided = {
            "GT": (_JGT, _HOLDS, _FAILS), "GE": (_JGE, _HOLDS, _FAILS),
            "LT": (_JGE, _FAILS, _HOLDS), "LE": (_JGT, _FAILS, _HOLDS),
        }[operator]  # fmt: skip
        above, below = (_HOLDS, _FAILS) if operator in ("GT", "GE") else (_FAILS, _HOLDS)
        steps = [load_high, (_JGT, above, 0, high), (_JEQ, 0, below, high), load_low, (code, decided, not_decided, low)]
    return _held(steps)


def _held(steps: list[Instruction]) -> list[Instruction]:
    """The jumps to where the condition holds, counted."""
    return [_aimed(step, _HOLDS, len(steps) - number - 1) for number, step in enumerate(steps)]


def _resolved(block: list[Instruction]) -> list[Instruction]:
    """The jumps to where a condition fails lead behind the answer, where the number is loaded again."""
    return [*(_aimed(step, _FAILS, len(block) - number - 1) for number, step in enumerate(block)), (_LOAD, 0, 0, 0)]


def _aimed(step: Instruction, mark: int, distance: int) -> Instruction:
    code, true, false, operand = step
    return (code, distance if true == mark else true, distance if false == mark else false, operand)
