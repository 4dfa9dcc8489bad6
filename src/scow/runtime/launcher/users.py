"""Who a container's process is: ``user[:group]`` looked up in the root file system's own files. Pure, and light."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LARGEST_ID = 2**31 - 1


class UnknownUser(ValueError):
    """The text names no user or group of these files."""


class User:
    """Numbers for the kernel; ``groups`` are the supplementary ones."""

    __slots__ = ("gid", "groups", "home", "uid")

    def __init__(self, uid: int, gid: int, groups: tuple[int, ...] = (), home: str = "/") -> None:
        self.uid, self.gid, self.groups, self.home = uid, gid, groups, home

    def __eq__(self, other: object) -> bool:
        return isinstance(other, User) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def __repr__(self) -> str:
        return f"User(uid={self.uid}, gid={self.gid}, groups={self.groups}, home={self.home!r})"

    def _facts(self) -> tuple[int, int, tuple[int, ...], str]:
        return (self.uid, self.gid, self.groups, self.home)


def find_user(text: str, passwd: bytes, group: bytes) -> User:
    """The user ``text`` means (empty: id 0), by docker's rules; raises :class:`UnknownUser`.

    A number is an id, whoever is named so; the first passwd line with it, or with the name, counts. The group itself is
    a supplementary one too: who could leave it would get at what it is shut out of (CVE-2022-36109). Others count only
    when no group was asked for.
    """
    name, _, group_name = text.partition(":")
    user, login = _user(name, passwd)
    if group_name:
        gid = _group(group_name, group)
        return User(user.uid, gid, (gid,), user.home)
    if not login:
        return User(user.uid, user.gid, (user.gid,), user.home)
    extra = {int(line[2]) for line in _lines(group, 4) if login in line[3].split(",") and _id(line[2]) is not None}
    return User(user.uid, user.gid, tuple(sorted({user.gid, *extra})), user.home)


def complete(process: dict[str, Any], passwd: bytes, group: bytes, *, one_id: bool = False) -> None:
    """A runtime-spec's process whose ``user`` is still ``{"username": text, "groups": names}``, with its numbers and
    HOME; raises :class:`UnknownUser`. ``one_id``: there are no groups to have.
    """
    asked = process["user"]
    user = find_user(asked["username"], passwd, group)
    added = [_group(name, group) for name in asked.get("groups", ())]
    process["user"] = {"uid": user.uid, "gid": user.gid}
    if not one_id:
        process["user"]["additionalGids"] = list(dict.fromkeys((*user.groups, *added)))
    if not any(entry.startswith("HOME=") and len(entry) > 5 for entry in process["env"]):
        process["env"] = [e for e in process["env"] if not e.startswith("HOME=")] + [f"HOME={user.home}"]


def _user(name: str, passwd: bytes) -> tuple[User, str]:
    wanted = _number(name or "0")
    for line in _lines(passwd, 6):
        uid, gid = _id(line[2]), _id(line[3])
        if uid is None or gid is None:
            continue
        if (line[0] == name) if wanted is None else (uid == wanted):
            return User(uid, gid, (), line[5] or "/"), line[0]
    if wanted is None:
        raise UnknownUser(f"unable to find user {name}: no matching entries in passwd file")
    return User(_in_range(wanted), 0), ""


def _group(name: str, group: bytes) -> int:
    wanted = _number(name)
    for line in _lines(group, 3):
        gid = _id(line[2])
        if gid is not None and ((line[0] == name) if wanted is None else (gid == wanted)):
            return gid
    if wanted is None:
        raise UnknownUser(f"unable to find group {name}: no matching entries in group file")
    return _in_range(wanted)


def _lines(file: bytes, fields: int) -> list[list[str]]:
    """The colon-separated lines that have at least ``fields`` fields."""
    split = (line.strip().split(":") for line in file.decode("utf-8", "surrogateescape").split("\n"))
    return [line for line in split if len(line) >= fields and line[0]]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def _id(text: str) -> int | None:
    """What a file has as an id. Larger ones are none: 4294967295 would leave the process who it is (CVE-2024-40635)."""
    number = _number(text)
    return number if number is not None and number <= _LARGEST_ID else None


def _in_range(number: int) -> int:
    if number > _LARGEST_ID:
        raise UnknownUser("uids and gids must be in range 0-2147483647")
    return number
