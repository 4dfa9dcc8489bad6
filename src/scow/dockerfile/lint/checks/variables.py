"""ARG and ENV: what is used and not there, and what should not be there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scow.dockerfile.instructions import (
    Add,
    Arg,
    Copy,
    Env,
    Expose,
    Instruction,
    Label,
    Onbuild,
    Run,
    ShellForm,
    Stopsignal,
    User,
    Volume,
    Workdir,
)  # fmt: skip
from scow.dockerfile.lint.checks.bases import PLATFORM_ARGS
from scow.dockerfile.lint.finding import Found, Severity
from scow.dockerfile.lint.linted import Linted
from scow.dockerfile.lint.rule import Rule
from scow.dockerfile.shell import names_of
from scow.dockerfile.span import Word
from scow.dockerfile.stages import SCRATCH, Stage
from scow.dockerfile.suggest import nearest

#: Build arguments that need no ARG (Dockerfile reference, "Predefined ARGs"), and what every container has.
_GIVEN = frozenset(
    name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (proxy, proxy.lower())
) | {"PATH"}  # fmt: skip
_EXPANDED = (Add, Arg, Copy, Env, Expose, Label, Stopsignal, User, Volume, Workdir)
_SECRET = re.compile(
    r"(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)", re.IGNORECASE
)
_NO_SECRET = re.compile(r"(?:_|^)(?:public|file|version|path|id|url|name|gpg)(?:_|$)", re.IGNORECASE)
_BUILDKIT_ALLOWS = re.compile(r"(?:_|^)(?:public|file|version)(?:_|$)", re.IGNORECASE)
_MORE_SECRETS = re.compile(r"(?:^|_)(?:access_key_id|pass|pwd|private_key|api_?key)(?:_|$)|_dsn\Z", re.IGNORECASE)
_LITERALS = (
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})\b")),
    ("a GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    ("a Slack token", re.compile(r"\bxox[abposr]-[A-Za-z0-9-]{10,}")),
    ("an npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")),
    ("a password in a URL", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@$\"']+:(?![$*<{])[^\s/:@$\"']+@")),
)
#: Among more names than these none is looked for that is near.
_MANY = 300
_USE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)[^}]*\}|([A-Za-z_][A-Za-z0-9_]*))")


def _words(one: Instruction) -> tuple[Word, ...]:
    """The words in which variables are replaced."""
    if isinstance(one, Copy | Add):
        return one.words
    if isinstance(one, Run):
        return tuple(word for word in one.words if word.text.startswith("--"))
    return one.words if isinstance(one, _EXPANDED) else ()


def _defines(one: Instruction) -> frozenset[str]:
    if isinstance(one, Env):
        return frozenset(pair.key for pair in one.pairs)
    return frozenset(definition.name for definition in one.definitions) if isinstance(one, Arg) else frozenset()


def _base(file: Linted, stage: Stage) -> tuple[frozenset[str], bool]:
    """The variables a stage begins with, and whether that is all of them."""
    below = file.lineage(stage)
    known = frozenset(name for base in below for one in base.instructions for name in _defines(one))
    image = [stage, *below][-1].start.image
    if image in file.around.environments:
        return known | file.around.environments[image], True
    return known, image == SCRATCH


def undefined(file: Linted) -> Iterator[Found]:
    """$NAME that nothing defines above."""
    for stage in file.stages:
        base, sure = _base(file, stage)
        known = {*base, *_GIVEN}
        for one in stage.instructions:
            for word in _words(one) if "$" in one.original else ():
                for name in sorted(names_of(_value(one, word)) - known):
                    near = nearest(name, known) if len(known) < _MANY else None
                    if (sure or near) and (name.isidentifier() or near):
                        suggestion = f" (did you mean ${near}?)" if near else ""
                        yield file.found(f"Usage of undefined variable '${name}'{suggestion}", file.word(word))
            known |= _defines(one)


def _value(one: Instruction, word: Word) -> str:
    """What is expanded of a word: of a pair its value too, of an old ENV the value alone."""
    return word.text.partition("=")[2] if isinstance(one, Arg) else word.text


def out_of_scope(file: Linted) -> Iterator[Found]:
    """$NAME in a stage, of an ARG that stands before FROM only."""
    outside = {definition.name for arg in file.of.meta for definition in arg.definitions} - PLATFORM_ARGS
    for stage in file.stages if outside else ():
        known = set(_base(file, stage)[0])
        told: set[str] = set()
        for one in stage.instructions:
            used = _used(one) & outside - known - told
            for name in sorted(used):
                message = f"${name} is empty here: its ARG stands before FROM, outside of every stage"
                yield file.found(message, _use(file, one, name), hint=f"repeat it in the stage: ARG {name}")
            told |= used
            known |= _defines(one)


def _used(one: Instruction) -> frozenset[str]:
    if isinstance(one, Run) and isinstance(one.command, ShellForm):
        texts = [one.command.text, *(document.content for document in one.command.heredocs)]
    else:
        texts = [_value(one, word) for word in _words(one)]
    return frozenset(found[1] or found[2] for text in texts for found in _USE.finditer(text))


def _use(file: Linted, one: Instruction, name: str) -> tuple[int, int]:
    start, end = file.page.offset(one.span.start_line, 1), file.page.offset(one.span.end_line + 1, 1)
    if one.span.end_line >= len(file.page.starts):
        end = len(file.read.text)
    found = re.compile(rf"\$\{{?{re.escape(name)}\b\}}?").search(file.read.text, start, end)
    return found.span() if found else file.whole(one)


def self_reference(file: Linted) -> Iterator[Found]:
    """ENV a=1 b=$a"""
    for stage in file.stages:
        known = {*_base(file, stage)[0], "PATH"}
        for one in stage.instructions:
            if isinstance(one, Env) and one.pairs[0].delimited:
                here = {pair.key for pair in one.pairs} - known
                before: set[str] = set()
                for pair, word in zip(one.pairs, one.words, strict=False):
                    twice = before & {pair.key}
                    before.add(pair.key)
                    for name in sorted(names_of(pair.value) & (here | twice)):
                        message = f"${name} is not yet set: an ENV sees what was there before it"
                        yield file.found(message, file.word(word), hint="write two ENVs")
            known |= _defines(one)


def secret_name(file: Linted) -> Iterator[Found]:
    """ARG or ENV whose name is a secret's."""
    for one in (*file.of.meta, *(one for _, one in file.instructions)):
        if isinstance(one, Arg | Env):
            names = [d.name for d in one.definitions] if isinstance(one, Arg) else [p.key for p in one.pairs]
            for name, word in zip(names, one.words, strict=False):
                known = bool(_SECRET.search(name)) and not _BUILDKIT_ALLOWS.search(name)
                if known or (_MORE_SECRETS.search(name) and not _NO_SECRET.search(name.removesuffix("_ID"))):
                    message = f'Do not use ARG or ENV instructions for sensitive data ({one.keyword} "{name}")'
                    yield file.found(message, file.word(word), hint="RUN --mount=type=secret", beyond=not known)


