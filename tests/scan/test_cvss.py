"""CVSS base scores: examples that others published, and every corner beside another implementation."""

from __future__ import annotations

import itertools
import random

import cvss as other
import pytest

from scow.scan import cvss

#: from NVD, the user guides' worked examples and the FIRST calculator
EXAMPLES = [
    ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8, "high"),
    ("(AV:L/AC:H/Au:N/C:C/I:C/A:C)", 6.2, "medium"),
    ("AV:N/AC:L/Au:N/C:N/I:N/A:N", 0.0, "none"),
    ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0, "critical"),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, "critical"),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5, "high"),
    ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:L/E:P/RL:O", 3.3, "low"),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0, "critical"),
    ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N", 8.2, "high"),
    ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.3, "high"),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0.0, "none"),
]


@pytest.mark.parametrize(("vector", "score", "rating"), EXAMPLES)
def test_examples(vector: str, score: float, rating: str) -> None:
    assert cvss.score(vector) == score
    assert cvss.rating(score) == rating


@pytest.mark.parametrize(
    "vector",
    [
        "", "medium", "CVSS:3.1", "CVSS:3.1/AV:N", "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:9.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:N/AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:S/SA:H",
    ],
)  # fmt: skip
def test_what_is_no_vector_has_no_score(vector: str) -> None:
    assert cvss.score(vector) is None


def vectors(prefix: str, metrics: dict[str, str]) -> list[str]:
    names = list(metrics)
    return [
        prefix + "/".join(f"{name}:{value}" for name, value in zip(names, values, strict=True))
        for values in itertools.product(*metrics.values())
    ]


V2 = {"AV": "LAN", "AC": "HML", "Au": "MSN", "C": "NPC", "I": "NPC", "A": "NPC"}
V3 = {"AV": "NALP", "AC": "LH", "PR": "NLH", "UI": "NR", "S": "UC", "C": "HLN", "I": "HLN", "A": "HLN"}
V4 = {"AV": "NALP", "AC": "LH", "AT": "NP", "PR": "NLH", "UI": "NPA"} | dict.fromkeys(
    ("VC", "VI", "VA", "SC", "SI", "SA"), "HLN"
)


def test_every_vector_beside_another_implementation() -> None:
    chance = random.Random(4)
    for vector in vectors("", V2):
        assert cvss.score(vector) == float(other.CVSS2(vector).base_score), vector
    for prefix in ("CVSS:3.0/", "CVSS:3.1/"):
        for vector in vectors(prefix, V3):
            assert cvss.score(vector) == float(other.CVSS3(vector).base_score), vector
    for vector in chance.sample(vectors("CVSS:4.0/", V4), 6000):
        assert cvss.score(vector) == other.CVSS4(vector).base_score, vector
