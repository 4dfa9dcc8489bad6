"""The workflow that people learn first, from an empty store to an empty store, on a real Debian and a real registry."""

from __future__ import annotations

import json
import stat
import tarfile
from pathlib import Path

import pytest
from tests.e2e.actors import Actor
from tests.support.registries import Registry
from tests.support.trees import snapshot_tar

pytestmark = [pytest.mark.peers, pytest.mark.slow, pytest.mark.timeout(600)]

PROGRAM = r"""#!/usr/bin/perl
use strict; use warnings;
my $n = $ENV{COUNT} // die "COUNT is not set\n";
my @f = (0, 1);
push @f, $f[-1] + $f[-2] while @f <= $n;
printf "%s %s of %d is %d\n", $ENV{GREETING} // 'fibonacci', 'number', $n, $f[$n];
"""
DOCKERFILE = """\
ARG BASE
FROM $BASE AS build
ARG COUNT=20
WORKDIR /src
COPY . .
RUN test ! -e deep/private.key && ls -A > /src/context.txt
RUN perl -c fibonacci.pl && COUNT=$COUNT perl fibonacci.pl > answer.txt && chmod 755 fibonacci.pl

FROM $BASE
LABEL org.example.stage=final
ENV GREETING=hello COUNT=10
COPY --from=build --chown=daemon:daemon /src/answer.txt /src/context.txt /srv/
COPY --from=build /src/fibonacci.pl /usr/local/bin/fibonacci
WORKDIR /srv
USER daemon
CMD ["fibonacci"]
"""


def make_context(actor: Actor) -> Path:
    """A context with a secret that .dockerignore keeps out."""
    actor.file("context/Dockerfile", DOCKERFILE)
    actor.file("context/fibonacci.pl", PROGRAM)
    actor.file("context/.dockerignore", "Dockerfile\n.dockerignore\n**/*.key\n!public.key\n")
    actor.file("context/deep/private.key", "secret")
    actor.file("context/public.key", "public")
    return actor.directory / "context"


def log_in(actor: Actor, registry: Registry) -> None:
    """``login`` by standard input: kept in docker's format, for the owner alone."""
    password = registry.password.encode() + b"\n"
    told = actor("login", "-u", registry.username, "--password-stdin", registry.host, stdin=password).ok()
    assert told.stdout == "Login Succeeded\n"
    kept = actor.docker_config / "config.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert list(json.loads(kept.read_text())["auths"]) == [registry.host]
    assert registry.password not in told.stderr


def bring_debian(actor: Actor, debian: Path, remote: str) -> str:
    """import → tag → push → rmi → pull; returns the image's id, the same before and after."""
    image_id = actor("import", "-c", 'CMD ["/bin/bash"]', str(debian), "debian:12").ok().stdout.strip()
    actor("tag", "debian:12", remote).ok()
    pushed = actor("push", remote).ok().stdout
    assert f"The push refers to repository [{remote.rpartition(':')[0]}]" in pushed
    digest = pushed.split("digest: ")[1].split()[0]
    gone = actor("rmi", "debian:12", remote).ok().stdout
    assert gone.splitlines()[-1] == f"Deleted: {image_id}"
    assert {"Untagged: debian:12", f"Untagged: {remote}"} <= set(gone.splitlines())
    assert actor.blobs() == []
    pulled = actor("pull", remote).ok().stdout
    assert f"Digest: {digest}\nStatus: Downloaded newer image for {remote}\n{remote}\n" in pulled
    assert actor("inspect", "-f", "{{.Id}}", remote).ok().stdout.strip() == image_id
    again = actor("pull", remote).ok().stdout
    assert f"Status: Image is up to date for {remote}" in again
    return image_id


def check_history_and_inspect(actor: Actor, base: str) -> None:
    """history, and inspect of env, layers and more, agree with the Dockerfile and with each other."""
    steps = actor("history", "--no-trunc", "--format", "{{.CreatedBy}}", "myapp:v1").ok().stdout.splitlines()
    assert [step.split()[0] for step in steps if step] == ["CMD", "USER", "WORKDIR", "COPY", "COPY", "ENV", "LABEL"]
    assert steps[0].startswith('CMD ["fibonacci"]')
    env = actor("inspect", "-f", "{{json .Config.Env}}", "myapp:v1").ok().stdout
    assert {"GREETING=hello", "COUNT=10"} <= set(json.loads(env))
    layers = actor("inspect", "-f", "{{range .RootFS.Layers}}{{println .}}{{end}}", "myapp:v1").ok().stdout.split()
    below = actor("inspect", "-f", "{{range .RootFS.Layers}}{{println .}}{{end}}", base).ok().stdout.split()
    assert layers[: len(below)] == below
    assert len(set(layers)) == len(layers)
    whole = json.loads(actor("inspect", "myapp:v1").ok().stdout)[0]
    assert (whole["Config"]["User"], whole["Config"]["WorkingDir"]) == ("daemon", "/srv")
    assert whole["Config"]["Labels"] == {"org.example.stage": "final"}
    assert whole["RootFS"]["Layers"] == layers
    assert "myapp:v1" in whole["RepoTags"]


