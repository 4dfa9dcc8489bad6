"""Docker's rules for what starts: tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.errors import Invalid
from scow.oci.config import Process as ImageProcess
from scow.runtime.launcher.users import UnknownUser, User, complete, find_user
from scow.runtime.spec.options import Options
from scow.runtime.spec.process import DEFAULT_PATH, arguments, environment, process, working_directory

Words = tuple[str, ...] | None


@pytest.mark.parametrize(
    ("entrypoint", "command", "asked", "args", "expected"),
    [
        (None, ("sh",), None, (), ("sh",)),
        (None, ("sh",), None, ("ls", "-l"), ("ls", "-l")),
        (("e", "1"), ("c",), None, (), ("e", "1", "c")),
        (("e", "1"), ("c",), None, ("a",), ("e", "1", "a")),
        (("e", "1"), None, None, (), ("e", "1")),
        (("e",), ("c",), ("mine",), (), ("mine",)),
        (("e",), ("c",), ("mine",), ("a",), ("mine", "a")),
        (("e",), ("c",), (), ("a",), ("a",)),
    ],
)
def test_entrypoint_command_and_arguments(
    entrypoint: Words, command: Words, asked: Words, args: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    image = ImageProcess(entrypoint=entrypoint, cmd=command)
    assert arguments(image, Options(entrypoint=asked, args=args)) == expected


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (ImageProcess(), Options()),
        (ImageProcess(entrypoint=("e",), cmd=("c",)), Options(entrypoint=())),
        (ImageProcess(), Options(args=("a\0b",))),
    ],
)
def test_nothing_to_start(image: ImageProcess, options: Options) -> None:
    with pytest.raises(Invalid):
        arguments(image, options)


@pytest.mark.parametrize(
    ("image", "asked", "expected"),
    [
        ((), (), (f"PATH={DEFAULT_PATH}", "HOSTNAME=h")),
        (("PATH=/x", "A=1"), (), ("PATH=/x", "HOSTNAME=h", "A=1")),
        (("A=1",), ("A=2", "B=a=b"), (f"PATH={DEFAULT_PATH}", "HOSTNAME=h", "A=2", "B=a=b")),
        (("A=1",), ("A",), (f"PATH={DEFAULT_PATH}", "HOSTNAME=h")),
        ((), ("A=file", "A"), (f"PATH={DEFAULT_PATH}", "HOSTNAME=h", "A=file")),
        (("HOSTNAME=own",), ("A=",), (f"PATH={DEFAULT_PATH}", "HOSTNAME=own", "A=")),
    ],
)
def test_environment(image: tuple[str, ...], asked: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert environment(image, asked, "h", False) == expected


def test_a_terminal_has_a_type_unless_the_image_says_another() -> None:
    assert "TERM=xterm" in environment((), (), "", True)
    assert "TERM=vt100" in environment(("TERM=vt100",), (), "", True)


@pytest.mark.parametrize("entry", ["=x", "A=\0"])
def test_bad_environment(entry: str) -> None:
    with pytest.raises(Invalid):
        environment((), (entry,), "", False)


names = st.text(st.characters(codec="ascii", exclude_characters="=\0"), min_size=1)
values = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.dictionaries(names, values), st.dictionaries(names, values))
def test_what_the_user_says_wins(image: dict[str, str], asked: dict[str, str]) -> None:
    made = environment(
        tuple(f"{k}={v}" for k, v in image.items()), tuple(f"{k}={v}" for k, v in asked.items()), "", False
    )
    assert dict(e.split("=", 1) for e in made) == {"PATH": DEFAULT_PATH} | image | asked


def test_working_directory() -> None:
    assert working_directory("", "") == "/"
    assert working_directory("srv", "") == "/srv"
    assert working_directory("/srv", "/w") == "/w"
    with pytest.raises(Invalid, match="'w' is invalid, it needs to be an absolute path"):
        working_directory("/srv", "w")
    for image, asked in (("/srv\0", ""), ("", "/w\0")):
        with pytest.raises(Invalid, match=r"working directory .*: holds a NUL byte"):
            working_directory(image, asked)


def test_process_joins_them() -> None:
    made = process(ImageProcess(user="app", cmd=("c",)), Options(tty=True), "h")
    assert (made.args, made.user, made.cwd, made.terminal) == (("c",), "app", "/", True)
    assert process(ImageProcess(user="app", cmd=("c",)), Options(user="0:0")).user == "0:0"


PASSWD = b"""root:x:0:0:root:/root:/bin/sh
# a comment
app:x:1000:1001::/home/app:/bin/sh
broken:x:one:2:
homeless:x:1002:1002:::/bin/sh
77:x:5:6::/odd:/bin/sh
nobody-at-all:x:4294967295:0::/:/bin/sh
over:x:1000:4294967296::/:/bin/sh
"""
GROUP = b"none:x:4294967295:app\nroot:x:0:\napp:x:1001:\nstaff:x:50:other,app\nadm:x:4:app\nbad:x:z:app\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", User(0, 0, (0,), "/root")),
        ("root", User(0, 0, (0,), "/root")),
        ("app", User(1000, 1001, (4, 50, 1001), "/home/app")),
        ("1000", User(1000, 1001, (4, 50, 1001), "/home/app")),
        ("app:staff", User(1000, 50, (50,), "/home/app")),
        ("app:12", User(1000, 12, (12,), "/home/app")),
        ("4242", User(4242, 0, (0,))),
        ("4242:4243", User(4242, 4243, (4243,))),
        ("homeless", User(1002, 1002, (1002,), "/")),
        ("77", User(77, 0, (0,))),  # a number is no name
    ],
)
def test_users(text: str, expected: User) -> None:
    assert find_user(text, PASSWD, GROUP) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ghost", "unable to find user ghost: no matching entries in passwd file"),
        ("broken", "unable to find user broken: no matching entries in passwd file"),
        ("root:ghosts", "unable to find group ghosts: no matching entries in group file"),
        # setresuid(-1) leaves a process what it is: root (CVE-2024-40635)
        ("nobody-at-all", "unable to find user nobody-at-all: no matching entries in passwd file"),
        ("4294967295", "uids and gids must be in range 0-2147483647"),
        ("over", "unable to find user over: no matching entries in passwd file"),
        ("root:none", "unable to find group none: no matching entries in group file"),
        ("2147483648", "uids and gids must be in range 0-2147483647"),
        ("٣", "unable to find user ٣: no matching entries in passwd file"),
    ],
)
def test_unknown_users(text: str, message: str) -> None:
    with pytest.raises(UnknownUser, match=message):
        find_user(text, PASSWD, GROUP)


def test_groups_that_were_asked_for_are_every_program_s() -> None:
    process = {"user": {"username": "app", "groups": ["staff", "12"]}, "env": ["A=1", "HOME="]}
    complete(process, PASSWD, GROUP)
    assert process["user"] == {"uid": 1000, "gid": 1001, "additionalGids": [4, 50, 1001, 12]}
    assert process["env"] == ["A=1", "HOME=/home/app"]
    with pytest.raises(UnknownUser, match="unable to find group ghosts"):
        complete({"user": {"username": "", "groups": ["ghosts"]}, "env": []}, PASSWD, GROUP)


@given(st.text(), st.binary(), st.binary())
def test_any_files_give_a_user_or_say_why_not(text: str, passwd: bytes, group: bytes) -> None:
    try:
        user = find_user(text, passwd, group)
    except UnknownUser:
        return
    assert user.uid >= 0
    assert user.gid >= 0
