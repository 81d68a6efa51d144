"""Which kind of way people's media takes, as counters. Media relayed by TURN comes by UDP: its page alone knows."""

from collections.abc import Iterable

from mediaserver.transport import Transport

_KINDS = ("udp_ipv4", "udp_ipv6", "tcp_ipv4", "tcp_ipv6")


def peers_by_path(transports: Iterable[Transport]) -> dict[str, int]:
    """`peers_udp_ipv4` and so on: how many people's media goes which way just now."""
    counters = {f"peers_{kind}": 0 for kind in _KINDS}
    for transport in transports:
        kind = _kind(transport)
        if kind:
            counters[f"peers_{kind}"] += 1
    return counters


def path_of(transport: Transport) -> dict[str, int]:
    """`path_udp_ipv4` and so on: 1 for the way in use, all 0 while there is none."""
    kind = _kind(transport)
    return {f"path_{each}": int(each == kind) for each in _KINDS}


def _kind(transport: Transport) -> str:
    path = transport.path
    if path is None:
        return ""
    endpoint = path.endpoint
    return f"{'tcp' if endpoint.tcp else 'udp'}_{'ipv6' if endpoint.ipv6 else 'ipv4'}"
