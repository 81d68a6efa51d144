"""Some ten thousand malformed datagrams at a real worker, from a stranger and from a member of the room, during a
call of two others: every packet of theirs arrives, the worker's memory stays flat, its log stays clean.

Seeded: a run that fails can be run again.
"""

import random
import re
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pylibsrtp
import pytest
from aiortc import RTCCertificate
from aiortc.stats import RTCInboundRtpStreamStats
from OpenSSL import SSL

from bench.processes import resident_kilobytes
from tests.faults.mutations import mutated
from tests.integration.media_client import MediaClient, loopback_candidates
from tests.integration.media_worker_process import Link, worker_process
from tests.mediaserver.raw_client import AUDIO_SSRC, RawClient, dtls_context

SEED = 20261121
WARM_UP = 4_000
DATAGRAMS = 24_000
BATCH = 60
TOLERANCE_KIB = 4 * 1024
ANNA, BORIS = 60, 200
ROOM = "room"

VIDEO_SSRC = 1_000_001


class Hostile:
    """Makes datagrams: mutations of valid ones for anybody to send, and rubbish under the member's valid keys."""

    def __init__(self, member: RawClient, received: list[int], others: list[int]) -> None:
        """`received`: SSRCs that the worker sends the member; `others`: those that other members send."""
        self.random = random.Random(SEED)
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

    def of_a_stranger(self) -> bytes:
        return self._mutated(self.random.choice(self._valid)())

    def of_a_member(self) -> bytes:
        """From a confirmed address: half of it passes SRTP's authentication and is malformed inside."""
        kinds = (self.of_a_stranger, self._replayed, self._rtp, self._rtp, self._rtcp, self._rtcp)
        datagram = self.random.choice(kinds)()
        if len(self._sent) < 500:
            self._sent.append(datagram)
        return datagram

    def _audio(self) -> bytes:
        return self.random.choice(self._heard)

    def _replayed(self) -> bytes:
        return self.random.choice(self._sent) if self._sent else self._audio()

    def _mutated(self, valid: bytes) -> bytes:
        return mutated(self.random, valid)

    def _rtp(self) -> bytes:
        """Lies about padding, CSRCs and extensions, unknown and others' SSRCs, leaps of sequence numbers."""
        choose = self.random
        ssrc = choose.choice([AUDIO_SSRC, AUDIO_SSRC, VIDEO_SSRC, *self._others])
        if choose.random() < 0.02:
            ssrc = choose.getrandbits(32)
        first = 0x80 | choose.choice((0, 0x10, 0x10, 0x20, choose.randrange(64)))
        head = struct.pack(
            "!BBHII", first, choose.choice((96, 97, 111, choose.randrange(192))), choose.getrandbits(16), 0, ssrc
        )
        body = choose.randbytes(4 * (first & 15))
        if first & 0x10:
            elements = choose.choice((b"\0\0\x30\x01", b"\x3f\x01\x02\x03", choose.randbytes(4 * choose.randrange(6))))
            body += struct.pack("!HH", choose.choice((0xBEDE, 0x1000, 7)), len(elements) // 4) + elements
        body += choose.randbytes(choose.choice((0, 1, 2, 3, 100, 1200)))
        if first & 0x20:
            body += bytes([choose.choice((0, 1, 200, 255))])
        try:
            return self.member.outgoing.protect((head + body)[:1350])
        except pylibsrtp.Error:
            # libsrtp of the client itself refuses what is too broken, or repeats a number.
            return self._mutated(self._audio())

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


async def bombard(hostile: Hostile, link: Link, number: int) -> None:
    """As fast as the worker follows: it answers something else after each batch."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(number // BATCH):
            for _ in range(BATCH // 2):
                stranger.sendto(hostile.of_a_stranger(), hostile.member.server)
                hostile.member.send(hostile.of_a_member())
            await link.inventory()


async def inbound(client: MediaClient) -> dict[str, RTCInboundRtpStreamStats]:
    """By kind."""
    return {
        stats.kind: stats
        for receiver in client.pc.getReceivers()
        for stats in (await receiver.getStats()).values()
        if isinstance(stats, RTCInboundRtpStreamStats)
    }


async def test_a_call_goes_on_under_hostile_datagrams(tmp_path: Path) -> None:
    with loopback_candidates():
        async with worker_process(tmp_path) as worker:
            link = await Link.connect(worker.socket)
            # One slot each: they see each other, and the hostile member's media is read but shown to nobody.
            anna = MediaClient(link, ROOM, "anna", ANNA, slots=1)
            boris = MediaClient(link, ROOM, "boris", BORIS, slots=1)
            member = RawClient()
            try:
                await anna.join()
                await boris.join()
                await anna.sees(slot(anna, "video"), BORIS)
                await boris.sees(slot(boris, "video"), ANNA)
                answer = await link.answer(ROOM, "mallory", "first", 1, member.offer())
                member.accept(answer.sdp)
                await member.connect_ice()
                await member.shake_hands()
                await link.state("mallory", "live")
                hostile = Hostile(member, ssrcs(answer.sdp), ssrcs(anna.pc.localDescription.sdp))

                await bombard(hostile, link, WARM_UP)
                resident, before = resident_kilobytes(worker.process.pid), await inbound(anna)
                await bombard(hostile, link, DATAGRAMS)
                grown = resident_kilobytes(worker.process.pid) - resident

                for client, brightness in ((anna, BORIS), (boris, ANNA)):
                    await client.sees(slot(client, "video"), brightness)
                    await client.hears(slot(client, "audio"))
                    for kind, stats in (await inbound(client)).items():
                        assert stats.packetsLost == 0, kind
                assert all(
                    stats.packetsReceived > before[kind].packetsReceived
                    for kind, stats in (await inbound(anna)).items()
                )
                assert grown < TOLERANCE_KIB
                statistics = await link.statistics()
                assert statistics.counters["dropped_fault"] == 0
                assert statistics.counters["dropped_stun_bad_integrity"] > 0
                assert statistics.counters["dropped_rtcp_malformed"] > 0
                assert statistics.counters["dropped_rtp_malformed"] > 0
                assert statistics.counters["dropped_srtp_authentication_failed"] > 0
                assert {"anna", "boris"} <= {peer.peer for peer in (await link.inventory()).peers}
            finally:
                await anna.close()
                await boris.close()
                member.close()
                await link.close()


def ssrcs(description: str) -> list[int]:
    return [int(found) for found in re.findall(r"a=ssrc:(\d+) ", description)]


def slot(client: MediaClient, kind: str) -> str:
    """The mid of the client's only slot."""
    mids = [item.mid for item in client.pc.getTransceivers() if item.kind == kind and item.direction == "recvonly"]
    assert mids[0] is not None
    return mids[0]
