"""The ways to peers: our end of each, the address on the other side, and who is told of what comes."""

from typing import Protocol

from mediaserver.outbox import OUTBOX, Route
from mediaserver.places import HEADROOM, Place
from mediaserver.socket_names import Address


class DatagramSender(Protocol):
    """A UDP socket, or a TCP connection that frames what it sends."""

    def sendto(self, datagram: bytes | memoryview, address: Address, /) -> int:
        """What it keeps it copies: the memory of a view is written anew by the next packet."""
        ...


class Connected(Protocol):
    """The transport behind a confirmed (or adopted) address."""

    @property
    def video_formats(self) -> frozenset[int]:
        """The RTP payload types of pictures: what a full way leaves out first."""
        ...

    def receive_rtp(self, path: "Path", place: Place, length: int, arrival: float) -> None:
        """Of so many bytes, and decrypted in place."""
        ...

    def receive_media(self, path: "Path", packet: bytes, arrival: float) -> None:
        """RTP or RTCP."""
        ...

    def receive_dtls(self, path: "Path", datagram: bytes, arrival: float) -> None: ...

    def path_lost(self, path: "Path") -> None:
        """The TCP connection behind the path has ended."""
        ...


class Strangers(Protocol):
    """Looks at what comes from unknown addresses."""

    def receive_stun(self, endpoint: "Endpoint", address: Address, datagram: bytes, arrival: float) -> None: ...

    def receive_stray_media(self, endpoint: "Endpoint", address: Address, packet: bytes, arrival: float) -> None: ...


class Path:
    """A way to a peer: one of our endpoints and the address on the other side."""

    __slots__ = ("address", "confirmed", "endpoint", "settled", "transport")

    def __init__(self, endpoint: "Endpoint", address: Address, transport: Connected) -> None:
        self.endpoint = endpoint
        self.address = address
        self.transport = transport
        self.confirmed = False
        """A verified STUN check came from there."""
        self.settled = False
        """In use, and the last authentic packet came from there: the next one changes nothing."""


class _FrameRoute:
    """To the other side of a TCP connection."""

    __slots__ = ("_address", "_sender")

    def __init__(self, sender: DatagramSender, address: Address) -> None:
        self._sender = sender
        self._address = address

    @staticmethod
    def post(route: "_FrameRoute", length: int) -> None:
        route._sender.sendto(OUTBOX.room[HEADROOM : HEADROOM + length], route._address)


class Endpoint:
    """Our end of paths: a UDP socket of the port with many, or one TCP connection with its only one. `paths` is
    changed by `remember` and `forget` alone."""

    tcp = False

    def __init__(self, sender: DatagramSender, address: str) -> None:
        self.socket = sender
        self.address = address
        """Our own, as bound."""
        self.paths: dict[Address, Path] = {}

    @property
    def ipv6(self) -> bool:
        return ":" in self.address

    def route(self, address: Address) -> Route:
        """The way from the outbox to this address."""
        return _FrameRoute(self.socket, address)

    def remember(self, path: Path) -> None:
        self.paths[path.address] = path

    def forget(self, path: Path) -> None:
        """The transport no longer uses the path."""
        if self.paths.get(path.address) is path:
            del self.paths[path.address]
