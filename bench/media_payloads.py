"""Valid payloads for load: VP8 frames and Opus packets from real encoders, made once."""

from dataclasses import dataclass

import numpy
from aiortc.codecs.opus import OpusEncoder
from aiortc.codecs.vpx import Vp8Encoder, VpxPayloadDescriptor
from av import AudioFrame, VideoFrame

PACKETS_A_FRAME = 5
VIDEO_PAYLOAD_BYTES = 1088
"""About 1,100 bytes of RTP with header, extensions and all."""

_FRAME_BYTES = PACKETS_A_FRAME * (VIDEO_PAYLOAD_BYTES - 1)


@dataclass(frozen=True, slots=True)
class Payloads:
    """The packets of one keyframe, of one later frame, and one Opus packet."""

    keyframe: list[bytes]
    frame: list[bytes]
    audio: bytes


def make_payloads() -> Payloads:
    keyframe, frame = _video()
    return Payloads(keyframe, frame, _audio())


def _video() -> tuple[list[bytes], list[bytes]]:
    """With the one-byte VP8 descriptor (RFC 7741 section 4.2)."""
    encoder = Vp8Encoder()
    generator = numpy.random.default_rng(1)
    frames = []
    for number in range(2):
        picture = generator.integers(0, 255, (96, 128, 3), dtype=numpy.uint8)
        frame = VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = number * 3000
        payloads, _ = encoder.encode(frame, force_keyframe=number == 0)
        frames.append(b"".join(VpxPayloadDescriptor.parse(payload)[1] for payload in payloads))
    return _cut(frames[0]), _cut(frames[1])


def _cut(frame: bytes) -> list[bytes]:
    """Exactly `PACKETS_A_FRAME` packets: a frame's last partition may end early or carry trailing bytes."""
    frame = (frame + bytes(_FRAME_BYTES))[:_FRAME_BYTES]
    step = VIDEO_PAYLOAD_BYTES - 1
    return [(b"\x10" if at == 0 else b"\x00") + frame[at : at + step] for at in range(0, _FRAME_BYTES, step)]


def _audio() -> bytes:
    """20 ms of noise."""
    samples = numpy.random.default_rng(2).integers(-9000, 9000, (1, 960 * 2), dtype=numpy.int16)
    frame = AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
    frame.sample_rate, frame.pts = 48000, 0
    payloads, _ = OpusEncoder().encode(frame)
    return payloads[0]
