"""RUN → its op: the program, what it sees, and what is mounted while it runs. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Final

from scow.build.draft import DEFAULT_PATH, Draft
from scow.build.ops import BindMount, CacheMount, Mount, RunOp, SecretMount, SshMount, TmpfsMount
from scow.dockerfile import instructions as ins
from scow.dockerfile import mounts as written
from scow.dockerfile.heredoc import heredoc
from scow.dockerfile.span import Span, located
from scow.errors import Invalid

INSECURE: Final = "security.insecure"
_PIPES: Final = "/dev/pipes"
_SECRETS: Final = "/run/secrets"
_AGENTS: Final = "/run/buildkit"


def run(draft: Draft, instruction: ins.Run) -> None:
    """Note a RUN."""
    if instruction.devices:
        raise draft.unsupported("RUN --device")
    _check_security(draft, instruction)
    argv, script = _program(draft, instruction.command)
    mounts, agent = _mounts(draft, instruction)
    args = dict(sorted(draft.variables.args.items()))
    env = args | {"PATH": DEFAULT_PATH} | agent | draft.variables.run_env  # an ENV covers the argument of its name
    network = instruction.network if instruction.network != "default" else draft.arguments.network
    op = RunOp(
        argv=argv,
        env=tuple(f"{name}={value}" for name, value in env.items()),
        cwd=draft.workdir,
        user=draft.process.get("User", ""),
        network=network,
        hidden=draft.variables.proxies,
        mounts=mounts,
        insecure=instruction.security == "insecure",
        script=script,
        around=draft.arguments.around,
        platform=_foreign(draft),
    )
    declared = draft.variables.told
    prefix = f"|{len(declared)} {' '.join(declared)} " if declared else ""
    told = f"{' '.join(argv)} {script.decode()}" if script else " ".join(argv)
    draft.step(f"RUN {prefix}{told}", op)


def _foreign(draft: Draft) -> str:
    """The stage's platform where it is not the building machine's architecture."""
    wanted, here = draft.platform, draft.arguments.build_platform.normalised()
    return str(wanted) if (wanted.os, wanted.architecture) != (here.os, here.architecture) else ""


def _check_security(draft: Draft, instruction: ins.Run) -> None:
    if instruction.security == "insecure" and INSECURE not in draft.arguments.allow:
        raise draft.invalid(f"{INSECURE} is not allowed", hint=f"--allow {INSECURE}")


def _program(draft: Draft, command: ins.Command) -> tuple[tuple[str, ...], bytes]:
    """The argument vector, and the script it runs where a heredoc begins with ``#!``."""
    if isinstance(command, ins.ExecForm) or not command.heredocs:
        return draft.argv(command), b""
    first = command.heredocs[0]
    if len(command.heredocs) == 1 and heredoc(command.text.strip()):
        if first.text.startswith("#!"):
            return (*draft.shell, f"{_PIPES}/{posixpath.basename(first.name)}"), first.text.encode()
        return (*draft.shell, first.text), b""
    bodies = "".join(f"\n{doc.content}{doc.name}" for doc in command.heredocs)
    return (*draft.shell, command.text + bodies), b""


# -- mounts -----------------------------------------------------------------------------------------------------------


def _mounts(draft: Draft, instruction: ins.Run) -> tuple[tuple[Mount, ...], dict[str, str]]:
    """The mounts, variables replaced, and the variable that names the agent's socket."""
    found: list[Mount] = []
    agent: dict[str, str] = {}
    for mount in instruction.mounts:
        where = _span(instruction, mount)
        try:
            given = mount.expanded(draft.variables.lookup, draft.escape)
        except Invalid as error:
            raise located(error, draft.stages.dockerfile.where(where)) from None
        if given.type == "ssh":
            found.append(_ssh(draft, given, where, sum(isinstance(one, SshMount) for one in found)))
            agent.setdefault("SSH_AUTH_SOCK", found[-1].target)
        else:
            found.append(_KINDS[given.type](draft, instruction, given, where))
    return tuple(found), agent


def _span(instruction: ins.Run, mount: written.Mount) -> Span:
    words = (word.span for word in instruction.words if word.text == f"--mount={mount.written}")
    return next(words, instruction.span)


def _target(draft: Draft, target: str, where: Span) -> str:
    path = posixpath.normpath(posixpath.join("/", draft.workdir, target))
    path = "/" + path.lstrip("/")
    if path == "/":
        raise draft.invalid(f'invalid mount target "{target or "/"}"', span=where)
    return path


def _bind(draft: Draft, instruction: ins.Run, given: written.Mount, where: Span) -> Mount:
    origin = draft.origin(instruction, given.from_)
    return BindMount(origin, given.source, _target(draft, given.target, where), given.readonly)


def _cache(draft: Draft, instruction: ins.Run, given: written.Mount, where: Span) -> Mount:
    if given.source and not given.from_:
        raise draft.invalid(f'a new cache has no "{given.source}"', span=where, hint="from= says where it is")
    name = given.id or posixpath.normpath(given.target or draft.workdir)
    namespace = draft.arguments.around.namespace
    return CacheMount(
        id=f"{namespace}/{name}" if namespace else name,
        target=_target(draft, given.target, where),
        sharing=given.sharing or "shared",
        read_only=given.readonly,
        mode=0o755 if given.mode is None else given.mode,
        uid=given.uid or 0,
        gid=given.gid or 0,
        origin=draft.origin(instruction, given.from_) if given.from_ and given.from_ != "scratch" else None,
        source=given.source,
    )


def _tmpfs(draft: Draft, _instruction: ins.Run, given: written.Mount, where: Span) -> Mount:
    return TmpfsMount(_target(draft, given.target, where), given.size)


def _secret(draft: Draft, _instruction: ins.Run, given: written.Mount, where: Span) -> Mount:
    name = given.source or given.id or posixpath.basename(given.target)
    target = given.target or ("" if given.env else f"{_SECRETS}/{posixpath.basename(name)}")
    return SecretMount(
        id=name,
        target=_target(draft, target, where) if target else "",
        env=given.env or "",
        required=given.required,
        mode=0o400 if given.mode is None else given.mode,
        uid=given.uid or 0,
        gid=given.gid or 0,
    )


def _ssh(draft: Draft, given: written.Mount, where: Span, number: int) -> Mount:
    return SshMount(
        id=given.id or "default",
        target=_target(draft, given.target or f"{_AGENTS}/ssh_agent.{number}", where),
        required=given.required,
        mode=0o600 if given.mode is None else given.mode,
        uid=given.uid or 0,
        gid=given.gid or 0,
    )


_KINDS: Final[Mapping[str, Callable[[Draft, ins.Run, written.Mount, Span], Mount]]] = {
    "bind": _bind,
    "cache": _cache,
    "tmpfs": _tmpfs,
    "secret": _secret,
}
