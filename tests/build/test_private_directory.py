"""Where secrets lie while a step runs: a directory of its own, whoever sweeps meanwhile."""

from __future__ import annotations

import os
import tempfile
import threading

import pytest

from scow.build import secrets


def test_one_that_was_swept_before_it_was_held_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real, made = tempfile.mkdtemp, []

    def swept(*args: str, **given: object) -> str:
        made.append(real(*args, **given))  # type: ignore[call-overload]
        if len(made) == 1:
            os.rmdir(made[0])
        return str(made[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", swept)
    with secrets.private_directory() as directory:
        assert directory.is_dir()
        assert len(made) == 2
    assert not directory.exists()


def test_many_at_once_are_each_there() -> None:
    failed: list[BaseException] = []

    def use() -> None:
        try:
            for _ in range(20):
                with secrets.private_directory() as directory:
                    secrets.put(directory, "a", b"x", mode=0o400)
                    assert (directory / "a").read_bytes() == b"x"
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
