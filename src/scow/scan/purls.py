"""Packages from package URLs: the way back from a bill of materials. Pure."""

from __future__ import annotations

from typing import Final

from scow.scan.package import ECOSYSTEMS, LANGUAGES, SYSTEM_KINDS, Distribution, Package

#: what joins namespace and name, in the names of these types
_JOINTS: Final = {"maven": ":"}
#: what purls (and Trivy's families) call distributions -> the os-release ID, where they differ
_IDS: Final = {
    "redhat": "rhel", "alma": "almalinux", "suse": "sles", "cbl-mariner": "mariner",
    **dict.fromkeys(("opensuse", "opensuse.leap"), "opensuse-leap"), "opensuse.tumbleweed": "opensuse-tumbleweed",
}  # fmt: skip


def from_purl(text: str, location: bytes = b"") -> Package | str:
    """The package that ``text`` names, or the reason why it names none."""
    from packageurl import PackageURL

    try:
        url = PackageURL.from_string(text[:4096])
    except ValueError as error:
        return f"no package URL: {text[:80]!r}: {error}"
    told = dict(url.qualifiers) if isinstance(url.qualifiers, dict) else {}
    version, namespace, distro = url.version or "", url.namespace or "", told.get("distro", "")
    if url.type in SYSTEM_KINDS:
        if url.type == "rpm" and told.get("epoch", "0") != "0":
            version = f"{told['epoch']}:{version}"
        source, source_version = _upstream(told.get("upstream", ""), url.type, url.name)
        return Package(
            url.name, version, url.type, distribution(namespace, distro).ecosystem, source,
            "" if source_version == url.version else source_version, told.get("arch", ""), location=location,
            namespace=namespace, distro=distro, modularity=told.get("rpmmod") or told.get("modularitylabel", ""),
        )  # fmt: skip
    joint = _JOINTS.get(url.type, "/")
    name = f"{namespace}{joint}{url.name}" if namespace else url.name
    return Package(name, version, url.type, LANGUAGES.get(url.type, ""), location=location)


def _upstream(text: str, kind: str, name: str) -> tuple[str, str]:
    """Name and version of the source: ``openssl@3.0`` or, of rpms, ``openssl-3.0-1.src.rpm``; empty for the same."""
    if kind == "rpm":
        source, version = source_rpm(text)
    else:
        source, _, version = text.partition("@")
    return source if source != name or version else "", version


def source_rpm(name: str) -> tuple[str, str]:
    """``bash-5.1.8-9.el9.src.rpm`` → ``bash``, ``5.1.8-9.el9``; empty for what is no such name."""
    parts = name.removesuffix(".src.rpm").removesuffix(".nosrc.rpm").rsplit("-", 2)
    return (parts[0], f"{parts[1]}-{parts[2]}") if len(parts) == 3 else ("", "")


def distribution(namespace: str, distro: str) -> Distribution:
    """What ``pkg:deb/debian/…?distro=debian-12`` says of the distribution; Trivy's ``pkg:apk/alpine/…?distro=3.19.1``
    leaves the name to the namespace."""
    name, _, release = distro.rpartition("-")
    if not release[:1].isdigit():
        if namespace and distro not in (namespace, "", *ECOSYSTEMS):  # ``distro=bookworm``
            return Distribution(namespace, codename=distro)
        name, release = distro, ""
    return Distribution(_IDS.get(name or namespace, name or namespace), release)
