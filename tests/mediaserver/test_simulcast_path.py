"""Three clients with real keys and sockets: one sends three layers, each of the others gets the one that it shows."""

import asyncio
import itertools
from collections.abc import Callable

from aiortc.rtp import RtpPacket

from mediaserver.drops import Drop
from mediaserver.link_messages import TileEntry
from mediaserver.tiles import TileSize
from tests.mediaserver.conftest import WorkerUnderTest
from tests.mediaserver.raw_client import PATIENCE, RawClient
from tests.mediaserver.simulcast import Seen, assert_continuous, camera, pictures

PICTURE = "4"
VP8_PAYLOAD_TYPES = {96, 120}
"""Chromium's, Firefox's."""


class Sending:
    """A camera that goes on until everybody has seen enough."""

    def __init__(self, client: RawClient, viewers: list[RawClient]) -> None:
        self.client = client
        self.viewers = viewers
        self.layers = camera()
        self.got: list[list[RtpPacket]] = [[] for _ in viewers]

    async def until(self, condition: Callable[[list[list[Seen]]], bool], layers: tuple[int, ...] = (0, 1, 2)) -> None:
        async with asyncio.timeout(PATIENCE):
            for moment in itertools.count(1):
                for number in layers:
                    for packet in self.layers[number].frame(moment, key=moment % 10 == 1):
                        self.client.send(self.client.outgoing.protect(packet))
                await asyncio.sleep(0.01)
                for viewer, got in zip(self.viewers, self.got, strict=True):
                    got += received(viewer)
                if condition([pictures(got) for got in self.got]):
                    return


def received(client: RawClient) -> list[RtpPacket]:
    """The pictures that have come by now."""
    packets: list[RtpPacket] = []
    while True:
        try:
            datagram = client.socket.recv(2048)
        except BlockingIOError:
            return packets
        if 127 < datagram[0] < 192 and datagram[1] & 0x7F in VP8_PAYLOAD_TYPES:
            packets.append(RtpPacket.parse(client.incoming.unprotect(datagram)))


def layers_of(seen: list[Seen]) -> list[int]:
    return [each.layer for each in seen]


async def test_each_viewer_gets_the_layer_that_it_shows(media: WorkerUnderTest) -> None:
    anna = await media.join("anna", RawClient(browser="chromium-simulcast"))
    boris = await media.join("boris", RawClient(browser="firefox-simulcast"))
    vera = await media.join("vera", RawClient(browser="chromium-simulcast"))
    small = TileEntry(PICTURE, TileSize.SMALL, main=False)
    media.worker.view("room", "boris", (small,))
    sending = Sending(anna, [boris, vera])
    await sending.until(lambda seen: layers_of(seen[0])[-3:] == [0, 0, 0] and layers_of(seen[1])[-3:] == [2, 2, 2])
    media.worker.view("room", "boris", ())
    media.worker.view("room", "vera", (small,))
    sending.got = [[], []]
    await sending.until(lambda seen: layers_of(seen[0])[-3:] == [2, 2, 2] and layers_of(seen[1])[-3:] == [0, 0, 0])
    for got in sending.got:
        numbers = [packet.sequence_number for packet in got]
        assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(len(numbers))]
        assert len({(packet.ssrc, packet.payload_type) for packet in got}) == 1
        # The sockets start in the middle of a stream; from there on nothing is missing.
        assert_continuous(pictures(got))


async def test_a_viewer_of_a_layer_that_stops_gets_the_next_one(media: WorkerUnderTest) -> None:
    anna = await media.join("anna", RawClient(browser="chromium-simulcast"))
    boris = await media.join("boris", RawClient(browser="chromium-simulcast"))
    await media.join("vera", RawClient(browser="chromium-simulcast"))
    sending = Sending(anna, [boris])
    await sending.until(lambda seen: layers_of(seen[0])[-3:] == [2, 2, 2])
    await sending.until(lambda seen: layers_of(seen[0])[-3:] == [0, 0, 0], layers=(0,))
    await sending.until(lambda seen: layers_of(seen[0])[-3:] == [2, 2, 2], layers=(0, 2))
    assert media.drops.counts[Drop.RTP_UNKNOWN_LAYER] == 0
