"""Dockerfiles → graphs: what variables mean where, what history says, what a stage's config becomes."""

from __future__ import annotations

import pytest
from tests.build.planning import PATH, config, copy_of, graph, histories, last, run_of

from scow.build.metadata import changed_process
from scow.build.ops import (
    BindMount,
    CacheMount,
    CopyOp,
    FromContext,
    FromImage,
    FromStage,
    MakeDirectoryOp,
    Origin,
    PlannedStage,
    RunOp,
    TmpfsMount,
)  # fmt: skip
from scow.build.plan import Arguments, image_names, select
from scow.dockerfile.parser import parse
from scow.dockerfile.stages import stages
from scow.errors import Invalid, NotFound, Unsupported
from scow.oci.platform import Platform


def all_origins(stage: PlannedStage) -> tuple[Origin, ...]:
    """What its steps take files from."""
    ops = [step.op for step in stage.steps]
    mounts = [mount for op in ops if isinstance(op, RunOp) for mount in op.mounts]
    copied = [op.origin for op in ops if isinstance(op, CopyOp)]
    return (*copied, *(one.origin for one in mounts if isinstance(one, BindMount | CacheMount) and one.origin))


def environment(text: str, **given: str) -> dict[str, str]:
    """What the last RUN of a Dockerfile sees, PATH aside."""
    op = run_of(last(text, given=given))
    return {name: value for name, _, value in (entry.partition("=") for entry in op.env) if name != "PATH"}


