"""Making a container: its settings from an image and options, and its record. Nothing is started."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import msgspec

from scow.engine import naming
from scow.engine.containers import starting
from scow.engine.containers.container import Container
from scow.engine.containers.placing import with_volumes
from scow.engine.containers.records import Settings
from scow.errors import AlreadyExists, Invalid
from scow.image.image import Image
from scow.oci.known import known
from scow.runtime.spec.process import arguments

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.runtime.spec.keeping import Keeping
    from scow.runtime.spec.options import Options


def create(
    workplace: Workplace, image: str, options: Options, name: str | None, labels: Mapping[str, str], keeping: Keeping,
    *, stdin_once: bool,
) -> Container:  # fmt: skip
    """:meth:`scow.engine.containers.verbs.Containers.create`."""
    from scow.runtime.probe import probe

    if name is not None:
        name = checked_name(name)
    probe().require()
    found = workplace.catalogue().find(image)
    args = arguments(found.image.config.process, options)
    if options.network not in ("host", "none") or options.ip or options.network_aliases:
        from scow.engine.containers import plugging

        plugging.check(workplace, options)
    if options.pid or options.ipc:
        from scow.engine.containers import sharing

        options = sharing.resolved(workplace, options)
    layout = workplace.store.layout
    with layout.working(), with_volumes(workplace, options, found.image) as given:
        settings = msgspec.structs.replace(
            _settings(found.image, image, name, args, labels, given),
            keeping=keeping, stdin_once=stdin_once, runtime=workplace.runtime or "",
        )  # fmt: skip
        layout.exists(found.image.descriptor)
        try:
            workplace.containers.add(settings)
        except AlreadyExists:
            if name is not None:
                raise
            taken = {one.name for one in workplace.containers}
            settings = msgspec.structs.replace(settings, name=_some_name(taken))
            workplace.containers.add(settings)
    return Container(workplace, settings, found.image, given)


def checked_options(options: Options) -> Options:
    """The options, if each is of its type: every later command reads them again. Raises :class:`Invalid`."""
    from scow.runtime.spec.options import Options as RuntimeOptions

    try:
        return msgspec.convert(msgspec.to_builtins(options), known(RuntimeOptions))
    except (TypeError, msgspec.ValidationError) as error:
        raise Invalid(str(error), subject="options") from None


def _settings(
    image: Image, reference: str, name: str | None, args: tuple[str, ...], labels: Mapping[str, str], options: Options
) -> Settings:
    return Settings(
        os.urandom(32).hex(),
        name or _some_name(),
        reference,
        image.id,
        image.descriptor.plain,
        image.diff_ids,
        args,
        starting.now(),
        {**(image.config.process.labels or {}), **labels},
        msgspec.to_builtins(options),
    )


def _some_name(taken: Collection[str] = ()) -> str:
    return naming.name(int.from_bytes(os.urandom(4), "big"), taken)


def checked_name(name: str) -> str:
    """A container's name as it may be, without the slash that docker shows before it; raises :class:`Invalid`, in
    docker's words."""
    name = name.removeprefix("/")
    if len(name) < 2 or not naming.is_name(name):
        raise Invalid(f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
    return name
