"""Reads the source as trees and says where it leaves the plan of the house: floors, cycles, purity."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: room -> floor. A higher floor may import a lower one; never upward, never sideways.
FLOORS: Mapping[str, int] = {
    "errors": 1,
    "oci": 2, "dockerfile": 2, "files": 2, "held": 2,
    "layer": 3, "content": 3,
    "image": 4, "registry": 4,
    "build": 5, "runtime": 5, "scan": 5, "size": 5, "testing": 5,
    "engine": 6,
    "cli": 7,
    "": 8, "__main__": 8,
}  # fmt: skip
#: the parts of ``runtime``, each with those below it: what a launcher loads is on the way of every start
RUNTIME = ("spec", "wire", "kernel", "launcher", "monitor")
#: the package itself: its version is a constant that everybody may read; what else it names is the roof
ROOF_CONSTANTS = frozenset({"__version__"})

#: top-level modules through which the world is seen: files, network, processes, clock, chance, the machine
IMPURE = frozenset({
    "_io", "asyncio", "ctypes", "fcntl", "getpass", "glob", "grp", "http", "locale", "mmap", "multiprocessing", "os",
    "pathlib", "platform", "pty", "pwd", "random", "secrets", "select", "selectors", "shutil", "signal", "socket",
    "socketserver", "ssl", "subprocess", "tempfile", "termios", "threading", "time", "tty", "urllib3", "uuid",
})  # fmt: skip
#: of an impure module, what is pure after all
PURE_NAMES = {
    "os": frozenset({"major", "minor"}),
    "pathlib": frozenset({"PurePath", "PurePosixPath"}),
    "threading": frozenset({"Lock"}),
}
#: how a docstring says that what it is of decides, and never touches the world
_PURE = re.compile(r"\bP(?:ure|URE)\b")
_CLOCKS = frozenset({"now", "utcnow", "today"})


@dataclass(frozen=True, slots=True)
class Import:
    """``module`` is imported at ``path:line``; ``names`` are taken from it; ``typing`` if only for the type checker."""

    path: Path
    line: int
    module: str
    names: tuple[str, ...] = ()
    typing: bool = False

    @property
    def place(self) -> str:
        """``PATH:LINE``, as editors jump to it."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: its dotted ``name``, ``path``, tree and imports."""

    name: str
    path: Path
    tree: ast.Module
    imports: tuple[Import, ...]

    @property
    def room(self) -> str:
        """The folder (or file) beneath the package; empty for the package itself."""
        return [*self.name.split("."), ""][1]


