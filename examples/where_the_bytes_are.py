"""Say for every image of a store which steps brought how many bytes, and what the store takes on disk.

``python examples/where_the_bytes_are.py [STORE]``; without an argument your own store.
"""

from __future__ import annotations

import sys

from scow import Engine


def main(root: str | None) -> None:
    """One block for each image, then the store."""
    engine = Engine(root)
    for one in engine.images.list():
        print(f"{', '.join(one.names) or one.id.short}: {one.size} bytes for {one.platform}")
        for step in engine.images.history(one.id):
            if step.size:
                print(f"  {step.size:12}  {step.created_by[:90] or step.comment}")
    for usage in engine.system.usage():
        print(f"{usage.kind}: {usage.total}, {usage.size} bytes, of which {usage.reclaimable} can be given back")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
