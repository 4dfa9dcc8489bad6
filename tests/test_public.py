"""What is public is documented and true, and the repository names no place but itself."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.support.architecture import Module, read_source

import scow

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "src" / "scow"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).split("[")[0].endswith("Protocol") for base in node.bases)


def documented_by_a_protocol(modules: Mapping[str, Module]) -> set[str]:
    """The names of methods that some protocol documents: what implements it need not say it again."""
    classes = [node for module in modules.values() for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    protocols = [one for one in classes if _is_protocol(one)]
    methods = [(one, node) for one in protocols for node in one.body if isinstance(node, Function)]
    return {method.name for one, method in methods if ast.get_docstring(method) or _single_method(one)}


def _single_method(node: ast.ClassDef) -> bool:
    """A documented protocol of one method: the class has said what it does."""
    methods = [one for one in node.body if isinstance(one, Function)]
    return _is_protocol(node) and len(methods) == 1 and ast.get_docstring(node) is not None


def _exempt(node: Function) -> bool:
    """Setters speak through their getter, overloads through their implementation."""
    return any(ast.unparse(mark).endswith((".setter", ".deleter", "overload")) for mark in node.decorator_list)


def undocumented(module: Module, told_elsewhere: set[str]) -> Iterator[str]:
    """``PATH:LINE: NAME`` of each public thing without a docstring."""
    if not ast.get_docstring(module.tree):
        yield f"{module.path}:1: {module.name}"
    scopes: list[tuple[str, ast.Module | ast.ClassDef, set[str]]] = [(module.name, module.tree, set())]
    while scopes:
        prefix, scope, known = scopes.pop()
        for node in scope.body:
            if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_") or node.name in known:
                continue
            if isinstance(node, Function) and _exempt(node):
                continue
            if not ast.get_docstring(node):
                yield f"{module.path}:{node.lineno}: {prefix}.{node.name}"
            if isinstance(node, ast.ClassDef) and not _single_method(node):
                scopes.append((f"{prefix}.{node.name}", node, told_elsewhere))


def test_every_public_name_has_a_docstring() -> None:
    modules = read_source(PACKAGE)
    told_elsewhere = documented_by_a_protocol(modules)
    missing = [line for module in modules.values() for line in undocumented(module, told_elsewhere)]
    assert not missing, "\n".join(missing)


def test_a_missing_docstring_is_found(tmp_path: Path) -> None:
    package = tmp_path / "scow"
    package.mkdir()
    (package / "a.py").write_text('"""A."""\nclass B:\n    """B."""\n    def c(self): ...\n    def _d(self): ...\n')
    modules = read_source(package)
    found = list(undocumented(modules["scow.a"], set()))
    assert [line.partition(": ")[2] for line in found] == ["scow.a.B.c"]
    assert list(undocumented(modules["scow.a"], {"c"})) == []


def test_all_is_true() -> None:
    assert sorted(scow.__all__) == list(dict.fromkeys(sorted(scow.__all__)))
    for name in scow.__all__:
        assert getattr(scow, name) is not None
    with pytest.raises(AttributeError):
        scow.__getattr__("no_such_name")


def test_the_version_is_said_once() -> None:
    assert importlib.metadata.version("scow") == scow.__version__


def test_importing_the_package_imports_no_room() -> None:
    code = "import sys, scow; print(*[name for name in sys.modules if name.startswith('scow.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def _files() -> list[Path]:
    argv = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git checkout: there is no list of the project's files")
    return [REPOSITORY / name for name in done.stdout.split("\0") if name and (REPOSITORY / name).is_file()]


def foreign_places() -> re.Pattern[str]:
    """What only one machine has: this checkout, this interpreter, this home, and package mirrors."""
    own = {str(REPOSITORY), sys.prefix, sys.base_prefix, str(Path.home())} - {"/usr", "/usr/local", "/root", "/"}
    machine = [re.escape(place) + r"(?![\w-])" for place in sorted(own) if len(Path(place).parts) > 2]
    mirrors = [r"--(?:extra-)?index-url", r"--trusted-host", r"PIP_INDEX_URL", r"Acquire::https?::Proxy"]
    return re.compile("|".join(machine + [f"{mirror}(?!\\))" for mirror in mirrors]))


def test_no_file_names_a_machine_or_a_mirror() -> None:
    pattern = foreign_places()
    found = []
    for path in _files():
        if path == Path(__file__):
            continue
        lines = path.read_text(errors="replace").splitlines()
        found += [
            f"{path}:{number}: {line.strip()[:100]}" for number, line in enumerate(lines, 1) if pattern.search(line)
        ]
    assert not found, "\n".join(found)
