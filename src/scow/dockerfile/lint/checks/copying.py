"""COPY, ADD and WORKDIR: what goes where, and what goes with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from scow.dockerfile.ignore import clean
from scow.dockerfile.instructions import Add, Copy, Workdir
from scow.dockerfile.lint.finding import Edit, Found, Severity
from scow.dockerfile.lint.linted import Linted
from scow.dockerfile.lint.program import Program
from scow.dockerfile.lint.rule import Rule
from scow.dockerfile.stages import Stage, find

_ARCHIVE = re.compile(r"\.(tar|tgz|tbz2?|txz|tzst|tar\.(gz|bz2|xz|zst|lzma|Z)|gz|bz2|xz|lz|lzma|tlz|Z)\Z")
_TARBALL = re.compile(r"\.(tar(\.(gz|bz2|xz|zst|lzma|Z))?|tgz|tbz2?|txz|tlz)\Z")
_REMOTE = re.compile(r"(https?|git|ssh)://|git@|\Agithub\.com/")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")
_WHOLE = frozenset({".", "./", "/", "*"})
#: Files that hold secrets, by name.
_SECRET_FILES = re.compile(
    r"(?:^|/)(?:id_(?:rsa|dsa|ecdsa|ed25519)|\.env|\.netrc|\.pgpass|\.htpasswd|\.git-credentials|\.npmrc|\.pypirc"
    r"|[^/]*\.(?:pem|key|p12|pfx|jks|keystore)|\.aws(?:/credentials)?|\.ssh|\.kube/config|\.docker/config\.json)/?\Z"
)
#: What a context often holds, and an image rarely wants.
BAGGAGE = (
    ".git",
    ".hg",
    ".svn",
    "node_modules",
    ".venv",
    "venv",
    "__pycache__",
    ".tox",
    ".mypy_cache",
    ".pytest_cache",
)


def absolute(path: str) -> bool:
    """Does the path begin at the root, a variable or a drive? Then it is where it says."""
    bare = path.strip("\"'")
    return bare.startswith(("/", "$", "\\")) or bool(_WINDOWS.match(bare))


def _copies(file: Linted) -> Iterator[tuple[Stage, Copy | Add]]:
    return ((stage, one) for stage, one in file.instructions if isinstance(one, Copy | Add))


def relative_workdir(file: Linted) -> Iterator[Found]:
    """WORKDIR app"""
    for stage in file.stages:
        anchored = _anchored(file, stage)
        for one in stage.instructions:
            if isinstance(one, Workdir):
                if not absolute(one.path):
                    message = f'Relative workdir "{one.path}" can have unexpected results if the base image changes'
                    yield file.found(message, file.at(one, one.path), beyond=anchored)
                anchored = True


def _anchored(file: Linted, stage: Stage) -> bool:
    """Does a stage that this one is built on say a WORKDIR?"""
    return any(isinstance(one, Workdir) for base in file.lineage(stage) for one in base.instructions)


def relative_target(file: Linted) -> Iterator[Found]:
    """COPY to a relative path where no WORKDIR says relative to what."""
    for stage in file.stages:
        anchored = _anchored(file, stage)
        for one in stage.instructions:
            anchored = anchored or isinstance(one, Workdir)
            if isinstance(one, Copy) and not anchored and not absolute(one.target):
                message = f"{one.target} is relative to the base image's working directory, whatever that is"
                yield file.found(message, file.word(one.words[-1]), hint="set WORKDIR, or begin the path with /")


def needs_slash(file: Linted) -> Iterator[Found]:
    """COPY a b target"""
    for _, one in _copies(file):
        several = len(one.sources) + len(one.files) > 1
        target = one.target.strip("\"'")
        if several and not target.endswith(("/", "\\", ".", "..")) and "$" not in target:
            word = one.words[-1]
            edits = (Edit(file.word(word)[1], file.word(word)[1], "/"),) if file.exact(word) else ()
            message = f"{one.keyword} of more than one source needs a target that ends with /"
            yield file.found(message, file.word(word), *edits)


def unknown_stage(file: Linted) -> Iterator[Found]:
    """COPY --from=name that no stage above has, and that is no image with a tag."""
    for stage, one in _copies(file):
        if isinstance(one, Copy) and one.from_ and not set(":@/") & set(one.from_):
            found = find(file.of, one.from_, stage.index)
            if found is None or found.index > stage.index:
                message = f"no stage above is called {one.from_}: an image of that name would be fetched"
                yield file.found(message, file.flag(one, "from"))


def own_stage(file: Linted) -> Iterator[Found]:
    """COPY --from the stage it stands in."""
    for stage, one in _copies(file):
        if isinstance(one, Copy) and one.from_ and one.from_.lower() in {stage.name, str(stage.index)}:
            yield file.found(f"the stage {stage.title} cannot copy from itself", file.flag(one, "from"))


def whole_stage(file: Linted) -> Iterator[Found]:
    """COPY --from=stage / /"""
    for _, one in _copies(file):
        if (
            isinstance(one, Copy)
            and one.from_
            and [path.strip("\"'") for path in (*one.sources, one.target)] == ["/"] * 2
        ):
            yield file.found("this copies a whole file system over another", file.whole(one), hint="FROM that stage")


def add_for_copy(file: Linted) -> Iterator[Found]:
    """ADD of plain files"""
    for _, one in _copies(file):
        if not isinstance(one, Add) or not one.sources or one.files:
            continue
        plain = [path for path in one.sources if not (_REMOTE.search(path) or _ARCHIVE.search(path.strip("\"'")))]
        if len(plain) == len(one.sources) and "$" not in "".join(plain):
            place = file.keyword(one)
            own = one.checksum or one.keep_git_dir is not None or one.unpack is not None or "*" in "".join(plain)
            right = "copy" if file.says(place).islower() else "COPY"
            edits = () if own else (Edit(*place, right),)
            yield file.found("ADD of files and directories is COPY, without its surprises", place, *edits)


def copy_archive(file: Linted) -> Iterator[Found]:
    """COPY of an archive that a RUN of the stage then unpacks."""
    unpacked = {
        (step.stage.index, name) for step in file.steps for program in step.programs for name in _unpacks(program)
    }  # fmt: skip
    for stage, one in _copies(file):
        if isinstance(one, Copy) and not one.from_:
            for name in (PurePosixPath(source.strip("\"'")).name for source in one.sources):
                if _TARBALL.search(name) and (stage.index, name) in unpacked:
                    message = f"ADD unpacks {name} by itself, and the archive stays in no layer"
                    yield file.found(message, file.whole(one))


def _unpacks(program: Program) -> set[str]:
    """The names of what it unpacks."""
    if program.name not in {"tar", "bsdtar", "gunzip", "unxz", "bunzip2"}:
        return set()
    reads = (
        program.name != "tar"
        or program.has("-x", "--extract", "--get")
        or (
            bool(program.arguments)
            and "x" in program.arguments[0].text.lstrip("-")
            and program.arguments[0].text[:2] != "--"
        )
    )
    return {PurePosixPath(word.text).name for word in program.arguments} if reads else set()


def unchecked_url(file: Linted) -> Iterator[Found]:
    """ADD https://… without --checksum"""
    for _, one in _copies(file):
        if isinstance(one, Add) and not one.checksum:
            for source in one.sources:
                if source.startswith(("http://", "https://")) and not source.endswith(".git"):
                    message = "whatever the server sends is taken"
                    yield file.found(message, file.at(one, source), hint="ADD --checksum=sha256:…")


