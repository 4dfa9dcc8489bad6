"""SOURCE_DATE_EPOCH in every form: an argument, an ARG before the first FROM, the option, the context's commit."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from email.utils import formatdate

import pytest
from tests.build.conftest import Kitchen
from tests.build.planning import graph, last, run_of
from tests.build.servers import Web

from scow.build.epoch import LATEST, asked
from scow.build.plan import Arguments
from scow.engine.builds.building import _seconds
from scow.errors import Invalid

NAME = "SOURCE_DATE_EPOCH"


@pytest.mark.parametrize(
    ("given", "outside", "wanted"),
    [
        ({}, {}, None),
        ({NAME: "0"}, {}, 0),
        ({NAME: "5"}, {NAME: "6"}, 5),
        ({}, {NAME: "6"}, 6),
        ({NAME: ""}, {NAME: "6"}, None),
        ({NAME: str(LATEST)}, {}, LATEST),
    ],
)
def test_who_asks(given: Mapping[str, str], outside: Mapping[str, str], wanted: int | None) -> None:
    assert asked(given, outside) == wanted


@pytest.mark.parametrize(
    "text", ["-5", "+5", "1.5", "1e5", "0x10", " 5", "5 ", "yesterday", str(LATEST + 1), "9" * 5000, "²", "context"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(Invalid, match=f"{NAME} is not a number of seconds since 1970"):
        asked({NAME: text}, {})


def test_an_argument_before_the_first_from() -> None:
    text = f"ARG {NAME}=7\nFROM scratch\nARG {NAME}\nRUN x"
    assert graph(text).epoch == 7
    assert graph(text, Arguments({NAME: "8"})).epoch == 8
    assert run_of(last(text)).env == run_of(last(f"FROM scratch\nARG {NAME}\nRUN x", given={NAME: "7"})).env


def test_a_base_of_the_far_future() -> None:
    """Its time would be no file's."""
    assert [_seconds(text) for text in ("9999-12-31T23:59:59Z", "1969-01-01T00:00:00Z", "x", None)] == [0, 0, 0, 0]
    assert _seconds("2262-04-11T23:47:16Z") == LATEST


def test_the_option_is_the_argument(kitchen: Kitchen) -> None:
    text = f"FROM scratch\nARG {NAME}\nCOPY <<E /f\n${NAME}\nE\n"
    one = kitchen.build(text, source_date_epoch=12)
    assert kitchen.build(text, source_date_epoch=None, build_args={NAME: "12"}).id == one.id
    assert kitchen.files(one)["f"].size == len("12\n")
    assert kitchen.files(one)["f"].mtime == 12 * 10**9
    with pytest.raises(Invalid):
        kitchen.build(text, source_date_epoch=-1)


def test_the_time_of_a_context_that_was_downloaded(kitchen: Kitchen, web: Web) -> None:
    def image(**headers: str) -> tuple[str | None, int]:
        url = web.put("/Dockerfile", f"FROM scratch\nARG {NAME}\nLABEL when=${NAME}\n".encode(), 200, **headers)
        built = kitchen.engine.images.build(url, source_date_epoch="context")
        config = kitchen.engine.images.find(built).image.config
        return config.created, int((config.process.labels or {})["when"] or -1)

    assert image(Last_Modified=formatdate(3600, usegmt=True)) == ("1970-01-01T01:00:00Z", 3600)
    assert image() == ("1970-01-01T00:00:00Z", -1)


def test_archives_keep_their_times_up_to_the_one_asked_for(kitchen: Kitchen) -> None:
    """Compiled Python, for one, is valid only for sources of a certain time."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, time in (("early", 100), ("late", 10_000)):
            member = tarfile.TarInfo(name)
            member.mtime = time
            tar.addfile(member)
    kitchen.file("a.tar", raw.getvalue())
    times = []
    for epoch in (None, 5_000, None):
        found = kitchen.files(kitchen.build("FROM scratch\nADD a.tar /\n", source_date_epoch=epoch))
        times.append((found["early"].mtime // 10**9, found["late"].mtime // 10**9))
    assert times == [(100, 10_000), (100, 5_000), (100, 10_000)]
