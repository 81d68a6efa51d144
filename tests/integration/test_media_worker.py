"""A real worker process with real clients: aiortc's peer connections, and raw ones where a test needs to misbehave."""

import asyncio
import re
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mediaserver.link_messages import MAXIMUM_FRAME, DoneReply, TileEntry, View
from mediaserver.tiles import TileSize
from tests.integration.media_client import MediaClient, loopback_candidates
from tests.integration.media_worker_process import PATIENCE, Link, WorkerProcess, worker_process
from tests.mediaserver.raw_client import RawClient, browser_offer

BRIGHTNESS = {"anna": 50, "boris": 120, "vera": 190}


@pytest.fixture(autouse=True)
def _loopback() -> Iterator[None]:
    with loopback_candidates():
        yield


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[WorkerProcess]:
    async with worker_process(tmp_path) as started:
        yield started


@pytest.fixture
async def link(worker: WorkerProcess) -> AsyncIterator[Link]:
    opened = await Link.connect(worker.socket)
    yield opened
    await opened.close()


async def join_all(link: Link, *names: str) -> dict[str, MediaClient]:
    clients = {name: MediaClient(link, "room", name, BRIGHTNESS[name]) for name in names}
    for client in clients.values():
        await client.join()
    for name in names:
        await link.state(name, "live")
    return clients


async def close_all(clients: dict[str, MediaClient]) -> None:
    await asyncio.gather(*(client.close() for client in clients.values()))


def sections_of(link: Link, client: MediaClient, who: str) -> tuple[str, str]:
    """The mids on which `client` was last told to receive `who`: sound, picture."""
    told = link.slots_of(client.name)
    entries = told[-1].slots if told else client.answer.slots
    audio, video = (entry.mid for entry in entries if entry.peer == who)
    return audio, video


async def test_three_people_hear_and_see_each_other(link: Link) -> None:
    clients = await join_all(link, *BRIGHTNESS)

    async def meets(client: MediaClient, who: str) -> None:
        audio, video = sections_of(link, client, who)
        await asyncio.gather(client.hears(audio), client.sees(video, BRIGHTNESS[who]))

    await asyncio.gather(
        *(meets(client, who) for client in clients.values() for who in BRIGHTNESS if who != client.name)
    )
    await clients["anna"].close()
    await link.state("anna", "freed")
    await link.on_slots("boris", {"vera", None})
    await meets(clients["boris"], "vera")
    await close_all(clients)


async def test_who_speaks_is_told_in_a_room_of_three(link: Link) -> None:
    clients = {name: MediaClient(link, "room", name, BRIGHTNESS[name]) for name in BRIGHTNESS}
    for client in clients.values():
        client.speak(False)
        await client.join()
    clients["boris"].speak(True)
    await link.speaker("boris")
    clients["boris"].speak(False)
    clients["vera"].speak(True)
    await link.speaker("vera")
    # Between two nobody has to be told apart.
    await link.disconnect("room", "anna")
    await link.speaker(None)
    await close_all(clients)


