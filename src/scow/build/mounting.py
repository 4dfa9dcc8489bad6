"""What is mounted while a RUN's program runs: the planned mounts made real, and gone afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from scow.build.caches import Caches
from scow.build.listing import Listing
from scow.build.ops import (
    BindMount,
    CacheMount,
    FromContext,
    Mount,
    Origin,
    RunOp,
    SecretMount,
    SshMount,
    TmpfsMount,
    key,
)
from scow.build.secrets import Secrets, private_directory, put
from scow.build.subtree import Subtree
from scow.errors import Invalid, NotFound


class HostMount(msgspec.Struct, frozen=True):
    """One mount as a runtime takes it: ``source`` is a path of the host; of a tmpfs it is empty."""

    kind: Literal["bind", "tmpfs"]
    source: str
    target: str
    read_only: bool = False
    options: tuple[str, ...] = ()


class Mounted(msgspec.Struct, frozen=True):
    """``hidden`` are variables (``K=V``) that hold secrets; ``private``, when given, is where to write them."""

    mounts: tuple[HostMount, ...] = ()
    hidden: tuple[str, ...] = ()
    private: Path | None = None

    def __repr__(self) -> str:
        return f"Mounted({self.mounts!r})"


class Mounting(msgspec.Struct):
    """Makes mounts. ``agents``: the sockets of the user's SSH agents by id. ``time`` (ns) is that of context files."""

    caches: Caches
    secrets: Secrets
    agents: dict[str, Path]
    listing: Callable[[Origin], Listing]
    time: int

    def keys(self, op: RunOp) -> list[str | bytes]:
        """The parts of a RUN's cache key: which mounts there are, and what binds hold; no secret, no cache."""
        parts: list[str | bytes] = []
        for mount in op.mounts:
            parts.append(key(type(mount).__name__, _declared(mount)))
            if isinstance(mount, BindMount):
                parts.append(self._subtree(mount.origin, mount.source).key())
        return parts

    @contextlib.contextmanager
    def made(self, op: RunOp, directory: Path) -> Iterator[Mounted]:
        """Everything that ``op`` wants mounted; files are copied below ``directory`` (not there yet)."""
        with contextlib.ExitStack() as held:
            private = held.enter_context(private_directory()) if self._wants_private(op) else None
            mounts: list[HostMount] = []
            hidden: list[str] = []
            caches: dict[CacheMount, Path] = {}
            for number, mount in sorted(enumerate(op.mounts), key=_order):
                place = directory / str(number)
                if isinstance(mount, SecretMount):
                    mounts += self._secret(mount, private, number, hidden)
                elif isinstance(mount, SshMount):
                    mounts += self._ssh(mount, private, number, held)
                else:
                    mounts.append(self._files(mount, place, held, caches))
            if op.script:
                mounts.append(_script(op, directory))
            yield Mounted(tuple(mounts), tuple(hidden), private)

    def _wants_private(self, op: RunOp) -> bool:
        return any(
            mount.id in (self.secrets if isinstance(mount, SecretMount) else self.agents)
            for mount in op.mounts
            if isinstance(mount, SecretMount | SshMount)
        )

    def _subtree(self, origin: Origin, source: str) -> Subtree:
        return Subtree.of(self.listing(origin), source, self.time if isinstance(origin, FromContext) else None)

    def _files(
        self,
        mount: BindMount | CacheMount | TmpfsMount,
        place: Path,
        held: contextlib.ExitStack,
        caches: dict[CacheMount, Path],
    ) -> HostMount:
        if isinstance(mount, TmpfsMount):
            size = (f"size={mount.size}",) if mount.size else ()
            return HostMount("tmpfs", "", mount.target, options=("exec", "mode=1777", *size))
        if isinstance(mount, BindMount):
            source = self._subtree(mount.origin, mount.source).write(place)
        else:
            same = replace(mount, target="", read_only=False)  # one cache at two places is held once
            if same not in caches:
                caches[same] = held.enter_context(self._cache(mount))
            source = caches[same]
        return HostMount("bind", str(source), mount.target, mount.read_only)

    def _cache(self, mount: CacheMount) -> contextlib.AbstractContextManager[Path]:
        if mount.origin is None:
            return self.caches.held(mount, "", None)
        seed = self._subtree(mount.origin, mount.source)
        if seed.top.kind != "dir":
            raise Invalid(f'a cache is a directory, and "/{mount.source.lstrip("/")}" is none')
        return self.caches.held(mount, seed.key(), seed.write)

    def _secret(self, mount: SecretMount, private: Path | None, number: int, hidden: list[str]) -> Iterator[HostMount]:
        if mount.id not in self.secrets or private is None:
            if mount.required:
                raise NotFound(f"secret {mount.id}: not found", hint=f"--secret id={mount.id},src=FILE")
            return
        value = self.secrets.value(mount.id)
        if mount.env:
            hidden.append(f"{mount.env}={_text(mount.id, value)}")
        if mount.target:
            path = put(private, f"secret-{number}", value, mode=mount.mode, uid=mount.uid, gid=mount.gid)
            yield HostMount("bind", str(path), mount.target, True, ("nosuid", "nodev", "noexec"))

    def _ssh(
        self, mount: SshMount, private: Path | None, number: int, held: contextlib.ExitStack
    ) -> Iterator[HostMount]:
        if mount.id not in self.agents or private is None:
            if mount.required:
                raise NotFound(f"no SSH agent {mount.id!r} was given", hint=f"--ssh {mount.id}")
            return
        from scow.build import agent

        agent.check(self.agents[mount.id])
        own = agent.forwarded(
            self.agents[mount.id], private / f"ssh-{number}", mode=mount.mode, uid=mount.uid, gid=mount.gid
        )
        yield HostMount("bind", str(held.enter_context(own)), mount.target)


