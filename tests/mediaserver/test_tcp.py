"""Media over TCP: framing, who may connect, and what a slow reader loses."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest

from mediaserver.backlog import MAXIMUM_URGENT, MAXIMUM_VIDEO, Backlog
from mediaserver.drops import Drop
from mediaserver.tcp_connection import MAXIMUM_FRAME, UNVERIFIED_BYTES, TcpConnection
from mediaserver.tcp_sender import SEND_BUFFER
from tests.mediaserver.conftest import WorkerUnderTest
from tests.mediaserver.raw_client import RawClient
from tests.mediaserver.tcp_client import TcpClient, frame

VIDEO_FORMAT = 96
"""Of Chromium's offer."""


def offered(media: WorkerUnderTest) -> TcpClient:
    client = TcpClient()
    media.clients.append(client)
    client.accept(media.offer("anna", client.offer()).sdp)
    return client


def connection_of(media: WorkerUnderTest, peer: str) -> TcpConnection:
    found = media.worker._find("room", peer)
    assert found is not None
    assert found.transport.path is not None
    endpoint = found.transport.path.endpoint
    assert isinstance(endpoint, TcpConnection)
    return endpoint


def path_counters(media: WorkerUnderTest) -> dict[str, int]:
    counted = {name: number for name, number in media.worker.counters().items() if name.startswith("peers_")}
    return {name: number for name, number in counted.items() if number}


async def test_media_goes_both_ways_between_tcp_and_udp(media: WorkerUnderTest) -> None:
    anna = await media.join("anna", TcpClient())
    boris = await media.join("boris", RawClient())
    for sender, receiver in ((anna, boris), (boris, anna)):
        sender.send(sender.audio(payload=b"hello"))
        arrived = await receiver.receive(lambda datagram: datagram[0] > 127 and datagram[1] & 127 == 111)
        assert receiver.incoming.unprotect(arrived).endswith(b"hello")
    assert path_counters(media) == {"peers_tcp_ipv4": 1, "peers_udp_ipv4": 1}
    assert media.worker.peer_counters()["room/anna"]["path_tcp_ipv4"] == 1


async def test_frames_may_come_in_any_pieces(media: WorkerUnderTest) -> None:
    client = offered(media)
    for byte in frame(client.check(nominate=True)):
        client.send_bytes(bytes([byte]))
        await asyncio.sleep(0)
    await client.stun_response()
    client.send_bytes(frame(client.check()) * 3 + frame(b"")[:1])
    for _ in range(3):
        await client.stun_response()
    client.send_bytes(b"\x00" + frame(client.check()))
    await client.stun_response()
    assert media.drops.counts[Drop.TOO_SHORT] == 1, "an empty frame is nothing"


