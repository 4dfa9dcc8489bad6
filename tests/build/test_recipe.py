"""A Dockerfile in Python plans the very same graph: equal keys, equal digests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.build.conftest import Kitchen

from scow.build import image, literal
from scow.build.ops import Graph
from scow.build.plan import Arguments, plan, select
from scow.build.recipe import Recipe
from scow.dockerfile.parser import parse
from scow.dockerfile.stages import stages
from scow.errors import Invalid
from scow.oci.config import Config


def planned(text: bytes | str) -> Graph:
    found, reachable, outside = select(stages(parse(text)), Arguments())
    return plan(found, reachable, outside, Arguments(), {stage.image: Config() for stage in found.stages})


def told(graph: Graph) -> list[object]:
    """Everything of a graph but where it was written, and what its stages are called."""
    return [
        ([(step.created_by, step.op) for step in stage.steps], stage.base, stage.process, stage.author)
        for stage in graph.stages
    ]


SAME: list[tuple[Recipe, str]] = [
    (image("a").run("make all"), "FROM a\nRUN make all"),
    (image("a").run("make", "all"), 'FROM a\nRUN ["make", "all"]'),
    (image("a").run("a\nb"), "FROM a\nRUN <<EOF\na\nb\nEOF"),
    (image("a").run("-x"), "FROM a\nRUN <<EOF\n-x\nEOF"),
    (image("a").run("cat <<EOF\nx\nEOF"), "FROM a\nRUN <<END\ncat <<EOF\nx\nEOF\nEND"),
    (
        image("a").run("x", mounts=["type=cache,target=/c"], network="none"),
        "FROM a\nRUN --mount=type=cache,target=/c --network=none x",
    ),
    (image("a").copy("x", "y z", to="/d/"), 'FROM a\nCOPY ["x", "y z", "/d/"]'),
    (
        image("a").copy("x", to="y", chown="1:2", chmod="u+x", link=True, exclude=["*.a"]),
        "FROM a\nCOPY --chown=1:2 --chmod=u+x --link --exclude=*.a x y",
    ),
    (image("a").copy("*.txt", to=".", parents=True), "FROM a\nCOPY --parents *.txt ."),
    (image("a").copy("x", to="/y", from_="b"), "FROM a\nCOPY --from=b x /y"),
    (image("a").copy("/x", to="/y", from_=image("b").run("z")), "FROM b AS n\nRUN z\nFROM a\nCOPY --from=n /x /y"),
    (image(image("a").arg("X", "1").run("y")).run("z"), "FROM a AS n\nARG X=1\nRUN y\nFROM n\nRUN z"),
    (image("a").add("x.tar", to="/", unpack=False), "FROM a\nADD --unpack=false x.tar /"),
    (
        image("a").add("https://h/x", to="/x", checksum="sha256:" + "0" * 64),
        f"FROM a\nADD --checksum=sha256:{'0' * 64} https://h/x /x",
    ),
    (image("a").env(A="1", B="$A x").env(C="${A:-b}"), 'FROM a\nENV A=1 B="$A x"\nENV C=${A:-b}'),
    (image("a").env(A=literal("$A")), "FROM a\nENV A='$A'"),
    (image("a").env({"A": 'it\'s "x" \\n'}), 'FROM a\nENV A="it\'s \\"x\\" \\\\n"'),
    (image("a").label({"a b": "c"}, d="e"), 'FROM a\nLABEL "a b"="c" d="e"'),
    (
        image("a").arg("A").arg("B", "x y").workdir("/w d").user("u:g"),
        'FROM a\nARG A\nARG B="x y"\nWORKDIR /w d\nUSER u:g',
    ),
    (image("a").expose(80, "90/udp").volume("/v", "/w x"), 'FROM a\nEXPOSE 80 90/udp\nVOLUME ["/v", "/w x"]'),
    (
        image("a").entrypoint("e").cmd("c", "d").shell("s", "-c").stopsignal("9"),
        'FROM a\nENTRYPOINT e\nCMD ["c", "d"]\nSHELL ["s", "-c"]\nSTOPSIGNAL 9',
    ),
    (
        image("a").healthcheck("curl x", interval="5s", retries=3),
        "FROM a\nHEALTHCHECK --interval=5s --retries=3 CMD curl x",
    ),
    (image("a").healthcheck("c", "d").healthcheck(), 'FROM a\nHEALTHCHECK CMD ["c", "d"]\nHEALTHCHECK NONE'),
    (image("a").onbuild(lambda later: later.run("x")), "FROM a\nONBUILD RUN x"),
    (image("scratch").file("/f", "a\n$b\n", chmod="600"), "FROM scratch\nCOPY --chmod=600 <<'EOF' /f\na\n$b\nEOF"),
    (image("scratch", platform="linux/arm64").env(A="1"), "FROM --platform=linux/arm64 scratch\nENV A=1"),
]


@pytest.mark.parametrize(("recipe", "text"), SAME)
def test_plans_the_same(recipe: Recipe, text: str) -> None:
    assert told(planned(recipe.dockerfile)) == told(planned(text))


@given(some.text(some.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), min_size=1))
def test_a_value_is_what_it_says(text: str) -> None:
    made = image("a").env(A=literal(text)).label(a=literal(text)).dockerfile
    process = planned(made).stages[-1].process
    assert (process["Env"][-1], process["Labels"]["a"]) == (f"A={text}", text)


@given(some.lists(some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2))
def test_an_argument_vector_is_what_it_says(argv: list[str]) -> None:
    assert planned(image("a").cmd(*argv).dockerfile).stages[-1].process["Cmd"] == argv


@pytest.mark.parametrize("wrong", [
    lambda: image("a").env(A="x\ny"), lambda: image("a").workdir("/x\nRUN y"), lambda: image("a").cmd("x\nRUN y"),
    lambda: image("a").expose("x y\nRUN z"), lambda: image("a").file("/f", "x"),
    lambda: image("a").env({"A B\nRUN x": "y"}), lambda: image("a").stopsignal("NO"),
])  # fmt: skip
def test_a_text_is_one_text(wrong: object) -> None:
    with pytest.raises(Invalid):
        wrong()  # type: ignore[operator]


def test_the_same_image(kitchen: Kitchen) -> None:
    kitchen.file("f", "1")
    text = (
        "FROM busybox AS make\nRUN echo made > /made\nFROM busybox\nWORKDIR /w\nCOPY f .\n"
        'COPY --from=make /made /made\nENV A=1\nCMD ["cat", "f"]\n'
    )
    by_text = kitchen.build(text)
    made = image("busybox").run("echo made > /made")
    recipe = image("busybox").workdir("/w").copy("f", to=".").copy("/made", to="/made", from_=made)
    recipe = recipe.env(A="1").cmd("cat", "f")
    by_recipe = kitchen.engine.images.build(
        kitchen.context, dockerfile=recipe, source_date_epoch=1_600_000_000, network="none"
    )
    assert by_recipe == by_text.id
