"""``python -m bench.growth``: what the verbs cost as images grow, and one layer of 4 GB, as tables of Markdown.

Processor seconds and the largest process in MiB, of fresh stores against a docker-registry on loopback. Linear growth
is a column of quotients that do not rise: microseconds a file, milliseconds a layer (start-up of 0.1 to 0.2 s is in
them). ``--only layers,files,large``, ``--scale 0.1`` for a quick look.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.registries import serve

from bench.subject import Layout, _write_layer
from bench.tools import PlainStore, scow_program

LAYERS = (50, 100, 200, 500)
FILES = (25_000, 50_000, 100_000, 200_000)
LARGE = 4 << 30
VERBS = ("pull", "build", "push", "save", "history", "analyze", "system check")
_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class Cost:
    """Processor seconds, and MiB of the largest process."""

    cpu: float
    peak: float


@dataclass(frozen=True)
class Growth:
    """Where all of it happens."""

    place: Path
    registry: str

    def run(self, root: Path, *argv: str) -> Cost:
        """One command on the store ``root``."""
        store = PlainStore(root, scow_program() or "scow")
        log, report = self.place / "log", self.place / "report"
        timed = [sys.executable, "-I", "-S", str(Path(__file__).with_name("timed.py")), str(log), str(report), "--"]
        subprocess.run([*timed, *store.argv(*argv)], env=store.environment, check=True)
        told = json.loads(report.read_text())
        if told["exit_code"]:
            raise SystemExit(f"{' '.join(argv)}: {log.read_text(errors='replace')[-600:]}")
        return Cost(told["cpu"], told["peak_kib"] / 1024)

    def day(self, name: str, image: Path) -> dict[str, Cost]:
        """Every verb on the image of a layout."""
        remote = f"{self.registry}/growth/{name}:1"
        self.run(self.place / "maker", "copy", f"oci:{image}", f"docker://{remote}")
        shutil.rmtree(image)
        root, context = self.place / name, self.place / "context"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(f"FROM {remote}\nCOPY Dockerfile /{name}\n")
        app, saved = f"{self.registry}/grown/{name}:1", self.place / "saved.tar"
        words = {
            "pull": ("pull", "-q", remote),
            "build": ("build", "-q", "-t", app, str(context)),
            "push": ("push", "-q", app),
            "save": ("save", "-o", str(saved), remote),
            "history": ("history", remote),
            "analyze": ("analyze", remote),
            "system check": ("system", "check", "-q"),
        }
        costs = {verb: self.run(root, *words[verb]) for verb in VERBS}
        saved.unlink()
        return costs


def image(place: Path, layers: int, files: int) -> Path:
    """A layout of ``layers`` layers with ``files`` files of 200 bytes each."""
    layout, described, diff_ids = Layout(place), [], []
    for number in range(layers):
        contents = [
            (f"d{at // 100:04d}/file{at:06d}", hashlib.sha256(b"%d %d" % (number, at)).hexdigest().encode() * 3)
            for at in range(files)
        ]
        _write_layer(place / "tar", contents, f"layer{number:03d}")
        tar = (place / "tar").read_bytes()
        diff_ids.append(f"sha256:{hashlib.sha256(tar).hexdigest()}")
        described.append(layout.add(gzip.compress(tar, 1, mtime=0), _GZIP))
    (place / "tar").unlink()
    layout.finish(described, diff_ids)
    return place


def table(unit: str, each: float, word: str, rows: Sequence[tuple[int, dict[str, Cost]]]) -> Iterator[str]:
    """One line for each size: seconds and seconds by unit for each verb, and the largest process of all."""
    yield f"| {unit} | " + " | ".join(f"{verb}: s ({word} each)" for verb in VERBS) + " | peak MiB |"
    yield "|---" * (len(VERBS) + 2) + "|"
    for count, costs in rows:
        cells = (f"{costs[verb].cpu:.2f} ({costs[verb].cpu / count * each:.1f})" for verb in VERBS)
        yield f"| {count} | " + " | ".join(cells) + f" | {max(one.peak for one in costs.values()):.0f} |"


def large(growth: Growth, size: int) -> Iterator[str]:
    """One layer of four files that do not compress: imported, pushed, pulled, saved, loaded."""
    tar, name = growth.place / "large.tar", f"{growth.registry}/growth/large:1"
    with tarfile.open(tar, "w") as archive:
        for number in range(4):
            member = tarfile.TarInfo(f"file{number}")
            member.size = size // 4
            with open("/dev/urandom", "rb") as noise:
                archive.addfile(member, noise)
    maker, root = growth.place / "large-maker", growth.place / "large"
    costs = {"import": growth.run(maker, "import", str(tar), name)}
    tar.unlink()
    costs["push"] = growth.run(maker, "push", "-q", name)
    shutil.rmtree(maker)
    costs["pull"] = growth.run(root, "pull", "-q", name)
    costs["system check"] = growth.run(root, "system", "check", "-q")
    costs["save"] = growth.run(root, "save", "-o", str(tar), name)
    shutil.rmtree(root)
    costs["load"] = growth.run(growth.place / "loaded", "load", "-q", "-i", str(tar))
    yield "| verb | processor s | MB/s of one processor | peak MiB |"
    yield "|---|---|---|---|"
    for verb, cost in costs.items():
        yield f"| {verb} | {cost.cpu:.1f} | {size / cost.cpu / 1e6:.0f} | {cost.peak:.0f} |"


def main() -> None:
    """Print the tables that were asked for."""
    asked = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    asked.add_argument("--only", default="layers,files,large")
    asked.add_argument("--scale", type=float, default=1.0)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as directory, serve(Path(directory) / "registry") as registry:
        growth = Growth(Path(directory), registry.host)
        wanted, grown = options.only.split(","), Path(directory) / "image"
        if "layers" in wanted:
            counts = [max(1, int(count * options.scale)) for count in LAYERS]
            days = [(count, growth.day(f"layers{count}", image(grown, count, 10))) for count in counts]
            print(*table("layers", 1e3, "ms", days), "", sep="\n", flush=True)
        if "files" in wanted:
            counts = [max(100, int(count * options.scale)) for count in FILES]
            days = [(count, growth.day(f"files{count}", image(grown, 1, count))) for count in counts]
            print(*table("files", 1e6, "µs", days), "", sep="\n", flush=True)
        if "large" in wanted:
            print(*large(growth, int(LARGE * options.scale)), sep="\n")


if __name__ == "__main__":
    main()
