"""How much CPU a forwarded packet costs: 20 rooms, one sender and six receivers each, through a real media worker.

This process is the load: it sends as 20 browsers would (110 video and 50 audio packets a second, sender reports) and
receives as 120 would (receiver reports, REMB). The worker is a process of its own; every packet goes through real
ICE, DTLS and SRTP (AES-128-GCM) on 127.0.0.1. Loss is told by sequence numbers; what our own sockets dropped is told
apart. Packets are spaced evenly, which is the dearest way: nothing comes in bursts that one wake-up could share.
"""

import argparse
import json
import select
import statistics
import struct
import sys
import time
from dataclasses import dataclass

from bench.media_client import BenchClient
from bench.media_payloads import PACKETS_A_FRAME, Payloads, make_payloads
from bench.media_worker import BenchWorker, bench_worker
from mediaserver.dtls import DtlsIdentity
from mediaserver.rtcp import ReportBlock, bandwidth_estimate, receiver_report, sender_report, source_description

ROOMS, RECEIVERS = 20, 6
VIDEO_PER_SECOND, AUDIO_PER_SECOND = 110, 50
WINDOW_SECONDS, WINDOWS, PROBE_WINDOWS = 3.0, 5, 2
WARM_UP_SECONDS = 2.0
SAMPLED = 101
"""Every so many received packets one is decrypted and compared."""
KEYFRAME_EVERY = 44

_HEADER = struct.Struct("!BBHIIHHBBBBBBBBBBBB")
PLANNED_PER_SECOND = ROOMS * RECEIVERS * (VIDEO_PER_SECOND + AUDIO_PER_SECOND)
TOLERATED_DEVIATION = 0.03
"""Of the rate of any window: more, and the machine had no time for us; then the figures say nothing."""

PEERS = (("Janus 1.1.2 default", 40), ("Janus event_loops=1", 22), ("mediasoup 3.27", 16), ("our first prototype", 12))
"""µs of CPU per outgoing packet, the same load on a 2-core machine (media engine notes)."""


class Sender:
    """One publishing browser. `due`: when its next packet goes out."""

    def __init__(self, client: BenchClient, payloads: Payloads, number: int, start: float) -> None:
        self._client = client
        self._send, self._protect = client.socket.send, client.protect
        self._payloads = payloads
        offset = number / ROOMS
        self._video_at = start + offset / VIDEO_PER_SECOND
        self._audio_at = start + offset / AUDIO_PER_SECOND
        self._report_at = start + offset
        self._video_count = self._audio_count = self._transport_count = 0

    def send_due(self, now: float) -> None:
        while self._video_at <= now:
            self._send_video(now)
            self._video_at += 1 / VIDEO_PER_SECOND
        while self._audio_at <= now:
            self._send_audio(now)
            self._audio_at += 1 / AUDIO_PER_SECOND
        if self._report_at <= now:
            self._report(now)
            self._report_at += 1

    @property
    def due(self) -> float:
        return min(self._video_at, self._audio_at)

    def _send_video(self, now: float) -> None:
        frame, part = divmod(self._video_count, PACKETS_A_FRAME)
        payload = (self._payloads.frame if frame % KEYFRAME_EVERY else self._payloads.keyframe)[part]
        marker = part == PACKETS_A_FRAME - 1
        timestamp = frame * 90000 * PACKETS_A_FRAME // VIDEO_PER_SECOND
        self._packet(96 | marker << 7, self._video_count, timestamp, self._client.video_ssrc, ord("1"), payload, now)
        self._video_count += 1

    def _send_audio(self, now: float) -> None:
        self._packet(
            111,
            self._audio_count,
            self._audio_count * 960,
            self._client.audio_ssrc,
            ord("0"),
            self._payloads.audio,
            now,
        )
        self._audio_count += 1

    def _packet(
        self, second: int, sequence: int, timestamp: int, ssrc: int, mid: int, payload: bytes, now: float
    ) -> None:
        """The header extensions of Chromium: abs-send-time, transport-cc, mid, audio level."""
        send_time = int(now * (1 << 18)) & 0xFFFFFF
        transport = self._transport_count & 0xFFFF
        self._transport_count += 1
        header = _HEADER.pack(
            0x90, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, 0xBEDE, 3,
            0x22, send_time >> 16, send_time >> 8 & 0xFF, send_time & 0xFF, 0x31, transport >> 8, transport & 0xFF,
            0x40, mid, 0x10, 30, 0,
        )  # fmt: skip
        self._send(self._protect(header + payload))

    def _report(self, now: float) -> None:
        ntp = int((time.time() + 2_208_988_800) * (1 << 32))
        video = self._video_count * 90000 // VIDEO_PER_SECOND
        for ssrc, timestamp in ((self._client.video_ssrc, video), (self._client.audio_ssrc, self._audio_count * 960)):
            packet = sender_report(ssrc, ntp, timestamp, 1, 1) + source_description(ssrc, b"bench")
            self._send(self._client.protect_rtcp(packet))


