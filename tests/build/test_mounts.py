"""RUN --mount: what the program sees, what stays, and what is left behind (nothing)."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.build.conftest import TIME, Kitchen
from tests.support.peers import need_root

from scow.build.agent import forwarded
from scow.build.caches import Caches
from scow.build.ops import CacheMount
from scow.errors import Invalid, NotFound, Process, ScowError, Unavailable

SECRET = "hush-4711-hush"


def lines(kitchen: Kitchen) -> list[str]:
    return kitchen.output.splitlines()


def test_what_is_written_to_etc_stays_or_fails(kitchen: Kitchen) -> None:
    """Nothing is there but what the image has, and places to mount on."""
    script = "ls -A / | grep docker; ls /etc | grep -e host -e mtab -e resolv; echo mine > /etc/hostname"
    image = kitchen.build(f"RUN {script}; echo x >> /etc/hosts || echo x > /etc/resolv.conf || true")
    assert lines(kitchen)[:2] == ["hosts", "resolv.conf"]
    assert [line.rpartition(": ")[2] for line in lines(kitchen)[2:]] == ["Read-only file system"] * 2
    assert sorted(kitchen.entries(image)) == ["etc", "etc/hostname"]
    kitchen.build("RUN echo mine > /etc/hostname\nRUN cat /etc/hostname")
    assert lines(kitchen) == ["mine"]


# -- bind -------------------------------------------------------------------------------------------------------------


def test_the_context_without_what_is_ignored(kitchen: Kitchen) -> None:
    kitchen.file("a/b", "inside", 0o640)
    kitchen.file("a/hidden", "no")
    kitchen.file(".dockerignore", "a/hidden\n")
    (kitchen.context / "link").symlink_to("a/b")
    image = kitchen.build("RUN --mount=target=/ctx cd /ctx; find . | sort; stat -c '%n %a %u:%g %Y' a/b; cat link")
    assert lines(kitchen) == [
        ".", "./.dockerignore", "./a", "./a/b", "./link", f"a/b 640 0:0 {TIME}", "inside",
    ]  # fmt: skip
    assert kitchen.entries(image) == {}


def test_a_bind_is_read_only_unless_it_is_not_and_keeps_nothing(kitchen: Kitchen) -> None:
    kitchen.file("f", "old")
    with pytest.raises(Process):
        kitchen.build("RUN --mount=target=/ctx echo new > /ctx/f")
    assert "Read-only file system" in kitchen.output
    text = "RUN --mount=target=/ctx,rw echo new > /ctx/f; echo more > /ctx/g; cat /ctx/f\n"
    kitchen.build(text + "RUN --mount=target=/ctx,rw ls /ctx; cat /ctx/f")
    assert lines(kitchen) == ["new", "f", "old"]
    assert (kitchen.context / "f").read_text() == "old"


def test_one_file_and_a_directory_of_a_stage(kitchen: Kitchen) -> None:
    need_root()  # the library maps one id
    text = (
        "FROM busybox AS one\n"
        "RUN mkdir -p /d/e; echo x > /d/e/f; chown 5:6 /d/e/f; chmod 750 /d/e; ln -s e /d/l; ln /d/e/f /d/g\n"
        "RUN rm /etc/group\n"
        "FROM busybox\n"
        "RUN --mount=from=one,source=/d/l/f,target=/deep/er/file --mount=from=one,src=d,dst=/dir"
        " stat -c '%n %a %u:%g %h' /deep/er/file /dir/e /dir/e/f /dir/g; readlink /dir/l; cat /deep/er/file\n"
        "RUN --mount=from=one,target=/all test ! -e /all/etc/group && test -e /all/etc/passwd && echo yes\n"
    )
    image = kitchen.build(text)
    assert lines(kitchen) == [
        "/deep/er/file 644 5:6 1", "/dir/e 750 0:0 2", "/dir/e/f 644 5:6 2", "/dir/g 644 5:6 2", "e", "x", "yes",
    ]  # fmt: skip
    assert [kitchen.entries(image, layer) for layer in (-1, -2)] == [{}, {}]


def test_an_image_and_the_working_directory(kitchen: Kitchen) -> None:
    kitchen.file("f", "here\n")
    mounts = "--mount=source=f,target=$D/f --mount=from=busybox,source=/etc,target=/e"
    text = f"ARG D=sub\nWORKDIR /w\nRUN {mounts} cat sub/f; ls /e"
    image = kitchen.build(text)
    assert lines(kitchen) == ["here", "group", "passwd"]
    assert kitchen.entries(image) == {}


def test_a_source_that_is_not_there(kitchen: Kitchen) -> None:
    with pytest.raises(NotFound, match='Dockerfile:2: "/nothing": not found'):
        kitchen.build("RUN --mount=source=nothing,target=/x true")


@pytest.mark.parametrize("target", ["/", "", "..", "/./"])
def test_targets_that_are_the_root(kitchen: Kitchen, target: str) -> None:
    with pytest.raises(Invalid, match="Dockerfile:2: invalid mount target"):
        kitchen.build(f"RUN --mount=type=tmpfs,target={target} true")


def test_mount_points_that_were_there_stay_as_they_are(kitchen: Kitchen) -> None:
    kitchen.build("RUN mkdir -m 700 /there && echo kept > /there/f", tags=["there"])
    image = kitchen.build("FROM there\nRUN --mount=type=tmpfs,target=/there echo gone > /there/f; echo own > /own")
    assert set(kitchen.entries(image)) == {"own"}
    found = kitchen.files(image)
    assert (found["there"].mode, found["there/f"].size) == (0o700, 5)


# -- tmpfs ------------------------------------------------------------------------------------------------------------


def test_tmpfs(kitchen: Kitchen) -> None:
    text = (
        "RUN --mount=type=tmpfs,target=/t,size=1m stat -c '%a %u:%g' /t; printf '#!/bin/sh\\necho ran' > /t/x;"
        " chmod +x /t/x; /t/x; cp /bin/busybox /t/ls && echo too big; df /t | tail -1"
    )
    image = kitchen.build(text)
    assert lines(kitchen)[0] == "1777 0:0"
    assert "ran" in lines(kitchen)
    assert "too big" not in lines(kitchen)
    assert lines(kitchen)[-1].split()[1] == "1024"
    assert kitchen.entries(image) == {}


# -- cache ------------------------------------------------------------------------------------------------------------


def test_a_mount_point_that_cannot_be_one_is_told_with_its_line(kitchen: Kitchen) -> None:
    with pytest.raises(ScowError, match="Not a directory") as caught:
        kitchen.build("FROM busybox\nRUN --mount=type=tmpfs,target=/etc/passwd true")
    assert caught.value.hint == "asked for at Dockerfile:2"


def test_a_cache_outlives_the_build(kitchen: Kitchen) -> None:
    text = "RUN --mount=type=cache,target=/c,id={id} cat /c/f; echo {n} >> /c/f"
    kitchen.build(text.format(n=1, id="a"))
    image = kitchen.build(text.format(n=2, id="a"))
    assert lines(kitchen) == ["1"]
    assert kitchen.entries(image) == {}
    kitchen.build(text.format(n=3, id="b"))
    assert lines(kitchen) == ["cat: can't open '/c/f': No such file or directory"]
    kitchen.build("RUN --mount=type=cache,target=/c,id=a,ro cat /c/f; echo > /c/g || true")
    assert lines(kitchen)[:2] == ["1", "2"]
    assert "Read-only" in kitchen.output


def test_the_id_is_the_target_and_owners_are_kept(kitchen: Kitchen) -> None:
    text = "RUN --mount=type=cache,target=/own,uid=7,gid=8,mode=0701 stat -c '%a %u:%g' /own; touch /own/{}; ls /own"
    kitchen.build(text.format(1))
    kitchen.build(text.format(2).replace("/own,", "/own/,"))
    expected = "701 7:8" if os.geteuid() == 0 else "701 0:0"
    assert lines(kitchen) == [expected, "1", "2"]


def test_a_cache_begins_with_what_from_has(kitchen: Kitchen) -> None:
    text = (
        "FROM busybox AS seed\nRUN mkdir -p /s/d; echo sown > /s/d/f\nFROM busybox\n"
        "RUN --mount=type=cache,id=seeded,from=seed,source=/s,target=/c cat /c/d/f; echo grown > /c/d/f; echo {}\n"
    )
    kitchen.build(text.format(1))
    assert lines(kitchen) == ["sown", "1"]
    kitchen.build(text.format(2))
    assert lines(kitchen) == ["grown", "2"]
    with pytest.raises(Invalid, match="a cache is a directory"):
        kitchen.build("RUN --mount=type=cache,from=busybox,source=/etc/passwd,target=/c true")
    with pytest.raises(Invalid, match='Dockerfile:2: a new cache has no "x"'):
        kitchen.build("RUN --mount=type=cache,source=x,target=/c true")


def test_sharing(kitchen: Kitchen) -> None:
    caches = Caches(kitchen.context / "caches")
    shared, locked, private = (CacheMount("x", "/c", sharing) for sharing in ("shared", "locked", "private"))
    with caches.held(shared, "", None) as one, caches.held(shared, "", None) as two:
        assert one == two
        with caches.held(private, "", None) as three, caches.held(private, "", None) as four:
            assert len({one, three, four}) == 3
        assert not caches.remove(next(iter(caches)))
    got = threading.Event()

    def wait() -> None:
        with caches.held(locked, "", None):
            got.set()

    with caches.held(locked, "", None):
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not got.wait(0.2)
    waiting.join(10)
    assert got.is_set()
    assert caches.remove(next(iter(caches)))
    assert list(caches) == []


def test_one_cache_at_two_places(kitchen: Kitchen) -> None:
    mount = "--mount=type=cache,id=twice,sharing=locked,target="
    kitchen.build(f"RUN {mount}/a {mount}/b echo x > /a/f; cat /b/f")
    assert lines(kitchen) == ["x"]


# -- secrets ----------------------------------------------------------------------------------------------------------


def everything_below(root: Path) -> bytes:
    """All files, blobs decompressed."""
    import gzip

    found = b""
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            found += gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    return found


def test_secrets_are_seen_and_nowhere_else(kitchen: Kitchen) -> None:
    source = kitchen.context.parent / "token"
    source.write_text(SECRET)
    text = (
        "RUN --mount=type=secret,id=token --mount=type=secret,id=token,target=/etc/x/y,mode=0444,uid=3"
        " --mount=type=secret,id=value,env=VALUE"
        " stat -c '%a %u' /run/secrets/token /etc/x/y; sha256sum < /etc/x/y; echo ${#VALUE}; echo > /run/secrets/token"
        " || test ! -e /run/secrets/value"
    )
    image = kitchen.build(text, secrets={"token": source, "value": SECRET.encode()})
    uid = 3 if os.geteuid() == 0 else 0
    assert lines(kitchen)[:2] == ["400 0", f"444 {uid}"]
    assert str(len(SECRET)) in lines(kitchen)
    assert "Read-only" in kitchen.output
    assert kitchen.entries(image) == {}
    assert SECRET.encode() not in everything_below(kitchen.engine.root)
    assert SECRET not in "".join(kitchen.history(image)) + kitchen.output
    assert all(SECRET.encode() not in everything_below(path) for path in Path("/dev/shm").glob("scow-secrets-*"))


def test_a_secret_is_in_no_key(kitchen: Kitchen) -> None:
    text = "RUN --mount=type=secret,id=k cat /run/secrets/k > /dev/null"
    first = kitchen.build(text, secrets={"k": b"one"})
    second = kitchen.build(text, secrets={"k": b"two"})
    assert (first.id, kitchen.ran) == (second.id, [])


def test_secrets_that_are_not_given(kitchen: Kitchen) -> None:
    kitchen.build('RUN --mount=type=secret,id=nothing,env=N test ! -e /run/secrets && test -z "${N+x}" && echo fine')
    assert lines(kitchen) == ["fine"]
    with pytest.raises(NotFound, match="Dockerfile:2: secret nothing: not found"):
        kitchen.build("RUN --mount=type=secret,id=nothing,required true")
    with pytest.raises(NotFound, match="the secret's file is not there"):
        kitchen.build("RUN --mount=type=secret,id=gone cat x", secrets={"gone": Path("/no/such")})
    with pytest.raises(Invalid, match="NUL"):
        kitchen.build("RUN --mount=type=secret,id=n,env=N cat x", secrets={"n": b"\0"})


def test_what_a_killed_build_left_is_swept(kitchen: Kitchen) -> None:
    stale = Path("/dev/shm/scow-secrets-stale")
    stale.mkdir(mode=0o700, exist_ok=True)
    (stale / "secret-0").write_text(SECRET)
    kitchen.build("RUN --mount=type=secret,id=sweeps true", secrets={"sweeps": b"x"})
    assert not stale.exists()


# -- ssh --------------------------------------------------------------------------------------------------------------


@contextmanager
def echoing(path: Path) -> Iterator[Path]:
    """Something on a socket that answers in capitals."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    if data := client.recv(100):
                        client.sendall(data.upper())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_the_agent_answers_inside(kitchen: Kitchen, tmp_path: Path) -> None:
    text = (
        "RUN --mount=type=ssh echo $SSH_AUTH_SOCK; stat -c '%a %u %F' $SSH_AUTH_SOCK\n"
        "RUN --mount=type=ssh,id=other,target=/a,mode=0666,uid=9 echo $SSH_AUTH_SOCK; stat -c '%a %F' /a\n"
    )
    with echoing(tmp_path / "s") as agent:
        image = kitchen.build(text, ssh={"default": agent, "other": agent})
    assert lines(kitchen)[:2] == ["/run/buildkit/ssh_agent.0", "600 0 socket"]
    assert lines(kitchen)[-2:] == ["/a", "666 socket"]
    assert [kitchen.entries(image, layer) for layer in (-1, -2)] == [{}, {}]


