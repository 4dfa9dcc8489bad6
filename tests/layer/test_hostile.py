"""Layers made to write where they must not: nothing outside the root changes, and only errors of ours come out."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.layer import tars
from tests.layer.tars import END, block, directory, file, gnu_long, hardlink, pax, record, symlink

from scow.errors import Limit, ScowError
from scow.layer.apply import apply
from scow.layer.entry import PATH_LIMIT, clean
from scow.layer.index import Writer
from scow.layer.mountable import Mountable
from scow.layer.removal import remove
from scow.layer.rights import MOUNTABLE

OUT = b"@OUT@"  # the outside directory's absolute path
UP = b"../" * 12


def w(name: bytes) -> bytes:
    """A whiteout."""
    head, slash, tail = name.rpartition(b"/")
    return block(head + slash + b".wh." + tail)


def opaque(name: bytes) -> bytes:
    return block(name + b"/.wh..wh..opq")


def device(name: bytes, flag: bytes = b"4") -> bytes:
    return block(name, flag, major=b"0000010\0", minor=b"0000000\0")


def long_path(name: bytes) -> bytes:
    return pax(record(b"path", name))


def long_link(name: bytes) -> bytes:
    return pax(record(b"linkpath", name))


#: Where a link may point so that a name through it would lie outside.
POINTS = {
    "absolute": OUT,
    "relative": b"../outside",
    "many ups": UP + OUT[1:],
    "proc": b"/proc/self/root" + OUT,
    "cwd": b"/proc/self/cwd",
    "up": b"..",
    "root": b"/",
    "dev fd": b"/dev/fd/0",
    "itself": b"l",
}

THROUGH: dict[str, Callable[[bytes], bytes]] = {
    "file": lambda to: symlink(b"l", to) + file(b"l/secret", b"stolen"),
    "new file": lambda to: symlink(b"l", to) + file(b"l/new", b"stolen"),
    "directory": lambda to: symlink(b"l", to) + directory(b"l/dir", 0o777),
    "directory on the link": lambda to: symlink(b"l", to) + directory(b"l", 0o777),
    "directory on the link, late": lambda to: directory(b"l", 0o777) + symlink(b"l", to),
    "file on the link": lambda to: symlink(b"l", to + b"/secret") + file(b"l", b"stolen"),
    "symlink": lambda to: symlink(b"l", to) + symlink(b"l/secret", b"/etc/passwd"),
    "two links": lambda to: symlink(b"l", to) + symlink(b"m", b"l") + file(b"m/secret", b"stolen"),
    "nested": lambda to: directory(b"d") + symlink(b"d/l", to) + file(b"d/l/secret", b"stolen"),
    "hard link from": lambda to: symlink(b"l", to) + hardlink(b"stolen", b"l/secret"),
    "hard link into": lambda to: file(b"a", b"stolen") + symlink(b"l", to) + hardlink(b"l/secret", b"a"),
    "hard link to the link": lambda to: symlink(b"l", to) + hardlink(b"m", b"l") + file(b"m/secret", b"stolen"),
    "hard link, then write": lambda to: symlink(b"l", to + b"/secret") + hardlink(b"m", b"l") + file(b"m", b"stolen"),
    "whiteout": lambda to: symlink(b"l", to) + w(b"l/secret"),
    "whiteout of a directory": lambda to: symlink(b"l", to) + w(b"l/dir"),
    "opaque": lambda to: symlink(b"l", to) + opaque(b"l"),
    "device": lambda to: symlink(b"l", to) + device(b"l/secret"),
    "fifo": lambda to: symlink(b"l", to) + block(b"l/secret", b"6"),
    "mode by a late directory": lambda to: directory(b"l", 0o777) + file(b"l/a") + w(b"l") + symlink(b"l", to),
    "swapped under a known directory": lambda to: (
        directory(b"d") + file(b"d/x") + symlink(b"d", to) + file(b"d/secret", b"stolen")
    ),
    "swapped under an implicit directory": lambda to: (
        file(b"d/e/x") + symlink(b"d", to) + file(b"d/e/secret", b"stolen") + file(b"d/secret", b"stolen")
    ),
    "swapped and back": lambda to: (
        directory(b"d") + symlink(b"d", to) + directory(b"d", 0o777) + file(b"d/secret", b"stolen")
    ),
    "xattrs": lambda to: symlink(b"l", to) + pax(record(b"SCHILY.xattr.user.x", b"y")) + directory(b"l/dir"),
    "long link": lambda to: long_link(to + b"/." * 100) + symlink(b"l", b"x") + file(b"l/secret", b"stolen"),
}

PLAIN = {
    "dotdot": file(b"../outside/secret", b"stolen"),
    "dotdot, many": file(UP + b"tmp/scow-hostile", b"stolen"),
    "dotdot within": file(b"a/../../outside/secret", b"stolen"),
    "dotdot at the end": directory(b"a/.."),
    "absolute": long_path(OUT + b"/secret") + file(b"x", b"stolen"),
    "absolute, doubled": long_path(b"//" + OUT + b"//secret") + file(b"x", b"stolen"),
    "absolute by GNU": gnu_long(OUT + b"/secret", b"L") + file(b"x", b"stolen"),
    "dotdot by GNU": gnu_long(b"../outside/secret", b"L") + file(b"x", b"stolen"),
    "dotdot by PAX": long_path(b"../outside/secret") + file(b"x", b"stolen"),
    "dotdot by a global header": pax(record(b"path", b"../outside/secret"), b"g") + file(b"x", b"stolen"),
    "dotdot by a sparse name": pax(
        record(b"GNU.sparse.name", b"../outside/secret") + record(b"GNU.sparse.map", b"0,4")
        + record(b"GNU.sparse.size", b"4")) + file(b"x"),
    "dotdot in the prefix": block(b"secret", prefix=b"../outside"),
    "NUL in a PAX name": long_path(b"a\0/../../outside/secret") + file(b"x", b"stolen"),
    "hard link out": hardlink(b"a", b"../outside/secret"),
    "hard link out, then write": hardlink(b"a", b"../outside/secret") + file(b"a", b"stolen"),
    "hard link out, absolute": long_link(OUT + b"/secret") + hardlink(b"a", b"x") + file(b"a", b"stolen"),
    "hard link to the root": hardlink(b"a", b"."),
    "hard link to a directory": directory(b"d") + hardlink(b"a", b"d") + file(b"a/x"),
    "hard link to itself": hardlink(b"a", b"a"),
    "hard link over its own target's parent": file(b"d/x") + hardlink(b"d", b"d/x"),
    "whiteout of dotdot": w(b".."),
    "whiteout of dot": w(b"."),
    "whiteout of dotdot within": w(b"d/.."),
    "whiteout through dotdot": w(b"../outside/secret"),
    "opaque dotdot": opaque(b".."),
    "opaque root": file(b"a") + opaque(b"."),
    "whiteout of the parent": directory(b"a") + file(b"a/b") + w(b"a") + file(b"a/c"),
    "whiteout of the parent, first": w(b"a") + file(b"a/b/c") + w(b"a/b"),
    "marker within a marker": block(b".wh.a/.wh.b") + file(b".wh.a/c"),
    "root as a symlink": symlink(b".", b"../outside") + file(b"secret", b"stolen"),
    "root as a file": file(b"."),
    "root as a hard link": hardlink(b".", b"x"),
    "root's mode": directory(b".", 0),
    "every kind on one name": b"".join(
        (file(b"a"), directory(b"a"), symlink(b"a", b"/"), device(b"a"), block(b"a", b"6"), hardlink(b"a", b"b"),
         w(b"a"), opaque(b"a"), directory(b"a"), file(b"a"))),
    "kinds that change with content below": b"".join(
        (file(b"a/b/c"), file(b"a"), directory(b"a"), file(b"a/b"), directory(b"a/b"), file(b"a/b/c"))),
    "file as a parent": file(b"a") + file(b"a/b"),
    "device as a parent": device(b"a", b"3") + file(b"a/b"),
    "device": device(b"sda"),
    "device 0/0 is not a whiteout marker's business": block(b"a", b"3"),
    "setuid": block(b"a", mode=b"0006755\0"),
    "mode 0 directory": directory(b"a", 0) + file(b"a/b") + directory(b"a/c", 0) + file(b"a/c/d"),
    "symlink loop": symlink(b"a", b"b") + symlink(b"b", b"a") + file(b"a/x"),
    "long symlink chain": b"".join(symlink(b"%d" % n, b"%d" % (n + 1)) for n in range(60)) + file(b"0/x"),
    "symlink of 4096 bytes": long_link(b"x" * 4096) + symlink(b"a", b"x"),
    "symlink of 4097 bytes": long_link(b"x" * 4097) + symlink(b"a", b"x"),
    "deep path": long_path(b"d/" * 2000 + b"f") + file(b"x"),
    "deep path, then replaced": long_path(b"d/" * 2000 + b"f") + file(b"x") + file(b"d", b"flat"),
    "deep path, then hidden": long_path(b"d/" * 2000 + b"f") + file(b"x") + w(b"d") + opaque(b"."),
    "deep hard link": long_path(b"d/" * 2000 + b"f") + file(b"x")
    + long_link(b"d/" * 2000 + b"f") + hardlink(b"l", b"x"),
    "path of the limit": long_path(b"ab/" * 1365 + b"c") + file(b"x") + long_path(b"ab/" * 1365 + b"c") + w(b"x"),
    "path over the limit": long_path(b"ab/" * 1366 + b"c") + file(b"x"),
    "component over the limit": long_path(b"n" * 256) + file(b"x"),
    "whiteout of a long name": long_path(b".wh." + b"n" * 251) + file(b"x")
    + long_path(b".wh." + b"n" * 255) + file(b"x"),
    "overlay xattrs": pax(
        record(b"SCHILY.xattr.trusted.overlay.redirect", b"/..") + record(b"SCHILY.xattr.user.overlay.metacopy", b"")
    ) + directory(b"d"),
    "unknown xattrs": pax(
        record(b"SCHILY.xattr.bogus.x", b"y") + record(b"SCHILY.xattr.", b"y") + record(b"SCHILY.xattr.user.", b"y")
        + record(b"SCHILY.xattr.user." + b"n" * 300, b"y")) + file(b"a"),
    "big xattr": pax(record(b"SCHILY.xattr.user.x", b"y" * 70000)) + file(b"a"),
    "bad ACL and capability": pax(
        record(b"SCHILY.xattr.system.posix_acl_access", b"xx") + record(b"SCHILY.xattr.security.capability", b"xx")
    ) + file(b"a"),
    "times": pax(record(b"mtime", b"-99999999999")) + file(b"a") + pax(record(b"mtime", b"9" * 18)) + directory(b"d"),
    "ids": block(b"a", uid=tars.base256(-1, 8), gid=tars.base256((1 << 32) - 1, 8)),
    "sparse bomb": pax(record(b"GNU.sparse.map", b"0,4") + record(b"GNU.sparse.size", b"%d" % (1 << 61))) + file(b"x"),
    "not UTF-8": file(b"\xff\xfe/\x80") + symlink(b"\x80", b"\xff") + w(b"\xff\xfe/\x80"),
    "surrogates, newlines, escapes": file(b"\xed\xa0\x80") + file(b"a\nb\x1b[31m") + file(b"-rf"),
    "scow's own removal name": file(b".scow-removed-1") + directory(b"d") + file(b"d/x") + file(b"d"),
}  # fmt: skip

ARCHIVES = {
    **{f"{how} through {where}": make(to) for how, make in THROUGH.items() for where, to in POINTS.items()},
    **PLAIN,
}


class Ground:
    """A directory to apply to, beside one that must not change."""

    def __init__(self, top: Path) -> None:
        self.top, self.outside, self.root = top, top / "outside", top / "root"
        (self.outside / "dir").mkdir(parents=True)
        (self.outside / "secret").write_text("secret")
        (self.outside / "dir" / "inner").write_text("inner")
        self.before = self.look()

    def look(self) -> dict[str, tuple[object, ...]]:
        """Everything outside, with what a write, a chmod or a link to it would change."""
        found: dict[str, tuple[object, ...]] = {}
        for path in [self.outside, *sorted(self.outside.rglob("*"))]:
            s = path.lstat()
            content = path.read_bytes() if path.is_file() else None
            found[str(path)] = (s.st_mode, s.st_uid, s.st_nlink, s.st_size, s.st_mtime_ns, s.st_ctime_ns, content)
        found["names"] = tuple(sorted(name for name in os.listdir(self.top) if name != "root"))
        return found


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("h")


def for_overlay(root: Path, stream: bytes) -> None:
    tars.overlay_tree(root, stream)


def for_nothing(root: Path, stream: bytes) -> None:
    tars.no_tree(stream)


def for_mounting(root: Path, stream: bytes) -> None:
    tree = root / MOUNTABLE
    tree.mkdir()
    with open(os.devnull, "r+b") as nowhere:
        made = Mountable()
        apply(io.BytesIO(stream), made, Writer(nowhere))
        made.write(tree, len(stream))


@pytest.mark.parametrize("how", [for_overlay, for_nothing, for_mounting])
def test_nothing_is_written_outside(how: Callable[[Path, bytes], None], deep_path: Path) -> None:
    assert len(ARCHIVES) >= 60
    for number, (name, archive) in enumerate(ARCHIVES.items()):
        ground = Ground(deep_path / str(number))
        began = time.process_time()
        try:
            how(ground.root, pointed(archive, os.fsencode(ground.outside)) + END)
        except (ScowError, OSError):
            pass
        except Exception as error:
            raise AssertionError(f"{name}: {error!r} came out") from error
        assert ground.look() == ground.before, name
        remove(ground.root)
        assert time.process_time() - began < 5, name
    assert len(os.listdir("/proc/self/fd")) < 200


def pointed(archive: bytes, outside: bytes) -> bytes:
    """``archive`` with the outside's real path where :data:`OUT` stands; lengths and checksums are made right again."""
    if OUT not in archive:
        return archive
    parts, at = [], 0
    while at < len(archive):
        head = archive[at : at + 512]
        size = int(head[124:135], 8)
        body = archive[at + 512 : at + 512 + size]
        link = head[157:257].rstrip(b"\0").replace(OUT, outside)
        flag = head[156:157]
        if flag in b"xg" and OUT in body:
            records = [line.partition(b" ")[2] for line in body.split(b"\n") if line]
            body = b"".join(record(*text.replace(OUT, outside).split(b"=", 1)) for text in records)
        elif flag == b"L":
            body = body.replace(OUT, outside)
        if OUT in head[157:257]:
            parts.append(pax(record(b"linkpath", link)))
        parts.append(block(head[:100].rstrip(b"\0"), flag, len(body), mode=head[100:108], link=link[:100]))
        parts.append(tars.padded(body))
        at += 512 + size + -size % 512
    return b"".join(parts)


