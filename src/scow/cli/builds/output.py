"""Where a build's result goes when not (only) to the store: ``--output``, ``--metadata-file``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from scow.cli.builds.flags import EXPORTS, Output
from scow.errors import Invalid, Unsupported
from scow.oci.digest import Digest
from scow.oci.media_types import INDEXES
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.engine import Engine


def known(engine: Engine, outputs: Sequence[Output], tags: Sequence[str]) -> frozenset[Digest] | None:
    """The images that were there before, when one that is new should not stay: it only leaves the store."""
    only = bool(outputs) and not tags and all(output.kind in EXPORTS for output in outputs)
    return frozenset(one.id for one in engine.images.list()) if only else None


def check(outputs: Sequence[Output], tags: Sequence[str], platform: str | None) -> None:
    """Refuse at once what could not be written when all is built."""
    if any(output.push and not (output.names or tags) for output in outputs):
        raise Invalid("tag is needed when pushing to registry", hint="-t NAME")
    if platform and "," in platform and (kinds := {output.kind for output in outputs} & {"local", "tar"}):
        raise Unsupported(f"type={kinds.pop()} holds one platform", hint="type=oci, or a build for each")


def pushed(outputs: Sequence[Output], tags: Sequence[str]) -> tuple[str, ...]:
    """The names that the image is pushed under."""
    return tuple(name for output in outputs if output.push for name in output.names or tags)


def put(
    engine: Engine, image_id: Digest, outputs: Sequence[Output], tags: Sequence[str],
    before: frozenset[Digest] | None, told: Callable[[str], None],
) -> None:  # fmt: skip
    """Write every output; ``before`` is what :func:`known` said. ``told`` hears of what was pushed."""
    try:
        for output in outputs:
            _put(engine, image_id, output, tags, told)
    finally:
        if before is not None and image_id not in before:
            engine.images.remove(str(image_id))


def _put(engine: Engine, image_id: Digest, output: Output, tags: Sequence[str], told: Callable[[str], None]) -> None:
    if output.kind == "local":
        engine.images.checkout(str(image_id), output.target)
    elif output.kind == "image":
        for name in pushed([output], tags):
            told(f"pushed {name}@{engine.images.push(name).digest}")
    elif output.kind == "layout":
        engine.images.lay_out(tuple(tags) or (str(image_id),), output.target)
    else:
        from scow.cli.images.archives import sink

        with sink(None if output.target == "-" else output.target) as file:
            if output.kind == "tar":
                engine.images.export(str(image_id), file)
            else:
                engine.images.save(tuple(tags) or (str(image_id),), file)


def metadata(engine: Engine, image_id: Digest, tags: Sequence[str]) -> str:
    """buildx's JSON about a build."""
    known = engine.images.find(tags[0] if tags else str(image_id))
    descriptor = next((one for one in known.entries if one.media_type in INDEXES), known.image.descriptor)
    told = {
        "containerimage.config.digest": image_id,
        "containerimage.descriptor": {
            "mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size,
        },
        "containerimage.digest": descriptor.digest,
        **({"image.name": ",".join(str(Reference.parse(tag)) for tag in tags)} if tags else {}),
    }  # fmt: skip
    return json.dumps(told, indent=2) + "\n"
