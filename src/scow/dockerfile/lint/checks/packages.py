"""Package managers of distributions: apt, apk, yum, dnf, zypper. What they have in common is a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from scow.dockerfile.instructions import Run
from scow.dockerfile.lint import mending
from scow.dockerfile.lint.finding import Edit, Found, Severity
from scow.dockerfile.lint.linted import Linted, Step
from scow.dockerfile.lint.program import Program
from scow.dockerfile.lint.rule import Check, Rule
from scow.dockerfile.lint.script import ShellWord

_APT_LISTS = "rm -rf /var/lib/apt/lists/*"


@dataclass(frozen=True, slots=True)
class Manager:
    """A package manager as people call it.

    ``yes`` are the flags that ask nothing; ``pinned`` tells a package that
    says its version; ``caches`` are where it leaves what it downloaded; ``clean`` is the command that removes it.
    """

    programs: tuple[str, ...]
    install: tuple[str, ...]
    yes: tuple[str, ...]
    pinned: re.Pattern[str]
    caches: tuple[str, ...]
    clean: str
    cleans: Callable[[Program], bool]
    example: str


def _cleaned(*subcommands: str) -> Callable[[Program], bool]:
    return lambda program: program.runs("clean", "cc") or (bool(subcommands) and program.runs(*subcommands))


_FILE = r"[^/]*/.*|.*\.(deb|rpm|apk)|@.*|-.*"
APT = Manager(
    ("apt-get", "apt", "aptitude"), ("install",),
    ("-y", "--yes", "--assume-yes", "-qq"), re.compile(rf".*=.*|{_FILE}"), ("/var/lib/apt", "/var/cache/apt"),
    _APT_LISTS, lambda program: False, "apt-get install <package>=<version>",
)  # fmt: skip
APK = Manager(
    ("apk",), ("add",),
    ("add",), re.compile(rf".*[=<>~].*|\..*|{_FILE}"), ("/var/cache/apk", "/etc/apk/cache"), "rm -rf /var/cache/apk/*",
    _cleaned("cache"), "apk add <package>=<version>",
)  # fmt: skip
_RPM_PINNED = re.compile(rf".+-[0-9].*|.+:.+|{_FILE}|.*\*.*")
YUM = Manager(
    ("yum",), ("install", "groupinstall", "localinstall", "reinstall", "module"), ("-y", "--assumeyes"),
    _RPM_PINNED, ("/var/cache/yum",), "yum clean all", _cleaned(), "yum install <package>-<version>",
)  # fmt: skip
DNF = Manager(
    ("dnf", "microdnf"), ("install", "groupinstall", "localinstall", "reinstall", "module", "in"),
    ("-y", "--assumeyes"), _RPM_PINNED, ("/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"), "dnf clean all",
    _cleaned(), "dnf install <package>-<version>",
)  # fmt: skip
ZYPPER = Manager(
    ("zypper",), ("install", "in"),
    ("-y", "--no-confirm", "-n", "--non-interactive"), re.compile(rf".*[=<>~].*|{_FILE}"), ("/var/cache/zypp",),
    "zypper clean --all", _cleaned(), "zypper install <package>=<version>",
)  # fmt: skip


def calls(file: Linted, manager: Manager, *subcommands: str) -> Iterator[tuple[Step, Program]]:
    """Where one of the subcommands (installing, without any) is called."""
    for step, program in file.programs(*manager.programs):
        if program.runs(*(subcommands or manager.install)):
            yield step, program


def subcommand(program: Program) -> ShellWord:
    """The word that says what to do."""
    return program.operands[0]


def wanted(program: Program) -> list[ShellWord]:
    """The packages that are asked for: what follows ``install``, or ``module install``."""
    skip = 2 if program.runs("module") and len(program.operands) > 1 and program.operands[1].text == "install" else 1
    return list(program.operands[skip:])


def mounted(run: Run, *places: str) -> bool:
    """Does a cache or tmpfs mount hold one of the places, so that nothing of it stays?"""
    targets = [mount.target.rstrip("/") for mount in run.mounts if mount.type in {"cache", "tmpfs"}]
    return any(f"{place}/".startswith(f"{target}/") or f"{target}/".startswith(f"{place}/")
               for place in places for target in targets if target)  # fmt: skip


def after(step: Step, program: Program) -> tuple[Program, ...]:
    """What the RUN runs behind a program."""
    at = next((at for at, one in enumerate(step.programs) if one is program), len(step.programs))
    return step.programs[at + 1 :]


def removes(programs: Iterable[Program], place: str) -> bool:
    """Does one of them delete what is beneath the place?"""
    return any(
        program.name == "rm" and any(word.text.startswith((place, f"{place}/")) for word in program.operands)
        for program in programs
    )


def pinning(manager: Manager) -> Check:
    """Packages without a version."""

    def check(file: Linted) -> Iterator[Found]:
        for _, program in calls(file, manager):
            yield from unpinned(file, program, wanted(program), manager.pinned, manager.example)

    return check


def unpinned(
    file: Linted, program: Program, words: Iterable[ShellWord], pinned: re.Pattern[str], example: str
) -> Iterator[Found]:
    """The packages among ``words`` without a version, told at the first."""
    free = [word for word in words if word.plain and not pinned.fullmatch(word.text)]
    if free:
        several = f" and {len(free) - 1} more" if len(free) > 1 else ""
        message = f"{free[0].text}{several}: no version is named, so tomorrow's build may differ"
        yield file.found(message, program.place(free[0]), hint=example)


def asking(manager: Manager) -> Check:
    """Installing without -y."""

    def check(file: Linted) -> Iterator[Found]:
        for _, program in calls(file, manager):
            quiet = program.flags.count("-q") + program.flags.count("--quiet") > 1 or program.has(
                "-q=2", "--quiet=2", "-q2"
            )
            if not (program.has(*manager.yes) or quiet or "yes" in program.wrappers or program.after == "|"):
                message = f"{program.name} {subcommand(program).text} asks, and nobody answers"
                yield file.found(message, program.place(), *mending.flag(program, "-y", subcommand(program)))

    return check


def uncleaned(manager: Manager, *more: str) -> Check:
    """What was downloaded stays in the layer; ``more`` are further subcommands that download."""

    def check(file: Linted) -> Iterator[Found]:
        stays = file.kept
        told: set[int] = set()
        for step, program in calls(file, manager, *manager.install, *more):
            line = step.run.span.start_line
            if line not in told and step.stage.index in stays and not _clean(step, program, manager):
                told.add(line)
                command = manager.clean.replace("dnf", program.name)
                message = f"what {program.name} downloaded stays in the layer"
                edits = mending.appended(file, step, command)
                yield file.found(message, program.place(), *edits, hint=f"&& {command}, in the same RUN")

    return check


def _clean(step: Step, program: Program, manager: Manager) -> bool:
    """Is nothing left of what the program downloaded?"""
    rest = after(step, program)
    cleaned = any(one.name == program.name and manager.cleans(one) for one in rest)
    return cleaned or any(removes(rest, cache) for cache in manager.caches) or mounted(step.run, *manager.caches)


def apt_lists(file: Linted) -> Iterator[Found]:
    """apt-get update without rm -rf /var/lib/apt/lists/*"""
    stays, last = file.kept, _last_use(file)
    for step in file.steps:
        updates = [one for one in step.programs if one.name in APT.programs and one.runs("update")]
        if not updates or mounted(step.run, "/var/lib/apt/lists"):
            continue
        if step.stage.index in stays and not removes(after(step, updates[-1]), "/var/lib/apt"):
            edits = () if last > step.run.span.start_line else mending.appended(file, step, _APT_LISTS)
            message = "the lists that apt-get update downloads stay in the layer"
            yield file.found(message, updates[0].place(), *edits, hint=f"&& {_APT_LISTS}, in the same RUN")


def _last_use(file: Linted) -> int:
    """The line of the last RUN that uses the lists without fetching them."""
    found = 0
    for step in file.steps:
        names = [
            one.operands[0].text for one in step.programs if one.name in (*APT.programs, "apt-cache") and one.operands
        ]
        found = step.run.span.start_line if names and names[0] != "update" else found
    return found


def recommends(file: Linted) -> Iterator[Found]:
    """apt-get install without --no-install-recommends"""
    for _, program in calls(file, APT):
        told = program.has("--no-install-recommends") or "Install-Recommends" in " ".join(
            w.text for w in program.arguments
        )
        if not told:
            message = "recommended packages come along"
            yield file.found(message, program.place(), hint="--no-install-recommends")


def apt(file: Linted) -> Iterator[Found]:
    """apt install"""
    for _, program in file.programs("apt"):
        if program.operands:
            edits: tuple[Edit, ...] = ()
            if program.source and program.word.text == "apt" and program.runs(*_COMMON):
                edits = (Edit(*program.place(), "apt-get"),)
            message = "apt is for people: what it prints and takes may change between versions"
            yield file.found(message, program.place(), *edits, hint="apt-get, or apt-cache")


#: What apt and apt-get both know.
_COMMON = ("update", "install", "remove", "purge", "upgrade", "autoremove", "clean", "autoclean", "build-dep", "source")


def upgrading(manager: Manager, *subcommands: str) -> Check:
    """A subcommand that upgrades what the base image has."""

    def check(file: Linted) -> Iterator[Found]:
        for _, program in calls(file, manager, *subcommands):
            message = "what this brings depends on the day, and lies in a layer above what it replaces"
            yield file.found(message, program.place(), hint="build on a newer base image")

    return check


def lone_update(file: Linted) -> Iterator[Found]:
    """apt-get update in a RUN of its own"""
    for step in file.steps:
        names = [one for one in step.programs if one.name in APT.programs and one.operands]
        if names and all(one.runs("update") for one in names) and not mounted(step.run, "/var/lib/apt/lists"):
            message = "the lists are cached with this RUN, and too old when a later one changes"
            yield file.found(message, names[0].place(), hint="update and install in one RUN")


def no_cache(file: Linted) -> Iterator[Found]:
    """apk add without --no-cache"""
    for step, program in calls(file, APK):
        if not program.has("--no-cache") and not mounted(step.run, *APK.caches):
            message = "the index that apk downloads stays in the layer"
            yield file.found(message, program.place(), *mending.flag(program, "--no-cache", subcommand(program)))


def apt_key(file: Linted) -> Iterator[Found]:
    """apt-key add"""
    for _, program in file.programs("apt-key"):
        message = "a key that apt-key adds may sign for every repository, and newer releases have no apt-key"
        yield file.found(message, program.place(), hint="a file in /etc/apt/keyrings, and signed-by= in the list")


_UPGRADING = ("upgrade", "update", "up", "upgrade-minimal", "up-min")
_GROUPS = ("group", "groups", "grp")
_STAYS = "A file that a later RUN deletes is still in its layer: clean up where it was made."
_PIN = "The build takes whatever is newest on that day. Name the version, or build on a snapshot of the repository."
_DAILY = "It makes builds differ from day to day, and layers larger."
_ASK = "The question is never answered and the build fails."
_W, _I = Severity.WARNING, Severity.INFO

RULES = (
    Rule("apt-unpinned", _W, "apt-get install without versions", _PIN, pinning(APT), ("DL3008",)),
    Rule("apt-lists", _I, "apt's lists stay in the image", _STAYS, apt_lists, ("DL3009",), fixable=True),
    Rule("apt-asks", _W, "apt-get install without -y", _ASK, asking(APT), ("DL3014",), fixable=True),
    Rule("apt-recommends", _I, "apt-get install without --no-install-recommends",
         "Debian's recommended packages are often larger than those that were asked for.", recommends, ("DL3015",)),
    Rule("apt-for-people", _W, "apt in a script", "Its interface may change; that of apt-get does not.",
         apt, ("DL3027",), fixable=True),
    Rule("apt-upgrade", _I, "apt-get upgrade", _DAILY,
         upgrading(APT, "upgrade", "dist-upgrade", "full-upgrade"), ("DL3005",)),
    Rule("apt-lone-update", _W, "apt-get update in a RUN of its own",
         "The cache keeps its result while the repository moves on: installing fails, or installs what is old.",
         lone_update),
    Rule("apt-key", _W, "apt-key is used", "It trusts a key for everything, and is gone from Debian 12.", apt_key),
    Rule("apk-unpinned", _W, "apk add without versions", _PIN, pinning(APK), ("DL3018",)),
    Rule("apk-cache", _I, "apk add without --no-cache", _STAYS, no_cache, ("DL3019",), fixable=True),
    Rule("apk-upgrade", _I, "apk upgrade", _DAILY, upgrading(APK, "upgrade"), ("DL3017",)),
    Rule("yum-asks", _W, "yum install without -y", _ASK, asking(YUM), ("DL3030",), fixable=True),
    Rule("yum-upgrade", _I, "yum update", _DAILY, upgrading(YUM, "update", "upgrade"), ("DL3031",)),
    Rule("yum-cache", _W, "yum's cache stays in the image", _STAYS,
         uncleaned(YUM, *_UPGRADING, *_GROUPS), ("DL3032",), fixable=True),
    Rule("yum-unpinned", _W, "yum install without versions", _PIN, pinning(YUM), ("DL3033",)),
    Rule("zypper-asks", _W, "zypper install without -y", _ASK, asking(ZYPPER), ("DL3034",), fixable=True),
    Rule("zypper-upgrade", _W, "zypper dist-upgrade", _DAILY, upgrading(ZYPPER, "dist-upgrade", "dup"), ("DL3035",)),
    Rule("zypper-cache", _W, "zypper's cache stays in the image", _STAYS, uncleaned(ZYPPER), ("DL3036",), fixable=True),
    Rule("zypper-unpinned", _W, "zypper install without versions", _PIN, pinning(ZYPPER), ("DL3037",)),
    Rule("dnf-asks", _W, "dnf install without -y", _ASK, asking(DNF), ("DL3038",), fixable=True),
    Rule("dnf-upgrade", _I, "dnf update", _DAILY, upgrading(DNF, "update", "upgrade"), ("DL3039",)),
    Rule("dnf-cache", _W, "dnf's cache stays in the image", _STAYS,
         uncleaned(DNF, *_UPGRADING, *_GROUPS), ("DL3040",), fixable=True),
    Rule("dnf-unpinned", _W, "dnf install without versions", _PIN, pinning(DNF), ("DL3041",)),
)  # fmt: skip
