"""``build``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.refused import UNSIGNED, Refused, flag, refused, values
from scow.cli.session import Session, pass_session
from scow.errors import Invalid, Unsupported

if TYPE_CHECKING:
    from scow.cli.builds.flags import Output
    from scow.cli.builds.log import Log
    from scow.cli.builds.output import Made
    from scow.oci.descriptor import Descriptor

_EPOCH = "SOURCE_DATE_EPOCH"
_AS_ALWAYS = ("true", "false")

REFUSED: list[Refused] = [
    flag("--rm", harmless=_AS_ALWAYS),
    flag("--force-rm", harmless=_AS_ALWAYS),
    flag("--load", harmless=_AS_ALWAYS),
    flag("--compress", harmless=_AS_ALWAYS),  # the context is sent nowhere
    flag("--squash"),
    flag("--disable-content-trust", harmless=("true",), why=UNSIGNED),
    *values("--builder --security-opt --isolation"),
    *values("-m/--memory --memory-swap --cpu-period --cpu-quota -c/--cpu-shares --cpuset-cpus --cpuset-mems", "0"),
    *values("--cgroup-parent", ""),
]
"""Docker's flags of ``build`` that are told instead of followed."""


@click.command(
    "build",
    cls=Command,
    help="Build an image from a Dockerfile. PATH is the directory that COPY takes files from, or the URL of a git"
    " repository or a tar; with - the Dockerfile (or a tar of the whole directory) comes from standard input",
    examples="""
        scow build -t app:v1 .
        scow build -t app:dev --target dev --build-arg VERSION=1.2 -f docker/Dockerfile .
        scow build - < Dockerfile
        scow build https://github.com/moby/buildkit.git#v0.26.0
    """,
)
@option("--add-host", multiple=True, help="Add a name to /etc/hosts of RUN (HOST:ADDRESS)")
@option("--allow", multiple=True, help="Allow what may harm the machine: security.insecure")
@option("--annotation", multiple=True, help="Add an annotation to the manifest, or with index: to the index")
@option("--build-context", multiple=True, help="What a name stands for: NAME=DIR, docker-image://REF, oci-layout://DIR")
@option("--build-arg", multiple=True, help="Set the value of an ARG (KEY=VALUE, or KEY from the environment)")
@option("--cache-from", multiple=True, help="A cache to use: NAME, or type=registry,ref=NAME, type=local,src=DIR")
@option("--cache-to", multiple=True,
        help="Where the cache goes: type=registry,ref=NAME, type=local,dest=DIR, type=inline; mode=min|max,"
        " mounts=ID;ID, ignore-error=true")  # fmt: skip
@option(
    "-f", "--file", metavar="string", help="The Dockerfile (default: PATH/Dockerfile); - reads it from standard input"
)
@option("--call", default="build", metavar="string",
        help="Instead of building, say what is known: check, outline or targets (NAME[,format=json])")  # fmt: skip
@switch("--check", help="Only look for mistakes in the Dockerfile: --call=check")
@option("--iidfile", metavar="string", help="Write the image ID to the file")
@option("--label", multiple=True, help="Set a label on the image")
@option("--metadata-file", metavar="string", help="Write the image's digests and names to the file, as JSON")
@option("--network", default="default", metavar="string", help="Network of RUN: default, host or none")
@switch("--no-cache", help="Do every step anew")
@option("--no-cache-filter", multiple=True, help="Do every step of these stages anew")
@option("-o", "--output", multiple=True, metavar="string",
        help="Where the result goes: DIR, or type=local|tar|oci|docker|image|registry,dest=PATH")  # fmt: skip
@option(
    "--platform",
    multiple=True,
    metavar="string",
    help="Build for another platform than this machine's, or for several (A,B)",
)
@option("--progress", type=click.Choice(["auto", "plain", "tty", "rawjson", "quiet"]), default="auto",
        metavar="string", help="How it is shown: auto, plain, tty, rawjson or quiet")  # fmt: skip
