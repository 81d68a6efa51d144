"""What a forwarded packet costs in our worker, in Janus (written in C) and in the usual Python way, in one run.

The same load for all (`bench/load.py`): real ICE, DTLS and SRTP (AES-128-GCM), packets of real VP8 and Opus encoders,
in a network namespace of its own. Per server: CPU of its whole process for each useful packet that reached a receiver
(repairs and padding are not useful), delay from the kernel's receiving to the kernel's receiving one hop later, loss
by sequence number (what our own sockets dropped is told apart), memory per person.

The servers take turns, several times round, so that a machine that grows slow does so for all.
"""

import argparse
import os
import shutil
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Load, Rates
from bench.plot import write_bars
from bench.processes import cpu_seconds, memory_kilobytes, stolen_seconds
from bench.report import percentile, print_result, print_table
from bench.sfu_servers import Person, StartServer, janus_default, janus_tuned, konsilium, media_relay

ADDRESS = "10.99.1.1"
"""A veth's address inside the bench's own namespace: Janus and Firefox refuse loopback."""
PLOT = Path(__file__).parents[1] / "docs" / "benchmarks" / "sfu.svg"

WARM_UP_SECONDS, WINDOW_SECONDS = 2.0, 3.0
ROUNDS, WINDOWS = 2, 3
PROBES = 12
HD, STANDARD = Rates(video=210, audio=50), Rates(video=110, audio=50)
CAPACITY_ROOMS = (20, 25, 30, 35, 40, 50, 60, 70, 80)
CAPACITY_SECONDS, CAPACITY_WINDOWS = 3.0, 7
TOLERATED_STOLEN_PCT = 0.5
"""What the host takes away, it takes for milliseconds: with more than this, the 99th percentile is its doing."""
MOST_ATTEMPTS = 3
"""At a calm window; then the calmest count."""
P99_BAR_MS = 3.0
LEAST_CORE = 0.5
"""A worker that idles gives no figure of how much it could hold."""

OURS, TUNED, DEFAULT, RELAY = "Konsilium", "Janus event_loops=1", "Janus default", "aiortc MediaRelay"


@dataclass(frozen=True, slots=True)
class Shape:
    """So many rooms of these people."""

    name: str
    rooms: int
    people: tuple[Person, ...]
    rates: Rates

    @property
    def packets_out(self) -> int:
        """Planned, a second."""
        return self.rooms * sum(person.receives for person in self.people) * self.rates.all


PAIR = (Person(sends=True, receives=1),) * 2
ONE_TO_SIX = (Person(sends=True, receives=0), *(Person(sends=False, receives=1),) * 6)
EIGHT = (Person(sends=True, receives=7),) * 8
SHAPES = (
    Shape("a: 20 × 1:1 HD both ways", 20, PAIR, HD),
    Shape("b: 20 × one to six", 20, ONE_TO_SIX, STANDARD),
    Shape("c: one room of eight", 1, EIGHT, STANDARD),
)
FORWARDERS: dict[str, StartServer] = {OURS: konsilium, TUNED: janus_tuned, DEFAULT: janus_default}


@dataclass(frozen=True, slots=True)
class Window:
    """A few seconds of one server under load."""

    microseconds: float
    """CPU per useful packet."""
    core: float
    """Share of one that the server used."""
    packets_a_second: float
    delays_ms: tuple[float, ...]
    stolen_pct: float
    """Of the machine's time: what its host took away, for milliseconds at a time."""


@dataclass(slots=True)
class Measured:
    """Of one server under one shape, over all rounds."""

    windows: list[Window] = field(default_factory=list)
    kilobytes: list[float] = field(default_factory=list)
    """Per person, a round each."""
    expected: int = 0
    lost: int = 0
    own_drops: int = 0
    wrong: int = 0

    @property
    def microseconds(self) -> list[float]:
        return [window.microseconds for window in self.windows]

    @property
    def cost(self) -> float:
        return statistics.median(self.microseconds)

    @property
    def share(self) -> float:
        """Of one core."""
        return statistics.median(window.core for window in self.windows)

    @property
    def delays_ms(self) -> list[float]:
        return [delay for window in self.windows for delay in window.delays_ms]

    @property
    def p99_ms(self) -> float:
        return percentile(self.delays_ms, 99)

    @property
    def p99s_ms(self) -> list[float]:
        return [percentile(window.delays_ms, 99) for window in self.windows]

    @property
    def usual_p99_ms(self) -> float:
        """Of the median window: a virtual machine is stopped for milliseconds now and then, whatever runs in it."""
        return statistics.median(self.p99s_ms)

    @property
    def loss_pct(self) -> float:
        return 100 * self.lost / max(1, self.expected)


