"""Whatever an image, a registry or a Dockerfile says: nothing of it reaches the terminal as more than text."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from pathlib import Path

import pytest
from tests.cli.conftest import Console

from scow.errors import Invalid, escaped, printable
from scow.testing.registry import Registry
from scow.testing.registry_handler import Exchange

#: titles, colours, cursors; C0, DEL and C1; line ends; what turns the writing direction
HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m\x7f\x08\u202e\u2066\u200f\u061c\u2028"
SPEAKING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
#: what scow itself draws with
DRAWN = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|[0-9]*[AK]|J)")


def layer(*names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 0 if "/.wh." in name else 100_000
            archive.addfile(member, io.BytesIO(bytes(member.size)))
        link = tarfile.TarInfo(f"l{HOSTILE}")
        link.type, link.linkname = tarfile.SYMTYPE, f"/to{HOSTILE}\udcff"
        archive.addfile(link)
    return out.getvalue()


def archive() -> bytes:
    """``evil:1``: every text that an image can hold is an attack."""
    layers = [layer(f"d/a{HOSTILE}", f"var/cache/apt/archives/a{HOSTILE}.deb", "bin/sh"), layer(f"d/.wh.a{HOSTILE}")]
    config = {
        "architecture": "amd64", "os": "linux", "author": HOSTILE, "created": "2024-01-01T00:00:00Z",
        "config": {
            "Env": [f"A{HOSTILE}={HOSTILE}"], "Cmd": [HOSTILE], "Entrypoint": [f"/bin/e{HOSTILE}"],
            "Labels": {HOSTILE: HOSTILE, "org.opencontainers.image.title": HOSTILE}, "User": f"u{HOSTILE}",
            "WorkingDir": f"/w{HOSTILE}", "Volumes": {f"/v{HOSTILE}": {}}, "OnBuild": [f"RUN a{HOSTILE}"],
        },
        "history": [
            {"created_by": f"RUN a{HOSTILE}", "comment": HOSTILE, "author": HOSTILE},
            {"created_by": f"COPY a{HOSTILE} /", "comment": HOSTILE},
        ],
        "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in layers]},
    }  # fmt: skip
    document = json.dumps(config).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": described(document, "config.v1+json"), "layers": [described(one, "layer.v1.tar") for one in layers],
        "annotations": {HOSTILE: HOSTILE},
    }).encode()  # fmt: skip
    entry = described(manifest, "manifest.v1+json") | {
        "annotations": {"org.opencontainers.image.ref.name": "evil:1", HOSTILE: HOSTILE}
    }
    files = {f"blobs/sha256/{digest(one)[7:]}": one for one in (*layers, document, manifest)}
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    files["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return out.getvalue()


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def described(content: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest(content), "size": len(content)}


DOCKERFILE = f"""# a comment {HOSTILE}
# {HOSTILE}
FROM evil:1 AS base
ARG A="{HOSTILE}"
RUN cd /a{HOSTILE} && sudo b
COPY missing{HOSTILE} /
""".replace("\u2028", "")
#: command lines on which the image shows itself, split at blanks; {context} is a build context of it
LINES = (
    "images --digests", "history evil:1", "history --no-trunc evil:1", "history --format json evil:1",
    "inspect evil:1", "inspect --format json evil:1", "inspect --format {{{{json.Config}}}} evil:1", "inspect made",
    "analyze evil:1", "analyze --format json evil:1", "analyze --format markdown evil:1", "advise evil:1",
    "advise --format json evil:1", "scan --offline evil:1", "sbom evil:1", "image files -r evil:1", "image tree evil:1",
    "image tree evil:1 /{hostile}", "image cat evil:1 /{hostile}", "image cat evil:1 /l{hostile}", "squash evil:1",
    "create --name made evil:1", "run --rm evil:1", "run --rm -u 0 evil:1", "ps -a", "ps -a --no-trunc",
    "container inspect made", "system df -v", "system check", "manifest inspect evil:1",
    "build {context}", "build --progress plain {context}", "build --check {context}", "lint {context}/Dockerfile",
    "build --call outline {context}", "build --call outline,format=json {context}", "build --call targets {context}",
    "lint --format json {context}/Dockerfile", "lint --format sarif {context}/Dockerfile", "frob{hostile}",
    "images --frob{hostile}", "volume inspect a{hostile}", "rmi a{hostile}", "pull 127.0.0.1:1/a{hostile}",
)  # fmt: skip


@pytest.mark.parametrize("terminal", [False, True])
def test_no_command_passes_it_on(console: Console, tmp_path: Path, terminal: bool) -> None:
    console("load", stdin=archive()).ok()
    (tmp_path / "context").mkdir()
    (tmp_path / "context/Dockerfile").write_text(DOCKERFILE)
    told = {}
    for line in ("create --name made evil:1", *LINES):
        words = [word.format(context=tmp_path / "context", hostile=HOSTILE) for word in line.split(" ")]
        done = console(*words, terminal=terminal)
        assert done.code in (0, 1, 125, 126, 127), line
        told[line] = done.stdout + done.stderr
        drawn = DRAWN.sub("", told[line])
        if terminal:
            drawn = drawn.replace("\r", "")
        assert not SPEAKING.search(drawn), f"{line}: {SPEAKING.search(drawn)} in {drawn!r}"
    assert "\\x1b[2J" in told["image tree evil:1"]
    assert "\\x1b[2J" in told["advise evil:1"]


def test_json_says_the_same(console: Console) -> None:
    console("load", stdin=archive()).ok()
    for way in ("inspect evil:1", "inspect --format json evil:1"):
        (found,) = json.loads(console(*way.split()).ok().stdout)
        assert found["Author"] == HOSTILE
        assert found["Config"]["Labels"][HOSTILE] == HOSTILE


def test_what_a_registry_lists_are_tags(console: Console, registry: Registry) -> None:
    def lies(exchange: Exchange) -> bool:
        if not exchange.url_path.endswith("/tags/list"):
            return False
        body = json.dumps({"name": "a", "tags": ["1", f"2{HOSTILE}"]}).encode()
        exchange.answer(200, {"Content-Type": "application/json"}, body)
        return True

    registry.fault = lies
    for verb in (("tags",), ("pull", "-a"), ("copy", "--all-tags")):
        target = ("dir:x",) if verb[0] == "copy" else ()
        done = console(*verb, f"{registry.host}/a", *target)
        assert done.code != 0
        assert not SPEAKING.search(done.stdout + done.stderr)


def test_errors_and_places_are_printable() -> None:
    error = Invalid(f"a{HOSTILE}", subject=f"b\n{HOSTILE}", hint=HOSTILE)
    assert not SPEAKING.search(f"{error}{error.hint}")
    assert "\n" not in str(error)
    assert printable("ein Fuß, 日本語, 👩\u200d🔬") == "ein Fuß, 日本語, 👩\u200d🔬"
    assert json.loads(escaped(json.dumps(HOSTILE, ensure_ascii=False))) == HOSTILE
