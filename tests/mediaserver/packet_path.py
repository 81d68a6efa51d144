"""Peers without a network: what a peer is sent is kept in lists, and read back with aiortc's parser."""

import struct

from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket

from mediaserver.drops import Drops
from mediaserver.negotiated import Codec, Direction, ExtensionIds, Kind, Negotiated, Section
from mediaserver.outbox import OUTBOX
from mediaserver.peer_media import PeerMedia
from mediaserver.places import HEADROOM
from mediaserver.rtcp import Message, parse
from mediaserver.tiles import Tile, TileSize

OPUS = Codec("opus", 111, 48000)
VP8 = Codec("VP8", 96, 90000, rtx_payload_type=97, nack=True, pli=True, remb=True, transport_cc=True)
SUBSCRIBER_OPUS = Codec("opus", 109, 48000)
SUBSCRIBER_VP8 = Codec("VP8", 120, 90000, rtx_payload_type=124, nack=True, pli=True, remb=True)
SUBSCRIBER_H264 = Codec("H264", 121, 90000, rtx_payload_type=125, nack=True, pli=True, remb=True)
CHROMIUM = ExtensionIds(mid=4, audio_level=1, abs_send_time=2, transport_cc=3)
FIREFOX = ExtensionIds(mid=3, audio_level=1, abs_send_time=4, transport_cc=7)
AUDIO_SSRC, VIDEO_SSRC, RTX_SSRC = 1001, 2001, 2002

KEYFRAME = b"\x90\x80\x01" + b"\x00" + b"key"
DELTA = b"\x90\x80\x02" + b"\x01" + b"delta"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class MemorySink:
    def __init__(self) -> None:
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.accepted: list[int] = []
        self.forgotten: list[int] = []

    def send_written(self, length: int) -> None:
        self.rtp.append(bytes(OUTBOX.room[HEADROOM : HEADROOM + length]))

    def send_rtp(self, packet: bytes) -> None:
        assert isinstance(packet, bytes)
        self.rtp.append(packet)

    def send_rtcp(self, packet: bytes) -> None:
        self.rtcp.append(packet)

    def accept_incoming(self, ssrc: int) -> bool:
        self.accepted.append(ssrc)
        return True

    def forget_incoming(self, ssrc: int) -> None:
        self.forgotten.append(ssrc)

    def messages(self) -> list[Message]:
        return [message for packet in self.rtcp for message in parse(packet)]

    def take_rtp(self) -> list[RtpPacket]:
        packets = [RtpPacket.parse(packet, EXTENSIONS) for packet in self.rtp]
        self.rtp.clear()
        return packets


def _extensions_map(ids: ExtensionIds) -> HeaderExtensionsMap:
    extensions = HeaderExtensionsMap()
    extensions.configure(
        RTCRtpParameters(
            headerExtensions=[
                RTCRtpHeaderExtensionParameters(id=ids.mid, uri="urn:ietf:params:rtp-hdrext:sdes:mid"),
                RTCRtpHeaderExtensionParameters(id=ids.audio_level, uri="urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
                RTCRtpHeaderExtensionParameters(
                    id=ids.abs_send_time, uri="http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
                ),
            ]
        )
    )
    return extensions


EXTENSIONS = _extensions_map(FIREFOX)


def publishing(video_ssrcs: tuple[tuple[int, int], ...] = ((VIDEO_SSRC, RTX_SSRC),)) -> Negotiated:
    return Negotiated(
        (
            Section("0", Kind.AUDIO, Direction.PUBLISH, (OPUS,), CHROMIUM, ((AUDIO_SSRC, 0),)),
            Section("1", Kind.VIDEO, Direction.PUBLISH, (VP8,), CHROMIUM, video_ssrcs),
        )
    )


def subscribing(extensions: ExtensionIds = FIREFOX, ssrc: int = 5000, video: Codec = SUBSCRIBER_VP8) -> Negotiated:
    return Negotiated(
        (
            Section("2", Kind.AUDIO, Direction.SUBSCRIBE, (SUBSCRIBER_OPUS,), extensions, ((ssrc, 0),), slot=0),
            Section("3", Kind.VIDEO, Direction.SUBSCRIBE, (video,), extensions, ((ssrc + 1, ssrc + 2),), slot=0),
        )
    )


class Peer:
    """A `PeerMedia` with a memory below it."""

    def __init__(self, clock: Clock, drops: Drops, negotiated: Negotiated, *, active: bool = True) -> None:
        self.sink = MemorySink()
        self.media = PeerMedia(self.sink, drops, clock)
        self.media.negotiate(negotiated)
        if active:
            self.media.set_active()

    def shows(self, shown: bool) -> None:
        """Whether the page shows the picture it receives, or is hidden."""
        self.media.view({} if shown else {"3": Tile(TileSize.NONE)})


def rtp(
    ssrc: int,
    sequence: int,
    timestamp: int,
    payload: bytes,
    payload_type: int = 96,
    *,
    marker: bool = False,
    elements: bytes = b"",
) -> bytes:
    """A packet as a browser sends it; `elements` are one-byte header extensions."""
    first = 0x8000 | marker << 7 | payload_type | (0x1000 if elements else 0)
    head = struct.pack("!HHII", first, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    if elements:
        elements += bytes(-len(elements) % 4)
        head += struct.pack("!HH", 0xBEDE, len(elements) // 4) + elements
    return head + payload


def element(extension_id: int, data: bytes) -> bytes:
    return bytes([extension_id << 4 | len(data) - 1]) + data
