"""Which incoming SSRC belongs to which section and layer: declared in the offer, or learnt from header extensions (mid,
rid, repaired rid) and kept, since browsers leave them out once they know that we have them."""

from __future__ import annotations

from mediaserver.control_channel import ControlChannel
from mediaserver.drops import Drop, Drops
from mediaserver.incoming import IncomingStream
from mediaserver.negotiated import Direction, Negotiated, Section
from mediaserver.published import PublishedSection
from mediaserver.rtp import extension_value
from mediaserver.sink import Sink

MOST_STREAMS = 32
"""SSRCs of one transport, RTX included."""
SILENT_SECONDS = 2.0
"""A stream this silent may be replaced by another SSRC of its section."""


class IncomingStreams:
    """All streams of one peer; `published` by mid. `heard`, read by the forwarder: those of `by_ssrc` from which
    something came."""

    __slots__ = ("_accept", "_control", "_counts", "_forget", "_retired", "by_ssrc", "heard", "published")

    def __init__(self, sink: Sink, control: ControlChannel, drops: Drops) -> None:
        self._accept = sink.accept_incoming
        self._forget = sink.forget_incoming
        self._control = control
        self._counts = drops.counts
        self.by_ssrc: dict[int, IncomingStream] = {}
        self.heard: dict[int, IncomingStream] = {}
        self.published: dict[str, PublishedSection] = {}
        self._retired: dict[int, None] = {}
        """SSRCs out of use whose SRTP state is kept: a section may come back with them, its rollover count gone on."""

    def negotiate(self, negotiated: Negotiated, now: float) -> None:
        """Sections that stay keep their streams; those no longer published lose them."""
        sections = {each.mid: each for each in negotiated.sections if each.direction is Direction.PUBLISH}
        for mid, published in list(self.published.items()):
            if mid not in sections or sections[mid].rids != published.section.rids:
                self._remove_section(mid, now)
        for mid, section in sections.items():
            if mid not in self.published:
                self.published[mid] = PublishedSection(section)
            published = self.published[mid]
            published.renegotiate(section)
            for stream in list(self.by_ssrc.values()):
                if stream.published is published:
                    stream.renegotiate()
            if section.ssrcs:
                self._declare(published, *section.ssrcs[0], now)

    def _declare(self, published: PublishedSection, primary: int, repair: int, now: float) -> None:
        for ssrc, stream in list(self.by_ssrc.items()):
            if stream.published is published and ssrc not in (primary, repair):
                self._remove(ssrc, now)
        if primary not in self.by_ssrc:
            self._create(primary, published, repair=False, now=now)
        if repair and repair not in self.by_ssrc:
            self._create(repair, published, repair=True, now=now)

    def learn(self, packet: bytes, first: int, ssrc: int, arrival: float) -> IncomingStream | None:
        """The stream of an SSRC not heard before; None (a counted drop) when there is no room or no mid."""
        if not self._accept(ssrc):
            return None
        stream = self.by_ssrc.get(ssrc) or self._find(packet, first, ssrc, arrival)
        if stream is not None:
            self.heard[ssrc] = stream
        return stream

    def _find(self, packet: bytes, first: int, ssrc: int, arrival: float) -> IncomingStream | None:
        """By its mid."""
        if not self._control.slow_work.may_learn(arrival):
            self._counts[Drop.RTP_UNKNOWN_STREAM] += 1
            return None
        published = self._named(packet)
        if published is None:
            self._counts[Drop.RTP_UNKNOWN_STREAM] += 1
            return None
        repair = first & 0x7F in published.repairs
        layer = _layer(published.section, packet, repair=repair)
        if layer < 0:
            self._counts[Drop.RTP_UNKNOWN_LAYER] += 1
            return None
        rivals = [
            each
            for each in self.by_ssrc.values()
            if each.published is published and each.repair is repair and each.layer == layer
        ]
        if any(arrival - each.arrival < SILENT_SECONDS for each in rivals):
            self._counts[Drop.RTP_UNKNOWN_STREAM] += 1
            return None
        for each in rivals:
            self._remove(each.ssrc, arrival)
        return self._create(ssrc, published, repair=repair, now=arrival, layer=layer)

    def _named(self, packet: bytes) -> PublishedSection | None:
        """By the mid that the packet tells; it is looked for once for each id that a mid has, which is one in
        what browsers offer."""
        for mid_id in {each.section.extensions.mid for each in self.published.values()}:
            named = self.published.get(extension_value(packet, mid_id).decode(errors="replace"))
            if named is not None and named.section.extensions.mid == mid_id:
                return named
        return None

    def _create(
        self, ssrc: int, published: PublishedSection, *, repair: bool, now: float, layer: int = 0
    ) -> IncomingStream | None:
        if len(self.by_ssrc) >= MOST_STREAMS:
            self._counts[Drop.RTP_TOO_MANY_STREAMS] += 1
            return None
        self._retired.pop(ssrc, None)
        stream = IncomingStream(ssrc, published, self._control, repair=repair, layer=layer)
        self.by_ssrc[ssrc] = stream
        if not repair:
            published.set_stream(layer, stream, now)
        return stream

    def _remove(self, ssrc: int, now: float) -> None:
        stream = self.by_ssrc.pop(ssrc)
        self.heard.pop(ssrc, None)
        if not stream.repair:
            stream.published.set_stream(stream.layer, None, now)
        self._retired[ssrc] = None
        if len(self._retired) > MOST_STREAMS:
            oldest = next(iter(self._retired))
            del self._retired[oldest]
            self._forget(oldest)

    def _remove_section(self, mid: str, now: float) -> None:
        published = self.published.pop(mid)
        for ssrc in [ssrc for ssrc, stream in self.by_ssrc.items() if stream.published is published]:
            self._remove(ssrc, now)
        for subscription in list(published.subscriptions):
            subscription.connect(None, now)

    def look(self, now: float) -> None:
        """Once a tick: simulcast layers fall silent, and come back; sound has a bound."""
        for published in self.published.values():
            if len(published.layers) > 1:
                published.look(now)
            elif (stream := published.stream) is not None:
                stream.look(now)

    def close(self, now: float) -> None:
        for mid in list(self.published):
            self._remove_section(mid, now)


def _layer(section: Section, packet: bytes, *, repair: bool) -> int:
    """Which layer a packet says it belongs to (RFC 8852), 0 without simulcast; -1: none that was offered."""
    if not section.rids:
        return 0
    ids = section.extensions
    rid = (extension_value(packet, ids.repaired_rid) if repair else b"") or extension_value(packet, ids.rid)
    names = [name.encode() for name in section.rids]
    return names.index(rid) if rid in names else -1
