"""Where a build's result goes when not (only) to the store: ``--output``, ``--metadata-file``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from scow.cli.builds.flags import EXPORTS, Output
from scow.errors import Invalid, Unsupported
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.media_types import INDEXES
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.engine import Engine
    from scow.engine.builds.compressing import Compression


def check(outputs: Sequence[Output], tags: Sequence[str], platform: str | None, *, attested: bool) -> None:
    """Refuse at once what could not be written when all is built."""
    if any(output.push and not (output.names or tags) for output in outputs):
        raise Invalid("tag is needed when pushing to registry", hint="-t NAME")
    flat = next((output for output in outputs if output.kind in ("local", "tar")), None)
    if flat and attested:
        raise Unsupported(f"type={flat.kind} holds files, and no attestations", hint="type=oci")
    if flat and platform and "," in platform and flat.split is False:
        raise Unsupported("platform-split=false holds one platform", hint="platform-split=true, or a build for each")


def pushed(outputs: Sequence[Output], tags: Sequence[str]) -> tuple[str, ...]:
    """The names that the image is pushed under."""
    return tuple(name for output in outputs if output.push for name in output.names or tags)


def compression(outputs: Sequence[Output]) -> Compression | None:
    """How the image's layers are to be compressed: one build makes one image."""
    asked = {output.compression for output in outputs if output.kind not in ("local", "tar")}
    if len(asked) > 1:
        raise Unsupported("outputs that are compressed differently", hint="ask for the same in each, or scow copy")
    return next(iter(asked), None)


def stays(outputs: Sequence[Output], tags: Sequence[str]) -> bool:
    """Whether the store has what is built when all is done: not what has no name and only leaves."""
    return bool(tags) or not outputs or any(output.kind not in EXPORTS for output in outputs)


class Made(NamedTuple):
    """What was built: the image for this machine, and its manifest or the index."""

    image_id: Digest
    descriptor: Descriptor


def put(
    engine: Engine, built: Descriptor, outputs: Sequence[Output], tags: Sequence[str], told: Callable[[str], None]
) -> None:
    """Write every output. ``told`` hears of what was pushed."""
    for output in outputs:
        _put(engine, built, output, tags, told)


def _put(engine: Engine, built: Descriptor, output: Output, tags: Sequence[str], told: Callable[[str], None]) -> None:
    names = tuple(tags) or (built.digest,)
    split = built.media_type in INDEXES if output.split is None else output.split
    if output.kind == "local":
        engine.images.checkout(built.digest, output.target, split=split)
    elif output.kind == "image":
        for name in pushed([output], tags):
            told(f"pushed {name}@{engine.images.push(name).digest}")
    elif output.kind == "layout":
        engine.images.lay_out(names, output.target)
    else:
        from scow.cli.userfiles import sink

        with sink(None if output.target == "-" else output.target) as file:
            if output.kind == "tar":
                engine.images.export(built.digest, file, split=split)
            else:
                engine.images.save(names, file)


def metadata(made: Made, tags: Sequence[str]) -> str:
    """buildx's JSON about a build."""
    descriptor = made.descriptor
    told = {
        "containerimage.config.digest": made.image_id,
        "containerimage.descriptor": {
            "mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size,
        },
        "containerimage.digest": descriptor.digest,
        **({"image.name": ",".join(str(Reference.parse(tag)) for tag in tags)} if tags else {}),
    }  # fmt: skip
    return json.dumps(told, indent=2) + "\n"
