"""Instructions as the Dockerfile had them, whoever built the image."""

from __future__ import annotations

import pytest

from scow.oci.config import History
from scow.size.layers import instruction, steps


@pytest.mark.parametrize(
    ("created_by", "expected"),
    [
        ("/bin/sh -c #(nop) ADD file:abc in / ", "ADD file:abc in /"),
        ('/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]'),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("RUN /bin/sh -c apt-get update # buildkit", "RUN apt-get update"),
        ("RUN |2 A=b C=d e /bin/sh -c make $A # buildkit", "RUN make $A"),
        ("|1 A=b /bin/sh -c make", "RUN make"),
        ("COPY . /app # buildkit", "COPY . /app"),
        ('RUN |1 A=b ["make", "all"]', 'RUN A=b ["make", "all"]'),
        ("RUN /bin/bash -o pipefail -c x", "RUN /bin/bash -o pipefail -c x"),
        ("", ""),
    ],
)
def test_instruction(created_by: str, expected: str) -> None:
    assert instruction(created_by) == expected


def test_steps_that_brought_layers() -> None:
    one, two = History(created_by="one"), History(created_by="two")
    assert steps([one, History(created_by="env", empty_layer=True), two], 2) == [one, two]
    assert steps([one], 2) == [one, History()]
    assert steps(None, 1) == [History()]
    assert steps([one, two], 1) == [one]
