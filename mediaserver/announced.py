"""The addresses of the media ports: what clients are told, and what this machine binds to."""

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Announced:
    """One address told to clients (`public`), and the address of this machine to which it leads (`local`): the same,
    unless a router or a cloud translates it. Written `PUBLIC=LOCAL`, or `ADDRESS` for both."""

    public: str
    local: str

    @classmethod
    def parse(cls, text: str) -> "Announced":
        """Raises `ValueError` with words for whoever wrote it."""
        public, equals, local = text.partition("=")
        if equals and not local:
            raise ValueError("write PUBLIC=LOCAL, such as 203.0.113.7=10.0.0.5")
        first = _address(public)
        second = _address(local) if local else first
        if first.version != second.version:
            raise ValueError("PUBLIC and LOCAL must both be IPv4, or both IPv6")
        return cls(str(first), str(second))

    def __str__(self) -> str:
        return self.public if self.public == self.local else f"{self.public}={self.local}"


def check_announced(announced: tuple[Announced, ...]) -> None:
    """Raises `ValueError` when an address is told twice: browsers would not know which is meant."""
    told = [one.public for one in announced]
    twice = next((address for address in told if told.count(address) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is announced twice")


def local_addresses(announced: tuple[Announced, ...]) -> tuple[str, ...]:
    """Each address to bind to, once."""
    return tuple(dict.fromkeys(one.local for one in announced))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is no IP address") from None
    if address.is_unspecified:
        raise ValueError("announce addresses that clients can reach, not a wildcard")
    if address.is_multicast:
        raise ValueError(f"{text} is a multicast address")
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            raise ValueError(f"write {address.ipv4_mapped} instead of {text}")
        if address.scope_id is not None or address.is_link_local:
            raise ValueError(f"{text} is valid on one link only: no browser can use it")
    return address
