"""What every report shares: names without control characters, bars, columns, and the tree as lines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from scow.errors import printable
from scow.layer.entry import shown
from scow.size.tree import Node

#: Bytes → ``12.3MB``.
Human = Callable[[int], str]
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def path(raw: bytes) -> str:
    """A path for people, from the root."""
    return printable(shown(raw))


def percent(share: float) -> str:
    """``12.3 %``."""
    return f"{100 * share:.1f} %"


def counted(count: int, name: str) -> str:
    """``1 layer``, ``2 layers``."""
    return f"{count} {name}{'' if count == 1 else 's'}"


def signed(size: int, human: Human) -> str:
    """A difference: ``+12.3MB``, ``-1B``, ``0B``."""
    return ("-" if size < 0 else "+") + human(abs(size)) if size else human(0)


def bar(share: float, width: int) -> str:
    """A bar of up to ``width`` columns, in eighths of one."""
    eighths = max(0, min(8 * width, round(8 * width * share)))
    full, part = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[part] if part else "")).ljust(width)


def columns(rows: Iterable[Sequence[str]], right: str) -> Iterator[str]:
    """Rows as aligned lines; ``right`` has an ``r`` for each column to align at the right."""
    rows = list(rows)
    widths = [max(len(row[at]) for row in rows) for at in range(len(right))] if rows else []
    for row in rows:
        cells = [
            cell.rjust(wide) if side == "r" else cell.ljust(wide)
            for cell, wide, side in zip(row, widths, right, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def shortened(text: str, width: int) -> str:
    """At most ``width`` characters of one line, the last of them ``…`` where something was cut."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 1] + "…"


def branches(node: Node, human: Human, least: float, depth: int, indent: str = "") -> Iterator[str]:
    """The tree below ``node`` as lines, children of at least ``least`` bytes."""
    shown = [child for child in node.children if child.size >= least and not child.rest]
    for child in shown:
        last = child is shown[-1]
        name = printable(child.name) + ("/" if child.children else "")
        yield f"{human(child.size):>8}  {indent}{'└─' if last else '├─'} {name}"
        if depth > 1:
            yield from branches(child, human, least, depth - 1, indent + ("   " if last else "│  "))