def _order(numbered: tuple[int, Mount]) -> tuple[str, int]:
    """Caches by their ids, so that steps that lock several do not wait for each other."""
    number, mount = numbered
    return (mount.id if isinstance(mount, CacheMount) else "", number)


def _declared(mount: Mount) -> list[str]:
    """What the Dockerfile says of a mount, its content aside."""
    if isinstance(mount, BindMount):
        return [mount.target, str(mount.read_only)]
    if isinstance(mount, CacheMount):
        return [mount.id, mount.target, mount.sharing, str(mount.read_only), f"{mount.mode:o} {mount.uid}:{mount.gid}"]
    if isinstance(mount, TmpfsMount):
        return [mount.target, str(mount.size)]
    env = mount.env if isinstance(mount, SecretMount) else ""
    return [mount.id, mount.target, env, str(mount.required), f"{mount.mode:o} {mount.uid}:{mount.gid}"]


def _text(name: str, value: bytes) -> str:
    if b"\0" in value:
        raise Invalid(f"secret {name} holds a NUL byte: it cannot be a variable")
    return value.decode("utf-8", "surrogateescape")


def _script(op: RunOp, directory: Path) -> HostMount:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "script"
    path.write_bytes(op.script)
    path.chmod(0o755)
    return HostMount("bind", str(path), op.argv[-1], True)


def key_of(op: RunOp, chain: str, time: int, mounts: list[str | bytes]) -> str:
    """A RUN's cache key: what it does, to which file system (``chain``), and what it reads."""
    around = op.around
    lists: dict[str, list[str | bytes]] = {
        "argv": [*op.argv],
        "env": [*op.env],
        "script": [op.script],
        "mounts": mounts,
        "limits": [str(around.shm_size), *(f"{one.name}={one.soft}:{one.hard}" for one in around.ulimits)],
        **({"hostname": [around.hostname]} if around.hostname else {}),
        "hosts": [host.partition(":")[0] for host in around.hosts],  # where they are is no part of the result
    }
    own = [chain, op.cwd, op.user, op.network, str(time), str(op.insecure)]
    return key("run", [*own, *(key(name, parts) for name, parts in lists.items())])
