"""Images whose layers hold everything that a layer can hold, written with tarfile alone."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: seconds; the fraction is exact in binary, so that no reader rounds it
TIME = 1_700_000_000.5
#: VFS_CAP_REVISION_2, effective, CAP_NET_RAW permitted
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")


@dataclass
class Layer:
    """A tar being written; each method adds one entry."""

    archive: tarfile.TarFile

    def add(self, name: str, kind: bytes, mode: int = 0o755, **more: object) -> None:
        """An entry; ``more`` sets further fields of the TarInfo, ``content`` its bytes, ``xattrs`` a mapping."""
        member = tarfile.TarInfo(name)
        member.type, member.mode, member.mtime = kind, mode, TIME
        content = more.pop("content", b"")
        assert isinstance(content, bytes)
        xattrs = more.pop("xattrs", {})
        assert isinstance(xattrs, dict)
        member.pax_headers = {f"SCHILY.xattr.{key}": value.decode("latin-1") for key, value in xattrs.items()}
        for field, value in more.items():
            setattr(member, field, value)
        member.size = len(content)
        self.archive.addfile(member, io.BytesIO(content))

    def directory(self, name: str, mode: int = 0o755, **more: object) -> None:
        self.add(name, tarfile.DIRTYPE, mode, **more)

    def file(self, name: str, mode: int = 0o644, **more: object) -> None:
        self.add(name, tarfile.REGTYPE, mode, **{"content": name.encode("utf-8", "surrogateescape"), **more})

    def symlink(self, name: str, target: str, **more: object) -> None:
        self.add(name, tarfile.SYMTYPE, 0o777, linkname=target, **more)

    def hardlink(self, name: str, target: str, mode: int = 0o644, **more: object) -> None:
        self.add(name, tarfile.LNKTYPE, mode, linkname=target, **more)


def first(layer: Layer) -> None:
    """Every kind of entry, and what the next layers change."""
    layer.directory("t", 0o755, uid=1, gid=2)
    layer.file("t/setuid", 0o4755, uid=1000, gid=1000)
    layer.file("t/setgid", 0o2755, gid=50)
    layer.file("t/none", 0o000)
    layer.file("t/sticky-file", 0o1644)
    layer.directory("t/sticky", 0o1777)
    layer.directory("t/setgid-directory", 0o2775, gid=50)
    layer.directory("t/closed", 0o000, uid=1000)
    layer.file("t/closed/inside", 0o600, uid=1000)
    layer.file("t/large-owner", 0o640, uid=2_000_000, gid=3_000_000)
    layer.file("t/empty", content=b"")
    layer.file("t/capable", 0o755, xattrs={"security.capability": CAPABILITY})
    layer.file("t/attributed", xattrs={"user.one": b"1", "user.binary": b"\x01=\n\x7f"})
    layer.directory("t/attributed-directory", xattrs={"user.of": b"directory"})
    layer.add("t/null", tarfile.CHRTYPE, 0o666, devmajor=1, devminor=3)
    layer.add("t/loop", tarfile.BLKTYPE, 0o660, devmajor=7, devminor=200, gid=6)
    layer.add("t/fifo", tarfile.FIFOTYPE, 0o622, uid=33)
    layer.symlink("t/relative", "sticky/../empty")
    layer.symlink("t/absolute", "/t/setuid")
    layer.symlink("t/dangling", "/nowhere/at/all", uid=5, gid=6)
    layer.symlink("t/long-link", "x" * 150 + "/" + "y" * 150)
    layer.file("t/" + "n" * 200)
    layer.file("t/" + "/".join(["d" * 60] * 5) + "/deep")
    layer.file("t/latin-\udce9\udcff")
    layer.file("t/unicode-ünïcödé-名前")
    layer.file("t/odd \\name'\"\t*?[a]")
    layer.file("t/old", mtime=-86_400.5)
    layer.file("t/late", mtime=4_300_000_000.25)
    layer.file("t/exact", pax_headers={"mtime": "1600000000.123456789"})
    layer.file("t/linked", 0o4711, uid=7)
    layer.hardlink("t/linked-too", "t/linked", 0o4711, uid=7)  # docker and podman take a link's owner and mode, too
    layer.hardlink("t/linked-three", "./t/linked-too", 0o4711, uid=7)
    layer.directory("t/opaque", 0o711)
    layer.file("t/opaque/below")
    layer.directory("t/opaque/under")
    layer.file("t/opaque/under/deeper")
    layer.directory("t/opaque-late")
    layer.file("t/opaque-late/below")
    layer.directory("t/gone")
    layer.file("t/gone/file")
    layer.file("t/gone-file")
    layer.file("t/gone-once-more")
    layer.directory("t/becomes-file")
    layer.file("t/becomes-file/inside")
    layer.directory("t/becomes-link")
    layer.file("t/becomes-link/inside")
    layer.file("t/becomes-directory")
    layer.symlink("t/link-becomes-directory", "sticky")
    layer.directory("t/parent", 0o750, uid=77, gid=78, xattrs={"user.keep": b"me"})
    layer.file("t/parent/child")
    layer.directory("t/real", 0o700)
    layer.symlink("t/through", "real")


def second(layer: Layer) -> None:
    """Whiteouts, opaque directories, replacements, entries without their parents, links into the layer below."""
    layer.file("t/.wh.gone", content=b"")
    layer.file("t/.wh.gone-file", content=b"")
    layer.file("t/.wh.gone-once-more", content=b"")
    layer.directory("t/opaque", 0o2711)
    layer.file("t/opaque/.wh..wh..opq", content=b"")
    layer.file("t/opaque/new")
    layer.directory("t/opaque-late", 0o700)
    layer.file("t/opaque-late/new")
    layer.file("t/opaque-late/.wh..wh..opq", content=b"")
    layer.file("t/becomes-file", 0o600, content=b"now a file")
    layer.symlink("t/becomes-link", "parent")
    layer.directory("t/becomes-directory", 0o770, gid=9)
    layer.file("t/becomes-directory/inside")
    layer.directory("t/link-becomes-directory", 0o775)
    layer.file("t/link-becomes-directory/inside")
    layer.file("t/parent/second-child")  # whose parents this layer does not name
    layer.hardlink("t/linked-below", "t/linked")
    layer.directory("./t/sticky/", 0o1770)
    layer.file("t/setuid", 0o755, content=b"no longer")


def third(layer: Layer) -> None:
    """Things that come back, and one more opaque directory on top of the first."""
    layer.file("t/gone-once-more", 0o600, content=b"back")
    layer.directory("t/gone", 0o711)
    layer.file("t/gone/other")
    layer.directory("t/opaque", 0o700)
    layer.file("t/opaque/third")
    layer.file("t/opaque/.wh.new", content=b"")
    layer.file("t/becomes-directory/.wh.inside", content=b"")


def write_layer(path: Path, fill: object) -> None:
    """One layer as a PAX tar."""
    assert callable(fill)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as archive:
        fill(Layer(archive))


def _blob(layout: Path, content: bytes, media_type: str) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    (layout / "blobs/sha256" / digest).write_bytes(content)
    return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": f"sha256:{digest}", "size": len(content)}


def above(layer: Layer) -> None:
    """Of :func:`second` what docker and podman can unpack: they know no links into the layer below."""
    layer.directory("t", 0o755, uid=1, gid=2)
    layer.file("t/.wh.gone", content=b"")
    layer.file("t/.wh.gone-file", content=b"")
    layer.directory("t/opaque", 0o2711)
    layer.file("t/opaque/.wh..wh..opq", content=b"")
    layer.file("t/opaque/new")
    layer.file("t/becomes-file", 0o600, content=b"now a file")
    layer.directory("t/becomes-directory", 0o770, gid=9)
    layer.file("t/becomes-directory/inside")
    layer.directory("t/sticky", 0o1770)
    layer.file("t/setuid", 0o755, content=b"no longer")


ALL = (first, second, third)


def write_image(layout: Path, base: Path, tag: str, fills: tuple[Callable[[Layer], None], ...] = ALL) -> None:
    """An OCI image layout with one image: ``base`` (a tar) and the layers on top."""
    (layout / "blobs/sha256").mkdir(parents=True)
    paths = [layout / f"{fill.__name__}.tar" for fill in fills]
    for path, fill in zip(paths, fills, strict=True):
        write_layer(path, fill)
    layers = []
    for path in (base, *paths):
        layers.append(_blob(layout, path.read_bytes(), "layer.v1.tar"))
    for path in paths:
        path.unlink()
    config = {
        "architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/usr/bin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}, "history": [],
    }  # fmt: skip
    manifest = {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _blob(layout, json.dumps(config).encode(), "config.v1+json"), "layers": layers,
    }  # fmt: skip
    entry = _blob(layout, json.dumps(manifest).encode(), "manifest.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def as_archive(layout: Path) -> Path:
    """The layout as one tar, as ``load`` takes it."""
    path = shutil.make_archive(str(layout), "tar", layout)
    return Path(path)
