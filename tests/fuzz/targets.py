"""Everything that reads what strangers wrote, as functions of bytes: they may raise :class:`ScowError`, nothing else.

Each has a few seeds, and words that its grammar knows. Import this from a fuzzer of any kind.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.layer import tars
from tests.layer.tars import item
from tests.scan.catalog import test_fuzz as catalog

from scow.cli.gotemplate.template import compile as compile_template
from scow.content.archive import open_archive
from scow.content.tar import Tar
from scow.dockerfile.ignore import Patterns
from scow.dockerfile.parser import parse as parse_dockerfile
from scow.dockerfile.stages import stages
from scow.errors import ScowError as _Refused
from scow.layer import toc
from scow.layer.apply import apply
from scow.layer.compression import detected, inflated
from scow.layer.index import Writer
from scow.layer.removal import remove
from scow.layer.rights import rights
from scow.layer.tree import NoTree, OverlayTree
from scow.oci import config as oci_config
from scow.oci import media_types
from scow.oci.digest import Digest
from scow.oci.location import Location
from scow.oci.manifest import Index, parse
from scow.oci.platform import Platform
from scow.oci.reference import Reference
from scow.registry import challenge
from scow.registry.credentials import CredentialStore
from scow.registry.protocol import Answer, tag_names
from scow.registry.refusal import refusal
from scow.registry.routes import parse as parse_rules
from scow.scan.catalog import rpm

_ZERO = "sha256:" + "0" * 64
_DESCRIPTOR = f'{{"mediaType":"{media_types.OCI_LAYER_GZIP}","digest":"{_ZERO}","size":3}}'


@dataclass(frozen=True)
class Target:
    """``read`` is fed bytes; ``seeds`` are good ones, ``words`` what makes others of them."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()


