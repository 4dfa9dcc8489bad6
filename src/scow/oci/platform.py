"""Platforms: ``os/architecture[/variant]`` and which entry of an index serves one (image-spec image-index.md)."""

# Annotations are not deferred: msgspec would compile each of them before the first document is read.

from collections.abc import Iterable
from typing import Final

import msgspec

from scow.errors import Invalid

_ARCHITECTURES: Final[dict[str, tuple[str, str | None]]] = {
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "i386": ("386", None),
    "i686": ("386", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
}
#: The variant that leaving it out means.
_DEFAULT_VARIANT: Final = {"arm": "v7", "arm64": "v8", "amd64": "v1"}
_OSES: Final = {"macos": "darwin"}
#: Go's names, by which images go, and what some images for WebAssembly say.
_KNOWN: Final = frozenset({
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc", "ppc64", "ppc64le",
    "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm", "wasm32",
})  # fmt: skip
_KNOWN_OSES: Final = frozenset({
    "aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "ios", "js", "linux", "netbsd", "openbsd", "plan9",
    "solaris", "wasi", "wasip1", "windows", "zos",
})  # fmt: skip


class Platform(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an image runs on. ``variant`` is ``None`` where it is the architecture's usual one."""

    architecture: str
    os: str
    variant: str | None = None
    os_version: str | None = msgspec.field(name="os.version", default=None)
    os_features: tuple[str, ...] | None = msgspec.field(name="os.features", default=None)

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """Read ``linux/arm64/v8``, ``linux/x86_64``, ``arm64`` or ``linux``-less forms as docker does."""
        parts = text.strip().lower().split("/")
        if not 1 <= len(parts) <= 3 or not all(part.replace("-", "").replace("_", "").isalnum() for part in parts):
            raise Invalid("not a platform: want os/architecture[/variant]", subject=repr(text))
        if len(parts) == 1:
            if parts[0] not in _KNOWN and parts[0] not in _ARCHITECTURES:
                raise Invalid(
                    "unknown architecture", subject=repr(text), hint="os/architecture[/variant], as in linux/arm64"
                )
            parts = ["linux", parts[0]]
        return cls(parts[1], parts[0], parts[2] if len(parts) == 3 else None).normalised()

    def normalised(self) -> "Platform":
        """One spelling per platform: ``x86_64`` is ``amd64``, ``arm64/v8`` is ``arm64``."""
        architecture, variant = _ARCHITECTURES.get(self.architecture.lower(), (self.architecture.lower(), None))
        variant = self.variant or variant
        if architecture != "arm" and variant == _DEFAULT_VARIANT.get(architecture):
            variant = None
        os = self.os.lower()
        return Platform(architecture, _OSES.get(os, os), variant, self.os_version, self.os_features)

    @property
    def known(self) -> bool:
        """False for attestation manifests, which say ``unknown/unknown``."""
        return self.os != "unknown" and self.architecture != "unknown"

    def fitness(self, wanted: "Platform") -> int:
        """How well this serves ``wanted``: 0 not at all, more is better."""
        have, want = self.normalised(), wanted.normalised()
        if (have.os, have.architecture) != (want.os, want.architecture):
            return 0
        default = _DEFAULT_VARIANT.get(want.architecture, "")
        mine, theirs = have.variant or default, want.variant or default
        if mine == theirs:
            return 100
        # Variants are ordered: a v7 machine runs v6 and v5 code, an amd64/v3 machine runs amd64/v1.
        runs_older = mine < theirs and want.architecture in ("arm", "amd64", "arm64")
        return 10 + len(mine) + int(mine[1:2] or 0) if runs_older and mine[:1] == "v" else 0

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


def wanted(text: str | None, here: Platform) -> Platform:
    """The platform that somebody asks for: ``here`` when nothing is said, and ``here``'s architecture where only an
    operating system is. Raises :class:`Invalid` for one that no image can be for."""
    if text is None:
        return here
    alone = _OSES.get(text, text)
    found = Platform(here.architecture, alone, here.variant) if alone in _KNOWN_OSES else Platform.parse(text)
    if found.os not in _KNOWN_OSES or found.architecture not in _KNOWN:
        raise Invalid("unknown operating system or architecture", subject=repr(text), hint="as in linux/arm64")
    return found


def best(platforms: Iterable[Platform | None], wanted: Platform) -> int | None:
    """The position of the platform that serves ``wanted`` best, the first of equals; ``None`` when none does."""
    scores = [(platform.fitness(wanted) if platform and platform.known else 0) for platform in platforms]
    top = max(scores, default=0)
    return scores.index(top) if top else None
