"""The second way out of the hot path: packets of one incoming stream that are changed or left out on the way.

Sequence numbers are closed up over what is left out, and stay open where a packet is missing: what a missing packet
was is known only when it comes. One that should have been left out then fills its number with padding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mediaserver.drops import Drop, Drops
from mediaserver.pictures import Pictures
from mediaserver.rtp import PADDING

if TYPE_CHECKING:
    from mediaserver.outgoing import Outgoing

LEFT_OUT = -1
_ONE_OCTET_OF_PADDING = b"\x01"

join = b"".join


class Shape:
    """Of one subscription, from the incoming index `first` on. Public fields are for that subscription."""

    __slots__ = (
        "_drops",
        "_mask",
        "_numbers",
        "_outgoing",
        "_send",
        "_size",
        "_sources",
        "first",
        "highest",
        "next",
        "octets",
        "packets",
        "pictures",
        "timestamp_offset",
    )

    def __init__(
        self,
        outgoing: Outgoing,
        pictures: Pictures,
        drops: Drops,
        *,
        first: int,
        next_number: int,
        timestamp_offset: int,
        size: int,
    ) -> None:
        """`size`: of the stream's ring, a power of two."""
        self._outgoing = outgoing
        self._send: Callable[[bytes], None] = outgoing.send
        self._drops = drops
        self.pictures = pictures
        self.first = first
        self.highest = first - 1
        self.next = next_number
        self.timestamp_offset = timestamp_offset
        self.packets = self.octets = 0
        self._size = size
        self._mask = size - 1
        self._numbers = [LEFT_OUT] * size
        """Outgoing numbers by incoming index: those up to `highest` that the ring may still hold."""
        self._sources = [LEFT_OUT] * size
        """Incoming indices by outgoing number."""

    def shape(self, index: int, flags: int, timestamp: int, payload: bytes, send_time: int, level: int) -> None:
        """One packet: what the plain loop of `forwarder.receive_rtp` does, with the payload's numbers rewritten."""
        pictures = self.pictures
        if index != self.highest + 1:
            if index <= self.highest:
                self._late(index, flags, timestamp, payload, send_time, level)
                return
            self._skip(index, payload)
        self.highest = index
        if payload[1 : pictures.length] != pictures.told:
            pictures.begin(payload)
        if not pictures.kept:
            self._numbers[index & self._mask] = LEFT_OUT
            return
        number = self.next
        self.next = number + 1
        self._numbers[index & self._mask] = number
        self._sources[number & self._mask] = index
        self._write(number, flags, timestamp, send_time, level)
        self._send(join((self._outgoing.header, payload[:1], pictures.tail, payload[pictures.length :])))
        self.packets += 1
        self.octets += len(payload)

    def _write(self, number: int, flags: int, timestamp: int, send_time: int, level: int) -> None:
        outgoing = self._outgoing
        outgoing.write_header(
            outgoing.header,
            0,
            outgoing.first_word | flags,
            number & 0xFFFF,
            (timestamp + self.timestamp_offset) & 0xFFFFFFFF,
            outgoing.constant,
            outgoing.send_time_word | send_time & outgoing.send_time_bits,
            outgoing.level_word | level & outgoing.level_bits,
        )

    def _skip(self, index: int, payload: bytes) -> None:
        """Packets are missing before `index`: they keep a number, unless they belong to a picture that is left out."""
        pictures = self.pictures
        left_out = not pictures.kept and payload[1 : pictures.length] == pictures.told
        missing = index - self.highest - 1
        for passed in range(max(self.highest + 1, index - self._size), index):
            number = LEFT_OUT if left_out else self.next + passed - self.highest - 1
            self._numbers[passed & self._mask] = number
            if not left_out:
                self._sources[number & self._mask] = passed
        if not left_out:
            self.next += missing

    def _late(self, index: int, flags: int, timestamp: int, payload: bytes, send_time: int, level: int) -> None:
        number = self._number(index)
        if number == LEFT_OUT:
            if index < self.first:
                self._drops.counts[Drop.LATE_FOR_SUBSCRIBER] += 1
            return
        changed = self.pictures.past(payload)
        if changed is None:
            self._write(number, PADDING, timestamp, send_time, level)
            self._send(join((self._outgoing.header, _ONE_OCTET_OF_PADDING)))
            return
        length, tail = changed
        self._write(number, flags, timestamp, send_time, level)
        self._send(join((self._outgoing.header, payload[:1], tail, payload[length:])))
        self.packets += 1
        self.octets += len(payload)

    def _number(self, index: int) -> int:
        known = self.first <= index <= self.highest and index > self.highest - self._size
        return self._numbers[index & self._mask] if known else LEFT_OUT

    def source(self, number: int) -> int:
        """The incoming index that went out, or would have, under `number`; `LEFT_OUT` when there is none."""
        index = self._sources[number & self._mask]
        return index if index != LEFT_OUT and self._number(index) == number else LEFT_OUT

    def payload(self, payload: bytes) -> bytes:
        """As it goes out again; padding for what is left out by now."""
        changed = self.pictures.past(payload)
        if changed is None:
            return b""
        length, tail = changed
        return join((payload[:1], tail, payload[length:]))
