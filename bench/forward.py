"""How much CPU a forwarded packet costs: 20 rooms, one sender and six receivers each, through a real media worker.

This process is the load: it sends as 20 browsers would (110 video and 50 audio packets a second, sender reports) and
receives as 120 would (receiver reports, REMB). The worker is a process of its own; every packet goes through real
ICE, DTLS and SRTP (AES-128-GCM) on 127.0.0.1. Loss is told by sequence numbers; what our own sockets dropped is told
apart. Packets are spaced evenly, which is the dearest way: nothing comes in bursts that one wake-up could share.
"""

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass

from bench.load import Load, Member, Rates
from bench.media_client import BenchClient
from bench.media_worker import BenchWorker, bench_worker
from bench.processes import cpu_seconds
from mediaserver.dtls import DtlsIdentity

ROOMS, RECEIVERS = 20, 6
RATES = Rates(video=110, audio=50)
WINDOW_SECONDS, WINDOWS, PROBE_WINDOWS = 3.0, 5, 2
WARM_UP_SECONDS = 2.0
PLANNED_PER_SECOND = ROOMS * RECEIVERS * RATES.all
TOLERATED_DEVIATION = 0.03
"""Of the rate of any window: more, and the machine had no time for us; then the figures say nothing."""

PEERS = (("Janus 1.1.2 default", 40), ("Janus event_loops=1", 22), ("mediasoup 3.27", 16), ("our first prototype", 12))
"""µs of CPU per outgoing packet, the same load on a 2-core machine (media engine notes)."""


def connected_rooms(worker: BenchWorker) -> list[list[Member]]:
    """In each room one who sends and the others who receive."""
    identity, rooms = DtlsIdentity(), []
    for room in range(ROOMS):
        sender = BenchClient(identity, publishes=True)
        receivers = [BenchClient(identity, receives=1) for _ in range(RECEIVERS)]
        for place, client in enumerate((sender, *receivers)):
            client.connect(worker.answer(f"room-{room}", f"peer-{room}-{place}", client.offer))
        rooms.append([Member(sender, None), *(Member(None, receiver) for receiver in receivers)])
    return rooms


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
        load = Load(connected_rooms(worker), RATES)
        load.run(WARM_UP_SECONDS)
        worker.statistics()
        for _ in range(windows):
            cpu, received, at = cpu_seconds(worker.pid), load.received(), time.monotonic()
            load.run(WINDOW_SECONDS)
            seconds = time.monotonic() - at
            used, packets = cpu_seconds(worker.pid) - cpu, load.received() - received
            measured.append((used / packets * 1e6, packets / seconds, used / seconds * 100))
        load.settle()
        expected, lost = load.losses()
        result = Result(
            measured,
            expected=expected,
            lost=lost,
            wrong=load.wrong(),
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
        f"\n{ROOMS} rooms, 1 sender → {RECEIVERS} receivers, {RATES.video} video + {RATES.audio} audio "
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
