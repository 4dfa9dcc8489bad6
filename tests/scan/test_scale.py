"""As much as there is: the memory of an import of the largest ecosystem, the time of a thousand packages."""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from tests.scan.test_database import document
from tests.scan.test_match import real_records

from scow.scan.match import match
from scow.scan.package import Package

pytestmark = pytest.mark.slow

#: advisories in the largest ecosystem, and KiB resident that they may take
LARGEST, MEMORY = 150_000, 250_000
IMPORT = (
    "import sys; from pathlib import Path; from scow.scan.database import Database;"
    "from scow.scan.bulk import zipped; from scow.scan.importing import import_documents\n"
    "with open(sys.argv[1], 'rb') as file, zipped(file, 'all.zip') as documents:\n"
    "    done = import_documents(Database(Path(sys.argv[2])), 'npm', documents, now='', source='')\n"
    "status = Path('/proc/self/status').read_text()  # getrusage would tell of who started this process, too\n"
    "print(done.changed, status.partition('VmHWM:')[2].split()[0])"
)


def peak(directory: Path, advisories: int) -> int:
    """KiB resident at most, of a process that imports so many."""
    directory.mkdir()
    place = directory / "all.zip"
    raw = document("P", summary="a summary of some length " * 4, details="details " * 60)
    with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED) as writer:
        for number in range(advisories):
            writer.writestr(f"MAL-2024-{number}.json", raw.replace(b'"x"', b'"package-%d"' % number))
    argv = [sys.executable, "-c", IMPORT, str(place), str(directory / "advisories")]
    changed, most = map(int, subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())
    assert changed == advisories
    return most


def test_an_import_stays_within_its_memory(tmp_path: Path) -> None:
    few, many = 10_000, 40_000
    less, more = peak(tmp_path / "few", few), peak(tmp_path / "many", many)
    largest = more + (more - less) * (LARGEST - many) // (many - few)
    assert largest < MEMORY, f"{few}: {less} KiB, {many}: {more} KiB"


def test_a_thousand_packages_are_no_trouble() -> None:
    """In processor time, with room for any machine: 100 ms is the aim, and 10 s would be another algorithm."""
    records, _ = real_records({"Debian"})
    names = sorted(name for ecosystem, name in records if ecosystem == "Debian")
    packages = [Package(names[at % len(names)], f"1.{at}-1", "deb", ecosystem="Debian:12") for at in range(1000)]
    begun = time.process_time()
    findings, _ = match(packages, records)
    assert time.process_time() - begun < 10
    assert findings