def secret_value(file: Linted) -> Iterator[Found]:
    """A token, a key or a password, written out."""
    first = min(one.span.start_line for one in file.read.instructions)
    start = file.page.offset(first, 1)
    for what, pattern in _LITERALS:
        for found in pattern.finditer(file.read.text, start):
            line_start = file.read.text.rfind("\n", 0, found.start()) + 1
            if not file.read.text[line_start : found.start()].lstrip().startswith("#"):
                message = f"{what} is in the image for everybody who can pull it"
                yield file.found(
                    message, found.span(), hint="RUN --mount=type=secret; and make it invalid, it was seen"
                )


def frontend(file: Linted) -> Iterator[Found]:
    """ENV DEBIAN_FRONTEND=noninteractive"""
    for _, one in file.instructions:
        if isinstance(one, Env) and any(pair.key == "DEBIAN_FRONTEND" for pair in one.pairs):
            message = "DEBIAN_FRONTEND stays set in every container of this image"
            yield file.found(
                message, file.whole(one), hint="ARG DEBIAN_FRONTEND=noninteractive lasts for the build only"
            )


def onbuild_from(file: Linted) -> Iterator[Found]:
    """ONBUILD COPY --from=stage"""
    stages = {stage.name for stage in file.stages if stage.name}
    for _, one in file.instructions:
        if isinstance(one, Onbuild) and isinstance(one.trigger, Copy) and one.trigger.from_ in stages:
            message = f"the stage {one.trigger.from_} of this file is not there when the trigger runs"
            yield file.found(message, file.flag(one.trigger, "from"))


RULES = (
    Rule("undefined-variable", Severity.WARNING, "A variable that nothing defines",
         "It is empty. Reported where all variables of the base image are known (build --check asks for them), else"
         " where a name nearby suggests a typing error.", undefined, ("UndefinedVar",)),
    Rule("arg-out-of-scope", Severity.WARNING, "An ARG from before FROM is used within a stage",
         "Outside of stages an ARG serves FROM alone. Repeat it, without a value, in the stage that uses it.",
         out_of_scope),
    Rule("env-self-reference", Severity.ERROR, "ENV uses a variable that it sets itself",
         "All values are replaced before any is set, so the old value is used.", self_reference, ("DL3044",)),
    Rule("secret-name", Severity.WARNING, "ARG or ENV by the name of a secret",
         "Both can be read from the finished image. RUN --mount=type=secret leaves no trace.",
         secret_name, ("SecretsUsedInArgOrEnv", "DL3064")),
    Rule("secret-value", Severity.ERROR, "A secret is written out",
         "Whoever has the image, or its history, has the secret.", secret_value),
    Rule("frontend-env", Severity.INFO, "ENV DEBIAN_FRONTEND",
         "It changes how apt behaves for everybody who builds on the image. An ARG is enough.", frontend),
    Rule("onbuild-own-stage", Severity.WARNING, "ONBUILD COPY --from a stage of this file",
         "The trigger runs in another build, which has no such stage.", onbuild_from),
)  # fmt: skip
