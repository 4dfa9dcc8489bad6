"""What somebody meets who has only the library: one place to import from, output that is kept, slips that are told."""

from __future__ import annotations

import asyncio
import contextlib
import io
import multiprocessing
import os
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from tests.cli.boxes import IMAGE, make_box

from scow import Captured, Engine, Execution, Mount, Options
from scow.engine.containers import starting
from scow.errors import Denied, Invalid, Limit, NotFound, Process, Where
from scow.registry.credentials import CredentialStore
from scow.runtime import captured
from scow.runtime.kernel.tasks import born
from scow.testing.registry import Registry


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    directory = tmp_path_factory.mktemp("library")
    make_box(directory)
    return Engine(directory / "store")


def kept(engine: Engine, script: str, given: bytes | None = None) -> tuple[int, bytes, bytes]:
    with Captured(given) as output:
        return engine.containers.run(IMAGE, ["sh", "-c", script], stdio=output.stdio), output.stdout, output.stderr


def test_output_is_kept_apart(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    assert kept(engine, "echo out; echo err >&2; cat; exit 3", b"given") == (3, b"out\ngiven", b"err\n")
    assert kept(engine, "cat") == (0, b"", b"")
    assert capfd.readouterr() == ("", "")


def test_output_can_be_read_while_a_program_writes(tmp_path: Path) -> None:
    with Captured() as output:
        os.write(output.stdio.stdout, b"one ")
        assert output.stdout == b"one "
        os.write(output.stdio.stdout, b"two")
        assert (output.stdout, output.stderr) == (b"one two", b"")


def test_too_much_output_is_not_read_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captured, "_LIMIT", 3)
    with Captured() as output:
        os.write(output.stdio.stderr, b"four")
        with pytest.raises(Limit, match="stderr: holds 4 bytes"):
            _ = output.stderr


def test_nothing_stays_open(engine: Engine) -> None:
    before = set(os.listdir("/proc/self/fd"))
    assert kept(engine, "true", b"") == (0, b"", b"")
    assert set(os.listdir("/proc/self/fd")) <= before


def test_exec_is_captured_too(engine: Engine) -> None:
    engine.containers.create(IMAGE, Options(args=("sleep", "60")), name="sleeper")
    try:
        engine.containers.start("sleeper")
        with Captured() as output:
            assert (
                engine.containers.exec("sleeper", Execution(("sh", "-c", "echo in; exit 5")), output.stdio).wait() == 5
            )
            assert output.stdout == b"in\n"
            assert engine.containers.exec("sleeper", ["sh", "-c", "exit 6"], output.stdio).wait() == 6
    finally:
        engine.containers.remove("sleeper", force=True)


def test_several_at_once_from_asyncio(engine: Engine) -> None:
    async def all_of_them() -> list[tuple[int, bytes, bytes]]:
        return await asyncio.gather(*(asyncio.to_thread(kept, engine, f"echo {n}; exit {n}") for n in range(3)))

    assert asyncio.run(all_of_them()) == [(n, b"%d\n" % n, b"") for n in range(3)]


def test_arguments_stand_for_those_of_the_options(engine: Engine) -> None:
    options = Options(args=("false",), env=("GIVEN=yes",))
    with Captured() as output:
        assert engine.containers.run(IMAGE, ["sh", "-c", "echo $GIVEN"], options=options, stdio=output.stdio) == 0
        assert output.stdout == b"yes\n"
        assert engine.containers.run(IMAGE, options=options, stdio=output.stdio) == 1


def test_options_may_be_left_out(engine: Engine) -> None:
    assert engine.containers.create(IMAGE).settings.args == ("echo", "its CMD")


