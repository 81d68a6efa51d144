"""RED (RFC 2198): as it came for who takes it, plain Opus for who does not, and numbers that stay whole."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.drops import Drop, Drops
from mediaserver.negotiated import Codec, Direction, Kind, Negotiated, Section
from mediaserver.peer_media import connect_slot
from mediaserver.red import own_block
from tests.mediaserver.packet_path import (
    AUDIO_SSRC,
    CHROMIUM,
    FIREFOX,
    OPUS,
    SUBSCRIBER_OPUS,
    Clock,
    Peer,
    rtp,
)

RED = Codec("red", 63, 48000, blocks=111)


def red(own: bytes, *earlier: bytes, payload_type: int = 111) -> bytes:
    heads = b"".join(
        struct.pack("!BBH", 0x80 | payload_type, 0, 960 * (len(earlier) - place) << 10 & 0xFC00 | len(block))
        for place, block in enumerate(earlier)
    )
    return heads + bytes([payload_type]) + b"".join(earlier) + own


def subscribing(*codecs: Codec) -> Negotiated:
    return Negotiated((Section("2", Kind.AUDIO, Direction.SUBSCRIBE, codecs, FIREFOX, ((5000, 0),), slot=0),))


class Sound:
    """One who sends Opus or RED, and two who hear it: `with_red`, `without`."""

    def __init__(self) -> None:
        self.clock, self.drops = Clock(), Drops()
        published = Section("0", Kind.AUDIO, Direction.PUBLISH, (OPUS, RED), CHROMIUM, ((AUDIO_SSRC, 0),))
        self.publisher = Peer(self.clock, self.drops, Negotiated((published,)))
        self.with_red = self.subscribe(Codec("opus", 111, 48000), Codec("red", 100, 48000, blocks=111))
        self.without = self.subscribe(SUBSCRIBER_OPUS)

    def subscribe(self, *codecs: Codec) -> Peer:
        peer = Peer(self.clock, self.drops, subscribing(*codecs))
        connect_slot(self.publisher.media, peer.media, 0)
        return peer

    def send(self, sequence: int, payload: bytes, payload_type: int = 63) -> None:
        self.publisher.media.receive_rtp(
            rtp(AUDIO_SSRC, sequence, 960 * sequence, payload, payload_type), self.clock.now
        )


@pytest.fixture
def sound() -> Sound:
    return Sound()


def heard(peer: Peer) -> list[tuple[int, bytes]]:
    return [(packet.payload_type, packet.payload) for packet in peer.sink.take_rtp()]


def test_red_goes_as_it_came_or_without_the_earlier_blocks(sound: Sound) -> None:
    sound.send(7, red(b"now", b"just before", b"before"))
    assert heard(sound.with_red) == [(100, red(b"now", b"just before", b"before"))]
    assert heard(sound.without) == [(109, b"now")]


def test_who_has_another_payload_type_for_the_blocks_gets_opus(sound: Sound) -> None:
    other = sound.subscribe(Codec("opus", 120, 48000), Codec("red", 100, 48000, blocks=120))
    sound.send(7, red(b"now", b"before"))
    assert heard(other) == [(120, b"now")]


def test_plain_opus_goes_to_everybody_plainly(sound: Sound) -> None:
    sound.send(7, b"voice", 111)
    assert heard(sound.with_red) == [(111, b"voice")]
    assert heard(sound.without) == [(109, b"voice")]
    (stream,) = sound.publisher.media._incoming.by_ssrc.values()
    assert len(stream.subscriptions) == 2
    assert not stream.shaped


def test_who_takes_red_stays_plain(sound: Sound) -> None:
    sound.send(7, red(b"now"))
    (stream,) = sound.publisher.media._incoming.by_ssrc.values()
    assert [len(stream.subscriptions), len(stream.shaped)] == [1, 1]


@given(sent=st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=2, max_size=60))
def test_whatever_is_sent_no_number_has_two_contents_and_none_moves(sent: list[tuple[int, bool]]) -> None:
    """Changes of format, losses, reordering, repetition."""
    sound = Sound()
    sound.send(0, b"begin", 111)
    offsets = set()
    for place, (sequence, plain) in enumerate(sent):
        content = b"%d" % place
        sound.send(1 + sequence, content if plain else red(content, b"before"), 111 if plain else 63)
    contents: dict[int, bytes] = {}
    for packet in sound.without.sink.take_rtp():
        assert packet.sequence_number not in contents
        contents[packet.sequence_number] = packet.payload
        offsets.add((packet.sequence_number - packet.timestamp // 960) & 0xFFFF)
        assert packet.payload_type == 109
        assert b"before" not in packet.payload
    assert len(offsets) == 1
    with_red = sound.with_red.sink.take_rtp()
    assert len(with_red) == len({packet.sequence_number for packet in with_red}) == len(contents)


def test_a_change_of_format_between_reordered_packets_loses_none(sound: Sound) -> None:
    sound.send(1, b"1", 111)
    sound.send(3, red(b"3", b"2"))
    sound.send(2, b"2", 111)
    sound.send(4, red(b"4", b"3"))
    assert [payload for _, payload in heard(sound.without)] == [b"1", b"3", b"2", b"4"]
    subscription = next(iter(sound.without.media._subscriptions.values()))
    assert (subscription.packets_sent, subscription.octets_sent) == (4, 4)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x6f",
        b"\x80",
        b"\xef\x00\x00",
        b"\xef\x00\x00\x05",
        b"\xef\x00\x00\x05\x6f1234",
        b"\xef\x00\x00\x05\x6f12345",
        b"\xef\x00\x03\xff\x6f1234",
        b"\xff" * 200,
        red(b"now", b"before", payload_type=100),
    ],
)
def test_malformed_red_is_a_counted_drop(sound: Sound, payload: bytes) -> None:
    sound.send(7, red(b"first"))
    sound.without.sink.take_rtp()
    sound.send(8, payload)
    sound.send(9, red(b"third"))
    (packet,) = sound.without.sink.take_rtp()
    assert packet.payload == b"third"
    assert sound.drops.counts[Drop.RED_MALFORMED] == 1


def test_padding_alone_keeps_its_number(sound: Sound) -> None:
    sound.send(7, red(b"7"))
    probe = bytearray(rtp(AUDIO_SSRC, 8, 960 * 7, bytes(254) + b"\xff", 63))
    probe[0] |= 0x20
    sound.publisher.media.receive_rtp(bytes(probe), sound.clock.now)
    sound.send(9, red(b"9"))
    packets = sound.without.sink.take_rtp()
    assert [(packet.payload, packet.padding_size) for packet in packets] == [(b"7", 0), (b"", 1), (b"9", 0)]
    assert [packet.sequence_number - packets[0].sequence_number for packet in packets] == [0, 1, 2]
    assert sound.drops.counts[Drop.RED_MALFORMED] == 0


@given(payload=st.binary(max_size=1400))
def test_any_bytes_are_read_within_their_bounds(payload: bytes) -> None:
    block = own_block(payload, 111)
    assert not block or payload.endswith(block)


@given(own=st.binary(min_size=1, max_size=300), earlier=st.lists(st.binary(max_size=300), max_size=5))
def test_the_own_block_is_what_was_put_in(own: bytes, earlier: list[bytes]) -> None:
    assert own_block(red(own, *earlier), 111) == own


def test_a_subscriber_may_take_up_red_later(sound: Sound) -> None:
    sound.send(7, red(b"7", b"6"))
    (before,) = sound.without.sink.take_rtp()
    sound.without.media.negotiate(subscribing(Codec("opus", 111, 48000), Codec("red", 100, 48000, blocks=111)))
    sound.send(8, red(b"8", b"7"))
    (after,) = sound.without.sink.take_rtp()
    assert (after.payload_type, after.payload) == (100, red(b"8", b"7"))
    assert after.sequence_number == before.sequence_number + 1
