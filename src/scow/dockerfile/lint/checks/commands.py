"""What RUN runs: commands that do nothing there, undo nothing there, or trust too much."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scow.dockerfile.instructions import Run, ShellForm
from scow.dockerfile.lint import mending
from scow.dockerfile.lint.finding import Found, Severity
from scow.dockerfile.lint.linted import Linted
from scow.dockerfile.lint.program import Program
from scow.dockerfile.lint.rule import Rule

#: Programs for a machine that lives, or a person who looks at it.
_USELESS = frozenset({
    "free", "ifconfig", "kill", "mount", "ps", "service", "shutdown", "ssh", "top", "vim", "nano", "less", "reboot",
    "systemctl",
})  # fmt: skip
_HIGH_ID = 99_999
_INTERPRETERS = frozenset({"sh", "bash", "ash", "dash", "zsh", "python", "python3", "perl", "node", "php"})
#: program → flags with which it trusts whoever answers.
_TRUSTING: dict[str, tuple[str, ...]] = {
    "curl": ("-k", "--insecure"),
    "wget": ("--no-check-certificate",),
    "apt-get": ("--allow-unauthenticated", "--force-yes"),
    "apt": ("--allow-unauthenticated", "--force-yes"),
    "apk": ("--allow-untrusted",),
    "yum": ("--nogpgcheck",),
    "dnf": ("--nogpgcheck",),
    "zypper": ("--no-gpg-checks",),
    "rpm": ("--nosignature", "--nodigest"),
}


def sudo(file: Linted) -> Iterator[Found]:
    """RUN sudo"""
    for step in file.steps:
        told = False
        for program in step.programs:
            if not told and ("sudo" in program.wrappers or program.name == "sudo"):
                told = True
                place = program.place()
                start = file.read.text.rfind("sudo", 0, place[0] + 4)
                spot = (start, start + 4) if start >= 0 and program.source else place
                message = "sudo has no place in a build: USER says who runs what"
                yield file.found(message, spot, hint="USER root above, USER <name> below")


def useless(file: Linted) -> Iterator[Found]:
    """RUN service nginx start"""
    for step, program in file.programs(*_USELESS):
        mounted = program.name == "ssh" and any(mount.type == "ssh" for mount in step.run.mounts)
        if not mounted and not program.wrappers:
            message = f"{program.name} has no use in a build: nothing of what it starts or shows is there afterwards"
            yield file.found(message, program.place())


def change_directory(file: Linted) -> Iterator[Found]:
    """RUN cd /app && …"""
    for step in file.steps:
        for program in step.programs:
            target = program.operands[0].text if program.name == "cd" and program.operands else ""
            if target.startswith(("/", "$")) and not program.depth and program.after != "(":
                yield file.found("cd lasts until the end of this RUN", program.place(), hint=f"WORKDIR {target}")
                break


def lost(file: Linted) -> Iterator[Found]:
    """RUN export A=b, and nothing else"""
    for step in file.steps:
        shell = [one for one in step.programs if one.depth == 0]
        if step.sources and shell and all(one.name in {"cd", "export", "alias", "source", ".", "set"} for one in shell):
            message = f"{shell[-1].name} ends with this RUN, and changes nothing after it"
            yield file.found(message, shell[-1].place(), hint="ENV, WORKDIR or SHELL last")


def wget_progress(file: Linted) -> Iterator[Found]:
    """wget without --progress"""
    for _, program in file.programs("wget"):
        quiet = program.has("-q", "--quiet", "-o", "--output-file", "-nv", "--no-verbose", "--progress", "-a")
        if not quiet and program.operands and not program.has("-O-", "--version", "--spider"):
            edits = mending.flag(program, "--progress=dot:giga")
            yield file.found("the bar that wget draws fills the log", program.place(), *edits)


def wget_and_curl(file: Linted) -> Iterator[Found]:
    """Both wget and curl"""
    for stage in file.stages:
        seen: dict[str, Program] = {}
        for step, program in file.programs("wget", "curl"):
            if step.stage is stage:
                seen.setdefault(program.name, program)
        if len(seen) == 2:
            later = list(seen.values())[1]
            yield file.found("one of wget and curl is enough", later.place())


def consecutive(file: Linted) -> Iterator[Found]:
    """RUN after RUN"""
    for stage in file.stages:
        for before, one in zip(stage.instructions, stage.instructions[1:], strict=False):
            if isinstance(before, Run) and isinstance(one, Run) and _joinable(before, one):
                yield file.found("this RUN could go on with the one above: a layer less", file.whole(one))


def _joinable(before: Run, one: Run) -> bool:
    """Short commands with the same surroundings; RUNs that are scripts of their own are apart on purpose."""
    same = (before.mounts, before.network, before.security) == (one.mounts, one.network, one.security)
    texts = [
        run.command.text for run in (before, one) if isinstance(run.command, ShellForm) and not run.command.heredocs
    ]
    return same and len(texts) == 2 and all(text.count("&&") + text.count(";") + text.count("|") < 2 for text in texts)


def useradd(file: Linted) -> Iterator[Found]:
    """useradd -u 1000000"""
    for _, program in file.programs("useradd"):
        number = next((word.text for before, word in zip(program.arguments, program.arguments[1:], strict=False)
                       if before.text in {"-u", "--uid"}), "")  # fmt: skip
        number = number or next((flag.partition("=")[2] or flag[2:] for flag in program.flags
                                 if re.match(r"(-u|--uid=)[0-9]+\Z", flag)), "")  # fmt: skip
        if re.fullmatch(r"[0-9]{1,19}", number) and int(number) > _HIGH_ID and not program.has("-l", "--no-log-init"):
            message = "lastlog and faillog have a place for every id below: gigabytes of zeros"
            yield file.found(message, program.place(), *mending.flag(program, "-l"))


def insecure(file: Linted) -> Iterator[Found]:
    """curl -k"""
    for _, program in file.programs(*_TRUSTING):
        flag = next((flag for flag in _TRUSTING[program.name] if program.has(flag)), "")
        if flag:
            word = next((one for one in program.arguments if one.text.startswith(flag)), None)
            yield file.found(f"with {flag} anybody on the way can send what they like", program.place(word))


def piped(file: Linted) -> Iterator[Found]:
    """curl … | sh"""
    for step in file.steps:
        for before, program in zip(step.programs, step.programs[1:], strict=False):
            fetches = before.name in {"curl", "wget"}
            if fetches and program.after == "|" and program.name in _INTERPRETERS and program.depth == before.depth:
                message = (
                    f"what {before.name} gets is run as it comes: half a script too, and whatever is there that day"
                )
                yield file.found(message, program.place(), hint="fetch it, check its sha256, run it")


def unfailing(file: Linted) -> Iterator[Found]:
    """curl without -f"""
    for _, program in file.programs("curl"):
        head = program.has("-I", "--head", "-w", "--write-out", "--version", "-V")
        if not program.has("-f", "--fail", "--fail-with-body", "--fail-early") and not head and program.operands:
            message = "an error page of the server is taken for the file"
            yield file.found(message, program.place(), hint="curl -f")


def writable(file: Linted) -> Iterator[Found]:
    """chmod 777"""
    for _, program in file.programs("chmod"):
        mode = next((word for word in program.operands), None)
        if mode and re.fullmatch(r"[0246]?777|a\+rwx|ugo\+rwx|0?666|a\+w|o\+w", mode.text):
            yield file.found(f"mode {mode.text} lets everybody in the container write there", program.place(mode))


RULES = (
    Rule("sudo", Severity.ERROR, "sudo in RUN",
         "It asks for a terminal, changes the environment, and hides who runs what.", sudo, ("DL3004",)),
    Rule("useless-command", Severity.INFO, "A command that has no use in a build",
         "There is no init, nobody to look, and processes end with their RUN.", useless, ("DL3001",)),
    Rule("cd", Severity.WARNING, "RUN cd /somewhere", "WORKDIR says it once, for all that follows.",
         change_directory, ("DL3003",)),
    Rule("lost-setting", Severity.WARNING, "RUN that only sets what ends with it",
         "Every RUN is a new shell: variables, directory and aliases do not last.", lost),
    Rule("wget-progress", Severity.INFO, "wget without --progress", "Its bar is thousands of lines in a log.",
         wget_progress, ("DL3047",), fixable=True),
    Rule("wget-and-curl", Severity.WARNING, "Both wget and curl", "Each brings its libraries along. Choose one.",
         wget_and_curl, ("DL4001",)),
    Rule("consecutive-run", Severity.INFO, "RUN after RUN",
         "Two short RUNs side by side can be one layer.", consecutive, ("DL3059",)),
    Rule("useradd-high-id", Severity.WARNING, "useradd with a high id and without -l",
         "The files that log by id grow to gigabytes, sparse on disk and not so in a layer.",
         useradd, ("DL3046",), fixable=True),
    Rule("unverified", Severity.WARNING, "Certificates or signatures are not checked",
         "Install ca-certificates, or the key, instead.", insecure),
    Rule("pipe-to-shell", Severity.INFO, "curl | sh", "Nobody has seen what will run. Check it against a digest.",
         piped),
    Rule("curl-fail", Severity.INFO, "curl without -f",
         "Without it an answer 404 is a success, and its page the file.", unfailing),
    Rule("world-writable", Severity.WARNING, "chmod 777",
         "Whoever breaks into the program can then change it. Give the files to the user who needs them.", writable),
)  # fmt: skip
