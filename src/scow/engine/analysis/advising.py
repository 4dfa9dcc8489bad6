"""``advise``: what would make an image smaller, and the proof: the changes built and tested in a scratch store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scow.build.context import Context
from scow.dockerfile.ignore import Patterns
from scow.dockerfile.lint.checks.copying import BAGGAGE
from scow.dockerfile.lint.fixing import edited
from scow.dockerfile.lint.linted import Around, Linted
from scow.dockerfile.lint.settings import Settings
from scow.dockerfile.parser import parse
from scow.dockerfile.stages import stages
from scow.engine.analysis.stacking import owners, stacked
from scow.engine.analysis.verbs import Sizes
from scow.engine.containers.verbs import Containers
from scow.engine.dockerfiles.reading import ignore_file, read_text
from scow.engine.images.looking import look as looking
from scow.engine.images.verbs import Images
from scow.engine.workplace import Noun
from scow.errors import Invalid, NotFound, ScowError
from scow.layer.view import Found
from scow.size import packages
from scow.size.advice import Proposal, Seen, Sent, advise, made_by, of_image, slim
from scow.size.fates import Stack
from scow.size.restage import makes, restaged

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.runtime.child import Stdio
    from scow.size.analysis import Analysis

_MOST_ARTIFACTS = 30
_NEVER_COPIED = (b"tmp/", b"var/tmp/", b"var/cache/", b"root/.cache/", b"proc/", b"sys/", b"dev/", b"run/")


class Advice(msgspec.Struct, frozen=True):
    """What to change. ``size`` is the image's, in bytes of its layers; None where no image was there to measure."""

    proposals: tuple[Proposal, ...]
    size: int | None = None

    @property
    def saves(self) -> int:
        """What the changes that can be applied would save together."""
        return sum(one.saves or 0 for one in self.proposals if one.applies)


class Proof(msgspec.Struct, frozen=True):
    """What applying them came to: the Dockerfile and ignore file as proved, sizes, and the test's exit code."""

    advice: Advice
    dockerfile: str
    ignore: str
    before: int
    after: int
    code: int | None = None

    @property
    def saved(self) -> int:
        """Bytes that the image lost."""
        return self.before - self.after


class Place(msgspec.Struct, frozen=True):
    """A build context: its directory, the Dockerfile's text, and the ignore file's patterns."""

    root: Path
    text: str
    ignored: Patterns

    @property
    def linted(self) -> Linted:
        """The Dockerfile as rules look at it. Invalid where it cannot be read."""
        read = parse(self.text, "Dockerfile")
        return Linted(read, stages(read), Settings(), Around(self.ignored))


def place(root: Path, dockerfile: Path | None) -> Place:
    """What a build of the directory would read. Raises NotFound."""
    path = dockerfile or root / "Dockerfile"
    if not root.is_dir():
        raise NotFound("build context is not a directory", subject=str(root))
    try:
        text = read_text(path, "")[0].removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("is not UTF-8", subject=str(path)) from None
    return Place(root, text, ignore_file(root, path))


class Advisor(Noun):
    """``engine.advisor``."""

    def advise(
        self,
        context: str | os.PathLike[str],
        *,
        dockerfile: str | os.PathLike[str] | None = None,
        image: str | None = None,
    ) -> Advice:
        """What would make the image of a context smaller; in bytes where an ``image`` that it made is named.

        Nothing is built. Raises :class:`~scow.errors.Invalid` where the Dockerfile cannot be read.
        """
        return _advice(self._workplace, place(Path(context), Path(dockerfile) if dockerfile else None), image)

    def advise_image(self, image: str) -> Advice:
        """What would make an image smaller, as far as it tells itself."""
        analysis = Sizes(self._workplace).analyze(image)
        return Advice(of_image(analysis.waste), analysis.size)

    def prove(
        self,
        context: str | os.PathLike[str],
        *,
        dockerfile: str | os.PathLike[str] | None = None,
        test: Sequence[str] = (),
        stdio: Stdio | None = None,
    ) -> Proof:
        """Build a context as it is and as advised, in a scratch store, and run the ``test`` in the result."""
        at = place(Path(context), Path(dockerfile) if dockerfile else None)
        with _scratch(self._workplace, at.linted) as scratch, tempfile.TemporaryDirectory(prefix="scow-") as directory:
            before = _build(scratch, at, Path(directory), at.text, applied(at, ())[1])
            found = _advice(scratch, at, before)
            text, ignore = applied(at, found.proposals)
            try:
                after = _build(scratch, at, Path(directory), text, ignore)
            except ScowError as error:
                error.hint = error.hint or "this is the Dockerfile as proposed; the one that is there was not touched"
                raise
            sizes = [Sizes(scratch).analyze(image).size for image in (before, after)]
            code = Containers(scratch).run(after, test, stdio=stdio) if test else None
        return Proof(found, text, ignore, sizes[0], sizes[1], code)


