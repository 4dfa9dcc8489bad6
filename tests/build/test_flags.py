"""``scow build``'s flags, as they are typed."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import Scow

from scow import Engine
from scow.cli.builds import flags as buildflags
from scow.cli.builds import output as buildoutput
from scow.cli.builds.flags import Output
from scow.engine.builds.compressing import Compression
from scow.errors import Invalid, NotFound, ScowError, Unsupported


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flags")


@pytest.fixture(scope="module")
def scow(box: Path) -> Scow:
    return make_box(box)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    made = tmp_path / "context"
    made.mkdir()
    return made


def write(context: Path, text: str) -> Path:
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\n{text}\n")
    return context


def test_secrets_agents_hosts_and_limits(scow: Scow, context: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("from a file")
    text = (
        "RUN --mount=type=secret,id=one --mount=type=secret,id=TWO,env=IN --mount=type=secret,id=three"
        " --mount=type=ssh,required cat /run/secrets/*; echo $IN; test -S $SSH_AUTH_SOCK; grep there /etc/hosts;"
        " ulimit -n; df /dev/shm | tail -1 | awk '{print $2}'"
    )
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        result = scow(
            "build", "--network=none", "--secret", f"id=one,src={tmp_path}/file", "--secret", "id=TWO", "--secret",
            "id=three,env=THREE", "--ssh", "default", "--add-host", "there:10.0.0.9", "--ulimit", "nofile=77",
            "--shm-size", "3m", str(write(context, text)),
            env={"TWO": "from the caller", "THREE": "by name", "SSH_AUTH_SOCK": str(tmp_path / "agent")},
        ).ok()  # fmt: skip
    said = [" ".join(line.split()[2:]) for line in result.stderr.splitlines() if re.match(r"#1 \d", line)]
    assert said == ["from a fileby namefrom the caller", "10.0.0.9 there", "77", "3072"]


def test_named_contexts(scow: Scow, context: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "f").write_text("of the other")
    (other / "no").write_text("ignored")
    (other / ".dockerignore").write_text("no\n")
    text = "COPY --from=more . /m/\nCOPY --from=image /etc/passwd /p\nRUN --mount=from=more,target=/x ls /x /m"
    flags = ["--build-context", f"more={other}", "--build-context", f"image=docker-image://{IMAGE}"]
    result = scow("build", *flags, "-t", "named", str(write(context, text))).ok()
    assert " no\n" not in result.stderr
    assert scow("run", "--rm", "named", "cat", "/m/f").ok().stdout == "of the other"
    (context / "Dockerfile").write_text("FROM nowhere:9 AS a\nFROM a\nRUN true\n")
    scow("build", "--build-context", f"nowhere:9=docker-image://{IMAGE}", str(context)).ok()
    (context / "Dockerfile").write_text("FROM nowhere:9 AS a\nFROM a\nENV A=1\n")
    scow("build", "--build-context", f"nowhere:9={other}", "-o", str(tmp_path / "out"), str(context)).ok()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".dockerignore", "f"]
    refused = scow("build", "--build-context", f"more={other}/f", str(context))
    assert refused.stderr.startswith(f"scow: {other}/f: build context is not a directory")


def test_an_image_layout_as_a_context(scow: Scow, box: Path, context: Path, tmp_path: Path) -> None:
    with (tmp_path / "tar").open("wb") as output:
        Engine(box / "store").images.save([IMAGE], output)
    (tmp_path / "layout").mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "tar", "-C", tmp_path / "layout"], check=True)
    (context / "Dockerfile").write_text("FROM there\nRUN echo it works\n")
    index = json.loads((tmp_path / "layout/index.json").read_text())["manifests"][0]
    name = index["annotations"]["org.opencontainers.image.ref.name"]
    for which in (f"@{index['digest']}", f":{name.partition(':')[2]}", "", ":latest"):
        layout = f"there=oci-layout://{tmp_path}/layout{which}"
        assert "it works" in scow("build", "--build-context", layout, str(context)).ok().stderr
    missing = scow("build", "--build-context", f"there=oci-layout://{tmp_path}/layout:none", str(context))
    assert "the image layout has no 'none'" in missing.stderr


def test_stages_done_anew(scow: Scow, context: Path) -> None:
    (context / "Dockerfile").write_text(
        f"FROM {IMAGE} AS a\nRUN echo one\nFROM {IMAGE}\nRUN echo two\nCOPY --from=a /etc/passwd /x\n"
    )
    scow("build", str(context)).ok()
    again = scow("build", "--no-cache-filter", "a", str(context)).ok()
    assert again.stderr.count("CACHED") == 2


def test_files_about_the_result(scow: Scow, box: Path, context: Path, tmp_path: Path) -> None:
    flags = ["--iidfile", str(tmp_path / "id"), "--metadata-file", str(tmp_path / "meta"), "--annotation", "a.b=c"]
    scow("build", "-q", "-t", "about", *flags, str(write(context, "LABEL about=1"))).ok()
    told = json.loads((tmp_path / "meta").read_text())
    image = Engine(box / "store").images.find("about").image
    assert told["containerimage.config.digest"] == (tmp_path / "id").read_text() == image.id
    assert told["containerimage.digest"] == image.descriptor.digest
    assert told["image.name"] == "docker.io/library/about:latest"
    assert image.manifest.annotations == {"a.b": "c"}
    scow("build", "--iidfile", str(tmp_path / "id"), "--target", "none", str(context))
    assert not (tmp_path / "id").exists()
    refused = scow("build", "--iidfile", "/no/such/place", str(context))
    assert (refused.exit_code, "open /no/such/place: no such file" in refused.stderr) == (1, True)


def test_outputs(scow: Scow, context: Path, tmp_path: Path) -> None:
    (context / "f").write_text("text")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY f /d/f\n")
    before = scow("images", "-aq").ok().stdout
    scow("build", "-o", str(tmp_path / "out"), "-o", f"type=tar,dest={tmp_path}/tar", str(context)).ok()
    assert (tmp_path / "out/d/f").read_text() == "text"
    assert (tmp_path / "out/d/f").stat().st_uid == os.geteuid()
    with tarfile.open(tmp_path / "tar") as tar:
        assert tar.getnames() == ["d", "d/f"]
    assert scow("images", "-aq").ok().stdout == before
    scow("build", "-t", "packed", "-o", f"type=docker,dest={tmp_path}/docker", str(context)).ok()
    with tarfile.open(tmp_path / "docker") as tar:
        assert "manifest.json" in tar.getnames()
    scow("build", "-o", "type=image,name=by-output", str(context)).ok()
    assert "by-output" in scow("images").ok().stdout


def test_an_output_to_a_pipe(scow: Scow, context: Path) -> None:
    (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    whole = scow("build", "-o", "-", str(context)).ok().stdout
    assert "Dockerfile" in whole
    assert scow("build", "-q", "-o", "-", str(context)).ok().stdout == whole


def test_values_that_are_empty_are_none(scow: Scow, context: Path) -> None:
    """As ``--cache-from "$CACHE"`` of a script. An output to "" was one to the current directory."""
    flags = ["--output", "--secret", "--ssh", "--cache-from", "--cache-to", "--build-context", "--annotation"]
    write(context, "ENV EMPTY=1")
    scow("build", "-q", *[word for flag in flags for word in (flag, "")], str(context), cwd=context).ok()
    assert [one.name for one in context.iterdir()] == ["Dockerfile"]


# -- reading ----------------------------------------------------------------------------------------------------------

OUTPUTS = [
    ("dir", Output("local", "dir")),
    ("-", Output("tar", "-")),
    ("type=local,dest=x", Output("local", "x")),
    ("type=tar", Output("tar", "-")),
    ("type=oci,dest=x", Output("oci", "x")),
    ("type=docker", Output("image")),
    ("type=oci,tar=false,dest=x", Output("layout", "x")),
    ("type=image,push=true,name=a,compression=gzip", Output("image", "", ("a",), True)),
    ("type=docker,dest=-", Output("docker", "-")),
    ('type=image,"name=a,b",push=true', Output("image", "", ("a", "b"), True)),
    ("type=registry,name=a", Output("image", "", ("a",), True)),
    ("type=registry,force-compression=false,rewrite-timestamp=true", Output("image", push=True)),
    ("type=oci,compression=uncompressed", Output("oci", "-", compression=Compression("none"))),
    (
        "type=image,compression=zstd,compression-level=19,force-compression=true",
        Output("image", compression=Compression("zstd", 19, force=True)),
    ),
]


@pytest.mark.parametrize(("text", "meant"), OUTPUTS)
def test_what_outputs_mean(text: str, meant: Output) -> None:
    assert buildflags.outputs([text]) == (meant,)


@pytest.mark.parametrize(
    "text",
    [
        "type=cacheonly", "type=local", "type=tar,compression=zstd", "type", "type=tar,dest",
        "type=oci,compression=estargz", "type=oci,compression=zstd,oci-mediatypes=false",
        "type=oci,compression-level=best", "type=oci,compression-level=-1", "type=oci,force-compression=perhaps",
        "type=oci,rewrite-timestamp=false",
    ],
)  # fmt: skip
def test_outputs_that_are_none(text: str) -> None:
    if text == "type":
        assert buildflags.outputs([text]) == (Output("local", "type"),)
        return
    with pytest.raises((Invalid, Unsupported)):
        buildflags.outputs([text])


def test_a_push_is_of_the_images_that_are_said() -> None:
    """As buildx: another one only where there is none."""
    assert buildflags.outputs(["type=image,name=a", "d"], push=True) == (
        Output("image", names=("a",), push=True), Output("local", "d"),
    )  # fmt: skip
    assert buildflags.outputs(["d"], push=True) == (Output("local", "d"), Output("image", push=True))


def test_one_image_is_compressed_one_way() -> None:
    files, zstd, plain = buildflags.outputs(["d", "type=oci,compression=zstd", "type=image"])
    assert buildoutput.compression([files, zstd]) == Compression("zstd")
    assert buildoutput.compression([files, plain]) is None
    with pytest.raises(Unsupported, match="compressed differently"):
        buildoutput.compression([zstd, plain])


def test_what_secrets_mean(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    caller = {"NAME": "value", "both": "variable"}
    assert buildflags.secrets([f"id=a,src={path}", f"id=b,source={path},type=file"], caller) == {"a": path, "b": path}
    assert buildflags.secrets(["id=c,env=NAME", "type=env,id=NAME", "id=both"], caller) == {
        "c": b"value", "NAME": b"value", "both": b"variable",
    }  # fmt: skip
    assert buildflags.secrets([f"src={path}"], caller) == {"file": path}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("id=x,src=/no/such", NotFound), ("id=x,env=NONE", NotFound), ("id=x", NotFound), ("id=", Invalid),
        ("id=x,what=y", Invalid), ("id=x,type=y", Invalid), ("type=file", Invalid), ("id", Invalid),
    ],
)  # fmt: skip
def test_secrets_that_are_none(text: str, kind: type[ScowError]) -> None:
    with pytest.raises(kind):
        buildflags.secrets([text], {})


def test_what_agents_mean(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
        caller = {"SSH_AUTH_SOCK": str(tmp_path / "s")}
        assert buildflags.agents(["default", f"x={tmp_path}/s"], caller) == {
            "default": tmp_path / "s", "x": tmp_path / "s",
        }  # fmt: skip
    (tmp_path / "key").touch()
    with pytest.raises(Unsupported, match="keys are not read"):
        buildflags.agents([f"x={tmp_path}/key"], {})
    with pytest.raises(Invalid, match="no SSH agent is running"):
        buildflags.agents(["default"], {})
    with pytest.raises(NotFound):
        buildflags.agents(["x=/no/such"], {})


def test_small_ones() -> None:
    assert [one.where for one in buildflags.caches_from(["a,b", "type=registry,ref=c"])] == ["a", "b", "c"]
    assert buildflags.hosts(["a:1.2.3.4", "b=::1", "c:[::2]"]) == ("a:1.2.3.4", "b:::1", "c:::2")
    assert buildflags.names(["a,b", "c", ""]) == ("a", "b", "c")
    given = ["manifest:a=b", "c=d", "index:e=f", "manifest,index:g=h", "org:x=y"]
    assert buildflags.annotated(given, "manifest") == {"a": "b", "c": "d", "g": "h", "org:x": "y"}
    assert buildflags.annotated(given, "index") == {"e": "f", "g": "h"}
    assert buildflags.allowed(["security.insecure"]) == ("security.insecure",)
    for wrong in (
        lambda: buildflags.hosts(["a"]),
        lambda: buildflags.pairs(["a"], "x"),
        lambda: buildflags.annotated(["index-descriptor:a=b"], "index"),
        lambda: buildflags.allowed(["everything"]),
    ):
        with pytest.raises(ScowError):
            wrong()