class Receiver:
    """One receiving browser: counts by sequence number, looks into every `SAMPLED`th packet."""

    def __init__(self, client: BenchClient, payloads: frozenset[bytes], number: int, start: float) -> None:
        self._client = client
        self._receive = client.socket.recv
        self._payloads = payloads
        self._streams: dict[bytes, list[int]] = {}
        self._report_at = start + number / (ROOMS * RECEIVERS)
        self.received = 0
        self.wrong = 0

    def drain(self) -> None:
        receive, streams = self._receive, self._streams
        while True:
            try:
                packet = receive(2048)
            except BlockingIOError:
                return
            if not 191 < packet[1] < 224:
                self.received += 1
                stream = streams.get(packet[8:12])
                sequence = packet[2] << 8 | packet[3]
                if stream is None:
                    streams[packet[8:12]] = [sequence, sequence, 1]
                else:
                    stream[1] += (sequence - stream[1] + 0x8000 & 0xFFFF) - 0x8000
                    stream[2] += 1
                if self.received % SAMPLED == 0:
                    self._verify(packet)

    def _verify(self, packet: bytes) -> None:
        plain = self._client.unprotect(packet)
        start = 16 + 4 * int.from_bytes(plain[14:16], "big")
        self.wrong += plain[start:] not in self._payloads

    def loss(self) -> tuple[int, int]:
        """(expected, lost) by sequence number; a repeated packet would count as a negative loss."""
        expected = sum(last - first + 1 for first, last, _ in self._streams.values())
        return expected, expected - sum(count for _, _, count in self._streams.values())

    def report_due(self, now: float) -> None:
        """A compound packet as browsers send it: receiver report and REMB, three times a second."""
        if now < self._report_at or not self._streams:
            return
        self._report_at += 1 / 3
        blocks = [
            ReportBlock(int.from_bytes(ssrc, "big"), 0, 0, stream[1], 0, 0, 0) for ssrc, stream in self._streams.items()
        ]
        packet = receiver_report(1, blocks) + bandwidth_estimate(1, 3_000_000, [block.ssrc for block in blocks])
        self._client.socket.send(self._client.protect_rtcp(packet))


class Load:
    """All rooms, and the loop that sends and receives."""

    def __init__(self, worker: BenchWorker) -> None:
        identity, payloads = DtlsIdentity(), make_payloads()
        compared = frozenset((*payloads.keyframe, *payloads.frame, payloads.audio))
        clients = [
            [BenchClient(identity, publishes=place == 0) for place in range(RECEIVERS + 1)] for _ in range(ROOMS)
        ]
        for room, members in enumerate(clients):
            for place, client in enumerate(members):
                client.connect(worker.answer(f"room-{room}", f"peer-{room}-{place}", client.offer))
        start = time.monotonic()
        self._clients = [client for members in clients for client in members]
        self._senders = [Sender(members[0], payloads, room, start) for room, members in enumerate(clients)]
        receivers = [client for members in clients for client in members[1:]]
        self.receivers = [Receiver(client, compared, number, start) for number, client in enumerate(receivers)]
        self._by_descriptor = {
            client.socket.fileno(): receiver for client, receiver in zip(receivers, self.receivers, strict=True)
        }
        self._poll = select.epoll()
        for descriptor in self._by_descriptor:
            self._poll.register(descriptor, select.EPOLLIN)

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            for sender in self._senders:
                if sender.due <= now:
                    sender.send_due(now)
            for receiver in self.receivers:
                receiver.report_due(now)
            wait = min(sender.due for sender in self._senders) - time.monotonic()
            for descriptor, _ in self._poll.poll(max(0.0, wait)):
                self._by_descriptor[descriptor].drain()

    def settle(self) -> None:
        """Reads what is still under way."""
        while ready := self._poll.poll(0.5):
            for descriptor, _ in ready:
                self._by_descriptor[descriptor].drain()

    def received(self) -> int:
        return sum(receiver.received for receiver in self.receivers)

    def kernel_drops(self) -> int:
        return sum(client.kernel_drops() for client in self._clients)

    def close(self) -> None:
        self._poll.close()
        for client in self._clients:
            client.socket.close()


