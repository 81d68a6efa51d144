"""One incoming RTP stream (one SSRC): order, losses, keyframes, reception statistics."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from mediaserver.control_channel import ControlChannel
from mediaserver.keyframe_requests import KeyframeRequests
from mediaserver.keyframes import STARTS_KEYFRAME, StartsKeyframe, every_packet
from mediaserver.losses import Losses
from mediaserver.negotiated import Kind
from mediaserver.packet_ring import PacketRing
from mediaserver.published import PublishedSection
from mediaserver.rtcp import ReportBlock, SenderReport
from mediaserver.rtp import HEADER, unwrap

if TYPE_CHECKING:
    from mediaserver.subscription import Subscription

DUPLICATE = -1
TOO_LATE = -2
SILENCE = 127
"""Audio level of a packet that carries none (RFC 6464: -127 dBov, no voice)."""

_RING_SIZES = {Kind.AUDIO: 128, Kind.VIDEO: 512}
_REPLAY_PACKETS = 48
_REPLAY_SECONDS = 0.5
"""A keyframe this fresh is sent again from the ring instead of asking the publisher for another."""

_identities = count()


class IncomingStream:
    """`subscriptions` get every packet; `waiting` ones start at the next keyframe. `repair`: this SSRC carries RTX."""

    __slots__ = (
        "_expected_before",
        "_received_before",
        "arrival",
        "clock_rate",
        "control",
        "first",
        "fraction_lost",
        "highest",
        "identity",
        "jitter",
        "keyframe_arrival",
        "keyframe_index",
        "keyframes",
        "level",
        "level_id",
        "losses",
        "nack",
        "octets",
        "packets",
        "payload_type",
        "published",
        "recovered",
        "repair",
        "ring",
        "sender_report",
        "sender_report_arrival",
        "settled",
        "ssrc",
        "starts_keyframe",
        "subscriptions",
        "timestamp",
        "transit",
        "transport_cc_id",
        "video",
        "waiting",
    )

    def __init__(self, ssrc: int, published: PublishedSection, control: ControlChannel, *, repair: bool) -> None:
        self.ssrc = ssrc
        self.published = published
        self.control = control
        self.repair = repair
        self.identity = next(_identities)
        """Never given twice, so that a subscription knows a stream again without holding it."""
        self.video = published.section.kind is Kind.VIDEO
        self.ring = PacketRing(1 if repair else _RING_SIZES[published.section.kind])
        self.subscriptions: tuple[Subscription, ...] = ()
        self.waiting: tuple[Subscription, ...] = ()
        self.settled = 0
        """From this index on every one of `subscriptions` takes every packet."""
        self.level = SILENCE
        """Last audio level: voice bit and -dBov (RFC 6464)."""
        self.renegotiate()
        self.clock_rate = 90000
        self.nack = False
        self.starts_keyframe: StartsKeyframe = every_packet
        self.first = -1
        self.highest = -1
        self.timestamp = 0
        self.arrival = 0.0
        self.packets = 0
        self.octets = 0
        self.recovered = 0
        """Of `packets`, those that came as retransmissions."""
        self.transit = 0.0
        self.jitter = 0.0
        self.losses = Losses()
        self.keyframes = KeyframeRequests()
        self.keyframe_index = -1
        self.keyframe_arrival = 0.0
        self.sender_report: SenderReport | None = None
        self.sender_report_arrival = 0.0
        self.fraction_lost = 0
        self._expected_before = 0
        self._received_before = 0

    def renegotiate(self) -> None:
        """The section's ids or formats may have changed."""
        self.transport_cc_id = self.published.section.extensions.transport_cc
        self.level_id = self.published.section.extensions.audio_level
        self.payload_type = -1

    def set_format(self, payload_type: int) -> bool:
        """The publisher changed its payload type; False when it never negotiated this one."""
        codec = self.published.codecs.get(payload_type)
        if codec is None:
            return False
        self.payload_type = payload_type
        self.clock_rate = codec.clock_rate
        self.nack = codec.nack
        self.starts_keyframe = STARTS_KEYFRAME.get(codec.name, every_packet)
        for subscription in (*self.subscriptions, *self.waiting):
            subscription.follow_format(codec.name)
        self.sort_subscriptions()
        return True

    def sort_subscriptions(self) -> None:
        """Who stopped for want of a format waits; nothing more may go out under the numbers that follow."""
        everyone = (*self.subscriptions, *self.waiting)
        self._set_subscriptions(tuple(each for each in everyone if each.flows))
        self.waiting = tuple(each for each in everyone if not each.flows)

    def store(self, index: int, packet: bytes, octets: int, timestamp: int, arrival: float) -> None:
        """Once for every packet that was placed. Jitter: RFC 3550 appendix A.8, of packets that come in order."""
        ring = self.ring
        slot = index & ring.mask
        ring.packets[slot] = packet
        ring.indices[slot] = index
        self.packets += 1
        self.octets += octets
        if index == self.highest:
            self.timestamp = timestamp
            self.arrival = arrival
            transit = arrival * self.clock_rate - timestamp
            difference = abs(transit - self.transit)
            self.transit = transit
            if difference < self.clock_rate:
                self.jitter += (difference - self.jitter) * 0.0625

    def place(self, sequence: int, arrival: float) -> int:
        """The index of a packet that is not simply the next one; `DUPLICATE` or `TOO_LATE`. Notes what is missing."""
        if self.highest < 0:
            self.first = self.highest = sequence + 0x10000
            return self.highest
        index = unwrap(sequence, self.highest)
        if index > self.highest:
            missing = range(self.highest + 1, index)
            self.highest = index
            if self.nack and (self.subscriptions or self.waiting):
                self._ask_for(missing, arrival)
            return index
        if index <= self.highest - self.ring.size or index < self.first:
            return TOO_LATE
        if self.ring.holds(index):
            return DUPLICATE
        self.losses.found(index)
        return index

    def _ask_for(self, missing: range, now: float) -> None:
        if self.losses.add(missing, now):
            self.repeat_requests(now)
        else:
            self.request_keyframe(now)

    def repeat_requests(self, now: float) -> None:
        """Sends NACKs and PLIs that are due."""
        if self.losses:
            asked = self.losses.due(now, self.control.round_trip, self.highest - self.ring.size + 1)
            if asked:
                self.control.ask_again(self.ssrc, asked)
        if self.keyframes.wanted:
            if not (self.subscriptions or self.waiting):
                self.keyframes.arrived()
            elif self.keyframes.repeat(now, self.control.round_trip):
                self.control.ask_keyframe(self.ssrc)

    def request_keyframe(self, now: float) -> None:
        if self.video and self.keyframes.request(now, self.control.round_trip):
            self.control.ask_keyframe(self.ssrc)

    def keyframe_came(self, index: int, timestamp: int, arrival: float) -> None:
        """A packet begins a keyframe (for audio: any packet): those who wait start here."""
        self.keyframes.arrived()
        self.keyframe_index = index
        self.keyframe_arrival = arrival
        waiting = self.waiting
        if not waiting:
            return
        for subscription in waiting:
            subscription.start(self, index, timestamp, arrival)
            if subscription.flows:
                subscription.replay(self.ring, index + 1, self.highest, arrival)
        self._set_subscriptions((*self.subscriptions, *(each for each in waiting if each.flows)))
        self.waiting = tuple(each for each in waiting if not each.flows)

    def add(self, subscription: Subscription, now: float) -> None:
        """Starts at once from a fresh keyframe in the ring, else with the next one."""
        codec = self.published.codecs.get(self.payload_type)
        if codec is not None:
            subscription.follow_format(codec.name)
        keyframe = self.ring.get(self.keyframe_index) if self._keyframe_is_fresh(now) else None
        if keyframe is not None and subscription.may_start(self, self.keyframe_index):
            subscription.start(self, self.keyframe_index, HEADER.unpack_from(keyframe)[2], now)
            subscription.replay(self.ring, self.keyframe_index, self.highest, now)
            self._set_subscriptions((*self.subscriptions, subscription))
            return
        self.waiting += (subscription,)
        self.request_keyframe(now)

    def _keyframe_is_fresh(self, now: float) -> bool:
        return (
            self.video
            and self.keyframe_index >= 0
            and self.highest - self.keyframe_index < _REPLAY_PACKETS
            and now - self.keyframe_arrival < _REPLAY_SECONDS
        )

    def _set_subscriptions(self, subscriptions: tuple[Subscription, ...]) -> None:
        self.subscriptions = subscriptions
        self.settled = max((each.first_index for each in subscriptions), default=0)

    def takers(self, index: int) -> tuple[Subscription, ...]:
        """Those who take a late packet: who started after it does not."""
        return tuple(each for each in self.subscriptions if index >= each.first_index)

    def remove(self, subscription: Subscription) -> None:
        self._set_subscriptions(tuple(each for each in self.subscriptions if each is not subscription))
        self.waiting = tuple(each for each in self.waiting if each is not subscription)
        if not self.subscriptions and not self.waiting:
            self.losses.clear()
            self.keyframes.arrived()

    def report_sent(self, report: SenderReport, arrival: float) -> None:
        """The publisher's SR: kept for its RR, and passed on to every subscriber in its own time line."""
        self.sender_report = report
        self.sender_report_arrival = arrival
        for subscription in self.subscriptions:
            subscription.send_report(report.ntp, report.rtp_timestamp, arrival)

    def report_block(self, now: float) -> ReportBlock | None:
        """Reception statistics since the last call (RFC 3550 appendix A.3); None before the first packet.

        Audio carries the worst subscriber's loss, so that the publisher's error correction covers the whole path.
        """
        if self.highest < 0 or self.repair:
            return None
        expected = self.highest - self.first + 1
        received = self.packets - self.recovered
        expected_now, received_now = expected - self._expected_before, received - self._received_before
        self._expected_before, self._received_before = expected, received
        lost = max(0, expected_now - received_now)
        self.fraction_lost = min(255, lost * 256 // expected_now) if expected_now > 0 else 0
        fraction = self.fraction_lost
        if not self.video:
            fraction = max([fraction, *(subscription.fraction_lost for subscription in self.subscriptions)])
        last, delay = 0, 0
        if self.sender_report is not None:
            last = (self.sender_report.ntp >> 16) & 0xFFFFFFFF
            delay = int((now - self.sender_report_arrival) * 65536)
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            packets_lost=max(0, expected - received),
            highest_sequence=(self.highest - 0x10000) & 0xFFFFFFFF,
            jitter=int(self.jitter),
            last_sender_report=last,
            delay_since_last=delay,
        )
