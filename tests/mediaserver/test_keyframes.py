"""Keyframe detection on real encoders' output (aiortc's VP8 and H.264) and on cut payloads."""

from fractions import Fraction

import numpy
import pytest
from aiortc.codecs import get_encoder
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.keyframes import STARTS_KEYFRAME, h264_starts_keyframe, vp8_starts_keyframe


@pytest.mark.parametrize("name", ["VP8", "H264"])
def test_encoders_keyframes_are_found_and_only_those(name: str) -> None:
    encoder = get_encoder(RTCRtpCodecParameters(mimeType=f"video/{name}", clockRate=90000, payloadType=100))
    starts = STARTS_KEYFRAME[name]
    found = []
    for number in range(6):
        picture = numpy.random.default_rng(number).integers(0, 255, (240, 320, 3), dtype=numpy.uint8)
        frame = VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = number * 3000, Fraction(1, 90000)
        payloads, _ = encoder.encode(frame, force_keyframe=number in (0, 4))
        found.append(any(starts(payload) for payload in payloads))
    assert found[0]
    assert found[4]
    assert not any(found[1:4])
    assert not found[5]


@given(st.binary(max_size=12))
def test_cut_payloads_are_no_error(payload: bytes) -> None:
    vp8_starts_keyframe(payload)
    h264_starts_keyframe(payload)
