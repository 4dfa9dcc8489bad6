"""Artifacts beside images: ``image attach`` and ``referrers``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from scow.cli import formats
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.registries.transfers import PUSH, Transfer
from scow.cli.session import Session, pass_session

if TYPE_CHECKING:
    from scow.cli.table import Row
    from scow.oci.descriptor import Descriptor

_COLUMNS = (("DIGEST", "Digest"), ("ARTIFACT TYPE", "ArtifactType"), ("SIZE", "Size"))


@click.command(
    "attach",
    cls=Command,
    help="Put files beside an image at its registry, as an artifact that refers to it: an SBOM, a signature, a report."
    " Prints the artifact's digest",
    examples="""
        scow image attach --artifact-type application/spdx+json app:1 sbom.spdx.json:application/spdx+json
        scow image attach --artifact-type text/plain --annotation note=checked registry.example.com/app:1 report.txt
    """,
)
@click.argument("name", metavar="NAME[:TAG|@DIGEST]")
@click.argument("files", nargs=-1, required=True, metavar="FILE[:MEDIATYPE]...")
@option("--artifact-type", required=True, metavar="string", help="What the artifact is: a media type")
@option("--annotation", "annotations", multiple=True, metavar="list", help="Add KEY=VALUE to the manifest")
@option("--platform", metavar="string", help="Refer to the image for this platform, not to the whole index")
@switch("-q", "--quiet", help="Only print the digest")
@pass_session
def attach(
    session: Session,
    name: str,
    files: tuple[str, ...],
    artifact_type: str,
    annotations: tuple[str, ...],
    platform: str | None,
    quiet: bool,
) -> None:
    """``scow image attach``."""
    from scow.cli.builds.flags import pairs
    from scow.image.artifact import file_and_type

    with session.progress(quiet=quiet) as display:
        made = session.engine.registries.attach(
            name,
            [file_and_type(text) for text in files],
            artifact_type=artifact_type,
            annotations=pairs(annotations, "annotation"),
            platform=platform,
            watch=Transfer(display, PUSH),
        )
    click.echo(made.digest)


@click.command(
    "referrers",
    cls=Command,
    help="List what refers to an image at its registry: signatures, SBOMs and other artifacts",
    examples="""
        scow referrers registry.example.com/app:1
        scow referrers -q --artifact-type application/spdx+json registry.example.com/app:1
    """,
)
@click.argument("name", metavar="NAME[:TAG|@DIGEST]")
@option("--artifact-type", metavar="string", help="Only those of this type")
@formats.of_list
@switch("-q", "--quiet", help="Only show digests")
@pass_session
def referrers(session: Session, name: str, artifact_type: str | None, template: str, quiet: bool) -> None:
    """``scow referrers``."""
    from scow.cli import table

    found = session.engine.registries.referrers(name, artifact_type=artifact_type)
    headers = {"MediaType": "MEDIA TYPE", "Annotations": "ANNOTATIONS"}
    click.echo(table.render(_rows(found), _COLUMNS, template, quiet=quiet, headers=headers, key="Digest"), nl=False)


def _rows(found: Iterable[Descriptor]) -> Iterator[Row]:
    from scow.cli.units import human_size

    for one in found:
        yield {
            "Digest": str(one.digest),
            "ArtifactType": one.artifact_type or "<none>",
            "Size": human_size(one.size),
            "MediaType": one.media_type,
            "Annotations": ",".join(f"{key}={value}" for key, value in sorted((one.annotations or {}).items())),
        }