@option("--attest", multiple=True, metavar="string", help="Attest what went in or is inside (type=provenance|sbom)")
@option("--provenance", metavar="string", help="Attest what went in: true, mode=min or mode=max (default: false)")
@switch("--pull", help="Ask the registry for newer base images")
@switch("--push", help="Push the image when it is built")
@switch("-q", "--quiet", help="Only print the image ID")
@option("--sbom", metavar="string", help="Attest what is inside, as SPDX: true (default: false)")
@option("--secret", multiple=True, help="A secret for RUN --mount=type=secret (id=ID,src=FILE or id=ID,env=NAME)")
@option("--shm-size", metavar="bytes", help="Size of /dev/shm of RUN")
@option("--ssh", multiple=True, help="An SSH agent for RUN --mount=type=ssh (default, or ID=SOCKET)")
@option("-t", "--tag", multiple=True, help="Name of the image (NAME[:TAG])")
@option("--target", metavar="string", help="Build this stage, and what it needs")
@option("--ulimit", multiple=True, metavar="ulimit", help="A limit of RUN (NAME=SOFT[:HARD])")
@option("--verify", metavar="IMAGE", help="Build without the cache, compare with this image, and say every difference")
@refused(REFUSED)
@click.argument("path", metavar="PATH|URL|-")
@pass_session
def build(session: Session, /, path: str, **given: Any) -> None:
    """``scow build``."""
    from scow.cli.builds import flags as buildflags
    from scow.cli.builds import output as buildoutput

    given["platform"] = ",".join(filter(None, given["platform"])) or None
    if given["check"] or given["call"] != "build":
        _call(session, path, given)
        return
    if given["verify"]:
        from scow.cli.builds import verify as buildverify

        asked = {**_asked(session, given), **_surroundings(session, given)}
        buildverify.verify(session, path, given, asked, _log(session, given))
        return
    outputs = buildflags.outputs(given["output"], push=given["push"])
    tags = (*given["tag"], *(name for output in outputs for name in output.names))
    asked = {**_asked(session, given), **_surroundings(session, given), "compression": buildoutput.compression(outputs)}
    buildoutput.check(outputs, tags, given["platform"], attested=bool(asked["attest"]))
    if given["iidfile"]:  # so that no one takes an earlier build's for this one's
        with contextlib.suppress(OSError):
            Path(given["iidfile"]).unlink()
    asked["stays"] = buildoutput.stays(outputs, tags)
    with session.engine.images.held():
        made = _made(session, path, given, outputs, tags, asked)
        _deliver(session, made, given, outputs, tags)


def _made(
    session: Session,
    path: str,
    given: Mapping[str, Any],
    outputs: Sequence[Output],
    tags: Sequence[str],
    asked: Mapping[str, Any],
) -> Made:
    """Build it, and show how it goes."""
    from scow.cli.builds import context as buildcontext
    from scow.cli.builds import output as buildoutput

    described: list[Descriptor] = []
    with (
        buildcontext.opened(path, given["file"], session.engine.root) as (root, dockerfile),
        _log(session, given) as log,
    ):
        image_id = session.engine.images.build(
            root,
            tags=tags,
            dockerfile=dockerfile,
            **asked,
            ahead_of_push=buildoutput.pushed(outputs, tags),
            watch=log.watch,
            watch_pull=log.watch_pull,
            warn=log.warn,
            built=described.append,
        )
        log.finish(image_id, tags)
    return buildoutput.Made(image_id, *described)


def _deliver(
    session: Session, made: Made, given: Mapping[str, Any], outputs: Sequence[Output], tags: Sequence[str]
) -> None:
    """The files about the image, its outputs, and its id where nothing else was printed."""
    from scow.cli import userfiles
    from scow.cli.builds import output as buildoutput

    if given["iidfile"]:
        userfiles.write(given["iidfile"], made.image_id)
    if given["metadata_file"]:
        userfiles.write(given["metadata_file"], buildoutput.metadata(made, tags))
    quiet = given["quiet"] or given["progress"] == "quiet"
    silent = quiet or given["progress"] == "rawjson"
    told: Callable[[str], None] = (lambda text: None) if silent else partial(click.echo, err=True)
    buildoutput.put(session.engine, made.descriptor, outputs, tags, told)
    if quiet and not any(output.target == "-" for output in outputs):
        click.echo(made.image_id)


