"""``copy`` and ``sync``: images from any place to any other."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scow.cli import userfiles
from scow.cli.lazy import Command
from scow.cli.options import option, switch, together
from scow.cli.refused import refused, values
from scow.cli.registries.transfers import COPY, Transfer
from scow.cli.session import Session, pass_session
from scow.errors import Invalid, NotFound

if TYPE_CHECKING:
    from scow.engine.registries.syncing import Leg
    from scow.engine.registries.verbs import Options
    from scow.image.rewrite import Wish
    from scow.registry.credentials import CredentialStore

PLACES = """Places: docker://NAME (a registry), store:NAME, oci:DIR[:NAME], oci-archive:FILE[:NAME],
docker-archive:FILE[:NAME]. As SOURCE, a bare name is an image of the store, a file or directory, or a registry's."""
_SECRETS = "scow login, or --src-authfile and --dest-authfile: what is on a command line, everybody on the machine sees"

#: The flags of a copy, but for those that only make sense for one image.
_copy_flags = together(
    switch("-a", "--all", "every", help="Copy the images for all platforms, as one index"),
    option("--platform", "platforms", metavar="list", help="Take the image for this platform; for several, an index"),
    switch("--preserve-digests", help="Fail rather than change a digest"),
    switch("--referrers", help="Copy what refers to the image too: signatures, SBOMs and other artifacts"),
    option("--compression", default="", metavar="string", help="Compress layers anew: gzip, zstd or none"),
    option("--compression-level", "level", type=int, metavar="int", help="gzip 0 to 12, zstd 0 to 22"),
    option("-f", "--format", "family", type=click.Choice(["oci", "docker"]), help="Whose media types to write"),
    option("--src-authfile", metavar="string", help="Take the credentials for SOURCE from this file"),
    option("--dest-authfile", metavar="string", help="Take the credentials for DESTINATION from this file"),
    refused(values("--src-creds --dest-creds --src-password --dest-password", hint=_SECRETS)),
)


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
@_copy_flags
@option("--digestfile", metavar="string", help="Write the digest of the copy to this file")
@switch("-q", "--quiet", help="Only print the digest")
@pass_session
def copy(session: Session, /, source: str, target: str, digestfile: str | None, quiet: bool, **flags: Any) -> None:
    """``scow copy``."""
    with session.progress(quiet=quiet) as display:
        copied = session.engine.registries.copy(source, target, watch=Transfer(display, COPY), **_options(**flags))
    if digestfile:
        userfiles.write(digestfile, copied.digest)
    click.echo(copied.digest)


@click.command(
    "sync",
    cls=Command,
    help="Copy many images below one place: all tags of a SOURCE without a tag, all names of a layout. At a registry an"
    " image keeps the last component of its path, with --scoped all of it. What cannot be copied is told, and the"
    " others go on; the exit code is 1 then",
    examples="""
        scow sync docker://debian:12 docker://alpine docker://registry.example.com/mirror
        scow sync --scoped --from list.txt docker://registry.example.com/mirror
        scow sync --all docker://quay.io/team/app oci:/backup
    """,
)
@click.argument("places", nargs=-1, required=True, metavar="SOURCE... DESTINATION")
@option("--from", "listed", metavar="string", help="Read more sources from this file, one a line; # starts a comment")
@switch("--scoped", help="Keep the registry's name and the whole path of each image")
@switch("--dry-run", help="Only say what would go where")
@_copy_flags
@switch("-q", "--quiet", help="Only tell what could not be copied")
@pass_session
def sync(
    session: Session,
    /,
    places: tuple[str, ...],
    listed: str | None,
    scoped: bool,
    dry_run: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    """``scow sync``."""
    *sources, target = places
    sources += _listed(listed) if listed else []
    if not sources:
        raise Invalid("names no source", hint="scow sync SOURCE... DESTINATION")
    legs = session.engine.registries.sync(
        sources, target, scoped=scoped, dry_run=dry_run, told=lambda leg: _tell(leg, quiet), **_options(**flags)
    )
    if any(leg.error for leg in legs):
        sys.exit(1)


def _tell(leg: Leg, quiet: bool) -> None:
    if leg.error:
        click.echo(f"{leg.source}: {leg.error}", err=True)
    elif not quiet:
        click.echo(f"{leg.source} -> {leg.target}" + (f" {leg.copied.digest}" if leg.copied else ""))


def _listed(path: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in userfiles.text(path).splitlines())
    return [line for line in lines if line]


def _options(
    *,
    every: bool,
    platforms: str | None,
    preserve_digests: bool,
    referrers: bool,
    compression: str,
    level: int | None,
    family: str | None,
    src_authfile: str | None,
    dest_authfile: str | None,
) -> Options:
    """The engine's words for the flags."""
    return {
        "every": every,
        "platforms": tuple(filter(None, (platforms or "").split(","))),
        "wish": _wish(compression, level, family),
        "preserve_digests": preserve_digests,
        "referrers": referrers,
        "source_credentials": authfile(src_authfile),
        "target_credentials": authfile(dest_authfile),
    }


def _wish(compression: str, level: int | None, family: str | None) -> Wish | None:
    if not (compression or family) and level is None:
        return None
    from scow.image.rewrite import Wish

    return Wish(compression, level, "docker" if family == "docker" else "oci" if family == "oci" else None)


def authfile(path: str | None) -> CredentialStore | None:
    """The credentials of one file, instead of the user's. Raises :class:`NotFound`."""
    if path is None:
        return None
    if not os.path.exists(path):
        raise NotFound("no such file", subject=path, hint="scow login writes ~/.docker/config.json")
    from scow.registry.credentials import CredentialStore

    return CredentialStore((Path(path),))
