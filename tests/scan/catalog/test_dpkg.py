"""The states that dpkg keeps packages in, written by dpkg itself: what is listed is what dpkg-query lists."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.support.peers import need_root, path_of

from scow.scan.catalog.dpkg import status

pytestmark = pytest.mark.peers

#: name, version, architecture and what else its control file says; the last cannot be configured
PACKAGES = (
    ("epochal", "2:1.0~rc1-1+b2", "amd64", "Source: src (2:1.0~rc1-1)\n"),
    ("several", "1.0+really0.9-1", "amd64", "Multi-Arch: same\n"),
    ("several", "1.0+really0.9-1", "i386", "Multi-Arch: same\n"),
    ("held", "1.0", "all", "Source: other\n"),
    ("removed", "3.0-1", "amd64", ""),
    ("purged", "3.0-1", "amd64", ""),
    ("broken", "4.0", "amd64", ""),
)
FORM = "${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n"


def build(place: Path, name: str, version: str, architecture: str, more: str) -> str:
    root = place / f"{name}-{architecture}"
    control = root / "DEBIAN"
    control.mkdir(parents=True)
    (control / "control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: a <a@example.com>\n"
        f"Description: x\n Package: fake\n .\n Version: 9\n{more}"
    )
    conffile = root / "etc" / root.name
    conffile.parent.mkdir()
    conffile.write_text("x")
    (control / "conffiles").write_text(f"/etc/{root.name}\n")
    if name == "broken":
        (control / "postinst").write_text("#!/bin/false\n")
        (control / "postinst").chmod(0o755)
    subprocess.run([path_of("dpkg-deb"), "-b", str(root), f"{root}.deb"], check=True, capture_output=True)
    return f"{root}.deb"


def test_states(tmp_path: Path) -> None:
    need_root()
    admin = tmp_path / "root" / "var" / "lib" / "dpkg"
    for name in ("info", "updates", "triggers"):
        (admin / name).mkdir(parents=True)
    (admin / "status").touch()
    dpkg = [path_of("dpkg"), f"--root={tmp_path / 'root'}", "--force-all", "--no-triggers"]
    built = [build(tmp_path, *package) for package in PACKAGES]
    subprocess.run([*dpkg, "--install", *built], check=False, capture_output=True)
    subprocess.run([*dpkg, "--set-selections"], input=b"held hold\n", check=True)
    subprocess.run([*dpkg, "--remove", "removed"], check=True, capture_output=True)
    subprocess.run([*dpkg, "--purge", "purged"], check=True, capture_output=True)
    query = [path_of("dpkg-query"), f"--admindir={admin}", "-W", "-f", FORM]
    told = subprocess.run(query, check=True, capture_output=True, text=True).stdout.splitlines()
    assert {line.split()[0] for line in told} == {"installed", "config-files", "half-configured"}
    found = status(b"var/lib/dpkg/status", (admin / "status").read_bytes())
    assert found.reasons == ()
    assert sorted(
        f"{one.name} {one.version} {one.arch} {one.source or one.name} {one.source_version or one.version}"
        for one in found.packages
    ) == sorted(line.partition(" ")[2] for line in told if not line.startswith("config-files "))
