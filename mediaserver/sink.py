"""What the packet path asks of the transport below it."""

from typing import Protocol

MAXIMUM_RTP = 1356
"""The longest packet handed to `send_rtp`: libsrtp's buffer of 1,500 bytes less its largest trailer, 144."""
MAXIMUM_RTCP = 1200


class Sink(Protocol):
    """Protects and sends to the peer's present address. All methods return at once and never raise: what can't be sent
    (no keys yet, socket full, closed) is a drop that the transport counts. The bound methods are kept by streams, so
    they must stay valid for the peer's whole life."""

    def send_written(self, length: int) -> None:
        """The RTP packet of this length that was written to the outbox' room."""
        ...

    def send_rtp(self, packet: bytes) -> None:
        """One that lies elsewhere."""
        ...

    def send_rtcp(self, packet: bytes) -> None:
        """A whole RTCP packet, compound or reduced-size (RFC 5506)."""
        ...

    def accept_incoming(self, ssrc: int) -> bool:
        """An authentic packet came from an SSRC not heard before: whether there is room for it (else counted)."""
        ...

    def forget_incoming(self, ssrc: int) -> None:
        """No more packets are expected from `ssrc`: free its SRTP stream (`remove_stream` of the receiving session)."""
        ...