def measure(start: StartServer, shape: Shape, measured: Measured, windows: int, seconds: float) -> None:
    """One server from its start to its end, under one shape."""
    with start(ADDRESS) as server:
        before = memory_kilobytes(server.pid)
        rooms = [server.connect(room, list(shape.people)) for room in range(shape.rooms)]
        load = Load(rooms, shape.rates, probes=PROBES)
        try:
            load.run(WARM_UP_SECONDS)
            load.settle()
            load.find_origins()
            load.delays()
            measured.windows += _calm_windows(server.pid, load, windows, seconds)
            people = shape.rooms * len(shape.people)
            measured.kilobytes.append((memory_kilobytes(server.pid) - before) / people)
            load.settle()
            expected, lost = load.losses()
            measured.expected += expected
            measured.lost += lost
            measured.wrong += load.wrong()
            measured.own_drops += load.kernel_drops()
        finally:
            load.close()


def _calm_windows(pid: int, load: Load, count: int, seconds: float) -> list[Window]:
    """So many in which the machine was ours, if there are."""
    windows: list[Window] = []
    while len(windows) < MOST_ATTEMPTS * count:
        windows.append(_measure_window(pid, load, seconds))
        windows.sort(key=lambda window: window.stolen_pct)
        if len(windows) >= count and windows[count - 1].stolen_pct <= TOLERATED_STOLEN_PCT:
            break
    return windows[:count]


def _measure_window(pid: int, load: Load, seconds: float) -> Window:
    cpu, received, stolen, at = cpu_seconds(pid), load.received(), stolen_seconds(), time.monotonic()
    load.run(seconds)
    passed = time.monotonic() - at
    used, packets = cpu_seconds(pid) - cpu, load.received() - received
    return Window(
        microseconds=used / max(1, packets) * 1e6,
        core=used / passed,
        packets_a_second=packets / passed,
        delays_ms=tuple(delay * 1000 for delay in load.delays()),
        stolen_pct=100 * (stolen_seconds() - stolen) / passed / (os.cpu_count() or 1),
    )


def measure_capacity(quick: bool) -> tuple[float | None, list[tuple[int, Measured]]]:
    """1:1 rooms held for each core that the worker used; None when no step held with the worker busy enough."""
    held: float | None = None
    steps: list[tuple[int, Measured]] = []
    for rooms in CAPACITY_ROOMS[:1] if quick else CAPACITY_ROOMS:
        measured = Measured()
        windows = 1 if quick else CAPACITY_WINDOWS
        shape = Shape("capacity", rooms, PAIR, HD)
        measure(konsilium, shape, measured, windows, CAPACITY_SECONDS)
        steps.append((rooms, measured))
        if measured.lost or measured.usual_p99_ms > P99_BAR_MS:
            break
        if measured.share >= LEAST_CORE:
            held = rooms / measured.share
    return held, steps


def _print_shape(shape: Shape, results: dict[str, Measured]) -> None:
    headings = ("server", "µs/packet", "windows", "p50 ms", "p99 ms", "loss %", "own drops", "kB/person", "packets/s")
    rows = [
        (
            name,
            result.cost,
            f"{min(result.microseconds):.1f} to {max(result.microseconds):.1f}",
            f"{percentile(result.delays_ms, 50):.2f}",
            f"{result.p99_ms:.2f}",
            f"{result.loss_pct:.4f}",
            result.own_drops,
            round(statistics.median(result.kilobytes)),
            round(statistics.median(window.packets_a_second for window in result.windows)),
        )
        for name, result in results.items()
    ]
    print_table(f"{shape.name} ({shape.packets_out} packets/s out planned)", headings, rows)