class Once:
    """A reader that hands out an odd number of bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(min(size, 4097) if size >= 0 else 4097)


def _manifest(data: bytes) -> None:
    wanted = Platform("amd64", "linux")
    for media_type in ("", *media_types.MANIFESTS, *media_types.INDEXES):
        with contextlib.suppress(_Refused):
            document = parse(data, media_type)
            _ = [child.plain for child in document.children]
            if isinstance(document, Index):
                _ = [entry.platform.fitness(wanted) for entry in document.manifests if entry.platform]


def _config(data: bytes) -> None:
    config = oci_config.parse(data)
    _ = (config.diff_ids, config.platform, config.process)


def _reference(data: bytes) -> None:
    reference = Reference.parse(data.decode(errors="surrogateescape"))
    for text in (str(reference), reference.familiar):
        assert Reference.parse(text) == reference, text


def _location(data: bytes) -> None:
    location = Location.parse(data.decode(errors="surrogateescape"))
    assert Location.parse(str(location)).kind in (location.kind, "store", "docker", "oci")


def _words(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    for read in (Digest, Platform.parse):
        with contextlib.suppress(_Refused):
            read(text)


def _challenge(data: bytes) -> None:
    chosen = challenge.choose(challenge.parse(data.decode("latin-1")))
    _ = chosen and (chosen.realm, chosen.scopes)


def _auth(data: bytes) -> None:
    store = CredentialStore((), data.decode(errors="replace") or "{}")
    for host, path in (("docker.io", "library/x"), ("example.com:5000", "a/b")):
        with contextlib.suppress(_Refused):
            store.lookup(host, path)


def _answer(data: bytes) -> None:
    for status in (200, 401, 404, 429, 500):
        told = str(refusal(Answer(status, {"retry-after": data[:30].decode("latin-1")}, data)))
        assert told.isprintable(), told
    tag_names(Answer(200, {}, data), "x")


def _rules(data: bytes) -> None:
    parse_rules(data, "registries.toml", strict=bool(data[:1] < b"m"))


def _layer(data: bytes) -> None:
    apply(inflated(*detected(Once(data))), NoTree(), Writer(io.BytesIO()))


def _toc(data: bytes) -> None:
    toc.footer(data, 10_000, "x")
    toc.parse(data, 1000)


def _tree(data: bytes) -> None:
    """Into a directory; what stands beside it does not change."""
    place = Path(tempfile.mkdtemp(prefix="scow-fuzz-"))
    try:
        (place / "root").mkdir()
        (place / "canary").write_text("untouched")
        tree = OverlayTree(place / "root", rights())
        try:
            with contextlib.suppress(_Refused):
                apply(Once(data), tree, Writer(io.BytesIO()))
        except OSError as error:  # the disk's own word is told by the caller
            assert error.errno, error
        finally:
            tree.close()
        assert (place / "canary").read_text() == "untouched"
        assert sorted(os.listdir(place)) == ["canary", "root"]
    finally:
        remove(place)


def _dockerfile(data: bytes) -> None:
    stages(parse_dockerfile(data))


def _ignore(data: bytes) -> None:
    patterns = Patterns.parse(data)
    for path in ("a", "a/b/c", ".x", "a/../b", "\udcff"):
        patterns.ignores(path)
        patterns.may_hold_exception(path)


def _archive(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(prefix="scow-fuzz-") as file:
        file.write(data)
        file.flush()
        with contextlib.closing(Tar(Path(file.name))) as tar:
            source = open_archive(tar)
            for _, descriptor in source.names():
                with source.open(descriptor) as reader:
                    reader.read(1000)


def _template(data: bytes) -> None:
    compile_template(data.decode(errors="replace")).render({"Name": "x", "List": [1, "2"], "Map": {"a": {"b": None}}})


_MANIFEST = f'{{"schemaVersion":2,"config":{_DESCRIPTOR},"layers":[{_DESCRIPTOR}]}}'.encode()
_INDEX = (
    f'{{"schemaVersion":2,"manifests":[{_DESCRIPTOR[:-1]},"platform":{{"os":"linux","architecture":"arm","variant":"v7"}}}}]}}'
).encode()
_TAR = tars.write(
    [
        item("d", "dir"),
        item("d/f", data=b"data" * 200, xattrs=((b"user.x", b"y"),)),
        item("d/l", "symlink", link=b"../../x"),
        item("d/h", "hardlink", link=b"d/f"),
        item("d/.wh.gone"),
        item("n" * 150, data=b"long"),
        item("p", "fifo"),
    ]
)
_CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["%s"]}}' % _ZERO.encode()
_DOCKER_ARCHIVE = tars.write(
    [
        item("manifest.json", data=b'[{"Config":"c","RepoTags":["a:1"],"Layers":["l"]}]'),
        item("c", data=_CONFIG),
        item("l", data=b"layer"),
    ]
)
_TOC = (
    b'{"version":1,"entries":[{"name":"d/","type":"dir","modtime":"2023-11-14T22:13:20Z"},{"name":"d/f","type":"reg",'
    b'"size":3,"offset":9,"digest":"%s"},{"name":"d/f","type":"chunk","offset":20,"chunkOffset":2}]}' % _ZERO.encode()
)
_RULES = b'[[registry]]\nprefix="a"\nlocation="b/c"\n[[registry.mirror]]\nlocation="d"\n'
_DOCKERFILE = b"# escape=`\nARG a=b\nFROM x AS y\nRUN <<E\nz\nE\nCOPY --from=y a /b\nHEALTHCHECK CMD x\n"
_LOGINS = (
    b'{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"}}}',
    b'{"auths":{"example.com:5000/a":{"identitytoken":"x"}}}',
)
_CHALLENGES = (b'Bearer realm="https://a/t",service="s",scope="repository:a:pull"', b"Basic realm=x, Negotiate abc==")
_JSON = (b'"', b"{", b"}", b"[", b"]", b"null", b"-1", b"1e999", b"\\ud800", b"sha256:", b'"size":', b'"digest":')
_PATHS = (b"../", b"/", b".wh.", b".wh..wh..opq", b"\0", b"00000000000\0", b"x" * 100, b"L", b"x", b"5", b"2", b"1")
_LINES = (b"\\\n", b"<<EOF\n", b"FROM ", b"ONBUILD ", b"--mount=type=cache,target=/x ", b"${a:-b}", b"[", b"\xff")

TARGETS: dict[str, Target] = {
    "manifest": Target(_manifest, (_MANIFEST, _INDEX), (*_JSON, b'"manifests":', b'"layers":', b'"mediaType":')),
    "config": Target(_config, (_CONFIG,), (*_JSON, b'"rootfs":', b'"history":', b'"Healthcheck":', b'"config":')),
    "reference": Target(
        _reference,
        (b"host:5000/a/b:tag@" + _ZERO.encode(), b"[::1]:5/x"),
        (b":", b"/", b"@", b".", b"library/"),
    ),
    "location": Target(_location, (b"docker://x:1", b"oci:/a:b:c"), (b":", b"//", b"store:", b"dir:", b"oci-archive:")),
    "words": Target(_words, (_ZERO.encode(), b"linux/arm64/v8"), (b"/", b":", b"sha512:", b"v7")),
    "challenge": Target(_challenge, _CHALLENGES, (b'"', b"\\", b",", b"=", b"Bearer ", b"Basic ", b"realm=")),
    "auth": Target(_auth, _LOGINS, (*_JSON, b'"auths":', b'"auth":', b'"username":')),
    "answer": Target(_answer, (b'{"errors":[{"code":"DENIED","message":"no"}],"tags":["1"]}',), _JSON),
    "rules": Target(_rules, (_RULES,), (b"[[", b"]]", b"=", b"\n", b"'")),
    "layer": Target(_layer, (_TAR,), _PATHS),
    "toc": Target(_toc, (_TOC,), (*_JSON, b'"offset":', b'"chunk"', b'"innerOffset":', b'"modtime":', b'"xattrs":')),
    "tree": Target(_tree, (_TAR,), _PATHS),
    "dockerfile": Target(_dockerfile, (_DOCKERFILE,), _LINES),
    "ignore": Target(_ignore, (b"*\n!a/**/b\n[a-c]?\n",), (b"**", b"[", b"]", b"\\", b"!", b"../")),
    "archive": Target(_archive, (_DOCKER_ARCHIVE,), (*_JSON, *_PATHS, b"index.json", b"oci-layout")),
    "template": Target(
        _template,
        (b"{{.Name}} {{range .List}}{{.}}{{end}}{{json .Map}}",),
        (b"{{", b"}}", b"end", b"if ", b"index ", b"|", b"$x := ", b'"%s"'),
    ),
    "rpm header": Target(lambda data: rpm._package(b"p", data, []), (catalog.HEADER,)),
    **{
        f"scan {rule.pattern or 'program'}": Target(partial(catalog.read, rule), tuple(catalog.SEEDS), _JSON)
        for rule in catalog.READERS
    },
}


def feed(target: Target, data: bytes) -> None:
    """One input; raises whatever should not have come out."""
    with contextlib.suppress(_Refused):
        target.read(data)
