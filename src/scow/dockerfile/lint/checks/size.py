"""What makes an image larger than it need be."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from scow.dockerfile.instructions import Add, Copy, Run
from scow.dockerfile.lint.checks.packages import APK, APT, DNF, YUM, Manager, calls, wanted
from scow.dockerfile.lint.finding import Found, Severity
from scow.dockerfile.lint.linted import Linted, Step
from scow.dockerfile.lint.program import Program
from scow.dockerfile.lint.rule import Rule
from scow.dockerfile.stages import Stage

#: Packages for building, which nothing that runs needs.
BUILD_TOOLS = frozenset({
    "autoconf", "automake", "bison", "build-base", "build-essential", "clang", "cmake", "cpp", "dpkg-dev", "flex",
    "g++", "gcc", "gcc-c++", "gdb", "libc6-dev", "libtool", "linux-headers", "llvm", "make", "meson", "musl-dev",
    "ninja-build", "pkg-config", "pkgconf", "python3-dev",
})  # fmt: skip
_REMOVING = ("remove", "purge", "autoremove", "del", "erase")
_ARCHIVE = re.compile(r"\.(tar|tgz|tbz2?|txz|tar\.\w+|zip|gz|xz|bz2|zst|deb|rpm|whl|jar\.pack)\Z")
_UNPACKING = frozenset({"tar", "unzip", "dpkg", "rpm", "apt-get", "apt", "gunzip", "pip"})
_TEMPORARY = ("/tmp/", "/var/tmp/", "/dev/")  # noqa: S108 - paths of the image


def build_tools(file: Linted) -> Iterator[Found]:
    """Compilers in the final image."""
    stays = file.kept
    for manager in (APT, APK, DNF, YUM):
        for step, program in calls(file, manager):
            tools = [word for word in wanted(program) if word.text.partition("=")[0] in BUILD_TOOLS]
            gone = _removed(step, manager) or (program.has("-t", "--virtual") and "del" in _verbs(step))
            if tools and not gone and step.stage.index in stays:
                names = ", ".join(word.text for word in tools[:3])
                message = f"{names}: tools for building stay in the image"
                hint = "build in an earlier stage, and COPY --from=… what came out"
                yield file.found(message, program.place(tools[0]), hint=hint)


def _removed(step: Step, manager: Manager) -> bool:
    return any(one.name in manager.programs and one.runs(*_REMOVING) for one in step.programs)


def _verbs(step: Step) -> set[str]:
    return {one.operands[0].text for one in step.programs if one.operands}


def download_left(file: Linted) -> Iterator[Found]:
    """curl -O archive, and nothing deletes it"""
    stays = file.kept
    for step in file.steps:
        if step.stage.index not in stays:
            continue
        removed = [word.text for one in step.programs if one.name == "rm" for word in one.operands]
        words = [word.text for one in step.programs if one.name in _UNPACKING for word in one.arguments]
        unpacked = {word.rpartition("/")[2] for word in words}
        for program in step.programs:
            name = _saved(program)
            if name in unpacked and name and not any(_covers(path, name) for path in removed):
                message = f"{name} stays in the layer, beside what was in it"
                yield file.found(message, program.place(), hint=f"rm {name} in the same RUN, or pipe it into tar")


def _saved(program: Program) -> str:
    """The name of the archive that wget or curl puts beside what is in it."""
    if program.name not in {"curl", "wget"}:
        return ""
    words = [word.text for word in program.arguments]
    asked = {"curl": ("-o", "--output"), "wget": ("-O", "--output-document")}[program.name]
    target = next((after for before, after in itertools.pairwise(words) if before in asked), "")
    if not target and (program.name == "wget" or program.has("-O", "--remote-name")):
        target = next((word for word in words if "://" in word), "").partition("?")[0]
    name = PurePosixPath(target).name
    return name if _ARCHIVE.search(name) else ""


def _covers(path: str, name: str) -> bool:
    last = PurePosixPath(path).name
    return last == name or "*" in path or path.endswith("/") or "." not in last


def late_removal(file: Linted) -> Iterator[Found]:
    """RUN rm, and nothing else"""
    for step in file.steps:
        work = [one for one in step.programs if one.name not in {"set", "echo", "true", "cd"}]
        if work and all(_deletes(one) for one in work) and _before(step.stage, step.run):
            message = "this frees nothing: what it deletes stays in the layer that brought it"
            yield file.found(message, work[0].place(), hint="delete in the RUN that made it")


def _deletes(program: Program) -> bool:
    if program.name == "rm":
        return not all(word.text.startswith(_TEMPORARY) for word in program.operands)
    if program.name in (*APT.programs, "yum", "dnf", "apk"):
        return program.runs("clean", "autoclean", "autoremove", "remove", "purge", "del", "erase")
    return program.name in {"npm", "yarn"} and program.runs("cache")


def _before(stage: Stage, run: Run) -> bool:
    """Does something of the same stage come before it?"""
    return any(
        isinstance(one, Run | Copy | Add) and one.span.start_line < run.span.start_line for one in stage.instructions
    )


def late_owner(file: Linted) -> Iterator[Found]:
    """COPY, and then RUN chown of what was copied"""
    for stage in file.stages:
        copied: set[str] = set()
        for one in stage.instructions:
            if isinstance(one, Copy | Add):
                target = PurePosixPath(one.target.strip("\"'"))
                copied |= {str(target), *map(str, target.parents)}
            step = file.step(one) if isinstance(one, Run) else None
            if step is not None:
                yield from _late_owner(file, step, copied)


def _late_owner(file: Linted, step: Step, copied: set[str]) -> Iterator[Found]:
    """``copied`` are the targets of COPY and what is above them."""
    for program in step.programs:
        if program.name not in {"chown", "chmod"} or len(program.operands) < 2:
            continue
        for word in program.operands[1:]:
            path = word.text.rstrip("/") or "/"
            if path.startswith("/") and path in copied:
                flag = f"COPY --{program.name}={program.operands[0].text}"
                message = f"every file beneath {word.text} is in the image twice: once as copied, once as changed"
                yield file.found(message, program.place(), hint=flag)
                break


def deep_clone(file: Linted) -> Iterator[Found]:
    """git clone without --depth"""
    for step, program in file.programs("git"):
        if program.runs("clone") and step.stage.index in file.kept:
            shallow = program.has("--depth", "--shallow-since", "--mirror", "--filter") or _drops_history(step)
            if not shallow:
                yield file.found("the whole history comes along", program.place(), hint="git clone --depth 1")


def _drops_history(step: Step) -> bool:
    return any(one.name == "rm" and any(".git" in word.text or word.plain for word in one.operands)
               for one in step.programs)  # fmt: skip


RULES = (
    Rule("build-tools", Severity.INFO, "Tools for building in the final image",
         "Compilers are hundreds of megabytes, and a help to whoever breaks in.", build_tools),
    Rule("download-left", Severity.INFO, "A downloaded archive is not deleted",
         "It stays in the layer beside what was unpacked from it.", download_left),
    Rule("late-removal", Severity.INFO, "RUN that only deletes",
         "A layer can hide what is below it, not take it away.", late_removal),
    Rule("late-owner", Severity.INFO, "chown or chmod of what COPY brought",
         "Changing a file's owner puts all of the file into one more layer.", late_owner),
    Rule("deep-clone", Severity.STYLE, "git clone without --depth",
         "The history is often larger than the files.", deep_clone),
)  # fmt: skip
