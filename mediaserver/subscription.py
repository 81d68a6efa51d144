"""One outgoing RTP stream: a section that a peer receives, with an SSRC and numbering of its own for the peer's life.

Its publisher may change, pause or restart; what goes out stays one unbroken stream. Numbering: while packets flow, an
incoming index and the outgoing index differ by one constant, so true losses and reordering stay visible and gaps that
we make do not. Every start begins right after the highest number used before and ignores older incoming packets:
one SSRC and sequence number never carry two contents (with AES-GCM a repeated nonce gives the key away).
Retransmissions go out as RTX with an SSRC and numbers of their own (RFC 4588).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from mediaserver.drops import Drop, Drops
from mediaserver.forwarder import ABS_SEND_TIME_UNITS, OUTGOING_HEADER
from mediaserver.incoming import SILENCE, IncomingStream
from mediaserver.negotiated import Kind, Section
from mediaserver.packet_ring import PacketRing
from mediaserver.published import PublishedSection
from mediaserver.rtcp import ReportBlock, sender_report, source_description
from mediaserver.rtp import (
    HEADER,
    KEPT_FLAGS,
    LARGEST_ONE_BYTE_ID,
    LONGEST_ONE_BYTE_DATA,
    ONE_BYTE_PROFILE,
    VERSION_2,
    payload_offset,
    unwrap,
)
from mediaserver.sink import Sink

NEVER = 1 << 62
_EXTENSION_FLAG = 0x1000
_MOST_SPANS = 4
_MOST_REPORTS = 8
_MOST_RESENDS = 200
_RESEND_SECONDS = 0.05
_FRESH_HEADER = 22
"""Bytes before the mid: fixed header, extension header, abs-send-time, audio level."""


class Span(NamedTuple):
    """From the outgoing index `begins` on, incoming = outgoing - sequence_offset."""

    begins: int
    sequence_offset: int
    timestamp_offset: int


def _usable(extension_id: int) -> int:
    """We write the one-byte form; an id beyond it is treated as not negotiated."""
    return extension_id if extension_id <= LARGEST_ONE_BYTE_ID else 0


def _header_template(section: Section) -> bytearray:
    """A header of the section's constant length, with the mid in place."""
    mid_id, mid = _usable(section.extensions.mid), section.mid.encode()
    element = b""
    if mid_id and 0 < len(mid) <= LONGEST_ONE_BYTE_DATA:
        element = bytes([mid_id << 4 | len(mid) - 1]) + mid
    unpadded = _FRESH_HEADER + len(element)
    return bytearray(_FRESH_HEADER) + element + bytes(-unpadded % 4)


