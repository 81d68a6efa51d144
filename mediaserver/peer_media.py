"""All media of one peer: what it publishes, what it subscribes to, and its RTCP."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from mediaserver.bandwidth import DownlinkLimit, RelayedLimit
from mediaserver.control_channel import ControlChannel
from mediaserver.drops import Drop, Drops
from mediaserver.forwarder import Forwarder
from mediaserver.negotiated import Direction, Kind, Negotiated
from mediaserver.published import PublishedSection
from mediaserver.rtcp import (
    BandwidthEstimate,
    KeyframeRequest,
    MalformedRtcp,
    Message,
    Nack,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    bandwidth_estimate,
    parse,
    receiver_report,
    source_description,
)
from mediaserver.rtp import MAXIMUM_INCOMING
from mediaserver.sink import Sink
from mediaserver.streams import IncomingStreams
from mediaserver.subscription import Subscription
from mediaserver.transport_feedback import TransportFeedback

TICK_SECONDS = 0.05
"""How often the worker calls `tick` of every peer."""
REPORT_SECONDS = 1.0
RELAY_SECONDS = 0.2

_CANONICAL_NAME = b"server"


class PeerMedia:
    """Owns the peer's incoming streams and subscriptions; freed by `close`. Times are `time.monotonic` seconds.

    `receive_rtp(packet, arrival)`: one decrypted RTP packet of this peer; never raises.
    """

    def __init__(self, sink: Sink, drops: Drops, clock: Callable[[], float] = time.monotonic) -> None:
        self._sink = sink
        self._drops = drops
        self._clock = clock
        self._control = ControlChannel(sink, secrets.randbelow(0xFFFFFFFE) + 1)
        self._incoming = IncomingStreams(sink, self._control, drops)
        self._feedback = TransportFeedback()
        self._subscriptions: dict[int, Subscription] = {}
        """By SSRC, for the life of the keys: a section that comes back goes on numbering where it stopped."""
        self._publishers: dict[int, PeerMedia] = {}
        """By slot of ours."""
        self._followers: list[tuple[PeerMedia, int]] = []
        """Who has us in which slot of theirs."""
        self._downlink = DownlinkLimit()
        self._relayed = RelayedLimit()
        self._active = False
        self._video_wanted = True
        self._closed = False
        self._next_report = self._next_relay = 0.0
        self.receive_rtp = Forwarder(
            self._incoming.by_ssrc, self._incoming.learn, self._feedback.arrivals, drops
        ).receive_rtp

    def negotiate(self, negotiated: Negotiated) -> None:
        """The first offer and each later one: sections that stay keep their streams, sections that went are freed."""
        if self._closed:
            return
        now = self._clock()
        self._incoming.negotiate(negotiated, now)
        received = {each.ssrcs[0][0]: each for each in negotiated.sections if each.direction is Direction.SUBSCRIBE}
        for ssrc, subscription in self._subscriptions.items():
            if ssrc not in received:
                subscription.connect(None, now)
        for ssrc, section in received.items():
            if ssrc in self._subscriptions:
                self._subscriptions[ssrc].renegotiate(section, now)
            else:
                self._subscriptions[ssrc] = Subscription(section, self._sink, self._drops)
        self._want(now)
        for slot in {section.slot for section in received.values()}:
            self._fill_slot(slot, now)
        for subscriber, slot in self._followers:
            subscriber._fill_slot(slot, now)

    def _fill_slot(self, slot: int, now: float) -> None:
        publisher = self._publishers.get(slot)
        for subscription in self._subscriptions.values():
            if subscription.slot == slot:
                kind = Kind.VIDEO if subscription.video else Kind.AUDIO
                subscription.connect(publisher.first_published(kind) if publisher else None, now)

    def first_published(self, kind: Kind) -> PublishedSection | None:
        """The peer's microphone or camera section, if it has one."""
        for published in self._incoming.published.values():
            if published.section.kind is kind:
                return published
        return None

    def set_active(self) -> None:
        """SRTP keys are ready: forwarding to this peer starts, keyframes for what it subscribes are asked for."""
        self._active = True
        self._want(self._clock())

    def receive_video(self, wanted: bool) -> None:
        """False: no video packets to this peer (hidden page, audio only)."""
        self._video_wanted = wanted
        self._want(self._clock())

    def _want(self, now: float) -> None:
        for subscription in self._subscriptions.values():
            subscription.want(self._active and (self._video_wanted or not subscription.video), now)

    def receive_rtcp(self, packet: bytes, arrival: float) -> None:
        """One decrypted RTCP packet, compound or not. Never raises."""
        if len(packet) > MAXIMUM_INCOMING:
            self._drops.counts[Drop.RTCP_TOO_LONG] += 1
            return
        try:
            messages = parse(packet)
        except MalformedRtcp:
            self._drops.counts[Drop.RTCP_MALFORMED] += 1
            return
        for message in messages:
            self._handle(message, arrival)

    def _handle(self, message: Message, arrival: float) -> None:
        match message:
            case ReceiverReport():
                self._handle_blocks(message.blocks, arrival)
            case BandwidthEstimate():
                self._downlink.estimated(message.bits_per_second, arrival)
            case SenderReport():
                stream = self._incoming.by_ssrc.get(message.ssrc)
                if stream is not None:
                    stream.report_sent(message, arrival)
                self._handle_blocks(message.blocks, arrival)
            case Nack():
                self._drops.counts[Drop.RETRANSMISSION_TOO_MANY] += message.left_out
                subscription = self._subscriptions.get(message.media_ssrc)
                if subscription is not None:
                    subscription.resend(message.sequences, arrival)
            case KeyframeRequest():
                subscription = self._subscriptions.get(message.media_ssrc)
                if subscription is not None:
                    subscription.request_keyframe(arrival)

    def _handle_blocks(self, blocks: tuple[ReportBlock, ...], arrival: float) -> None:
        for block in blocks:
            subscription = self._subscriptions.get(block.ssrc)
            if subscription is None:
                continue
            round_trip = subscription.received_report(block, arrival)
            if round_trip is not None:
                self._control.measured_round_trip(round_trip)
            if subscription.video:
                self._downlink.lost(block.fraction_lost, arrival)

    def tick(self, now: float) -> None:
        """Every `TICK_SECONDS`: feedback, repeated requests, reports."""
        streams = self._incoming.by_ssrc
        if not streams:
            return
        if self._feedback.due(now):
            feedback = self._feedback.build(now, self._control.ssrc, next(iter(streams)))
            if feedback:
                self._sink.send_rtcp(feedback)
        for stream in streams.values():
            if stream.losses or stream.keyframes.wanted:
                stream.repeat_requests(now)
        if now >= self._next_relay:
            self._next_relay = now + RELAY_SECONDS
            self._relay_limit(now)
        if now >= self._next_report:
            self._next_report = now + REPORT_SECONDS
            self._send_report(now)

    def _send_report(self, now: float) -> None:
        blocks = [block for stream in self._incoming.by_ssrc.values() if (block := stream.report_block(now))]
        if blocks:
            ssrc = self._control.ssrc
            self._sink.send_rtcp(receiver_report(ssrc, blocks) + source_description(ssrc, _CANONICAL_NAME))

    def _relay_limit(self, now: float) -> None:
        published = self.first_published(Kind.VIDEO)
        if published is None or published.stream is None or not any(codec.remb for codec in published.section.codecs):
            return
        shares = [subscriber._video_share() for subscriber, _ in self._followers]
        share = min((each for each in shares if each is not None), default=None)
        limit = self._relayed.due(share, now)
        if limit is not None:
            self._sink.send_rtcp(bandwidth_estimate(self._control.ssrc, limit, [published.stream.ssrc]))

    def _video_share(self) -> int | None:
        flowing = [each for each in self._subscriptions.values() if each.flows]
        videos = sum(each.video for each in flowing)
        return self._downlink.video_share(len(flowing) - videos, videos) if videos else None

    def statistics(self) -> dict[str, int]:
        """Counters for `StatisticsReply.peers`."""
        streams = [stream for stream in self._incoming.by_ssrc.values() if not stream.repair]
        subscriptions = self._subscriptions.values()
        audio = self.first_published(Kind.AUDIO)
        level = audio.stream.level & 0x7F if audio and audio.stream else 127
        return {
            "packets_received": sum(stream.packets for stream in streams),
            "octets_received": sum(stream.octets for stream in streams),
            "packets_recovered": sum(stream.recovered for stream in streams),
            "packets_given_up": sum(stream.losses.given_up for stream in streams),
            "uplink_fraction_lost": max((stream.fraction_lost for stream in streams), default=0),
            "packets_sent": sum(each.packets_sent for each in subscriptions),
            "octets_sent": sum(each.octets_sent for each in subscriptions),
            "packets_retransmitted": sum(each.packets_retransmitted for each in subscriptions),
            "downlink_packets_lost": sum(each.packets_lost for each in subscriptions),
            "downlink_fraction_lost": max((each.fraction_lost for each in subscriptions), default=0),
            "downlink_bits_per_second": self._downlink.estimate,
            "round_trip_ms": round(self._control.round_trip * 1000),
            "audio_level": level,
        }

    def close(self) -> None:
        """Detaches from everybody; calls after it do nothing."""
        if self._closed:
            return
        self._closed = True
        self._active = False
        now = self._clock()
        for slot in list(self._publishers):
            disconnect_slot(self, slot)
        for subscriber, slot in list(self._followers):
            disconnect_slot(subscriber, slot)
        self._incoming.close(now)

    def _leave_slot(self, slot: int) -> None:
        publisher = self._publishers.pop(slot, None)
        if publisher is not None:
            publisher._followers.remove((self, slot))


def connect_slot(publisher: PeerMedia, subscriber: PeerMedia, slot: int) -> None:
    """The publisher's first audio and first video go to the subscriber's slot; an earlier publisher there is replaced.

    May be called before either side's keys or streams exist. A slot the subscriber never negotiated is kept for a
    later `negotiate`.
    """
    if publisher._closed or subscriber._closed:
        return
    subscriber._leave_slot(slot)
    subscriber._publishers[slot] = publisher
    publisher._followers.append((subscriber, slot))
    subscriber._fill_slot(slot, subscriber._clock())


def disconnect_slot(subscriber: PeerMedia, slot: int) -> None:
    """The slot falls silent; its SSRCs and numbering stay for the next publisher."""
    subscriber._leave_slot(slot)
    subscriber._fill_slot(slot, subscriber._clock())
