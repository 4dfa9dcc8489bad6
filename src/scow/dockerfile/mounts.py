"""``RUN --mount=…`` and ``RUN --device=…``: lines of CSV, each field ``key=value`` or a key alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from scow.dockerfile.shell import Lookup, expand, nothing
from scow.dockerfile.suggest import hint
from scow.dockerfile.values import boolean, csv, number, size
from scow.errors import Invalid

TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
SHARING = ("shared", "private", "locked")
#: The types that have an owner and a mode, and those of which ``required`` may be said.
OWNED = frozenset({"cache", "secret", "ssh"})
REQUIRABLE = frozenset({"secret", "ssh"})

#: Where in the flag's value an error stands: start and end.
Place = tuple[int, int]


class MountInvalid(Invalid):
    """What is wrong with a mount, and at which characters of its value."""

    def __init__(self, problem: str, place: Place, *, hint: str = "") -> None:
        super().__init__(problem, hint=hint)
        self.place = place


class Mount(msgspec.Struct, frozen=True):
    """One ``--mount``. Fields that were not given are empty or None.

    ``written`` is the flag's value. With ``variable`` some values hold variables: those fields are as written or not
    set, and what depends on them is not checked, until :meth:`expanded`. ``from_``: a stage, image or context.
    """

    written: str
    type: str = "bind"
    from_: str = ""
    source: str = ""
    target: str = ""
    id: str = ""
    sharing: str = ""
    readonly: bool = True
    required: bool = False
    size: int | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    env: str | None = None
    variable: bool = False

    def expanded(self, lookup: Lookup, escape: str = "\\") -> Mount:
        """The mount with the variables of its values replaced; Invalid where it then is no mount."""
        return mount(self.written, lambda value: expand(value, lookup, escape))


class Device(msgspec.Struct, frozen=True):
    """One ``--device``: the name of a CDI device, and whether the step fails without it."""

    name: str
    required: bool = False


def mount(written: str, expander: Callable[[str], str] | None = None, escape: str = "\\") -> Mount:
    """Read the value of a ``--mount``; without ``expander`` values that hold variables are left for later."""
    fields: dict[str, Any] = {}
    places: dict[str, Place] = {}
    variable = False
    for text, start, end in _csv(written, "mounts"):
        place = (start, end) if text else (max(0, start - 1), end)  # an empty field is seen at its comma
        key, equals, value = text.partition("=")
        name = _name(key, text, place)
        places[_FIELD_OF.get(name, name)] = place
        if not equals:
            fields.update(_alone(name, text, place))
        elif name == "from":
            fields["from_"] = _from(value, place)
        elif expander is None and "$" in value:
            variable = True
            fields.update({name: value} if name in _PLAIN or name == "type" else {})
        else:
            fields.update(_given(name, key.lower(), _expanded(value, expander or _early(escape), place), place))
    return _checked(Mount(written, variable=variable), fields, {"": (0, len(written))} | places)


def _name(key: str, text: str, place: Place) -> str:
    name = _KEYS.get(key.lower())
    if name is None:
        alone = f"invalid field '{text}' must be a key=value pair"
        problem = alone if key == text else f"unexpected key '{key.lower()}' in '{text}'"
        raise MountInvalid(problem, place, hint=hint(key, _KEYS))
    return name


def _expanded(value: str, expander: Callable[[str], str], place: Place) -> str:
    try:
        return expander(value)
    except Invalid as error:
        raise MountInvalid(str(error), place, hint=error.hint) from None


def _early(escape: str) -> Callable[[str], str]:
    return lambda value: expand(value, nothing, escape)


def _csv(written: str, what: str) -> list[tuple[str, int, int]]:
    try:
        return csv(written)
    except Invalid as error:
        raise MountInvalid(f"failed to parse csv {what}: {error.problem}", (0, len(written))) from None


def _alone(name: str, text: str, place: Place) -> Mapping[str, Any]:
    """A key without a value."""
    found = {"readonly": {"readonly": True}, "readwrite": {"readonly": False}, "required": {"required": True}}.get(name)
    if found is None:
        raise MountInvalid(f"invalid field '{text}' must be a key=value pair", place)
    return found


def _from(value: str, place: Place) -> str:
    if "$" in value[:-1]:
        problem = "'from' doesn't support variable expansion, define alias stage instead"
        raise MountInvalid(problem, place, hint="FROM <image> AS <name>, and from=<name>")
    return value


def _given(name: str, key: str, value: str, place: Place) -> Mapping[str, Any]:
    """A key with its value, as fields of a Mount."""
    if name in _PLAIN:
        return {name: value}
    if name in _CHOICES:
        what, choices = _CHOICES[name]
        if value.lower() not in choices:
            raise MountInvalid(f'unsupported {what} "{value}"', place, hint=hint(value, choices))
        return {name: value.lower()}
    read, problem = _READERS[name]
    result = read(value)
    if result is None:
        raise MountInvalid(problem.format(key=key, value=value), place)
    return {"readonly": not result} if name == "readwrite" else {name: result}


def _checked(start: Mount, fields: dict[str, Any], places: Mapping[str, Place]) -> Mount:
    """What the fields of a mount must be to each other; not known while its type is a variable."""
    kind = str(fields.get("type", "bind"))
    fields.setdefault("readonly", kind not in {"cache", "tmpfs"})
    made = replace(start, **fields)
    if "$" in kind:
        return made
    for names, kinds, problem in _ONLY:
        for name in names:
            if name in fields and kind not in kinds:
                raise MountInvalid(problem.format(name=name, kind=kind), places[name])
    name, problem = _secret_problem(made) if kind == "secret" else ("", "")
    if problem:
        raise MountInvalid(problem, places[name])
    return made


def _secret_problem(made: Mount) -> tuple[str, str]:
    """The field that is wrong, and how."""
    if made.from_:
        return "from_", "secret mount should not have a from"
    if not (made.source or made.target or made.id):
        return "", "invalid secret mount. one of source, target required"
    return ("source", "both source and id can't be set") if made.source and made.id else ("", "")


def device(written: str) -> Device:
    """Read the value of a ``--device``: ``name``, ``name=…``, ``required[=…]``."""
    name, required = "", False
    for text, start, end in _csv(written, "devices"):
        key, equals, value = text.partition("=")
        key = key.lower()
        if key == "required":
            found = boolean(value) if equals else True
            if found is None:
                raise MountInvalid(f"invalid value for {key}: {value}", (start, end))
            required = found
        elif key == "name" and equals:
            if name:
                raise MountInvalid(f"device name already set to {name}", (start, end))
            name = value
        elif not name:
            name = text
        elif not equals:
            raise MountInvalid(f"invalid field '{text}' must be a key=value pair", (start, end))
        else:
            problem = f"unexpected key '{key}' in '{text}'"
            raise MountInvalid(problem, (start, end), hint=hint(key, ("name", "required")))
    return Device(name, required)


#: Every key and the field it stands for.
_KEYS = {
    "type": "type",
    "from": "from",
    "source": "source",
    "src": "source",
    "target": "target",
    "dst": "target",
    "destination": "target",
    "readonly": "readonly",
    "ro": "readonly",
    "readwrite": "readwrite",
    "rw": "readwrite",
    "id": "id",
    "sharing": "sharing",
    "required": "required",
    "size": "size",
    "mode": "mode",
    "uid": "uid",
    "gid": "gid",
    "env": "env",
}
_FIELD_OF = {"from": "from_", "readwrite": "readonly"}
#: Fields, the types of mount that have them, and what else is said.
_ONLY: tuple[tuple[tuple[str, ...], frozenset[str], str], ...] = (
    (("required",), REQUIRABLE, "unexpected key '{name}' for mount type '{kind}'"),
    (("size",), frozenset({"tmpfs"}), "unexpected key '{name}' for mount type '{kind}'"),
    (("mode", "uid", "gid"), OWNED, '{name} not allowed for "{kind}" type mounts'),
    (("sharing",), frozenset({"cache"}), "invalid cache sharing set for {kind} mount"),
)
_PLAIN = frozenset({"source", "target", "id", "env"})
_CHOICES = {"type": ("mount type", TYPES), "sharing": ("sharing value", SHARING)}
_READERS: dict[str, tuple[Callable[[str], int | None], str]] = {
    "readonly": (boolean, "invalid value for {key}: {value}"),
    "readwrite": (boolean, "invalid value for {key}: {value}"),
    "required": (boolean, "invalid value for {key}: {value}"),
    "size": (size, "invalid value for {key}: {value}"),
    "mode": (lambda value: number(value, 8), "invalid value {value} for mode"),
    "uid": (lambda value: number(value, 10), "invalid value {value} for uid"),
    "gid": (lambda value: number(value, 10), "invalid value {value} for gid"),
}