async def test_many_frames_of_one_read_leave_the_others_their_turn(
    media: WorkerUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TcpClient()
    await media.join("anna", client)
    monkeypatch.setattr("mediaserver.tcp_connection.DRAIN_SECONDS", 1e-9)
    client.send_bytes(frame(b"") * 300 + frame(client.check()) + b"\x00")
    seen = [0]
    while seen[-1] < 300:
        await asyncio.sleep(0)
        seen.append(media.drops.counts[Drop.TOO_SHORT])
    assert max(after - before for before, after in pairwise(seen)) == 1
    await client.stun_response()
    client.send_bytes(b"\x00" + frame(client.check()))
    await client.stun_response()


async def test_who_is_cut_in_the_middle_of_a_long_read_is_forgotten(
    media: WorkerUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TcpClient()
    await media.join("anna", client)
    monkeypatch.setattr("mediaserver.tcp_connection.DRAIN_SECONDS", 1e-9)
    client.send_bytes(frame(b"") * 100 + b"\xff\xff" + frame(client.check()))
    await client.closed_by_server()
    assert not len(media.port.tcp)
    assert media.drops.counts[Drop.TCP_FRAME_TOO_LONG] == 1


async def test_who_sends_nothing_but_empty_frames_is_cut(media: WorkerUnderTest) -> None:
    client = TcpClient()
    await media.join("anna", client)
    client.send_bytes(frame(b"") * 500 + frame(client.check()))
    await client.stun_response()
    client.send_bytes(frame(b"") * 8000)
    await client.closed_by_server()
    assert media.drops.counts[Drop.TCP_SHORT_FRAMES] == 1


async def test_a_lost_connection_is_noticed_and_another_takes_its_place(media: WorkerUnderTest) -> None:
    client = await media.join("anna", TcpClient())
    found = media.worker._find("room", "anna")
    assert found is not None
    client.move()
    await media.until(lambda: found.transport.path is None and not len(media.port.tcp))
    found.transport.sink.send_rtcp(b"\x80\xc9\x00\x01" + bytes(4))
    assert media.drops.counts[Drop.SEND_WITHOUT_WAY] == 1
    await client.connect_ice()
    found.transport.sink.send_rtcp(b"\x80\xc9\x00\x01" + bytes(4))
    await client.receive(lambda datagram: datagram[0] > 127)
    assert media.states("anna") == ["connecting", "live"]


async def test_freeing_the_transport_closes_its_connections(media: WorkerUnderTest) -> None:
    client = TcpClient()
    await media.join("anna", client)
    media.worker.disconnect("room", "anna")
    await client.closed_by_server()
    assert not len(media.port.tcp)
    assert not media.port.tcp._by_network


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ((MAXIMUM_FRAME + 1).to_bytes(2, "big") + b"x", Drop.TCP_FRAME_TOO_LONG),
        (b"\xff\xff", Drop.TCP_FRAME_TOO_LONG),
        (b"GET / HTTP/1.1\r\n\r\n", Drop.TCP_FRAME_TOO_LONG),
        (b"\x16\x03\x01\x02\x00" + bytes(600), Drop.TCP_FRAME_TOO_LONG),
        (frame(b"\x80" * 30), Drop.TCP_NOT_VERIFIED),
        (frame(b"\x16" * 30), Drop.TCP_NOT_VERIFIED),
        (frame(b"\x00" * 30) * (1 + UNVERIFIED_BYTES // 32), Drop.TCP_NOT_VERIFIED),
    ],
)
async def test_strangers_who_send_something_else_are_cut(media: WorkerUnderTest, data: bytes, reason: Drop) -> None:
    client = offered(media)
    client.send_bytes(data)
    await client.closed_by_server()
    assert media.drops.counts[reason] == 1
    assert media.states("anna") == []


async def test_a_connection_that_proves_nothing_is_closed_in_time(media: WorkerUnderTest) -> None:
    silent, half, wrong = offered(media), offered(media), offered(media)
    member = await media.join("boris", TcpClient())
    silent.send_bytes(b"")
    half.send_bytes(frame(half.check())[:10])
    wrong.send(wrong.check(password="wrong" * 5))
    await media.dropped(Drop.STUN_BAD_INTEGRITY)
    await media.until(lambda: len(media.port.tcp) == 4)
    loop = asyncio.get_running_loop()
    media.port.tcp.close_overdue(loop.time() + 5)
    assert len(media.port.tcp) == 4
    media.port.tcp.close_overdue(loop.time() + 11)
    assert len(media.port.tcp) == 1
    assert media.drops.counts[Drop.TCP_NO_CHECK_IN_TIME] == 3
    member.send(member.check())
    await member.stun_response()


@pytest.fixture
def strangers() -> Iterator[list[socket.socket]]:
    opened: list[socket.socket] = []
    yield opened
    for each in opened:
        each.close()


async def flood(media: WorkerUnderTest, strangers: list[socket.socket], number: int) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(number):
        stranger = socket.socket()
        stranger.setblocking(False)
        strangers.append(stranger)
        with contextlib.suppress(ConnectionResetError):
            await loop.sock_connect(stranger, ("127.0.0.1", media.port.number))
    await media.until(lambda: media.drops.counts[Drop.TCP_TOO_MANY_CONNECTIONS] + len(media.port.tcp) >= number)


async def test_connections_are_bounded_and_a_newcomer_still_gets_in(
    media: WorkerUnderTest, strangers: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediaserver.tcp_port.MAXIMUM_TCP_UNVERIFIED", 20)
    early = await media.join("early", TcpClient())
    await flood(media, strangers, 100)
    assert len(media.port.tcp) <= 21
    await media.join("late", TcpClient())
    early.send(early.check())
    await early.stun_response()


async def test_one_address_can_hold_only_so_many(
    media: WorkerUnderTest, strangers: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediaserver.tcp_port.MAXIMUM_TCP_FROM_ADDRESS", 10)
    await flood(media, strangers, 30)
    assert len(media.port.tcp) == 10
    await media.join("anna", TcpClient())


async def test_when_all_places_are_proven_ones_there_is_no_room(
    media: WorkerUnderTest, strangers: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediaserver.tcp_port.MAXIMUM_TCP_CONNECTIONS", 2)
    for name in ("anna", "boris"):
        await media.join(name, TcpClient())
    await flood(media, strangers, 5)
    assert len(media.port.tcp) == 2


async def test_who_never_reads_loses_pictures_before_sound_and_costs_bounded_memory(media: WorkerUnderTest) -> None:
    await media.join("anna", TcpClient(receive_buffer=4096))
    sender = connection_of(media, "anna").sender
    video = bytes([0x80, VIDEO_FORMAT]) + bytes(1200)
    audio = bytes([0x80, 111]) + bytes(100)
    counts = media.drops.counts
    sent = 0
    while counts[Drop.TCP_BACKLOG_VIDEO] < 500:
        sender.sendto(video, ())
        sender.sendto(bytes([0x80, VIDEO_FORMAT | 0x80]) + bytes(1200), ())
        sender.sendto(audio, ())
        sent += 1
        assert sent < 20 * SEND_BUFFER // 1200
    assert counts[Drop.TCP_BACKLOG_FULL] == 0, "sound still has room"
    for _ in range(MAXIMUM_URGENT):
        sender.sendto(audio, ())
    assert counts[Drop.TCP_BACKLOG_FULL] > 0
    assert sender.waiting <= MAXIMUM_VIDEO + MAXIMUM_URGENT + MAXIMUM_FRAME
    boris = await media.join("boris")
    boris.send(boris.check())
    await boris.stun_response()


async def test_what_waits_when_a_connection_ends_is_counted(media: WorkerUnderTest) -> None:
    await media.join("anna", TcpClient(receive_buffer=4096))
    sender = connection_of(media, "anna").sender
    while not media.drops.counts[Drop.TCP_BACKLOG_FULL]:
        sender.sendto(bytes([0x80, 111]) + bytes(500), ())
    waiting = len(sender._backlog._urgent)
    media.worker.disconnect("room", "anna")
    assert media.drops.counts[Drop.TCP_CONNECTION_ENDED] == waiting + 1, "one was begun"


async def test_who_reads_again_gets_whole_frames_and_the_sound_first(media: WorkerUnderTest) -> None:
    client = TcpClient(receive_buffer=4096)
    await media.join("anna", client)
    sender = connection_of(media, "anna").sender
    number = 0
    while not media.drops.counts[Drop.TCP_BACKLOG_VIDEO]:
        number += 1
        sender.sendto(bytes([0x80, VIDEO_FORMAT]) + number.to_bytes(4, "big") + bytes(1200), ())
    sender.sendto(b"\x80\x6f" + b"sound" * 5, ())
    client.received.clear()
    await client.receive(lambda datagram: datagram.endswith(b"sound"))
    pictures = [int.from_bytes(datagram[2:6], "big") for datagram in client.received if datagram[1] == VIDEO_FORMAT]
    assert pictures == list(range(1, len(pictures) + 1))
    assert len(pictures) < number - 20, "sound overtook what waited"
    await client.receive(lambda datagram: int.from_bytes(datagram[2:6], "big") == number - 1)
    assert sender.waiting == 0


def test_the_backlog_keeps_order_within_its_classes() -> None:
    backlog = Backlog()
    for name, video in ((b"v1", True), (b"a1", False), (b"v2", True), (b"a2", False)):
        assert backlog.add(name, video=video)
    assert [backlog.take() for _ in range(5)] == [b"a1", b"a2", b"v1", b"v2", b""]
    assert backlog.size == 0
    assert backlog.add(bytes(MAXIMUM_VIDEO), video=True)
    assert not backlog.add(b"more", video=True)
    assert backlog.add(bytes(MAXIMUM_URGENT), video=False)
    assert not backlog.add(b"more", video=False)