def test_the_archives_point_where_they_say(tmp_path: Path) -> None:
    for name, archive in ARCHIVES.items():
        made = pointed(archive, os.fsencode(tmp_path))
        assert OUT not in made, name
        assert (os.fsencode(tmp_path) in made) == (OUT in archive), name


names = st.lists(st.sampled_from([b"a", b"l", b"secret", b"dir", b"..", b".", b".wh.a", b".wh..wh..opq", b".wh.dir"]),
                 min_size=1, max_size=4).map(b"/".join)  # fmt: skip
targets = st.one_of(st.sampled_from([b"../outside", b"..", b"/", b"l", b"../outside/secret", b"a/.."]), names)
members = st.one_of(
    names.map(lambda name: file(name, b"stolen")),
    names.map(lambda name: directory(name, 0o777)),
    st.builds(symlink, names, targets),
    st.builds(hardlink, names, targets),
    names.map(lambda name: block(name, b"6")),
)


@given(st.lists(members, max_size=10))
@settings(max_examples=150, deadline=None)
def test_nothing_at_random_is_written_outside(short: Path, made: list[bytes]) -> None:
    for how in (for_overlay, for_nothing):
        ground = Ground(short / f"{time.monotonic_ns()}")
        with contextlib.suppress(ScowError, OSError):
            how(ground.root, b"".join(made) + END)
        assert ground.look() == ground.before
        remove(ground.top)


@pytest.mark.parametrize("longest", [b"n" * 255, b"d/" * (PATH_LIMIT // 2 - 1) + b"nn"])
def test_names_are_as_long_as_the_kernel_has_them(longest: bytes) -> None:
    assert clean(longest) == longest
    with pytest.raises(Limit):
        clean(longest + b"n")
