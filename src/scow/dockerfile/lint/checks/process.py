"""What the image runs: CMD, ENTRYPOINT, USER, HEALTHCHECK, EXPOSE, SHELL, STOPSIGNAL."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scow.dockerfile.instructions import (
    Cmd,
    Entrypoint,
    ExecForm,
    Expose,
    Healthcheck,
    Instruction,
    Run,
    Shell,
    ShellForm,
    Stopsignal,
    User,
)  # fmt: skip
from scow.dockerfile.lint.finding import Edit, Found, Severity
from scow.dockerfile.lint.linted import Linted
from scow.dockerfile.lint.rule import Check, Rule
from scow.dockerfile.span import Word
from scow.dockerfile.stages import Stage

_ROOT = frozenset({"root", "0"})
_QUOTED_ARRAY = re.compile(r"\[\s*('[^'\"\\]*'\s*,\s*)*'[^'\"\\]*'\s*\]")
_VARIABLE = re.compile(r"\$(\{\w+\}|[A-Za-z_]\w*)")
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "cmd", "powershell", "pwsh", "env"})


def shell_form(file: Linted) -> Iterator[Found]:
    """CMD program"""
    for stage in file.stages:
        shell = file.shell_of(stage)
        for one in stage.instructions:
            shell = one.argv if isinstance(one, Shell) else shell
            if isinstance(one, Cmd | Entrypoint) and isinstance(one.command, ShellForm):
                keyword = one.keyword
                message = (
                    f"JSON arguments recommended for {keyword} to prevent unintended behavior related to OS signals"
                )
                hint = f'{keyword} ["program", "argument"]'
                yield file.found(message, file.whole(one), hint=hint, beyond=bool(shell))


def single_quotes(file: Linted) -> Iterator[Found]:
    """CMD ['program']"""
    for _, one in file.instructions:
        if not isinstance(one, Cmd | Entrypoint | Run | Shell | Healthcheck):
            continue
        command = getattr(one, "command", None)
        if isinstance(command, ShellForm) and _QUOTED_ARRAY.fullmatch(command.text.strip()):
            word = one.words[-1]
            edits = (Edit(*file.word(word), command.text.replace("'", '"')),) if file.exact(word) else ()
            message = "single quotes make this no JSON: a shell is asked to run a program called ["
            yield file.found(message, file.word(word), *edits, hint="double quotes")


def shell_entrypoint(file: Linted) -> Iterator[Found]:
    """ENTRYPOINT program, and a CMD for it"""
    for stage in file.stages:
        entry = _last(stage, Entrypoint)
        cmd = _last(stage, Cmd)
        if isinstance(entry, Entrypoint) and isinstance(entry.command, ShellForm) and cmd is not None:
            message = "the shell form of ENTRYPOINT never sees CMD, nor the arguments of docker run"
            yield file.found(message, file.whole(entry), hint='ENTRYPOINT ["program"]')


def _last(stage: Stage, kind: type[Instruction]) -> Instruction | None:
    return next((one for one in stage.instructions[::-1] if isinstance(one, kind)), None)


def exec_variable(file: Linted) -> Iterator[Found]:
    """CMD ["echo", "$HOME"]"""
    for _, one in file.instructions:
        command = getattr(one, "command", None)
        if not isinstance(command, ExecForm) or not command.argv:
            continue
        if command.argv[0].rpartition("/")[2].removesuffix(".exe") in _SHELLS:
            continue
        for word in one.words:
            if word.text in command.argv and _VARIABLE.search(word.text):
                message = "no shell reads the exec form: the variable stays as it is written"
                yield file.found(message, file.word(word), hint='["sh", "-c", "exec …"], or the shell form')
                break


def repeated(kind: type[Instruction]) -> Check:
    """More than one instruction of a kind in a stage: all but the last do nothing."""

    def check(file: Linted) -> Iterator[Found]:
        for stage in file.stages:
            same = [one for one in stage.instructions if isinstance(one, kind)]
            for one in same[:-1]:
                message = (
                    f"Multiple {one.keyword} instructions should not be used in the same stage"
                    " because only the last one will be used"
                )
                yield file.found(message, file.whole(one))

    return check


def root_user(file: Linted) -> Iterator[Found]:
    """USER root, the last of a stage"""
    for stage in file.stages:
        user = _last(stage, User)
        if isinstance(user, User) and user.user.partition(":")[0].strip("\"'") in _ROOT:
            yield file.found("the last USER of the stage is root", file.at(user, user.user))


def no_user(file: Linted) -> Iterator[Found]:
    """No USER at all"""
    stage = file.stages[-1]
    lineage = [stage, *file.lineage(stage)]
    runs = any(_last(one, kind) for one in lineage for kind in (Cmd, Entrypoint))
    if runs and not any(_last(one, User) for one in lineage):
        message = "no USER: the program runs as root unless the base image says otherwise"
        yield file.found(message, file.whole(stage.start), hint="USER 1000, or a user that a RUN adds")


def named_user(file: Linted) -> Iterator[Found]:
    """USER name"""
    for stage in file.stages:
        user = _last(stage, User)
        if isinstance(user, User) and "$" not in user.user:
            name = user.user.partition(":")[0].strip("\"'")
            if not name.isdigit():
                message = f"{name} is a name, and who that is stands in the image: runAsNonRoot wants a number"
                yield file.found(message, file.at(user, user.user), hint="USER <uid>")


def no_healthcheck(file: Linted) -> Iterator[Found]:
    """No HEALTHCHECK"""
    if not any(isinstance(one, Healthcheck) for _, one in file.instructions):
        yield file.found("no HEALTHCHECK", file.whole(file.stages[-1].start))


def _ports(file: Linted) -> Iterator[tuple[Expose, Word]]:
    for _, one in file.instructions:
        if isinstance(one, Expose):
            yield from ((one, word) for word in one.words)


def protocol_casing(file: Linted) -> Iterator[Found]:
    """EXPOSE 80/TCP"""
    for _, word in _ports(file):
        port, _, protocol = word.text.rpartition("/")
        if port and protocol != protocol.lower() and "$" not in protocol:
            message = f"Defined protocol '{word.text}' in EXPOSE instruction should be lowercase"
            place = file.word(word)
            edit = Edit(place[1] - len(protocol), place[1], protocol.lower())
            yield file.found(message, place, *((edit,) if file.exact(word) else ()))


def host_port(file: Linted) -> Iterator[Found]:
    """EXPOSE 8080:80"""
    for _, word in _ports(file):
        if ":" in word.text and "$" not in word.text:
            message = f"EXPOSE instruction should not define an IP address or host-port mapping, found '{word.text}'"
            place = file.word(word)
            edit = Edit(*place, word.text.rpartition(":")[2])
            yield file.found(message, place, *((edit,) if file.exact(word) else ()))


def kill_signal(file: Linted) -> Iterator[Found]:
    """STOPSIGNAL SIGKILL"""
    for _, one in file.instructions:
        if isinstance(one, Stopsignal) and one.signal.upper().removeprefix("SIG") in {"KILL", "9", "STOP", "19"}:
            yield file.found("no program can hear this signal, so none can end in order", file.at(one, one.signal))


def shell_link(file: Linted) -> Iterator[Found]:
    """RUN ln -sf /bin/bash /bin/sh"""
    for _, program in file.programs("ln"):
        if any(word.text == "/bin/sh" for word in program.operands):
            message = "SHELL changes which shell reads RUN, and changes nothing else"
            yield file.found(message, program.place(), hint='SHELL ["/bin/bash", "-c"]')


def pipefail(file: Linted) -> Iterator[Found]:
    """RUN a | b"""
    for step in file.steps:
        options = " ".join(step.shell)
        if "pipefail" in options or not step.sources:
            continue
        for program in step.programs:
            flags = {word.text for word in program.arguments}
            if "pipefail" in flags:  # set -o pipefail, bash -o pipefail -c …
                break
            if program.after in {"|", "|&"}:
                message = "what fails before the | is not noticed"
                yield file.found(message, program.place(), hint='SHELL ["/bin/bash", "-o", "pipefail", "-c"]')
                break


def _repeated_rule(name: str, kind: type[Instruction], severity: Severity, alias: str) -> Rule:
    title = f"More than one {kind.__name__.upper()} in a stage"
    aliases = ("MultipleInstructionsDisallowed", alias)
    return Rule(name, severity, title, "Only the last one counts.", repeated(kind), aliases)


RULES = (
    Rule("shell-form", Severity.WARNING, "CMD or ENTRYPOINT in shell form",
         "A shell is process 1 and passes no signal on, so the program is killed instead of ended.",
         shell_form, ("JSONArgsRecommended", "DL3025")),
    Rule("single-quotes", Severity.ERROR, "A JSON array with single quotes",
         "It is no JSON, so it is a command for a shell, which finds no program called [.",
         single_quotes, fixable=True),
    Rule("shell-entrypoint", Severity.WARNING, "ENTRYPOINT in shell form beside a CMD",
         "The shell form takes no arguments: CMD is ignored.", shell_entrypoint),
    Rule("exec-variable", Severity.WARNING, "A variable in the exec form",
         "Only a shell replaces variables, and the exec form has none.", exec_variable),
    _repeated_rule("repeated-cmd", Cmd, Severity.WARNING, "DL4003"),
    _repeated_rule("repeated-entrypoint", Entrypoint, Severity.ERROR, "DL4004"),
    _repeated_rule("repeated-healthcheck", Healthcheck, Severity.ERROR, "DL3012"),
    Rule("root-user", Severity.WARNING, "The last USER is root",
         "A program that is broken into then is root in its container.", root_user, ("DL3002",)),
    Rule("no-user", Severity.STYLE, "No USER",
         "Without one the program is root, unless the base image names another user.", no_user),
    Rule("named-user", Severity.INFO, "USER is a name, not a number",
         "Kubernetes' runAsNonRoot can only judge numbers.", named_user, ("DL3066",)),
    Rule("no-healthcheck", Severity.IGNORE, "No HEALTHCHECK", "Without one nobody can ask the container how it is.",
         no_healthcheck, ("DL3057",)),
    Rule("expose-casing", Severity.WARNING, "EXPOSE with a protocol in capitals", "It is kept in small letters.",
         protocol_casing, ("ExposeProtoCasing",), fixable=True),
    Rule("expose-mapping", Severity.WARNING, "EXPOSE with an address or a port of the host",
         "An image cannot say them: only the port of the container is kept.",
         host_port, ("ExposeInvalidFormat",), fixable=True),
    Rule("kill-signal", Severity.INFO, "STOPSIGNAL that cannot be heard",
         "The program is gone at once, with whatever it had not written yet.", kill_signal),
    Rule("shell-link", Severity.WARNING, "RUN puts another shell in the place of /bin/sh",
         "Scripts of the distribution expect the one it came with.", shell_link, ("DL4005",)),
    Rule("pipefail", Severity.WARNING, "A pipe whose first part may fail unnoticed",
         "A pipe's exit code is its last program's, so the build goes on with half a result.", pipefail, ("DL4006",)),
)  # fmt: skip
