"""Load as browsers make it: members that send sound and picture, and members that receive, all in one loop.

Packets are spaced evenly, which is the dearest way for a server: nothing comes in bursts that one wake-up could share.
Loss is told by sequence numbers; what our own sockets dropped is told apart.
"""

from __future__ import annotations

import heapq
import select
import socket
import struct
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.media_client import AUDIO_TYPE, VIDEO_TYPE, BenchClient
from bench.media_payloads import PACKETS_A_FRAME, Payloads, make_payloads
from mediaserver.rtcp import ReportBlock, bandwidth_estimate, receiver_report, sender_report, source_description

SAMPLED = 101
"""Every so many received packets one is decrypted and compared."""
KEYFRAME_EVERY = 44
"""Frames."""
SETTLED_SECONDS = 0.5
ALONE_SECONDS = 0.1
REPORT_CHECK_SECONDS = 0.01

_HEADER = struct.Struct("!BBHIIHHBBBBBBBBBBBB")
_TIMESPEC = struct.Struct("@qq")
_SO_TIMESTAMPNS = 35
_REMB = 6_000_000
_REPORT_INTERVAL = 1 / 3
_READ_AT_ONCE = 2
"""Sockets read before it is looked again what is due to be sent: who is held up would send a burst, which browsers that
share no processor do not."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Packets a second of one person's picture and sound."""

    video: int
    audio: int

    @property
    def all(self) -> int:
        return self.video + self.audio


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a room. `up` and `down` are the same client where the server takes both ways on one connection."""

    up: BenchClient | None
    down: BenchClient | None


class Stream:
    """One outgoing RTP stream. `sent`: when each sequence number went out, seconds of `time.time`."""

    def __init__(self, payload_type: int, ssrc: int, mid: int, interval: float, at: float) -> None:
        self.payload_type = payload_type
        self.ssrc = ssrc
        self.mid = mid
        self.interval = interval
        self.at = at
        self.count = 0
        self.sent = array("d", bytes(8 * 0x10000))


def _next_turn(at: float, interval: float, now: float) -> float:
    """The moment itself, or the next one after `now` that keeps its place in the interval."""
    return max(at, now + (at - now) % interval)


class Sender:
    """One publishing browser."""

    def __init__(self, client: BenchClient, payloads: Payloads, rates: Rates, phase: float, start: float) -> None:
        """`phase` 0 to 1: where within an interval it begins."""
        self._client = client
        self._send, self._protect = client.socket.send, client.protect
        self._payloads = payloads
        self._rates = rates
        video, audio = 1 / rates.video, 1 / rates.audio
        self.audio = Stream(AUDIO_TYPE, client.audio_ssrc, ord("0"), audio, start + phase * audio)
        self.video = Stream(VIDEO_TYPE, client.video_ssrc, ord("1"), video, start + phase * video)
        self._report_at = start + phase
        self._transport_count = 0

    @property
    def due(self) -> float:
        return min(self.video.at, self.audio.at)

    def send_due(self, now: float) -> None:
        video, audio = self.video, self.audio
        while video.at <= now:
            self.send_video(now)
            video.at += video.interval
        while audio.at <= now:
            self.send_audio(now)
            audio.at += audio.interval
        if self._report_at <= now:
            self._report(now)
            self._report_at += 1

    def resume(self, now: float) -> None:
        """After a pause: what was not sent meanwhile is left out."""
        for stream in (self.video, self.audio):
            stream.at = _next_turn(stream.at, stream.interval, now)
        self._report_at = _next_turn(self._report_at, 1, now)

    def send_video(self, now: float) -> None:
        frame, part = divmod(self.video.count, PACKETS_A_FRAME)
        payload = (self._payloads.frame if frame % KEYFRAME_EVERY else self._payloads.keyframe)[part]
        timestamp = frame * 90000 * PACKETS_A_FRAME // self._rates.video
        self._packet(self.video, part == PACKETS_A_FRAME - 1, timestamp, payload, now)

    def send_audio(self, now: float) -> None:
        self._packet(self.audio, False, self.audio.count * 960, self._payloads.audio, now)

    def _packet(self, stream: Stream, marker: bool, timestamp: int, payload: bytes, now: float) -> None:
        """The header extensions of Chromium: abs-send-time, transport-cc, mid, audio level."""
        send_time = int(now * (1 << 18)) & 0xFFFFFF
        transport = self._transport_count & 0xFFFF
        self._transport_count += 1
        sequence = stream.count & 0xFFFF
        stream.count += 1
        header = _HEADER.pack(
            0x90, stream.payload_type | marker << 7, sequence, timestamp & 0xFFFFFFFF, stream.ssrc, 0xBEDE, 3,
            0x22, send_time >> 16, send_time >> 8 & 0xFF, send_time & 0xFF, 0x31, transport >> 8, transport & 0xFF,
            0x40, stream.mid, 0x10, 30, 0,
        )  # fmt: skip
        self._send(self._protect(header + payload))
        stream.sent[sequence] = time.time()

    def _report(self, now: float) -> None:
        ntp = int((time.time() + 2_208_988_800) * (1 << 32))
        picture = self.video.count * 90000 // self._rates.video
        for stream, timestamp in ((self.video, picture), (self.audio, self.audio.count * 960)):
            packet = sender_report(stream.ssrc, ntp, timestamp, stream.count, 1)
            packet += source_description(stream.ssrc, b"bench")
            self._send(self._client.protect_rtcp(packet))


class Receiver:
    """Everything that comes to one client: counts by sequence number, looks into every `SAMPLED`th packet."""

    def __init__(self, client: BenchClient, payloads: frozenset[bytes], phase: float, start: float) -> None:
        self.client = client
        self._receive = client.socket.recv
        self._useful = client.useful_types
        self._payloads = payloads
        self._streams: dict[bytes, list[int]] = {}
        self._report_at = start + phase / 3
        self.received = 0
        self.wrong = 0

    def drain(self) -> None:
        receive = self._receive
        while True:
            try:
                packet = receive(2048)
            except BlockingIOError:
                return
            self._take(packet)

    def _take(self, packet: bytes) -> None:
        if packet[0] < 4:
            self.client.answer_check(packet)
        elif not 191 < packet[1] < 224 and packet[1] & 0x7F in self._useful:
            self.received += 1
            stream = self._streams.get(packet[8:12])
            sequence = packet[2] << 8 | packet[3]
            if stream is None:
                self._streams[packet[8:12]] = [sequence, sequence, 1]
            else:
                stream[1] += (sequence - stream[1] + 0x8000 & 0xFFFF) - 0x8000
                stream[2] += 1
            if self.received % SAMPLED == 0:
                self._verify(packet)

    def _verify(self, packet: bytes) -> None:
        plain = self.client.unprotect(packet)
        start = 12 + 4 * (plain[0] & 0x0F)
        if plain[0] & 0x10:
            start += 4 + 4 * int.from_bytes(plain[start + 2 : start + 4], "big")
        self.wrong += plain[start:] not in self._payloads

    def loss(self) -> tuple[int, int]:
        """(expected, lost) by sequence number; a repeated packet would count as a negative loss."""
        expected = sum(last - first + 1 for first, last, _ in self._streams.values())
        return expected, expected - sum(count for _, _, count in self._streams.values())

    def resume(self, now: float) -> None:
        """After a pause: reports that were not sent meanwhile are left out."""
        self._report_at = _next_turn(self._report_at, _REPORT_INTERVAL, now)

    def report_due(self, now: float) -> None:
        """A compound packet as browsers send it: receiver report and REMB, three times a second."""
        if now < self._report_at or not self._streams:
            return
        self._report_at += _REPORT_INTERVAL
        blocks = [
            ReportBlock(int.from_bytes(ssrc, "big"), 0, 0, stream[1], 0, 0, 0) for ssrc, stream in self._streams.items()
        ]
        packet = receiver_report(1, blocks[:31]) + bandwidth_estimate(1, _REMB, [block.ssrc for block in blocks])
        self.client.socket.send(self.client.protect_rtcp(packet))


class ProbingReceiver(Receiver):
    """One that also measures the server's delay, from our sending to the kernel's receiving."""

    def __init__(self, client: BenchClient, payloads: frozenset[bytes], phase: float, start: float) -> None:
        super().__init__(client, payloads, phase, start)
        client.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.delays = array("d")
        self.expected: Stream | None = None
        """While set, the next packet belongs to it."""
        self._origins: dict[bytes, tuple[Stream, int]] = {}
        """SSRC → where it comes from, and how much its sequence numbers are behind."""

    def drain(self) -> None:
        receive = self.client.socket.recvmsg
        while True:
            try:
                packet, ancillary, _, _ = receive(2048, 64)
            except BlockingIOError:
                return
            self._take(packet)
            if packet[0] > 127 and not 191 < packet[1] < 224 and packet[1] & 0x7F in self._useful:
                self._measure(packet, ancillary[0][2])

    def _measure(self, packet: bytes, stamp: bytes) -> None:
        sequence = packet[2] << 8 | packet[3]
        if self.expected is not None:
            self._origins[packet[8:12]] = self.expected, sequence - (self.expected.count - 1)
        origin = self._origins.get(packet[8:12])
        if origin is not None:
            stream, offset = origin
            seconds, nanoseconds = _TIMESPEC.unpack(stamp)
            self.delays.append(seconds + nanoseconds * 1e-9 - stream.sent[sequence - offset & 0xFFFF])


class Room:
    """One room's senders and receivers."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members
        self.senders: list[Sender] = []
        self.receivers: list[Receiver] = []

    def open(self, payloads: Payloads, rates: Rates, phases: Iterator[float], probed: frozenset[BenchClient]) -> None:
        start = time.monotonic()
        compared = frozenset((*payloads.keyframe, *payloads.frame, payloads.audio))
        for member, phase in zip(self.members, phases, strict=False):
            if member.up is not None:
                self.senders.append(Sender(member.up, payloads, rates, phase, start))
            for client in dict.fromkeys((member.up, member.down)):
                if client is not None:
                    make = ProbingReceiver if client in probed else Receiver
                    self.receivers.append(make(client, compared, phase, start))

    def send_alone(self, turn: int, now: float) -> None:
        """In each turn one packet of another stream, which the probing receivers are told to expect."""
        for receiver in self.receivers:
            if isinstance(receiver, ProbingReceiver):
                receiver.expected = None
        if turn >= 2 * len(self.senders):
            return
        sender = self.senders[turn // 2]
        (sender.send_video if turn % 2 else sender.send_audio)(now)
        for receiver in self.receivers:
            if isinstance(receiver, ProbingReceiver):
                receiver.expected = sender.video if turn % 2 else sender.audio


class Load:
    """All rooms of one server, and the loop that sends and receives."""

    def __init__(self, rooms: Sequence[Sequence[Member]], rates: Rates, *, probes: int = 0) -> None:
        """`probes`: how many of the receiving members measure delays, spread over the rooms."""
        receiving = [member.down for room in rooms for member in room if member.down is not None]
        probed = frozenset(receiving[:: max(1, len(receiving) // probes)][:probes]) if probes else frozenset()
        people = sum(len(room) for room in rooms)
        phases = iter([number / people for number in range(people)])
        payloads = make_payloads()
        self._rooms = [Room(room) for room in rooms]
        for room in self._rooms:
            room.open(payloads, rates, phases, probed)
        self._senders = [sender for room in self._rooms for sender in room.senders]
        self.receivers = [receiver for room in self._rooms for receiver in room.receivers]
        self._by_descriptor = {receiver.client.socket.fileno(): receiver for receiver in self.receivers}
        self._poll = select.epoll()
        for descriptor in self._by_descriptor:
            self._poll.register(descriptor, select.EPOLLIN)

    def run(self, seconds: float) -> None:
        senders = self._senders
        now = time.monotonic()
        for sender in senders:
            sender.resume(now)
        for receiver in self.receivers:
            receiver.resume(now)
        queue = [(sender.due, number) for number, sender in enumerate(senders)]
        heapq.heapify(queue)
        end = now + seconds
        reports_at = now
        while (now := time.monotonic()) < end:
            while queue[0][0] <= now:
                sender = senders[queue[0][1]]
                sender.send_due(now)
                heapq.heapreplace(queue, (sender.due, queue[0][1]))
            if now >= reports_at:
                reports_at = now + REPORT_CHECK_SECONDS
                for receiver in self.receivers:
                    receiver.report_due(now)
            self._receive(max(0.0, queue[0][0] - time.monotonic()))

    def settle(self) -> None:
        """Reads what is still under way, until no more media comes; reports go on for ever."""
        received, until = self.received(), time.monotonic() + SETTLED_SECONDS
        while (left := until - time.monotonic()) > 0:
            self._receive(left)
            if self.received() != received:
                received, until = self.received(), time.monotonic() + SETTLED_SECONDS

    def find_origins(self) -> None:
        """Tells the probing receivers which stream they get from whom: one packet at a time goes out in each room."""
        for turn in range(1 + 2 * max(len(room.senders) for room in self._rooms)):
            for room in self._rooms:
                room.send_alone(turn, time.monotonic())
            while self._receive(ALONE_SECONDS):
                pass

    def _receive(self, wait: float) -> bool:
        ready = self._poll.poll(wait, _READ_AT_ONCE)
        for descriptor, _ in ready:
            self._by_descriptor[descriptor].drain()
        return bool(ready)

    def received(self) -> int:
        return sum(receiver.received for receiver in self.receivers)

    def wrong(self) -> int:
        return sum(receiver.wrong for receiver in self.receivers)

    def losses(self) -> tuple[int, int]:
        """(expected, lost) of all."""
        each = [receiver.loss() for receiver in self.receivers]
        return sum(expected for expected, _ in each), sum(lost for _, lost in each)

    def delays(self) -> list[float]:
        """Seconds, of every packet that a probing receiver got since the last call."""
        found: list[float] = []
        for receiver in self.receivers:
            if isinstance(receiver, ProbingReceiver):
                found.extend(receiver.delays)
                del receiver.delays[:]
        return found

    def kernel_drops(self) -> int:
        return sum(receiver.client.kernel_drops() for receiver in self.receivers)

    def close(self) -> None:
        self._poll.close()
        for receiver in self.receivers:
            receiver.client.socket.close()
