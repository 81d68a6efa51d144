"""What takes bytes from outside and must bear any: each parser by itself, and a peer's whole decrypted media."""

import asyncio
import socket
import struct
from contextlib import AbstractContextManager
from typing import cast
from unittest.mock import patch

from contract.errors import InputError
from mediaserver.demultiplexer import Demultiplexer
from mediaserver.drops import Drops
from mediaserver.faults import Faults
from mediaserver.ice import parse_binding_request
from mediaserver.keyframes import h264_starts_keyframe, vp8_starts_keyframe
from mediaserver.peer_media import connect_slot
from mediaserver.rtcp import (
    MalformedRtcp,
    ReportBlock,
    bandwidth_estimate,
    nack,
    parse,
    picture_loss,
    receiver_report,
    sender_report,
    source_description,
)
from mediaserver.rtp import find_extension
from mediaserver.sdp_read import read_offer
from mediaserver.tcp_connection import MAXIMUM_FRAME, TcpConnection
from mediaserver.vp8 import PictureNumbers, read_descriptor, write_tail
from tests.faults.fuzzing import Target
from tests.mediaserver.packet_path import (
    AUDIO_SSRC,
    DELTA,
    KEYFRAME,
    RTX_SSRC,
    VIDEO_SSRC,
    Clock,
    Peer,
    element,
    publishing,
    rtp,
    subscribing,
)
from tests.mediaserver.raw_client import RawClient, browser_offer
from tests.mediaserver.simulcast import Stage, camera

_BLOCK = ReportBlock(5001, 20, 3, 0x10010, 90, 7, 65536)
RTCP = (
    sender_report(VIDEO_SSRC, 1 << 40, 90000, 10, 1000) + source_description(VIDEO_SSRC, b"somebody"),
    receiver_report(1, [_BLOCK, _BLOCK]) + bandwidth_estimate(1, 2_000_000, [5001]),
    nack(1, 5001, [1, 2, 3, 40]) + picture_loss(1, 5001),
    struct.pack("!BBHII", 0x84, 206, 4, 1, 0) + struct.pack("!II", 5001, 1 << 24),
    struct.pack("!BBHI", 0xA1, 203, 2, 1) + b"\0\0\0\4",
)
_MID = element(4, b"1")
RTP = (
    rtp(VIDEO_SSRC, 1, 3000, KEYFRAME, elements=_MID + element(3, b"\0\1") + element(2, b"\0\0\1"), marker=True),
    rtp(VIDEO_SSRC, 2, 6000, DELTA),
    rtp(VIDEO_SSRC, 9, 9000, DELTA, elements=_MID),
    rtp(RTX_SSRC, 1, 6000, b"\0\3" + DELTA, 97),
    rtp(AUDIO_SSRC, 1, 960, b"opus", 111, elements=element(1, b"\x90")),
    rtp(7777, 1, 3000, KEYFRAME, elements=_MID + element(10, b"h")),
)


def _framed(*packets: bytes) -> bytes:
    return b"".join(len(packet).to_bytes(2, "big") + packet for packet in packets)


def _packets(data: bytes) -> list[bytes]:
    """The frames of an input (RFC 4571 section 2); what is left over is one more."""
    packets, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        packets.append(data[at + 2 : end])
        at = end
    return packets


def _whole_media(data: bytes) -> None:
    """Decrypted packets of a member, of which a second one is shown the pictures and hears the sound."""
    clock, drops = Clock(), Drops()
    with _without_chance():
        publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    for number, packet in enumerate(_packets(data)):
        clock.now += 0.02
        if len(packet) > 1 and 191 < packet[1] < 224:
            publisher.media.receive_rtcp(packet, clock.now)
            subscriber.media.receive_rtcp(packet, clock.now)
        else:
            publisher.media.receive_rtp(packet, clock.now)
        if number % 4 == 3:
            publisher.media.tick(clock.now)
            subscriber.media.tick(clock.now)
    publisher.media.close()
    subscriber.media.close()


def _without_chance() -> AbstractContextManager[object]:
    """Numbers begin at 0, so that an input does the same in each run, and asks for what there is."""
    return patch("secrets.randbelow", lambda below: 0)


def _layers(data: bytes) -> None:
    """Decrypted packets of a member who sends three layers; a packet of one byte is a choice of the subscriber's side.

    Whatever comes in, what goes out never has an SSRC and sequence number twice: with AES-GCM that gives the key away.
    """
    with _without_chance():
        stage = Stage()
    for packet in _packets(data):
        stage.clock.now += 0.02
        if len(packet) == 1:
            stage.choose((packet[0] & 3) - 1, packet[0] >> 2 & 3)
        elif len(packet) > 1 and 191 < packet[1] < 224:
            stage.publisher.media.receive_rtcp(packet, stage.clock.now)
            stage.subscriber.media.receive_rtcp(packet, stage.clock.now)
        else:
            stage.receive(packet)
    stage.publisher.media.tick(stage.clock.now)
    stage.subscriber.media.tick(stage.clock.now)
    sent = [packet[2:4] + packet[8:12] for packet in stage.subscriber.sink.rtp]
    assert len(set(sent)) == len(sent)


