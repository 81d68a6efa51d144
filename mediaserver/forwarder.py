"""THE HOT PATH: one decrypted RTP packet of a publisher goes to all its subscribers.

Everything that happens per packet is in `receive_rtp`. It makes no objects but the payload and the outgoing packets,
never waits, logs nothing. What is rare (unknown SSRC, gap, keyframe, new payload type) is a call elsewhere.

Two loops: *plain* subscriptions take the payload as it came; *shaped* ones (another layer's numbers, temporal layers
left out) change it in `shaping.py`.

An outgoing packet is written to the outbox: the publisher's payload as it came, and over what was before it a header
of the subscription's own:

    first 16 bits | sequence | timestamp | SSRC, extension header, mid, padding | abs-send-time | audio level
    (flags, type)   + offset   + offset    constant                               or padding      or padding

The publisher's CSRCs and extension block are left out: ids and meanings differ from browser to browser.
"""

from __future__ import annotations

from collections.abc import Callable

from mediaserver.drops import Drop, Drops
from mediaserver.extension_layout import learn_layout
from mediaserver.incoming import REFUSED, SILENCE, IncomingStream
from mediaserver.outbox import OUTBOX
from mediaserver.places import HEADROOM
from mediaserver.rtp import (
    CSRC_COUNT,
    EXTENSION,
    EXTENSION_HEADER,
    HEADER,
    HEADER_LENGTH,
    KEPT_FLAGS,
    MARKER,
    MAXIMUM_INCOMING,
    MOST_EXTENSION_WORDS,
    PADDING,
    VERSION_2,
    VERSION_MASK,
    find_extension,
)
from mediaserver.sink import MAXIMUM_RTP

LONGEST_OUTGOING_HEADER = 42
"""With the longest mid, and the original sequence number of a retransmission (RFC 4588 section 4)."""
MAXIMUM_PAYLOAD = MAXIMUM_RTP - LONGEST_OUTGOING_HEADER
SHAPE_FLAGS = VERSION_MASK | PADDING | EXTENSION | CSRC_COUNT
EXTENSION_ALONE = VERSION_2 | EXTENSION
"""Of `SHAPE_FLAGS`, in nearly every packet: no padding, no CSRCs."""
ABS_SEND_TIME_UNITS = 1 << 18
"""abs-send-time counts seconds in 6.18 fixed point, 24 bits."""

# Bound once, not looked up once a packet.
read_header = HEADER.unpack_from
read_block = int.from_bytes
read_extension_header = EXTENSION_HEADER.unpack_from

Learn = Callable[[bytes, int, int, float], IncomingStream | None]
"""(packet, first 16 bits, SSRC, arrival) → the stream of an SSRC not seen before, or None: a counted drop."""


