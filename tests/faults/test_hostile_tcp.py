"""TCP connections that lie, drip, only sit there, or come by the thousand, from strangers and from a member of the
room, during a call of two others: every packet of theirs arrives, memory stays flat, the log stays clean, and who comes
later still gets in.

Seeded: a run that fails can be run again.
"""

import asyncio
import random
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.processes import resident_kilobytes
from tests.faults.hostile import Hostile
from tests.faults.test_hostile_datagrams import ROOM, inbound, slot, ssrcs
from tests.integration.media_client import MediaClient, loopback_candidates
from tests.integration.media_worker_process import PATIENCE, Link, worker_process
from tests.mediaserver.tcp_client import TcpClient, frame

pytestmark = pytest.mark.timeout(180)
SEED = 20261121
CONNECTIONS = 2_500
HELD = 150
"""Kept open by one stranger to the end: they only sit there."""
MEMBER_FRAMES = 12_000
BATCH = 50
TOLERANCE_KIB = 6 * 1024
ANNA, BORIS = 60, 200


class Strangers:
    """Each connection sends one thing and is forgotten, or kept."""

    def __init__(self, server: tuple[str, int], valid_check: Callable[[], bytes]) -> None:
        self._server = server
        self._random = random.Random(SEED)
        self._check = valid_check
        self._held: list[socket.socket] = []

    async def come(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(number):
            stranger = socket.socket()
            stranger.setblocking(False)
            try:
                await loop.sock_connect(stranger, self._server)
                await loop.sock_sendall(stranger, self._something())
            except ConnectionError:
                pass
            if len(self._held) < HELD:
                self._held.append(stranger)
            else:
                stranger.close()

    def _something(self) -> bytes:
        choose = self._random
        garbage = choose.randbytes(choose.randrange(1, 3000))
        return choose.choice(
            (
                b"",
                b"\x00",
                b"\xff\xff" + garbage,
                b"\x07\xff" + garbage[:100],
                garbage,
                frame(garbage[:1500]),
                frame(b"") * 500,
                frame(self._check())[: choose.randrange(1, 60)],
                frame(b"\x00\x01" + garbage[:98]) * 5,
                b"GET / HTTP/1.1\r\nHost: media\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + garbage[:500],
            )
        )

    def close(self) -> None:
        for each in self._held:
            each.close()


async def frames_of_a_member(hostile: Hostile, member: TcpClient, number: int) -> None:
    """As fast as the worker takes them; what it answers is read, so that only the input is hostile."""
    loop = asyncio.get_running_loop()
    for _ in range(number // BATCH):
        data = b"".join(frame(hostile.of_a_member()) for _ in range(BATCH))
        await loop.sock_sendall(member.socket, data)
        try:
            while member.socket.recv(1 << 16):
                pass
        except BlockingIOError:
            await asyncio.sleep(0)


async def test_a_call_goes_on_among_hostile_connections(tmp_path: Path) -> None:
    with loopback_candidates():
        async with worker_process(tmp_path) as worker:
            link = await Link.connect(worker.socket)
            anna = MediaClient(link, ROOM, "anna", ANNA, slots=1)
            boris = MediaClient(link, ROOM, "boris", BORIS, slots=1)
            member, late = TcpClient(), TcpClient()
            strangers: Strangers | None = None
            try:
                await anna.join()
                await boris.join()
                await anna.sees(slot(anna, "video"), BORIS)
                answer = await link.answer(ROOM, "mallory", "first", 1, member.offer())
                member.accept(answer.sdp)
                await member.connect_ice()
                await member.shake_hands()
                await link.state("mallory", "live")
                hostile = Hostile(member, ssrcs(answer.sdp), ssrcs(anna.pc.localDescription.sdp), SEED)
                strangers = Strangers(member.server, lambda: member.check(username="nobody:them"))

                await asyncio.gather(strangers.come(500), frames_of_a_member(hostile, member, 2_000))
                resident = resident_kilobytes(worker.process.pid)
                await asyncio.gather(strangers.come(CONNECTIONS), frames_of_a_member(hostile, member, MEMBER_FRAMES))
                grown = resident_kilobytes(worker.process.pid) - resident

                late.accept((await link.answer(ROOM, "late", "first", 1, late.offer())).sdp)
                await late.connect_ice()
                await late.shake_hands()
                await link.state("late", "live")
                for client, brightness in ((anna, BORIS), (boris, ANNA)):
                    await client.sees(slot(client, "video"), brightness)
                    await client.hears(slot(client, "audio"))
                    for kind, stats in (await inbound(client)).items():
                        assert stats.packetsLost == 0, kind
                assert grown < TOLERANCE_KIB
                counters = (await link.statistics()).counters
                assert counters["dropped_fault"] == 0
                assert counters["dropped_tcp_frame_too_long"] > 0
                assert counters["dropped_tcp_not_verified"] > 0
                assert counters["dropped_rtp_malformed"] > 0
                assert counters["tcp_connections"] <= 2 + HELD
                async with asyncio.timeout(PATIENCE):
                    while (await link.statistics()).counters["tcp_connections"] > 2:
                        await asyncio.sleep(0.2)
            finally:
                if strangers is not None:
                    strangers.close()
                for each in (member, late):
                    each.close()
                await anna.close()
                await boris.close()
                await link.close()
