"""A container's own network, made by the launcher before the container is there. Light.

::

    bridge           a network namespace, and an outlet: the way out, and published ports in
    NAME             the same, and a veth pair to the network's bridge, which is at the keeper
    container:NAME   the network namespace of another container

Nothing of it is on the host: no bridge, no route, no rule of a firewall. So it takes no root, and no kill leaves
anything behind (ADR 0045).
"""

from __future__ import annotations

import os

from scow.runtime.kernel import linux, netlink
from scow.runtime.launcher import keeper, sharing
from scow.runtime.launcher.outlet import Outlet
from scow.runtime.wire import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SETTINGS = (("ip_unprivileged_port_start", "0"), ("ping_group_range", "0 2147483647"))  # docker's


def enter(network: dict[str, Any], directory: str, new_user_namespace: Callable[[], None] | None) -> Outlet | None:
    """Be in the container's user and network namespaces, with the way out of them; ``directory`` is its bundle.

    ``new_user_namespace`` makes one, where the launcher needs it. Raises :class:`Refused` or OSError.
    """
    if "join" in network:
        _join(network["join"], with_user=new_user_namespace is not None)
        return None
    return _make(network, directory, new_user_namespace)


def _join(process: list[int], with_user: bool) -> None:
    """Another container's network, in the user namespace that owns it."""
    there = sharing.namespace(process, "net")
    if with_user:
        sharing.enter_owner(there)
    linux.setns(there, linux.CLONE_NEWNET)
    os.close(there)


def _make(network: dict[str, Any], directory: str, new_user_namespace: Callable[[], None] | None) -> Outlet | None:
    if "keeper" in network:
        keeper.hold(network, new_user_namespace)
    outlet = Outlet(network, directory, mounted=new_user_namespace is None) if network["outlet"] else None
    if "keeper" in network:
        if new_user_namespace is not None:
            keeper.enter(network, "user", linux.CLONE_NEWUSER)
        _plug(network)
    else:
        if new_user_namespace is not None:
            new_user_namespace()
        linux.unshare(linux.CLONE_NEWNET)
    here = netlink.Netlink()
    here.up(netlink.index_of("lo"))
    here.close()
    for name, value in _SETTINGS:
        _set(f"/proc/sys/net/ipv4/{name}", value)
    if outlet is not None:
        outlet.open()
    return outlet


def _plug(network: dict[str, Any]) -> None:
    """A network namespace with a cable to the network's bridge."""
    keeper.enter(network, "net", linux.CLONE_NEWNET)
    hub = netlink.Netlink()
    bridge = _bridge(hub, network)
    linux.unshare(linux.CLONE_NEWNET)
    mine = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    here = netlink.Netlink()
    try:
        hub.veth(f"v{os.getpid()}", bridge, "eth0", mine, netlink.station(network["address"]))
        index = netlink.index_of("eth0")
        here.address(index, network["address"], network["prefix"])
        here.up(index)
    except OSError as error:
        raise Refused("Unsupported", f"cannot be joined: {error.strerror}", f"network {network['name']}") from None
    finally:
        os.close(mine)
        hub.close()
        here.close()


def _bridge(hub: netlink.Netlink, network: dict[str, Any]) -> int:
    """The network's bridge at the keeper; its index."""
    name = network["bridge"]
    try:
        hub.bridge(name)
    except FileExistsError:
        return netlink.index_of(name)
    except OSError as error:
        why = f"bridges cannot be made here: {error.strerror}"
        raise Refused("Unsupported", why, f"network {network['name']}") from None
    index = netlink.index_of(name)
    hub.up(index)
    return index


def _set(path: str, value: str) -> None:
    try:
        with open(path, "w") as file:
            file.write(value)
    except OSError:
        pass  # kernels differ
