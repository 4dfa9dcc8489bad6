"""What leaves rules out: comments, directives and settings; and the YAML that settings are written in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.dockerfile.lint import configuration, yaml
from scow.dockerfile.lint.finding import Severity
from scow.dockerfile.lint.linting import look
from scow.dockerfile.lint.pragmas import Check, check_options
from scow.dockerfile.lint.settings import Settings
from scow.dockerfile.lint.table import RULES, meant, names
from scow.errors import Invalid, Limit

CD = "RUN cd /a && make"


def heard(text: str, settings: Settings | None = None) -> list[tuple[str, int]]:
    """Which of two rules are heard, and of which lines."""
    found = look(text, "Dockerfile", settings).findings
    return [(one.rule, one.span.start_line) for one in found if one.rule in {"cd", "sudo", "no-healthcheck"}]


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# a comment", [("cd", 3), ("cd", 4)]),
        ("# scow ignore=cd", [("cd", 4)]),
        ("# hadolint ignore=DL3003", [("cd", 4)]),
        ("#hadolint ignore = dl3003,DL3008 # for a reason", [("cd", 4)]),
        ("# hadolint ignore=DL3004", [("cd", 3), ("cd", 4)]),
        ("# scow global ignore=cd", []),
        ("# hadolint global ignore=DL3003", []),
        ("# check=skip=cd", [("cd", 4)]),
        ("# check=skip=all", [("cd", 4)]),
    ],
)
def test_comments_leave_rules_out(comment: str, expected: list[tuple[str, int]]) -> None:
    assert heard(f"FROM debian:12\n{comment}\n{CD}\n{CD}\n") == expected


def test_a_comment_is_for_all_lines_of_the_next_instruction() -> None:
    text = "FROM debian:12\n# scow ignore=sudo\n\nRUN a && \\\n    sudo b\nRUN sudo c\n"
    assert heard(text) == [("sudo", 6)]


def test_comments_are_not_heard_where_settings_say_so() -> None:
    settings = configuration.settings(b"disable-ignore-pragma: true", "s")
    assert heard(f"FROM debian:12\n# scow global ignore=cd\n{CD}\n", settings) == [("cd", 3)]


@pytest.mark.parametrize(
    ("directive", "expected"),
    [
        ("# check=skip=DL3003", []),
        ("# check=skip=all", []),
        ("# check=experimental=DL3057;skip=cd", [("no-healthcheck", 2)]),
        ("# check=error=true", [("cd", 3)]),
    ],
)
def test_the_directive(directive: str, expected: list[tuple[str, int]]) -> None:
    assert heard(f"{directive}\nFROM debian:12\n{CD}\n") == expected


def test_a_directive_that_cannot_be_read_is_a_finding() -> None:
    looked = look("# check=skop=all\nFROM debian:12\n")
    assert [(one.rule, one.message) for one in looked.findings] == [("syntax", 'invalid check option "skop"')]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Check()),
        ("skip=A,b; error=true", Check(frozenset({"a", "b"}), frozenset(), error=True)),
        ("error=0;experimental=all", Check(frozenset(), frozenset({"all"}))),
    ],
)
def test_check_options(text: str, expected: Check) -> None:
    assert check_options(text) == expected


@pytest.mark.parametrize("text", ["skip", "error=perhaps", "skip=a;other=b"])
def test_no_check_options(text: str) -> None:
    with pytest.raises(Invalid):
        check_options(text)


def test_settings_as_hadolint_has_them() -> None:
    read = configuration.settings(
        b'---\nignored:\n- DL3000 # why\n- "SC1010"\noverride:\n  error: [cd, DL3002]\n  ignore:\n    - sudo\n'
        b"trustedRegistries: docker.io\nlabel-schema:\n  author: text\nstrict-labels: true\n"
        b"failure-threshold: none\nno-fail: yes\nformat: json\n",
        "s",
    )
    assert read == Settings(
        ignored=frozenset({"dl3000", "sc1010"}),
        severities={"cd": Severity.ERROR, "dl3002": Severity.ERROR, "sudo": Severity.IGNORE},
        trusted=("docker.io",),
        labels={"author": "text"},
        strict_labels=True,
        threshold=None,
        no_fail=True,
    )
    assert heard(f"FROM debian:12\n{CD}\nRUN sudo a\n", read) == [("cd", 2)]


def test_an_override_makes_another_severity() -> None:
    settings = replace(Settings(), severities={"dl3003": Severity.STYLE}, only=frozenset({"cd"}))
    assert [one.severity for one in look(f"FROM debian:12\n{CD}\n", "d", settings).findings] == [Severity.STYLE]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ignore: [cd]", "unknown setting: ignore"),
        ("ignored: [cdd]", "no rule is called cdd"),
        ("override: {error: [cd]}", "flow maps"),
        ("override:\n  bad: [cd]", "no such severity: bad"),
        ("ignored: &a [cd]", "anchors"),
        ("ignored: *a", "aliases"),
        ("ignored: |\n  cd", "multi-line"),
        ("ignored: [cd,\n  sudo]", "ends on its line"),
        ("ignored:\n\t- cd", "tabs"),
        ("ignored:\n  - cd\n    - sudo", "indented more"),
        ("ignored: [cd]\nignored: [cd]", "said twice"),
        ("no-fail: perhaps", "expected true or false"),
        ("label-schema:\n  a: colour", "no such kind"),
        ("failure-threshold: awful", "no such severity"),
        ("just words", "expected KEY: VALUE"),
        ("a: b: c", "a map within a line"),
        ('ignored: ["a\\"b"]', "quotes that are more"),
    ],
)
def test_settings_that_are_refused(text: str, problem: str) -> None:
    with pytest.raises(Invalid) as caught:
        configuration.settings(text.encode(), "settings")
    assert problem in str(caught.value)
    assert "settings" in str(caught.value)


def test_settings_are_bounded() -> None:
    with pytest.raises(Limit):
        yaml.read(b"#" * (yaml.LARGEST + 1), "s")
    with pytest.raises(Invalid):
        yaml.read("".join(f"{' ' * at}a:\n" for at in range(20)).encode(), "s")


_WORDS = st.text("abcXYZ019.-_/", min_size=1, max_size=8).filter(lambda text: not text.startswith("-"))
_DOCUMENTS = st.dictionaries(_WORDS, st.one_of(_WORDS, st.lists(_WORDS), st.dictionaries(_WORDS, _WORDS, min_size=1)))


@given(_DOCUMENTS, st.sampled_from(['"', "'", ""]), st.booleans())
def test_what_is_written_is_read(document: dict[str, yaml.Value], quote: str, flow: bool) -> None:
    lines = []
    for key, value in document.items():
        if isinstance(value, list):
            items = [f"{quote}{one}{quote}" for one in value]
            lines += [f"{key}: [{', '.join(items)}]"] if flow or not items else [f"{key}:", *(f"- {i}" for i in items)]
        elif isinstance(value, dict):
            lines += [f"{key}: # a map", *(f"   {name}: {quote}{one}{quote}" for name, one in value.items())]
        else:
            lines.append(f"{key}: {quote}{value}{quote}  # a word")
    assert yaml.read("\n".join(lines).encode(), "s") == document


@given(st.binary(max_size=60) | st.text("ab:-[]{}#'\"\n \t&*!|", max_size=60).map(str.encode))
def test_no_settings_crash_it(text: bytes) -> None:
    try:
        yaml.read(text, "s")
    except Invalid as error:
        assert error.where is not None or error.subject == "s"


def test_names_mean_rules() -> None:
    assert [rule.name for rule in meant("dl3008")] == ["apt-unpinned"]
    assert len(meant("MultipleInstructionsDisallowed")) == 3
    assert meant("SC2086") == ()
    with pytest.raises(Invalid) as caught:
        meant("apt-unpined")
    assert caught.value.hint == "did you mean apt-unpinned?"


def test_hadolints_and_buildkits_names_are_known() -> None:
    known = set(names())
    assert not [number for number in range(68) if f"dl3{number:03}" not in known]
    assert {"dl1001", "dl4000", "dl4001", "dl4003", "dl4004", "dl4005", "dl4006"} <= known
    buildkit = (
        "StageNameCasing FromAsCasing NoEmptyContinuation ConsistentInstructionCasing DuplicateStageName"
        " ReservedStageName JSONArgsRecommended MaintainerDeprecated UndefinedArgInFrom WorkdirRelativePath"
        " UndefinedVar MultipleInstructionsDisallowed LegacyKeyValueFormat RedundantTargetPlatform"
        " SecretsUsedInArgOrEnv InvalidDefaultArgInFrom FromPlatformFlagConstDisallowed CopyIgnoredFile"
        " InvalidDefinitionDescription ExposeProtoCasing ExposeInvalidFormat"
    )
    assert {name.lower() for name in buildkit.split()} <= known
    assert all(rule.title and rule.why.endswith(".") for rule in RULES)
