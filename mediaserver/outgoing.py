"""How the packets of one outgoing section look: its header with the subscriber's ids, payload type and mid."""

from __future__ import annotations

import struct
from collections.abc import Callable

from mediaserver import red
from mediaserver.forwarder import ABS_SEND_TIME_UNITS
from mediaserver.incoming import SILENCE
from mediaserver.negotiated import Codec, Section
from mediaserver.places import HEADROOM
from mediaserver.rtp import LARGEST_ONE_BYTE_ID, LONGEST_ONE_BYTE_DATA, ONE_BYTE_PROFILE, VERSION_2
from mediaserver.sink import Sink

_EXTENSION_FLAG = 0x1000
_HEADERS = {size: struct.Struct(f"!HHI{8 + size}sIH") for size in range(2, 22, 4)}
"""By the octets of the mid's element and of padding that makes the rest fit. What is constant lies together, since a
field more costs more than its bytes: SSRC, extension header, mid."""
_WRITERS = {size: header.pack_into for size, header in _HEADERS.items()}
_one_of_each: dict[int, int] = {}


class OutgoingHeader:
    """What every packet reads of one outgoing section, close together in memory: with many people in calls nothing of
    it is in the processor's cache when the next packet comes. Equal numbers are one object for all, which is."""

    __slots__ = (
        "constant",
        "first_word",
        "level_bits",
        "level_word",
        "payload_at",
        "send_time_bits",
        "send_time_word",
        "sequence_offset",
        "sink",
        "timestamp_offset",
        "write_header",
    )

    constant: bytes
    first_word: int
    level_bits: int
    level_word: int
    payload_at: int
    send_time_bits: int
    send_time_word: int
    sequence_offset: int
    sink: Sink
    timestamp_offset: int
    write_header: Callable[..., None]


class Outgoing(OutgoingHeader):
    """Public fields are the forwarder's; `header` is written anew in place for each packet that it does not write."""

    __slots__ = (
        "codec",
        "header",
        "repair_constant",
        "repair_header",
        "repair_ssrc",
        "repair_word",
        "section",
        "send",
        "ssrc",
        "takes_own_blocks",
    )

    def __init__(self, section: Section, sink: Sink) -> None:
        self.sink = sink
        self.send = sink.send_rtp
        self.ssrc, self.repair_ssrc = section.ssrcs[0]
        self.codec: Codec | None = None
        """The publisher's, None before it is known."""
        self.takes_own_blocks = False
        """The publisher sends RED, and the subscriber has only Opus for it."""
        self.first_word = self.repair_word = 0
        """The first 16 bits but for the flags; 0: the subscriber has no payload type for the publisher's codec."""
        self.level_word = self.level_bits = 0
        self.configure(section)

    def configure(self, section: Section) -> None:
        """The section's ids, mid or formats may have changed; its SSRCs never do."""
        self.section = section
        mid = _mid_element(section)
        header = _HEADERS[len(mid)]
        self.write_header = _WRITERS[len(mid)]
        self.header, self.repair_header = bytearray(header.size), bytearray(header.size)
        self.payload_at = _one(HEADROOM + header.size)
        """In the outbox' room."""
        extension = struct.pack("!HH", ONE_BYTE_PROFILE, (header.size - 16) // 4) + mid
        self.constant = self.ssrc.to_bytes(4, "big") + extension
        self.repair_constant = self.repair_ssrc.to_bytes(4, "big") + extension
        send_time_id = _usable(section.extensions.abs_send_time)
        self.send_time_word = _one(send_time_id << 28 | 2 << 24 if send_time_id else 0)
        self.send_time_bits = 0xFFFFFF if send_time_id else 0
        if self.codec is not None:
            self.use_format(self.codec)

    def use_format(self, codec: Codec) -> None:
        """The publisher's codec under the subscriber's payload types."""
        self.codec = codec
        self.first_word = self.repair_word = 0
        own = next((each for each in self.section.codecs if each.carries(codec)), None)
        self.takes_own_blocks = own is None and codec.name == red.NAME
        if self.takes_own_blocks:
            own = next((each for each in self.section.codecs if each.name == "opus"), None)
        if own is None:
            return
        flags = VERSION_2 | _EXTENSION_FLAG
        self.first_word = _one(flags | own.payload_type)
        if own.rtx_payload_type and self.repair_ssrc:
            self.repair_word = flags | own.rtx_payload_type

    def tell_level(self, told: bool) -> None:
        """Whether the publisher tells its audio level."""
        level_id = _usable(self.section.extensions.audio_level) if told else 0
        self.level_word = _one(level_id << 12)
        self.level_bits = 0xFF if level_id else 0

    def write(self, word: int, sequence: int, timestamp: int, now: float) -> None:
        """The header of a packet of the past."""
        self._write(self.header, self.first_word | word, sequence, timestamp, self.constant, now)

    def write_repair(self, word: int, sequence: int, timestamp: int, now: float) -> None:
        """The header of a packet on the SSRC of retransmissions (RFC 4588)."""
        self._write(self.repair_header, self.repair_word | word, sequence, timestamp, self.repair_constant, now)

    def _write(self, header: bytearray, word: int, sequence: int, timestamp: int, constant: bytes, now: float) -> None:
        self.write_header(
            header,
            0,
            word,
            sequence & 0xFFFF,
            timestamp & 0xFFFFFFFF,
            constant,
            self.send_time_word | int(now * ABS_SEND_TIME_UNITS) & self.send_time_bits,
            self.level_word | SILENCE & self.level_bits,
        )


def _one(number: int) -> int:
    """The same object for equal numbers: extension ids and payload types, of which there are few."""
    return _one_of_each.setdefault(number, number)


def _usable(extension_id: int) -> int:
    """We write the one-byte form; an id beyond it is treated as not negotiated."""
    return extension_id if extension_id <= LARGEST_ONE_BYTE_ID else 0


def _mid_element(section: Section) -> bytes:
    """With as much padding as makes one of `_HEADERS` (RFC 8285 section 4.2); two octets of it without a mid."""
    mid_id, mid = _usable(section.extensions.mid), section.mid.encode()
    element = b""
    if mid_id and 0 < len(mid) <= LONGEST_ONE_BYTE_DATA:
        element = bytes([mid_id << 4 | len(mid) - 1]) + mid
    return element + bytes((2 - len(element)) % 4)