def test_an_option_that_there_is_not_is_not_ignored(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'nocache'"):
        engine.images.build(tmp_path, dockerfile=b"FROM scratch\nENV A=b\n", nocache=True)  # type: ignore[call-arg]


SLIPS: list[tuple[str, Callable[[Engine], object]]] = [
    ("args", lambda engine: engine.containers.run(IMAGE, "echo hi")),
    ("args", lambda engine: engine.containers.create(IMAGE, Options(args="echo hi"))),  # type: ignore[arg-type]
    ("env", lambda engine: engine.containers.create(IMAGE, Options(env="A=b"))),  # type: ignore[arg-type]
    ("args", lambda engine: engine.containers.exec("any", Execution("ls"))),  # type: ignore[arg-type]
    ("args", lambda engine: engine.containers.exec("any", "ls")),
    ("tags", lambda engine: engine.images.build("/", tags="app:v1")),
    ("names", lambda engine: engine.images.save(IMAGE, io.BytesIO())),
    ("changes", lambda engine: engine.images.import_(io.BytesIO(), changes="ENV A=b")),
    ("sources", lambda engine: engine.registries.sync("docker://busybox", "oci:/nowhere")),
    ("images", lambda engine: engine.manifests.create("index:1", IMAGE)),
]


@pytest.mark.parametrize(("name", "slip"), SLIPS)
def test_one_text_is_no_list_of_letters(engine: Engine, name: str, slip: Callable[[Engine], object]) -> None:
    with pytest.raises(Invalid, match=f"^{name}: is one text, where a list of texts is wanted$") as refused:
        slip(engine)
    assert refused.value.hint.startswith(f"{name}=['")


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to have a small disk")
def test_a_program_that_fills_the_disk_still_tells_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", disk], check=True)
    try:
        make_box(disk)
        engine = Engine(disk / "store")

        def fill(pid: int) -> int:  # when the program runs, before that is written down
            with contextlib.suppress(OSError), (disk / "zeros").open("ab", buffering=0) as zeros:
                while zeros.write(bytes(4096)):
                    pass
            return born(pid)

        monkeypatch.setattr(starting, "born", fill)
        assert engine.containers.run(IMAGE, ["sh", "-c", "exit 7"]) == 7
        assert engine.containers.list() == ()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


WRONG: list[tuple[str, Options]] = [
    ("Expected `str`, got `int` - at `$.user`", Options(user=1000)),  # type: ignore[arg-type]
    ("Expected `array`, got `object` - at `$.env`", Options(env={"A": "b"})),  # type: ignore[arg-type]
    ("Invalid enum value 'x' - at `$.mounts[0].kind`", Options(mounts=(Mount("x", "/a", "/b"),))),  # type: ignore[arg-type]
    ("Encoding objects of type PosixPath is unsupported", Options(workdir=Path("/"))),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("told", "options"), WRONG, ids=[told for told, _ in WRONG])
def test_options_of_other_types_make_no_container(engine: Engine, told: str, options: Options) -> None:
    with pytest.raises(Invalid) as refused:
        engine.containers.create(IMAGE, options, name="wrong")
    assert str(refused.value) == f"options: {told}"
    assert "wrong" not in {one.name for one in engine.containers.list()}


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_a_login_counts_at_once_and_so_does_a_logout(
    engine: Engine, auth: Literal["basic", "bearer"], tmp_path: Path
) -> None:
    with Registry(username="ann", password="pw", auth=auth) as registry:
        name = f"{registry.host}/app:1"
        own = Engine(engine.root, credentials=lambda: CredentialStore([tmp_path / "auth.json"]))
        own.images.tag(IMAGE, name)
        for _ in range(2):
            with pytest.raises(Denied):
                own.images.push(name)
            own.login(registry.host, "ann", "pw")
            assert own.images.push(name).name == name
            assert own.logout(registry.host)
        own.images.remove(name)


def test_values_say_what_they_are(engine: Engine) -> None:
    container = engine.containers.create(IMAGE, name="web")
    assert repr(engine) == f"Engine('{engine.root}')"
    assert repr(container) == f"<Container web {container.id[:12]}>"
    container.remove()


def test_another_process_may_have_the_engine(engine: Engine) -> None:
    engine.images.list()  # opens the store
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_names, (engine,)) == [one.names for one in engine.images.list()]


def _names(engine: Engine) -> list[tuple[str, ...]]:
    return [one.names for one in engine.images.list()]


def test_an_error_says_of_what_it_is(engine: Engine) -> None:
    with Registry() as registry:
        name = f"{registry.host}/none/such:v1"
        repository = name.removesuffix(":v1")
        asked: list[tuple[str, Callable[[], object]]] = [
            (name, lambda: engine.images.pull(name)),
            (repository, lambda: engine.registries.tags(name)),
            ("none:such", lambda: engine.images.inspect("none:such")),
            (repository, lambda: engine.images.push(name)),
            ("none", lambda: engine.containers.find("none")),
            ("none", lambda: engine.volumes.find("none")),
            ("nothing", lambda: engine.networks.find("nothing")),
        ]
        for subject, ask in asked:
            with pytest.raises(NotFound) as told:
                ask()
            assert told.value.subject == subject
            assert str(told.value).count(subject) == 1, "docker's words name it"