@dataclass(frozen=True, slots=True)
class Result:
    """`windows`: (µs of worker CPU per useful outgoing packet, outgoing packets a second, worker CPU %) each."""

    windows: list[tuple[float, float, float]]
    expected: int
    lost: int
    wrong: int
    generator_drops: int
    counters: dict[str, int]


def measure(windows: int, *arguments: str) -> Result:
    """One worker under load, from its start to its end."""
    measured = []
    with bench_worker(*arguments) as worker:
        load = Load(worker)
        load.run(WARM_UP_SECONDS)
        worker.statistics()
        for _ in range(windows):
            cpu, received, at = worker.cpu_seconds(), load.received(), time.monotonic()
            load.run(WINDOW_SECONDS)
            seconds = time.monotonic() - at
            used, packets = worker.cpu_seconds() - cpu, load.received() - received
            measured.append((used / packets * 1e6, packets / seconds, used / seconds * 100))
        load.settle()
        losses = [receiver.loss() for receiver in load.receivers]
        result = Result(
            measured,
            expected=sum(expected for expected, _ in losses),
            lost=sum(lost for _, lost in losses),
            wrong=sum(receiver.wrong for receiver in load.receivers),
            generator_drops=load.kernel_drops(),
            counters=worker.statistics().counters,
        )
        load.close()
    return result


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.forward", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short windows, to see that it works")
    quick = parser.parse_args().quick
    costs = measure(1 if quick else WINDOWS)
    delays = measure(1 if quick else PROBE_WINDOWS, "--probe-delays")
    cost = statistics.median(window[0] for window in costs.windows)
    rate = statistics.median(window[1] for window in costs.windows)
    loss = 100 * (costs.lost + delays.lost) / (costs.expected + delays.expected)
    generator_drops = costs.generator_drops + delays.generator_drops
    wrong = costs.wrong + delays.wrong
    _print_tables(costs, delays, cost)
    drops = {name: count for name, count in costs.counters.items() if name.startswith("dropped_") and count}
    print(
        f"lost {costs.lost + delays.lost} of {costs.expected + delays.expected} packets by sequence number, "
        f"of which our own sockets dropped {generator_drops}; {wrong} of the decrypted samples differed; "
        f"the worker's drops: {drops or 'none'}\n"
    )
    rates = [window[1] for window in (*costs.windows, *delays.windows)]
    machine_busy = any(abs(each / PLANNED_PER_SECOND - 1) > TOLERATED_DEVIATION for each in rates)
    if machine_busy:
        print("NOT VALID: the machine was busy, packets came in stalls and bursts; run it alone.\n")
    print(
        json.dumps(
            {
                "bench": "forward",
                "us_per_packet": round(cost, 2),
                "loss_pct": round(loss, 4),
                "p99_ms": round(delays.counters["delay_us_p99"] / 1000, 3),
                "p50_ms": round(delays.counters["delay_us_p50"] / 1000, 3),
                "packets_per_second": round(rate),
                "machine_busy": machine_busy,
                "generator_drops": generator_drops,
                "wrong_payloads": wrong,
            }
        )
    )
    return 1 if wrong else 0


def _print_tables(costs: Result, delays: Result, cost: float) -> None:
    print(
        f"\n{ROOMS} rooms, 1 sender → {RECEIVERS} receivers, {VIDEO_PER_SECOND} video + {AUDIO_PER_SECOND} audio "
        f"packets/s each; windows of {WINDOW_SECONDS:.0f} s\n"
    )
    print("window | CPU µs per outgoing packet | outgoing packets/s | worker CPU")
    for number, (microseconds, rate, percent) in enumerate(costs.windows, 1):
        print(f"{number:6} | {microseconds:26.2f} | {rate:18.0f} | {percent:9.1f}%")
    print("\nserver                 | CPU µs per outgoing packet")
    for name, microseconds in (("Konsilium (median)", cost), *PEERS):
        print(f"{name:22} | {microseconds:26.2f}")
    names = ("delay_us_p50", "delay_us_p99", "delay_us_max")
    p50, p99, longest = (delays.counters[name] / 1000 for name in names)
    print(
        f"\nstay in the worker, kernel receive timestamp to last sendto: p50 {p50:.2f} ms, p99 {p99:.2f} ms, "
        f"longest {longest:.2f} ms ({delays.counters['delay_samples']} packets in)\n"
    )


if __name__ == "__main__":
    sys.exit(main())
