"""RTCP (RFC 3550 section 6, RFC 4585, RFC 5104, REMB) read into small values and written as bytes.

Reading is all or nothing: what does not fit raises `MalformedRtcp`; packet types that we have no use for are skipped.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from contract.errors import ErrorCode, InputError

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
GOODBYE = 203
TRANSPORT_FEEDBACK = 205
PAYLOAD_FEEDBACK = 206

FORMAT_NACK = 1
FORMAT_TRANSPORT_CC = 15
FORMAT_PICTURE_LOSS = 1
FORMAT_FULL_INTRA = 4
FORMAT_APPLICATION = 15

_HEADER = struct.Struct("!BBH")
_TWO_SSRCS = struct.Struct("!II")
_SENDER_INFO = struct.Struct("!IQIII")
_REPORT_BLOCK = struct.Struct("!IIIIII")
_NACK_ITEM = struct.Struct("!HH")
LARGEST_ESTIMATE = 100_000_000
"""A REMB can say far more than anybody is sent."""

MAXIMUM_NACKED = 512
"""Packets asked for again that are looked at, of one datagram: a datagram has room to name six thousand, and each costs
about as much as a packet. A browser that lost more than these needs a keyframe anyway."""

_REMB = b"REMB"


class MalformedRtcp(InputError):
    """The packet can't be read; nothing of it was used."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorCode.BAD_MESSAGE, detail)


class ReportBlock(NamedTuple):
    """RFC 3550 section 6.4.1. `fraction_lost` in 1/256, `jitter` in timestamp units, times in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    last_sender_report: int
    delay_since_last: int


class SenderReport(NamedTuple):
    """`ntp` is the 64-bit NTP time of the moment that `rtp_timestamp` names."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


class ReceiverReport(NamedTuple):
    ssrc: int
    blocks: tuple[ReportBlock, ...]


class Nack(NamedTuple):
    """RFC 4585 section 6.2.1. `left_out`: how many more were named than are looked at."""

    media_ssrc: int
    sequences: tuple[int, ...]
    left_out: int = 0


class KeyframeRequest(NamedTuple):
    """PLI (RFC 4585 section 6.3.1) or FIR (RFC 5104 section 4.3.1)."""

    media_ssrc: int


class BandwidthEstimate(NamedTuple):
    """REMB: the receiver's estimate for all it receives on this transport, bits per second."""

    bits_per_second: int


Message = SenderReport | ReceiverReport | Nack | KeyframeRequest | BandwidthEstimate


