"""config.json as docker and podman write it, and helpers that are real programs."""

from __future__ import annotations

import base64
import json
import os
import shlex
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.errors import Denied, Invalid, Limit, ScowError, Unavailable, Unsupported
from scow.registry.credentials import HUB_KEY, Credential, CredentialStore, normal_key
from scow.registry.helper import Helper

_STORING = """import json, os, sys
folder = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "kept")
os.makedirs(folder, exist_ok=True)
text = sys.stdin.read()
name = lambda server: os.path.join(folder, server.replace("/", "_").replace(":", "_"))
if sys.argv[1] == "store":
    record = json.loads(text)
    open(name(record["ServerURL"]), "w").write(text)
elif not os.path.exists(name(text)):
    print("credentials not found in native keychain"); sys.exit(1)
elif sys.argv[1] == "get":
    print(open(name(text)).read())
else:
    os.unlink(name(text))
"""


def _packed(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def _store(tmp_path: Path, config: Any, name: str = "config.json") -> CredentialStore:
    file = tmp_path / name
    file.write_text(json.dumps(config))
    return CredentialStore([file])


def _program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / f"docker-credential-{name}"
    program.write_text(text)
    program.chmod(0o755)


@pytest.fixture
def helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH with the helper ``keep``."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "keep.py").write_text(_STORING)
    run = shlex.join([sys.executable, str(folder / "keep.py")])  # a path with blanks is no interpreter for #!
    _program(folder, "keep", f'#!/bin/sh\nexec {run} "$@"\n')
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("https://index.docker.io/v1/", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("reg.example", "reg.example"),
        ("http://reg.example:5000/v1/", "reg.example:5000"),
        ("https://reg.example/some/path", "reg.example"),
        ("reg.example/v2/", "reg.example"),
        ("reg.example/team/app", "reg.example/team/app"),
        ("docker.io/library/x", "docker.io/library/x"),
        ("[::1]:5000", "[::1]:5000"),
    ],
)
def test_keys_of_every_age(tmp_path: Path, key: str, host: str) -> None:
    assert normal_key(key) == host
    store = _store(tmp_path, {"auths": {key: _packed("ann:secret")}})
    name, _, path = host.partition("/")
    assert store.lookup(name, path) == Credential("ann", "secret")


def test_the_longest_repository_wins(tmp_path: Path) -> None:
    store = _store(
        tmp_path,
        {
            "auths": {
                "r.io": _packed("host:1"),
                "r.io/a": _packed("a:1"),
                "r.io/a/b": _packed("ab:1"),
                "r.io/ab": _packed("x:1"),
            }
        },
    )
    found = {path: store.lookup("r.io", path) for path in ("a/b/c", "a/c", "a/b", "z", "", "abc")}
    assert {path: one.username for path, one in found.items() if one} == {
        "a/b/c": "ab",
        "a/c": "a",
        "a/b": "ab",
        "z": "host",
        "": "host",
        "abc": "host",
    }
    assert store.lookup("other.io", "a") is None


def test_a_plain_key_beats_a_url(tmp_path: Path) -> None:
    store = _store(tmp_path, {"auths": {"https://r.io/v1/": _packed("old:1"), "r.io": _packed("new:1")}})
    assert store.lookup("r.io") == Credential("new", "1")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (_packed("ann:a:b"), Credential("ann", "a:b")),
        (_packed("ann:pw\0\0"), Credential("ann", "pw")),
        ({"username": "ann", "password": "pw"}, Credential("ann", "pw")),
        ({**_packed("ann:"), "identitytoken": "idt"}, Credential("ann", "", "idt")),
        ({"registrytoken": "rt"}, Credential(registry_token="rt")),
        ({}, None),
        ({"email": "x"}, None),
    ],
)
def test_entries(tmp_path: Path, entry: dict[str, str], expected: Credential | None) -> None:
    assert _store(tmp_path, {"auths": {"r.io": entry}}).lookup("r.io") == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"auths":{"r.io":{"auth":"!!"}}}',
        '{"auths":{"r.io":{"auth":"bm9jb2xvbg=="}}}',
        '{"auths":{"r.io":[]}}',
        "{",
        "[]",
    ],
)
def test_broken_files_are_told_without_their_secrets(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)
    store = CredentialStore([file])
    with pytest.raises(Invalid) as caught:
        store.lookup("r.io")
    assert str(file) in str(caught.value)
    assert "bm9jb2xvbg" not in str(caught.value)


def test_a_broken_file_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"auths": ')
    with pytest.raises(Invalid):
        CredentialStore([file]).store("r.io", Credential("ann", "pw"))
    assert file.read_text() == '{"auths": '


def test_inline_goes_before_files_and_files_in_order(tmp_path: Path) -> None:
    one, two = tmp_path / "1.json", tmp_path / "2.json"
    one.write_text(json.dumps({"auths": {"b": _packed("file1:x")}}))
    two.write_text(json.dumps({"auths": {"b": _packed("file2:x"), "c": _packed("file2:x")}}))
    inline = json.dumps({"auths": {"a": _packed("inline:x")}})
    store = CredentialStore([tmp_path / "missing.json", one, two], inline)
    found = [store.lookup(host) for host in "abcd"]
    assert [one.username if one else None for one in found] == ["inline", "file1", "file2", None]
    with pytest.raises(Invalid, match="DOCKER_AUTH_CONFIG"):
        CredentialStore([], "{").lookup("a")