class Subscription:
    """Silent (no publisher, or not wanted), waiting for a keyframe, or flowing. Public fields are the forwarder's."""

    __slots__ = (
        "_canonical_name",
        "_counts",
        "_format",
        "_last_timestamp",
        "_next_index",
        "_octets_before",
        "_packets_before",
        "_published",
        "_reports",
        "_resent",
        "_resent_since",
        "_rtx_constant",
        "_rtx_header",
        "_rtx_sequence",
        "_rtx_ssrc",
        "_rtx_word",
        "_section",
        "_send_control",
        "_spans",
        "_started_octets",
        "_started_packets",
        "_stopped_at",
        "_stream",
        "_timeline",
        "_wanted",
        "constant",
        "first_index",
        "first_word",
        "fraction_lost",
        "header",
        "level_bits",
        "level_word",
        "packets_lost",
        "packets_retransmitted",
        "send",
        "send_time_bits",
        "send_time_word",
        "sequence_offset",
        "ssrc",
        "timestamp_offset",
    )

    def __init__(self, section: Section, sink: Sink, drops: Drops) -> None:
        self._counts = drops.counts
        self.send = sink.send_rtp
        self._send_control = sink.send_rtcp
        self.ssrc, self._rtx_ssrc = section.ssrcs[0]
        self._next_index = 0x10000 + secrets.randbelow(0x4000)
        self._rtx_sequence = secrets.randbelow(0x4000)
        self._spans: list[Span] = []
        self._stream: IncomingStream | None = None
        self._published: PublishedSection | None = None
        self._wanted = False
        self._format = ""
        self._timeline = -1
        self._last_timestamp = 0
        self._stopped_at = 0.0
        self._packets_before = self._octets_before = 0
        self._started_packets = self._started_octets = 0
        self._resent: set[int] = set()
        self._resent_since = 0.0
        self._reports: dict[int, float] = {}
        self.first_index = NEVER
        self.first_word = self._rtx_word = 0
        self.sequence_offset = self.timestamp_offset = 0
        self.fraction_lost = self.packets_lost = self.packets_retransmitted = 0
        self.level_word = self.level_bits = 0
        self._configure(section)

    def renegotiate(self, section: Section, now: float) -> None:
        """The section's ids, mid or formats may have changed; its SSRCs never do."""
        self._configure(section)
        if self._stream is not None:
            self._stream.sort_subscriptions()
            if not self.flows:
                self._stream.request_keyframe(now)

    def _configure(self, section: Section) -> None:
        self._section = section
        self._canonical_name = f"slot-{section.slot}".encode()
        self.header = _header_template(section)
        self._rtx_header = _header_template(section)
        extension_word = ONE_BYTE_PROFILE << 16 | (len(self.header) - 16) // 4
        self.constant = self.ssrc << 32 | extension_word
        self._rtx_constant = self._rtx_ssrc << 32 | extension_word
        send_time_id = _usable(section.extensions.abs_send_time)
        self.send_time_word = send_time_id << 28 | 2 << 24 if send_time_id else 0
        self.send_time_bits = 0xFFFFFF if send_time_id else 0
        self._follow_level()
        if self._format:
            self.follow_format(self._format)

    @property
    def mid(self) -> str:
        return self._section.mid

    @property
    def slot(self) -> int:
        return self._section.slot

    @property
    def video(self) -> bool:
        return self._section.kind is Kind.VIDEO

    @property
    def flows(self) -> bool:
        return self.first_index != NEVER

    @property
    def published(self) -> PublishedSection | None:
        return self._published

    # Whom to follow

    def connect(self, published: PublishedSection | None, now: float) -> None:
        """Another publisher, or none."""
        if published is self._published:
            return
        if self._published is not None:
            self._published.remove(self)
        self._published = published
        if published is not None:
            published.add(self)
        self.follow(now)

    def want(self, wanted: bool, now: float) -> None:
        """Whether packets may go out: the peer's keys are ready and it shows this section."""
        self._wanted = wanted
        self.follow(now)

    def follow(self, now: float) -> None:
        """Moves to the stream that it should follow now."""
        stream = self._published.stream if self._published is not None and self._wanted else None
        if stream is self._stream:
            return
        if self._stream is not None:
            self._stream.remove(self)
            self._stop(self._stream)
        self._stream = stream
        self._follow_level()
        if stream is not None:
            stream.add(self, now)

    def _follow_level(self) -> None:
        level_id = _usable(self._section.extensions.audio_level)
        if not level_id or self._stream is None or not self._stream.level_id:
            level_id = 0
        self.level_word = level_id << 12
        self.level_bits = 0xFF if level_id else 0

    def follow_format(self, name: str) -> None:
        """The publisher's codec; without a payload type for it the subscription falls silent until the next start."""
        self._format = name
        for codec in self._section.codecs:
            if codec.name == name:
                flags = VERSION_2 | _EXTENSION_FLAG
                self.first_word = flags | codec.payload_type
                self._rtx_word = flags | codec.rtx_payload_type if codec.rtx_payload_type and self._rtx_ssrc else 0
                return
        self.first_word = 0
        if self._stream is not None and self.flows:
            self._stop(self._stream)

    # Starts and stops

    def may_start(self, stream: IncomingStream, index: int) -> bool:
        """Whether a start at a packet of the past repeats nothing that went out before."""
        if not self.first_word:
            return False
        return (
            stream.identity != self._timeline
            or not self._spans
            or (index + self._spans[-1].sequence_offset >= self._next_index)
        )

    def start(self, stream: IncomingStream, index: int, timestamp: int, now: float) -> None:
        """From the incoming packet `index` on, packets flow."""
        if not self.first_word:
            return
        if stream.identity != self._timeline:
            self._continue_time(stream, timestamp, now)
        self.sequence_offset = self._next_index - index
        self.first_index = index
        self._started_packets, self._started_octets = stream.packets, stream.octets
        self._spans = [
            *self._spans[1 - _MOST_SPANS :],
            Span(self._next_index, self.sequence_offset, self.timestamp_offset),
        ]
        report = stream.sender_report
        if report is not None:
            elapsed = now - stream.sender_report_arrival
            rtp_timestamp = report.rtp_timestamp + int(elapsed * stream.clock_rate)
            self.send_report(report.ntp + int(elapsed * (1 << 32)), rtp_timestamp, now)

    def _continue_time(self, stream: IncomingStream, timestamp: int, now: float) -> None:
        """A new publisher's clock is laid after the last one's, by the time that has passed."""
        self._spans = []
        if self._timeline >= 0:
            passed = max(1, int((now - self._stopped_at) * stream.clock_rate))
            self.timestamp_offset = self._last_timestamp + passed - timestamp
        self._timeline = stream.identity

    def _stop(self, stream: IncomingStream) -> None:
        if not self.flows:
            return
        self._packets_before, self._octets_before = self._sent(stream)
        self._next_index = stream.highest + self.sequence_offset + 1
        self._last_timestamp = stream.timestamp + self.timestamp_offset
        self._stopped_at = stream.arrival
        self.first_index = NEVER

    def _sent(self, stream: IncomingStream | None) -> tuple[int, int]:
        """Packets and payload octets sent so far, from the stream's counts instead of counters of our own."""
        if stream is None or not self.flows:
            return self._packets_before, self._octets_before
        return (
            self._packets_before + stream.packets - self._started_packets,
            self._octets_before + stream.octets - self._started_octets,
        )

    @property
    def packets_sent(self) -> int:
        return self._sent(self._stream)[0]

    @property
    def octets_sent(self) -> int:
        return self._sent(self._stream)[1]

    # Packets of the past

    def replay(self, ring: PacketRing, first: int, last: int, now: float) -> None:
        """Sends what the ring holds of `first`..`last`, which never went out here before."""
        for index in range(first, last + 1):
            packet = ring.get(index)
            if packet is None:
                continue
            word, sequence, timestamp, _ = HEADER.unpack_from(packet)
            self._write(
                self.header,
                self.first_word | word & KEPT_FLAGS,
                sequence + self.sequence_offset,
                timestamp + self.timestamp_offset,
                self.constant,
                now,
            )
            payload = packet[payload_offset(packet) :]
            self.send(b"".join((self.header, payload)))
            self._packets_before += 1
            self._octets_before += len(payload)

    def _write(self, header: bytearray, word: int, sequence: int, timestamp: int, constant: int, now: float) -> None:
        OUTGOING_HEADER.pack_into(
            header,
            0,
            word,
            sequence & 0xFFFF,
            timestamp & 0xFFFFFFFF,
            constant,
            self.send_time_word | int(now * ABS_SEND_TIME_UNITS) & self.send_time_bits,
            self.level_word | SILENCE & self.level_bits,
        )

    def resend(self, sequences: Sequence[int], now: float) -> None:
        """Answers a NACK with RTX packets: in one interval each at most once, and a bounded number in all."""
        if now - self._resent_since > _RESEND_SECONDS:
            self._resent.clear()
            self._resent_since = now
        stream = self._stream
        if stream is None or not self._rtx_word or not self._spans or not self.flows:
            self._counts[Drop.RETRANSMISSION_UNKNOWN] += len(sequences)
            return
        highest = stream.highest + self.sequence_offset
        for sequence in sequences:
            index = unwrap(sequence, highest)
            packet, span = self._find(stream, index)
            if packet is None or span is None:
                self._counts[Drop.RETRANSMISSION_UNKNOWN] += 1
            elif index in self._resent or len(self._resent) >= _MOST_RESENDS:
                self._counts[Drop.RETRANSMISSION_TOO_OFTEN] += 1
            else:
                self._resent.add(index)
                self._send_rtx(packet, index, span, now)

    def _find(self, stream: IncomingStream, index: int) -> tuple[bytes | None, Span | None]:
        for number in range(len(self._spans) - 1, -1, -1):
            span = self._spans[number]
            if index >= span.begins:
                return stream.ring.get(index - span.sequence_offset), span
        return None, None

    def _send_rtx(self, packet: bytes, index: int, span: Span, now: float) -> None:
        word, _, timestamp, _ = HEADER.unpack_from(packet)
        self._rtx_sequence += 1
        self.packets_retransmitted += 1
        self._write(
            self._rtx_header,
            self._rtx_word | word & KEPT_FLAGS,
            self._rtx_sequence,
            timestamp + span.timestamp_offset,
            self._rtx_constant,
            now,
        )
        original = (index & 0xFFFF).to_bytes(2, "big")
        self.send(b"".join((self._rtx_header, original, packet[payload_offset(packet) :])))

    def request_keyframe(self, now: float) -> None:
        """The subscriber's decoder needs a keyframe."""
        if self._stream is not None:
            self._stream.request_keyframe(now)

    # Reports

    def send_report(self, ntp: int, rtp_timestamp: int, now: float) -> None:
        """The publisher's sender report in this subscription's time line (RFC 3550 section 6.4.1): NTP time is kept."""
        if not self.flows:
            return
        packets, octets = self._sent(self._stream)
        self._reports[(ntp >> 16) & 0xFFFFFFFF] = now
        if len(self._reports) > _MOST_REPORTS:
            del self._reports[next(iter(self._reports))]
        report = sender_report(
            self.ssrc, ntp & 0xFFFFFFFFFFFFFFFF, rtp_timestamp + self.timestamp_offset, packets, octets
        )
        self._send_control(report + source_description(self.ssrc, self._canonical_name))

    def received_report(self, block: ReportBlock, now: float) -> float | None:
        """The subscriber's report about us; the round trip in seconds when it can be told."""
        self.fraction_lost = block.fraction_lost
        self.packets_lost = block.packets_lost
        sent_at = self._reports.get(block.last_sender_report)
        return None if sent_at is None else now - sent_at - block.delay_since_last / 65536
