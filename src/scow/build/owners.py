"""``--chown user[:group]``: numbers, or names looked up in the file system that is written to. Pure."""

from __future__ import annotations

from scow.errors import Invalid


def owner(text: str, passwd: bytes, group: bytes) -> tuple[int, int]:
    """``""`` is 0:0; a user alone takes the same number as group (Dockerfile reference, "COPY --chown")."""
    if not text:
        return 0, 0
    user, colon, wanted = text.partition(":")
    uid = _number(user, passwd, "passwd")
    return uid, _number(wanted, group, "group") if colon else uid


def _number(name: str, table: bytes, file: str) -> int:
    if name.isascii() and name.isdigit() and int(name) < 1 << 32:
        return int(name)
    for line in table.splitlines():
        fields = line.split(b":")
        if len(fields) > 2 and fields[0] == name.encode() and fields[2].isdigit():
            return int(fields[2])
    raise Invalid(f"invalid user index: no {name!r} in the image's /etc/{file}", hint="use a number")