def _takes_all(one: Copy | Add) -> bool:
    return not getattr(one, "from_", "") and any(clean(path) in _WHOLE for path in one.sources)


def ignored_file(file: Linted) -> Iterator[Found]:
    """COPY of what .dockerignore leaves out."""
    ignored = file.around.ignored
    if ignored is None or any(pattern.exception for pattern in ignored.patterns):
        return
    everything = any(pattern.text in {"*", "**", "**/*"} for pattern in ignored.patterns)
    for _, one in _copies(file):
        if getattr(one, "from_", ""):
            continue
        for source in one.sources:
            path = clean(source.lstrip("/") or ".")
            left_out = everything if path == "." else ignored.ignores(path)
            if left_out and "$" not in source and not _REMOTE.search(source):
                verb = one.keyword.capitalize()
                message = f'Attempting to {verb} file "{path}" that is excluded by .dockerignore'
                yield file.found(message, file.at(one, source))


def baggage(file: Linted) -> Iterator[Found]:
    """COPY . that takes .git and the like along."""
    ignored = file.around.ignored
    if ignored is None:
        return
    left = [name for name in sorted(file.around.names) if not ignored.ignores(name)]
    for _, one in _copies(file):
        taken = [name for name in left if name not in one.exclude]
        if _takes_all(one) and taken:
            message = f"this takes {', '.join(taken)} along"
            yield file.found(message, file.whole(one), hint="list them in .dockerignore")


def no_ignore_file(file: Linted) -> Iterator[Found]:
    """COPY . without a .dockerignore"""
    ignored = file.around.ignored
    if ignored is not None and not ignored.patterns and not file.around.names:
        one = next((one for _, one in _copies(file) if _takes_all(one)), None)
        if one:
            yield file.found("the whole directory is copied, and no .dockerignore leaves anything out", file.whole(one))


