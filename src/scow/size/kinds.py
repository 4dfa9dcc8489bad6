"""What is waste, as a table: each kind with the paths that it is told by, why it is waste, and what to do. Pure.

What is only *likely* waste says so by its sort. The kinds that paths tell are in
:mod:`scow.size.places` and :mod:`scow.size.names`.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Sort = Literal["hidden", "cache", "unneeded", "secret"]


class Kind(msgspec.Struct, frozen=True):
    """A kind of waste.

    ``sort`` is how sure it is: *hidden* bytes no container can see, a *cache* nothing needs at run time, *unneeded*
    what programs most likely never open, *secret* what should not be in an image whatever it weighs. ``below`` is a
    pattern for a file's directory (with a slash at its end), ``named`` one for its name.
    """

    id: str
    sort: Sort
    title: str
    advice: str
    below: bytes = b""
    named: bytes = b""


HIDDEN: Final = (
    Kind("overwritten", "hidden", "overwritten later", "write the file once, or in the same RUN that changes it"),
    Kind("deleted", "hidden", "deleted later", "delete it in the RUN that made it: a later layer only hides it"),
    Kind("repeated", "hidden", "twice in one layer", "pack the layer again: only the last copy counts"),
    Kind(
        "metadata-copy",
        "hidden",
        "copied to change its owner, mode or time",
        "give owner and mode where it is made (COPY --chown --chmod, install -o -m), not with a later chown or chmod",
    ),
    Kind("rewritten", "hidden", "written again as it was", "leave out the step that writes the same bytes again"),
)

DUPLICATE: Final = Kind(
    "duplicate", "unneeded", "the same content under another name", "keep one and link to it, or COPY it once"
)
OWNED: Final = Kind(
    "build-packages",
    "unneeded",
    "packages to build with",
    "install them in a build stage, or apt-get purge --auto-remove in the same RUN",
)
