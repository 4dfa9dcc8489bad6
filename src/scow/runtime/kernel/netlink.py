"""rtnetlink(7), as much as a container's network needs: bridges, veth pairs, addresses, links that are up. Light.

A message is a header (length, type, flags, sequence, port) and a body; attributes are (length, type, value), padded to
four bytes. Every request asks for an acknowledgement: an errno, 0 when it was done.
"""

from __future__ import annotations

import _socket as socket  # the module behind socket, which costs more than the rest of the start
import os
import struct

_NEWLINK, _NEWADDR, _NEWROUTE, _ERROR = 16, 20, 24, 2
_REQUEST, _ACK, _EXCL, _CREATE = 0x001, 0x004, 0x200, 0x400
_NETLINK_ROUTE, _AF_NETLINK, _SOCK_RAW, _SOCK_CLOEXEC = 0, 16, 3, 0o2000000
_IFF_UP = 1

# include/uapi/linux/if_link.h, if_addr.h, rtnetlink.h, veth.h
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 1, 3, 10, 18, 28
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2


class Netlink:
    """A socket into the network namespace that this process is in now, and stays in it."""

    def __init__(self) -> None:
        self._socket = socket.socket(_AF_NETLINK, _SOCK_RAW | _SOCK_CLOEXEC, _NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._count = 0

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def bridge(self, name: str) -> None:
        """Make a bridge; FileExistsError when there is one of that name."""
        self._call(_NEWLINK, _CREATE | _EXCL, _link() + _text(_IFLA_IFNAME, name) + _kind("bridge"))

    def veth(self, name: str, master: int, peer: str, namespace: int, station: bytes) -> None:
        """Make a pair: ``name`` here, on the bridge with index ``master`` and up; ``peer`` in the network ``namespace``
        (a descriptor), with ``station`` as its hardware address."""
        other = _link() + _text(_IFLA_IFNAME, peer) + _number(_IFLA_NET_NS_FD, namespace)
        other += _attribute(_IFLA_ADDRESS, station)
        body = _link(up=True) + _text(_IFLA_IFNAME, name) + _number(_IFLA_MASTER, master)
        self._call(_NEWLINK, _CREATE | _EXCL, body + _kind("veth", _attribute(_VETH_PEER, other)))

    def up(self, index: int) -> None:
        """Switch a link on."""
        self._call(_NEWLINK, 0, _link(index, up=True))

    def address(self, index: int, address: str, prefix: int) -> None:
        """Give a link an IPv4 address."""
        raw = socket.inet_aton(address)
        body = struct.pack("=BBBBI", socket.AF_INET, prefix, 0, 0, index)
        self._call(_NEWADDR, _CREATE | _EXCL, body + _attribute(_IFA_LOCAL, raw) + _attribute(_IFA_ADDRESS, raw))

    def _call(self, kind: int, flags: int, body: bytes) -> None:
        self._count += 1
        header = struct.pack("=IHHII", 16 + len(body), kind, _REQUEST | _ACK | flags, self._count, 0)
        self._socket.send(header + body)
        answer = self._socket.recv(1 << 16)
        (what,) = struct.unpack_from("=H", answer, 4)
        (errno,) = struct.unpack_from("=i", answer, 16)
        if what != _ERROR or errno:
            raise OSError(-errno, os.strerror(-errno), "rtnetlink")


def index_of(name: str) -> int:
    """The number of a link in the network namespace that this process is in; OSError when there is none."""
    return socket.if_nametoindex(name)


def station(address: str) -> bytes:
    """The hardware address for an IPv4 address, as docker has it: who knew it before a restart knows it after."""
    return b"\x02\x42" + socket.inet_aton(address)


def _link(index: int = 0, up: bool = False) -> bytes:
    """``struct ifinfomsg``."""
    return struct.pack("=BxHiII", 0, 0, index, _IFF_UP if up else 0, _IFF_UP if up else 0)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack("=I", value))


def _kind(name: str, settings: bytes = b"") -> bytes:
    inner = _text(_INFO_KIND, name) + (_attribute(_INFO_DATA, settings) if settings else b"")
    return _attribute(_IFLA_LINKINFO, inner)
