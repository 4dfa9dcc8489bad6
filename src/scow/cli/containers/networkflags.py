"""docker's flags about a container's network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from scow.cli.options import option, switch, together
from scow.errors import Unsupported
from scow.runtime.spec import ports
from scow.runtime.spec.ports import Port


def _ports(_ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]) -> tuple[Port, ...]:
    return tuple(dict.fromkeys(port for text in texts for port in ports.parse(text)))


def _exposed(_ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        ports.exposed(text)
    return texts


def _one(_ctx: click.Context, _param: click.Parameter, names: tuple[str, ...]) -> str:
    if len(set(names)) > 1:
        raise Unsupported("a container is on one network", subject=f"--network {', '.join(names)}")
    return names[0] if names else ""


_list = partial(option, multiple=True, metavar="list")
network_flags = together(
    _list("--dns-option", "--dns-opt", "dns_option", help="Options of the resolver"),
    _list("--dns-search", help="Domains to search names in"),
    _list("--expose", callback=_exposed, help="A port, or several, for -P to publish"),
    option("--ip", default="", metavar="ip", help="The address on a user's network"),
    option("--network", "--net", multiple=True, callback=_one, metavar="network",
           help="host (the default), none, bridge (its own; the default with -p), a user's network, container:NAME"),
    _list("--network-alias", "--net-alias", "network_alias", help="One more name on a user's network"),
    _list("-p", "--publish", callback=_ports, help="Lead a port of this machine in ([IP:][HOST:]PORT)"),
    switch("-P", "--publish-all", help="Publish every exposed port, on ports that are free"),
)  # fmt: skip


def network_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the flags come to, as fields of :class:`~scow.runtime.spec.options.Options`."""
    published = bool(given["publish"] or given["publish_all"])
    name = given["network"]
    if name in ("", "default"):
        name = "bridge" if published else "host"
    return {
        "network": name,
        "ports": given["publish"],
        "publish_all": given["publish_all"],
        "expose": given["expose"],
        "network_aliases": given["network_alias"],
        "ip": given["ip"],
        "dns_search": given["dns_search"],
        "dns_options": given["dns_option"],
    }
