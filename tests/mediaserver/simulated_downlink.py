"""A subscriber at the end of a simulated link: bottleneck with a queue, loss, delay; feedback as browsers give it.

The REMB comes from aiortc's port of libwebrtc's estimator and speaks of pictures alone, told at most every 250 ms;
reports come once a second, and so do sender reports.
No real time passes: moments are computed.
"""

import heapq
from collections import Counter
from itertools import count
from typing import NamedTuple

from aiortc.rate import RemoteBitrateEstimator

from bench.link import Impairment, Link
from mediaserver.bandwidth import DownlinkControl, Picture, Sent
from mediaserver.doubt import RoundTrip
from mediaserver.rtcp import Nack, ReportBlock
from mediaserver.tiles import Tile, TileSize

STEP = 0.01
AUDIO_SSRC = 1
SENDER_REPORT = 2
"""Travels in the place of an SSRC."""
REPORT_OCTETS = 60
AUDIO_OCTETS = 100
PACKET_OCTETS = 1100
RTP_OVERHEAD = 40
"""Header, extensions, authentication tag."""
FRAME_SECONDS = 1 / 30
FEEDBACK_DELAY = 0.05
SHARES = (0.4, 0.6, 1.0)
TEMPORAL = (0, 2, 1, 2)
"""Which temporal layer each frame belongs to."""
LAYERS = (150_000, 500_000, 1_500_000)


class Report(NamedTuple):
    block: ReportBlock
    round_trip: RoundTrip | None


