"""Make an image of this machine's own shell, run a program in it, and read what the program wrote.

Needs no network and no root, but a kernel that lets you start containers: ``python examples/run_a_program.py``.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from scow import Captured, Engine, Mount, Options
from scow.errors import Process

PROGRAMS = ("sh", "cat", "id")


def rootfs() -> io.BytesIO:
    """A tar with a few programs in /bin and the shared libraries that they need."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", dereference=True) as tar:
        libraries: set[str] = set()
        for name in PROGRAMS:
            path = next(path for path in (f"/bin/{name}", f"/usr/bin/{name}") if Path(path).exists())
            tar.add(path, f"bin/{name}")
            needed = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
            libraries.update(re.findall(r"(/[^ )]+)", needed))
        for library in sorted(libraries):
            tar.add(library, library.lstrip("/"))
    raw.seek(0)
    return raw


def output_of(engine: Engine, *args: str, options: Options | None = None) -> tuple[int, str]:
    """Run a program in a new container; its exit code, and what it wrote to its standard output."""
    with Captured() as captured:
        code = engine.containers.run("shell:1", args, options=options, stdio=captured.stdio)
        return code, captured.stdout.decode()


def main(work: Path) -> None:
    """Three containers of one image."""
    engine = Engine(work / "store")
    engine.images.import_(rootfs(), "shell:1", changes=["ENV GREETING=hello"])
    shared = work / "shared"
    shared.mkdir()
    (shared / "note.txt").write_text("from outside\n")

    script = 'echo "$GREETING $WHO"; id -u; cat /shared/note.txt; echo mine > /written; exit 3'
    mounts = (Mount("bind", str(shared), "/shared", read_only=True),)
    code, text = output_of(engine, "sh", "-c", script, options=Options(env=("WHO=world",), mounts=mounts))
    print(f"exit code {code}\n{text}", end="")

    code, text = output_of(engine, "cat", "/written")
    print(f"another container does not see what the first one wrote: exit code {code}")

    try:
        output_of(engine, "no-such-program")
    except Process as error:
        print(f"exit code {error.exit_code}: {error}")
    else:
        sys.exit("that should not run")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(Path(directory))