async def test_garbage_on_the_port_disturbs_nobody(link: Link) -> None:
    clients = await join_all(link, "anna", "boris")
    _, video = sections_of(link, clients["anna"], "boris")
    await clients["anna"].sees(video, BRIGHTNESS["boris"])
    port = (await link.statistics()).counters["udp_port"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number in range(3000):
            stranger.sendto(bytes([number & 255]) * (number % 1400), ("127.0.0.1", port))
            if number % 50 == 0:
                await asyncio.sleep(0)
    await clients["anna"].sees(video, BRIGHTNESS["boris"], frames=10)
    counters = (await link.statistics()).counters
    counted = ("unknown_protocol", "stun_malformed", "dtls_unknown_address", "media_unknown_address", "too_short")
    assert all(counters[f"dropped_{reason}"] for reason in counted)
    assert [notice for notice in link.notices if getattr(notice, "state", "") in ("unstable", "freed")] == []
    await close_all(clients)


async def test_media_outlives_the_server_and_the_next_one_finds_it(worker: WorkerProcess, link: Link) -> None:
    clients = await join_all(link, "anna", "boris")
    await link.close()
    audio, _ = sections_of(link, clients["anna"], "boris")
    await clients["anna"].hears(audio)
    again = await Link.connect(worker.socket)
    peers = (await again.inventory()).peers
    assert [(peer.room, peer.peer, peer.connection, peer.number, peer.state) for peer in peers] == [
        ("room", name, f"connection-of-{name}", 1, "live") for name in ("anna", "boris")
    ]
    await again.on_slots("anna", {"boris", None})
    await again.on_slots("boris", {"anna", None})
    await again.disconnect("room", "boris")
    await again.state("boris", "freed")
    await close_all(clients)
    await again.close()


async def test_a_new_server_takes_the_link_from_an_old_one(worker: WorkerProcess, link: Link) -> None:
    async with asyncio.timeout(PATIENCE):
        again = await Link.connect(worker.socket)
        await again.inventory()
        await link.close()
    assert (await again.inventory()).peers == ()
    await again.close()


async def test_pictures_stop_and_come_back_on_demand(link: Link) -> None:
    clients = await join_all(link, "anna", "boris")
    audio, video = sections_of(link, clients["anna"], "boris")
    await clients["anna"].sees(video, BRIGHTNESS["boris"])
    hidden = (TileEntry(video, TileSize.NONE, main=False),)
    await link.ask(View(link.number(), "room", "anna", hidden), DoneReply)
    await clients["anna"].hears(audio, frames=20)
    await link.ask(View(link.number(), "room", "anna", ()), DoneReply)
    await clients["anna"].sees(video, BRIGHTNESS["boris"], frames=40)
    await close_all(clients)


async def test_a_second_offer_adds_a_slot_to_a_living_connection(link: Link) -> None:
    narrow = MediaClient(link, "room", "anna", BRIGHTNESS["anna"], slots=1)
    await narrow.join()
    await link.state("anna", "live")
    others = await join_all(link, "boris", "vera")
    assert (await link.on_slots("anna", {"boris"})).missing_slots == 1
    narrow.add_slot()
    link.notices.clear()
    await narrow.join()
    assert narrow.answer.missing_slots == 0
    await narrow.sees(sections_of(link, narrow, "vera")[1], BRIGHTNESS["vera"])
    await close_all({"anna": narrow, **others})


async def test_an_ice_restart_and_a_rebinding_keep_the_transport(link: Link) -> None:
    client = RawClient()
    client.accept((await link.answer("room", "anna", "one", 1, client.offer())).sdp)
    await client.connect_ice()
    await client.shake_hands()
    await link.state("anna", "live")
    client.send(client.audio())
    client.move()
    client.send(client.audio())
    await client.connect_ice()
    client.ufrag = "newer"
    client.accept((await link.answer("room", "anna", "one", 2, client.offer())).sdp)
    client.move()
    await client.connect_ice()
    client.send(client.audio())
    async with asyncio.timeout(PATIENCE):
        while (await link.statistics()).peers["room/anna"]["packets_received"] < 3:
            await asyncio.sleep(0.05)
    assert [getattr(notice, "state", "") for notice in link.notices] == ["connecting", "live"]
    client.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("a=ice-ufrag", "a=x"),
        lambda text: text.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256"),
        lambda text: text.replace("a=rtcp-mux", "a=x"),
        lambda text: text * 5,
        lambda text: text.replace("m=", "m =="),
        lambda text: "\0" + text,
        lambda text: re.sub(r"a=rtpmap:.*\r\n", "a=rtpmap:\r\n", text),
    ],
)
async def test_malformed_offers_are_refused_by_code(link: Link, spoil: object) -> None:
    assert callable(spoil)
    for name in ("chromium", "firefox", "aiortc"):
        refusal = await link.refusal("room", "anna", "one", 1, spoil(browser_offer(name)))
        assert refusal.code == "bad_offer"
        assert refusal.detail
    assert (await link.inventory()).peers == ()


@pytest.mark.parametrize("noise", [b"\xff\xff\xff\xff", (MAXIMUM_FRAME + 1).to_bytes(4, "big"), b"\0\0\0\x02\xc1\xc1"])
async def test_noise_on_the_link_cuts_it_and_nothing_else(worker: WorkerProcess, link: Link, noise: bytes) -> None:
    await link.answer("room", "anna", "one", 1, browser_offer("chromium"))
    await link.close()
    reader, writer = await asyncio.open_unix_connection(worker.socket)
    writer.write(noise)
    async with asyncio.timeout(PATIENCE):
        assert await reader.read() == b""
    writer.close()
    again = await Link.connect(worker.socket)
    assert [peer.peer for peer in (await again.inventory()).peers] == ["anna"]
    await again.close()


async def test_a_signal_ends_it_with_a_goodbye_to_every_peer(worker: WorkerProcess, link: Link) -> None:
    client = RawClient()
    client.accept((await link.answer("room", "anna", "one", 1, client.offer())).sdp)
    await client.connect_ice()
    await client.shake_hands()
    await link.state("anna", "live")
    worker.process.send_signal(signal.SIGTERM)
    assert (await client.receive(lambda datagram: datagram[0] == 21))[0] == 21
    async with asyncio.timeout(PATIENCE):
        assert await worker.process.wait() == 0
    assert not worker.socket.exists()
    client.close()


async def test_a_socket_left_by_a_dead_worker_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "worker.sock"))
    async with worker_process(tmp_path, "--spare") as spare:
        link = await Link.connect(spare.socket)
        assert (await link.inventory()).peers == ()
        await link.close()
