"""What a slim image keeps, decided from a view and from what files say they need."""

from __future__ import annotations

from collections.abc import Mapping

from tests.size.planted import entry

from scow.layer.entry import Entry
from scow.layer.view import View
from scow.size.elf import Needs
from scow.size.needed import Needed

FILES = [
    entry("usr/bin/tool", 10), entry("usr/bin/script", 11), entry("usr/bin/python3.11", 12), entry("usr/bin/env", 13),
    entry("usr/lib/x86_64-linux-gnu/libc.so.6", 14), entry("usr/lib/x86_64-linux-gnu/libz.so.1.2", 15),
    Entry(b"usr/lib/x86_64-linux-gnu/libz.so.1", "symlink", link=b"libz.so.1.2"), entry("opt/own/libown.so", 16),
    entry("usr/lib64/ld-linux.so.2", 17), Entry(b"lib64", "symlink", link=b"usr/lib64"),
    Entry(b"usr/bin/python3", "symlink", link=b"python3.11"), Entry(b"bin", "symlink", link=b"usr/bin"),
    entry("usr/lib/python3.11/os.py", 18), entry("usr/lib/python3.11/json/__init__.py", 19),
    entry("usr/lib/python3.11/json/__pycache__/__init__.cpython-311.pyc", 20), entry("usr/lib/python3.11/this.py", 21),
    entry("etc/passwd", 22), entry("etc/empty", 0), entry("srv/a/x", 23), entry("srv/a/y", 24), entry("srv/b", 25),
    Entry(b"srv/dangling", "symlink", link=b"/nowhere"), Entry(b"srv/to-b", "symlink", link=b"b"),
    Entry(b"srv/round", "symlink", link=b"round"), entry("app/main.py", 26),
]  # fmt: skip
NEEDS: Mapping[bytes, Needs] = {
    b"usr/bin/tool": Needs(b"/lib64/ld-linux.so.2", (b"libz.so.1", b"libown.so"), (b"$ORIGIN/../../opt/own",)),
    b"usr/lib/x86_64-linux-gnu/libz.so.1.2": Needs(libraries=(b"libc.so.6",)),
    b"usr/bin/python3.11": Needs(libraries=(b"libc.so.6", b"libgone.so")),
}
LINES = {b"usr/bin/script": b"#!/usr/bin/env -S A=b python3 -u\nprint()"}


def collected() -> Needed:
    view = View()
    view.stack(0, FILES)
    return Needed(view, lambda found: NEEDS.get(found.entry.path), lambda found: LINES.get(found.entry.path, b""))


def kept(needed: Needed) -> set[str]:
    """The files that stay and weigh something."""
    return {path.decode() for path in needed.paths if (b"empty" not in path)}


def test_a_program_with_its_libraries() -> None:
    needed = collected()
    needed.command(b"tool", "/usr/local/bin:/bin")
    assert kept(needed) == {
        "usr/bin/tool", "usr/lib64/ld-linux.so.2", "usr/lib/x86_64-linux-gnu/libz.so.1.2",
        "usr/lib/x86_64-linux-gnu/libc.so.6", "opt/own/libown.so",
    }  # fmt: skip
    stay = needed.whole()
    assert {b"usr/lib/x86_64-linux-gnu/libz.so.1", b"bin", b"lib64", b"etc/empty", b"usr/lib", b"srv/dangling"} <= stay
    assert b"srv/round" in stay
    assert not {b"srv/to-b", b"usr/bin/python3", b"etc/passwd"} & stay


def test_a_script_with_its_interpreter() -> None:
    needed = collected()
    needed.command(b"/usr/bin/script", "")
    assert kept(needed) == {"usr/bin/script", "usr/bin/env", "usr/bin/python3.11", "usr/lib/x86_64-linux-gnu/libc.so.6"}
    assert b"usr/bin/python3" in needed.whole()


def test_bytecode_counts_beside_its_source() -> None:
    needed = collected()
    needed.opened([b"usr/lib/python3.11/json/__pycache__/__init__.cpython-311.pyc", b"not/in/the/image"])
    assert kept(needed) == {
        "usr/lib/python3.11/json/__pycache__/__init__.cpython-311.pyc",
        "usr/lib/python3.11/json/__init__.py",
        "usr/lib/python3.11/os.py",
    }


def test_what_a_user_names() -> None:
    needed = collected()
    assert needed.named(["srv", "!srv/a/y", "*.py"]) == 2
    assert kept(needed) == {"srv/a/x", "srv/b"}
    assert collected().named(["**/*.py"]) == 4


def test_without_watching() -> None:
    needed = collected()
    needed.command(b"python3", "")
    needed.static(b"app")
    assert {"app/main.py", "usr/lib/python3.11/this.py", "usr/bin/python3.11"} <= kept(needed)
    assert "srv/b" not in kept(needed)


def test_loops_and_nothing() -> None:
    needed = collected()
    needed.command(b"nothing", "")
    needed.program(b"srv/round")
    assert kept(needed) == set()