class Forwarder:
    """The receiving side of one peer. `streams` (by SSRC) and `arrivals` (transport-cc) belong to others."""

    __slots__ = ("_arrivals", "_counts", "_learn", "_streams")

    def __init__(
        self, streams: dict[int, IncomingStream], learn: Learn, arrivals: dict[int, float], drops: Drops
    ) -> None:
        self._streams = streams
        self._learn = learn
        self._arrivals = arrivals
        self._counts = drops.counts

    # One function on purpose: a call more costs as much as five of its lines.
    def receive_rtp(self, packet: bytes, arrival: float) -> None:  # noqa: C901, PLR0915
        """`arrival` in `time.monotonic` seconds. Never raises."""
        length = len(packet)
        if length < HEADER_LENGTH or length > MAXIMUM_INCOMING:
            self._counts[Drop.RTP_TOO_LONG if length > MAXIMUM_INCOMING else Drop.RTP_MALFORMED] += 1
            return
        first, sequence, timestamp, ssrc = read_header(packet)
        stream = self._streams.get(ssrc)
        if stream is None:
            stream = self._learn(packet, first, ssrc, arrival)
            if stream is None:
                return
        start, mask, pattern, transport_cc_shift, level_shift = stream.layout
        block = read_block(packet[HEADER_LENGTH:start])
        if block & mask == pattern and first & SHAPE_FLAGS == EXTENSION_ALONE:
            if transport_cc_shift >= 0:
                self._arrivals[block >> transport_cc_shift & 0xFFFF] = arrival
            if level_shift >= 0:
                stream.level = block >> level_shift & 0xFF
        else:
            start = self._read_extensions(stream, packet, first, arrival)
        if not start or length - start > MAXIMUM_PAYLOAD:
            self._counts[Drop.RTP_TOO_LONG if start else Drop.RTP_MALFORMED] += 1
            return
        if stream.repair:
            self._recover(stream, packet, start, arrival)
            return
        if first & 0x7F != stream.payload_type and not stream.set_format(first & 0x7F):
            self._counts[stream.refusal] += 1
            return

        index = stream.highest + 1
        if sequence == index & 0xFFFF and index:
            stream.highest = index
        else:
            index = stream.place(sequence, arrival)
            if index < 0:
                self._counts[REFUSED[index]] += 1
                return
        if timestamp != stream.timestamp or index != stream.highest or not stream.layered:
            # VP8: keyframes begin with the first packet of a picture.
            if (stream.video or stream.waiting) and stream.starts_keyframe(packet[start:]):
                stream.keyframe_came(index, timestamp, packet[start:], arrival)
            if index == stream.highest:
                stream.advance(timestamp, arrival)
        ring = stream.ring
        ring.packets[index & ring.mask] = packet
        stream.packets += 1
        stream.octets += length - start

        flags = first & KEPT_FLAGS
        send_time = int(arrival * ABS_SEND_TIME_UNITS) & 0xFFFFFF
        level = stream.level
        for subscription in stream.subscriptions if index >= stream.settled else stream.takers(index):
            room = OUTBOX.room
            begin = subscription.payload_at - start
            end = begin + length
            room[begin:end] = packet
            write_header = subscription.write_header
            write_header(
                room,
                HEADROOM,
                subscription.first_word | flags,
                (sequence + subscription.sequence_offset) & 0xFFFF,
                (timestamp + subscription.timestamp_offset) & 0xFFFFFFFF,
                subscription.constant,
                subscription.send_time_word | send_time & subscription.send_time_bits,
                subscription.level_word | level & subscription.level_bits,
            )
            subscription.sink.send_written(end - HEADROOM)
        if stream.shaped:
            payload = packet[start:]
            for subscription in stream.shaped:
                subscription.shape(index, flags, timestamp, payload, send_time, level)

    def _read_extensions(self, stream: IncomingStream, packet: bytes, first: int, arrival: float) -> int:
        """Where the payload begins, 0 for a malformed packet. Records transport-cc arrival and audio level."""
        length = len(packet)
        start = HEADER_LENGTH + ((first >> 6) & 0x3C)
        if first & EXTENSION:
            if length < start + 4:
                return 0
            profile, words = read_extension_header(packet, start)
            elements = start + 4
            start = elements + 4 * words
            if start > length or words > MOST_EXTENSION_WORDS:
                return 0
            if stream.transport_cc_id:
                at = find_extension(packet, profile, elements, start, stream.transport_cc_id)
                if at and at + 1 < start:
                    self._arrivals[packet[at] << 8 | packet[at + 1]] = arrival
            if stream.level_id:
                at = find_extension(packet, profile, elements, start, stream.level_id)
                stream.level = packet[at] if at else SILENCE
        if start > length or first & VERSION_MASK != VERSION_2:
            return 0
        if first & PADDING and not 0 < packet[-1] <= length - start:
            return 0
        if first & SHAPE_FLAGS == EXTENSION_ALONE:
            stream.layout = learn_layout(packet, start, stream.transport_cc_id, stream.level_id)
        return start

    def _recover(self, repair: IncomingStream, packet: bytes, start: int, arrival: float) -> None:
        """Unwraps a retransmission (RFC 4588 section 4) and takes it as if it had come in its place."""
        repair.arrival = arrival
        first, _, timestamp, _ = read_header(packet)
        payload = packet[start : len(packet) - packet[-1]] if first & PADDING else packet[start:]
        if not payload:
            return  # padding alone: the browser probes for bandwidth
        published = repair.published
        payload_type = published.repairs.get(first & 0x7F)
        stream = published.layers[repair.layer]
        # What was never heard can't be missing; and SRTP knows no such source.
        unheard = stream is None or stream.ssrc not in self._streams
        if payload_type is None or stream is None or unheard or len(payload) < 2:
            self._counts[Drop.RTX_UNUSABLE] += 1
            return
        before = stream.packets
        head = HEADER.pack(
            VERSION_2 | first & MARKER | payload_type, payload[0] << 8 | payload[1], timestamp, stream.ssrc
        )
        self.receive_rtp(head + payload[2:], arrival)
        stream.recovered += stream.packets - before
