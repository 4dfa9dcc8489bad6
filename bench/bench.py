"""``make bench``: every row for every tool, in alternating rounds; medians, the ratio, the peak memory.

Each round gives each tool a fresh, empty store and walks through the work of a day: pull, first run, build (cold,
cached, one file changed), push, run, images, save; then load, and scan, each into another fresh store. Stores are
removed only at the very end: re-creating files on ext4 soon after a large ``rm -rf`` is many times slower and would be
charged to the next.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.containers import tool
from tests.support.registries import Registry, serve

from bench.keepers import keepers_mib
from bench.limits import Machine, machine
from bench.packages import advisories, with_packages
from bench.subject import TAG, Subject, change_one_file, prepare
from bench.tools import AFTER, BEFORE, IDLE, SCREENS, THEN, WORDS, Store, available, fresh_store

#: what is done one after the other in one store
DAYS = (
    ("pull", "first run", "build cold", "build cached", "build changed", "push", "build --push", "run", "exec", "fifty",
     "kept", "images", "save", "sbom cold", "sbom warm", "analyze cold", "analyze warm", "explore", "copy", "across",
     "blobs", "ignored", "large"),
    ("load",),
    ("db import", "scan cold", "scan warm", "scan matched"),
)  # fmt: skip
ROWS = tuple(row for day in DAYS for row in day)
#: row -> verb, where they differ
VERBS = {
    "first run": "run",
    **dict.fromkeys(("build cold", "build cached", "build changed"), "build"),
    **dict.fromkeys(("sbom cold", "sbom warm"), "sbom"),
    **dict.fromkeys(("scan cold", "scan warm"), "scan"),
    **dict.fromkeys(("analyze cold", "analyze warm"), "analyze"),
}
#: rows that are one command again and again, and one measure
TOGETHER = {"fifty": 50}
#: rows that are told as one, too
SUMS = {"build + push": ("build cold", "push")}
#: rows so short that one measurement in a round says little
REPEATED = {
    "run": 3, "exec": 3, "images": 3, "sbom warm": 3, "analyze warm": 3, "explore": 3,
    "scan warm": 3, "scan matched": 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """One command: wall-clock seconds, and the largest resident size of one of its processes in MiB."""

    seconds: float
    peak_mib: float


class Failed(Exception):
    """A command of a tool failed; the message ends with what it printed."""


@dataclass
class Bench:
    """What stays the same for all rounds, and the measurements so far: row -> tool -> measures."""

    place: Path
    subject: Subject
    registry: Registry
    others: Sequence[Registry]  # one for each round: skopeo remembers what it once sent
    rows: Sequence[str]
    archive: Path
    scanned: Mapping[str, Path]
    machine: Machine
    measures: dict[str, dict[str, list[Measure]]] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The image on the registry."""
        return f"{self.registry.host}/bench/base:{TAG}"

    def run(self, store: Store, argv: Sequence[str], screen: str = "") -> Measure:
        """Run one command of a tool and measure it, with no writes of others under way; until ``screen`` is on its
        screen, where that is said."""
        log, report = self.place / "command.log", self.place / "report.json"
        words = [*script("timed.py"), str(log), str(report), "--"]
        words += [*script("painted.py"), screen] if screen else []
        os.sync()
        subprocess.run([*words, *store.argv(*argv)], env=store.environment, check=True)
        told = json.loads(report.read_text())
        if told["exit_code"]:
            output = log.read_text(errors="replace").strip()[-600:]
            raise Failed(f"{' '.join(argv)}: exit code {told['exit_code']}\n{output}")
        return Measure(told["seconds"], told["peak_kib"] / 1024)

    def runs(self, store: Store, argv: Sequence[str], screen: str = "") -> Measure:
        """The same for several commands, one after the other."""
        if THEN not in argv:
            return self.run(store, argv, screen)
        at = list(argv).index(THEN)
        first, rest = self.run(store, argv[:at]), self.runs(store, argv[at + 1 :], screen)
        return Measure(first.seconds + rest.seconds, max(first.peak_mib, rest.peak_mib))

    def row(self, row: str, name: str, store: Store, where: Path, number: int) -> None:
        """Do one row for one tool, and note it when it was asked for."""
        verb = VERBS.get(row, row)
        words = WORDS[name].get(verb)
        if words is None:
            return
        if row in ("build cold", "build changed", "build --push"):
            change_one_file(self.subject.context, f"{name} {number} {row}")
        values = {
            "base": self.base, "app": f"{self.registry.host}/app/{name}-{number}:1", "context": self.subject.context,
            "sent": f"{self.registry.host}/sent/{name}-{number}:1",
            "copied": f"{self.registry.host}/copied/{name}-{number}:1", "file": where / "saved.tar",
            "across": f"{self.others[number].host}/copied/{name}-{number}:1",
            "archive": self.archive, "store": where, **self.scanned,
            "ignored": self.subject.ignored, "large": self.subject.large,
        }  # fmt: skip

        def filled(words: Sequence[str]) -> list[str]:
            return [word.format_map({key: str(value) for key, value in values.items()}) for word in words]

        held = stored(self.registry) if row == "push" else set()
        try:
            if verb in BEFORE:
                self.run(store, filled(BEFORE[verb]))
            screen = SCREENS.get(verb, {}).get(name, "")
            times = REPEATED.get(row, TOGETHER.get(row, 1))
            done = [self.runs(store, filled(words), screen) for _ in range(times)]
            if row in TOGETHER:
                done = [Measure(sum(one.seconds for one in done), max(one.peak_mib for one in done))]
            if verb == "kept":
                done = [Measure(one.seconds, keepers_mib(IDLE)) for one in done]
            if verb in AFTER:
                self.run(store, filled(AFTER[verb]))
        except Failed as why:
            self.failures[row, name] = str(why)
            return
        if row == "push":
            self.machine.files["sent"] = sorted(stored(self.registry) - held)
        if row in self.rows:
            self.measures.setdefault(row, {}).setdefault(name, []).extend(done)

    def round(self, name: str, number: int) -> None:
        """One round of one tool."""
        wanted = {*self.rows, *needed(self.rows)}
        for part, day in zip("abc", DAYS, strict=True):
            rows = [row for row in day if row in wanted and VERBS.get(row, row) in WORDS[name]]
            where = self.place / f"{name[:2]}{part}{number}"
            if rows:
                with fresh_store(name, where, self.registry.host, self.others[number].host) as store:
                    for row in rows:
                        self.row(row, name, store, where, number)