def parse(packet: bytes) -> list[Message]:
    """Every message of a compound or reduced-size packet that we have a use for."""
    messages: list[Message] = []
    at = 0
    while at < len(packet):
        if len(packet) < at + 4:
            raise MalformedRtcp("truncated header")
        first, packet_type, words = _HEADER.unpack_from(packet, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2 or end > len(packet):
            raise MalformedRtcp("wrong version or length")
        body = packet[at + 4 : end]
        if first & 0x20:
            if not body or not 0 < body[-1] <= len(body):
                raise MalformedRtcp("wrong padding")
            body = body[: -body[-1]]
        try:
            _read(packet_type, first & 0x1F, body, messages)
        except struct.error:
            raise MalformedRtcp("truncated body") from None
        at = end
    return messages


def _read(packet_type: int, count: int, body: bytes, messages: list[Message]) -> None:
    if packet_type == SENDER_REPORT:
        ssrc, ntp, timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
        messages.append(SenderReport(ssrc, ntp, timestamp, packets, octets, _blocks(body, 24, count)))
    elif packet_type == RECEIVER_REPORT:
        messages.append(ReceiverReport(struct.unpack_from("!I", body)[0], _blocks(body, 4, count)))
    elif packet_type == TRANSPORT_FEEDBACK and count == FORMAT_NACK:
        messages.append(_read_nack(body, messages))
    elif packet_type == PAYLOAD_FEEDBACK:
        _read_payload_feedback(count, body, messages)


def _read_payload_feedback(message_format: int, body: bytes, messages: list[Message]) -> None:
    media_ssrc = _TWO_SSRCS.unpack_from(body)[1]
    if message_format == FORMAT_PICTURE_LOSS:
        messages.append(KeyframeRequest(media_ssrc))
    elif message_format == FORMAT_FULL_INTRA:
        for at in range(8, len(body) - 7, 8):
            messages.append(KeyframeRequest(struct.unpack_from("!I", body, at)[0]))
    elif message_format == FORMAT_APPLICATION and body[8:12] == _REMB:
        word = struct.unpack_from("!I", body, 12)[0]
        estimate = (word & 0x3FFFF) << ((word >> 18) & 0x3F)
        messages.append(BandwidthEstimate(min(estimate, LARGEST_ESTIMATE)))


def _blocks(body: bytes, at: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for position in range(at, at + 24 * count, 24):
        ssrc, loss, highest, jitter, last, delay = _REPORT_BLOCK.unpack_from(body, position)
        lost = loss & 0xFFFFFF
        blocks.append(
            ReportBlock(ssrc, loss >> 24, lost - (1 << 24) if lost & 0x800000 else lost, highest, jitter, last, delay)
        )
    return tuple(blocks)


def _read_nack(body: bytes, before: list[Message]) -> Nack:
    """`before`: what the same datagram said already, since all its requests share one bound."""
    room = MAXIMUM_NACKED - sum(len(each.sequences) for each in before if isinstance(each, Nack))
    sequences: list[int] = []
    named = 0
    for at in range(8, len(body), 4):
        first, following = _NACK_ITEM.unpack_from(body, at)
        named += 1 + following.bit_count()
        if len(sequences) < room:
            sequences.append(first)
            sequences += [(first + bit + 1) & 0xFFFF for bit in range(16) if following >> bit & 1]
    del sequences[room:]
    return Nack(_TWO_SSRCS.unpack_from(body)[1], tuple(sequences), named - len(sequences))


def _write(packet_type: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, packet_type, len(body) // 4) + body


def sender_report(ssrc: int, ntp: int, rtp_timestamp: int, packets: int, octets: int) -> bytes:
    """An SR without report blocks."""
    body = _SENDER_INFO.pack(ssrc, ntp, rtp_timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return _write(SENDER_REPORT, 0, body)


def receiver_report(ssrc: int, blocks: Sequence[ReportBlock]) -> bytes:
    """An RR of at most 31 blocks."""
    parts = [struct.pack("!I", ssrc)]
    for block in blocks[:31]:
        lost = max(-0x800000, min(0x7FFFFF, block.packets_lost)) & 0xFFFFFF
        parts.append(
            _REPORT_BLOCK.pack(
                block.ssrc,
                block.fraction_lost << 24 | lost,
                block.highest_sequence & 0xFFFFFFFF,
                min(block.jitter, 0xFFFFFFFF),
                block.last_sender_report,
                min(block.delay_since_last, 0xFFFFFFFF),
            )
        )
    return _write(RECEIVER_REPORT, len(blocks[:31]), b"".join(parts))


def source_description(ssrc: int, canonical_name: bytes) -> bytes:
    """An SDES with the CNAME that a compound packet must have (RFC 3550 section 6.1)."""
    chunk = struct.pack("!IBB", ssrc, 1, len(canonical_name)) + canonical_name
    return _write(SOURCE_DESCRIPTION, 1, chunk + bytes(4 - len(chunk) % 4))


def nack(sender_ssrc: int, media_ssrc: int, sequences: Sequence[int]) -> bytes:
    """Asks for `sequences` (16 bits each, in rising order up to wraparound)."""
    items = []
    first, following = sequences[0], 0
    for sequence in sequences[1:]:
        distance = (sequence - first - 1) & 0xFFFF
        if distance < 16:
            following |= 1 << distance
        else:
            items.append(_NACK_ITEM.pack(first, following))
            first, following = sequence, 0
    items.append(_NACK_ITEM.pack(first, following))
    return _write(TRANSPORT_FEEDBACK, FORMAT_NACK, _TWO_SSRCS.pack(sender_ssrc, media_ssrc) + b"".join(items))


def picture_loss(sender_ssrc: int, media_ssrc: int) -> bytes:
    """A PLI."""
    return _write(PAYLOAD_FEEDBACK, FORMAT_PICTURE_LOSS, _TWO_SSRCS.pack(sender_ssrc, media_ssrc))


def bandwidth_estimate(sender_ssrc: int, bits_per_second: int, ssrcs: Sequence[int]) -> bytes:
    """A REMB (draft-alvestrand-rmcat-remb-03): exponent of 6 bits, mantissa of 18."""
    exponent = max(0, bits_per_second.bit_length() - 18)
    word = len(ssrcs) << 24 | exponent << 18 | bits_per_second >> exponent
    body = _TWO_SSRCS.pack(sender_ssrc, 0) + _REMB + struct.pack(f"!I{len(ssrcs)}I", word, *ssrcs)
    return _write(PAYLOAD_FEEDBACK, FORMAT_APPLICATION, body)


def transport_feedback(sender_ssrc: int, media_ssrc: int, feedback: bytes) -> bytes:
    """Transport-wide congestion control; `feedback` is what follows the two SSRCs, a multiple of 4 bytes long."""
    return _write(TRANSPORT_FEEDBACK, FORMAT_TRANSPORT_CC, _TWO_SSRCS.pack(sender_ssrc, media_ssrc) + feedback)