def _call(session: Session, path: str, given: Mapping[str, Any]) -> None:
    """``--call``: print what BuildKit's tools print."""
    from scow.build.sources import is_remote
    from scow.cli.builds import calls as buildcalls
    from scow.cli.builds import context as buildcontext

    name, form = buildcalls.asked("check" if given["check"] else given["call"])
    arguments = _arguments(given["build_arg"], session.environment)
    dockerfiles, target = session.engine.dockerfiles, given["target"]
    with buildcontext.opened(path, given["file"], session.engine.root) as (root, dockerfile):
        if is_remote(path):
            raise Unsupported("a context from the network is not looked at", subject=path, hint="fetch it first")
        text = dockerfile if dockerfile is not None else Path(root, "Dockerfile")
        if name == "targets":
            click.echo(buildcalls.TARGETS[form](*dockerfiles.targets(text)), nl=False)
            return
        if name == "outline":
            found = dockerfiles.outline(text, target=target, build_args=arguments, platform=given["platform"])
            click.echo(buildcalls.OUTLINES[form](*found), nl=False)
            return
        looked = dockerfiles.check(text, context=root, options=arguments.get("BUILDKIT_DOCKERFILE_CHECK"))
    click.echo(buildcalls.CHECKS[form](looked, target), nl=False)
    if looked.error is not None and form == "text":
        raise looked.error
    if buildcalls.failed(looked, target):
        sys.exit(1)


def _asked(session: Session, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the flags ask of the engine."""
    from scow.cli.builds import flags as buildflags
    from scow.cli.containers.environment import labels

    return {
        "build_args": _arguments(given["build_arg"], session.environment),
        "target": given["target"],
        "use_cache": not given["no_cache"],
        "uncached": buildflags.names(given["no_cache_filter"]),
        "pull": given["pull"],
        "labels": labels(given["label"]),
        "annotations": buildflags.annotated(given["annotation"], "manifest"),
        "index_annotations": buildflags.annotated(given["annotation"], "index"),
        "platform": given["platform"],
        "attest": buildflags.attesting(given["provenance"], given["sbom"], given["attest"]),
        "cache_from": buildflags.caches_from(given["cache_from"]),
        "cache_to": buildflags.caches_to(given["cache_to"]),
    }


def _surroundings(session: Session, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the flags give to RUN and COPY."""
    from scow.cli.builds import flags as buildflags

    return {
        "network": given["network"],
        "secrets": buildflags.secrets(given["secret"], session.environment),
        "ssh": buildflags.agents(given["ssh"], session.environment),
        "build_contexts": buildflags.pairs(given["build_context"], "build context"),
        "extra_hosts": buildflags.hosts(given["add_host"]),
        "shm_size": buildflags.shm_size(given["shm_size"]),
        "ulimits": buildflags.ulimits(given["ulimit"]),
        "allow": buildflags.allowed(given["allow"]),
    }


def _arguments(entries: Iterable[str], caller: Mapping[str, str]) -> dict[str, str]:
    """A bare name takes the caller's value; where there is none, the Dockerfile's default holds. The caller's
    ``SOURCE_DATE_EPOCH`` is one without being named, as with buildx."""
    found = {_EPOCH: caller[_EPOCH]} if caller.get(_EPOCH) else {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not name:
            raise Invalid(f"invalid build argument: {entry}")
        if equals or name in caller:
            found[name] = value if equals else caller[name]
    return found


def _log(session: Session, given: Mapping[str, Any]) -> Log:
    """The display that the flags and the terminal call for."""
    from scow.cli.builds import log as buildlog

    progress = "quiet" if given["quiet"] else given["progress"]
    if progress == "quiet":
        return buildlog.Log(sys.stderr)
    if progress == "rawjson":
        from scow.cli.builds.rawjson import RawJson

        return RawJson(sys.stderr)
    pulls = session.progress(stream=sys.stderr)
    if progress == "tty" or (progress == "auto" and session.drawable(sys.stderr)):
        from scow.cli.builds.live import Live

        return Live(sys.stderr, pulls, color=session.colour)
    return buildlog.Plain(sys.stderr, pulls)