def check_runs(actor: Actor) -> None:
    """The image's own command, another command, and two containers that do not see each other."""
    assert actor("run", "--rm", "myapp:v1").ok().stdout == "hello number of 10 is 55\n"
    assert actor("run", "--rm", "-e", "COUNT=30", "myapp:v1").ok().stdout == "hello number of 30 is 832040\n"
    shown = actor("run", "--rm", "myapp:v1", "cat", "answer.txt", "context.txt").ok().stdout
    assert shown == "fibonacci number of 20 is 6765\n" + "context.txt\ndeep\nfibonacci.pl\npublic.key\n"
    assert actor("run", "--rm", "myapp:v1", "sh", "-c", "exit 42").exit_code == 42
    write = ("sh", "-c", "echo $$ > /tmp/mine && ls /tmp")
    for _ in range(2):
        assert actor("run", "--rm", "myapp:v1", *write).ok().stdout == "mine\n"
    assert actor("run", "--rm", "myapp:v1", "ls", "/tmp").ok().stdout == ""


def save_load_export(actor: Actor) -> None:
    """save → load into an empty store → a container's export; the image goes once its container has gone."""
    saved = actor.directory / "myapp.tar"
    actor("save", "-o", str(saved), "myapp:v1").ok()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    empty = actor.on("second")
    assert empty("load", "-i", str(saved)).ok().stdout == "Loaded image: myapp:v1\n"
    same = ("inspect", "-f", "{{.Id}}", "myapp:v1")
    assert empty(*same).ok().stdout == actor(*same).ok().stdout

    empty("run", "--name", "kept", "myapp:v1", "sh", "-c", "fibonacci > /tmp/result").ok()
    flat = actor.file("flat.tar", empty("export", "kept").ok().output)
    with tarfile.open(flat) as exported:
        result = exported.extractfile("tmp/result")
        assert result is not None
        assert result.read() == b"hello number of 10 is 55\n"
    tree = snapshot_tar(flat)
    answer = tree[b"srv/answer.txt"]
    assert (answer.uid, answer.gid, answer.mode) == (1, 1, 0o644)
    assert not [path for path in tree if path.endswith(b"private.key")]

    refused = empty("rmi", "myapp:v1")
    assert refused.exit_code == 1
    assert "is using its referenced image" in refused.stderr
    empty("rm", "kept").ok()
    empty("rmi", "myapp:v1").ok()
    assert empty.blobs() == []


def test_the_main_job(actor: Actor, debian_tar: Path, password_registry: Registry) -> None:
    """Each step is what a user types; after the last one the store holds no blob."""
    host, name = password_registry.host, "caller" if actor.user is None else "ordinary"
    base, app = f"{host}/{name}/debian:12", f"{host}/{name}/myapp:v1"
    debian = actor.copy(debian_tar, "debian.tar")

    log_in(actor, password_registry)
    bring_debian(actor, debian, base)
    debian.unlink()

    context = make_context(actor)
    actor("build", "--build-arg", f"BASE={base}", "-t", "myapp:v1", str(context)).ok()
    actor("tag", "myapp:v1", app).ok()
    actor("push", app).ok()
    check_history_and_inspect(actor, base)
    check_runs(actor)
    save_load_export(actor)

    actor("rmi", "myapp:v1", app, base).ok()
    reclaimed = actor("system", "prune", "-af").ok().stdout
    assert "Total reclaimed space: " in reclaimed
    assert actor.blobs() == []
    left = [path for top in ("layers", "snapshots", "containers", "ingest") for path in (actor.store / top).rglob("*")]
    assert [path for path in left if path != actor.store / "layers/sha256"] == []
    assert actor("images", "-aq").ok().stdout == ""
    actor("logout", host).ok()
    assert json.loads((actor.docker_config / "config.json").read_text()).get("auths", {}) == {}


def test_secrets_stay_out(actor: Actor, debian_tar: Path) -> None:
    """What .dockerignore names is in no blob of the store, of whatever stage, nor in an unpacked tree."""
    debian = actor.copy(debian_tar, "debian.tar")
    actor("import", str(debian), "debian:12").ok()
    context = make_context(actor)
    actor("build", "--build-arg", "BASE=debian:12", "-t", "myapp:v1", str(context)).ok()
    names = [name for blob in (actor.store / "blobs/sha256").iterdir() for name in files_of(blob)]
    assert len([name for name in names if name.endswith("public.key")]) == 1
    assert [name for name in names if name.endswith("private.key")] == []
    assert list((actor.store / "layers").rglob("*private.key*")) == []


def files_of(blob: Path) -> list[str]:
    """The members of a blob that is a tar, however it is compressed; of another, nothing."""
    try:
        with tarfile.open(blob) as layer:
            return layer.getnames()
    except tarfile.ReadError:
        assert json.loads(blob.read_bytes()), blob
        return []
