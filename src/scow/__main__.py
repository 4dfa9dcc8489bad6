"""``scow`` and ``python -m scow``: the command line in a process that is its own."""

from __future__ import annotations

import gc
import os
from typing import NoReturn

from scow.cli import later


def program() -> NoReturn:
    """Run the command line, and then be gone at once: taking the interpreter down costs a tenth of a ``run``."""
    gc.set_threshold(100_000, 50, 50)  # a command lives too short for the collector to pay
    later.stand_in("inspect", "textwrap", "ipaddress", "fnmatch", "ntpath")  # of click, msgspec and pathlib
    with later.missing("typing_extensions"):  # msgspec takes it where it is, but only older Pythons than ours need it
        from scow.cli.main import flush, main
    code = 0
    try:
        main(own_process=True)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
    flush()
    os._exit(code)


if __name__ == "__main__":
    program()
