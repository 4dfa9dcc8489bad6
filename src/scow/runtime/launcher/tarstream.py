"""Files to a tar stream and back, for ``cp``: by descriptors, following no link, with the standard library alone.

The same code runs on both sides: on the host, where a container's files are not trusted, and in a container's mount
namespace, where nothing may be loaded any more. So no user is looked up by name: that would load the container's own
libraries (CVE-2019-14271).
"""

from __future__ import annotations

import errno
import os
import stat
import tarfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    Rename = Callable[[str], str | None]

_CHUNK = 1 << 20
_KINDS = {
    stat.S_IFREG: tarfile.REGTYPE, stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE, stat.S_IFBLK: tarfile.BLKTYPE, stat.S_IFIFO: tarfile.FIFOTYPE,
}  # fmt: skip
_NODES = {tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK, tarfile.FIFOTYPE: stat.S_IFIFO}
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def pack(path: str, name: str, output: BinaryIO) -> None:
    """Write ``path`` (a link as a link) and all below it as ``name``; sockets are left out."""
    above, _, last = path.rstrip("/").rpartition("/")
    at = os.open(above or ("/" if path.startswith("/") else "."), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with tarfile.open(fileobj=output, mode="w|", format=tarfile.PAX_FORMAT, errors="surrogateescape") as archive:
        links: dict[tuple[int, int], str] = {}
        _pack(archive, at, last or ".", name, links)
    os.close(at)


def _pack(archive: tarfile.TarFile, at: int, last: str, name: str, links: dict[tuple[int, int], str]) -> None:
    try:
        status = os.stat(last, dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return  # it went away meanwhile
    kind = _KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        return
    member = _member(name, kind, status)
    if kind == tarfile.SYMTYPE:
        member.linkname = os.readlink(last, dir_fd=at)
    if status.st_nlink > 1 and kind != tarfile.DIRTYPE:
        first = links.setdefault((status.st_dev, status.st_ino), name)
        if first != name:
            member.type, member.linkname, member.size = tarfile.LNKTYPE, first, 0
    if member.type == tarfile.REGTYPE:
        fd = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
        with os.fdopen(fd, "rb") as file:
            archive.addfile(member, _Exactly(file, member.size))  # type: ignore[arg-type]
        return
    archive.addfile(member)
    if kind == tarfile.DIRTYPE:
        inner = os.open(last, _DIRECTORY, dir_fd=at)
        try:
            for child in sorted(os.listdir(inner)):
                _pack(archive, inner, child, f"{name}/{child}", links)
        finally:
            os.close(inner)


class _Exactly:
    """A file's first bytes: as many as were announced, whatever happens to it meanwhile."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int) -> bytes:
        part = self._file.read(min(size, self._left))
        part += bytes(min(size, self._left) - len(part))
        self._left -= len(part)
        return part


def _member(name: str, kind: bytes, status: os.stat_result) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.mode, member.uid, member.gid = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid
    member.mtime = status.st_mtime_ns / 1e9 if status.st_mtime_ns % 10**9 else status.st_mtime_ns // 10**9
    member.size = status.st_size if kind == tarfile.REGTYPE else 0
    member.devmajor, member.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
    return member


class Refusal(Exception):
    """What an archive asks for and cannot have; its text says why."""


def unpack(archive: BinaryIO, directory: int, rename: Rename, *, mask: int, owners: bool, nodes: bool) -> None:
    """Write the members below ``directory`` (a descriptor), each where ``rename`` says (None: not at all).

    Modes are cut with ``mask``; with ``owners`` they get the archive's, as far as that is allowed; without ``nodes``
    devices and FIFOs are left out. Raises :class:`Refusal` and OSError.
    """
    late: list[tuple[str, int, float]] = []
    try:
        with tarfile.open(fileobj=archive, mode="r|*", errors="surrogateescape") as stream:
            for member in stream:
                path = rename(member.name)
                if path is None:
                    continue
                at = _enter(directory, _parts(path)[:-1])
                try:
                    _Target(at, (_parts(path) or ["."])[-1]).write(stream, member, directory, rename, nodes=nodes)
                    _dress(at, (_parts(path) or ["."])[-1], member, mask, owners=owners)
                finally:
                    os.close(at)
                if member.isdir():
                    late.append((path, member.mode & mask, member.mtime))
    except tarfile.TarError as error:
        raise Refusal(f"not a tar archive: {error}") from None
    for path, mode, mtime in reversed(late):
        fd = _enter(directory, _parts(path))
        os.fchmod(fd, mode)
        os.utime(fd, (mtime, mtime))
        os.close(fd)


def _parts(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refusal(f"the archive has a path that leads out: {path}")
    return parts


def _enter(directory: int, parts: list[str]) -> int:
    """The directory below, made where it is missing; no link is followed."""
    at = os.dup(directory)
    for part in parts:
        try:
            inner = os.open(part, _DIRECTORY, dir_fd=at)
        except FileNotFoundError:
            os.mkdir(part, 0o755, dir_fd=at)
            inner = os.open(part, _DIRECTORY, dir_fd=at)
        except NotADirectoryError:
            raise Refusal(f"cannot overwrite non-directory {part!r} with directory") from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Refusal(f"cannot overwrite non-directory {part!r} with directory") from None
            raise
        finally:
            os.close(at)
        at = inner
    return at


class _Target:
    """One name to write to."""

    def __init__(self, at: int, name: str) -> None:
        self.at, self.name = at, name

    def write(self, stream: tarfile.TarFile, member: tarfile.TarInfo, top: int, rename: Rename, *, nodes: bool) -> None:
        if member.isdir():
            os.close(_enter(self.at, [] if self.name == "." else [self.name]))
            return
        if member.type in _NODES and not nodes:
            if "/" not in member.name:  # it is all that was asked for
                raise Refusal(f"{member.name!r} is a device or a FIFO, which is copied with -a only")
            return
        self._make_room()
        if member.issym():
            os.symlink(member.linkname, self.name, dir_fd=self.at)
        elif member.islnk():
            self._link(top, rename(member.linkname))
        elif member.type in _NODES:
            device = os.makedev(member.devmajor, member.devminor)
            os.mknod(self.name, _NODES[member.type] | 0o600, device, dir_fd=self.at)
        else:
            self._file(stream, member)

    def _make_room(self) -> None:
        try:
            os.unlink(self.name, dir_fd=self.at)
        except FileNotFoundError:
            return
        except (IsADirectoryError, PermissionError):
            if stat.S_ISDIR(os.stat(self.name, dir_fd=self.at, follow_symlinks=False).st_mode):
                raise Refusal(f"cannot overwrite directory {self.name!r} with non-directory") from None
            raise

    def _link(self, top: int, path: str | None) -> None:
        if path is None:
            raise Refusal(f"{self.name!r} is a link to what is not copied")
        above = _enter(top, _parts(path)[:-1])
        try:
            os.link(_parts(path)[-1], self.name, src_dir_fd=above, dst_dir_fd=self.at, follow_symlinks=False)
        finally:
            os.close(above)

    def _file(self, stream: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        source = stream.extractfile(member)
        with os.fdopen(os.open(self.name, flags, 0o600, dir_fd=self.at), "wb") as file:
            for part in _pieces(source):
                file.write(part)


def _pieces(source: object) -> Iterator[bytes]:
    while part := source.read(_CHUNK) if source else b"":  # type: ignore[attr-defined]
        yield part


def _dress(at: int, name: str, member: tarfile.TarInfo, mask: int, *, owners: bool) -> None:
    """Owner, mode and time, as far as they may be given; a directory's mode and time come last."""
    if member.islnk():
        return
    if owners:
        try:
            os.chown(name, member.uid, member.gid, dir_fd=at, follow_symlinks=False)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EINVAL):  # an id that is not mapped here
                raise
    if member.issym() or member.isdir():
        return
    try:
        os.chmod(name, member.mode & mask, dir_fd=at)
        os.utime(name, (member.mtime, member.mtime), dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return  # a node that was left out
