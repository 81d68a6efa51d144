"""Some ten thousand malformed datagrams at a real worker, from a stranger and from a member of the room, during a
call of two others: every packet of theirs arrives, the worker's memory stays flat, its log stays clean.

Seeded: a run that fails can be run again.
"""

import re
import socket
from pathlib import Path

from aiortc.stats import RTCInboundRtpStreamStats

from bench.processes import resident_kilobytes
from tests.faults.hostile import Hostile
from tests.integration.media_client import MediaClient, loopback_candidates
from tests.integration.media_worker_process import Link, worker_process
from tests.mediaserver.raw_client import RawClient

SEED = 20261121
WARM_UP = 4_000
DATAGRAMS = 24_000
BATCH = 60
TOLERANCE_KIB = 4 * 1024
ANNA, BORIS = 60, 200
ROOM = "room"


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
                hostile = Hostile(member, ssrcs(answer.sdp), ssrcs(anna.pc.localDescription.sdp), SEED)

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
