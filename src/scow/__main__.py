"""``scow`` and ``python -m scow``: the command line in a process that is its own."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found] # signal itself makes tables that hardly any command looks at
import gc
import os
import sys
import urllib  # noqa: F401 - before what stands in for a part of it
from _thread import _local
from typing import Any, NoReturn

from scow.cli import later

_INTERRUPTED = 130  # as cli.failing says, which may not be loaded yet
_LATER = (
    "calendar", "fnmatch", "hashlib", "inspect", "ipaddress", "json", "mimetypes", "msgspec.inspect",
    "msgspec.toml", "msgspec.yaml", "ntpath", "random", "signal", "stringprep", "textwrap", "traceback",
)  # fmt: skip
#: Imported by name, by pathlib, urllib3, msgspec and click, and hardly ever called.
_FUNCTIONS = {
    "urllib.parse": ("quote_from_bytes",),
    "importlib.metadata": ("version",),
    "msgspec._json_schema": ("schema", "schema_components"),
    "click.termui": (
        "clear", "confirm", "echo_via_pager", "edit", "get_pager_file", "getchar", "launch", "pause", "progressbar",
        "prompt", "secho", "style", "unstyle",
    ),
}  # fmt: skip
#: What is asked of modules while others are loaded, and the answer: nothing more of them is wanted as a rule.
_KNOWN: dict[str, dict[str, Any]] = {
    "gettext": {"gettext": str, "ngettext": lambda one, many, n: one if n == 1 else many},  # click has no translations
    "threading": {"local": _local},  # by click
    "decimal": {"Decimal": type("Decimal", (), {})},  # by msgspec, for documents that have any: none of ours
    "uuid": {"UUID": type("UUID", (), {}), "SafeUUID": type("SafeUUID", (), {"unknown": None})},  # by click, too
}
#: Signals that ended this command.
_ended: list[int] = []
#: The small interpreter that a verb will want: it starts while everything else is loaded here.
_AHEAD = {"run": "launch", "start": "launch", "exec": "joining"}


def program() -> NoReturn:
    """Run the command line, and then be gone at once: taking the interpreter down costs a tenth of a ``run``."""
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _stand_open()
    gc.set_threshold(100_000, 50, 50)  # a command lives too short for the collector to pay
    later.stand_in(*_LATER)
    later.stand_for("datetime", "_datetime")  # whose twin in Python is run for nothing before 3.12
    later.stand_in_with(_FUNCTIONS)
    later.compile_late("urllib3.util.url")
    code = 0
    try:
        _listen()
        if len(sys.argv) > 2 and (module := _AHEAD.get(sys.argv[1])):
            from scow.runtime import spawn

            spawn.ahead(module)
        with later.knowing(_KNOWN), later.missing("typing_extensions"):  # of older Pythons than ours; msgspec asks
            from scow.cli.main import flush, main
        try:
            main(own_process=True)
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
        flush()
    except KeyboardInterrupt:  # before or after all else was ready for it
        code = _INTERRUPTED
    os._exit(128 + _ended[0] if _ended else code)


def _listen() -> None:
    """What ends a command ends it as Ctrl-C does: what it was writing is taken away."""
    for number in (_signal.SIGTERM, _signal.SIGHUP):
        if _signal.getsignal(number) == _signal.SIG_DFL:  # not under nohup
            _signal.signal(number, _end)


def _end(number: int, _: object) -> NoReturn:
    _ended.append(number)
    raise KeyboardInterrupt


def _stand_open() -> None:
    """/dev/null for each standard stream that came closed: the next file that is opened would be taken for it."""
    for fd, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            os.dup2(opened, fd) if opened != fd else os.set_inheritable(fd, True)
            setattr(sys, name, open(fd, mode))  # noqa: SIM115 - for as long as the process lives


if __name__ == "__main__":
    program()