def _for_typing(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _imports(path: Path, node: ast.AST, typing: bool = False) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(path, child.lineno, alias.name, (), typing) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = "." * child.level + (child.module or "")
            yield Import(path, child.lineno, module, tuple(alias.name for alias in child.names), typing)
        else:
            yield from _imports(path, child, typing or (isinstance(child, ast.stmt) and _for_typing(child)))


@cache
def read_source(package: Path) -> Mapping[str, Module]:
    """Every module of the package at ``package`` (``src/scow``), by dotted name; read once."""
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        tree = ast.parse(path.read_bytes(), str(path))
        modules[name] = Module(name, path, tree, tuple(_imports(path, tree)))
    return modules


def targets(found: Import, modules: Mapping[str, Module]) -> list[str]:
    """The modules of the house that an import brings in: ``from scow.oci import digest`` means ``scow.oci.digest``."""
    submodules = [f"{found.module}.{name}" for name in found.names if f"{found.module}.{name}" in modules]
    whole = [found.module] if found.module in modules and len(submodules) < max(1, len(found.names)) else []
    return submodules + whole


def floor_complaints(modules: Mapping[str, Module], floors: Mapping[str, int] = FLOORS) -> list[str]:
    """Imports that go upward or sideways, relative imports, and rooms that have no floor."""
    complaints = [f"{m.path}:1: room {m.room!r} has no floor" for m in modules.values() if m.room not in floors]
    for module in modules.values():
        for found in module.imports:
            if found.module.startswith("."):
                complaints.append(f"{found.place}: a relative import")
            for target in targets(found, modules):
                room = modules[target].room
                if room == "" and set(found.names) <= ROOF_CONSTANTS:
                    continue
                if room != module.room and floors.get(room, 0) >= floors.get(module.room, 0):
                    way = "sideways" if floors.get(room) == floors.get(module.room) else "upward"
                    complaints.append(f"{found.place}: {module.name} imports {target}, {way}")
    return complaints


def runtime_complaints(modules: Mapping[str, Module], parts: tuple[str, ...] = RUNTIME) -> list[str]:
    """Imports between the parts of ``runtime`` that go upward; what is in none of them is above all."""
    complaints = []
    for module in modules.values():
        for found in module.imports if module.room == "runtime" else ():
            for target in targets(found, modules):
                if modules[target].room == "runtime" and _part(target, parts) > _part(module.name, parts):
                    complaints.append(f"{found.place}: {module.name} imports {target}, upward")
    return complaints


def _part(name: str, parts: tuple[str, ...]) -> int:
    part = [*name.split("."), ""][2]
    return parts.index(part) if part in parts else len(parts)


def _cycle_from(start: str, edges: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The modules on a way from ``start`` back to it, or nothing."""
    trail: list[tuple[str, list[str]]] = [(start, [start])]
    seen: set[str] = set()
    while trail:
        name, way = trail.pop()
        for target in edges.get(name, {}):
            if target == start:
                return way
            if target not in seen:
                seen.add(target)
                trail.append((target, [*way, target]))
    return []


def cycle_complaints(modules: Mapping[str, Module]) -> list[str]:
    """Modules that import each other in a circle; each circle is told once."""
    edges: dict[str, dict[str, str]] = {}
    for module in modules.values():
        for found in module.imports:
            for target in targets(found, modules):
                if target != module.name and modules[target].room == module.room:
                    edges.setdefault(module.name, {})[target] = found.place
    circles: dict[frozenset[str], str] = {}
    for name in modules:
        way = _cycle_from(name, edges)
        if way:
            circle = [*way, name]
            circles.setdefault(frozenset(way), f"{edges[name][circle[1]]}: {' -> '.join(circle)}")
    return list(circles.values())


def is_pure(module: Module, modules: Mapping[str, Module]) -> bool:
    """Whether its docstring says so, or that of a room that it is in."""
    parts = module.name.split(".")
    homes = (modules.get(".".join(parts[:count])) for count in range(len(parts), 0, -1))
    return any(_PURE.search(ast.get_docstring(home.tree) or "") for home in homes if home)


def _world_imports(module: Module) -> Iterator[str]:
    for found in module.imports:
        top = found.module.split(".")[0]
        allowed = bool(found.names) and set(found.names) <= PURE_NAMES.get(top, frozenset())
        if (top in IMPURE or found.module == "urllib.request") and not allowed and not found.typing:
            yield f"{found.place}: {module.name} imports {found.module}"


def _world_calls(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if (isinstance(called, ast.Name) and called.id == "open") or ast.unparse(called) == "io.open":
            yield f"{module.path}:{node.lineno}: {module.name} opens a file"
        if isinstance(called, ast.Attribute) and called.attr in _CLOCKS and "date" in ast.unparse(called.value):
            yield f"{module.path}:{node.lineno}: {module.name} reads the clock"


def purity_complaints(modules: Mapping[str, Module]) -> list[str]:
    """What a pure module reaches of the world, itself or through a module of the house that it imports at run time."""
    reached = {module.name for module in modules.values() if is_pure(module, modules)}
    waiting, why = sorted(reached), dict.fromkeys(reached, "")
    complaints = []
    while waiting:
        module = modules[waiting.pop()]
        found = [*_world_imports(module), *_world_calls(module)]
        complaints += [f"{line}{why[module.name]}" for line in found]
        for one in module.imports:
            for target in targets(one, modules) if not one.typing else []:
                if target not in reached:
                    reached.add(target)
                    waiting.append(target)
                    why[target] = f" (reached from pure code at {one.place})"
    return complaints