def _print_capacity(steps: list[tuple[int, Measured]]) -> None:
    rows = [
        (
            f"{rooms} rooms",
            f"{100 * result.share:.0f} %",
            f"{result.usual_p99_ms:.2f}",
            f"{min(result.p99s_ms):.2f} to {max(result.p99s_ms):.2f}",
            result.lost,
            result.cost,
            f"{statistics.median(window.stolen_pct for window in result.windows):.2f}",
        )
        for rooms, result in steps
    ]
    headings = ("rooms", "of a core", "p99 ms", "windows", "lost", "µs/packet", "stolen %")
    print_table("1:1 HD rooms, our worker", headings, rows)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench sfu", description=__doc__)
    parser.add_argument("--peer", choices=("janus",), action="append", help="the servers to compare with")
    parser.add_argument("--quick", action="store_true", help="short, to see that it works; says nothing")
    parser.add_argument("--keep-plot", action="store_true", help=f"write {PLOT.name} into the documents")
    chosen = parser.parse_args()
    if "KONSILIUM_SERVICE_ADDRESS" not in os.environ:
        command = [sys.executable, "-m", "devtools.namespace", sys.executable, "-m", "bench.sfu", *sys.argv[1:]]
        os.execv(sys.executable, command)
    peers = bool(chosen.peer)
    if peers and shutil.which("janus") is None:
        print("Janus is missing: install the Debian package janus", file=sys.stderr)
        return 1
    results = _measure_all(peers, 1 if chosen.quick else ROUNDS, 1 if chosen.quick else WINDOWS)
    held, steps = measure_capacity(chosen.quick)
    for shape in SHAPES:
        _print_shape(shape, results[shape.name])
    _print_capacity(steps)
    if chosen.keep_plot:
        costs = {shape.name: {name: each.cost for name, each in results[shape.name].items()} for shape in SHAPES}
        write_bars(PLOT, "CPU µs per packet delivered", costs)
    return _conclude(results, held)


def _measure_all(peers: bool, rounds: int, windows: int) -> dict[str, dict[str, Measured]]:
    servers = FORWARDERS if peers else {OURS: konsilium}
    results: dict[str, dict[str, Measured]] = {}
    for shape in SHAPES:
        results[shape.name] = {name: Measured() for name in servers}
        for turn in range(rounds):
            for name, start in servers.items():
                print(f"{shape.name}, round {turn + 1} of {rounds}: {name}", file=sys.stderr)
                measure(start, shape, results[shape.name][name], windows, WINDOW_SECONDS)
    if peers:
        shape = Shape(SHAPES[1].name, 1, ONE_TO_SIX, STANDARD)
        print(f"one room of shape b: {RELAY}", file=sys.stderr)
        results[shape.name][f"{RELAY} (1 room)"] = relayed = Measured()
        measure(media_relay, shape, relayed, windows, WINDOW_SECONDS)
    return results


def _conclude(results: dict[str, dict[str, Measured]], held: float | None) -> int:
    ratios = [
        results[shape.name][OURS].cost / results[shape.name][TUNED].cost if TUNED in results[shape.name] else None
        for shape in SHAPES
    ]
    ours = [results[shape.name][OURS] for shape in SHAPES]
    known = [ratio for ratio in ratios[:2] if ratio is not None]
    print_result(
        {
            "bench": "sfu",
            "ratio_janus_tuned": max(known) if known else None,
            "ratio_a": ratios[0],
            "ratio_b": ratios[1],
            "ratio_c": ratios[2],
            "us_per_packet_a": ours[0].cost,
            "us_per_packet_b": ours[1].cost,
            "us_per_packet_c": ours[2].cost,
            "p99_ms": ours[1].p99_ms,
            "loss_pct": 100 * sum(each.lost for each in ours) / max(1, sum(each.expected for each in ours)),
            "rooms_1to1_per_core": held,
            "kb_per_person": max(statistics.median(each.kilobytes) for each in ours),
            "own_drops": sum(each.own_drops for each in ours),
        }
    )
    return 1 if any(each.wrong for each in ours) else 0


if __name__ == "__main__":
    sys.exit(main())
