"""IPv4 and IPv6 side by side, and addresses that are told but not bound."""

import re

import pytest

from mediaserver.drops import Drop
from tests.mediaserver.conftest import worker_at
from tests.mediaserver.raw_client import RawClient
from tests.mediaserver.tcp_client import TcpClient


@pytest.mark.parametrize("kind", [RawClient, TcpClient])
async def test_a_room_of_both_families(kind: type[RawClient]) -> None:
    async with worker_at("127.0.0.1", "::1") as media:
        anna, boris = kind(ipv6=True), RawClient()
        await media.join("anna", anna)
        await media.join("boris", boris)
        for sender, receiver in ((anna, boris), (boris, anna)):
            sender.send(sender.audio(payload=b"hello"))
            arrived = await receiver.receive(lambda datagram: datagram[0] > 127 and datagram[1] & 127 == 111)
            assert receiver.incoming.unprotect(arrived).endswith(b"hello")
        anna.send(anna.check())
        mapped = (await anna.stun_response()).attributes["XOR-MAPPED-ADDRESS"]
        assert mapped == anna.socket.getsockname()[:2]
        counters = media.worker.counters()
        anna_goes = "udp" if kind is RawClient else "tcp"
        assert (counters[f"peers_{anna_goes}_ipv6"], counters["peers_udp_ipv4"]) == (1, 1)


async def test_an_ipv6_peer_may_change_its_port() -> None:
    async with worker_at("::1") as media:
        anna = await media.join("anna", RawClient(ipv6=True))
        anna.send(anna.audio())
        found = media.worker._find("room", "anna")
        assert found is not None
        await media.until(lambda: found.transport._sources)
        anna.move()
        anna.send(anna.audio())
        await media.until(lambda: found.transport._way.adopted is not None)
        await anna.connect_ice()
        assert found.transport._way.path is not None
        assert found.transport._way.path.address == anna.socket.getsockname()


async def test_ipv4_never_comes_through_the_ipv6_socket() -> None:
    async with worker_at("::1") as media:
        stranger = RawClient()
        media.clients.append(stranger)
        stranger.server = ("127.0.0.1", media.port.number)
        stranger.send(b"\xff" * 20)
        other = RawClient(ipv6=True)
        media.clients.append(other)
        other.server = ("::1", media.port.number)
        other.send(b"\xff" * 20)
        await media.dropped(Drop.UNKNOWN_PROTOCOL)
        assert media.drops.counts[Drop.UNKNOWN_PROTOCOL] == 1


async def test_clients_are_told_the_public_addresses_and_reach_the_local_one() -> None:
    async with worker_at("127.0.0.1", told=("203.0.113.7", "127.0.0.1")) as media:
        client = RawClient()
        media.clients.append(client)
        answer = media.offer("anna", client.offer()).sdp
        told = set(re.findall(r"a=candidate:\d+ 1 (\w+) \d+ (\S+) (\d+)", answer))
        number = str(media.port.number)
        assert told == {(over, at, number) for over in ("udp", "tcp") for at in ("203.0.113.7", "127.0.0.1")}
        client.accept(answer)
        # A router would lead the one to the other.
        client.server = ("127.0.0.1", media.port.number)
        await client.connect_ice()
        await client.shake_hands()
        await media.state("anna", "live")