def _advice(workplace: Workplace, at: Place, image: str | None) -> Advice:
    sent = Sent(_sent(at))
    if image is None:
        return Advice(advise(at.linted, None, sent))
    analysis = Sizes(workplace).analyze(image)
    return Advice(advise(at.linted, _seen(workplace, at.linted, image, analysis), sent), analysis.size)


def _sent(at: Place) -> dict[str, int]:
    """Bytes beneath every name at the top of the context, and beneath what often weighs further down."""
    context = Context(at.root, at.ignored)
    sizes: dict[str, int] = {}
    waiting = [(child, child) for child in context.children(b"")]
    while waiting:
        path, top = waiting.pop()
        entry = context.find(path)
        if entry is None:
            continue
        name = os.fsdecode(path)
        top = path if name.rpartition("/")[2] in BAGGAGE and name.count("/") < 3 else top
        if entry.kind == "dir":
            waiting += [(child, top) for child in context.children(path)]
        sizes[os.fsdecode(top)] = sizes.get(os.fsdecode(top), 0) + entry.size
    return sizes


def _seen(workplace: Workplace, linted: Linted, image: str, analysis: Analysis) -> Seen:
    with looking(workplace, image) as contents:
        if contents.image is None:
            raise Invalid("a directory has no layers", subject=image)
        layers = made_by(linted, contents.image.config.history or ())
        stack = Stack(layer.entries for layer in stacked(contents))
        owned = owners(contents, stack)
    tools: dict[int, int] = {}
    for file in stack.files:
        if not file.fate and packages.to_build_with(owned.get(file.entry.path, "")):
            tools[file.layer] = tools.get(file.layer, 0) + file.entry.size
    making = {
        layers[one.span.start_line] for one in linted.stages[-1].instructions
        if makes(one, linted) and one.span.start_line in layers
    }  # fmt: skip
    return Seen(analysis.waste, layers, _artifacts(stack, making), tools, _bases(workplace, linted))


def _artifacts(stack: Stack, making: set[int]) -> tuple[str, ...] | None:
    """The directories and files that only the layers in ``making`` brought; None where COPY would not do."""
    found = [one for one in stack.view.walk() if one.entry.path]
    theirs = {b""}
    for one in found:
        if one.layer not in making:
            path = one.entry.path
            theirs.add(path)
            theirs.update(path[:at] for at, char in enumerate(path) if char == 0x2F)
    chosen: dict[bytes, Found] = {}
    for one in found:
        path = one.entry.path
        if path in theirs or f"{path.decode(errors='replace')}/".encode().startswith(_NEVER_COPIED):
            continue
        if one.entry.uid or one.entry.gid:
            return None  # COPY gives all to root
        if one.entry.parent in theirs:
            chosen[path] = one
    plain = all(one.entry.kind in ("dir", "file") and one.entry.text.isprintable() and " " not in one.entry.text
                for one in chosen.values())  # fmt: skip
    return tuple(one.entry.text for one in chosen.values()) if plain and 0 < len(chosen) <= _MOST_ARTIFACTS else None


def _bases(workplace: Workplace, linted: Linted) -> Mapping[str, int]:
    """How much smaller the slim variants of the base are that the store has."""
    last = linted.stages[-1]
    base = [last, *linted.lineage(last)][-1].start.image
    smaller = slim(base)
    if not smaller:
        return {}
    with suppress(ScowError):
        for name in (smaller, base):
            Images(workplace).find(name)
        sizes = Sizes(workplace)
        return {smaller: sizes.analyze(base).size - sizes.analyze(smaller).size}
    return {}


def applied(at: Place, proposals: Sequence[Proposal]) -> tuple[str, str]:
    """The Dockerfile and the ignore file's lines with every proposal that can be applied."""
    text = edited(at.text, (one.edits for one in proposals))
    restage = next((one.restage for one in proposals if one.restage), None)
    if restage is not None:
        text = restaged(msgspec.structs.replace(at, text=text).linted, restage.packages, restage.paths) or text
    own = [f"{'!' if pattern.exception else ''}{pattern.text}" for pattern in at.ignored.patterns]
    return text, "".join(f"{line}\n" for line in (*own, *(line for one in proposals for line in one.ignore)))


def _build(scratch: Workplace, at: Place, directory: Path, text: str, ignore: str) -> str:
    dockerfile = directory / "Dockerfile"
    dockerfile.write_text(text)
    (directory / "Dockerfile.dockerignore").write_text(ignore)
    return str(Images(scratch).build(at.root, dockerfile=dockerfile))


@contextmanager
def _scratch(workplace: Workplace, linted: Linted) -> Iterator[Workplace]:
    """A store beside the engine's that has its base images, gone afterwards."""
    from scow.layer.removal import remove

    workplace.root.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix="advise-", dir=workplace.root))
    try:
        scratch = workplace.beside(root)
        images, known = Images(workplace), []
        for stage in linted.stages:
            with suppress(ScowError):
                images.find(stage.image)
                known.append(stage.image)
        if known:
            with tempfile.TemporaryFile(dir=root) as tar:
                images.save(known, tar)
                tar.seek(0)
                Images(scratch).load(tar)
        yield scratch
    finally:
        remove(root)
