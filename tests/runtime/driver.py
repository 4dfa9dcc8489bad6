"""Starts containers for the tests, as whatever user it is: a JSON request per line, a JSON answer per line.

``driver.py REQUEST`` starts one on its own standard streams and exits as it did.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from msgspec import convert, structs

from scow.errors import Process, ScowError
from scow.layer.rootfs import Directory, Overlay, Rootfs
from scow.oci.config import Process as ImageProcess
from scow.runtime import networking
from scow.runtime.bundle import Bundle, make_bundle
from scow.runtime.child import Stdio
from scow.runtime.kernel import idmap, linux
from scow.runtime.networking import Attachment
from scow.runtime.probe import Probe, probe
from scow.runtime.runner import Runner
from scow.runtime.spec import bpf, capabilities
from scow.runtime.spec.options import Device, Limits, Mount, Options, Ulimit
from scow.runtime.terminal import size_of


def options(asked: dict[str, Any]) -> Options:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in asked.items()}
    values["mounts"] = tuple(Mount(**{**m, "options": tuple(m.get("options", ()))}) for m in asked.get("mounts", ()))
    values["ulimits"] = tuple(Ulimit(*u) for u in asked.get("ulimits", ()))
    values["devices"] = tuple(Device(**one) for one in asked.get("devices", ()))
    values["limits"] = Limits(**asked.get("limits", {}))
    return Options(**values)


def rootfs(request: dict[str, Any], directory: Path) -> Rootfs:
    if "path" in request:
        return Directory(Path(request["path"]))
    for name in ("upper", "work"):
        (directory / name).mkdir(exist_ok=True)
    return Overlay(tuple(Path(p) for p in request["lower"]), directory / "upper", directory / "work")


def bundle(request: dict[str, Any], runner: Runner) -> Bundle:
    directory = Path(request["directory"])
    directory.mkdir(exist_ok=True)
    asked: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in request.get("image", {}).items()}
    image = ImageProcess(**asked)
    name = f"{os.getpid()}-{directory.name}"  # of its cgroup
    attached = convert(request["attachment"], Attachment) if "attachment" in request else None
    wanted = options(request["options"])
    return make_bundle(directory, name, rootfs(request, directory), image, wanted, runner.probe, size_of(0), attached)


def told(error: ScowError) -> dict[str, Any]:
    code = error.exit_code if isinstance(error, Process) else 125
    return {"error": type(error).__name__, "message": str(error), "code": code}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as stdin:
        stdin.write(request.get("stdin", "").encode())
        stdin.seek(0)
        streams = Stdio(stdin.fileno() if "stdin" in request else None, out.fileno(), err.fileno())
        try:
            runner = Runner(request["runtime"], lowest() if request.get("rung") == 4 else None)
            running = runner.start(bundle(request, runner), streams)
        except ScowError as error:
            return told(error)
        pid = running.pid
        if "signal" in request:
            while not os.fstat(out.fileno()).st_size:  # the container says when it is ready
                pass
            running.signal(request["signal"])
        code = running.wait()
        texts = [os.pread(f.fileno(), 1 << 20, 0).decode() for f in (out, err)]
    upper = Path(request["directory"]) / "upper"
    written = sorted(str(p.relative_to(upper)) for p in upper.rglob("*"))
    return {"code": code, "out": texts[0], "err": texts[1], "upper": written, "pid": pid}


def lowest() -> Probe:
    """This machine as one without CAP_SYS_ADMIN and user namespaces."""
    return structs.replace(probe(), rung=4, user_namespaces=False)


def give_up_namespaces() -> None:
    """Become what root is in a default pod: without CAP_SYS_ADMIN, and under a filter that allows no namespaces."""
    refused = {"names": ["unshare", "setns", "mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refused]}
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.seccomp(bpf.program(profile, os.uname().machine))
    kept = probe().capabilities & ~(1 << capabilities.NAMES.index("CAP_SYS_ADMIN"))
    linux.prctl(linux.PR_CAPBSET_DROP, capabilities.NAMES.index("CAP_SYS_ADMIN"))
    linux.capset(kept, kept)
    probe.cache_clear()
    assert probe().rung == 4, probe()


def main() -> None:
    if os.environ.get("SCOW_TEST_LOWEST"):
        give_up_namespaces()
    if os.environ.get("SCOW_TEST_MAPPED"):
        assert idmap.enter(), idmap.why_not()
    if len(sys.argv) > 1:
        request = json.loads(sys.argv[1])
        networking.PROGRAMS = request.get("outlets", networking.PROGRAMS)
        runner = Runner(request["runtime"])
        running = runner.start(bundle(request, runner), Stdio(0, 1, 2))
        if request.get("tell"):
            print("started", os.getpid(), running._launcher, running.pid, flush=True)
        sys.exit(running.wait())
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
