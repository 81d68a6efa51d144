"""All media of one peer: what it publishes, what it subscribes to, and its RTCP."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from mediaserver.allocation import Measure
from mediaserver.bandwidth import DownlinkControl, Picture, Sent
from mediaserver.control_channel import ControlChannel
from mediaserver.drops import Drop, Drops
from mediaserver.ended import EndedSubscriptions
from mediaserver.forwarder import Forwarder
from mediaserver.incoming import SILENCE
from mediaserver.negotiated import SCREEN_SLOT, Direction, Kind, Negotiated
from mediaserver.published import PublishedSection
from mediaserver.relayed_limit import RelayedLimit, picture_limit
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
from mediaserver.tiles import LAYER_OF, UNTOLD, Tile, TileSize
from mediaserver.transport_feedback import TransportFeedback

REPORT_SECONDS = 1.0
RELAY_SECONDS = 0.2
LEVEL_LIFE_SECONDS = 0.2
"""Sound comes every 20 ms; whoever is silent may send less."""
REPORT_LIFE_SECONDS = 12.0
"""Browsers report on sound every 5 s; what a silent subscriber said before that is no longer so."""

_CANONICAL_NAME = b"server"


class PeerMedia:
    """Owns the peer's incoming streams and subscriptions; freed by `close`. Times are `time.monotonic` seconds.

    `receive_rtp(packet, arrival)`: one decrypted RTP packet of this peer; never raises.
    """

    def __init__(self, sink: Sink, drops: Drops, clock: Callable[[], float] = time.monotonic) -> None:
        self._sink = sink
        self._drops = drops
        self._clock = clock
        self._control = ControlChannel(sink, secrets.randbelow(0xFFFFFFFE) + 1, drops, clock())
        self._incoming = IncomingStreams(sink, self._control, drops)
        self._feedback = TransportFeedback(drops)
        self._subscriptions: dict[int, Subscription] = {}
        """By SSRC, as long as it is negotiated: a section that comes back has another one."""
        self._ended = EndedSubscriptions()
        self._publishers: dict[int, PeerMedia] = {}
        """By slot of ours."""
        self._followers: list[tuple[PeerMedia, int]] = []
        """Who has us in which slot of theirs."""
        self._downlink = DownlinkControl()
        self._relayed = RelayedLimit()
        self._active = False
        self._gone = False
        self._tiles: dict[str, Tile] = {}
        self._closed = False
        self._at_end: dict[str, int] | None = None
        self._next_report = self._next_relay = 0.0
        self.forwarder = Forwarder(self._incoming.heard, self._incoming.learn, self._feedback.arrivals, drops)
        self.receive_rtp = self.forwarder.receive_rtp

    def negotiate(self, negotiated: Negotiated) -> None:
        """The first offer and each later one: sections that stay keep their streams, sections that went are freed."""
        if self._closed:
            return
        now = self._clock()
        self._incoming.negotiate(negotiated, now)
        received = {each.ssrcs[0][0]: each for each in negotiated.sections if each.direction is Direction.SUBSCRIBE}
        for ssrc in [each for each in self._subscriptions if each not in received]:
            self._end(ssrc, now)
        for ssrc, section in received.items():
            if ssrc in self._subscriptions:
                self._subscriptions[ssrc].renegotiate(section, now)
            elif ssrc not in self._ended:
                self._subscriptions[ssrc] = Subscription(section, self._sink, self._drops)
        self._want(now)
        for slot in {section.slot for section in received.values()}:
            self._fill_slot(slot, now)
        for subscriber, slot in self._followers:
            subscriber._fill_slot(slot, now)

    def _end(self, ssrc: int, now: float) -> None:
        subscription = self._subscriptions.pop(ssrc)
        subscription.connect(None, now)
        self._ended.add(subscription)
        self._downlink.forget(ssrc)

    def _fill_slot(self, slot: int, now: float) -> None:
        publisher = self._publishers.get(slot)
        for subscription in self._subscriptions.values():
            if subscription.slot == slot:
                kind = Kind.VIDEO if subscription.video else Kind.AUDIO
                slides = slot == SCREEN_SLOT
                subscription.connect(publisher.first_published(kind, slides=slides) if publisher else None, now)
        self._downlink.changed()

    def first_published(self, kind: Kind, *, slides: bool = False) -> PublishedSection | None:
        """The peer's microphone, camera or (`slides`) screen section, if it has one."""
        for published in self._incoming.published.values():
            if published.section.kind is kind and published.section.slides is slides:
                return published
        return None

    def sound_level(self, now: float) -> int:
        """The voice bit and -dBov (RFC 6464) of what the microphone sends just now; `SILENCE` when it sends nothing."""
        audio = self.first_published(Kind.AUDIO)
        stream = audio.stream if audio is not None else None
        return stream.level if stream is not None and now - stream.arrival < LEVEL_LIFE_SECONDS else SILENCE

    def set_active(self) -> None:
        """SRTP keys are ready: forwarding to this peer starts, keyframes for what it subscribes are asked for."""
        self._active = True
        self._want(self._clock())

    def set_gone(self, gone: bool) -> None:
        """Who has long not been heard of is sent no pictures; sound is little, and there at once when they are back."""
        if gone is not self._gone:
            self._gone = gone
            self._want(self._clock())

    def view(self, tiles: dict[str, Tile]) -> None:
        """By mid: how large the page shows what it receives. What it does not show is not sent; sound always is."""
        self._tiles = tiles
        self._want(self._clock())

    def _want(self, now: float) -> None:
        self._downlink.changed()
        for subscription in self._subscriptions.values():
            size = TileSize.LARGE
            if subscription.video:
                size = TileSize.NONE if self._gone else self._tiles.get(subscription.mid, UNTOLD).size
            subscription.want(self._active and size is not TileSize.NONE, now, LAYER_OF.get(size, 0))

    def wished_layer(self, slot: int) -> int:
        """The highest layer of the picture on a slot of ours that the page shows and the down-link holds; -1: none."""
        for subscription in self._subscriptions.values():
            if subscription.slot == slot and subscription.video and subscription.published is not None:
                size = self._tiles.get(subscription.mid, UNTOLD).size
                return min(LAYER_OF.get(size, -1), self._downlink.highest_layer(subscription.ssrc))
        return -1

    def take_changed_choices(self) -> bool:
        """Whether `wished_layer` may be another than when this was asked last."""
        changed, self._downlink.chose = self._downlink.chose, False
        return changed

    def want_layers(self, layers: frozenset[int]) -> None:
        """Which layers of its camera the peer is, or will be, told to send."""
        camera = self.first_published(Kind.VIDEO)
        if camera is not None:
            camera.want(layers, self._clock())

    def sent_layers(self) -> frozenset[int]:
        """Which layers of its camera the peer does send."""
        camera = self.first_published(Kind.VIDEO)
        return camera.sent if camera is not None else frozenset()

    def has_sent_whole(self) -> bool:
        """Whether the highest layer of its camera ever came."""
        camera = self.first_published(Kind.VIDEO)
        return camera is not None and camera.layers[-1] is not None

    def receive_rtcp(self, packet: bytes, arrival: float) -> None:
        """One decrypted RTCP packet, compound or not. Never raises."""
        if len(packet) > MAXIMUM_INCOMING:
            self._drops.counts[Drop.RTCP_TOO_LONG] += 1
            return
        if not self._control.slow_work.may_read(len(packet), arrival):
            self._drops.counts[Drop.RTCP_TOO_MUCH] += 1
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
                self._resend(message, arrival)
            case KeyframeRequest():
                subscription = self._subscriptions.get(message.media_ssrc)
                if subscription is not None:
                    subscription.request_keyframe(arrival)

    def _resend(self, request: Nack, now: float) -> None:
        sequences = request.sequences[: self._control.slow_work.may_look_for(len(request.sequences), now)]
        self._drops.counts[Drop.RETRANSMISSION_TOO_MANY] += request.left_out + len(request.sequences) - len(sequences)
        subscription = self._subscriptions.get(request.media_ssrc)
        if subscription is not None and sequences:
            self._downlink.missed(request._replace(sequences=sequences), now)
            full = self._downlink.downlink.budget is not None
            subscription.resend(sequences, self._control.slow_work.resent, now, full=full)

    def _handle_blocks(self, blocks: tuple[ReportBlock, ...], arrival: float) -> None:
        for block in blocks:
            subscription = self._subscriptions.get(block.ssrc)
            if subscription is None:
                continue
            round_trip = subscription.received_report(block, arrival)
            if round_trip is not None:
                self._control.measured_round_trip(round_trip.seconds)
            self._downlink.reported(block, round_trip, arrival)

    def tick(self, now: float) -> None:
        """Every `TICK_SECONDS`: choices for the down-link, feedback, repeated requests, reports."""
        if self._active and self._downlink.due(now):
            self._downlink.look(self._pictures(), self._sent(), self._control.round_trip, now)
            self._control.slow_work.is_sent(self._downlink.sent_rate, self._downlink.downlink.budget)
        if now >= self._next_report:
            self._next_report = now + REPORT_SECONDS
            self._send_report(now)
        streams = self._incoming.by_ssrc
        if not streams:
            return
        if self._feedback.due(now):
            feedback = self._feedback.build(now, self._control.ssrc, next(iter(streams)))
            if feedback:
                self._sink.send_rtcp(feedback)
        self._incoming.look(now)
        for stream in streams.values():
            if stream.losses or stream.keyframes.wanted:
                stream.repeat_requests(now)
        if now >= self._next_relay:
            self._next_relay = now + RELAY_SECONDS
            self._relay_limit(now)

    def _pictures(self) -> list[Picture]:
        pictures = []
        for subscription in self._subscriptions.values():
            published = subscription.published
            if not subscription.video or published is None:
                continue
            pictures.append(
                Picture(
                    subscription,
                    layers=len(published.layers),
                    tile=self._tiles.get(subscription.mid, UNTOLD),
                    screen=subscription.section.slides,
                    follows=any(codec.remb for codec in published.section.codecs),
                    shared=sum(each.wanted for each in published.subscriptions) > 1,
                )
            )
        return pictures

    def _sent(self) -> Sent:
        sound = pictures = sounds = 0
        for subscription in self._subscriptions.values():
            if subscription.video:
                pictures += subscription.bits_sent
            else:
                sound += subscription.bits_sent
                sounds += subscription.flows
        return Sent(sound + pictures, sound, sounds)

    def _send_report(self, now: float) -> None:
        for subscription in self._subscriptions.values():
            if now - subscription.reported_at > REPORT_LIFE_SECONDS:
                subscription.fraction_lost = 0
        blocks = [block for stream in self._incoming.by_ssrc.values() if (block := stream.report_block(now))]
        if blocks:
            ssrc = self._control.ssrc
            self._sink.send_rtcp(receiver_report(ssrc, blocks) + source_description(ssrc, _CANONICAL_NAME))

    def _relay_limit(self, now: float) -> None:
        """Tells our browser what its pictures may take where only it can make them smaller."""
        limits, ssrcs = [], []
        for published in self._incoming.published.values():
            wanted = [each.limit for each in published.subscriptions if each.wanted]
            if wanted and any(codec.remb for codec in published.section.codecs):
                limits.append(picture_limit(wanted, len(published.layers)))
                ssrcs += [stream.ssrc for stream in published.layers if stream is not None]
        told = [limit for limit in limits if limit is not None]
        limit = self._relayed.due(sum(told) if told and len(told) == len(limits) else None, now)
        if limit is not None:
            self._sink.send_rtcp(bandwidth_estimate(self._control.ssrc, limit, ssrcs))

    def sent_on(self, slot: int) -> tuple[int, int]:
        """Packets of sound, and of picture, that went out on a slot of ours so far."""
        sent = self._ended.sent_on(slot)
        for subscription in self._subscriptions.values():
            if subscription.slot == slot:
                sent[subscription.video] += subscription.packets_sent
        return sent[0], sent[1]

    def statistics(self) -> dict[str, int]:
        """Counters for `StatisticsReply.peers`; of media that is closed, those at its end."""
        return self._at_end or self._count()

    def _count(self) -> dict[str, int]:
        streams = [stream for stream in self._incoming.by_ssrc.values() if not stream.repair]
        subscriptions = self._subscriptions.values()
        audio = self.first_published(Kind.AUDIO)
        level = audio.stream.level & 0x7F if audio and audio.stream else 127
        return {
            "packets_received": sum(stream.packets for stream in streams),
            "octets_received": sum(stream.octets for stream in streams),
            "packets_recovered": sum(stream.recovered for stream in streams),
            "packets_given_up": sum(stream.losses.given_up for stream in streams),
            "uplink_fraction_lost": max((stream.reception.fraction_lost for stream in streams), default=0),
            "packets_sent": self._ended.packets_sent + sum(each.packets_sent for each in subscriptions),
            "octets_sent": self._ended.octets_sent + sum(each.octets_sent for each in subscriptions),
            "packets_retransmitted": self._ended.packets_retransmitted
            + sum(each.packets_retransmitted for each in subscriptions),
            "downlink_packets_lost": self._ended.packets_lost + sum(each.packets_lost for each in subscriptions),
            "downlink_fraction_lost": max((each.fraction_lost for each in subscriptions), default=0),
            "downlink_bits_per_second": self._downlink.downlink.estimate,
            "downlink_budget_bits_per_second": self._downlink.downlink.budget or 0,
            "downlink_overuses": self._downlink.downlink.overuses,
            "pictures_reduced": self._downlink.pictures(Measure.PICTURE_REDUCED),
            "pictures_off": self._downlink.pictures(Measure.PICTURE_OFF),
            "round_trip_ms": round(self._control.round_trip * 1000),
            "audio_level": level,
        }

    def close(self) -> None:
        """Detaches from everybody; calls after it do nothing."""
        if self._closed:
            return
        self._at_end = self._count()
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
