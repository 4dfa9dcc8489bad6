"""Staying with a container whose streams are a monitor's, until its end or the detach keys."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from scow.cli.containers.signals import Forwarding
    from scow.runtime.session import Session

EVERYTHING = frozenset({"stdin", "stdout", "stderr"})


def stay(
    session: Session, forwarding: Forwarding, detach_keys: str, *, stdin: int | None, streams: frozenset[str]
) -> int | None:
    """Copy between its streams and ours; its exit code, None when the keys were typed."""
    from scow.runtime.attaching import copy
    from scow.runtime.child import Stdio
    from scow.runtime.spec.keys import detach_keys as parsed

    keys = parsed(detach_keys)
    forwarding.begin(session)
    null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        stdout, stderr = (fd if name in streams else null for name, fd in (("stdout", 1), ("stderr", 2)))
        code = copy(session, Stdio(stdin, stdout, stderr), keys)
    finally:
        os.close(null)
    if code is None:
        click.echo("read escape sequence", err=True)
    return code
