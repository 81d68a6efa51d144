"""Does a worker stay as large as it is? `python -m bench.soak`: 40 rooms for 8 minutes, people coming and going.

Bare clients send sound and picture to each other. Twice a second a room ends and another begins: some people leave by
a word of the server, some say goodbye, some vanish and are freed after their silence. Memory, file descriptors, SSRCs
and tasks of the worker are compared with what they were at minute 2, when as many come as go.
"""

import argparse
import select
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

from bench.load import Load, Member, Rates, Room
from bench.media_client import BenchClient
from bench.media_payloads import make_payloads
from bench.media_worker import BenchWorker, bench_worker
from bench.processes import open_descriptors, resident_kilobytes
from bench.report import Cell, median, print_result, print_table
from mediaserver.dtls import DtlsIdentity

ROOMS, PEOPLE = 40, 2
MINUTES, REFERENCE_MINUTE = 8.0, 2.0
RATES = Rates(video=15, audio=25)
CHANGE_SECONDS = 0.5
SAMPLED_SECONDS = 15.0
"""Medians over so long, as memory goes up and down with who has just come."""


@dataclass(frozen=True, slots=True)
class Sample:
    at: float
    """Seconds since the start."""
    resident_kb: int
    descriptors: int
    ssrcs: int
    tasks: int
    peers: int


class ChangingLoad(Load):
    """Rooms may come and go between two runs."""

    def __init__(self, rates: Rates) -> None:
        super().__init__([], rates)
        self._rates = rates
        self._payloads = make_payloads()
        self._phases = cycle(number / (ROOMS * PEOPLE) for number in range(ROOMS * PEOPLE))
        self._losses_of_the_gone = (0, 0)

    def enter(self, clients: list[BenchClient]) -> Room:
        room = Room([Member(client, client) for client in clients])
        room.open(self._payloads, self._rates, self._phases, frozenset())
        self._senders += room.senders
        self.receivers += room.receivers
        for receiver in room.receivers:
            descriptor = receiver.client.socket.fileno()
            self._by_descriptor[descriptor] = receiver
            self._poll.register(descriptor, select.EPOLLIN)
        return room

    def leave(self, room: Room) -> None:
        """Closes its sockets. What was lost of its packets goes on counting."""
        expected, lost = self._losses_of_the_gone
        for receiver in room.receivers:
            receiver.drain()
            of_this = receiver.loss()
            expected, lost = expected + of_this[0], lost + of_this[1] - receiver.client.kernel_drops()
            descriptor = receiver.client.socket.fileno()
            self._poll.unregister(descriptor)
            del self._by_descriptor[descriptor]
            receiver.client.socket.close()
        self._losses_of_the_gone = expected, lost
        self._senders = [each for each in self._senders if each not in room.senders]
        self.receivers = [each for each in self.receivers if each not in room.receivers]

    def losses(self) -> tuple[int, int]:
        expected, lost = super().losses()
        return expected + self._losses_of_the_gone[0], lost + self._losses_of_the_gone[1]


class Clinic:
    """The rooms of one worker, each new one in the place of the oldest."""

    def __init__(self, worker: BenchWorker) -> None:
        self.joins = 0
        self.load = ChangingLoad(RATES)
        self._worker = worker
        self._identity = DtlsIdentity()
        self._open: deque[tuple[Room, list[str]]] = deque()
        self._ways: Iterator[Callable[[BenchClient, str, str], None]] = cycle((self._sent_out, _say_goodbye, _vanish))

    def open_room(self) -> None:
        clients = [BenchClient(self._identity, publishes=True, receives=PEOPLE) for _ in range(PEOPLE)]
        name = f"room-{self.joins}"
        names = []
        for client in clients:
            self.joins += 1
            names.append(f"peer-{self.joins}")
            client.connect(self._worker.answer(name, names[-1], client.offer))
        self._open.append((self.load.enter(clients), [name, *names]))

    def end_room(self) -> None:
        room, (name, *names) = self._open.popleft()
        for receiver, peer in zip(room.receivers, names, strict=True):
            next(self._ways)(receiver.client, name, peer)
        self.load.leave(room)

    def _sent_out(self, client: BenchClient, room: str, peer: str) -> None:
        self._worker.disconnect(room, peer)

    def sample(self, at: float) -> Sample:
        pid, counters = self._worker.pid, self._worker.statistics().counters
        return Sample(
            at=at,
            resident_kb=resident_kilobytes(pid),
            descriptors=open_descriptors(pid),
            ssrcs=counters["incoming_ssrcs"],
            tasks=counters["tasks"],
            peers=counters["peers"],
        )


def _say_goodbye(client: BenchClient, room: str, peer: str) -> None:
    client.say_goodbye()


def _vanish(client: BenchClient, room: str, peer: str) -> None:
    """As from a phone whose battery is empty."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    minutes = parser.parse_args().minutes
    with bench_worker() as worker:
        clinic = Clinic(worker)
        samples = soak(clinic, minutes * 60)
        clinic.load.settle()
        faults = worker.statistics().counters["dropped_fault"]
        expected, lost = clinic.load.losses()
    reference = min(REFERENCE_MINUTE, minutes / 4) * 60
    early = [each for each in samples if abs(each.at - reference) <= SAMPLED_SECONDS / 2]
    late = [each for each in samples if each.at >= samples[-1].at - SAMPLED_SECONDS]
    columns = {"RSS, KiB": "resident_kb", "file descriptors": "descriptors", "SSRCs": "ssrcs", "tasks": "tasks"}
    columns["people"] = "peers"
    rows: list[list[Cell]] = [[title, _median(early, name), _median(late, name)] for title, name in columns.items()]
    print_table("The worker", ["", f"after {reference:.0f} s", "at the end"], rows)
    fields: dict[str, Cell] = {"bench": "soak", "minutes": minutes, "rooms": ROOMS, "joins": clinic.joins}
    fields["rss_growth"] = _median(late, "resident_kb") / _median(early, "resident_kb")
    for name in ("descriptors", "ssrcs", "tasks"):
        fields[f"{name}_growth"] = _median(late, name) / max(1.0, _median(early, name))
    print_result(fields | {"packets": expected, "lost": lost, "faults": faults})
    return 1 if faults else 0


def soak(clinic: Clinic, seconds: float) -> list[Sample]:
    for _ in range(ROOMS):
        clinic.open_room()
    started, samples = time.monotonic(), list[Sample]()
    while (at := time.monotonic() - started) < seconds:
        clinic.load.run(CHANGE_SECONDS)
        clinic.end_room()
        clinic.open_room()
        samples.append(clinic.sample(at))
        sys.stderr.write(f"\r{at:.0f} of {seconds:.0f} s, {samples[-1].resident_kb} KiB, {samples[-1].peers} people ")
    sys.stderr.write("\n")
    return samples


def _median(samples: list[Sample], name: str) -> float:
    return median(float(getattr(each, name)) for each in samples)


if __name__ == "__main__":
    sys.exit(main())