class Camera:
    """A subscription to a camera, with its publisher behind it. `limit`: what a publisher that follows may send."""

    def __init__(
        self, ssrc: int, rates: tuple[int, ...] = LAYERS, *, switch_seconds: float = 0.5, keyframe_seconds: float = 0
    ) -> None:
        """`keyframe_seconds`: of its usual rate, so much goes out at once when a layer begins."""
        self.ssrc = ssrc
        self.rates = rates
        self.limit: int | None = None
        self.choices: list[tuple[float, int, int]] = []
        self.bits_sent = 0
        self.padding = 0
        self.spatial, self.temporal = len(rates) - 1, 2
        self._pending: tuple[float, int, int] | None = None
        self._known: set[int] = {self.spatial}
        self._switch_seconds = switch_seconds
        self._keyframe_seconds = keyframe_seconds
        self._frames = count()
        self.waiting_padding: list[int] = []
        self._began = False
        self.frames = 0
        """That went out."""
        self.report_wanted = False

    @property
    def frames_per_second(self) -> float:
        return 1 / FRAME_SECONDS

    def layer_rates(self, now: float) -> tuple[tuple[int, ...], ...]:
        return tuple(
            tuple(int(self._rate(layer) * share) if layer in self._known else 0 for share in SHARES)
            for layer in range(len(self.rates))
        )

    def _rate(self, layer: int) -> int:
        return self.rates[layer] if self.limit is None else min(self.rates[layer], self.limit)

    def choose(self, spatial: int, temporal: int, now: float, *, strictly: bool) -> None:
        self.choices.append((now, spatial, temporal))
        if spatial < 0 or spatial == self.spatial:
            self.spatial, self.temporal, self._pending = spatial, temporal, None
        else:
            if strictly and self.spatial > spatial:
                self.spatial = -1
            self._pending = (now + self._switch_seconds, spatial, temporal)

    def frame(self, now: float) -> list[int]:
        """The sizes of the packets of the next frame."""
        if self._pending is not None and now >= self._pending[0]:
            _, self.spatial, self.temporal = self._pending
            self._pending = None
            self._known.add(self.spatial)
            self._began = True
        began = self._began
        self._began = False
        if began and self._keyframe_seconds:
            return self._split(int(self._rate(self.spatial) * self._keyframe_seconds / 8))
        layer = TEMPORAL[next(self._frames) % 4]
        if self.spatial < 0 or layer > self.temporal:
            return []
        self.frames += 1
        parts = (SHARES[0], SHARES[1] - SHARES[0], (SHARES[2] - SHARES[1]) / 2)
        octets = int(self._rate(self.spatial) * parts[layer] * 4 * FRAME_SECONDS / 8)
        return self._split(octets)

    def pad(self, octets: int, now: float) -> int:
        self.padding += octets
        self.waiting_padding = self._split(octets)
        return octets

    def report_now(self, now: float) -> bool:
        self.report_wanted = True
        return True

    def take_padding(self) -> list[int]:
        waiting, self.waiting_padding = self.waiting_padding, []
        return waiting

    def _split(self, octets: int) -> list[int]:
        self.bits_sent += octets * 8
        return [PACKET_OCTETS] * (octets // PACKET_OCTETS) + [octets % PACKET_OCTETS] * bool(octets % PACKET_OCTETS)


class World:
    """One subscriber with cameras; `run` lets time pass. Counters are since the last `begin`."""

    def __init__(self, *cameras: Camera, follows: bool = False, shared: bool = True, seed: int = 1) -> None:
        self.now = 0.0
        self.cameras = cameras
        self.link = Link(Impairment(), seed)
        self.control = DownlinkControl()
        self.view(*(Tile(TileSize.LARGE) for _ in cameras))
        self.silent = False
        self.tells_estimates = True
        """Chromium without a camera tells none."""
        self.sent: Counter[int] = Counter()
        self.dropped: Counter[int] = Counter()
        self._follows, self._shared = follows, shared
        self._numbers: Counter[int] = Counter()
        self._on_the_way: list[tuple[float, int, int, int, int, float]] = []
        self._feedback: list[tuple[float, int, object]] = []
        self._order = count()
        self._sound = 0
        self._browser = RemoteBitrateEstimator()
        self._estimate = 0
        self._told_at = self._reported_at = 0.0
        self._next_sender_report = 0.0
        self._last_sender_report: tuple[float, float] | None = None
        """(sent, arrived)"""
        self._next_frame = self._next_audio = self._next_tick = 0.0
        self._reported: dict[int, tuple[int, int]] = {}
        self._total: Counter[int] = Counter()
        self._heard: dict[int, int] = {}

    def begin(self) -> None:
        """Counts anew."""
        self.sent.clear()
        self.dropped.clear()

    def limit(self, rate_kbps: float, loss: float = 0, queue_ms: float = Impairment().queue_ms) -> None:
        self.link.impairment = Impairment(rate_kbps=rate_kbps, delay_ms=20, loss=loss, queue_ms=queue_ms)

    def view(self, *tiles: Tile) -> None:
        """How the page shows the cameras, in their order."""
        self.tiles = {camera.ssrc: tile for camera, tile in zip(self.cameras, tiles, strict=True)}
        self.control.changed()

    def lost(self, ssrc: int) -> float:
        """Share of packets lost."""
        return self.dropped[ssrc] / max(1, self.sent[ssrc])

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += STEP
            self._publish()
            self._arrive()
            if self.now >= self._next_tick:
                self._next_tick += 0.05
                self._tick()

    def _publish(self) -> None:
        if self.now >= self._next_audio:
            self._next_audio += 0.02
            self._sound += AUDIO_OCTETS * 8
            self._send(AUDIO_SSRC, AUDIO_OCTETS)
        if self.now >= self._next_frame:
            self._next_frame += FRAME_SECONDS
            for camera in self.cameras:
                for octets in camera.frame(self.now):
                    self._send(camera.ssrc, octets)

        if self.now >= self._next_sender_report:
            self._next_sender_report += 1.0
            self._send_report()

    def _send_report(self) -> None:
        for moment in self.link.arrivals(self.now, REPORT_OCTETS):
            heapq.heappush(self._on_the_way, (moment, next(self._order), SENDER_REPORT, REPORT_OCTETS, 0, self.now))

    def _send(self, ssrc: int, octets: int) -> None:
        self._numbers[ssrc] += 1
        self.sent[ssrc] += 1
        moments = self.link.arrivals(self.now, octets + RTP_OVERHEAD)
        self.dropped[ssrc] += not moments
        for moment in moments:
            item = (moment, next(self._order), ssrc, octets, self._numbers[ssrc], self.now)
            heapq.heappush(self._on_the_way, item)

    def _arrive(self) -> None:
        while self._on_the_way and self._on_the_way[0][0] <= self.now:
            moment, _, ssrc, octets, number, sent_at = heapq.heappop(self._on_the_way)
            if ssrc == SENDER_REPORT:
                self._last_sender_report = sent_at, moment
                continue
            missing = range(self._heard.get(ssrc, 0) + 1, number)
            self._heard[ssrc] = max(number, self._heard.get(ssrc, 0))
            if missing and ssrc != AUDIO_SSRC:
                self._tell(Nack(ssrc, tuple(each & 0xFFFF for each in missing)))
            self._total[ssrc] += 1
            if ssrc == AUDIO_SSRC:
                continue
            send_time = int(sent_at * (1 << 18)) & 0xFFFFFF
            told = self._browser.add(int(moment * 1000), send_time, octets, ssrc)
            if told is not None:
                fell = told[0] < self._estimate * 0.97
                if moment - self._told_at >= (0.2 if fell else 0.3) or not self._estimate:
                    self._estimate, self._told_at = told[0], moment
                    if self.tells_estimates:
                        self._tell(Report(self._block(ssrc, self._numbers[ssrc]), self._round_trip()))
                        self._tell(told[0])
        if self.now - self._reported_at >= 1.0:
            self._reported_at = self.now
            for ssrc, highest in self._numbers.items():
                self._tell(Report(self._block(ssrc, highest), self._round_trip()))

    def _round_trip(self) -> RoundTrip | None:
        if self._last_sender_report is None:
            return None
        sent, arrived = self._last_sender_report
        return RoundTrip(arrived - sent + FEEDBACK_DELAY, sent)

    def _block(self, ssrc: int, highest: int) -> ReportBlock:
        before, received_before = self._reported.get(ssrc, (0, 0))
        expected = highest - before
        # What is still on the way was not expected yet, from where the browser stands.
        expected -= sum(1 for item in self._on_the_way if item[2] == ssrc)
        lost = max(0, expected - (self._total[ssrc] - received_before))
        self._reported[ssrc] = (before + expected, self._total[ssrc])
        return ReportBlock(ssrc, int(256 * lost / max(1, expected)), 0, before + expected, 0, 0, 0)

    def _tell(self, message: object) -> None:
        heapq.heappush(self._feedback, (self.now + FEEDBACK_DELAY, next(self._order), message))

    def _tick(self) -> None:
        control = self.control
        while self._feedback and self._feedback[0][0] <= self.now:
            message = heapq.heappop(self._feedback)[2]
            if self.silent:
                continue
            if isinstance(message, Report):
                control.reported(message.block, message.round_trip, self.now)
            elif isinstance(message, Nack):
                control.missed(message, self.now)
            else:
                assert isinstance(message, int)
                control.estimated(message, self.now)
        if not control.due(self.now):
            return
        pictures = [
            Picture(camera, len(camera.rates), self.tiles[camera.ssrc], False, self._follows, self._shared)
            for camera in self.cameras
        ]
        everything = self._sound + sum(camera.bits_sent for camera in self.cameras)
        control.look(pictures, Sent(everything, self._sound, 1), 0.1, self.now)
        for camera in self.cameras:
            if camera.report_wanted:
                camera.report_wanted = False
                self._send_report()
            for octets in camera.take_padding():
                self._send(camera.ssrc, octets)
