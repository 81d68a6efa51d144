"""A learnt layout may say nothing else than a walk through the extension block."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from mediaserver.extension_layout import ABSENT, FITS_NOTHING, Layout, learn_layout
from mediaserver.rtp import HEADER_LENGTH, extension_value, payload_offset

TRANSPORT_CC, LEVEL = 3, 10

elements = st.lists(
    st.one_of(
        st.just(b"\0"),
        st.tuples(
            st.sampled_from((1, 2, TRANSPORT_CC, TRANSPORT_CC, LEVEL, LEVEL, 14)), st.binary(min_size=1, max_size=4)
        ).map(lambda element: bytes([element[0] << 4 | len(element[1]) - 1]) + element[1]),
    ),
    max_size=5,
)
blocks = st.one_of(elements.map(b"".join), st.binary(max_size=16))
profiles = st.sampled_from((0xBEDE, 0xBEDE, 0xBEDE, 0x1000, 0x1234))


def a_packet(profile: int, block: bytes, payload: bytes = b"payload") -> bytes:
    block += bytes(-len(block) % 4)
    return struct.pack("!HHIIHH", 0x9060, 7, 8, 9, profile, len(block) // 4) + block + payload


def fits(layout: Layout, packet: bytes) -> bool:
    start, mask, pattern, _, _ = layout
    return int.from_bytes(packet[HEADER_LENGTH:start], "big") & mask == pattern


def read(layout: Layout, packet: bytes) -> tuple[int, bytes, bytes]:
    """Where the payload begins, transport-cc's number and the first byte of the level; empty when absent."""
    start, _, _, number_shift, level_shift = layout
    block = int.from_bytes(packet[HEADER_LENGTH:start], "big")
    number = b"" if number_shift == ABSENT else (block >> number_shift & 0xFFFF).to_bytes(2, "big")
    level = b"" if level_shift == ABSENT else (block >> level_shift & 0xFF).to_bytes(1, "big")
    return start, number, level


def walked(packet: bytes) -> tuple[int, bytes, bytes]:
    number = extension_value(packet, TRANSPORT_CC)
    return payload_offset(packet), number[:2] if len(number) > 1 else b"", extension_value(packet, LEVEL)[:1]


@given(profiles, blocks, profiles, blocks)
def test_what_fits_is_read_as_by_walking(profile: int, block: bytes, other_profile: int, other: bytes) -> None:
    learnt_from, packet = a_packet(profile, block), a_packet(other_profile, other)
    layout = learn_layout(learnt_from, payload_offset(learnt_from), TRANSPORT_CC, LEVEL)
    if layout != FITS_NOTHING:
        assert fits(layout, learnt_from)
        assert read(layout, learnt_from) == walked(learnt_from)
    if fits(layout, packet):
        assert read(layout, packet) == walked(packet)


@given(st.binary(max_size=40))
def test_what_fits_nothing_fits_nothing(rest: bytes) -> None:
    assert not fits(FITS_NOTHING, bytes(HEADER_LENGTH) + rest)


def test_a_browsers_packets_fit_the_layout_of_the_first() -> None:
    def video(number: int, sent: bytes) -> bytes:
        return a_packet(0xBEDE, b"\x22" + sent + b"\x31" + number.to_bytes(2, "big") + b"\x401" + b"\xa0\xff\0")

    layout = learn_layout(video(1, b"abc"), payload_offset(video(1, b"abc")), TRANSPORT_CC, LEVEL)
    assert read(layout, video(0x1234, b"xyz")) == (HEADER_LENGTH + 16, b"\x12\x34", b"\xff")
    assert fits(layout, video(0x1234, b"xyz"))
    assert not fits(layout, video(0x1234, b"xyz")[:20])
    assert not fits(layout, a_packet(0xBEDE, b"\x31\0\1\x22abc\x401\xa0\xff\0"))
