"""What is said of a first word that is no program."""

from __future__ import annotations

from pathlib import Path

import pytest

from scow.runtime.launcher.executable import View, find_executable
from scow.runtime.wire import Refused


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("--rm", "flags go before the name of the image or container"),
        ("-it", "flags go before the name of the image or container"),
        ("ls -l", "for a shell: sh -c 'ls -l'"),
        ("/bin/ls -l", "for a shell: sh -c '/bin/ls -l'"),
        ("lss", ""),
    ],
)
def test_what_was_meant(tmp_path: Path, word: str, hint: str) -> None:
    with pytest.raises(Refused) as refused:
        find_executable(View(str(tmp_path), []), word, "/bin", "/")
    assert (refused.value.fields["exit_code"], refused.value.fields["hint"]) == (127, hint)
