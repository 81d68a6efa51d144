"""One incoming RTP stream (one SSRC): order, losses, keyframes, reception statistics."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from mediaserver.control_channel import ControlChannel
from mediaserver.drops import Drop
from mediaserver.extension_layout import FITS_NOTHING
from mediaserver.keyframe_requests import KeyframeRequests
from mediaserver.keyframes import STARTS_KEYFRAME, StartsKeyframe, every_packet
from mediaserver.losses import Losses
from mediaserver.negotiated import Kind
from mediaserver.packet_ring import PacketRing
from mediaserver.published import PublishedSection
from mediaserver.rates import LayerRates
from mediaserver.reception import Reception
from mediaserver.rtcp import ReportBlock, SenderReport
from mediaserver.rtp import HEADER, unwrap
from mediaserver.settings import RECENT_PACKETS
from mediaserver.sound_limit import SoundLimit

if TYPE_CHECKING:
    from mediaserver.subscription import Subscription

DUPLICATE = -1
TOO_LATE = -2
TOO_FAR = -3
REFUSED = {DUPLICATE: Drop.RTP_DUPLICATE, TOO_LATE: Drop.RTP_TOO_LATE, TOO_FAR: Drop.RTP_LEAPS_TOO_OFTEN}
NO_TIMESTAMP = -1
NO_FORMAT = -1
SILENCE = 127
"""Audio level of a packet that carries none (RFC 6464: -127 dBov, no voice)."""

_RING_SIZES = {Kind.AUDIO: 128, Kind.VIDEO: RECENT_PACKETS}
_REPLAY_PACKETS = 48
_REPLAY_SECONDS = 0.5
"""A keyframe this fresh is sent again from the ring instead of asking the publisher for another."""
_PASS_ON_SECONDS = 0.5
"""Sender reports that come closer together are not passed on: each goes to every subscriber."""

_identities = count()


class IncomingPackets:
    """What every packet reads or writes of its stream, close together in memory (as in `outgoing.OutgoingHeader`)."""

    __slots__ = (
        "highest",
        "layered",
        "layout",
        "level",
        "octets",
        "packets",
        "payload_type",
        "repair",
        "ring",
        "settled",
        "shaped",
        "subscriptions",
        "timestamp",
    )


class IncomingStream(IncomingPackets):
    """`subscriptions` get every packet as it came, `shaped` ones through their `shape`; `waiting` ones start at the
    next keyframe. `repair`: this SSRC carries RTX."""

    __slots__ = (
        "arrival",
        "clock_rate",
        "control",
        "first",
        "identity",
        "jitter",
        "keyframe_arrival",
        "keyframe_index",
        "keyframes",
        "layer",
        "level_id",
        "losses",
        "nack",
        "published",
        "rates",
        "reception",
        "recovered",
        "refusal",
        "sound_limit",
        "ssrc",
        "starts_keyframe",
        "transit",
        "transport_cc_id",
        "video",
        "waiting",
    )

    def __init__(
        self, ssrc: int, published: PublishedSection, control: ControlChannel, *, repair: bool, layer: int = 0
    ) -> None:
        self.ssrc = ssrc
        self.layer = layer
        """Of `published.layers`; with `repair`, the one that it repairs."""
        self.published = published
        self.control = control
        self.repair = repair
        self.identity = next(_identities)
        """Never given twice, so that a subscription knows a stream again without holding it."""
        self.video = published.section.kind is Kind.VIDEO
        # A lower layer has fewer packets a second: a few seconds of each are kept.
        size = _RING_SIZES[published.section.kind] >> len(published.layers) - 1 - layer
        self.ring = PacketRing(1 if repair else size)
        self.subscriptions: tuple[Subscription, ...] = ()
        self.shaped: tuple[Subscription, ...] = ()
        self.waiting: tuple[Subscription, ...] = ()
        self.settled = 0
        """From this index on every one of `subscriptions` takes every packet."""
        self.level = SILENCE
        """Last audio level: voice bit and -dBov (RFC 6464)."""
        self.sound_limit = None if self.video else SoundLimit()
        self.refusal = Drop.RTP_UNKNOWN_FORMAT
        """Why `set_format` says no."""
        self.renegotiate()
        self.clock_rate = 90000
        self.nack = self.layered = False
        """`layered`: the payload tells its temporal layer."""
        self.rates = LayerRates()
        self.starts_keyframe: StartsKeyframe = every_packet
        self.first = self.highest = self.keyframe_index = -1
        self.timestamp = NO_TIMESTAMP
        self.arrival = 0.0
        self.packets = self.octets = 0
        self.recovered = 0
        """Of `packets`, those that came as retransmissions."""
        self.transit = self.jitter = 0.0
        self.losses = Losses()
        self.keyframes = KeyframeRequests()
        self.keyframe_arrival = 0.0
        self.reception = Reception()

    def renegotiate(self) -> None:
        """The section's ids or formats may have changed."""
        self.layout = FITS_NOTHING
        self.transport_cc_id = self.published.section.extensions.transport_cc
        self.level_id = self.published.section.extensions.audio_level
        self.payload_type = NO_FORMAT

    def set_format(self, payload_type: int) -> bool:
        """The publisher changed its payload type; False when it never negotiated this one, or is held back."""
        codec = self.published.codecs.get(payload_type)
        if codec is None or self.refusal is not Drop.RTP_UNKNOWN_FORMAT:
            return False
        self.payload_type = payload_type
        self.clock_rate = codec.clock_rate
        self.nack = codec.nack
        self.layered = codec.name == "VP8"
        self.starts_keyframe = STARTS_KEYFRAME.get(codec.name, every_packet)
        for subscription in (*self.subscriptions, *self.shaped, *self.waiting):
            subscription.follow_format(codec)
        return True

    def look(self, now: float) -> None:
        """Once a tick, for sound: who sends too much is not heard until it is no more too much."""
        if self.sound_limit is None:
            return
        if self.sound_limit.exceeded(self, now):
            self.refusal = Drop.RTP_TOO_MUCH_SOUND
            # No packet has this one, so that each is refused by its format.
            self.payload_type = NO_FORMAT
        else:
            self.refusal = Drop.RTP_UNKNOWN_FORMAT

    @property
    def followed(self) -> bool:
        """Somebody gets its packets, or is about to."""
        return bool(self.subscriptions or self.shaped or self.waiting)

    def advance(self, timestamp: int, arrival: float) -> None:
        """A packet that came in order began a picture, or is sound. Jitter: RFC 3550 appendix A.8, between pictures:
        the packets of one have one timestamp and are sent apart on purpose."""
        self.timestamp = timestamp
        self.arrival = arrival
        transit = arrival * self.clock_rate - timestamp
        difference = abs(transit - self.transit)
        self.transit = transit
        if difference < self.clock_rate:
            self.jitter += (difference - self.jitter) * 0.0625

    def place(self, sequence: int, arrival: float) -> int:
        """The index of a packet that is not simply the next one, or why it is `REFUSED`. Notes what is missing."""
        if self.highest < 0:
            self.first = self.highest = sequence + 0x10000
            return self.highest
        index = unwrap(sequence, self.highest)
        if index > self.highest:
            missing = range(self.highest + 1, index)
            if not self.control.slow_work.may_miss(min(len(missing), self.ring.size), arrival):
                return TOO_FAR
            self.highest = index
            self.ring.miss(missing)
            if self.nack and self.followed:
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
            if not self.followed:
                self.keyframes.arrived()
            elif self.keyframes.repeat(now, self.control.round_trip):
                self.control.ask_keyframe(self.ssrc)

    def request_keyframe(self, now: float) -> None:
        if self.video and self.keyframes.request(now, self.control.round_trip):
            self.control.ask_keyframe(self.ssrc)

    def keyframe_came(self, index: int, timestamp: int, payload: bytes, arrival: float) -> None:
        """A packet begins a keyframe (for audio: any packet): those who wait start here. It goes out by the way that
        all packets take; when it comes late, what came before it follows from the ring."""
        self.keyframes.arrived()
        self.keyframe_index = index
        self.keyframe_arrival = arrival
        waiting = self.waiting
        if not waiting:
            return
        for subscription in waiting:
            if subscription.start(self, index, timestamp, arrival) and index < self.highest:
                subscription.expect(payload)
                subscription.replay(self, index + 1, self.highest, arrival)

    def add(self, subscription: Subscription, now: float, *, asks: bool = True) -> None:
        """Starts at once from a fresh keyframe in the ring, else with the next one. Who is switched from a layer that
        flows starts with the next one in any case: the past was shown already. `asks`: for that one at once."""
        codec = self.published.codecs.get(self.payload_type)
        if codec is not None:
            subscription.follow_format(codec)
        if subscription.flows:
            self.waiting += (subscription,)
            if asks:
                self.request_keyframe(now)
            return
        keyframe = self.ring.get(self.keyframe_index) if self._keyframe_is_fresh(now) else None
        if keyframe is not None and subscription.may_begin(self, self.keyframe_index):
            subscription.start(self, self.keyframe_index, HEADER.unpack_from(keyframe)[2], now)
            subscription.replay(self, self.keyframe_index, self.highest, now)
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

    def enlist(self, subscription: Subscription) -> None:
        """It flows from here on, plainly or shaped; or waits, when it is neither."""
        self._take_out(subscription)
        if subscription.stream is not self:
            self.waiting += (subscription,)
        elif subscription.is_shaped:
            self.shaped += (subscription,)
        else:
            self.subscriptions += (subscription,)
            self.settled = max(self.settled, subscription.first_index)

    def _take_out(self, subscription: Subscription) -> None:
        self.subscriptions = tuple(each for each in self.subscriptions if each is not subscription)
        self.shaped = tuple(each for each in self.shaped if each is not subscription)
        self.waiting = tuple(each for each in self.waiting if each is not subscription)
        self.settled = max((each.first_index for each in self.subscriptions), default=0)

    def takers(self, index: int) -> tuple[Subscription, ...]:
        """Those who take a late packet: who started after it does not."""
        takers = tuple(each for each in self.subscriptions if index >= each.first_index)
        self.control.drops.counts[Drop.LATE_FOR_SUBSCRIBER] += len(self.subscriptions) - len(takers)
        return takers

    def remove(self, subscription: Subscription) -> None:
        self._take_out(subscription)
        if not self.followed:
            self.losses.clear()
            self.keyframes.arrived()

    def report_sent(self, report: SenderReport, arrival: float) -> None:
        """The publisher's SR: kept for its RR, and passed on to every subscriber in its own time line."""
        self.reception.report = report
        self.reception.report_arrival = arrival
        subscriptions = self.subscriptions + self.shaped
        if not subscriptions or arrival - self.reception.passed_on_at < _PASS_ON_SECONDS:
            return
        self.reception.passed_on_at = arrival
        for subscription in subscriptions:
            subscription.send_report(report.ntp, report.rtp_timestamp, arrival)

    def report_block(self, now: float) -> ReportBlock | None:
        """Reception statistics since the last call; None before the first packet.

        Audio carries the worst subscriber's loss, so that the publisher's error correction covers the whole path.
        """
        if self.highest < 0 or self.repair:
            return None
        worst = 0
        if not self.video:
            worst = max((each.fraction_lost for each in (*self.subscriptions, *self.shaped)), default=0)
        return self.reception.block(self, worst, now)
