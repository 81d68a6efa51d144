"""A socket's address as Python's sockets tell it, and as the kernel keeps it (struct sockaddr_in, sockaddr_in6)."""

import socket
import struct
from typing import Any

Address = tuple[Any, ...]
"""What Python's sockets give and take: (host, port) for IPv4, (host, port, flow, scope) for IPv6."""

NAME_BYTES = {socket.AF_INET: 16, socket.AF_INET6: 28}
TOLD_BYTES = {socket.AF_INET: 8, socket.AF_INET6: 28}
"""Of a name; the rest of it is zero."""

_FAMILY, _SCOPE = struct.Struct("@H"), struct.Struct("@I")
_IPV4, _IPV6 = struct.Struct("!H4s"), struct.Struct("!HI16s")


def name_of(family: int, address: Address) -> bytes:
    """Of `TOLD_BYTES`. Raises `OSError` when the host is not an IP address of this family."""
    packed = socket.inet_pton(family, address[0].partition("%")[0])
    if family == socket.AF_INET:
        return _FAMILY.pack(family) + _IPV4.pack(address[1], packed)
    flow, scope = address[2:] or (0, 0)
    return _FAMILY.pack(family) + _IPV6.pack(address[1], flow, packed) + _SCOPE.pack(scope)


def address_of(name: bytes) -> Address:
    """What `recvfrom` would have told."""
    family = _FAMILY.unpack_from(name)[0]
    if family == socket.AF_INET:
        port, packed = _IPV4.unpack_from(name, _FAMILY.size)
        return socket.inet_ntop(family, packed), port
    port, flow, packed = _IPV6.unpack_from(name, _FAMILY.size)
    scope = _SCOPE.unpack_from(name, _FAMILY.size + _IPV6.size)[0]
    return socket.inet_ntop(family, packed), port, flow, scope