def test_what_is_said_to_the_agent(tmp_path: Path) -> None:
    with (
        echoing(tmp_path / "s") as agent,
        forwarded(agent, tmp_path / "own", mode=0o600, uid=0, gid=0) as own,
        socket.socket(socket.AF_UNIX) as client,
    ):
        client.connect(str(own))
        client.sendall(b"hello")
        assert client.recv(100) == b"HELLO"
        assert client.recv(100) == b""


def test_agents_that_are_not_there(kitchen: Kitchen, tmp_path: Path) -> None:
    kitchen.build("RUN --mount=type=ssh test ! -e /run && echo none")
    assert lines(kitchen) == ["none"]
    with pytest.raises(NotFound, match="Dockerfile:2: no SSH agent 'default' was given"):
        kitchen.build("RUN --mount=type=ssh,required true")
    with pytest.raises(Unavailable, match="no SSH agent answers"):
        kitchen.build("RUN --mount=type=ssh false", ssh={"default": tmp_path / "none"})


# -- keys -------------------------------------------------------------------------------------------------------------


def test_what_a_bind_holds_is_part_of_the_key(kitchen: Kitchen) -> None:
    kitchen.file("used/f", "1")
    kitchen.file("unused", "1")
    text = "RUN --mount=source=used,target=/u cat /u/f"
    kitchen.build(text)
    os.utime(kitchen.context / "used/f", (5, 5))
    kitchen.file("unused", "2")
    kitchen.build(text)
    assert kitchen.ran == []
    kitchen.file("used/f", "2")
    kitchen.build(text)
    assert lines(kitchen) == ["2"]
    (kitchen.context / "used/f").chmod(0o600)
    kitchen.build(text)
    assert len(kitchen.ran) == 1


