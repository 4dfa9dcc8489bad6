"""``inspect``: docker's JSON, templates, types, and what happens to names that mean nothing."""

from __future__ import annotations

import io
import json
import os

import pytest
from tests.cli.conftest import Console

from scow import Engine
from scow.runtime.spec.options import Options


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
    assert console("inspect", "--type", "plugin", "app:1").stderr.startswith(
        'scow: "plugin" is not a valid value for --type\n'
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


HOST = "{{with .HostConfig}}{{json .Binds}} {{json .PortBindings}} {{.Privileged}} {{.NanoCpus}} {{.Ulimits}}{{end}}"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{if .State.Health}}{{.State.Health.Status}}{{else}}unchecked{{end}}", "unchecked"),
        ("{{.ID}}", None),
        ("{{len .Config.ExposedPorts}}", "0"),
        ("{{.Config.StopSignal}}", ""),
        ("{{with .HostConfig.Init}}init{{end}}", ""),
        ("{{.HostConfig.NanoCPUs}}", "0"),
        (HOST, "null {} false 0 []"),
        ("{{.NetworkSettings.MacAddress}}{{.NetworkSettings.SandboxKey}}", ""),
        ("{{.ExecIDs}} {{.AppArmorProfile}}", None),
    ],
)
def test_what_is_not_set_is_no_mistake(console: Console, image: str, template: str, expected: str | None) -> None:
    told = console("inspect", "-f", template, "web").ok().stdout
    assert expected is None or told == f"{expected}\n"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{.Config.Entrypoint}} {{.Config.Volumes}} {{.HostConfig.CapAdd}}", "[] map[] []"),
        ("{{json .Config.Entrypoint}} {{json .Config.Volumes}} {{json .HostConfig}}", None),
        ("{{len .Config.Entrypoint}}{{range .HostConfig.Binds}}no{{end}}{{if .Config.Volumes}}no{{end}}", "0"),
        ("{{.Config.Labels.b}} {{.Config.Labels.other}} {{if .Config.Labels.other}}no{{end}}", "2 <no value> "),
        ("{{.Config.Volumes.other}} {{.NetworkSettings.Networks.other}}", "<no value> <no value>"),
    ],
)
def test_a_null_is_what_it_is_in_docker(console: Console, image: str, template: str, expected: str | None) -> None:
    told = console("inspect", "-f", template, "web").ok().stdout
    assert told == f"{expected}\n" if expected else told.startswith("null null {")


def test_a_template_s_json_is_the_document(console: Console, image: str) -> None:
    for name in ("web", "app:1"):
        (document,) = json.loads(console("inspect", name).ok().stdout)
        assert json.loads(console("inspect", "-f", "{{json .}}", name).ok().stdout) == document


def test_the_size_is_that_of_ps(console: Console, image: str) -> None:
    console("cp", __file__, "web:/file").ok()
    told = console("inspect", "-s", "-f", "{{.SizeRw}}", "web").ok().stdout
    assert int(told) == os.path.getsize(__file__)


def test_unset_fields_are_not_in_the_json(console: Console, image: str) -> None:
    (document,) = json.loads(console("inspect", "web").ok().stdout)
    assert "Health" not in document["State"]
    assert "ID" not in document
    assert console("inspect", "-f", "{{json .State}}", "web").ok().stdout.count("Health") == 0
    assert console("inspect", "-f", "{{.State.Nonsense}}", "web").code == 1


def test_all_that_was_asked_of_the_machine_is_told(console: Console, image: str) -> None:
    flags = ["-v", "data:/d", "-v", "/tmp:/t:ro", "-v", "/own", "-p", "8080:80", "--expose", "9/udp", "--cpus", "0.5"]
    flags += ["--device", "/dev/null", "--ulimit", "nofile=5:6", "--tmpfs", "/m", "--cap-add", "net_admin", "--init"]
    console("create", "--name", "asked", "--best-effort-limits", *flags, "app:1").ok()
    (document,) = json.loads(console("inspect", "asked").ok().stdout)
    host, config = document["HostConfig"], document["Config"]
    assert host["Binds"] == ["data:/d", "/tmp:/t:ro"]
    assert host["PortBindings"] == {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}
    assert (host["NanoCpus"], host["CpuQuota"], host["CapAdd"]) == (500_000_000, 0, ["CAP_NET_ADMIN"])
    assert host["Ulimits"] == [{"Name": "nofile", "Hard": 6, "Soft": 5}]
    assert (host["Tmpfs"], host["Init"], host["Devices"][0]["PathOnHost"]) == ({"/m": ""}, True, "/dev/null")
    assert (config["ExposedPorts"], config["Volumes"]) == ({"80/tcp": {}, "9/udp": {}}, {"/own": {}})
    assert [one["Mode"] for one in document["Mounts"] if one["Destination"] == "/t"] == ["ro"]


def test_volumes_and_networks_are_found_too(console: Console, image: str) -> None:
    console("volume", "create", "data").ok()
    console("network", "create", "back").ok()
    told = console("inspect", "-f", "{{.Name}}", "web", "data", "back").ok().stdout
    assert told == "/web\ndata\nback\n"
    assert console("inspect", "--type", "volume", "-f", "{{.Driver}}", "data").ok().stdout == "local\n"
    assert console("inspect", "--type", "network", "data").code == 1


def test_mounts_of_every_kind_have_docker_s_fields(console: Console, image: str) -> None:
    console("create", "--name", "mounted", "--tmpfs", "/t", "-v", "data:/d", "-v", "/tmp:/b", "app:1", "x").ok()
    told = console("inspect", "-f", "{{range .Mounts}}{{.Type}}={{.Name}}={{.Driver}} {{end}}", "mounted").ok().stdout
    assert sorted(told.split()) == ["bind==", "tmpfs==", "volume=data=local"]


def test_an_entrypoint_that_is_taken_away_is_not_shown(console: Console, tiny: bytes) -> None:
    Engine(console.store).images.import_(io.BytesIO(tiny), "entered:1", changes=['ENTRYPOINT ["/in"]'])
    console("create", "--name", "bare", "--entrypoint", "", "entered:1", "x", "y").ok()
    console("create", "--name", "full", "entered:1", "x").ok()
    assert console("inspect", "-f", "{{.Path}} {{.Args}}", "bare", "full").ok().lines == ["x [y]", "/in [x]"]


def test_the_environment_is_as_it_was_asked_for(console: Console, image: str) -> None:
    console("create", "--name", "given", "-e", "UNSET", "-e", "A=1", "-e", "PATH=/p", "app:1", "x").ok()
    assert console("inspect", "-f", "{{json .Config.Env}}", "given").ok().stdout.startswith('["UNSET","A=1","PATH=/p"')
