"""Looking at the machine, choosing a runtime, paths beneath a root, and the lowest rung."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest
from tests.runtime.conftest import BUSYBOX
from tests.support.peers import need, need_root

from scow.errors import ScowError, Unsupported
from scow.layer.rights import MOUNTABLE
from scow.layer.rootfs import Directory, Overlay
from scow.oci.config import Process as ImageProcess
from scow.runtime.bundle import make_bundle
from scow.runtime.child import Stdio
from scow.runtime.kernel import beneath, linux
from scow.runtime.launcher import mounting, sandbox
from scow.runtime.probe import OciRuntime, Probe, _in_child, _make_user_namespace, mounts, probe, trial_of_overlay
from scow.runtime.runner import Choice, Runner, choose
from scow.runtime.spec import bpf, capabilities, seccomp
from scow.runtime.spec.options import Device, Mount, Options

_PR_GET_DUMPABLE = 3
ALL = (1 << len(capabilities.NAMES)) - 1


def machine(rung: int = 1, *runtimes: OciRuntime, held: int = ALL) -> Probe:
    return Probe(rung < 3, held, True, "v2", runtimes, rung, ("because",))


def test_the_look_is_quick_and_consistent() -> None:
    probe.cache_clear()
    before = sum(os.times()[:4])
    here = probe()
    assert sum(os.times()[:4]) - before < 0.5  # of a processor, its children's included
    assert here.root == (os.geteuid() == 0)
    assert here.rung in (1, 2, 3, 4)
    assert here.rootless == (here.rung == 3)


def test_the_trial_tells_what_works(tmp_path: Path) -> None:
    why = trial_of_overlay(tmp_path)
    if probe().rung == 1:
        assert why is None
    assert list(tmp_path.iterdir()) == []


def test_choice() -> None:
    crun, runc = OciRuntime("crun", "/c/crun"), OciRuntime("runc", "/c/runc")
    shy = OciRuntime("crun", "/c/crun", "refuses")
    assert choose(machine(1, crun, runc)) == choose(machine(4)) == Choice("sandbox", "sandbox")
    assert choose(machine(1, crun, runc), "runc") == Choice("runc", "/c/runc")
    assert choose(machine(1, shy), "crun") == Choice("crun", "/c/crun")
    assert choose(machine(1, crun), "sandbox").name == "sandbox"
    for here, asked in (
        (machine(1), "crun"),
        (machine(4, crun), "crun"),
        (machine(1), "/no/such"),
        (machine(4, held=0), None),
    ):
        with pytest.raises(Unsupported):
            choose(here, asked)


@pytest.fixture
def root(tmp_path: Path) -> int:
    inside = tmp_path / "root"
    (inside / "a/b").mkdir(parents=True)
    (inside / "a/file").write_text("inside")
    (tmp_path / "secret").write_text("outside")
    (inside / "up").symlink_to("../../../../secret")
    (inside / "absolute").symlink_to(tmp_path / "secret")
    (inside / "good").symlink_to("/a/../a/file")
    (inside / "loop").symlink_to("loop")
    return os.open(inside, os.O_RDONLY | os.O_DIRECTORY)


@pytest.mark.parametrize("by_hand", [False, True])
def test_paths_stay_beneath_the_root(root: int, monkeypatch: pytest.MonkeyPatch, by_hand: bool) -> None:
    if by_hand:
        monkeypatch.setattr(linux, "openat2", _not_there)
    assert beneath.read_beneath(root, "/a/file") == b"inside"
    assert beneath.read_beneath(root, "/good") == b"inside"
    assert beneath.read_beneath(root, "/../../a/./b/../file") == b"inside"
    for path in ("/up", "/absolute", "/a/b", "/none", "/a/file/x"):
        assert beneath.read_beneath(root, path) == b"", path
    with pytest.raises(OSError, match="symbolic links"):
        beneath.open_beneath(root, "/loop", os.O_RDONLY)
    same = os.fstat(beneath.open_beneath(root, "/..", os.O_PATH))
    assert os.path.samestat(same, os.fstat(root))


def _not_there(*_: object) -> int:
    raise OSError(38, "no such call")


def test_places_go_away_and_leave_their_parents_as_they_were(root: int) -> None:
    os.utime("a", ns=(5, 7), dir_fd=root)
    placed = [*beneath.make_place(root, "/a/x/y", True), *beneath.make_place(root, "/a/x/f", False)]
    assert os.path.isdir(f"/proc/self/fd/{root}/a/x/y")
    for place in reversed(placed):
        place.remove(root)
    assert sorted(os.listdir(f"/proc/self/fd/{root}/a")) == ["b", "file"]
    assert os.stat("a", dir_fd=root).st_mtime_ns == 7


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("link", ["../run/made", "/run/made", "../../../run/made", "first"])
def test_a_place_behind_a_link_to_nothing_is_made_inside(
    root: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, by_hand: bool
) -> None:
    """The /etc/resolv.conf of an image with systemd, and one that would lead out."""
    if by_hand:
        monkeypatch.setattr(linux, "openat2", _not_there)
    os.symlink("/run/made", "a/first", dir_fd=root)
    os.symlink(link, "a/conf", dir_fd=root)
    os.symlink("absolute/x", "a/out", dir_fd=root)
    placed = beneath.make_place(root, "/a/conf", False)
    assert os.path.isfile(tmp_path / "root/run/made")
    assert os.readlink("a/conf", dir_fd=root) == link
    placed += beneath.make_place(root, "/a/out", False)
    for place in reversed(placed):
        place.remove(root)
    assert sorted(os.listdir(tmp_path)) == ["root", "secret"]
    assert (tmp_path / "secret").read_text() == "outside"
    assert not (tmp_path / "root/run").exists()
    with pytest.raises(OSError, match="symbolic links"):
        beneath.make_place(root, "/loop", False)


def test_overlay_of_old_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if probe().rung != 1:
        pytest.skip("not root")
    names = ["up,per", "work", "merged", *(f"lower:{n}" for n in range(40))]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    (tmp_path / "work/work").unlink()

    def attempt() -> None:
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount(None, "/", None, linux.MS_PRIVATE | linux.MS_REC)
        lower = [str(tmp_path / f"lower:{n}") for n in range(40)]
        rootfs = {"lower": lower, "upper": str(tmp_path / "up,per"), "work": str(tmp_path / "work"), "fleeting": False}
        mounting.mount_rootfs(rootfs, str(tmp_path / "merged"), str(tmp_path))
        assert len(os.listdir(tmp_path / "merged")) == 41

    monkeypatch.setattr(linux, "fsopen", _not_there)
    assert _in_child(attempt) is None


def test_files_of_a_layer_are_mounted_wherever_they_lie(tmp_path: Path) -> None:
    assert mounting.MOUNTABLE == MOUNTABLE
    strange = tmp_path / "a,device=b:c" / ("long" * 60)
    strange.mkdir(parents=True)
    assert mounts(strange) is mounts(tmp_path)


def _as_in_a_pod() -> None:
    """docker's default capabilities and filter, as a container's root has them."""
    for number, name in enumerate(capabilities.NAMES):
        if name not in capabilities.DEFAULT:
            linux.prctl(linux.PR_CAPBSET_DROP, number)
    linux.seccomp(bpf.program(seccomp.profile(capabilities.DEFAULT), platform.machine()))
    held = capabilities.mask(capabilities.DEFAULT)
    linux.capset(held, held)
    probe.cache_clear()


def _rootfs(directory: Path) -> Path:
    (directory / "bin").mkdir(parents=True)
    (directory / "etc").mkdir()
    (directory / "bin/busybox").write_bytes(Path(BUSYBOX).read_bytes())
    (directory / "bin/busybox").chmod(0o755)
    (directory / "bin/sh").symlink_to("busybox")
    (directory / "etc/passwd").write_text("app:x:1000:1001::/:\n")
    return directory


def test_the_lowest_rung_is_a_chroot(tmp_path: Path) -> None:
    need_root()
    need("busybox")
    tree = _rootfs(tmp_path / "root")
    before = sorted(str(p) for p in tree.rglob("*"))
    script = "busybox id -u; busybox ls /; echo x > /dev/null; busybox sleep 3173 & exit 9"

    def attempt() -> None:
        _as_in_a_pod()
        assert probe().rung == 4, probe()
        runner = Runner()
        options = Options(args=("sh", "-c", script), user="app")
        bundle = make_bundle(tmp_path / "b", "b", Directory(tree), ImageProcess(), options, runner.probe)
        with open(tmp_path / "out", "w") as out:
            running = runner.start(bundle, Stdio(None, out.fileno(), out.fileno()))
            assert running.pid > 0
            assert running.wait() == 9
        assert (tmp_path / "out").read_text() == "1000\nbin\ndev\netc\n"
        for bad in (Options(args=("sh",), network="none"), Options(args=("sh",), mounts=(Mount("tmpfs", "", "/x"),))):
            _refused(runner, tmp_path, Directory(tree), bad)
        _refused(runner, tmp_path, Overlay((tree,), tmp_path / "u", tmp_path / "w"), Options(args=("sh",)))

    assert _in_child(attempt) is None
    assert sorted(str(p) for p in tree.rglob("*")) == before
    commands = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.parent.exists()]
    assert not any(b"3173" in command for command in commands)


ASKED_OF_A_CHROOT = {
    "--hostname": Options(hostname="web"),
    "--domainname": Options(domainname="example.org"),
    "--device": Options(devices=(Device("/dev/null", "/dev/null"),)),
    "--sysctl": Options(sysctls=("kernel.shmmax=1",)),
    "--shm-size": Options(shm_size=1 << 20),
    "--ipc": Options(ipc="private"),
    "--uts": Options(uts="private"),
    "--cgroupns": Options(cgroupns="private"),
}


@pytest.mark.parametrize("flag", ASKED_OF_A_CHROOT)
def test_the_lowest_rung_leaves_out_nothing_that_was_asked_for(tmp_path: Path, flag: str) -> None:
    with pytest.raises(Unsupported, match=f"{flag}: needs CAP_SYS_ADMIN or user namespaces"):
        make_bundle(tmp_path, "b", Directory(tmp_path), ImageProcess(), ASKED_OF_A_CHROOT[flag], machine(4))


def test_the_lowest_rung_takes_what_it_has_anyway(tmp_path: Path) -> None:
    asked = Options(args=("true",), ipc="host", uts="host", cgroupns="host")
    made = make_bundle(tmp_path, "b", Directory(tmp_path), ImageProcess(), asked, machine(4))
    assert made.id == "b"


OTHERS_IDS = {
    "--group-add": Options(group_add=("777",)),
    "--tmpfs uid=1000": Options(mounts=(Mount("tmpfs", "", "/t", options=("size=1m", "uid=1000")),)),
    "--tmpfs gid=7": Options(mounts=(Mount("tmpfs", "", "/t", options=("gid=7",)),)),
}


@pytest.mark.parametrize("asked", OTHERS_IDS)
def test_where_there_is_one_id_others_are_refused(tmp_path: Path, asked: str) -> None:
    with pytest.raises(Unsupported, match=f"^{asked}: takes more ids than one$"):
        make_bundle(tmp_path, "b", Directory(tmp_path), ImageProcess(), OTHERS_IDS[asked], machine(3))
    own = Options(args=("true",), mounts=(Mount("tmpfs", "", "/t", options=("uid=0", "gid=00")),))
    assert make_bundle(tmp_path, "b", Directory(tmp_path), ImageProcess(), own, machine(3)).id == "b"


def test_a_filter_that_refuses_namespaces_is_found(tmp_path: Path) -> None:
    need_root()

    def attempt() -> None:
        linux.seccomp(bpf.program(seccomp.profile(capabilities.DEFAULT), platform.machine()))
        probe.cache_clear()
        assert probe().has("CAP_SYS_ADMIN")
        assert probe().rung == 4, probe()
        assert probe().reasons[0].startswith("a filter of system calls refuses namespaces: ")
        assert trial_of_overlay(tmp_path) is not None

    assert _in_child(attempt) is None


def _refused(runner: Runner, tmp_path: Path, rootfs: Directory | Overlay, options: Options) -> None:
    bundle = make_bundle(tmp_path / "b", "b", rootfs, ImageProcess(), options, runner.probe)
    try:
        runner.start(bundle)
    except ScowError as error:
        assert isinstance(error, Unsupported), error
        assert "CAP_SYS_ADMIN" in str(error)
    else:
        raise AssertionError("started")


def test_root_starts_containers_with_an_interpreter_that_nobody_can_write(tmp_path: Path) -> None:
    need_root()
    need("busybox")
    options = Options(args=("sh", "-c", "read x"))
    runner = Runner("sandbox")
    bundle = make_bundle(
        tmp_path / "b", "b", Directory(_rootfs(tmp_path / "root")), ImageProcess(), options, runner.probe
    )
    reader, writer = os.pipe()
    running = runner.start(bundle, Stdio(reader))
    interpreter = os.open(f"/proc/{running._launcher}/exe", os.O_RDONLY)
    assert os.fstatvfs(interpreter).f_flag & os.ST_RDONLY
    running.kill()
    assert running.pid == 0
    for fd in (reader, writer, interpreter):
        os.close(fd)


@pytest.mark.parametrize("rootless", [False, True])
@pytest.mark.parametrize("uid", [0, 1000])
def test_nobody_looks_into_what_is_about_to_be_the_program(uid: int, rootless: bool) -> None:
    """From when it holds no more than the container: who joins one would have its interpreter opened, and written to
    once it is another program (CVE-2019-5736)."""
    need_root()
    held: dict[str, list[str]] = {kind: [] for kind in ("bounding", "effective", "permitted")}
    spec = {"process": {"user": {"uid": uid, "gid": uid}, "capabilities": held}, "linux": {}}

    def attempt() -> None:
        if rootless:
            _make_user_namespace()
        sandbox.identity(spec, rootless, admin=True)
        assert linux.prctl(_PR_GET_DUMPABLE) == 0

    assert _in_child(attempt) is None


def test_where_the_root_is_no_mount_point_a_root_directory_is_left(tmp_path: Path) -> None:
    need_root()
    for name in ("proc", "place"):
        (tmp_path / name).mkdir()

    def attempt() -> None:
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount(None, "/", None, linux.MS_PRIVATE | linux.MS_REC)
        linux.mount("/proc", str(tmp_path / "proc"), None, linux.MS_BIND | linux.MS_REC)
        os.chroot(tmp_path)
        os.chdir("/")
        probe.cache_clear()
        assert probe().rung == 4, probe()
        assert probe().able
        assert "no mount point" in probe().reasons[0]

    assert _in_child(attempt) is None
