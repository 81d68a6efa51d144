"""Makes hostile datagrams, seeded: for strangers to send, and for a member of a room under valid keys."""

import random
import struct
from collections.abc import Callable

import pylibsrtp
import pytest
from aiortc import RTCCertificate
from OpenSSL import SSL

from tests.faults.mutations import LENGTHS, mutated
from tests.mediaserver.raw_client import AUDIO_SSRC, RawClient, dtls_context

VIDEO_SSRC, RTX_SSRC = 1038915013, 3498601069
"""Declared by Chromium's offer."""
ELEMENTS = (b"\0\0\x30\x01", b"\x3f\x01\x02\x03", b"\x40\x31\0\0", b"\x40\x31\xa0\x68", b"\x40\x31\xb1\x68\x69\0\0\0")
"""Header extensions of the one-byte form: cut short, a mid, a mid with a rid, with a repaired rid."""
DESCRIPTORS = (
    b"",
    b"\x10",
    b"\x90\x80",
    b"\x90\xf0\x80",
    b"\xff\xff\xff\xff",
    b"\x90\xe0\x12\x34\x05\xe0\0",
    b"\x6f\0\0\x10",
)
"""Beginnings of payloads: of VP8 (RFC 7741 section 4.2), and of RED (RFC 2198 section 3)."""


class Hostile:
    """Makes datagrams: mutations of valid ones for anybody to send, and rubbish under the member's valid keys."""

    def __init__(self, member: RawClient, received: list[int], others: list[int], seed: int) -> None:
        """`received`: SSRCs that the worker sends the member; `others`: those that other members send."""
        self.random = random.Random(seed)
        self.member = member
        self._received, self._others = received, others
        self._hello = _client_hello()
        self._heard = [member.audio() for _ in range(200)]
        self._valid: list[Callable[[], bytes]] = [
            lambda: member.check(nominate=True),
            lambda: member.check(username="nobody:them"),
            lambda: member.check(password="w" * 24),
            lambda: member.check(controlled=True),
            lambda: self._hello,
            self._audio,
            lambda: self._protected_rtcp(self._feedback()),
        ]
        self._sent: list[bytes] = []
        self._sequences: dict[int, int] = {}

    def of_a_stranger(self) -> bytes:
        return self._mutated(self.random.choice(self._valid)())

    def of_a_member(self) -> bytes:
        """From a confirmed address: half of it passes SRTP's authentication and is malformed inside."""
        kinds = (self.of_a_stranger, self._replayed, self._rtp, self._rtp, self._rtcp, self._rtcp)
        datagram = self.random.choice(kinds)()
        if len(self._sent) < 500:
            self._sent.append(datagram)
        return datagram

    def frame(self, datagram: bytes) -> bytes:
        """As TCP carries it (RFC 4571 section 2); now and then its length is a lie."""
        length = len(datagram).to_bytes(2, "big")
        return (self.random.choice(LENGTHS) if self.random.random() < 0.02 else length) + datagram

    def _audio(self) -> bytes:
        return self.random.choice(self._heard)

    def _replayed(self) -> bytes:
        return self.random.choice(self._sent) if self._sent else self._audio()

    def _mutated(self, valid: bytes) -> bytes:
        return mutated(self.random, valid)

    def _rtp(self) -> bytes:
        """Lies about padding, CSRCs, extensions, descriptors; unknown and others' SSRCs, leaps of sequence numbers."""
        choose = self.random
        ssrc = choose.choice([AUDIO_SSRC, VIDEO_SSRC, VIDEO_SSRC, RTX_SSRC, *self._others])
        if choose.random() < 0.005:
            ssrc = choose.getrandbits(32)
        first = 0x80 | choose.choice((0, 0x10, 0x10, 0x20, choose.randrange(64)))
        kind = choose.choice((96, 96 | 0x80, 97, 111, 63, choose.randrange(192)))
        packet = struct.pack("!BBHII", first, kind, self._next_sequence(ssrc), choose.getrandbits(32), ssrc)
        packet += choose.randbytes(4 * (first & 15))
        if first & 0x10:
            elements = choose.choice((*ELEMENTS, choose.randbytes(4 * choose.randrange(6))))
            words = len(elements) // 4 + choose.choice((0, 0, 0, 0, 1, 0xFF00))
            packet += struct.pack("!HH", choose.choice((0xBEDE, 0xBEDE, 0x1000, 7)), words) + elements
        packet += choose.choice(DESCRIPTORS) + choose.randbytes(choose.choice((0, 1, 2, 3, 100, 1200)))
        if first & 0x20:
            packet += bytes([choose.choice((0, 1, 200, 255))])
        try:
            return self.member.outgoing.protect(packet[:1350])
        except pylibsrtp.Error:
            # libsrtp of the client itself refuses what is too broken, or repeats a number.
            return self._mutated(self._audio())

    def _next_sequence(self, ssrc: int) -> int:
        """Mostly the next one, as SRTP takes no old ones; with gaps, and leaps now and then."""
        leap = self.random.choice((1, 1, 1, 1, 2, 17, self.random.randrange(1, 3000)))
        self._sequences[ssrc] = self._sequences.get(ssrc, 1000) + leap
        late = self.random.randrange(1, 30) if self.random.random() < 0.1 else 0
        return self._sequences[ssrc] - late & 0xFFFF

    def _rtcp(self) -> bytes:
        choose = self.random
        packet = self._feedback()
        if choose.random() < 0.7:
            packet = packet[:8] + self._mutated(packet)[8:1200] if len(packet) > 8 else packet
            packet = bytes([packet[0] & 0x3F | 0x80]) + packet[1:]
        return self._protected_rtcp(packet)

    def _protected_rtcp(self, packet: bytes) -> bytes:
        try:
            return self.member.outgoing.protect_rtcp(packet)
        except pylibsrtp.Error:
            return self._mutated(self._audio())

    def _feedback(self) -> bytes:
        """SR, RR, SDES, BYE, APP, NACK of everything, PLI, FIR, REMB, and formats that nobody has defined."""
        choose = self.random
        kind, count = choose.choice(
            ((200, 1), (201, 31), (202, 31), (203, 1), (204, 0), (205, 1), (205, 15), (206, 1), (206, 4), (206, 15))
        )
        body = struct.pack("!II", AUDIO_SSRC, choose.choice([*self._received, *self._others]))
        if (kind, count) == (206, 15):
            body += b"REMB" + struct.pack("!I", choose.getrandbits(32))
        body += choose.choice((b"", b"\xff" * 800, choose.randbytes(4 * choose.randrange(200))))
        words = choose.choice((len(body) // 4, len(body) // 4, 0, 0xFFFF))
        return struct.pack("!BBH", 0x80 | choose.choice((0, 0, 0x20)) | count, kind, words) + body


def _client_hello() -> bytes:
    connection = SSL.Connection(dtls_context(RTCCertificate.generateCertificate(), b"SRTP_AEAD_AES_128_GCM"))
    connection.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    return connection.bio_read(1500)
