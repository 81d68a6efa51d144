"""One section that a peer publishes: its formats, its present stream, and who subscribes to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediaserver.negotiated import Codec, Section

if TYPE_CHECKING:
    from mediaserver.incoming import IncomingStream
    from mediaserver.subscription import Subscription


class PublishedSection:
    """Outlives its streams: a browser that changes SSRC keeps its subscribers. A simulcast layer is one stream."""

    __slots__ = ("codecs", "repairs", "section", "stream", "subscriptions")

    def __init__(self, section: Section) -> None:
        self.subscriptions: list[Subscription] = []
        self.stream: IncomingStream | None = None
        self.renegotiate(section)

    def renegotiate(self, section: Section) -> None:
        self.section = section
        self.codecs: dict[int, Codec] = {codec.payload_type: codec for codec in section.codecs}
        self.repairs: dict[int, int] = {
            codec.rtx_payload_type: codec.payload_type for codec in section.codecs if codec.rtx_payload_type
        }
        """RTX payload type → that of the packets it repairs."""

    def set_stream(self, stream: IncomingStream | None, now: float) -> None:
        """Every subscription moves over to `stream`."""
        self.stream = stream
        for subscription in self.subscriptions:
            subscription.follow(now)

    def add(self, subscription: Subscription) -> None:
        self.subscriptions.append(subscription)

    def remove(self, subscription: Subscription) -> None:
        self.subscriptions.remove(subscription)
