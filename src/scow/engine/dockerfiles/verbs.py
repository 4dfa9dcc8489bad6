"""``engine.dockerfiles``: look at Dockerfiles and mend them; nothing is built."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scow.dockerfile.lint.checks.copying import BAGGAGE
from scow.dockerfile.lint.fixing import fixed
from scow.dockerfile.lint.linted import Around
from scow.dockerfile.lint.linting import Looked, in_order, look
from scow.dockerfile.lint.settings import Settings
from scow.dockerfile.parser import parse
from scow.dockerfile.stages import stages
from scow.engine.dockerfiles.reading import ignore_file, read_text
from scow.engine.workplace import Noun
from scow.errors import Denied, Invalid, Limit, NotFound, ScowError
from scow.files import replacing

if TYPE_CHECKING:
    from scow.dockerfile.outline import Outline, Target

_BOM = b"\xef\xbb\xbf"

__all__ = ["Dockerfiles", "Fixed"]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A Dockerfile before and after its safe fixes, and what is left to say of it."""

    source: str
    before: str
    after: str
    left: Looked


class Dockerfiles(Noun):
    """Dockerfiles as texts."""

    def lint(
        self,
        dockerfile: str | os.PathLike[str] | bytes,
        *,
        context: str | os.PathLike[str] | None = None,
        settings: Settings | None = None,
        shellcheck: bool = True,
        source: str = "-",
    ) -> Looked:
        """What every rule says of a Dockerfile: a path, or its text, which findings then call ``source``.

        ``context`` is the directory that COPY reads: its ignore file and what lies in it are looked at. The variables
        of base images that the store has are known. ShellCheck is asked where it is installed.
        """
        text, name = read_text(dockerfile, source)
        settings = settings or Settings()
        around = self._around(text, name, context)
        looked = look(text, name, settings, around)
        if shellcheck and looked.linted is not None:
            from scow.engine.dockerfiles.shellcheck import check

            findings = check(looked.linted, settings)
            told = looked.pragmas
            heard = [one for one in findings if told is None or not told.ignore(one.names, one.span.start_line)]
            looked = replace(looked, findings=in_order((*looked.findings, *heard)))
        return looked

    def check(
        self,
        dockerfile: str | os.PathLike[str] | bytes,
        *,
        context: str | os.PathLike[str] | None = None,
        options: str | None = None,
    ) -> Looked:
        """What BuildKit's checks say (:mod:`scow.dockerfile.lint.buildkit`); ``options`` as ``# check=`` has them."""
        from scow.dockerfile.lint.buildkit import settings

        return self.lint(dockerfile, context=context, settings=settings(options), shellcheck=False, source="Dockerfile")

    def outline(
        self,
        dockerfile: str | os.PathLike[str] | bytes,
        *,
        target: str | None = None,
        build_args: Mapping[str, str] | None = None,
        platform: str | None = None,
    ) -> tuple[Outline, str]:
        """What building a target takes: arguments, secrets, agents; and the Dockerfile's text.

        Raises :class:`~scow.errors.NotFound` for a target that is not there.
        """
        from scow.build.plan import platform_arguments
        from scow.dockerfile.outline import outline

        text, name = read_text(dockerfile, "Dockerfile")
        read = parse(text, name)
        values = platform_arguments(self._workplace.wanted(platform), self._workplace.platform)
        return outline(stages(read), target, build_args, values), read.text

    def targets(self, dockerfile: str | os.PathLike[str] | bytes) -> tuple[tuple[Target, ...], str]:
        """The stages that can be built; and the Dockerfile's text."""
        from scow.dockerfile.outline import targets

        text, name = read_text(dockerfile, "Dockerfile")
        read = parse(text, name)
        return targets(stages(read)), read.text

    def fix(
        self,
        dockerfile: str | os.PathLike[str] | bytes,
        *,
        context: str | os.PathLike[str] | None = None,
        settings: Settings | None = None,
        write: bool = True,
        source: str = "-",
    ) -> Fixed:
        """Mend what can be mended without changing what is built; with ``write`` a path's file is replaced.

        Raises :class:`~scow.errors.Invalid` for a file that is not UTF-8.
        """
        raw, name = read_text(dockerfile, source)
        try:
            text = raw.removeprefix(_BOM).decode("utf-8")
        except UnicodeDecodeError:
            raise Invalid("is not UTF-8, so it is not touched", subject=name) from None
        around = self._around(raw, name, context)
        after = fixed(text, name, settings, around)
        if write and after != text and not isinstance(dockerfile, bytes):
            _replace(Path(dockerfile), raw[: len(raw) - len(raw.removeprefix(_BOM))] + after.encode())
        return Fixed(name, text, after, look(after, name, settings, around))

    def _around(self, text: bytes, name: str, context: str | os.PathLike[str] | None) -> Around:
        environments = self._environments(text, name)
        if context is None:
            return Around(environments=environments)
        root = Path(context)
        if not root.is_dir():
            raise NotFound("build context is not a directory", subject=str(root))
        names = frozenset(one for one in BAGGAGE if os.path.lexists(root / one))
        return Around(ignore_file(root, Path(name)), names, environments)

    def _environments(self, text: bytes, name: str) -> Mapping[str, frozenset[str]]:
        """The variables of the base images that the store has."""
        if b"$" not in text:
            return {}
        found: dict[str, frozenset[str]] = {}
        with contextlib.suppress(Invalid, Limit):
            catalogue = self._workplace.catalogue()
            for stage in stages(parse(text, name)).stages:
                with contextlib.suppress(ScowError):
                    config = catalogue.find(stage.image).image.raw_config
                    found[stage.image] = variables_of(config)
        return found


def variables_of(config: bytes) -> frozenset[str]:
    """The names that an image's environment sets."""
    from scow.oci.config import document

    entries = (document(config).get("config") or {}).get("Env") or []
    return frozenset(str(entry).partition("=")[0] for entry in entries)


def _replace(path: Path, text: bytes) -> None:
    """The file with another content, all at once, with its mode; a link stays one."""
    real = Path(os.path.realpath(path))
    try:
        with replacing(real) as file:
            file.write(text)
            os.fchmod(file.fileno(), real.stat().st_mode & 0o7777)
    except OSError as error:
        raise Denied(f"cannot write the file: {error.strerror}", subject=str(path)) from None
