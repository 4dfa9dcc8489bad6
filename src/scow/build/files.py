"""COPY and ADD → their ops: where files come from, and where they go. Pure."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote, urlsplit

from scow.build import sources as written
from scow.build.draft import Draft
from scow.build.ops import CopyOp, FromContext, FromUrl, Origin
from scow.build.owners import is_named
from scow.dockerfile import instructions as ins
from scow.dockerfile.span import located
from scow.errors import Invalid
from scow.oci.digest import Digest


def copy(draft: Draft, instruction: ins.Copy) -> None:
    """Note a COPY."""
    origin = draft.origin(instruction, draft.expand(instruction.from_))
    sources = tuple(draft.expand(source) for source in instruction.sources)
    _step(draft, instruction, origin, sources)


def add(draft: Draft, instruction: ins.Add) -> None:
    """Note an ADD: one step for what is local, and one for each source on the network."""
    sources = [draft.expand(source) for source in instruction.sources]
    remote = [(source, found) for source in sources if (found := _remote(draft, instruction, source))]
    names = [source for source, _ in remote]
    local = tuple(source for source in sources if source not in names)
    if instruction.checksum and (local or instruction.files or len(remote) != 1):
        raise draft.invalid("checksum can't be specified for multiple or local sources")
    if local or instruction.files:
        _step(draft, instruction, FromContext(), local)
    for source, origin in remote:
        _step(draft, instruction, origin, ("*" if isinstance(origin, FromUrl) else ".",), source)  # the file that came


def _name(draft: Draft, instruction: ins.Add, url: str) -> str:
    """What a file is called after its URL."""
    path = unquote(urlsplit(url).path, errors="surrogateescape")
    name = posixpath.basename(path.rstrip("/"))
    if name not in ("", ".", "..") and "\0" not in name:
        return name
    if draft.expand(instruction.target).endswith("/"):
        raise draft.invalid(f"cannot determine filename for source URL {url}", hint="end the target with one")
    return FromUrl(url).name


def _remote(draft: Draft, instruction: ins.Add, source: str) -> Origin | None:
    """A URL or a git repository; ``None`` for a local path."""
    if not written.is_remote(source):
        return None
    checksum = draft.expand(instruction.checksum)
    parts = urlsplit(source)
    if parts.scheme.lower() in ("http", "https") and (parts.username or parts.password):
        raise draft.invalid("a URL with credentials would end up in the history", hint="use RUN --mount=type=secret")
    if written.is_git(source) and not source.lower().startswith("file://"):
        try:
            return written.repository(source, keep_git=bool(instruction.keep_git_dir), checksum=checksum)
        except Invalid as error:
            raise located(error, draft.stages.dockerfile.where(draft.span)) from None
    if parts.scheme.lower() not in ("http", "https"):
        raise draft.unsupported(f"ADD of {parts.scheme}://")
    if checksum:
        try:
            Digest(checksum)
        except Invalid as error:
            raise draft.invalid(f"invalid checksum: {error.problem}", hint="sha256:HEX") from None
    return FromUrl(source, checksum, _name(draft, instruction, source))


def _step(
    draft: Draft, instruction: ins.Copy | ins.Add, origin: Origin, sources: tuple[str, ...], told: str = ""
) -> None:
    """Note a step that is one of the instruction's; ``told`` is the source as it was written, where that is another."""
    target, chown = _target(draft, instruction), draft.expand(instruction.chown)
    if instruction.link and is_named(chown):
        raise draft.invalid(
            f"--chown={chown}: user and group names can't be resolved when used with --link", hint="uid[:gid]"
        )
    files = tuple(
        (doc.name, (draft.expand(doc.text, heredoc=True) if doc.expand else doc.text).encode())
        for doc in instruction.files
        if isinstance(origin, FromContext) or isinstance(instruction, ins.Copy)
    )
    op = CopyOp(
        origin=origin,
        sources=sources,
        target=target,
        files=files,
        chown=chown,
        chmod=draft.expand(instruction.chmod),
        exclude=tuple(draft.expand(pattern) for pattern in instruction.exclude),
        unpack=isinstance(instruction, ins.Add) and _unpacks(instruction, origin),
        link=instruction.link,
        parents=isinstance(instruction, ins.Copy) and instruction.parents,
    )
    draft.step(_told(draft, instruction, op, (told,) if told else sources), op)


def _unpacks(instruction: ins.Add, origin: Origin) -> bool:
    """Local archives are unpacked unless it is said not to be, downloads only when it is said."""
    if instruction.unpack is None:
        return isinstance(origin, FromContext)
    return instruction.unpack


def _told(draft: Draft, instruction: ins.Copy | ins.Add, op: CopyOp, sources: tuple[str, ...]) -> str:
    """How history tells it."""
    flags = ["--parents"] if op.parents else []
    flags += [f"--{name}={value}" for name, value in (("chown", op.chown), ("chmod", op.chmod)) if value]
    names = (f"<<{name}" for name, _ in op.files)
    return " ".join([instruction.keyword, *flags, *sources, *names, draft.expand(instruction.target)])


def _target(draft: Draft, instruction: ins.Copy | ins.Add) -> str:
    """The absolute path, with a slash at its end when it must be a directory."""
    written = draft.expand(instruction.target)
    target = posixpath.normpath(posixpath.join("/", draft.workdir, written))
    target = "/" + target.lstrip("/")
    if (written.endswith(("/", "/.")) or written in (".", "")) and target != "/":
        target += "/"
    return target