def test_an_error_comes_whole_from_another_process() -> None:
    where = Where("Dockerfile", 2, text="RUN false")
    error = Process("failed", exit_code=3, subject="a", hint="b", where=where)
    again = pickle.loads(pickle.dumps(error))
    assert (repr(again), vars(again)) == ("Process('Dockerfile:2: a: failed')", vars(error))


def test_a_network_is_found_as_everything_is(engine: Engine) -> None:
    made = engine.networks.create("web")
    assert engine.networks.find("web") == engine.networks.find(made[:12])
    assert engine.networks.find("host").driver == "host"


def test_what_an_engine_has_of_a_kind_says_so_and_goes_to_other_processes(engine: Engine) -> None:
    assert repr(engine.images) == f"<Images of {str(engine.root)!r}>"
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(engine.images.list) == engine.images.list()
        with pytest.raises(NotFound, match=r"^No such container: none$"):
            pool.apply(engine.containers.wait, ["none"])


@pytest.mark.parametrize(
    ("limits", "told"), [({"foo": 1}, "^foo: is no limit$"), ({"memory": "1g"}, "^limits: Expected")]
)
def test_a_limit_that_there_is_not_is_told(engine: Engine, limits: dict[str, int | str], told: str) -> None:
    engine.containers.create(IMAGE, name="limited")
    try:
        with pytest.raises(Invalid, match=told):
            engine.containers.update("limited", limits=limits)
    finally:
        engine.containers.remove("limited")


class Sips(io.RawIOBase):
    """An output that takes a thousand bytes at a time."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = memoryview(data)[:1000]
        self.taken += part
        return len(part)


def test_what_a_raw_output_does_not_take_at_once_is_not_lost(engine: Engine) -> None:
    engine.containers.create(IMAGE, name="raw")
    writers: list[Callable[[Any], object]] = [
        lambda output: engine.images.save([IMAGE], output),
        lambda output: engine.images.export(IMAGE, output),
        lambda output: engine.files.cat(IMAGE, "/etc/passwd", output),
        lambda output: engine.containers.export("raw", output),
        lambda output: engine.containers.pack("raw", "/etc", output),
    ]
    try:
        for write in writers:
            whole, sips = io.BytesIO(), Sips()
            write(whole)
            write(sips)
            assert len(sips.taken) == len(whole.getvalue()) > 0
    finally:
        engine.containers.remove("raw")


def test_an_exit_code_may_be_asked_for_again(engine: Engine) -> None:
    engine.containers.create(IMAGE, Options(args=("sleep", "60")), name="asked")
    try:
        engine.containers.start("asked")
        joined = engine.containers.exec("asked", ["sh", "-c", "exit 4"])
        assert (joined.wait(), joined.wait()) == (4, 4)
    finally:
        engine.containers.remove("asked", force=True)


def test_a_volume_s_name_may_stand_as_its_source(engine: Engine) -> None:
    options = Options(mounts=(Mount("volume", "kept", "/v"),))
    assert engine.containers.run(IMAGE, ["sh", "-c", "echo 1 >/v/x"], options=options) == 0
    assert os.listdir(engine.volumes.find("kept").mountpoint) == ["x"]


def test_a_build_s_texts_are_looked_at_before_it_begins(engine: Engine, tmp_path: Path) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("build_args: 'A': 1 are not two texts", {"build_args": {"A": 1}}),
        ("labels: 'a': None are not two texts", {"labels": {"a": None}}),
        ("allow: is one text, where a list of texts is wanted", {"allow": "security.insecure"}),
    ]
    for told, options in wrong:
        with pytest.raises(Invalid) as refused:
            engine.images.build(tmp_path, dockerfile=b"FROM scratch\nENV A=b\n", **options)
        assert str(refused.value) == told


def test_a_further_context_may_be_a_path(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "f").touch()
    dockerfile = b"FROM scratch\nCOPY --from=more f /\n"
    assert engine.images.build(tmp_path, dockerfile=dockerfile, build_contexts={"more": tmp_path / "other"})


def test_the_last_lines_of_a_log_cannot_be_fewer_than_none(engine: Engine) -> None:
    engine.containers.create(IMAGE, name="said")
    try:
        with pytest.raises(Invalid, match=r"^tail: cannot be negative"):
            engine.containers.logs("said", tail=-1)
    finally:
        engine.containers.remove("said")
