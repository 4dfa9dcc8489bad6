"""Package managers of languages: pip, npm, yarn, gem, go."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scow.dockerfile.instructions import Arg, Env, Instruction
from scow.dockerfile.lint import mending
from scow.dockerfile.lint.checks.packages import after, mounted, removes, unpinned
from scow.dockerfile.lint.finding import Found, Severity
from scow.dockerfile.lint.linted import Linted, Step
from scow.dockerfile.lint.program import Program
from scow.dockerfile.lint.rule import Rule

_PIP_PINNED = re.compile(
    r"(?!git\+|hg\+|svn\+)(.*(==|~=|<|>|!=|@).*|\..*|/.*|[^:]*/.*|.*\.(whl|zip|tar\.gz|tgz)|https?:.*)|(git|hg|svn)\+.*/.*@.*"
)
_NPM_PINNED = re.compile(r"(@[^/@:]+/)?[^@/:]+@.*|\..*|/.*|~/.*|.*\.(tgz|tar|tar\.gz)|[^@:]+/.*|[^#]*#.+|file:.*")
_GEM_PINNED = re.compile(r"[^:]+:.*|.*\.gem|\..*|/.*")
_FALSE = frozenset({"", "0", "off", "no", "false"})
_GO_PINNED = re.compile(r".+@.+|\..*|/.*")


def _calls(file: Linted, name: str, *subcommands: str) -> Iterator[tuple[Step, Program]]:
    return ((step, program) for step, program in file.programs(name) if program.runs(*subcommands))


def pip_unpinned(file: Linted) -> Iterator[Found]:
    """pip install package"""
    for _, program in (*_calls(file, "pip", "install"), *_calls(file, "pipx", "install")):
        listed = program.has("-r", "--requirement", "-c", "--constraint")
        if not listed:
            yield from unpinned(file, program, program.operands[1:], _PIP_PINNED, "pip install <package>==<version>")


def pip_cache(file: Linted) -> Iterator[Found]:
    """pip install without --no-cache-dir"""
    off = _switched(file, "PIP_NO_CACHE_DIR")
    for step, program in _calls(file, "pip", "install"):
        if step.stage.index not in file.kept or step.stage.index in off or _says(step, "PIP_NO_CACHE_DIR"):
            continue
        told = program.has("--no-cache-dir") or removes(after(step, program), "/root/.cache")
        if not told and not mounted(step.run, "/root/.cache/pip"):
            edits = mending.flag(program, "--no-cache-dir", program.operands[0])
            yield file.found("what pip downloaded stays in the layer, as its cache", program.place(), *edits)


def _says(step: Step, name: str) -> bool:
    """Does the RUN itself set the variable to something true?"""
    texts = (source.text for source in step.sources if name in source.text)
    values = (found[1].strip("\"'") for text in texts for found in re.finditer(rf"\b{name}=(\S*)", text))
    return any(value.lower() not in _FALSE for value in values)


def _switched(file: Linted, name: str) -> set[int]:
    """The stages in which an ENV or ARG, their own or of a stage below, sets the variable to something true."""
    own = {stage.index for stage in file.stages if any(_sets(one, name) for one in stage.instructions)}
    return {stage.index for stage in file.stages if own & {one.index for one in (stage, *file.lineage(stage))}}


def _sets(one: Instruction, name: str) -> bool:
    values = [pair.value.strip("\"'") for pair in one.pairs if pair.key == name] if isinstance(one, Env) else []
    values += [each.default or "" for each in one.definitions if each.name == name] if isinstance(one, Arg) else []
    return any(value.lower() not in _FALSE for value in values)


def npm_unpinned(file: Linted) -> Iterator[Found]:
    """npm install package"""
    for _, program in _calls(file, "npm", "install", "i", "add"):
        yield from unpinned(file, program, program.operands[1:], _NPM_PINNED, "npm install <package>@<version>")


def npm_cache(file: Linted) -> Iterator[Found]:
    """npm install without npm cache clean"""
    stays = file.kept
    for step, program in _calls(file, "npm", "install", "i", "ci"):
        rest = after(step, program)
        cleaned = any(one.name == "npm" and one.runs("cache") for one in rest)
        off = cleaned or removes(rest, "/root/.npm") or mounted(step.run, "/root/.npm") or program.has("--cache")
        if not off and step.stage.index in stays and not _says(step, "npm_config_cache"):
            edits = mending.appended(file, step, "npm cache clean --force")
            message = "what npm downloaded stays in the layer, as its cache"
            yield file.found(message, program.place(), *edits, hint="&& npm cache clean --force, in the same RUN")
            return


def yarn_cache(file: Linted) -> Iterator[Found]:
    """yarn install without yarn cache clean"""
    stays = file.kept
    for step in file.steps:
        for program in step.programs:
            installs = program.name == "yarn" and (program.runs("install", "add") or not program.operands)
            rest = after(step, program)
            cleaned = any(one.name == "yarn" and one.runs("cache") for one in rest)
            cleaned = cleaned or removes(rest, "/usr/local/share/.cache") or bool(step.run.mounts)
            if installs and not cleaned and step.stage.index in stays and not program.has("--version", "-v"):
                edits = mending.appended(file, step, "yarn cache clean")
                message = "what yarn downloaded stays in the layer, as its cache"
                yield file.found(message, program.place(), *edits, hint="&& yarn cache clean, in the same RUN")
                break


def gem_unpinned(file: Linted) -> Iterator[Found]:
    """gem install name"""
    for _, program in _calls(file, "gem", "install", "i"):
        if not program.has("-v", "--version"):
            yield from unpinned(file, program, program.operands[1:], _GEM_PINNED, "gem install <gem>:<version>")


def go_unpinned(file: Linted) -> Iterator[Found]:
    """go install module"""
    for _, program in _calls(file, "go", "install", "get", "run"):
        packages = program.operands[1:]
        remote = [word for word in packages[:1] if "." in word.text.partition("/")[0].lstrip(".")]
        if program.runs("install", "get") or remote:
            latest = [word for word in packages if word.text.endswith("@latest")]
            if latest:
                yield file.found("@latest is another version every day", program.place(latest[0]))
            elif remote and not _GO_PINNED.fullmatch(remote[0].text) and remote[0].plain:
                message = f"{remote[0].text}: no version is named, so tomorrow's build may differ"
                yield file.found(message, program.place(remote[0]), hint="go install <package>@<version>")


_PIN = "The build takes whatever is newest on that day. Name the version, or use a lock file."
_STAYS = "Nothing will use the cache again: in an image it is dead weight. A cache mount keeps it for the next build."
_W, _I = Severity.WARNING, Severity.INFO

RULES = (
    Rule("pip-unpinned", _W, "pip install without versions", _PIN, pip_unpinned, ("DL3013",)),
    Rule("pip-cache", _W, "pip install without --no-cache-dir", _STAYS, pip_cache, ("DL3042",), fixable=True),
    Rule("npm-unpinned", _W, "npm install without versions", _PIN, npm_unpinned, ("DL3016",)),
    Rule("npm-cache", _I, "npm's cache stays in the image", _STAYS, npm_cache, fixable=True),
    Rule("yarn-cache", _I, "yarn's cache stays in the image", _STAYS, yarn_cache, ("DL3060",), fixable=True),
    Rule("gem-unpinned", _W, "gem install without versions", _PIN, gem_unpinned, ("DL3028",)),
    Rule("go-unpinned", _W, "go install without a version", _PIN, go_unpinned, ("DL3062",)),
)  # fmt: skip
