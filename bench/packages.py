"""What is scanned: the subject with a thousand Debian packages in one more layer, and advisories on all of them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from bench.subject import Layout

PACKAGES = 1000
#: of each package; of all of them one in eight says that the version is affected
_ADVISORIES = 4
_AFFECTED = 8


def with_packages(layout: Path, place: Path) -> Path:
    """A copy of the image in ``layout`` with the packages on top, as an OCI layout in ``place``."""
    shutil.copytree(layout, place)
    made = Layout(place)
    manifest = _blob(place, json.loads((place / "index.json").read_text())["manifests"][0])
    config = _blob(place, manifest["config"])
    content = _layer()
    zipped = gzip.compress(content, mtime=0)
    layers = [*manifest["layers"], made.add(zipped, "application/vnd.oci.image.layer.v1.tar+gzip")]
    made.finish(layers, [*config["rootfs"]["diff_ids"], f"sha256:{hashlib.sha256(content).hexdigest()}"])
    return place


def advisories(place: Path) -> Path:
    """A directory in OSV's layout."""
    (place / "Debian").mkdir(parents=True)
    with zipfile.ZipFile(place / "Debian/all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(PACKAGES * _ADVISORIES):
            fixed = "9.0-1" if number % _AFFECTED == 0 else "1.0-1"
            package = {"ecosystem": "Debian:12", "name": f"package-{number % PACKAGES}"}
            ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]
            document = {
                "id": f"DEBIAN-CVE-2024-{number:05}", "modified": "2024-01-01T00:00:00Z", "details": "words " * 40,
                "upstream": [f"CVE-2024-{number:05}"], "affected": [{"package": package, "ranges": ranges}],
            }  # fmt: skip
            archive.writestr(f"{document['id']}.json", json.dumps(document))
    return place


def _blob(layout: Path, descriptor: dict[str, Any]) -> Any:
    return json.loads((layout / "blobs/sha256" / descriptor["digest"].removeprefix("sha256:")).read_text())


def _layer() -> bytes:
    stanza = "Package: package-{}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.{}-1\n\n"
    status = "".join(stanza.format(number, number % 7) for number in range(PACKAGES))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in (("etc/os-release", "ID=debian\nVERSION_ID=12\n"), ("var/lib/dpkg/status", status)):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()
