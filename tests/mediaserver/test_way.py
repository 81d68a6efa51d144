"""Where a peer's packets go when connectivity checks and media come from several addresses."""

import asyncio
import struct

import pytest

from mediaserver.drops import Drop
from mediaserver.settings import UNCONFIRMED_ALLOWANCE
from mediaserver.transport import Transport
from tests.mediaserver.conftest import WorkerUnderTest
from tests.mediaserver.raw_client import AUDIO_SSRC, RawClient
from tests.mediaserver.test_transport import transport_of


@pytest.fixture
def never_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediaserver.way.WAY_SILENT_AFTER", 1e9)


@pytest.fixture
def always_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediaserver.way.WAY_SILENT_AFTER", -1.0)


def report(client: RawClient) -> bytes:
    """What somebody sends who only listens: an empty receiver report."""
    return client.outgoing.protect_rtcp(struct.pack("!BBHI", 0x80, 201, 1, 777))


def thief_of(media: WorkerUnderTest, client: RawClient) -> RawClient:
    """Reads the client's network, and sends from an address of its own."""
    thief = RawClient()
    media.clients.append(thief)
    thief.server, thief.remote_password = client.server, client.remote_password
    return thief


async def sends_a_copy(thief: RawClient, check: bytes) -> None:
    """Returns when the worker has answered it."""
    thief.send(check)
    await thief.stun_response()


async def goes_to(media: WorkerUnderTest, transport: Transport, client: RawClient) -> None:
    await media.until(lambda: transport.path is not None and transport.path.address == client.socket.getsockname())


@pytest.mark.usefixtures("never_silent")
async def test_a_copied_check_moves_nobody_who_speaks(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    transport = transport_of(media, "anna")
    captured = client.check(nominate=True)
    client.send(captured)
    await client.stun_response()
    client.send(client.audio())
    await media.until(lambda: transport._sources)
    thief = thief_of(media, client)
    for _ in range(3):
        await sends_a_copy(thief, captured)
        assert transport.path is not None
        assert transport.path.address == client.socket.getsockname()


@pytest.mark.usefixtures("always_silent")
async def test_a_copied_check_takes_a_silent_ones_way_once_and_until_its_next_word(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    transport = transport_of(media, "anna")
    captured = client.check(nominate=True)
    thief = thief_of(media, client)
    await sends_a_copy(thief, captured)
    await goes_to(media, transport, thief)
    client.send(report(client))
    await goes_to(media, transport, client)
    for _ in range(3):
        await sends_a_copy(thief, captured)
        assert transport.path is not None
        assert transport.path.address == client.socket.getsockname()


@pytest.mark.usefixtures("never_silent")
async def test_a_lost_packet_and_a_copied_check_give_the_way_away_for_one_packet_only(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    transport = transport_of(media, "anna")
    thief = thief_of(media, client)
    await sends_a_copy(thief, client.check(nominate=True))
    for _ in range(3):
        thief.send(client.audio())
        await goes_to(media, transport, thief)
        client.send(client.audio())
        await goes_to(media, transport, client)


@pytest.mark.usefixtures("never_silent")
async def test_who_only_listens_moves_with_the_next_report(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    transport = transport_of(media, "anna")
    client.move()
    await client.connect_ice()
    assert transport.path is not None
    assert transport.path.address != client.socket.getsockname()
    client.send(report(client))
    await goes_to(media, transport, client)


@pytest.mark.usefixtures("always_silent")
async def test_who_only_listens_and_left_its_old_address_moves_at_once(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    client.move()
    await client.connect_ice()
    await goes_to(media, transport_of(media, "anna"), client)


@pytest.mark.usefixtures("never_silent")
async def test_an_ice_restart_moves_at_once(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    transport = transport_of(media, "anna")
    for number in (2, 3):
        client.ufrag = f"newer{number}"
        client.accept(media.offer("anna", client.offer(), number=number).sdp)
        client.move()
        await client.connect_ice()
        await goes_to(media, transport, client)
        client.send(report(client))
        await media.until(lambda: transport.path is not None and transport.path.settled)


@pytest.mark.usefixtures("always_silent")
async def test_an_ice_restart_is_trusted_again_after_a_theft(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    transport = transport_of(media, "anna")
    thief = thief_of(media, client)
    await sends_a_copy(thief, client.check(nominate=True))
    client.send(report(client))
    await goes_to(media, transport, client)
    client.ufrag = "newer"
    client.accept(media.offer("anna", client.offer(), number=2).sdp)
    for _ in range(2):
        client.move()
        await client.connect_ice()
        await goes_to(media, transport, client)


async def test_all_unconfirmed_addresses_share_one_allowance(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    transport = transport_of(media, "anna")
    client.send(client.audio())
    await media.until(lambda: transport._sources)
    forged = thief_of(media, client)
    packet = b"\x80\xc9\x00\x01" + bytes(1000)
    counts = media.drops.counts

    async def from_another_address() -> None:
        forged.move()
        forged.send(client.audio())
        await goes_to(media, transport, forged)

    await from_another_address()
    while not counts[Drop.SEND_UNCONFIRMED_ADDRESS]:
        transport.sink.send_rtcp(packet)
    for _ in range(3):
        client.send(client.audio())
        await goes_to(media, transport, client)
        client.send(client.check(nominate=True))
        await client.stun_response()
        before = counts[Drop.SEND_UNCONFIRMED_ADDRESS]
        await from_another_address()
        transport.sink.send_rtcp(packet)
        assert counts[Drop.SEND_UNCONFIRMED_ADDRESS] == before + 1
    forged.send(client.check())
    await forged.stun_response()
    await from_another_address()
    before = counts[Drop.SEND_UNCONFIRMED_ADDRESS]
    for _ in range(UNCONFIRMED_ALLOWANCE // 2000):
        transport.sink.send_rtcp(packet)
    assert counts[Drop.SEND_UNCONFIRMED_ADDRESS] == before


async def test_junk_under_one_members_source_keeps_no_other_from_being_adopted(media: WorkerUnderTest) -> None:
    loud, client = await media.join("loud"), await media.join("anna")
    loud.send(loud.audio())
    client.send(client.audio(ssrc=777))
    transport = transport_of(media, "anna")
    await media.until(lambda: transport._sources and transport_of(media, "loud")._sources)
    junk = thief_of(media, loud)
    while not media.drops.counts[Drop.MEDIA_UNKNOWN_ADDRESS]:
        junk.send(struct.pack("!BBHII", 0x80, 111, 1, 1, AUDIO_SSRC) + bytes(30))
        await asyncio.sleep(0)
    client.move()
    client.send(client.audio(ssrc=777))
    await goes_to(media, transport, client)
