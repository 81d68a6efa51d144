"""One peer's transport, steered packet by packet over a real socket."""

import asyncio
import time

import pytest
from aioice import stun

from mediaserver.drops import Drop
from mediaserver.settings import (
    CHECKS_BURST,
    CONNECT_DEADLINE,
    FREED_AFTER,
    GONE_AFTER,
    HANDSHAKE_DEADLINE,
    MAXIMUM_PATHS,
    MAXIMUM_SOURCES,
    UNCONFIRMED_ALLOWANCE,
    UNSTABLE_AFTER,
)
from mediaserver.transport import Transport
from mediaserver.transport_state import TransportState, may_follow
from tests.mediaserver.conftest import WorkerUnderTest
from tests.mediaserver.raw_client import RawClient


def transport_of(media: WorkerUnderTest, peer: str) -> Transport:
    found = media.worker._find("room", peer)
    assert found is not None
    return found.transport


def offered(media: WorkerUnderTest, peer: str = "anna") -> RawClient:
    client = RawClient()
    media.clients.append(client)
    client.accept(media.offer(peer, client.offer()).sdp)
    return client


async def test_a_check_is_answered_with_the_address_it_came_from(media: WorkerUnderTest) -> None:
    client = offered(media)
    response = await client.connect_ice()
    assert response.message_class == stun.Class.RESPONSE
    assert response.attributes["XOR-MAPPED-ADDRESS"] == client.socket.getsockname()
    await media.state("anna", "connecting")


async def test_wrong_checks_are_counted_and_not_answered(media: WorkerUnderTest) -> None:
    client = offered(media)
    client.send(client.check(password="wrong" * 5))
    await media.dropped(Drop.STUN_BAD_INTEGRITY)
    client.send(client.check(username="nobody:them"))
    client.send(client.check(username=f"{client.remote_ufrag}:somebody"))
    await media.dropped(Drop.STUN_UNKNOWN_USER, 2)
    client.send(client.check()[:-4])
    await media.dropped(Drop.STUN_MALFORMED)
    assert media.states("anna") == []
    client.send(client.check(controlled=True))
    assert (await client.stun_response()).error_code == 487
    with pytest.raises(BlockingIOError):
        client.socket.recv(2000)


async def flood(client: RawClient, check: bytes) -> None:
    for _ in range(int(CHECKS_BURST) + 100):
        client.send(check)
        await asyncio.sleep(0)


async def test_a_flood_of_checks_is_limited(media: WorkerUnderTest) -> None:
    client = offered(media)
    await flood(client, client.check())
    await media.dropped(Drop.STUN_RATE_LIMITED)


async def test_wrong_checks_use_up_nobodys_limit(media: WorkerUnderTest) -> None:
    client = offered(media)
    await flood(client, client.check(password="wrong" * 5))
    await media.dropped(Drop.STUN_BAD_INTEGRITY, int(CHECKS_BURST) + 100)
    await client.connect_ice()
    assert media.drops.counts[Drop.STUN_RATE_LIMITED] == 0


