"""``copy``: an image from any place to any other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.refused import refused, values
from scow.cli.session import Session, pass_session
from scow.cli.transfers import COPY, Transfer
from scow.errors import Denied

if TYPE_CHECKING:
    from scow.image.rewrite import Wish
    from scow.registry.credentials import CredentialStore

PLACES = """Places: docker://NAME (a registry), store:NAME, oci:DIR[:NAME], oci-archive:FILE[:NAME],
docker-archive:FILE[:NAME]. As SOURCE, a bare name is an image of the store, a file or directory, or a registry's."""
_SECRETS = "scow login, or --src-authfile and --dest-authfile: what is on a command line, everybody on the machine sees"


@click.command(
    "copy",
    cls=Command,
    help="Copy an image from one place to another, nothing that is there already, and nothing through the store unless"
    f" it is one of the two.\n\n{PLACES}",
    examples="""
        scow copy docker://debian:12 docker://registry.example.com/mirror/debian:12
        scow copy --all docker://alpine oci:/backup:alpine
        scow copy --compression zstd --compression-level 19 store:app:1 docker://registry.example.com/app:1
        scow copy docker-archive:old.tar oci-archive:new.tar:app:1
    """,
)
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="DESTINATION")
@switch("-a", "--all", "every", help="Copy the images for all platforms, as one index")
@option("--platform", "platforms", metavar="list", help="Take the image for this platform; for several, an index")
@switch("--preserve-digests", help="Fail rather than change a digest")
@option("--compression", default="", metavar="string", help="Compress layers anew: gzip, zstd or none")
@option("--compression-level", "level", type=int, metavar="int", help="gzip 1 to 12, zstd 1 to 22")
@option("-f", "--format", "family", type=click.Choice(["oci", "docker"]), help="Whose media types to write")
@option("--src-authfile", metavar="string", help="Take the credentials for SOURCE from this file")
@option("--dest-authfile", metavar="string", help="Take the credentials for DESTINATION from this file")
@option("--digestfile", metavar="string", help="Write the digest of the copy to this file")
@switch("-q", "--quiet", help="Only print the digest")
@refused(values("--src-creds --dest-creds --src-password --dest-password", hint=_SECRETS))
@pass_session
def copy(
    session: Session,
    source: str,
    target: str,
    every: bool,
    platforms: str | None,
    preserve_digests: bool,
    compression: str,
    level: int | None,
    family: str | None,
    src_authfile: str | None,
    dest_authfile: str | None,
    digestfile: str | None,
    quiet: bool,
) -> None:
    """``scow copy``."""
    with session.progress(quiet=quiet) as display:
        copied = session.engine.registries.copy(
            source,
            target,
            every=every,
            platforms=tuple(filter(None, (platforms or "").split(","))),
            wish=_wish(compression, level, family),
            preserve_digests=preserve_digests,
            source_credentials=authfile(src_authfile),
            target_credentials=authfile(dest_authfile),
            watch=Transfer(display, COPY),
        )
    if digestfile:
        _write(digestfile, copied.digest)
    click.echo(copied.digest)


def _wish(compression: str, level: int | None, family: str | None) -> Wish:
    from scow.image.rewrite import Wish

    return Wish(compression, level, "docker" if family == "docker" else "oci" if family == "oci" else None)


def authfile(path: str | None) -> CredentialStore | None:
    """The credentials of one file, instead of the user's."""
    if path is None:
        return None
    from scow.registry.credentials import CredentialStore

    return CredentialStore((Path(path),))


def _write(path: str, digest: str) -> None:
    try:
        Path(path).write_text(digest)
    except OSError as error:
        raise Denied(f"cannot write: {(error.strerror or '').lower()}", subject=path) from None
