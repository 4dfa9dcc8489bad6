"""Modules that are loaded when something of them is wanted."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest


def told(code: str) -> str:
    """What an interpreter of its own prints."""
    done = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("use", "printed"),
    [
        ("import inspect; print(inspect.cleandoc(' a '))", "a"),
        ("from inspect import cleandoc; print(cleandoc(' a '))", "a"),
        ("import dataclasses; print(dataclasses.make_dataclass('A', ['a'])(1).a)", "1"),
        ("import inspect; print('ast' in sys.modules)", "False"),
        ("print(hasattr(sys.modules['inspect'], '__file__'), 'ast' in sys.modules)", "False False"),
        ("import inspect; inspect.cleandoc; print(sys.modules['inspect'].__spec__.name, 'ast' in sys.modules)",
         "inspect True"),
    ],
)  # fmt: skip
def test_a_stand_in_loads_at_the_first_look(use: str, printed: str) -> None:
    assert told(f"import sys; from scow.cli import later; later.stand_in('inspect'); {use}") == printed


def test_threads_may_look_at_once() -> None:
    code = """
        from threading import Barrier, Thread
        from scow.cli import later
        later.stand_in("inspect")
        import inspect
        start, found = Barrier(8), []
        def look():
            start.wait()
            found.append(inspect.signature(len))
        threads = [Thread(target=look) for _ in range(8)]
        for one in threads: one.start()
        for one in threads: one.join()
        print(len(found))
    """
    assert told(code) == "8"


def test_missing_for_a_while() -> None:
    code = """
        import sys
        from scow.cli import later
        with later.missing("decimal"):
            try:
                import decimal
            except ImportError:
                print("missing")
        import decimal
        print(decimal.Decimal(1), "decimal" in sys.modules)
    """
    assert told(code) == "missing\n1 True"


def test_what_is_known_loads_nothing_and_is_forgotten() -> None:
    code = """
        import sys
        from scow.cli import later
        with later.knowing({"decimal": {"Decimal": "known"}}):
            from decimal import Decimal
            print(Decimal, "numbers" in sys.modules)
        import decimal
        print(decimal.Decimal(1), "numbers" in sys.modules)
    """
    assert told(code) == "known False\n1 True"


def test_a_module_that_is_loaded_keeps_what_it_has() -> None:
    code = """
        import decimal
        from scow.cli import later
        with later.knowing({"decimal": {"Decimal": "known"}}):
            print(decimal.Decimal(1))
        print(decimal.Decimal(1))
    """
    assert told(code) == "1\n1"


def test_one_that_was_loaded_meanwhile_is_whole() -> None:
    code = """
        from scow.cli import later
        with later.knowing({"decimal": {"Decimal": "known"}}):
            import decimal
            decimal.getcontext
        print(decimal.Decimal(1), decimal.getcontext().prec)
    """
    assert told(code) == "1 28"


def test_a_function_that_is_only_looked_at_loads_nothing() -> None:
    code = """
        import sys
        from scow.cli import later
        later.stand_in_with({"urllib.parse": ("quote",)})
        from urllib.parse import quote
        print("ipaddress" in sys.modules, quote("a b"), "ipaddress" in sys.modules)
        import urllib.parse
        print(urllib.parse.unquote("a%20b"), quote("b c"), urllib.parse.quote is quote)
    """
    assert told(code) == "False a%20b True\na b b%20c False"


def test_a_stand_in_is_found_in_its_package() -> None:
    code = """
        import urllib
        from scow.cli import later
        later.stand_in("urllib.parse")
        import urllib.parse
        print(urllib.parse.quote("a b"), urllib.parse.__spec__.name)
    """
    assert told(code) == "a%20b urllib.parse"


def test_long_patterns_of_a_module_are_compiled_when_asked() -> None:
    code = """
        import re
        from scow.cli import later
        compiled, real = [], re.compile
        later._compile = lambda text, flags: compiled.append(len(text)) or real(text, flags)
        later.compile_late("urllib3.util.url")
        from urllib3.util import parse_url, url
        print([size for size in compiled if size > 900], url._IPV6_ADDRZ_RE.match("host"))
        print(parse_url("http://[::1]:5000/v2/").host, len({size for size in compiled if size > 900}))
        print(type(re.compile("x" * 1000)))
    """
    assert told(code).splitlines() == [
        "[] None",
        "[::1] 2",
        "<class 're.Pattern'>",
    ]


_LIGHT = ("ast", "typing_extensions", "numbers", "_hashlib", "_decimal")


def test_the_command_loads_none_of_them() -> None:
    code = f"""
        import sys, os
        sys.argv = ["scow", "--version"]
        os._exit = lambda code: print(*(name for name in {_LIGHT} if name in sys.modules), file=sys.stderr)
        from scow.__main__ import program
        program()
    """
    done = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("scow version ")
    assert done.stderr.split() == []


def test_what_they_are_asked_for_later_is_there() -> None:
    code = """
        import sys, os
        sys.argv = ["scow", "--version"]
        def then(code):
            import decimal, gettext, pathlib, platform
            print(decimal.Decimal("1.5") + 1, gettext.translation, platform.python_version() == sys.version.split()[0])
            print(pathlib.PurePosixPath("/a b").as_uri())
        os._exit = then
        from scow.__main__ import program
        program()
    """
    lines = told(code).splitlines()
    assert lines[1].startswith("2.5 <function translation")
    assert lines[1].endswith("True")
    assert lines[2] == "file:///a%20b"


def test_an_interrupt_while_it_loads_is_no_traceback() -> None:
    code = """
        import sys
        from scow.cli import later
        def interrupted(*_):
            raise KeyboardInterrupt
        later.knowing = interrupted
        from scow.__main__ import program
        program()
    """
    done = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