def secret_file(file: Linted) -> Iterator[Found]:
    """COPY id_rsa"""
    for _, one in _copies(file):
        for source in one.sources if not getattr(one, "from_", "") else ():
            if _SECRET_FILES.search(source.strip("\"'")):
                message = f"{source} looks like a secret, and is in the image for everybody who can pull it"
                yield file.found(message, file.at(one, source), hint="RUN --mount=type=secret")


#: What reads a list of dependencies: program, subcommands.
_INSTALLERS: dict[str, frozenset[str]] = {
    "pip": frozenset({"install"}),
    "uv": frozenset({"sync", "pip"}),
    "poetry": frozenset({"install"}),
    "pipenv": frozenset({"install", "sync"}),
    "npm": frozenset({"install", "ci", "i"}),
    "pnpm": frozenset({"install", "i"}),
    "yarn": frozenset({"install"}),
    "bundle": frozenset({"install"}),
    "composer": frozenset({"install"}),
    "go": frozenset({"mod"}),
    "cargo": frozenset({"fetch"}),
    "mvn": frozenset({"dependency:go-offline", "dependency:resolve"}),
}


def copy_before_install(file: Linted) -> Iterator[Found]:
    """COPY . before the dependencies are installed"""
    for stage in file.stages:
        for one in stage.instructions:
            if isinstance(one, Copy | Add) and _takes_all(one):
                later = [
                    program for step in file.steps if step.stage is stage for program in step.programs
                    if step.run.span.start_line > one.span.start_line and _installs_list(program)
                ]  # fmt: skip
                if later:
                    message = f"any change in the context runs {later[0].name} {later[0].operands[0].text} again"
                    hint = "copy the list of dependencies, install, and copy the rest after it"
                    yield file.found(message, file.whole(one), hint=hint)
                break


def _installs_list(program: Program) -> bool:
    if not program.runs(*_INSTALLERS.get(program.name, ())):
        return False
    rest = [word.text for word in program.operands[1:]]
    if program.name == "pip":
        return program.has("-r", "--requirement")
    return not rest or program.name in {"go", "uv"}


RULES = (
    Rule("relative-workdir", Severity.ERROR, "WORKDIR is relative",
         "It then depends on what the base image says, and moves with it.",
         relative_workdir, ("WorkdirRelativePath", "DL3000")),
    Rule("relative-target", Severity.WARNING, "COPY to a relative path without WORKDIR",
         "Where the files land is up to the base image.", relative_target, ("DL3045",)),
    Rule("copy-needs-slash", Severity.ERROR, "COPY of several sources to what is no directory",
         "The build fails: a target for several files ends with /.", needs_slash, ("DL3021",), fixable=True),
    Rule("copy-unknown-stage", Severity.WARNING, "COPY --from a name that no earlier stage has",
         "An image of that name is asked for, which is rarely meant and may be anybody's.", unknown_stage, ("DL3022",)),
    Rule("copy-own-stage", Severity.ERROR, "COPY --from its own stage", "The build fails.", own_stage, ("DL3023",)),
    Rule("copy-whole-stage", Severity.WARNING, "COPY --from=… / /",
         "It doubles what both have and mixes two systems. FROM that stage, or copy what is needed.",
         whole_stage, ("DL3067",)),
    Rule("add-for-copy", Severity.ERROR, "ADD where COPY is meant",
         "ADD also fetches and unpacks; COPY does what is written.", add_for_copy, ("DL3020",), fixable=True),
    Rule("copy-archive", Severity.INFO, "COPY of an archive that is then unpacked",
         "The archive stays in its layer for ever, beside what was in it. ADD unpacks it on the way.",
         copy_archive, ("DL3010",)),
    Rule("unchecked-url", Severity.INFO, "ADD of a URL without --checksum",
         "The build takes whatever is there, today and after somebody took the server over.", unchecked_url),
    Rule("copy-ignored-file", Severity.WARNING, "COPY of a file that .dockerignore leaves out",
         "It is not in the context, so the build fails.", ignored_file, ("CopyIgnoredFile",)),
    Rule("context-baggage", Severity.WARNING, "COPY . takes .git, node_modules and the like along",
         "They are sent with every build, sit in the image, and void the cache when they change.", baggage),
    Rule("no-ignore-file", Severity.STYLE, "COPY . without a .dockerignore",
         "Whatever is put into the directory later is in the image too, notes and secrets included.", no_ignore_file),
    Rule("secret-file", Severity.WARNING, "COPY of a file that looks like a secret",
         "It stays in its layer, also when a later RUN deletes it.", secret_file),
    Rule("copy-before-install", Severity.INFO, "COPY . before dependencies are installed",
         "Every change of any file installs all of them again.", copy_before_install),
)  # fmt: skip