def script(name: str) -> list[str]:
    """How to run a program of this directory, in an interpreter that loads nothing else."""
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name(name))]


def stored(registry: Registry) -> set[Path]:
    """Every blob that the registry has."""
    return set((registry.storage / "docker/registry/v2/blobs").glob("*/*/*/data"))


def needed(rows: Sequence[str]) -> set[str]:
    """What must have been done before, measured or not."""
    before = {"pull"} if {*DAYS[0]} & {*rows} else set()
    if {"build cached", "build changed", "push"} & set(rows):
        before.add("build cold")
    before |= {f"{verb} cold" for verb in ("sbom", "analyze") if f"{verb} warm" in rows}
    if {*DAYS[2]} & {*rows}:
        before |= {"db import", "scan cold"}
    return before


def publish(subject: Subject, registry: Registry, place: Path) -> Path:
    """Push the image to the registry and write it as a docker archive, both with skopeo; the archive's path."""
    skopeo = tool("skopeo", place / "publish")
    skopeo.trust(registry.host)
    archive = place / "subject.tar"
    skopeo("copy", f"oci:{subject.layout}:{TAG}", f"docker://{registry.host}/bench/base:{TAG}")
    skopeo("copy", f"oci:{subject.layout}:{TAG}", f"docker-archive:{archive}:{registry.host}/bench/base:{TAG}")
    return archive


def measured(bench: Bench, row: str, name: str) -> list[Measure]:
    """A row's measures; those of a sum are added up round by round."""
    parts = [bench.measures.get(part, {}).get(name, []) for part in SUMS.get(row, (row,))]
    turns = zip(*parts, strict=False)  # a round that failed ends early
    return [Measure(sum(one.seconds for one in turn), max(one.peak_mib for one in turn)) for turn in turns]


