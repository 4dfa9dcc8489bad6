"""No Dockerfile crashes the linter, and a fix is a fix: readable, and with nothing left to do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scow.dockerfile.lint.fixing import fixed
from scow.dockerfile.lint.linting import INSTRUCTIONS, STAGES, Looked, look
from scow.dockerfile.parser import LARGEST
from scow.errors import Limit

HERE = Path(__file__).parent
CORPUS = sorted(HERE.glob("*/*/Dockerfile")) + sorted(HERE.glob("lint/*/*/Dockerfile"))

_NAMES = st.sampled_from(
    ["a", "app", "/app", "/app/", ".", "$A", "${B:-c}", "a b", '"q r"', "'s'", "é", "a=b", "A=1", ""]
)
_SHELL = st.sampled_from([
    "apt-get update", "apt-get install curl", "apt-get install -y --no-install-recommends curl=1", "pip install a",
    "rm -rf /var/lib/apt/lists/*", "cd /a", "sudo a", "curl a | sh", "npm ci", "yarn install", "apk add a",
    "dnf install a", "wget http://a/b.tar.gz", "tar xf b.tar.gz", "echo '", 'echo "', "a # b", "$(",
    "sh -c 'apt-get install a'", "<<E", "export A=b", "useradd -u 999999 a", "chmod 777 a", "exit 1", "a ;", "b &", "",
])  # fmt: skip
_RUN = st.lists(_SHELL, min_size=1, max_size=4).flatmap(
    lambda parts: st.sampled_from([" && ", " \\\n    && ", "; ", " \\\n\n ", " | "]).map(
        lambda between: between.join(parts)
    )
)
_KEYWORDS = st.sampled_from([
    "FROM", "from", "COPY", "Add", "ENV", "ARG", "LABEL", "WORKDIR", "USER", "EXPOSE", "CMD", "SHELL", "ENTRYPOINT",
    "HEALTHCHECK CMD", "ONBUILD RUN", "ONBUILD COPY", "STOPSIGNAL", "VOLUME", "MAINTAINER", "COPY --from=app",
    "FROM --platform=$TARGETPLATFORM",
])  # fmt: skip
_LINES = st.one_of(
    _RUN.map(lambda text: f"RUN {text}"),
    _RUN.map(lambda text: f"RUN --mount=type=cache,target=/c {text}"),
    st.tuples(_KEYWORDS, st.lists(_NAMES, max_size=4)).map(lambda made: f"{made[0]} {' '.join(made[1])}"),
    st.sampled_from([
        "", "# scow ignore=cd", "# hadolint ignore=DL3008 # why", "# check=skip=all", "FROM debian AS App", "FROM app",
        'CMD ["a", "$B"]', "CMD ['a']", "RUN <<E\napt-get update\nE", "COPY <<E /a\nb\nE", "\r", "\t", "RUN a \\",
        "EXPOSE 80:80/TCP", "ENV A b", 'RUN ["sh", "-c", "apt-get install a"]',
    ]),
)  # fmt: skip
_FILES = st.tuples(
    st.sampled_from(["", "# escape=`\n", "# check=error=true\n", "\ufeff"]), st.lists(_LINES, max_size=12)
).map(lambda made: made[0] + "FROM debian:12\n" + "\n".join(made[1]))


def sound(looked: Looked) -> None:
    lines = looked.text.split("\n")
    for finding in looked.findings:
        span = finding.span
        assert 1 <= span.start_line <= span.end_line <= len(lines)
        assert 1 <= span.column <= len(lines[span.start_line - 1]) + 1
        assert finding.message
        assert "\n" not in finding.message


@given(_FILES)
@settings(max_examples=200, deadline=None)
def test_whatever_it_is_given_it_says_something_of_a_place_there(text: str) -> None:
    sound(look(text))


@given(_FILES)
@settings(max_examples=60, deadline=None)
def test_a_fix_is_readable_and_twice_is_once(text: str) -> None:
    before = look(text)
    after = fixed(text)
    if before.error is None:
        assert look(after).error is None
    assert fixed(after) == after


@given(st.text(max_size=80) | st.binary(max_size=80))
def test_no_text_crashes_it(text: str | bytes) -> None:
    sound(look(text))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: "/".join(path.parts[-4:-1]))
def test_the_corpora_do_not_crash_it(path: Path) -> None:
    looked = look(path.read_bytes())
    sound(looked)
    if looked.error is None:
        assert look(fixed(looked.text)).error is None


def test_too_much_is_refused() -> None:
    with pytest.raises(Limit):
        look(b"#" * (LARGEST + 1))


def test_too_many_instructions_are_refused() -> None:
    for text in ("ENV a=b\n" * INSTRUCTIONS, "FROM debian:12\n" * STAGES):
        with pytest.raises(Limit):
            look(f"FROM debian:12\n{text}")


@pytest.mark.parametrize(
    "line",
    [
        "RUN cd /a && apt-get install b{} && chown 1 /b{}\n",
        "COPY a{}.tar.gz /b{}\nRUN apt-get update\n",
        "ENV A{}=$B{}\n",
        "# scow ignore=cd{}\nRUN cd /a\n",
        "RUN pip install a\n",
    ],
)
def test_time_is_nearly_linear(line: str) -> None:
    def seconds(count: int) -> float:
        text = "FROM debian:12\n" + "".join(line.replace("{}", str(at)) for at in range(count))
        began = time.process_time()
        look(text)
        return time.process_time() - began

    assert seconds(1000) < 3 * 10 * min(seconds(100) for _ in range(3)) + 0.1


def test_one_run_of_very_many_programs() -> None:
    began = time.process_time()
    looked = look(f"FROM debian:12\nRUN true{' && pip install a' * 20_000} && rm -rf /root/.cache\n")
    assert looked.findings
    assert time.process_time() - began < 10


@pytest.mark.parametrize("number", ["²", "9" * 5000])
def test_numbers_that_are_none(number: str) -> None:
    look(f"FROM a:1\nRUN useradd -u {number} a\n".encode())
