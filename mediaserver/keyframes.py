"""Does an RTP payload begin a keyframe? Read from the first bytes, nothing is decoded."""

from collections.abc import Callable

StartsKeyframe = Callable[[bytes], bool]

_H264_SEQUENCE_PARAMETERS = 7
_H264_AGGREGATE = 24


def vp8_starts_keyframe(payload: bytes) -> bool:
    """VP8 (RFC 7741 section 4.2): start of partition 0 of a frame whose header says "key"."""
    if len(payload) < 4 or payload[0] & 0x17 != 0x10:
        return False
    at = 1
    if payload[0] & 0x80:
        extended = payload[1]
        at = 2
        if extended & 0x80:
            at += 2 if payload[2] & 0x80 else 1
        if extended & 0x40:
            at += 1
        if extended & 0x30:
            at += 1
    return at < len(payload) and not payload[at] & 0x01


def h264_starts_keyframe(payload: bytes) -> bool:
    """H.264 (RFC 6184): browsers send the sequence parameters before every IDR picture, alone or aggregated."""
    if not payload:
        return False
    unit = payload[0] & 0x1F
    if unit != _H264_AGGREGATE:
        return unit == _H264_SEQUENCE_PARAMETERS
    at = 1
    while at + 2 < len(payload):
        if payload[at + 2] & 0x1F == _H264_SEQUENCE_PARAMETERS:
            return True
        at += 2 + (payload[at] << 8 | payload[at + 1])
    return False


def every_packet(payload: bytes) -> bool:
    """Audio: a receiver can start anywhere."""
    return True


STARTS_KEYFRAME: dict[str, StartsKeyframe] = {
    "VP8": vp8_starts_keyframe,
    "H264": h264_starts_keyframe,
    "opus": every_packet,
}
