"""``cp``: files out of a container and into it, whether it runs or not."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from scow.engine.containers import starting
from scow.engine.containers.records import Settings
from scow.errors import Denied, Invalid, NotFound

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace

_PLAIN, _ALL = 0o777, 0o7777


def pack(workplace: Workplace, settings: Settings, path: str, output: BinaryIO, *, follow: bool) -> None:
    """Write a tar of ``path`` to ``output``."""
    from scow.runtime.carried import outgoing

    with _place(workplace, settings) as place:
        plan = {**place, "verb": "pack", "path": path, "follow": follow}
        with outgoing(plan) as (_, stream):
            while part := stream.read(1 << 20):
                output.write(part)
    output.flush()


def unpack(workplace: Workplace, settings: Settings, path: str, archive: BinaryIO, *, owners: bool) -> None:
    """Unpack a tar into the directory ``path``."""
    from scow.runtime.carried import incoming

    with _place(workplace, settings) as place:
        plan = {**place, "verb": "unpack", "path": path, "source": None, "owners": owners}
        with incoming(plan) as stream:
            while part := archive.read(1 << 20):
                stream.write(part)


def copy_out(workplace: Workplace, settings: Settings, path: str, target: str, *, follow: bool, owners: bool) -> None:
    """A file or directory to the host, by docker's rules of where it goes."""
    from scow.runtime.carried import outgoing
    from scow.runtime.launcher import tarstream
    from scow.runtime.launcher.carrying import destination
    from scow.runtime.wire import Refused

    with _place(workplace, settings) as place, _disk_errors(target), contextlib.ExitStack() as opened:
        plan = {**place, "verb": "pack", "path": path, "follow": follow}
        with outgoing(plan) as (source, stream):
            try:
                source["contents"] = path.endswith("/.")
                directory, rename = destination(target, source)
                fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                opened.callback(os.close, fd)
                mask = _ALL if owners else _PLAIN  # a file out of a container is nobody's setuid here unasked
                tarstream.unpack(stream, fd, rename, mask=mask, owners=owners, nodes=owners)
            except (Refused, tarstream.Refusal) as error:
                raise Invalid(str(error), subject=target) from None


def copy_in(workplace: Workplace, settings: Settings, source: str, path: str, *, follow: bool, owners: bool) -> None:
    """A file or directory of the host into a container."""
    from scow.runtime.carried import incoming
    from scow.runtime.launcher import tarstream

    real = os.path.realpath(source) if follow or source.endswith(("/", "/.")) else os.path.abspath(source)
    if not os.path.lexists(real):
        raise NotFound("no such file or directory", subject=source)
    if source.endswith(("/", "/.")) and not os.path.isdir(real):
        raise Invalid("not a directory", subject=source)
    told = {
        "name": os.path.basename(real) or ".",
        "directory": os.path.isdir(real) and not os.path.islink(real),
        "contents": source.endswith("/."),
    }
    with _place(workplace, settings) as place, _disk_errors(source):
        plan = {**place, "verb": "unpack", "path": path, "source": told, "owners": owners}
        with incoming(plan) as stream:
            tarstream.pack(real, str(told["name"]), stream)


@contextlib.contextmanager
def _disk_errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Denied((error.strerror or str(error)).lower(), subject=str(error.filename or path)) from None


@contextlib.contextmanager
def _place(workplace: Workplace, settings: Settings) -> Iterator[dict[str, Any]]:
    """How a carrier gets to a container's files: by its first process, or by mounting what would be mounted."""
    from scow.engine.containers.records import ALIVE
    from scow.runtime.probe import probe

    state = workplace.containers.state(settings.id)
    if state.status in ALIVE and state.pid:
        yield {"pid": state.pid, "born": state.born, "chroot": probe().rung == 4}
        return
    alone = msgspec.structs.replace(settings, spec={**settings.spec, "network": "none", "pid": "", "ipc": ""})
    with starting.made(workplace, alone) as (runner, bundle, _):  # whose others may be gone, and ports taken
        plan = runner.plan(bundle)
        mounts = [m for m in bundle.spec["mounts"] if m["type"] == "bind" and not m["source"].startswith("/sys")]
        yield {**plan, "target": bundle.spec["root"]["path"], "mounts": mounts}