async def test_copied_checks_do_not_use_up_the_limit_of_the_way_in_use(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    thief = RawClient()
    media.clients.append(thief)
    thief.server = client.server
    await flood(thief, client.check())
    # Read after all of the flood: it comes by the same way.
    thief.send(b"\x00" * 30)
    await media.dropped(Drop.STUN_MALFORMED)
    before = media.drops.counts[Drop.STUN_RATE_LIMITED]
    for _ in range(20):
        client.send(client.check(nominate=True))
        await client.stun_response()
    assert media.drops.counts[Drop.STUN_RATE_LIMITED] == before > 0


async def test_dtls_is_heard_only_after_a_check(media: WorkerUnderTest) -> None:
    client = offered(media)
    client.send(b"\x16\xfe\xff" + bytes(60))
    await media.dropped(Drop.DTLS_UNKNOWN_ADDRESS)
    await client.connect_ice()
    await client.shake_hands()
    await media.state("anna", "live")


async def test_another_certificate_than_offered_frees_the_transport(media: WorkerUnderTest) -> None:
    client, other = offered(media), RawClient()
    media.clients.append(other)
    client.dtls = other.dtls
    await client.connect_ice()
    await client.shake_hands()
    await media.state("anna", "freed")
    assert media.drops.counts[Drop.DTLS_REFUSED] == 1
    assert "live" not in media.states("anna")


@pytest.mark.parametrize("profile", [b"SRTP_AEAD_AES_128_GCM", b"SRTP_AES128_CM_SHA1_80"])
async def test_media_is_forwarded_and_forgery_is_not(media: WorkerUnderTest, profile: bytes) -> None:
    anna = await media.join("anna", RawClient(profiles=profile))
    boris = await media.join("boris")
    packet = anna.audio(payload=b"hello")
    anna.send(packet)
    arrived = boris.incoming.unprotect(
        await boris.receive(lambda datagram: datagram[0] > 127 and datagram[1] & 127 == 111)
    )
    assert arrived.endswith(b"hello")
    anna.send(packet)
    await media.dropped(Drop.SRTP_REPLAYED)
    anna.send(packet[:-1] + bytes([packet[-1] ^ 1]))
    await media.until(lambda: refused(media) >= 2)
    anna.send(packet + bytes(1600))
    await media.dropped(Drop.TOO_LONG)


def refused(media: WorkerUnderTest) -> int:
    return media.drops.counts[Drop.SRTP_REPLAYED] + media.drops.counts[Drop.SRTP_AUTHENTICATION_FAILED]


async def test_media_before_keys_is_dropped(media: WorkerUnderTest) -> None:
    client = offered(media)
    await client.connect_ice()
    client.send(b"\x80" + bytes(50))
    await media.dropped(Drop.MEDIA_BEFORE_KEYS)


async def test_sources_are_bounded_and_forgotten_ones_make_room(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    for ssrc in range(MAXIMUM_SOURCES + 10):
        client.send(client.audio(ssrc=5000 + ssrc))
    await media.dropped(Drop.SRTP_TOO_MANY_SOURCES)
    assert media.worker._switchboard._by_source.keys() <= {
        (5000 + n).to_bytes(4, "big") for n in range(MAXIMUM_SOURCES)
    }


async def test_a_packet_of_a_source_without_room_counts_for_nothing(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    for ssrc in range(MAXIMUM_SOURCES):
        client.send(client.audio(ssrc=5000 + ssrc))
    transport = transport_of(media, "anna")
    await media.until(lambda: len(transport._sources) == MAXIMUM_SOURCES)
    packet, heard = client.audio(ssrc=9000), transport._heard_at
    for count in range(1, 4):
        client.send(packet)
        await media.dropped(Drop.SRTP_TOO_MANY_SOURCES, count)
    assert transport._heard_at == heard, "sent again and again it would keep a dead connection alive"
    client.send(client.audio(ssrc=5000))
    await media.until(lambda: transport._heard_at > heard)


async def test_a_source_that_srtp_does_not_know_is_forgotten_all_the_same(media: WorkerUnderTest) -> None:
    await media.join("anna")
    transport = transport_of(media, "anna")
    assert transport._accept_incoming(4711)
    transport._forget_incoming(4711)
    assert not transport._sources


async def test_who_sends_more_than_any_browser_is_not_read_for_a_while(
    media: WorkerUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediaserver.transport.PACKETS_PER_SECOND", 20.0)
    monkeypatch.setattr("mediaserver.transport.PACKETS_BURST", 20.0)
    loud, calm = await media.join("loud"), await media.join("calm")
    transport, counts = transport_of(media, "loud"), media.drops.counts
    for _ in range(30):
        loud.send(loud.audio())
        loud.send(loud.outgoing.protect_rtcp(b"\x80\xc9\x00\x01" + bytes(4)))
    while not counts[Drop.MEDIA_TOO_MANY_PACKETS]:
        loud.send(loud.audio())
        await asyncio.sleep(0.02)
    calm.send(calm.audio(ssrc=777))
    await media.until(lambda: transport_of(media, "calm")._sources)
    heard = transport._heard_at
    while transport._heard_at == heard:
        loud.send(loud.audio())
        await asyncio.sleep(0.02)


# Changing addresses


async def test_a_new_address_is_adopted_on_proof_and_capped_until_checked(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    client.send(client.audio())
    transport = transport_of(media, "anna")
    await media.until(lambda: transport._sources)
    client.move()
    client.send(client.audio())
    await media.until(lambda: transport._way.adopted is not None)
    assert transport._way.adopted is not None
    assert transport._way.adopted.address == client.socket.getsockname()
    packet = b"\x80\xc9\x00\x01" + bytes(1000)
    for _ in range(UNCONFIRMED_ALLOWANCE // 1000 + 10):
        transport.sink.send_rtcp(packet)
    assert media.drops.counts[Drop.SEND_UNCONFIRMED_ADDRESS] > 0
    capped = media.drops.counts[Drop.SEND_UNCONFIRMED_ADDRESS]
    client.send(client.check())
    await client.stun_response()
    assert transport._way.adopted is None
    transport.sink.send_rtcp(packet)
    assert media.drops.counts[Drop.SEND_UNCONFIRMED_ADDRESS] == capped


async def test_a_stolen_or_replayed_packet_moves_nobody(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    packet = client.audio()
    client.send(packet)
    transport = transport_of(media, "anna")
    await media.until(lambda: transport._sources)
    thief = RawClient()
    media.clients.append(thief)
    thief.server = client.server
    thief.send(packet)
    await media.dropped(Drop.SRTP_REPLAYED)
    thief.send(packet[:20] + b"other content" + bytes(16))
    await media.until(lambda: refused(media) >= 2)
    thief.send(b"\x80" + bytes(40))
    await media.dropped(Drop.MEDIA_UNKNOWN_ADDRESS)
    assert transport._way.path is not None
    assert transport._way.path.address == client.socket.getsockname()


async def test_an_old_address_that_still_speaks_takes_its_place_back(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    client.send(client.audio())
    transport = transport_of(media, "anna")
    await media.until(lambda: transport._sources)
    thief = RawClient()
    media.clients.append(thief)
    thief.server = client.server
    thief.send(client.audio())
    await media.until(lambda: transport._way.adopted is not None)
    client.send(client.audio())
    await media.until(lambda: transport._way.path is not None)
    assert transport._way.path is not None
    assert transport._way.path.address == client.socket.getsockname()


async def test_an_ice_restart_keeps_both_credentials_until_nomination_and_the_keys(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    old_check = client.check()
    client.ufrag, client.password = "newer", "q" * 24
    client.accept(media.offer("anna", client.offer(), number=2).sdp)
    client.send(old_check)
    await client.receive(lambda datagram: datagram[0] < 4)
    client.move()
    client.send(client.check())
    await client.stun_response()
    client.send(old_check)
    await client.receive(lambda datagram: datagram[0] < 4)
    await client.connect_ice()
    client.send(old_check)
    await media.dropped(Drop.STUN_UNKNOWN_USER)
    client.send(client.audio())
    transport = transport_of(media, "anna")
    await media.until(lambda: transport._sources)
    assert media.states("anna") == ["connecting", "live"]


async def test_addresses_are_bounded(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    for _ in range(MAXIMUM_PATHS + 5):
        client.move()
        await client.connect_ice()
    assert len(media.port.endpoints[0].paths) == MAXIMUM_PATHS
    client.send(client.audio())
    await media.until(lambda: transport_of(media, "anna")._sources)


async def test_the_end_of_one_leaves_nothing_behind(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    client.send(client.audio())
    await media.until(lambda: transport_of(media, "anna")._sources)
    client.dtls.shutdown()
    client.send_dtls()
    await media.state("anna", "freed")
    switchboard = media.worker._switchboard
    assert not switchboard._by_username
    assert not switchboard._by_source
    assert not media.port.endpoints[0].paths


# Time


async def test_silence_is_told_step_by_step_and_a_sign_of_life_mends_it(media: WorkerUnderTest) -> None:
    client = await media.join("anna")
    transport = transport_of(media, "anna")
    heard = transport._heard_at
    transport.tick(heard + UNSTABLE_AFTER + 0.1)
    assert media.states("anna")[-1] == "unstable"
    transport.tick(heard + GONE_AFTER + 0.1)
    assert media.states("anna")[-1] == "gone"
    await client.connect_ice()
    transport.tick(transport._heard_at + 0.1)
    assert media.states("anna") == ["connecting", "live", "unstable", "gone", "live"]
    transport.tick(transport._heard_at + FREED_AFTER + 0.1)
    assert media.states("anna")[-1] == "freed"
    assert media.worker.inventory() == ()


async def test_a_handshake_that_never_ends_is_given_up(media: WorkerUnderTest) -> None:
    client = offered(media)
    await client.connect_ice()
    transport = transport_of(media, "anna")
    transport.tick(time.monotonic() + HANDSHAKE_DEADLINE - 1)
    assert media.states("anna") == ["connecting"]
    transport.tick(time.monotonic() + HANDSHAKE_DEADLINE + 1)
    assert media.states("anna") == ["connecting", "freed"]


async def test_the_worker_itself_looks_at_the_deadlines(
    media: WorkerUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediaserver.transport.HANDSHAKE_DEADLINE", 0.5)
    client = offered(media)
    await client.connect_ice()
    await media.state("anna", "connecting")
    await media.state("anna", "freed")
    assert media.worker.inventory() == ()


async def test_an_answer_nobody_uses_is_given_up(media: WorkerUnderTest) -> None:
    offered(media)
    transport_of(media, "anna").tick(time.monotonic() + CONNECT_DEADLINE + 1)
    assert media.states("anna") == ["freed"]


def test_the_table_of_states() -> None:
    freed = {state for state in TransportState if may_follow(state, TransportState.FREED)}
    assert freed == set(TransportState) - {TransportState.FREED}
    assert not any(may_follow(TransportState.FREED, state) for state in TransportState)
    assert not any(may_follow(state, TransportState.NEW) for state in TransportState)
