"""Our candidates in an answer: for each announced address one for UDP and one for TCP (RFC 8839, RFC 6544)."""

_COMPONENT = 255
"""256 − component 1 (RFC 8445 section 5.1.2.1)."""
_UDP_HOST = 126
_TCP_HOST = 90
"""Below every UDP host candidate (RFC 6544 section 4.2): TCP is for who can't have UDP."""
_PASSIVE = 4
"""The direction preference of a passive host candidate (RFC 6544 section 4.2)."""


def candidate_lines(addresses: tuple[str, ...], port: int) -> list[str]:
    """Attribute lines, earlier announced addresses preferred."""
    udp = [
        f"a=candidate:{index} 1 udp {_priority(_UDP_HOST, 65536 - index)} {address} {port} typ host"
        for index, address in enumerate(addresses, 1)
    ]
    tcp = [
        f"a=candidate:{index + len(addresses)} 1 tcp {_priority(_TCP_HOST, (_PASSIVE << 13) + 8192 - index)} "
        f"{address} {port} typ host tcptype passive"
        for index, address in enumerate(addresses, 1)
    ]
    return [*udp, *tcp, "a=end-of-candidates"]


def _priority(kind: int, local_preference: int) -> int:
    return (kind << 24) + (local_preference << 8) + _COMPONENT