def _layers_seed() -> bytes:
    """Two layers, a switch up at a keyframe, fewer temporal layers, something asked for again, and a repair."""
    low, _, high = camera()
    packets = [packet for moment in range(6) for packet in low.frame(moment, key=moment == 0)]
    packets += [b"\x0f", *high.frame(6, key=True), *low.frame(6)]
    packets += [b"\x03", *(packet for moment in range(7, 12) for packet in high.frame(moment, packets=3))]
    packets += [nack(1, 5001, list(range(16))), high.repair(packets[-2], 1), low.repair(packets[3], 1)]
    packets += [b"\x00", *high.frame(12), b"\x0f", *high.frame(13, key=True)]
    return _framed(*packets)


def _extension(data: bytes) -> None:
    if len(data) > 2:
        profile = (0xBEDE, 0x1000, 0x100F, int.from_bytes(data[:2], "big"))[data[0] & 3]
        at = find_extension(data, profile, 2, len(data), data[1] & 0x0F)
        assert at < len(data)


def _descriptor(data: bytes) -> None:
    """Read, and written with other numbers: as long as before, and read again as what was written."""
    read = read_descriptor(data)
    if read is None:
        return
    tail = write_tail(data, read, PictureNumbers(read.picture + 1, read.tl0 + 1, read.key + 1))
    again = read_descriptor(data[:1] + tail + data[read.length :])
    assert again is not None
    assert (again.length, again.temporal, again.sync) == (read.length, read.temporal, read.sync)


class _NoLoop:
    """Where nothing is ever readable."""

    def add_reader(self, *_: object) -> None:
        """Nobody reads but the test."""

    remove_reader = add_writer = remove_writer = call_soon = add_reader


class _Nobody:
    """Takes what comes from strangers."""

    def receive_stun(self, *_: object) -> None:
        """Believes nothing."""

    receive_stray_media = receive_stun


def _frames(data: bytes) -> None:
    """What comes in pieces, cut where the first byte says, is cut into frames."""
    drops, ended = Drops(), list[TcpConnection]()
    connection = TcpConnection(
        socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        ("192.0.2.1", 5000),
        "192.0.2.2",
        cast(asyncio.AbstractEventLoop, _NoLoop()),
        Demultiplexer(_Nobody(), drops),
        drops,
        Faults(drops),
        ended.append,
    )
    cut = 1 + data[0] * 4 if data else 1
    connection._take_frames(data[1:cut])
    if not ended:
        connection._take_frames(connection._rest + data[cut:])
    assert len(connection._rest) < MAXIMUM_FRAME + 2
    connection.close()


def _stun_seeds() -> tuple[bytes, ...]:
    client = RawClient()
    client.remote_ufrag, client.remote_password = "ours", "w" * 24
    client.close()
    return client.check(nominate=True), client.check(controlled=True)


TARGETS = (
    Target("rtcp", parse, RTCP, (MalformedRtcp,)),
    Target("stun", parse_binding_request, _stun_seeds()),
    Target("extension", _extension, (b"\0\1" + element(1, b"\x90") + element(4, b"1") + b"\0\0", b"\1\4\4\1" + b"1\0")),
    Target("vp8", vp8_starts_keyframe, (KEYFRAME, DELTA, b"\x90\xf0\x80\x01\x05\x20\x00key", b"\x10\x00key")),
    Target("descriptor", _descriptor, (KEYFRAME, b"\x90\xf0\x80\x01\x05\x20\x00key", b"\x80\xf0\x7f\x05\xe1x")),
    Target("h264", h264_starts_keyframe, (b"\x67key", b"\x18\0\2\x67k\0\2\x68k", b"\x7c\x85")),
    Target("frames", _frames, (b"\x05" + _framed(*_stun_seeds()), b"\x01" + _framed(RTP[0], RTCP[0]))),
    Target("media", _whole_media, (_framed(*RTP), _framed(*RTP, *RTCP), _framed(*RTCP)), longest=4000),
    Target("layers", _layers, (_layers_seed(), _framed(*RTP)), longest=8000),
    Target(
        "offer",
        lambda data: read_offer(data.decode("utf-8", "replace")),
        tuple(browser_offer(browser).encode() for browser in ("chromium", "firefox", "aiortc")),
        (InputError,),
        longest=70_000,
        most_lines=400_000,
    ),
)
