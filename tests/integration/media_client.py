"""An independent client for the media worker: aiortc's RTCPeerConnection with moving pictures and a tone."""

import asyncio
import fractions
from collections.abc import Iterator
from contextlib import contextmanager

import aioice.ice
import numpy
import pytest
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import AudioStreamTrack
from av import AudioFrame, VideoFrame

from tests.integration.media_worker_process import PATIENCE, Link


class Tone(AudioStreamTrack):
    """440 Hz."""

    async def recv(self) -> AudioFrame:
        frame = await super().recv()
        assert isinstance(frame, AudioFrame)
        at = numpy.arange(frame.samples) + (frame.pts or 0)
        wave = (numpy.sin(at * 2 * numpy.pi * 440 / frame.sample_rate) * 12000).astype(numpy.int16)
        made = AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        made.pts, made.sample_rate, made.time_base = frame.pts, frame.sample_rate, frame.time_base
        return made


class Picture(VideoStreamTrack):
    """A plane of one brightness that tells who sends, with a bar that moves."""

    def __init__(self, brightness: int) -> None:
        super().__init__()
        self._brightness = brightness
        self._count = 0

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        image = numpy.full((120, 160, 3), self._brightness, numpy.uint8)
        self._count += 1
        image[:, self._count % 160] = 255 - self._brightness
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = pts, fractions.Fraction(time_base)
        return frame


class MediaClient:
    """One person: sends sound and picture, has receive-only slots."""

    def __init__(
        self,
        link: Link,
        room: str,
        name: str,
        brightness: int,
        *,
        slots: int = 2,
        configuration: RTCConfiguration | None = None,
    ) -> None:
        self.link = link
        self.room = room
        self.name = name
        self.connection = f"connection-of-{name}"
        self.number = 0
        configuration = configuration or RTCConfiguration()
        configuration.bundlePolicy = RTCBundlePolicy.MAX_BUNDLE
        self.pc = RTCPeerConnection(configuration)
        self.pc.addTransceiver(Tone(), direction="sendonly")
        self.pc.addTransceiver(Picture(brightness), direction="sendonly")
        self.received: dict[str, MediaStreamTrack] = {}
        for _ in range(slots):
            self.add_slot()

    def speak(self, speaks: bool) -> None:
        """A tone, as at the beginning, or silence."""
        self.pc.getSenders()[0].replaceTrack(Tone() if speaks else AudioStreamTrack())

    def add_slot(self) -> None:
        self.pc.addTransceiver("audio", direction="recvonly")
        self.pc.addTransceiver("video", direction="recvonly")

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        self.number += 1
        return self.pc.localDescription.sdp

    async def join(self) -> None:
        sdp = await self.offer()
        self.answer = await self.link.answer(self.room, self.name, self.connection, self.number, sdp)
        await self.pc.setRemoteDescription(RTCSessionDescription(self.answer.sdp, "answer"))

    def transceiver(self, mid: str) -> RTCRtpTransceiver:
        return next(item for item in self.pc.getTransceivers() if item.mid == mid)

    async def sees(self, mid: str, brightness: int, frames: int = 3) -> None:
        """Waits for so many decoded pictures of that brightness on a section."""
        seen = 0
        async with asyncio.timeout(PATIENCE):
            while seen < frames:
                frame = await self.transceiver(mid).receiver.track.recv()
                assert isinstance(frame, VideoFrame)
                mean = float(frame.to_ndarray(format="gray").mean())
                seen += abs(mean - brightness) < 20

    async def hears(self, mid: str, frames: int = 5) -> None:
        """Waits for so many decoded frames with sound in them."""
        heard = 0
        async with asyncio.timeout(PATIENCE):
            while heard < frames:
                frame = await self.transceiver(mid).receiver.track.recv()
                assert isinstance(frame, AudioFrame)
                heard += int(numpy.abs(frame.to_ndarray().astype(numpy.int32)).max()) > 1000

    async def close(self) -> None:
        await self.pc.close()


@contextmanager
def loopback_candidates(address: str = "127.0.0.1") -> Iterator[None]:
    """aioice leaves the loopback address out; the tests need it and nothing else."""
    with _host_addresses(address):
        yield


@contextmanager
def relayed_only() -> Iterator[None]:
    """No address of this machine is offered: what is left goes by a TURN server."""
    with _host_addresses():
        yield


@contextmanager
def _host_addresses(*addresses: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: list(addresses))
        yield
