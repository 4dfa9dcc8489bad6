"""Mounts side by side with BuildKit: programs see the same; what they leave behind is nothing."""

from __future__ import annotations

import io
import socket
import tarfile
from pathlib import Path

import pytest
from tests.build.conftest import Kitchen
from tests.support.daemons import Docker
from tests.support.rootfs import busybox_tar_path

#: what a program sees, as the file that its stage gives
SEEN = [
    "--mount=target=/c find /c -exec stat -c '%n %a %u:%g %F' {} + | sort",
    "--mount=target=/c,source=d find /c | sort",
    "--mount=target=/c,source=d/f,rw cat /c; echo new > /c; cat /c",
    "--mount=target=sub/c,source=f cat sub/c; ls -a sub",
    "--mount=from=other,target=/o find /o/d -exec stat -c '%n %a %u:%g %h' {} + | sort",
    "--mount=from=other,source=/d/l/f,target=/o/p cat /o/p; stat -c '%a %u:%g' /o /o/p",
    "--mount=from=other,source=/d,target=/o,rw touch /o/x; ls /o",
    "--mount=type=tmpfs,target=/t stat -c '%a %u:%g' /t; echo x > /t/f; cut -d' ' -f1-3 /proc/mounts | grep ' /t '",
    "--mount=type=cache,target=/k,id=one,uid=7,gid=8,mode=0701 stat -c '%a %u:%g' /k; ls /k; touch /k/f",
    "--mount=type=cache,target=/k,from=other,source=/d,id=two find /k | sort; rm -r /k/e; ls /k",
    "--mount=type=cache,target=/k,id=three,ro ls /k; touch /k/f || echo read-only",
    "--mount=type=secret,id=s stat -c '%n %a %u:%g %F' /run/secrets /run/secrets/s; cat /run/secrets/s",
    "--mount=type=secret,id=s,target=/x/y,mode=0444,uid=3,gid=4 stat -c '%a %u:%g' /x /x/y; cat /x/y",
    "--mount=type=secret,id=none ls /run/secrets || echo none",
    "--mount=type=ssh stat -c '%F' $SSH_AUTH_SOCK; stat -c '%a %u:%g' $SSH_AUTH_SOCK; echo $SSH_AUTH_SOCK",
    "--mount=type=cache,target=/k --mount=target=/k/c,source=d ls /k/c",
    "--mount=type=tmpfs,target=/t ls -A / /etc; echo mine > /etc/hostname; for f in hosts resolv.conf; do"
    " echo x >> /etc/$f || echo read-only; done",
]


def dockerfile() -> str:
    stages = [
        "FROM busybox AS other\n"
        "RUN mkdir -p /d/e; echo x > /d/e/f; chown 5:6 /d/e/f; chmod 750 /d/e; ln -s e /d/l; ln /d/e/f /d/g\n"
    ]
    copies = []
    for number, command in enumerate(SEEN):
        mounts = [word for word in command.split() if word.startswith("--mount")]
        rest = command[len(" ".join(mounts)) + 1 :]
        stages.append(
            f"FROM busybox AS s{number}\nWORKDIR /w\nRUN {' '.join(mounts)} ({rest}) > /w/seen 2>/w/errors || true\n"
        )
        stages.append(
            f"FROM busybox AS l{number}\nRUN --mount=from=s{number},target=/s find /s -not -path '/s/bin/*' -not -path"
            " '/s/etc*' -not -path '/s/proc*' -not -path '/s/sys*' -not -path '/s/dev*' | sort > /left\n"
        )
        copies.append(f"COPY --from=s{number} /w/seen /{number}\nCOPY --from=l{number} /left /{number}.left\n")
    return "".join(stages) + "FROM scratch\n" + "".join(copies)


def texts(tar: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        files = {member.name: opened.extractfile(member) for member in opened if member.isfile()}
        return {name: file.read().decode() for name, file in files.items() if file}


@pytest.mark.peers
def test_mounts_are_the_same(kitchen: Kitchen, docker: Docker, tmp_path: Path) -> None:
    docker("import", str(busybox_tar_path()), "busybox:latest")
    kitchen.file("d/f", "inside\n", 0o640)
    kitchen.file("f", "file\n")
    kitchen.file(".dockerignore", "Dockerfile\nhidden\n!d/none\n")
    kitchen.file("hidden/x", "no")
    (kitchen.context / "link").symlink_to("d/f")
    kitchen.file("Dockerfile", dockerfile())
    (tmp_path / "secret").write_text("hush\n")
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        theirs = docker.try_(
            "build", "--network=none", "--secret", f"id=s,src={tmp_path}/secret", "--ssh", "default", "-o",
            "type=tar,dest=-", str(kitchen.context), env={"SSH_AUTH_SOCK": str(tmp_path / "agent")},
        )  # fmt: skip
        assert theirs.returncode == 0, theirs.stderr.decode()
        given = {"secrets": {"s": tmp_path / "secret"}, "ssh": {"default": tmp_path / "agent"}}
        image = kitchen.build(dockerfile(), **given)
    ours = io.BytesIO()
    kitchen.engine.images.export(str(image.id), ours)
    told, expected = texts(ours.getvalue()), texts(theirs.stdout)
    seen = {name: text for name, text in told.items() if not name.endswith(".left")}
    assert {SEEN[int(name)]: text for name, text in seen.items() if text != expected[name]} == {}
    # BuildKit of that time leaves mount points behind; here they are gone, whatever was mounted.
    left = {text for name, text in told.items() if name.endswith(".left")}
    assert len(left) == 1
    assert "/s/w/seen" in left.pop()
