"""All media of one peer: what it publishes, what it subscribes to, and its RTCP."""

from mediaserver.drops import Drops
from mediaserver.negotiated import Negotiated
from mediaserver.sink import Sink

TICK_SECONDS = 0.05
"""How often the worker calls `tick` of every peer."""


class PeerMedia:
    """Owns the peer's incoming streams and subscriptions; freed by `close`. Times are `time.monotonic` seconds."""

    def __init__(self, sink: Sink, drops: Drops) -> None:
        self._sink = sink
        self._drops = drops

    def negotiate(self, negotiated: Negotiated) -> None:
        """The first offer and each later one: sections that stay keep their streams, sections that went are freed."""

    def receive_rtp(self, packet: bytes, arrival: float) -> None:
        """One decrypted RTP packet of this peer. Never raises."""

    def receive_rtcp(self, packet: bytes, arrival: float) -> None:
        """One decrypted RTCP packet, compound or not. Never raises."""

    def set_active(self) -> None:
        """SRTP keys are ready: forwarding to this peer starts, keyframes for what it subscribes are asked for."""

    def receive_video(self, wanted: bool) -> None:
        """False: no video packets to this peer (hidden page, audio only)."""

    def tick(self, now: float) -> None:
        """Every `TICK_SECONDS`: feedback, repeated requests, reports."""

    def statistics(self) -> dict[str, int]:
        """Counters for `StatisticsReply.peers`."""
        return {}

    def close(self) -> None:
        """Detaches from everybody; calls after it do nothing."""


def connect_slot(publisher: PeerMedia, subscriber: PeerMedia, slot: int) -> None:
    """The publisher's first audio and first video go to the subscriber's slot; an earlier publisher there is replaced.

    May be called before either side's keys or streams exist. A slot the subscriber never negotiated is kept for a
    later `negotiate`.
    """


def disconnect_slot(subscriber: PeerMedia, slot: int) -> None:
    """The slot falls silent; its SSRCs and numbering stay for the next publisher."""
