"""The camera and microphone of `bench/browser/camera.ts` for aiortc: a clock in the picture, a beep every second."""

import fractions
import time

import numpy
from aiortc import VideoStreamTrack
from aiortc.mediastreams import AudioStreamTrack
from av import AudioFrame, VideoFrame

from bench.senses import BEEP_EVERY_MS

WIDTH, HEIGHT = 640, 360
CELL, COLUMNS, ROWS = 40, 16, 3
BEEP_MS = 100
_TIME_BITS, _SOURCE_BITS = 32, 3
_CHECK_BITS = COLUMNS * ROWS - _TIME_BITS - _SOURCE_BITS - 1
_MOST = 1 << 32

Bits = list[bool]


def stamp_bits(time_ms: float, source: int, *, flash: bool) -> Bits:
    """What `bench/browser/stamp.ts` draws and reads."""
    bits = [*_bits(int(time_ms) % (1 << _TIME_BITS), _TIME_BITS), *_bits(source, _SOURCE_BITS), flash]
    return bits + _bits(_checksum(bits), _CHECK_BITS)


def _bits(value: int, count: int) -> Bits:
    return [bool(value >> (count - 1 - index) & 1) for index in range(count)]


def _checksum(bits: Bits) -> int:
    """FNV-1a."""
    total = 0x811C9DC5
    for bit in bits:
        total = (total ^ (0x5B if bit else 0xA4)) * 0x01000193 % _MOST
    return total % (1 << _CHECK_BITS)


def _texture() -> numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.uint8]]:
    """Grey rectangles, seamless where it wraps, the same in each run."""
    texture = numpy.full((HEIGHT, WIDTH), 40, numpy.uint8)
    generator = numpy.random.default_rng(1)
    for _ in range(600):
        top, left = generator.integers(0, HEIGHT), generator.integers(0, WIDTH)
        texture[top : top + 8 + generator.integers(30), left : left + 8 + generator.integers(50)] = generator.integers(
            60, 200
        )
    return texture


class StampedCamera(VideoStreamTrack):
    """640×360, 30 frames a second."""

    def __init__(self, source: int) -> None:
        super().__init__()
        self._source = source
        self._texture = _texture()
        self._image = numpy.full((HEIGHT * 3 // 2, WIDTH), 128, numpy.uint8)

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        now = time.time() * 1000
        self._image[:HEIGHT] = numpy.roll(self._texture, -int(now / 10) % WIDTH, axis=1)
        bits = stamp_bits(now, self._source, flash=now % BEEP_EVERY_MS < BEEP_MS)
        cells = numpy.array(bits, numpy.uint8).reshape(ROWS, COLUMNS) * numpy.uint8(219) + numpy.uint8(16)
        self._image[: ROWS * CELL] = cells.repeat(CELL, axis=0).repeat(CELL, axis=1)
        frame = VideoFrame.from_ndarray(self._image, format="yuv420p")
        frame.pts, frame.time_base = pts, fractions.Fraction(time_base)
        return frame


class BeepingMicrophone(AudioStreamTrack):
    """A quiet tone, and a loud beep at every full second."""

    async def recv(self) -> AudioFrame:
        frame = await super().recv()
        if not isinstance(frame, AudioFrame):
            raise TypeError("no sound")
        loud = time.time() * 1000 % BEEP_EVERY_MS < BEEP_MS
        pitch, level = (1500, 0.5) if loud else (440, 0.02)
        at = numpy.arange(frame.samples) + (frame.pts or 0)
        wave = (numpy.sin(at * 2 * numpy.pi * pitch / frame.sample_rate) * 32767 * level).astype(numpy.int16)
        made = AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        made.pts, made.sample_rate, made.time_base = frame.pts, frame.sample_rate, frame.time_base
        return made
