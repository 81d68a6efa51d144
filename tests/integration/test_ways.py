"""Whole calls over each way to a real worker: IPv6, and TCP with a peer that does not read."""

import asyncio
from pathlib import Path

import pytest

from mediaserver.link_messages import StatisticsReply
from tests.integration.media_client import MediaClient, loopback_candidates
from tests.integration.media_worker_process import Link, worker_process
from tests.mediaserver.tcp_client import TcpClient

pytestmark = pytest.mark.timeout(120)
ANNA, BORIS = 60, 200


async def test_a_call_over_ipv6(tmp_path: Path) -> None:
    with loopback_candidates("::1"):
        async with worker_process(tmp_path, "::1") as worker:
            link = await Link.connect(worker.socket)
            anna = MediaClient(link, "room", "anna", ANNA, slots=1)
            boris = MediaClient(link, "room", "boris", BORIS, slots=1)
            try:
                await anna.join()
                await boris.join()
                await asyncio.gather(anna.sees("3", BORIS), boris.sees("3", ANNA), anna.hears("2"), boris.hears("2"))
                assert (await link.statistics()).counters["peers_udp_ipv6"] == 2
            finally:
                await anna.close()
                await boris.close()
                await link.close()


async def test_a_tcp_peer_that_never_reads_delays_nobody(tmp_path: Path) -> None:
    """Media for it is left out; the call of the others goes on without a gap."""
    with loopback_candidates():
        async with worker_process(tmp_path) as worker:
            link = await Link.connect(worker.socket)
            anna = MediaClient(link, "room", "anna", ANNA, slots=1)
            boris = MediaClient(link, "room", "boris", BORIS, slots=1)
            deaf = TcpClient(receive_buffer=4096)
            try:
                await anna.join()
                await boris.join()
                deaf.accept((await link.answer("room", "deaf", "first", 1, deaf.offer())).sdp)
                await deaf.connect_ice()
                await deaf.shake_hands()
                await asyncio.gather(anna.sees("3", BORIS), boris.sees("3", ANNA))
                told = await link.statistics()
                assert told.counters["peers_tcp_ipv4"] == 1
                while not (told := await link.statistics()).counters["dropped_tcp_backlog_video"]:
                    # It lives, it only does not read.
                    deaf.send(deaf.check())
                    await asyncio.sleep(0.2)
                await asyncio.gather(anna.sees("3", BORIS, 10), boris.sees("3", ANNA, 10), anna.hears("2"))
                for peer in ("anna", "boris"):
                    assert lost(told, peer) == 0
            finally:
                await anna.close()
                await boris.close()
                deaf.close()
                await link.close()


def lost(told: StatisticsReply, peer: str) -> int:
    return told.peers[f"room/{peer}"]["downlink_packets_lost"]
