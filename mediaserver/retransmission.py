"""What a subscriber is sent again: RTX packets (RFC 4588) with an SSRC and numbers of their own.

Which incoming packet went out under a number is known by spans: while packets flow plainly, outgoing and incoming
numbers differ by a constant; while they are shaped, the shape knows.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from mediaserver.drops import Drop, Drops
from mediaserver.incoming import IncomingStream
from mediaserver.outgoing import Outgoing
from mediaserver.rtp import HEADER, KEPT_FLAGS, PADDING, payload_offset, unwrap
from mediaserver.shaping import Shape
from mediaserver.token_bucket import TokenBucket

_MOST_SPANS = 8
_FARTHEST = 512
"""No ring holds more packets."""
_MOST_RESENDS = 200
_RESEND_SECONDS = 0.05
_LEAST_OCTETS = 200
"""That a packet counts for, since small ones cost as much work as large ones."""
_LONGEST_PADDING = 255
_PADDED_FROM = 32
"""Octets of padding below this are not worth a packet."""


class Span(NamedTuple):
    """Outgoing numbers from `begins` on, up to the next span."""

    begins: int
    stream: IncomingStream
    timestamp_offset: int
    sequence_offset: int
    """incoming = outgoing - sequence_offset, without a shape."""
    shape: Shape | None

    def find(self, number: int) -> tuple[bytes, bytes] | None:
        """(incoming packet, payload as it goes out), when the ring still has it."""
        index = number - self.sequence_offset if self.shape is None else self.shape.source(number)
        highest, ring = self.stream.highest, self.stream.ring
        packet = ring.get(index) if highest - ring.size < index <= highest and index >= 0 else None
        if packet is None:
            return None
        payload = packet[payload_offset(packet) :]
        if self.shape is not None:
            payload = self.shape.payload(payload)
        return (packet, payload) if payload else None


class Retransmission:
    """Of one subscription, which says with each call how it sends. `packets`: those asked for; `octets`: all that went
    out here, headers included."""

    __slots__ = ("_counts", "_resent", "_resent_since", "_sequence", "_spans", "octets", "packets", "renewed_at")

    def __init__(self, drops: Drops) -> None:
        self._counts = drops.counts
        self._sequence = secrets.randbelow(0x4000)
        self._spans: list[Span] = []
        self._resent: set[int] = set()
        self._resent_since = 0.0
        self.packets = self.octets = 0
        self.renewed_at = -1
        """The number of the last keyframe that something new began with."""

    def begin(self, span: Span) -> None:
        """What follows begins here; spans that nothing can be found by any more are forgotten."""
        ends = [each.begins for each in (*self._spans, span)][1:]
        useful = [each for each, end in zip(self._spans, ends, strict=True) if end > span.begins - _FARTHEST]
        self._spans = [*useful[1 - _MOST_SPANS :], span]

    def forget(self) -> None:
        """Another publisher: nothing of the last one is sent again."""
        self._spans = []

    def resend(
        self, outgoing: Outgoing, sequences: Sequence[int], highest: int, budget: TokenBucket, now: float, *, full: bool
    ) -> None:
        """Answers a NACK: in one interval each number at most once, a bounded number in all, and no more octets of
        packets than the peer's `budget` has. `highest`: the outgoing number last used. `full`: the link is, and what
        it holds is for the keyframe that ends the waiting, not for what came before it."""
        if now - self._resent_since > _RESEND_SECONDS:
            self._resent.clear()
            self._resent_since = now
        for sequence in sequences:
            number = unwrap(sequence, highest)
            if full and number < self.renewed_at:
                self._counts[Drop.RETRANSMISSION_OUTDATED] += 1
                continue
            span = self._span(number)
            found = span.find(number) if span is not None and outgoing.repair_word else None
            if span is None or found is None or number > highest:
                self._counts[Drop.RETRANSMISSION_UNKNOWN] += 1
            elif number in self._resent or len(self._resent) >= _MOST_RESENDS:
                self._counts[Drop.RETRANSMISSION_TOO_OFTEN] += 1
            elif not budget.take(now, max(len(found[0]), _LEAST_OCTETS)):
                self._counts[Drop.RETRANSMISSION_TOO_MANY] += 1
            else:
                self._resent.add(number)
                self.packets += 1
                self._send(outgoing, found, number, span, now)

    def pad(self, outgoing: Outgoing, octets: int, highest: int, now: float) -> int:
        """Sends about so many octets, headers included, of what went out lately, else of padding; how many it were.
        Subscribers drop what they have, and count it for their estimate."""
        if not outgoing.repair_word:
            return 0
        before = self.octets
        number = highest
        while self.octets - before < octets - _PADDED_FROM and highest - number < _MOST_RESENDS:
            span = self._span(number)
            found = span.find(number) if span is not None else None
            if span is None or found is None:
                break
            self._send(outgoing, found, number, span, now)
            number -= 1
        while (left := octets - (self.octets - before)) >= _PADDED_FROM:
            self._send_padding(outgoing, min(left, _LONGEST_PADDING), now)
        return self.octets - before

    def _span(self, number: int) -> Span | None:
        for position in range(len(self._spans) - 1, -1, -1):
            if number >= self._spans[position].begins:
                return self._spans[position]
        return None

    def _send(self, outgoing: Outgoing, found: tuple[bytes, bytes], number: int, span: Span, now: float) -> None:
        packet, payload = found
        word, _, timestamp, _ = HEADER.unpack_from(packet)
        self._begin_packet(outgoing, word & KEPT_FLAGS, timestamp + span.timestamp_offset, now)
        self._finish_packet(outgoing, (number & 0xFFFF).to_bytes(2, "big") + payload)

    def _send_padding(self, outgoing: Outgoing, octets: int, now: float) -> None:
        self._begin_packet(outgoing, PADDING, 0, now)
        self._finish_packet(outgoing, bytes(octets - 1) + bytes([octets]))

    def _begin_packet(self, outgoing: Outgoing, word: int, timestamp: int, now: float) -> None:
        self._sequence += 1
        outgoing.write_repair(word, self._sequence, timestamp, now)

    def _finish_packet(self, outgoing: Outgoing, body: bytes) -> None:
        header = outgoing.repair_header
        self.octets += len(header) + len(body)
        outgoing.send(b"".join((header, body)))
