"""``scow`` and ``python -m scow``: the command line in a process that is its own."""

from __future__ import annotations

import gc
import os
import sys
from typing import Any, NoReturn

from scow.cli import later

_LATER = ("inspect", "textwrap", "ipaddress", "fnmatch", "ntpath", "hashlib", "msgspec.inspect", "signal")


def _quote_from_bytes(*args: Any) -> str:
    return str(sys.modules["urllib.parse"].quote_from_bytes(*args))


#: What is asked of modules while others are loaded, and the answer: nothing more of them is wanted as a rule.
_KNOWN: dict[str, dict[str, Any]] = {
    "platform": {"system": lambda: os.uname().sysname},  # by uuid, that by click and msgspec
    "urllib.parse": {"quote_from_bytes": _quote_from_bytes},  # by pathlib
    "gettext": {"gettext": str, "ngettext": lambda one, many, n: one if n == 1 else many},  # click has no translations
    "decimal": {"Decimal": type("Decimal", (), {})},  # by msgspec, for documents that have any: none of ours
}


def program() -> NoReturn:
    """Run the command line, and then be gone at once: taking the interpreter down costs a tenth of a ``run``."""
    gc.set_threshold(100_000, 50, 50)  # a command lives too short for the collector to pay
    later.stand_in(*_LATER)
    # typing_extensions: msgspec takes it where it is, but only older Pythons than ours need it
    with later.knowing(_KNOWN), later.missing("typing_extensions"):
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
