"""What is in an image, as a bill of materials: ``sbom``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from scow.cli import formats, names
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import Invalid

if TYPE_CHECKING:
    from scow.cli.table import Row
    from scow.scan.package import Catalog

_COLUMNS = (("NAME", "Name"), ("VERSION", "Version"), ("TYPE", "Type"), ("LAYER", "Layer"))
_FORMAT = """Format of the list:
'table':            For a terminal (default)
'cyclonedx':        CycloneDX 1.6 (default with --attach)
'spdx':             SPDX 2.3
'json':             All that is known of each package"""
_DOCUMENTS = ("cyclonedx", "spdx", "json")


@click.command(
    "sbom",
    cls=Command,
    help="List the packages in an image: the distribution's, and those of programming languages. The image may be in"
    " the store, a registry (docker://NAME), an archive or a directory; nothing is unpacked",
    examples="""
        scow sbom debian:12
        scow sbom --format cyclonedx -o app.cdx.json app:1
        scow sbom --format spdx docker://registry.example.com/app:1
        scow sbom --attach registry.example.com/app:1
    """,
)
@click.argument("target", metavar="IMAGE", shell_complete=names.images)
@option("--format", "form", default="", metavar="string", help=_FORMAT)
@option("-o", "--output", metavar="string", help="Write the list to a file")
@switch("--attach", help="Put the list beside the image at its registry, as an artifact that refers to it")
@switch("--lockfiles", help="Also list what Node's lockfiles name, which need not be installed")
@option("--platform", metavar="string", help="Look at the image for another platform")
@pass_session
def sbom(
    session: Session,
    target: str,
    form: str,
    output: str | None,
    attach: bool,
    lockfiles: bool,
    platform: str | None,
) -> None:
    """``scow sbom``."""
    if form not in ("", "table", *_DOCUMENTS):
        raise Invalid(
            "no such format of a bill of materials", subject=form, hint="there are table, cyclonedx, spdx, json"
        )
    scanner = session.engine.scanner
    if attach:
        if form == "table" or output is not None or lockfiles:
            raise Invalid("--attach goes with a document's --format, and not with --output or --lockfiles")
        click.echo(scanner.attach_sbom(target, format=form or "cyclonedx", platform=platform).digest)
        return
    if form in _DOCUMENTS:
        formats.write(output, scanner.sbom_pieces(target, format=form, platform=platform, lockfiles=lockfiles))
        return
    catalog = scanner.catalog(target, platform=platform, lockfiles=lockfiles)
    from scow.cli import table

    formats.write(output, table.render(_rows(catalog), _COLUMNS).encode())
    _tell(catalog)


def _rows(catalog: Catalog) -> Iterator[Row]:
    for one in catalog.packages:
        layer = catalog.layers[one.layer].diff_id if 0 <= one.layer < len(catalog.layers) else ""
        brought = layer.partition(":")[2][:12] or "-"
        yield {"Name": one.name, "Version": one.version, "Type": one.kind, "Layer": brought}


def _tell(catalog: Catalog) -> None:
    """What is not in the list, on standard error."""
    from scow.scan.bom.facts import complaint

    for one in catalog.unread:
        click.echo(f"not read: {complaint(one)}", err=True)
