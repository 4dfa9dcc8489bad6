"""Whose files are, as ``user[:group]``: numbers, or names looked up in the file system that is written to. Pure."""

from __future__ import annotations

from scow.errors import Invalid

_DIGITS = 20


def owner(text: str, passwd: bytes, group: bytes) -> tuple[int, int]:
    """Of ``--chown``. A user who is not said is 0, and root is 0 in every image. Without a group, a user's name brings
    its primary group, and a number is the group's as well (Dockerfile reference, "COPY --chown")."""
    user, _, wanted = text.partition(":")
    uid, primary = _known(user, passwd, "passwd")
    return uid, _known(wanted, group, "group")[0] if wanted else primary


def is_named(text: str) -> bool:
    """Whether it takes a look into the file system to know the numbers."""
    return any(part != "" and _numbers(part, b"") is None for part in text.split(":", 1))


def maker(text: str, passwd: bytes, group: bytes) -> tuple[int, int]:
    """Of USER, for what WORKDIR makes: as of a number alone where the image does not know the group, and root's where
    it does not know the user, as BuildKit has it."""
    user, _, wanted = text.partition(":")
    uid, primary = _numbers(user, passwd) or (0, 0)
    return uid, (_numbers(wanted, group) or (primary,))[0] if wanted else primary


def _known(name: str, table: bytes, file: str) -> tuple[int, int]:
    found = _numbers(name, table)
    if found is None:
        raise Invalid(f"invalid user index: no {name!r} in the image's /etc/{file}", hint="use a number")
    return found


def _numbers(name: str, table: bytes) -> tuple[int, int] | None:
    """The id of ``name``, and the one after it: in passwd, the primary group."""
    if name in ("", "root"):
        return 0, 0
    if (plain := _id(name.encode())) is not None:
        return plain, plain
    for line in table.splitlines():
        fields = line.split(b":")
        if len(fields) > 2 and fields[0] == name.encode() and (found := _id(fields[2])) is not None:
            primary = _id(fields[3]) if len(fields) > 3 else None
            return found, found if primary is None else primary
    return None


def _id(text: bytes) -> int | None:
    """What the kernel takes for an owner: 32 bits, of which the last number means nobody."""
    return int(text) if text.isdigit() and len(text) < _DIGITS and int(text) < (1 << 32) - 1 else None
