"""``images``, ``history``, ``tag``, ``rmi``, ``image prune``: what they print, and their exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest
from tests.cli.conftest import Console

from scow import Engine
from scow.content.target import Source
from scow.engine.images import catalogue
from scow.engine.workplace import Workplace
from scow.image.collect import Collected
from scow.image.image import Image, load
from scow.image.put import add_image
from scow.oci.descriptor import Descriptor
from scow.oci.platform import Platform

ID = re.compile(r"sha256:[0-9a-f]{64}")


def test_an_empty_store_lists_its_header_only(console: Console) -> None:
    assert console("images").ok().stdout == "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n"
    assert not console.store.exists()


def test_images_prints_dockers_columns(console: Console, tiny: bytes) -> None:
    image = console.image(tiny, "app:1")
    header, row = console("images").ok().lines
    assert header.split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert re.fullmatch(rf"app +1 +{image[7:19]} +(Less than a second|\d+ seconds?) ago +6B", row)


def test_every_name_has_a_row(console: Console, tiny: bytes) -> None:
    console.image(tiny, "app:1")
    console("tag", "app:1", "localhost:5000/team/app").ok()
    listed = console("images", "--format", "{{.Repository}} {{.Tag}}").ok().lines
    assert sorted(listed) == ["app 1", "localhost:5000/team/app latest"]


@pytest.mark.parametrize("spelling", [("image", "ls"), ("image", "list"), ("images",)])
def test_quiet_prints_ids(console: Console, tiny: bytes, spelling: tuple[str, ...]) -> None:
    image = console.image(tiny, "app:1")
    assert console(*spelling, "-q").ok().stdout == f"{image[7:19]}\n"
    assert console(*spelling, "-q", "--no-trunc").ok().stdout == f"{image}\n"


def test_nameless_images_are_hidden_unless_asked_for(console: Console, tiny: bytes) -> None:
    image = console.image(tiny)
    assert console("images", "-q").ok().stdout == ""
    for flags in (["-a"], ["-f", "dangling=true"]):
        assert console("images", *flags).ok().lines[1].split()[:3] == ["<none>", "<none>", image[7:19]]
    assert console("images", "-a", "-q", "-f", "dangling=false").ok().stdout == ""


def test_json_has_dockers_fields(console: Console, tiny: bytes) -> None:
    console.image(tiny, "app:1")
    row = json.loads(console("images", "--format", "json").ok().stdout)
    assert list(row) == [
        "Containers", "CreatedAt", "CreatedSince", "Digest", "ID", "Repository", "SharedSize", "Size", "Tag",
        "UniqueSize",
    ]  # fmt: skip
    assert (row["Repository"], row["Tag"], row["Digest"], row["Size"]) == ("app", "1", "<none>", "6B")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \S+", row["CreatedAt"])


@pytest.mark.parametrize("created", ["yesterday", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "\x1b[2J"])
def test_an_image_that_says_no_time_hides_no_other(console: Console, tiny: bytes, created: str) -> None:
    console.image(tiny, "app:1")
    history = [{"created": created, "created_by": "x", "empty_layer": True}]
    config = {"architecture": "amd64", "os": "linux", "created": created, "history": history}
    layout = Engine(console.store).workplace.store.layout
    layout.tag(add_image(layout, {**config, "rootfs": {"type": "layers", "diff_ids": []}}, []), "odd:1")
    listed = console("images", "--format", "{{.Repository}} {{.CreatedSince}} {{.CreatedAt}}").ok().lines
    assert len(listed) == 2 and "odd N/A N/A" in listed
    assert "N/A" in console("history", "odd:1").ok().stdout
    assert "untagged: odd:1" in console("image", "prune", "-a", "--filter", "until=1h", "--dry-run").ok().stdout
    console("system", "df", "-v").ok()


def test_a_table_template_names_its_columns(console: Console, tiny: bytes) -> None:
    image = console.image(tiny, "app:1")
    header, row = console("images", "--format", r"table {{.ID}}\t{{.CreatedAt}}\t{{.Digest}}").ok().lines
    assert header.split("  ")[0] == "IMAGE ID"
    assert "CREATED AT" in header
    assert header.endswith("DIGEST")
    assert row.startswith(image[7:19])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["app"], {"app:1", "app:2"}),
        (["app:2"], {"app:2"}),
        (["docker.io/library/app:2"], {"app:2"}),
        (["ap*"], {"app:1", "app:2"}),
        (["*"], {"app:1", "app:2"}),
        (["other/*"], {"other/base:1"}),
        (["nothing"], set()),
        (["-f", "reference=app:1", "-f", "reference=other/*:1"], {"app:1", "other/base:1"}),
        (["-f", "label=tier"], {"app:1", "app:2"}),
        (["-f", "label=tier=web"], {"app:1"}),
        (["-f", "label!=tier=web"], {"app:2", "other/base:1"}),
        (["-f", "label=tier", "-f", "label=no"], set()),
        (["-f", "until=24h"], set()),
        (["-f", "until=2100-01-01"], {"app:1", "app:2", "other/base:1"}),
    ],
)
def test_images_are_chosen(
    console: Console, tar_of: Callable[[Mapping[str, str]], bytes], arguments: list[str], expected: set[str]
) -> None:
    console.image(tar_of({"a": "1"}), "app:1", "LABEL tier=web")
    console.image(tar_of({"a": "2"}), "app:2", "LABEL tier=db")
    console.image(tar_of({"a": "3"}), "other/base:1")
    listed = console("images", "--format", "{{.Repository}}:{{.Tag}}", *arguments).ok().lines
    assert set(listed) == expected


def test_before_and_since_compare_with_another_image(console: Console, tiny: bytes) -> None:
    console.image(tiny, "app:1")
    assert console("images", "-q", "-f", "before=app:1").ok().stdout == ""
    assert console("images", "-q", "-f", "since=app:1").ok().stdout == ""
    missing = console("images", "-f", "since=nope")
    assert (missing.code, missing.stderr) == (1, "scow: No such image: nope:latest\n")


@pytest.mark.parametrize(
    ("flags", "told", "code"),
    [
        (["-f", "color=red"], "invalid filter 'color'", 1),
        (["-f", "dangling=maybe"], "invalid filter 'dangling=maybe'", 1),
        (["-f", "dangling"], "bad format of filter", 125),
        (["-f", "reference=[", "-a"], "syntax error in pattern", 1),
        (["--format", "{{.Nope}}"], "Nope", 1),
        (["--format", "{{nope .ID}}"], 'function "nope" not defined', 1),
    ],
)
def test_a_bad_question_is_refused(console: Console, tiny: bytes, flags: list[str], told: str, code: int) -> None:
    console.image(tiny, "app:1")
    refused = console("images", *flags)
    assert refused.code == code
    assert told in refused.stderr
    assert refused.stdout == ""


def test_history_shows_what_made_the_image(console: Console, tiny: bytes) -> None:
    image = console("import", "-m", "from a backup", "-", "app:1", stdin=tiny).ok().stdout.strip()
    header, row = console("history", "app:1").ok().lines
    assert header.split() == ["IMAGE", "CREATED", "CREATED", "BY", "SIZE", "COMMENT"]
    assert row.startswith(image[7:19])
    assert row.endswith("6B        from a backup")
    assert console("history", "-q", "--no-trunc", "app").code == 1
    assert console("image", "history", "-q", "--no-trunc", "app:1").ok().stdout == f"{image}\n"


def test_history_for_programs_has_plain_numbers_and_times(console: Console, tiny: bytes) -> None:
    console.image(tiny, "app:1")
    header, row = console("history", "-H=false", "app:1").ok().lines
    assert "CREATED AT" in header
    assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row)
    fields = json.loads(console("history", "--format", "json", "--human=false", "app:1").ok().stdout)
    assert list(fields) == ["Comment", "CreatedAt", "CreatedBy", "CreatedSince", "ID", "Size"]
    assert fields["Size"] == "6"


def test_rmi_untags_then_deletes(console: Console, tiny: bytes) -> None:
    image = console.image(tiny, "app:1")
    console("tag", "app:1", "app:2").ok()
    assert console("rmi", "app:1").ok().stdout == "Untagged: app:1\n"
    assert console("image", "rm", "app:2").ok().stdout == f"Untagged: app:2\nDeleted: {image}\n"
    assert console("images", "-aq").ok().stdout == ""
    assert not list((console.store / "blobs/sha256").iterdir())


def test_rmi_goes_on_after_a_name_it_does_not_know(console: Console, tiny: bytes) -> None:
    console.image(tiny, "app:1")
    ended = console("rmi", "nope", "app:1", "gone:2")
    assert ended.code == 1
    assert ended.stdout.startswith("Untagged: app:1\nDeleted: sha256:")
    assert ended.stderr == "scow: No such image: nope:latest\nscow: No such image: gone:2\n"
    assert console("rmi", "-f", "nope").code == 0


def test_rmi_by_id(console: Console, tiny: bytes) -> None:
    image = console.image(tiny, "app:1")
    console("tag", "app:1", "other:1").ok()
    refused = console("rmi", image[7:19])
    assert refused.code == 1
    assert "must be forced" in refused.stderr
    assert console("rmi", "-f", image).ok().lines == ["Untagged: app:1", "Untagged: other:1", f"Deleted: {image}"]


def test_tag_wants_two_names_that_are_names(console: Console, tiny: bytes) -> None:
    console.image(tiny, "app:1")
    assert console("tag", "app:1").code == 1
    assert "must be lowercase" in console("tag", "app:1", "App:1").stderr
    assert console("tag", "nope", "app:2").stderr == "scow: No such image: nope:latest\n"


def test_prune_asks_first(console: Console, tiny: bytes) -> None:
    image = console.image(tiny)
    asked = console("image", "prune", stdin=b"n\n").ok()
    assert asked.stdout == ("WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N] ")
    assert console("images", "-aq").ok().stdout == f"{image[7:19]}\n"
    pruned = console("image", "prune", stdin=b"y\n").ok()
    assert f"Deleted Images:\ndeleted: {image}\n\nTotal reclaimed space: " in pruned.stdout
    assert console("images", "-aq").ok().stdout == ""


def test_prune_can_say_what_it_would_do(console: Console, tiny: bytes) -> None:
    image = console.image(tiny, "app:1")
    told = console("image", "prune", "-a", "--dry-run").ok()
    assert told.stdout.startswith(f"Would delete Images:\nuntagged: app:1\ndeleted: {image}\n\n")
    assert re.search(r"\nTotal reclaimable space: [1-9][0-9.]*k?B\n\Z", told.stdout)
    assert console("images", "-q").ok().stdout
    assert "all images without" in console("image", "prune", "-a").ok().stdout


def test_prune_takes_what_the_filters_choose(console: Console, tar_of: Callable[[Mapping[str, str]], bytes]) -> None:
    console.image(tar_of({"a": "1"}), "keep:1", "LABEL keep=1")
    console.image(tar_of({"a": "2"}), "go:1")
    assert console("image", "prune", "-af", "--filter", "until=1h").ok().stdout == "Total reclaimed space: 0B\n"
    assert "untagged: go:1" in console("image", "prune", "-af", "--filter", "label!=keep").ok().stdout
    assert console("images", "--format", "{{.Repository}}").ok().stdout == "keep\n"


HEAVY = {"urllib3", "rich", "http.client", "ssl", "subprocess", "logging", "tarfile", "tempfile", "asyncio", "json"}


@pytest.mark.parametrize("argv", [["images"], ["history", "app:1"], ["tag", "app:1", "app:2"], ["rmi", "app:1"]])
def test_local_verbs_import_nothing_heavy(console: Console, tiny: bytes, argv: list[str]) -> None:
    console.image(tiny, "app:1")
    code = "import sys; from scow.cli.main import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    env = {"HOME": str(console.home), "SCOW_ROOT": str(console.store)}
    ended = subprocess.run([sys.executable, "-c", code, *argv], env=env, capture_output=True, text=True, check=True)
    assert not HEAVY & set(ended.stderr.split())


@pytest.mark.parametrize(("flags", "times"), [([], 1), (["--no-prune"], 0)], ids=["prune", "no-prune"])
def test_what_no_image_needs_is_looked_for_once(
    flags: list[str], times: int, console: Console, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are removed, and whichever of them cannot be."""
    for name in ("one", "two", "three"):
        console.image(tiny, f"{name}:1", f"LABEL name={name}")
    looks, collect = [], Workplace.collect

    def counted(workplace: Workplace) -> Collected:
        looks.append(1)
        return collect(workplace)

    monkeypatch.setattr(Workplace, "collect", counted)
    assert console("rmi", *flags, "one:1", "two:1", "three:1", "four:1").code == 1
    assert len(looks) == times
    assert any((console.store / "blobs/sha256").iterdir()) is not bool(times)
    assert console("rmi", "four:1").code == 1
    assert len(looks) == times


def test_a_lookup_by_id_opens_no_image_that_was_seen(
    console: Console, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many ids cost two looks for each image at most, not one at every image for each."""
    for number in range(6):
        console.image(tiny, f"app:{number}", f"LABEL number={number}")
    ids, looks = console("images", "-q").ok().lines, []

    def counted(source: Source, descriptor: Descriptor, platform: Platform | None = None) -> Image:
        looks.append(descriptor)
        return load(source, descriptor, platform)

    monkeypatch.setattr(catalogue, "load", counted)
    console("rmi", "--no-prune", *ids).ok()
    assert len(looks) <= 2 * len(ids)
