"""The user's terminal while ``explore`` has all of it: drawn line by line, read key by key, given back as it was."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Generator, Iterator, Sequence
from typing import Final

from scow.cli.sizes.explorer.keys import typed
from scow.cli.sizes.explorer.line import Line, drawn
from scow.runtime.terminal import raw, size_of, window_changes, write

#: xterm's ctlseqs: another screen buffer, no cursor, no wrapping at the right end; and all of it back
_ENTER: Final = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
_LEAVE: Final = b"\x1b[?7h\x1b[?25h\x1b[?1049l"
_CHUNK: Final = 4096
#: seconds within which the rest of a key's sequence follows an escape
_PATIENCE: Final = 0.05


class Terminal:
    """``stdout`` to draw on, ``stdin`` to read; only lines that are not on the screen yet are written."""

    def __init__(self, stdin: int, stdout: int, *, colour: bool) -> None:
        self._stdin, self._stdout, self._colour = stdin, stdout, colour
        self._on_screen: list[str] = []

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """All of the screen, for the length of the block."""
        write(self._stdout, _ENTER)
        try:
            yield
        finally:
            write(self._stdout, _LEAVE)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows; what cannot be asked has 80 and 24."""
        rows, columns = size_of(self._stdout) or (0, 0)
        return columns or 80, rows or 24

    def draw(self, lines: Sequence[Line]) -> None:
        """Show ``lines``, from the top."""
        told = [drawn(line, colour=self._colour) for line in lines]
        before = [*self._on_screen, *[""] * len(told)]
        parts = [f"\x1b[{at + 1};1H{line}\x1b[K" for at, line in enumerate(told) if line != before[at]]
        self._on_screen = told
        write(self._stdout, "".join(parts).encode(errors="replace"))

    def keys(self) -> Generator[str]:
        """Every key that is pressed, and ``resize`` whenever the window is another; ends with the terminal."""
        with raw(self._stdin), window_changes() as changed:
            left = b""
            while True:
                ready = select.select([self._stdin, changed], [], [], _PATIENCE if left else None)[0]
                if changed in ready:
                    os.read(changed, _CHUNK)
                    self._forget()
                    yield "resize"
                read = os.read(self._stdin, _CHUNK) if self._stdin in ready else b""
                if self._stdin in ready and not read:
                    return
                keys, left = typed(left + read, more=bool(read))
                yield from keys

    def _forget(self) -> None:
        self._on_screen = []
        write(self._stdout, b"\x1b[2J")
