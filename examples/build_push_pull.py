"""Build an image from files that are made here, push it to a registry, pull it into another store, and look at it.

Needs no network, no root and no container: ``python examples/build_push_pull.py``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from scow import Engine
from scow.build.execute import Event
from scow.content.copy import Progress
from scow.testing.registry import Registry

DOCKERFILE = b"""
FROM scratch AS texts
COPY *.txt /texts/

FROM scratch
LABEL org.opencontainers.image.title="an example"
COPY --from=texts /texts/ /srv/
COPY <<end /srv/written-here.txt
A heredoc makes a file.
end
"""


def tell_step(event: Event) -> None:
    """One line for each step that ended."""
    if event.state in ("done", "cached"):
        print(f"[{event.stage} {event.number}/{event.total}] {event.title}: {event.state}")


def tell_blob(progress: Progress) -> None:
    """One line for each blob that came to rest."""
    if progress.state in ("done", "exists"):
        print(f"{progress.descriptor.digest.short}: {progress.state}, {progress.descriptor.size} bytes")


def main(work: Path) -> None:
    """The whole way."""
    context = work / "context"
    context.mkdir()
    for name in ("one", "two"):
        (context / f"{name}.txt").write_text(f"the text of {name}\n")

    here, there = Engine(work / "here"), Engine(work / "there")
    with Registry() as registry:
        name = f"{registry.host}/example/texts:1"
        image_id = here.images.build(context, dockerfile=DOCKERFILE, tags=[name], watch=tell_step)
        print("built", image_id)
        print("pushed", here.images.push(name, watch=tell_blob).digest)
        print("pulled", there.images.pull(name, watch=tell_blob).digest)

    for step in there.images.history(name):
        print(f"{step.size:6}  {step.created_by}")
    if there.images.find(name).image.id != image_id:
        sys.exit("the pulled image is another one")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(Path(directory))