VARIABLES = [
    # ARG before FROM is outside every stage: it is there once the stage declares it.
    ("ARG V=1\nFROM scratch\nRUN x", {}, {}),
    ("ARG V=1\nFROM scratch\nARG V\nRUN x", {}, {"V": "1"}),
    ("ARG V=1\nFROM scratch\nARG V=2\nRUN x", {}, {"V": "2"}),
    ("ARG V=1\nFROM scratch\nARG V\nRUN x", {"V": "3"}, {"V": "3"}),
    ("ARG V\nFROM scratch\nARG V\nRUN x", {}, {}),
    # The user's value beats the default, but only what is declared is seen, and only from there on.
    ("FROM scratch\nARG V=1\nRUN x", {"V": "2"}, {"V": "2"}),
    ("FROM scratch\nRUN x\nARG V=1", {"V": "2"}, {}),
    ("FROM scratch\nARG V=1 W=2\nRUN x", {"W": "3"}, {"V": "1", "W": "3"}),
    ("FROM scratch\nARG A=1\nARG B=$A-${A:+x}\nRUN x", {}, {"A": "1", "B": "1-x"}),
    ("FROM scratch\nARG A=1\nARG A\nRUN x", {}, {"A": "1"}),
    ("FROM scratch\nARG A=\nRUN x", {}, {"A": ""}),
    # A stage built on another inherits its ARGs; one that is not, does not.
    ("FROM scratch AS a\nARG V=1\nFROM a\nRUN x", {}, {"V": "1"}),
    ("FROM scratch AS a\nARG V=1\nFROM scratch\nRUN x", {}, {}),
    ("FROM scratch AS a\nARG V=1\nFROM a AS b\nARG V=2\nFROM a\nRUN x", {}, {"V": "1"}),
    # ENV beats the ARG above it; one below is what the rest of the build sees, as BuildKit has it.
    ("FROM scratch\nARG V=1\nENV V=2\nRUN x", {"V": "3"}, {"V": "2"}),
    ("FROM scratch\nENV V=2\nARG V=1\nRUN x", {"V": "3"}, {"V": "3"}),
    ("FROM scratch\nENV V=2\nARG V\nRUN x", {}, {"V": "2"}),
    ("FROM scratch\nENV V=2\nARG V=1\nENV V=4\nRUN x", {}, {"V": "4"}),
    ("FROM scratch\nENV V=2\nARG V=1\nENV W=$V\nRUN x", {}, {"V": "1", "W": "1"}),
    ("FROM scratch\nARG V=1\nENV V=${V}-e\nRUN x", {}, {"V": "1-e"}),
    ("FROM scratch\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\nRUN x", {},
     {"abc": "bye", "def": "hello", "ghi": "bye"}),
    ("FROM scratch\nENV a='$b' c=\"x y\" d=\\$b\nRUN x", {}, {"a": "$b", "c": "x y", "d": "$b"}),
    # TARGET* and BUILD* are global: a stage declares them to see them.
    ("FROM scratch\nRUN x", {}, {}),
    ("FROM scratch\nARG TARGETARCH TARGETPLATFORM BUILDOS\nRUN x", {},
     {"TARGETARCH": "arm64", "TARGETPLATFORM": "linux/arm64", "BUILDOS": "linux"}),
    ("FROM scratch\nARG TARGETARCH\nRUN x", {"TARGETARCH": "mine"}, {"TARGETARCH": "mine"}),
    ("FROM scratch\nARG TARGETOSVERSION TARGETSTAGE\nRUN x", {}, {"TARGETOSVERSION": "", "TARGETSTAGE": "default"}),
    ("FROM scratch AS last\nARG TARGETSTAGE\nRUN x", {}, {"TARGETSTAGE": "last"}),
    # Proxies are predeclared: set, but no argument of the step.
    ("FROM scratch\nRUN x", {"http_proxy": "p"}, {}),
    ("FROM scratch\nARG http_proxy\nRUN x", {"http_proxy": "p"}, {"http_proxy": "p"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "given", "seen"), VARIABLES)
def test_what_a_run_sees(text: str, given: dict[str, str], seen: dict[str, str]) -> None:
    arm = Platform("arm64", "linux")
    op = run_of(last(text, given=given, platform=arm))
    found = {name: value for name, _, value in (entry.partition("=") for entry in op.env)}
    assert found.pop("PATH") == PATH.removeprefix("PATH=")
    assert found == seen


def test_proxies_are_hidden() -> None:
    given = {"HTTP_PROXY": "secret", "NO_PROXY": "n", "ftp_proxy": "", "OTHER": "o"}
    stage = last("FROM scratch\nRUN x\nARG HTTP_PROXY\nRUN y", given=given)
    assert run_of(stage, 0).hidden == ("HTTP_PROXY=secret", "NO_PROXY=n", "http_proxy=secret", "no_proxy=n")
    assert run_of(stage, 1).hidden == ("NO_PROXY=n", "http_proxy=secret", "no_proxy=n")
    told = ["RUN /bin/sh -c x", "ARG HTTP_PROXY=secret", "RUN |1 HTTP_PROXY=secret /bin/sh -c y"]
    assert histories(stage) == told  # who declares it wants it there, says the reference


def test_from_takes_the_variables_outside() -> None:
    found = graph("ARG BASE=debian TAG=12\nFROM ${BASE}:${TAG:-x} AS a\nARG BASE=ignored\nFROM ${BASE}")
    assert [stage.base for stage in found.stages] == ["debian"]
    assert last("ARG T=1\nFROM a:$T", given={"T": "2"}).base == "a:2"
    assert last("FROM a-$TARGETARCH-$TARGETSTAGE", given={"TARGETARCH": "mine"}).base == "a-mine-default"
    with pytest.raises(Invalid, match=r"Dockerfile:1: base name \(\$T\) should not be blank"):
        last("FROM $T")


def test_only_what_the_target_needs() -> None:
    text = "FROM a AS one\nFROM b AS two\nFROM c AS three\nCOPY --from=one x y\nRUN --mount=from=zero,target=/m x\n"
    found = graph(text)
    assert [(stage.title, stage.base) for stage in found.stages] == [("one", "a"), ("three", "c")]
    assert all_origins(found.stages[1]) == (FromStage(0), FromImage("zero"))
    assert [stage.title for stage in graph(text, Arguments(target="two")).stages] == ["two"]
    with pytest.raises(NotFound, match='target stage "tree" could not be found'):
        graph(text, Arguments(target="tree"))


def test_arguments_nobody_asks_for() -> None:
    asked = Arguments({"A": "1", "B": "2", "http_proxy": "x", "SOURCE_DATE_EPOCH": "0"})
    assert graph("FROM scratch\nARG A\nLABEL a=b", asked).unused == ("B",)


def test_triggers_of_a_stage() -> None:
    """They are done by the stages on it, may want further stages, and go no further."""
    text = (
        "FROM scratch AS other\nFROM scratch AS one\nONBUILD ENV A=1\nONBUILD COPY --from=other a b\n"
        "FROM one AS two\nENV B=$A\nFROM two"
    )
    found = graph(text)
    assert [stage.title for stage in found.stages] == ["other", "one", "two", "stage-3"]
    assert histories(found.stages[2]) == ["ENV A=1", "COPY a b", "ENV B=1"]
    assert all_origins(found.stages[2]) == (FromStage(0),)
    assert [stage.process.get("OnBuild") for stage in found.stages[1:]] == [
        ["ENV A=1", "COPY --from=other a b"],
        None,
        None,
    ]
    assert histories(found.stages[3]) == []


# -- history ----------------------------------------------------------------------------------------------------------

HISTORY = [
    ("RUN echo a", "RUN /bin/sh -c echo a"),
    ('RUN ["echo", "a b"]', "RUN echo a b"),
    ("ARG B=2\nARG A=1\nARG C\nARG A=3\nRUN x", "RUN |3 B=2 A=3 C= /bin/sh -c x"),
    ("ARG 'B'=2\nENV B=$B-\nRUN x", "RUN |1 B=2- /bin/sh -c x"),
    ("ARG https_proxy=x\nRUN x", "RUN |1 https_proxy=x /bin/sh -c x"),
    ('SHELL ["/bin/bash", "-ec"]\nRUN x', "RUN /bin/bash -ec x"),
    ("RUN <<EOF\nset -e\nx\nEOF", "RUN /bin/sh -c set -e\nx\n"),
    ("RUN <<-EOF\n\tx\n\tEOF", "RUN /bin/sh -c x\n"),
    ("RUN cat <<A <<B\na\nA\nb\nB", "RUN /bin/sh -c cat <<A <<B\na\nA\nb\nB"),
    ("ARG V=1", "ARG V=1"),
    ("ARG V W=2", "ARG V W=2"),
    ("ENV A=1 B='x y'", "ENV A=1 B=x y"),
    ("ENV A b c", "ENV A=b c"),
    ("LABEL a=b c=d", "LABEL a=b c=d"),
    ("WORKDIR /a", "WORKDIR /a"),
    ("USER a:b", "USER a:b"),
    ("CMD a b", 'CMD ["/bin/sh" "-c" "a b"]'),
    ('CMD ["a", "b\\"c"]', 'CMD ["a" "b\\"c"]'),
    ('ENTRYPOINT ["a\\u001b"]', 'ENTRYPOINT ["a\\x1b"]'),
    ("EXPOSE 90-91/udp 80", "EXPOSE [80/tcp 90/udp 91/udp]"),
    ("VOLUME /a /b", "VOLUME [/a /b]"),
    ('SHELL ["a", "b"]', "SHELL [a b]"),
    ("STOPSIGNAL SIGINT", "STOPSIGNAL SIGINT"),
    ("HEALTHCHECK NONE",
     "HEALTHCHECK {Test:[NONE] Interval:0s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}"),
    ("HEALTHCHECK --interval=1h90s --timeout=1.5s --start-period=250ms --start-interval=2m --retries=3 CMD x y",
     "HEALTHCHECK {Test:[CMD-SHELL x y] Interval:1h1m30s Timeout:1.5s StartPeriod:250ms StartInterval:2m0s Retries:3}"),
    ("MAINTAINER me", "MAINTAINER me"),
    ("COPY a b /c/", "COPY a b /c/"),
    ("COPY --chown=1:2 --chmod=600 a .", "COPY --chown=1:2 --chmod=600 a ."),
    ("COPY --link a b", "COPY a b"),
    ("COPY <<x /y\ntext\nx", "COPY <<x /y"),
    ("ADD a.tar /", "ADD a.tar /"),
    ("ADD --keep-git-dir a /", "ADD a /"),
    ("ADD https://a.b/c.git#:d /", "ADD https://a.b/c.git#:d /"),
    ("ADD https://a.b/c.git#v1:d /", "ADD https://a.b/c.git#v1:d /"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), HISTORY)
def test_history(text: str, told: str) -> None:
    assert histories(last(f"FROM scratch\n{text}"))[-1] == told


def test_the_author_stays() -> None:
    stage = last("FROM scratch\nMAINTAINER me\nRUN x")
    assert [step.author for step in stage.steps] == ["me", "me"]
    assert stage.author == "me"


# -- the config -------------------------------------------------------------------------------------------------------

BASE = config(
    Env=["PATH=/p", "A=1"], Entrypoint=["e"], Cmd=["c"], WorkingDir="/w", User="u", Labels={"l": "1"},
    ExposedPorts={"1/tcp": {}}, Volumes={"/v": {}}, StopSignal="SIGHUP", Shell=["/s"],
    Healthcheck={"Test": ["CMD", "t"], "Interval": 7},
)  # fmt: skip

PROCESS: list[tuple[str, str, object]] = [
    ("", "Env", ["PATH=/p", "A=1"]),
    ("ENV A=2 B=3", "Env", ["PATH=/p", "A=2", "B=3"]),
    ("", "Entrypoint", ["e"]),
    ("", "Cmd", ["c"]),
    ('ENTRYPOINT ["x"]', "Cmd", None),
    ('CMD ["y"]\nENTRYPOINT ["x"]', "Cmd", ["y"]),
    ('ENTRYPOINT ["x"]\nCMD ["y"]', "Cmd", ["y"]),
    ("CMD y", "Cmd", ["/s", "y"]),
    ("CMD []", "Cmd", []),
    ("WORKDIR x", "WorkingDir", "/w/x"),
    ("WORKDIR x\nWORKDIR ../y", "WorkingDir", "/w/y"),
    ("WORKDIR /../z//q/", "WorkingDir", "/z/q"),
    ("ARG D=dir\nWORKDIR $D/$D", "WorkingDir", "/w/dir/dir"),
    ("WORKDIR $NOTHING", "WorkingDir", "/w"),
    ("LABEL l=2 m=$A", "Labels", {"l": "2", "m": "1"}),
    ("EXPOSE 2 3/udp", "ExposedPorts", {"1/tcp": {}, "2/tcp": {}, "3/udp": {}}),
    ('VOLUME ["/x y"]', "Volumes", {"/v": {}, "/x y": {}}),
    ("", "StopSignal", "SIGHUP"),
    ("ARG S=9\nSTOPSIGNAL $S", "StopSignal", "9"),
    ("", "Healthcheck", {"Test": ["CMD", "t"], "Interval": 7}),
    ('HEALTHCHECK CMD ["a"]', "Healthcheck", {"Test": ["CMD", "a"]}),
    ("HEALTHCHECK --start-period=1s --start-interval=2s --timeout=3s CMD a", "Healthcheck",
     {"Test": ["CMD-SHELL", "a"], "Timeout": 3 * 10**9, "StartPeriod": 10**9, "StartInterval": 2 * 10**9}),
    ("HEALTHCHECK NONE", "Healthcheck", {"Test": ["NONE"]}),
    ("ONBUILD RUN a\nONBUILD COPY b c", "OnBuild", ["RUN a", "COPY b c"]),
    ("USER $A:2", "User", "1:2"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "field", "value"), PROCESS)
def test_what_the_config_says(text: str, field: str, value: object) -> None:
    assert last(f"FROM base\n{text}\n", {"base": BASE}).process.get(field) == value


def test_an_image_without_a_path_gets_docker_s() -> None:
    assert last("FROM base", {"base": config(Env=["A=1"])}).process["Env"] == ["A=1", PATH]
    assert last("FROM scratch").process["Env"] == [PATH]


def test_a_stage_on_a_stage_leaves_the_lower_one_alone() -> None:
    text = (
        "FROM base AS a\nLABEL x=1\nFROM a AS b\nLABEL x=2\nENV A=2\nFROM scratch\nCOPY --from=a / /\nCOPY --from=b / /"
    )
    below, above, _ = graph(text, images={"base": BASE}).stages
    assert (below.process["Labels"]["x"], above.process["Labels"]["x"]) == ("1", "2")
    assert below.process["Env"] == ["PATH=/p", "A=1"]


def test_workdir_is_made_unless_it_is_the_root() -> None:
    stage = last("FROM scratch\nWORKDIR /\nWORKDIR a\nWORKDIR b")
    assert [step.op for step in stage.steps] == [None, MakeDirectoryOp("/a"), MakeDirectoryOp("/a/b")]


# -- ONBUILD ----------------------------------------------------------------------------------------------------------


def test_triggers_come_first_and_are_not_inherited() -> None:
    base = config(OnBuild=["RUN one", "COPY --from=other a /b", "ENV T=1"])
    stage = last("FROM base\nRUN two $T", {"base": base})
    assert histories(stage) == ["RUN /bin/sh -c one", "COPY a /b", "ENV T=1", "RUN /bin/sh -c two $T"]
    assert copy_of(stage).origin == FromImage("other")
    assert "OnBuild" not in stage.process
    again = graph("FROM base AS a\nFROM a\nRUN x", images={"base": config(OnBuild=["RUN one"])}).stages
    assert [len(stage.steps) for stage in again] == [1, 1]


def test_a_trigger_may_need_an_earlier_stage() -> None:
    base = config(OnBuild=["COPY --from=early a /b"])
    found = graph("FROM x AS early\nFROM base", images={"base": base}).stages
    assert [stage.title for stage in found] == ["early", "stage-1"]
    assert copy_of(found[1]).origin == FromStage(0)


@pytest.mark.parametrize("text", ["FROM x", "MAINTAINER x", "ONBUILD RUN x", "RUN a\nRUN b", "NOSUCH x"])
def test_triggers_that_are_none(text: str) -> None:
    with pytest.raises(Invalid, match="ONBUILD of base"):
        last("FROM base", {"base": config(OnBuild=[text])})


# -- COPY -------------------------------------------------------------------------------------------------------------

TARGETS = [
    ("/", "COPY a /b", "/b"),
    ("/", "COPY a /b/", "/b/"),
    ("/", "COPY a .", "/"),
    ("/w", "COPY a .", "/w/"),
    ("/w", "COPY a ./", "/w/"),
    ("/w", "COPY a b", "/w/b"),
    ("/w", "COPY a ../b/", "/b/"),
    ("/w", "COPY a ../../../b", "/b"),
    ("/w", "COPY a //x//y", "/x/y"),
    ("/w", "COPY a b/.", "/w/b/"),
    ("/w", "ARG D=e\nCOPY a /d/$D/", "/d/e/"),
]


@pytest.mark.parametrize(("workdir", "text", "target"), TARGETS)
def test_where_copies_go(workdir: str, text: str, target: str) -> None:
    assert copy_of(last(f"FROM scratch\nWORKDIR {workdir}\n{text}")).target == target


def test_copy_has_its_variables_replaced() -> None:
    text = "ARG M=u+x O=me P=*.txt\nCOPY --chown=$O --chmod=$M --exclude=$P a$O <<f /d/\n$O '$O' \\$O\nf"
    op = copy_of(last(f"FROM scratch\n{text}"))
    assert (op.chown, op.chmod, op.exclude, op.sources) == ("me", "u+x", ("*.txt",), ("ame",))
    assert op.files == (("f", b"me 'me' $O\n"),)
    assert copy_of(last("FROM scratch\nCOPY <<'f' /d/\n$O\nf")).files == (("f", b"$O\n"),)
    escaped = "# escape=`\nFROM scratch\nARG O=me\nCOPY <<f /d/\n`$O \\$O\nf"
    assert copy_of(last(escaped)).files == (("f", b"`me $O\n"),)  # as BuildKit: the directive is not for these


@pytest.mark.parametrize("text", ["VOLUME $N", "VOLUME /a ${N}", "STOPSIGNAL $N", "ARG S=NONE\nSTOPSIGNAL $S"])
def test_variables_may_leave_nothing_of_use(text: str) -> None:
    with pytest.raises(Invalid, match=r"Dockerfile:\d: (VOLUME specified can not be|Invalid signal)"):
        last(f"FROM scratch\n{text}")


def test_add_unpacks_what_is_local() -> None:
    assert copy_of(last("FROM scratch\nADD a /")).unpack
    assert not copy_of(last("FROM scratch\nADD --unpack=false a /")).unpack
    assert not copy_of(last("FROM scratch\nCOPY a /")).unpack
    assert copy_of(last("FROM scratch\nADD a /")).origin == FromContext()


# -- refusals ---------------------------------------------------------------------------------------------------------

REFUSED = [
    (Unsupported, "RUN --device=x y", "RUN --device is not supported"),
    (Invalid, "RUN --security=insecure x", "security.insecure is not allowed"),
    (Invalid, "ENV A=${B:?needed}", "needed"),
    (Invalid, "EXPOSE 99999", "99999"),
    (
        Invalid,
        "COPY --link --chown=me a /b",
        "--chown=me: user and group names can't be resolved when used with --link",
    ),
    (Invalid, "ADD --link --chown=1:us a /b", "can't be resolved"),
    (NotFound, "COPY --from=scratch a /", "scratch holds no files"),
    (Invalid, "COPY --from=7 a /", "invalid stage index 7"),
]


@pytest.mark.parametrize(("kind", "text", "told"), REFUSED)
def test_refusals_have_their_place(kind: type[Exception], text: str, told: str) -> None:
    with pytest.raises(kind, match=r"Dockerfile:3: ") as caught:
        last(f"FROM scratch\nLABEL a=b\n{text}")
    assert told in str(caught.value)


def test_platforms() -> None:
    arm = Platform("arm64", "linux")
    assert last("FROM --platform=$BUILDPLATFORM x", platform=arm).base == "x linux/amd64"
    assert last("FROM --platform=linux/arm64/v8 x", platform=arm).base == "x"
    assert last("FROM --platform=$TARGETPLATFORM x", platform=arm).base == "x"
    assert last("FROM --platform=x86_64 x", platform=arm).base == "x linux/amd64"
    on_stage = graph("FROM x AS one\nFROM --platform=linux/amd64 one", Arguments(platform=arm))
    assert [stage.base for stage in on_stage.stages] == ["x", 0]
    scratch = last("FROM --platform=linux/s390x scratch\nRUN y", platform=arm)
    assert (scratch.base, scratch.platform) == (None, "linux/arm64")
    assert [step.op.platform for step in scratch.steps if isinstance(step.op, RunOp)] == ["linux/arm64"]
    with pytest.raises(Invalid, match=r"Dockerfile:1: .*not a platform"):
        last("FROM --platform=a/b/c/d x")


# -- contexts that were given ------------------------------------------------------------------------------------------


def test_given_contexts_beat_stages_and_images() -> None:
    contexts = {"dir": None, "one": "docker.io/library/other:1", "alpine": "docker.io/library/mine:2"}
    text = (
        "FROM scratch AS one\nRUN never\nFROM alpine:latest\nCOPY --from=dir a /\nCOPY --from=one b /\n"
        "RUN --mount=from=dir,target=/m x\n"
    )
    found = graph(text, Arguments(contexts=contexts))
    assert [stage.base for stage in found.stages] == ["docker.io/library/mine:2"]
    named, image = FromContext("dir"), FromImage("docker.io/library/other:1")
    assert all_origins(found.stages[0]) == (named, image, named)
    chosen, reachable, _ = select(stages(parse(f"{text}COPY --from=more c /\n")), Arguments(contexts=contexts))
    names = ["docker.io/library/mine:2", "docker.io/library/other:1", "more"]
    assert list(image_names(chosen, reachable, contexts)) == names
    full = graph("FROM docker.io/library/alpine\nCOPY --from=alpine:latest b /\n", Arguments(contexts=contexts))
    assert (full.stages[0].base, all_origins(full.stages[0])) == (
        contexts["alpine"],
        (FromImage("docker.io/library/mine:2"),),
    )
    target = graph("FROM alpine AS One\nRUN never\n", Arguments(contexts=contexts)).stages[-1]
    assert (target.base, target.steps) == (contexts["one"], ())
    numbered = graph("FROM nope AS one\nRUN never\nFROM scratch\nCOPY --from=0 a /\n", Arguments(contexts=contexts))
    assert [(stage.base, len(stage.steps)) for stage in numbered.stages] == [(contexts["one"], 0), (None, 1)]
    assert last("FROM scratch", contexts={"scratch": "docker.io/library/other:1"}).base is None
    directory = last("FROM dir", contexts=contexts)
    assert (directory.base, copy_of(directory)) == (None, CopyOp(FromContext("dir"), (".",), "/"))
    by_number = graph("FROM alpine\nFROM scratch\nCOPY --from=0 a /\n", Arguments(contexts={"0": None}))
    assert all_origins(by_number.stages[-1]) == (FromStage(0),)
    with pytest.raises(NotFound, match="scratch holds no files"):
        graph("FROM scratch\nCOPY --from=none a /\n", Arguments(contexts={"none": "scratch"}))


def test_mounts_have_their_variables_replaced() -> None:
    text = (
        "FROM scratch\nWORKDIR /w\nARG D=d S=64m\nRUN --mount=type=tmpfs,target=$D,size=$S --mount=type=cache,id=$D x"
    )
    mounts = run_of(last(text)).mounts
    assert mounts == (TmpfsMount("/w/d", 64 << 20), CacheMount("d", "/w"))
    with pytest.raises(Invalid, match=r"Dockerfile:3: ") as caught:
        last("FROM scratch\nARG S=x\nRUN --mount=type=tmpfs,target=/a,size=$S x")
    assert caught.value.where and caught.value.where.column == 5


# -- --change ---------------------------------------------------------------------------------------------------------


def test_changes_of_an_import() -> None:
    process = changed_process(["ENV A=1", 'CMD ["x"]', "LABEL two\nlines"], config())
    assert process == {"Env": ["A=1"], "Cmd": ["x"], "Labels": {"two": "lines"}}


@pytest.mark.parametrize("text", ["RUN x", "COPY a b", "ADD a b"])
def test_changes_that_are_none(text: str) -> None:
    with pytest.raises(Invalid, match=f"{text.split()[0]} is not a valid change command"):
        changed_process([text], config())
