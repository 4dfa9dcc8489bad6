"""``scow explore``: drawn, a key, drawn again, until one leaves."""

from __future__ import annotations

from contextlib import ExitStack

from scow.cli.sizes.explorer.drawing import frame
from scow.cli.sizes.explorer.screen import Screen
from scow.cli.sizes.explorer.terminal import Terminal
from scow.engine.analysis.exploring import Exploration


def explore(exploration: Exploration, terminal: Terminal) -> None:
    """Walk through an image. Its layers are read while the first screen already stands."""
    with ExitStack() as stack:
        stack.enter_context(terminal.held())
        terminal.draw([[(f"reading {exploration.name}", "dim")]])
        screen = Screen(exploration)
        keys = terminal.keys()
        stack.callback(keys.close)
        terminal.draw(frame(screen, *terminal.size))
        for key in keys:
            if not screen.press(key):
                return
            terminal.draw(frame(screen, *terminal.size))
            if screen.later is not None:
                screen.later()
                terminal.draw(frame(screen, *terminal.size))
