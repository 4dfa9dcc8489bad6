"""docker's flags about a container's network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from scow.cli.options import option, switch
from scow.errors import Unsupported
from scow.runtime import ports
from scow.runtime.ports import Port

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


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


_FLAGS: tuple[tuple[tuple[str, ...], dict[str, Any], str], ...] = (
    (("--dns-option", "--dns-opt", "dns_option"), {"metavar": "list"}, "Options of the resolver"),
    (("--dns-search",), {"metavar": "list"}, "Domains to search names in"),
    (("--expose",), {"metavar": "list", "callback": _exposed}, "A port, or several, for -P to publish"),
    (("--network-alias", "--net-alias", "network_alias"), {"metavar": "list"}, "One more name on a user's network"),
    (("-p", "--publish"), {"metavar": "list", "callback": _ports}, "Lead a port of this machine in ([IP:][HOST:]PORT)"),
)


def network_flags(function: _Decorated) -> _Decorated:
    """Declare them all on a command."""
    for names, settings, told in reversed(_FLAGS):
        function = option(*names, multiple=True, help=told, **settings)(function)
    function = option("--ip", default="", metavar="ip", help="The address on a user's network")(function)
    name = "host (the default), none, bridge (its own; the default with -p), a user's network, container:NAME"
    function = option("--network", "--net", multiple=True, callback=_one, metavar="network", help=name)(function)
    return switch("-P", "--publish-all", help="Publish every exposed port, on ports that are free")(function)


def network_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the flags come to, as fields of :class:`~scow.runtime.options.Options`."""
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
