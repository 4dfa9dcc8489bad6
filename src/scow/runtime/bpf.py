"""A runtime-spec seccomp document compiled to a classic BPF program, without libseccomp. Pure, and light.

The program looks at ``struct seccomp_data``: nr at 0, arch at 4, args (64 bits, little-endian here) from 16.
"""

from __future__ import annotations

import struct

from scow.runtime.syscalls import MACHINES, NUMBERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "i386": 0x40000003}
HOSTS = {"x86_64": ("x86_64", "i386"), "aarch64": ("aarch64",)}
_LOAD, _JUMP, _JEQ, _JGE, _JSET, _RET = 0x20, 0x05, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_ENOSYS = 38

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand


def program(profile: dict[str, Any], machine: str) -> bytes:
    """The filter for one machine (x86_64 with its 32-bit programs, aarch64); KeyError for another.

    Calls of another architecture (x32 among them) and calls newer than the table get ENOSYS.
    """
    code: list[Instruction] = [(_LOAD, 0, 0, 4)]
    for name in HOSTS[machine]:
        section = _section(profile, MACHINES.index(name))
        code += [(_JEQ, 1, 0, AUDIT_ARCH[name]), (_JUMP, 0, 0, len(section)), *section]
    code.append((_RET, 0, 0, _ERRNO | _ENOSYS))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _section(profile: dict[str, Any], column: int) -> list[Instruction]:
    """The verdicts of one architecture; every way through it ends in one."""
    newest = max(numbers[column] or 0 for numbers in NUMBERS.values())
    code: list[Instruction] = [
        (_LOAD, 0, 0, 0),
        (_JGE, 0, 1, newest + 1),  # x32's calls have a high bit: they end here too
        (_RET, 0, 0, _ERRNO | _ENOSYS),
    ]
    plain: set[int] = set()
    for rule in profile["syscalls"]:
        numbers = [NUMBERS[name][column] for name in rule["names"] if name in NUMBERS]
        known = [n for n in numbers if n is not None]
        if rule["action"] == "SCMP_ACT_ALLOW" and not rule.get("args"):
            plain.update(known)
        else:
            for number in known:
                code += _special(number, rule)
    for low, high in _ranges(plain):
        code += _range(low, high)
    code.append((_RET, 0, 0, _ERRNO | int(profile["defaultErrnoRet"])))
    return code


def _ranges(numbers: set[int]) -> list[tuple[int, int]]:
    """The numbers as inclusive runs."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _range(low: int, high: int) -> list[Instruction]:
    """Allow when low <= nr <= high; the number stays loaded."""
    return [(_JGE, 0, 2, low), (_JGE, 1, 0, high + 1), (_RET, 0, 0, _ALLOW)]


def _special(number: int, rule: dict[str, Any]) -> list[Instruction]:
    """One call with a condition on its argument (or a result of its own)."""
    if rule["action"] != "SCMP_ACT_ALLOW":
        return [(_JEQ, 0, 1, number), (_RET, 0, 0, _ERRNO | int(rule["errnoRet"]))]
    body = _condition(rule["args"][0])
    return [(_JEQ, 0, len(body), number), *body]


def _condition(argument: dict[str, Any]) -> list[Instruction]:
    """Allow when it holds; else load the number again and go on. Only the low half is looked at: these are ints."""
    load: Instruction = (_LOAD, 0, 0, 16 + 8 * int(argument["index"]))
    again: Instruction = (_LOAD, 0, 0, 0)
    allow: Instruction = (_RET, 0, 0, _ALLOW)
    value = int(argument["value"])
    match argument["op"]:
        case "SCMP_CMP_EQ":
            return [load, (_JEQ, 0, 1, value), allow, again]
        case "SCMP_CMP_NE":
            return [load, (_JEQ, 1, 0, value), allow, again]
        case _:  # SCMP_CMP_MASKED_EQ, against 0: any of the bits refuses
            return [load, (_JSET, 1, 0, value), allow, again]
