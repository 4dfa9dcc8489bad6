"""``inspect``: docker's JSON, templates, types, and what happens to names that mean nothing."""

from __future__ import annotations

import json

import pytest
from tests.cli.conftest import Console

from scow import Engine
from scow.runtime.options import Options


@pytest.fixture
def image(console: Console, tiny: bytes) -> str:
    """The id of app:1, which has a container, web."""
    made = console.image(tiny, "app:1", "ENV A=<&>ü", "LABEL b=2", 'CMD ["/hello"]')
    Engine(console.store).containers.create("app:1", Options(), name="web")
    return made


def test_an_image_as_json(console: Console, image: str) -> None:
    told = console("inspect", "app:1").ok().stdout
    (document,) = json.loads(told)
    assert (document["Id"], document["RepoTags"], document["Config"]["Cmd"]) == (image, ["app:1"], ["/hello"])
    assert told.startswith(f'[\n    {{\n        "Id": "{image}",\n        "RepoTags": [\n            "app:1"\n')
    assert '"A=<&>ü"' in told


def test_several_names(console: Console, image: str) -> None:
    told = console("inspect", "app:1", "web", image[7:19]).ok().stdout
    assert [document.get("Name") for document in json.loads(told)] == [None, "/web", None]


def test_found_ones_print_though_others_are_missing(console: Console, image: str) -> None:
    ended = console("inspect", "nope", "app:1", "gone")
    assert ended.code == 1
    assert [document["Id"] for document in json.loads(ended.stdout)] == [image]
    assert ended.stderr == "Error: No such object: nope\nError: No such object: gone\n"


def test_nothing_found_is_an_empty_array(console: Console) -> None:
    ended = console("inspect", "nope")
    assert (ended.code, ended.stdout, ended.stderr) == (1, "[]\n", "Error: No such object: nope\n")
    assert console("inspect", "-f", "{{.Id}}", "nope").stdout == "\n"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{.Config.Env}}", "[A=<&>ü]"),
        ("{{json .Config.Env}}", '["A=<&>ü"]'),
        ('{{index .Config.Labels "b"}}', "2"),
        ("{{len .RootFS.Layers}}", "1"),
        ("{{range .RepoTags}}{{println .}}{{end}}", "app:1\n"),
        ('{{if eq .Os "linux"}}{{upper .Os}}{{end}}', "LINUX"),
        ('{{join .Config.Cmd " "}}', "/hello"),
        ("{{.Size}}", "6"),
    ],
)
def test_templates(console: Console, image: str, template: str, expected: str) -> None:
    assert console("inspect", "-f", template, "app:1").ok().stdout == f"{expected}\n"


def test_a_template_prints_a_line_for_each(console: Console, image: str) -> None:
    assert console("inspect", "--format={{.Id}}", "app:1", image).ok().stdout == f"{image}\n{image}\n"
    told = console("inspect", "--format", "json", "app:1").ok().stdout
    assert told.startswith(f'[{{"Id":"{image}",')
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{.Nope}}", 'map has no entry for key "Nope"'),
        ("{{nope .Id}}", 'function "nope" not defined'),
        ("{{.Id", "unclosed action"),
    ],
)
def test_bad_templates(console: Console, image: str, template: str, told: str) -> None:
    refused = console("inspect", "-f", template, "app:1")
    assert (refused.code, refused.stdout) == (1, "")
    assert told in refused.stderr


def test_types(console: Console, image: str) -> None:
    assert console("inspect", "--type", "image", "-f", "{{.Id}}", "app:1").ok().stdout == f"{image}\n"
    wrong = console("inspect", "--type", "container", "app:1")
    assert (wrong.code, wrong.stdout, wrong.stderr) == (1, "[]\n", "Error: No such container: app:1\n")
    assert console("inspect", "--type", "volume", "app:1").stderr.startswith(
        'scow: "volume" is not a valid value for --type\n'
    )


def test_the_groups_inspect_their_own_only(console: Console, image: str) -> None:
    assert console("image", "inspect", "-f", "{{.Id}}", "app:1").ok().stdout == f"{image}\n"
    assert console("image", "inspect", "web").stderr == "Error: No such image: web:latest\n"
    assert console("container", "inspect", "-f", "{{.Image}} {{.State.Status}}", "web").ok().stdout == (
        f"{image} created\n"
    )
    assert console("container", "inspect", "app:1").code == 1


def test_sizes_of_a_container(console: Console, image: str) -> None:
    assert "SizeRw" not in console("inspect", "web").ok().stdout
    (document,) = json.loads(console("inspect", "-s", "web").ok().stdout)
    assert document["SizeRootFs"] == document["SizeRw"] + 6


def test_an_ambiguous_id_is_told_and_the_rest_is_printed(console: Console, image: str) -> None:
    ended = console("inspect", "", "app:1")
    assert ended.code == 1
    assert [document["Id"] for document in json.loads(ended.stdout)] == [image]


def test_names_are_completed(console: Console, image: str) -> None:
    def completed(*words: str) -> set[str]:
        env = {
            "_SCOW_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(["scow", *words]),
            "COMP_CWORD": str(len(words)),
        }
        return {line.partition(",")[2] for line in console(env=env).lines if line}

    assert completed("inspect", "a") == {"app:1"}
    assert completed("inspect", "w") == {"web"}
    assert completed("rmi", "a") == {"app:1"}
    assert completed("image", "inspect", "w") == set()
