"""How a failure must look: one message, an exit code, and a store that is as it was."""

from __future__ import annotations

import re

from tests.e2e.actors import Actor, listing

PASSWORD = "s3cret-pass:word"


def check_refused(actor: Actor, *argv: str, says: str, code: int = 1, stdin: bytes | None = None) -> None:
    """The command fails: ``says`` is a pattern of the whole of stderr; the store stays as it was."""
    before = listing(actor.store)
    done = actor(*argv, stdin=stdin)
    assert "Traceback" not in done.stderr
    assert re.fullmatch(says, done.stderr.rstrip("\n")), f"{done.stderr}\nis not\n{says}"
    assert done.exit_code == code, f"exit code {done.exit_code}: {done.stderr}"
    assert listing(actor.store) == before
    assert PASSWORD not in done.stderr + done.stdout


def literally(text: str) -> str:
    """``text`` as a pattern; ``{...}`` stands for anything on the line, ``{rest}`` for anything at all."""
    pattern = re.escape(text).replace(re.escape("{...}"), "[^\\n]*")
    return pattern.replace(re.escape("{rest}"), "(?s:.*)")
