"""``scan``: what is known to be wrong with an image."""

from __future__ import annotations

from scow.cli.session import Session


def advisories_of(session: Session) -> str:
    """Where advisories come from when no flag says it."""
    from scow.engine.advisories import SOURCE

    return session.environment.get("SCOW_ADVISORIES") or SOURCE
