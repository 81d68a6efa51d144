"""What comes and goes by UDP, many datagrams at a time: against Python's own sockets."""

import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mediaserver.drops import Drop, Drops
from mediaserver.inbox import SIZE, Inbox
from mediaserver.kinds import KINDS, OTHER, RTCP, RTP, kind_of
from mediaserver.outbox import SIZE as OUTBOX_SIZE
from mediaserver.outbox import Outbox, UdpRoute
from mediaserver.places import HEADROOM, LONGEST_PACKET, PLACE_BYTES, Places
from mediaserver.port import Port
from mediaserver.socket_names import NAME_BYTES, TOLD_BYTES, address_of, name_of

FAMILIES = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


@contextmanager
def bound(family: socket.AddressFamily) -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_DGRAM) as made:
        made.bind((FAMILIES[family], 0))
        made.setblocking(False)
        yield made


def taken(inbox: Inbox) -> list[tuple[bytes, bytes]]:
    """(sender's name, datagram) of all that one call gives."""
    return [
        (inbox.names[name_at], place.content[: inbox.lengths[length_at]])
        for place, name_at, length_at, _ in inbox.slots[: inbox.read()]
    ]


def post(outbox: Outbox, route: UdpRoute, packet: bytes) -> None:
    outbox.room[HEADROOM : HEADROOM + len(packet)] = packet
    route.post(route, len(packet))


def arrived(receiver: socket.socket) -> list[bytes]:
    packets = []
    while True:
        try:
            packets.append(receiver.recv(PLACE_BYTES))
        except BlockingIOError:
            return packets


@pytest.mark.parametrize("family", FAMILIES)
def test_a_burst_is_read_at_once_with_lengths_and_senders(family: socket.AddressFamily) -> None:
    with bound(family) as receiver, bound(family) as one, bound(family) as other:
        inbox = Inbox(receiver)
        assert taken(inbox) == []
        for number in range(SIZE + 3):
            (one, other)[number % 2].sendto(bytes([128, number]) * (number + 7), receiver.getsockname())
        first, second = taken(inbox), taken(inbox)
        assert (len(first), len(second)) == (SIZE, 3)
        for number, (name, datagram) in enumerate(first + second):
            assert datagram == bytes([128, number]) * (number + 7)
            assert address_of(name) == (one, other)[number % 2].getsockname()


def test_the_first_two_bytes_are_one_word() -> None:
    with bound(socket.AF_INET) as receiver, bound(socket.AF_INET) as sender:
        inbox = Inbox(receiver)
        for datagram in (b"\x80\x60 sound", b"\x81\xc9 report", b"\x16\xfe handshake"):
            sender.sendto(datagram, receiver.getsockname())
        count = inbox.read()
        assert [KINDS[inbox.words[word_at]] for *_, word_at in inbox.slots[:count]] == [RTP, RTCP, OTHER]


