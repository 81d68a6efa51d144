"""The sockets of a worker's port: for each address one for UDP and one that listens for TCP, all on one number."""

import errno
import logging
import os
import socket
from dataclasses import dataclass, field

BUFFER_BYTES = 4 << 20
LISTEN_BACKLOG = 128

_ANY_PORT_TRIES = 20
_SO_SNDBUFFORCE = 32
_SO_RCVBUFFORCE = 33

logger = logging.getLogger(__name__)


class PortTaken(Exception):
    """Somebody has this number already."""


@dataclass(slots=True)
class PortSockets:
    """One socket an address: no wildcard, since answers must come from the address asked."""

    number: int = 0
    udp: list[socket.socket] = field(default_factory=list)
    tcp: list[socket.socket] = field(default_factory=list)

    def close(self) -> None:
        for opened in (*self.udp, *self.tcp):
            opened.close()


def bind_first_free(addresses: tuple[str, ...], ports: range) -> PortSockets:
    """The first number of the range that is free on every address, for UDP and TCP alike. 0 takes any.

    Raises `OSError` whose text says what could not be had.
    """
    if not addresses:
        raise OSError(errno.EADDRNOTAVAIL, "no address to announce")
    for number in ports:
        for _ in range(1 if number else _ANY_PORT_TRIES):
            try:
                return _bind_all(addresses, number)
            except PortTaken:
                continue
    raise OSError(errno.EADDRINUSE, f"no free UDP and TCP port in {ports.start}-{ports.stop - 1}")


def _bind_all(addresses: tuple[str, ...], number: int) -> PortSockets:
    sockets = PortSockets(number)
    try:
        for address in addresses:
            sockets.udp.append(_bind(address, sockets.number, socket.SOCK_DGRAM))
            sockets.number = sockets.udp[0].getsockname()[1]
        for address in addresses:
            sockets.tcp.append(_bind(address, sockets.number, socket.SOCK_STREAM))
    except BaseException:
        sockets.close()
        raise
    return sockets


def _bind(address: str, number: int, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, kind)
    try:
        bound.setblocking(False)
        if family == socket.AF_INET6:
            # IPv4 has sockets of its own; through this one it would come as ::ffff: addresses.
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            # Connections of a worker that just ended must not keep the next one from listening.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, number))
        if kind == socket.SOCK_STREAM:
            bound.listen(LISTEN_BACKLOG)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken from None
        raise OSError(error.errno, _why_not(address, error.errno or 0)) from None
    return bound


def _why_not(address: str, number: int) -> str:
    words = f"can't listen on {address}: {os.strerror(number)}"
    if number == errno.EADDRNOTAVAIL:
        words += " (behind NAT announce PUBLIC=LOCAL, with the address that this machine has)"
    return words


def enlarge_buffers(bound: socket.socket, wanted: int) -> None:
    for name, option, forced in (
        ("receive", socket.SO_RCVBUF, _SO_RCVBUFFORCE),
        ("send", socket.SO_SNDBUF, _SO_SNDBUFFORCE),
    ):
        try:
            bound.setsockopt(socket.SOL_SOCKET, forced, wanted)
        except PermissionError:
            bound.setsockopt(socket.SOL_SOCKET, option, wanted)
        # The kernel doubles what it is asked for, to have room for its own bookkeeping.
        granted = bound.getsockopt(socket.SOL_SOCKET, option) // 2
        if granted < wanted:
            logger.warning("UDP %s buffer is %d bytes, wanted %d: raise net.core.[rw]mem_max", name, granted, wanted)
