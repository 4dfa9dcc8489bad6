"""docker's ``manifest`` verbs: ``create``, ``annotate``, ``inspect``, ``push``, ``rm``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from scow.cli import formats, names
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.registries.transfers import PUSH, Transfer
from scow.cli.session import Session, pass_session

if TYPE_CHECKING:
    from scow.oci.descriptor import Descriptor

_INSECURE = switch("--insecure", help="The registry may speak plain HTTP")


def _trust(session: Session, names: Iterable[str], insecure: bool) -> None:
    """Their registries may speak plain HTTP, this time."""
    if insecure:
        from scow.oci.reference import Reference

        session.insecure += tuple(Reference.parse(name).host for name in names)


@click.command(
    "create",
    cls=Command,
    help="Make an index of several images, one for each platform. The images are those of the store, else the"
    " registry's, and stay where they are; of an index, all its images",
    examples="""
        scow manifest create example.com/app:1 example.com/app:1-amd64 example.com/app:1-arm64
        scow manifest create --amend example.com/app:1 app:1-riscv64
    """,
)
@click.argument("name", metavar="INDEX", shell_complete=names.images)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", shell_complete=names.images)
@switch("-a", "--amend", help="Add to an index that is there")
@_INSECURE
@pass_session
def create(session: Session, name: str, images: tuple[str, ...], amend: bool, insecure: bool) -> None:
    """``scow manifest create``."""
    from scow.oci.reference import Reference

    _trust(session, (name, *images), insecure)

    session.engine.manifests.create(name, images, amend=amend)
    click.echo(f"Created manifest list {Reference.parse(name)}")


@click.command(
    "annotate",
    cls=Command,
    help="Say otherwise what an image of an index runs on",
    examples="scow manifest annotate --arch arm --variant v6 app:1 app:1-arm",
)
@click.argument("name", metavar="INDEX", shell_complete=names.images)
@click.argument("image", metavar="IMAGE", shell_complete=names.images)
@option("--arch", metavar="string", help="Set the architecture")
@option("--os", metavar="string", help="Set the operating system")
@option("--os-features", multiple=True, metavar="strings", help="Set the operating system's features")
@option("--os-version", metavar="string", help="Set the operating system's version")
@option("--variant", metavar="string", help="Set the architecture's variant")
@pass_session
def annotate(
    session: Session,
    name: str,
    image: str,
    arch: str | None,
    os: str | None,
    os_features: tuple[str, ...],
    os_version: str | None,
    variant: str | None,
) -> None:
    """``scow manifest annotate``."""
    features = tuple(one for text in os_features for one in text.split(","))
    session.engine.manifests.annotate(
        name, image, architecture=arch, os=os, os_features=features, os_version=os_version, variant=variant
    )


@click.command(
    "inspect",
    cls=Command,
    help="Show an index or manifest, of the store or of its registry. With -v, the manifest of each image, its"
    " platform, digest and size",
    examples="""
        scow manifest inspect debian:12
        scow manifest inspect --raw debian:12 | sha256sum
    """,
)
@click.argument("name", metavar="NAME", shell_complete=names.images)
@switch("-v", "--verbose", help="Show the manifest of each image, and what its registry says of it")
@switch("--raw", help="Show its very bytes, which are what its digest is of")
@_INSECURE
@pass_session
def inspect(session: Session, name: str, verbose: bool, raw: bool, insecure: bool) -> None:
    """``scow manifest inspect``."""
    import json

    _trust(session, (name,), insecure)

    _, data = session.engine.manifests.inspect(name)
    if raw:
        click.echo(data, nl=False)
        return
    document = json.loads(data)
    if verbose:
        told = [_told(*one) for one in session.engine.manifests.images(name)]
        document = told if "manifests" in document else told[0]
    click.echo(formats.as_json(document, "\t"))


def _told(name: str, descriptor: Descriptor, raw: bytes) -> dict[str, Any]:
    """An image as docker's ``-v`` has it."""
    import json
    from base64 import b64encode

    from scow.oci.documents import encode
    from scow.oci.media_types import DOCKER_MANIFEST

    kind = "SchemaV2Manifest" if descriptor.media_type == DOCKER_MANIFEST else "OCIManifest"
    shown = json.loads(encode(descriptor))
    return {"Ref": name, "Descriptor": shown, "Raw": b64encode(raw).decode(), kind: json.loads(raw)}


@click.command(
    "push",
    cls=Command,
    help="Upload an index to the registry that its name says, and of its images what is not there. Prints the digest",
    examples="""
        scow manifest push registry.example.com/app:1
        scow manifest push --purge registry.example.com/app:1
    """,
)
@click.argument("name", metavar="INDEX", shell_complete=names.images)
@switch("-p", "--purge", help="Forget the index here once it is sent")
@switch("-q", "--quiet", help="Only print the digest")
@_INSECURE
@pass_session
def push(session: Session, name: str, purge: bool, quiet: bool, insecure: bool) -> None:
    """``scow manifest push``."""
    _trust(session, (name,), insecure)
    with session.progress(quiet=quiet) as display:
        moved = session.engine.manifests.push(name, purge=purge, watch=Transfer(display, PUSH))
    click.echo(moved.digest)


@click.command(
    "rm",
    cls=Command,
    help="Forget indexes made here; their images stay where they are",
    examples="scow manifest rm registry.example.com/app:1",
)
@click.argument("targets", nargs=-1, required=True, metavar="INDEX...", shell_complete=names.images)
@pass_session
def remove(session: Session, targets: tuple[str, ...]) -> None:
    """``scow manifest rm``: goes on after a name that is none."""
    from scow.cli.targets import each

    manifests = session.engine.manifests
    each(targets, lambda name: "\n".join(f"Deleted manifest list: {one}" for one in manifests.remove([name])))
