"""The files of an image, wherever it is: ``image files``, ``tree``, ``cat``, ``cp``."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from scow.cli import formats, names
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import Invalid, printable

if TYPE_CHECKING:
    from scow.cli.table import Row
    from scow.layer.entry import Entry
    from scow.layer.view import Found

_WHERE = (
    " IMAGE is a name of the store, an archive, a layout, a directory, or a registry's (docker://NAME). Nothing is"
    " unpacked for it"
)
_COLUMNS = (
    ("MODE", "Mode"),
    ("OWNER", "Owner"),
    ("SIZE", "Size"),
    ("MODIFIED", "Modified"),
    ("PATH", "Path"),
)
_LETTERS = {"dir": "d", "symlink": "l", "char": "c", "block": "b", "fifo": "p"}
_PLATFORM = option("--platform", metavar="string", help="Look at the image for another platform than this machine's")


@click.command(
    "files",
    cls=Command,
    help="List the files of an image, of one directory or with -r of everything below it." + _WHERE,
    examples="""
        scow image files debian:12 /etc
        scow image files -r --format '{{.Path}} {{.Size}}' docker://alpine
    """,
)
@click.argument("image", metavar="IMAGE", shell_complete=names.images)
@click.argument("path", metavar="[PATH]", default="/")
@switch("-r", "--recursive", help="List everything below too")
@_PLATFORM
@formats.of_list
@pass_session
def files(session: Session, image: str, path: str, recursive: bool, platform: str | None, template: str) -> None:
    """``scow image files``."""
    from scow.cli import table

    found = session.engine.files.list(image, path, recursive=recursive, platform=platform)
    headers = {"Kind": "KIND", "Layer": "LAYER", "Link": "LINK", "Digest": "DIGEST"}
    click.echo(table.render(_rows(found), _COLUMNS, template, headers=headers), nl=False)


def _rows(found: Iterable[Found]) -> Iterator[Row]:
    from scow.cli.units import rfc3339

    for one in found:
        entry = one.entry
        link = os.fsdecode(entry.link) if entry.kind == "symlink" else ""
        path = "/" + entry.path.decode(errors="backslashreplace")
        yield {
            "Mode": _LETTERS.get(entry.kind, "-") + stat.filemode(entry.mode)[1:],
            "Owner": f"{entry.uid}:{entry.gid}",
            "Size": str(entry.size),
            "Modified": rfc3339(entry.mtime // 1_000_000_000),
            "Path": f"{path} -> {link}" if link else path,
            "Kind": entry.kind,
            "Layer": str(one.layer + 1),
            "Link": link,
            "Digest": f"sha256:{entry.digest.hex()}" if entry.digest else "",
        }


@click.command(
    "tree",
    cls=Command,
    help="Draw the files of an image as a tree." + _WHERE,
    examples="""
        scow image tree debian:12 /etc/apt
        scow image tree --depth 2 docker://alpine
    """,
)
@click.argument("image", metavar="IMAGE", shell_complete=names.images)
@click.argument("path", metavar="[PATH]", default="/")
@option("--depth", type=int, default=0, metavar="int", help="Go no deeper (default: to the end)")
@_PLATFORM
@pass_session
def tree(session: Session, image: str, path: str, depth: int, platform: str | None) -> None:
    """``scow image tree``."""
    entries = [one.entry for one in session.engine.files.list(image, path, recursive=True, platform=platform)]
    click.echo(printable(path))
    for line in _drawn(entries, depth):
        click.echo(printable(line))


def _drawn(entries: list[Entry], depth: int) -> Iterator[str]:
    """A line for each path; ``entries`` are sorted, parents first."""
    below: dict[bytes, list[Entry]] = {}
    for entry in entries:
        below.setdefault(entry.parent, []).append(entry)
    top = entries[0].parent if entries else b""
    todo = [(entry, "", entry is below[top][-1]) for entry in reversed(below.get(top, []))]
    while todo:
        entry, indent, last = todo.pop()
        name = entry.path.rpartition(b"/")[2].decode(errors="backslashreplace")
        told = f" -> {os.fsdecode(entry.link)}" if entry.kind == "symlink" else "/" if entry.kind == "dir" else ""
        yield f"{indent}{'└── ' if last else '├── '}{name}{told}"
        children = below.get(entry.path, []) if not depth or len(indent) // 4 + 1 < depth else []
        deeper = indent + ("    " if last else "│   ")
        todo += [(child, deeper, child is children[-1]) for child in reversed(children)]


@click.command(
    "cat",
    cls=Command,
    help="Print a file of an image; symlinks are followed in the image." + _WHERE,
    examples="""
        scow image cat debian:12 /etc/os-release
        scow image cat docker://alpine:3.20 /etc/apk/repositories
    """,
)
@click.argument("image", metavar="IMAGE", shell_complete=names.images)
@click.argument("path", metavar="PATH")
@_PLATFORM
@pass_session
def cat(session: Session, image: str, path: str, platform: str | None) -> None:
    """``scow image cat``."""
    session.engine.files.cat(image, path, sys.stdout.buffer, platform=platform)


@click.command(
    "cp",
    cls=Command,
    help="Copy a file, or a directory with all below it, out of an image, as your own files." + _WHERE,
    examples="""
        scow image cp debian:12 /etc/ssl ./ssl
        scow image cp docker://example.com/app:1 /app/binary .
    """,
)
@click.argument("image", metavar="IMAGE", shell_complete=names.images)
@click.argument("path", metavar="PATH")
@click.argument("target", metavar="DESTINATION")
@_PLATFORM
@pass_session
def cp(session: Session, image: str, path: str, target: str, platform: str | None) -> None:
    """``scow image cp``."""
    if target == "-":
        raise Invalid("cannot write an archive here", hint="scow image cat, or scow export")
    for left in session.engine.files.cp(image, path, target, platform=platform):
        click.echo(f"left out, as it is no file: {printable(left)}", err=True)