def test_what_the_mounts_are_is_part_of_the_key(kitchen: Kitchen) -> None:
    for mount in (
        "type=tmpfs",
        "type=tmpfs,size=1m",
        "type=cache",
        "type=cache,ro",
        "type=secret,id=x",
        "from=busybox",
    ):
        kitchen.build(f"RUN --mount={mount},target=/m echo keyed")
        assert kitchen.ran, mount


# -- heredocs ---------------------------------------------------------------------------------------------------------


def test_a_script_with_an_interpreter(kitchen: Kitchen) -> None:
    text = "RUN <<EOF\n#!/bin/awk -f\nBEGIN { print 6 * 7 }\nEOF\nRUN <<EOF\nset -e\necho plain\nEOF\nCMD x"
    image = kitchen.build(text)
    assert lines(kitchen) == ["42", "plain"]
    assert kitchen.entries(image, -2) == {}
    kitchen.build(text.replace("6 * 7", "6 * 8"))
    assert lines(kitchen) == ["48"]  # the other RUN stands on equal files


# -- surroundings -----------------------------------------------------------------------------------------------------


def test_hosts_limits_and_memory(kitchen: Kitchen) -> None:
    image = kitchen.build(
        "RUN grep box /etc/hosts; ulimit -n; df /dev/shm | tail -1 | awk '{print $2}'",
        extra_hosts=["box:10.1.2.3"], ulimits=[("nofile", 99, 100)], shm_size=2 << 20,
    )  # fmt: skip
    assert [line.split() for line in lines(kitchen)] == [["10.1.2.3", "box"], ["99"], ["2048"]]
    assert kitchen.entries(image) == {}


def test_networks(kitchen: Kitchen) -> None:
    kitchen.build(
        "RUN --network=none ls /sys/class/net\nRUN --network=host test $(ls /sys/class/net | wc -l) -gt 0",
        network="host",
    )
    assert "lo" in lines(kitchen)


def test_a_file_of_a_layer_that_lies_in_its_tar(kitchen: Kitchen) -> None:
    """Only the file's own bytes come: behind them in the tar are other files."""
    kitchen.file("one", "1\n")
    kitchen.file("two", "2\n")
    text = "FROM scratch AS files\nCOPY one two /\nFROM busybox\n"
    kitchen.build(f"{text}RUN --mount=from=files,target=/m wc -c /m/one; cat /m/one /m/two")
    assert lines(kitchen) == ["2 /m/one", "1", "2"]