def test_storing_keeps_the_rest_and_is_private(tmp_path: Path) -> None:
    file = tmp_path / "new" / "config.json"
    store = CredentialStore([file])
    assert store.store("r.io", Credential("ann", "pw")) == str(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    document = json.loads(file.read_text())
    file.write_text(
        json.dumps({**document, "psFormat": "table", "auths": {**document["auths"], "https://r.io/v1/": {}}})
    )
    file.chmod(0o644)
    store.store("docker.io", Credential("hub", "ü"))
    store.store("r.io", Credential("bob", "pw2"))
    document = json.loads(file.read_text())
    assert document["psFormat"] == "table"
    assert sorted(document["auths"]) == [HUB_KEY, "r.io"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert store.lookup("r.io") == Credential("bob", "pw2")
    assert store.lookup("docker.io", "library/x") == Credential("hub", "ü")
    assert [entry.name for entry in file.parent.iterdir()] == ["config.json"]


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "config.json"
    real.write_text("{}")
    link.symlink_to(real)
    CredentialStore([link]).store("r.io", Credential("ann", "pw"))
    assert link.is_symlink()
    assert "r.io" in real.read_text()


def test_an_identity_token_is_kept(tmp_path: Path) -> None:
    store = CredentialStore([tmp_path / "c.json"])
    store.store("r.io", Credential("ann", identity_token="idt"))
    assert store.lookup("r.io") == Credential("ann", "", "idt")


def test_erasing(tmp_path: Path) -> None:
    store = _store(
        tmp_path, {"auths": {"r.io": _packed("a:b"), "https://r.io/v1/": _packed("a:b"), "x": _packed("c:d")}}
    )
    assert store.erase("r.io")
    assert not store.erase("r.io")
    assert store.lookup("r.io") is None
    assert store.lookup("x") is not None


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Denied, match="cannot write"):
        CredentialStore([tmp_path / "file" / "config.json"]).store("r.io", Credential("ann", "pw"))


def test_a_helper_keeps_the_secret_out_of_the_file(tmp_path: Path, helpers: Path) -> None:
    store = _store(tmp_path, {"credsStore": "keep", "auths": {"r.io": _packed("old:old")}})
    assert store.store("r.io", Credential("ann", "s3cret")) == "docker-credential-keep"
    assert "s3cret" not in (tmp_path / "config.json").read_text()
    assert json.loads((tmp_path / "config.json").read_text())["auths"] == {"r.io": {}}
    assert store.lookup("r.io") == Credential("ann", "s3cret")
    store.store("docker.io", Credential("hub", identity_token="idt"))
    assert store.lookup("docker.io") == Credential(identity_token="idt")
    assert (helpers / "kept" / "https___index.docker.io_v1_").exists()
    assert store.erase("r.io")
    assert not store.erase("r.io")
    assert store.lookup("r.io") is None


def test_the_order_of_helpers(tmp_path: Path, helpers: Path) -> None:
    Helper("keep").store("special.io", "helper", "1")
    config = {
        "credHelpers": {"special.io": "keep", "plain.io": ""},
        "credsStore": "not-installed",
        "auths": {"plain.io": _packed("file:1"), "special.io": _packed("file:1")},
    }
    store = _store(tmp_path, config)
    assert store.lookup("special.io") == Credential("helper", "1")
    assert store.lookup("plain.io") == Credential("file", "1")
    with pytest.raises(Unsupported, match="docker-credential-not-installed"):
        store.lookup("other.io")


def test_a_helper_that_knows_nothing_leaves_it_to_the_file(tmp_path: Path, helpers: Path) -> None:
    store = _store(tmp_path, {"credsStore": "keep", "auths": {"r.io": _packed("file:1")}})
    assert store.lookup("r.io") == Credential("file", "1")


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ("echo 'locked: enter the PIN'; exit 1", Denied, "locked: enter the PIN"),
        ("echo nonsense", Invalid, "JSON"),
        ("exec yes", Limit, "more than"),
        ("exec sleep 30", Unavailable, "did not answer"),
        ("exec sleep 30 >&-", Unavailable, "did not answer"),
    ],
)
def test_bad_helpers(helpers: Path, script: str, kind: type[ScowError], words: str) -> None:
    _program(helpers, "bad", f"#!/bin/sh\n{script}\n")
    with pytest.raises(kind, match=words):
        Helper("bad", timeout=0.5).get("r.io")


@pytest.mark.parametrize("name", ["../x", "a/b", "", "-x", "a b"])
def test_a_helper_is_a_name_not_a_path(name: str) -> None:
    with pytest.raises(Invalid):
        Helper(name).get("r.io")


def test_secrets_are_not_shown() -> None:
    credential = Credential("ann", "PASSWORD", "IDENTITY", "REGISTRY")
    assert "ann" in repr(credential)
    assert not any(secret in repr(credential) for secret in ("PASSWORD", "IDENTITY", "REGISTRY"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["auths", "r.io", "auth", "credHelpers", "username"]), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
def test_any_document_is_survived(document: object) -> None:
    try:
        found = CredentialStore([], json.dumps(document)).lookup("r.io", "a/b")
    except ScowError:
        return
    assert found is None or isinstance(found, Credential)