def table(bench: Bench, tools: Sequence[str]) -> Iterator[str]:
    """The medians as lines of text; ``ratio`` is the tool's time over scow's, above 1 where scow is faster.

    ``limit`` is what the machine needs for the same bytes (:mod:`bench.limits`), and that as a part of scow's time;
    ``parts`` is what all that has to be done with them takes on all cores.
    """
    yield (
        f"{'':14}"
        + "".join(f"{name:>10}{'MiB':>6}{'ratio':>7}" for name in tools)
        + f"{'limit':>10}{'ratio':>7}{'parts':>10}"
    )
    for row in (*ROWS, *SUMS):
        if not set(SUMS.get(row, (row,))) <= set(bench.rows):
            continue
        cells = []
        own = measured(bench, row, "scow")
        for name in tools:
            found = measured(bench, row, name)
            if not found:
                cells.append(f"{'failed' if (row, name) in bench.failures else '-':>10}{'':13}")
                continue
            seconds = statistics.median(one.seconds for one in found)
            ratio = f"{seconds / statistics.median(one.seconds for one in own):.2f}" if own and name != "scow" else ""
            cells.append(f"{seconds:>8.2f} s{max(one.peak_mib for one in found):>6.0f}{ratio:>7}")
        yield f"{row:14}" + "".join(cells) + limit(bench.machine, row, own)


def limit(machine: Machine, row: str, own: Sequence[Measure]) -> str:
    """The physical limit of a row, how near scow comes to it, and what all parts take together."""
    parts = machine.parts(row)
    if not parts or not own:
        return ""
    slowest = max(parts, key=lambda part: parts[part])
    ratio = parts[slowest] / statistics.median(one.seconds for one in own)
    return f"{parts[slowest]:>8.2f} s{ratio:>7.2f}{sum(parts.values()):>8.2f} s  {slowest}"


def notes(subject: Subject) -> Iterator[str]:
    """What the table does not say by itself."""
    yield f"the image {TAG}: {subject.compressed_bytes / 1e6:.0f} MB compressed"
    yield "MiB is the largest single process of the command (for docker that is the client, not the daemon);"
    yield "of kept: what all processes above the idle container's have in memory (PSS), without docker's daemons"


def as_json(bench: Bench) -> str:
    """Every measurement."""
    rows = {
        row: {name: [[one.seconds, round(one.peak_mib, 1)] for one in found] for name, found in tools.items()}
        for row, tools in bench.measures.items()
    }
    failures = {f"{r}/{n}": why for (r, n), why in bench.failures.items()}
    return json.dumps({"rows": rows, "limits": bench.machine.seconds, "failures": failures}, indent=1)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", default=",".join(ROWS), help=f"some of: {', '.join(ROWS)}")
    parser.add_argument("--tools", default=",".join(WORDS), help=f"some of: {', '.join(WORDS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--place", type=Path, help="a directory on the disk to measure on (default: TMPDIR)")
    parser.add_argument("--json", action="store_true", help="every measurement instead of the medians")
    return parser.parse_args()


def measure(bench: Bench, tools: Sequence[str], rounds: int) -> None:
    """All rounds; who goes first changes from round to round."""
    for number in range(rounds):
        turn = number % len(tools)
        for name in [*tools[turn:], *tools[:turn]]:
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr)
            bench.round(name, number)
        bench.machine.round(bench.rows)


def main() -> int:
    """Run the bench; 1 when a command of a tool failed."""
    asked = arguments()
    rows = [row for row in ROWS if row in asked.rows.split(",")]
    tools = [name for name in asked.tools.split(",") if available(name)]
    for name in set(asked.tools.split(",")) - set(tools):
        print(f"{name} is not installed: no column for it", file=sys.stderr)
    place = Path(tempfile.mkdtemp(prefix="b", dir=asked.place))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        subject = prepare(place)
        registry = stack.enter_context(serve(place / "registry"))
        others = [stack.enter_context(serve(place / f"other{number}")) for number in range(asked.rounds)]
        scanned = {
            "packages": with_packages(subject.layout, place / "packages"),
            "advisories": advisories(place / "advisories"),
        }
        archive = publish(subject, registry, place)
        bench = Bench(
            place, subject, registry, others, rows, archive, scanned, machine(subject, registry.host, archive, place)
        )
        measure(bench, tools, asked.rounds)
        print(as_json(bench) if asked.json else "\n".join([*table(bench, tools), "", *notes(subject)]))
        for (row, name), why in bench.failures.items():
            print(f"{name}, {row}: {why}", file=sys.stderr)
        return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