def test_what_is_too_long_is_cut_off_where_the_next_begins() -> None:
    with bound(socket.AF_INET) as receiver, bound(socket.AF_INET) as sender:
        inbox = Inbox(receiver)
        sender.sendto(bytes(PLACE_BYTES + 500), receiver.getsockname())
        sender.sendto(b"next", receiver.getsockname())
        assert [datagram for _, datagram in taken(inbox)] == [bytes(PLACE_BYTES), b"next"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_name_is_the_kernels(family: socket.AddressFamily) -> None:
    with bound(family) as receiver, bound(family) as sender:
        inbox = Inbox(receiver)
        sender.sendto(b"hello", receiver.getsockname())
        [(name, _)] = taken(inbox)
        assert name == name_of(family, sender.getsockname())
        assert len(name) == TOLD_BYTES[family] <= NAME_BYTES[family]


def test_names_and_addresses_are_one_another() -> None:
    for family, address in (
        (socket.AF_INET, ("10.99.0.1", 40000)),
        (socket.AF_INET6, ("2001:db8::7", 65535, 0x12345, 0)),
        (socket.AF_INET6, ("fe80::1", 1, 0, 3)),
    ):
        assert address_of(name_of(family, address)) == address
    assert name_of(socket.AF_INET6, ("::1", 9)) == name_of(socket.AF_INET6, ("::1", 9, 0, 0))
    with pytest.raises(OSError, match="illegal"):
        name_of(socket.AF_INET, ("::1", 9, 0, 0))


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_written_leaves_at_once_or_with_others(family: socket.AddressFamily) -> None:
    outbox = Outbox()
    with bound(family) as sender, bound(family) as near, bound(family) as far:
        routes = [UdpRoute(outbox, sender, each.getsockname()) for each in (near, far)]
        post(outbox, routes[0], b"alone")
        assert arrived(near) == [b"alone"]
        outbox.hold()
        for number in range(OUTBOX_SIZE + 2):
            post(outbox, routes[number % 2], b"%d" % number)
        assert arrived(near) == [b"%d" % number for number in range(0, OUTBOX_SIZE, 2)]
        assert arrived(far) == [b"%d" % number for number in range(1, OUTBOX_SIZE, 2)]
        outbox.release()
        assert arrived(near) == [b"%d" % OUTBOX_SIZE]
        assert arrived(far) == [b"%d" % (OUTBOX_SIZE + 1)]
        post(outbox, routes[0], b"alone again")
        assert arrived(near) == [b"alone again"]
    assert (outbox.refused, outbox.failed) == (0, 0)


def test_sockets_of_both_families_take_turns() -> None:
    outbox = Outbox()
    with (
        bound(socket.AF_INET) as four,
        bound(socket.AF_INET6) as six,
        bound(socket.AF_INET) as near,
        bound(socket.AF_INET6) as far,
    ):
        routes = UdpRoute(outbox, four, near.getsockname()), UdpRoute(outbox, six, far.getsockname())
        outbox.hold()
        for number in (0, 0, 1, 0, 1, 1):
            post(outbox, routes[number], b"%d" % number)
        outbox.release()
        assert arrived(near) == [b"0"] * 3
        assert arrived(far) == [b"1"] * 3


def test_a_datagram_that_the_kernel_does_not_take_holds_up_no_other() -> None:
    outbox = Outbox()
    with bound(socket.AF_INET) as sender, bound(socket.AF_INET) as receiver:
        good = UdpRoute(outbox, sender, receiver.getsockname())
        nowhere = UdpRoute(outbox, sender, ("255.255.255.255", 9))
        outbox.hold()
        for route in (nowhere, good, nowhere, nowhere, good):
            post(outbox, route, b"x")
        outbox.release()
        assert arrived(receiver) == [b"x", b"x"]
        assert outbox.failed == 3


def test_a_socket_that_is_closed_takes_nothing() -> None:
    outbox = Outbox()
    with bound(socket.AF_INET) as sender:
        route = UdpRoute(outbox, sender, ("127.0.0.1", 9))
    post(outbox, route, b"late")
    assert outbox.failed == 1


def test_what_could_not_be_sent_is_counted_by_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox, drops = Outbox(), Drops()
    monkeypatch.setattr("mediaserver.port.OUTBOX", outbox)
    port = Port(("127.0.0.1",), range(1), drops, buffer_bytes=1 << 16)
    outbox.refused, outbox.failed = 3, 2
    port.tick(0.0)
    port.tick(1.0)
    port.close()
    assert (drops.counts[Drop.SEND_BUFFER_FULL], drops.counts[Drop.SEND_FAILED]) == (3, 2)


def test_a_place_keeps_its_memory() -> None:
    place = Places(2).each[1]
    gc.collect()
    others = [Places(2) for _ in range(100)]
    assert len(others) == 100
    place.view[:LONGEST_PACKET] = bytes(LONGEST_PACKET)
    assert place.content[:LONGEST_PACKET] == bytes(LONGEST_PACKET)


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (0, 1, OTHER),
        (22, 254, OTHER),
        (127, 200, OTHER),
        (128, 0, RTP),
        (128, 191, RTP),
        (144, 192, RTCP),
        (191, 223, RTCP),
        (191, 224, RTP),
        (192, 200, OTHER),
    ],
)
def test_kinds_are_told_by_two_bytes(first: int, second: int, kind: int) -> None:
    assert kind_of(first, second) == kind
