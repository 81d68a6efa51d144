"""A call of two bare clients through a real worker: every packet is counted while somebody else misbehaves."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import Load, Member, Rates
from bench.media_client import BenchClient
from bench.media_worker import BenchWorker, bench_worker
from bench.processes import resident_kilobytes
from mediaserver.dtls import DtlsIdentity

ROOM = "room"
RATES = Rates(video=60, audio=50)
SLICE_SECONDS = 0.1
"""How long the call goes on between two acts of whoever misbehaves."""
TOLERANCE_KILOBYTES = 4096
ROUNDS_TO_SETTLE = 4
_LEAST_PACKETS = 100
_MID_ID, _RID_ID = 4, 10


class LiveCall:
    """Anna and Boris, and the worker between them."""

    def __init__(self, worker: BenchWorker, identity: DtlsIdentity, slots: int) -> None:
        self.worker = worker
        self.identity = identity
        people = [BenchClient(identity, publishes=True, receives=slots) for _ in range(2)]
        for name, client in zip(("anna", "boris"), people, strict=True):
            self.join(name, client)
        self.anna, self.boris = people
        self._load = Load([[Member(client, client) for client in people]], RATES)
        self.go_on(0.5)

    def join(self, name: str, client: BenchClient, room: str = ROOM) -> None:
        client.connect(self.worker.answer(room, name, client.offer))

    def go_on(self, seconds: float = SLICE_SECONDS) -> None:
        self._load.run(seconds)

    def while_it_goes_on(self, act: Callable[[], None], times: int) -> None:
        for _ in range(times):
            act()
            self.go_on()

    def counters(self) -> dict[str, int]:
        return self.worker.statistics().counters

    @contextmanager
    def memory_stays(self) -> Iterator[None]:
        """The worker is about as large after it as before."""
        before = resident_kilobytes(self.worker.pid)
        yield
        grown = resident_kilobytes(self.worker.pid) - before
        assert grown < TOLERANCE_KILOBYTES, f"{grown} KiB more"

    def memory_settles(self, strain: Callable[[], None]) -> None:
        """After some rounds of the strain the worker grows no further: what one round leaves, a collection takes."""
        for _ in range(ROUNDS_TO_SETTLE):
            before = resident_kilobytes(self.worker.pid)
            strain()
            grown = resident_kilobytes(self.worker.pid) - before
            if grown < TOLERANCE_KILOBYTES:
                return
        raise AssertionError(f"{grown} KiB more in the last round too")

    def nobody_noticed(self) -> None:
        """Every packet arrived, in both directions, and what was looked into was right."""
        received = self._load.received()
        self.go_on(0.5)
        assert self._load.received() > received
        self._load.settle()
        expected, lost = self._load.losses()
        assert expected > _LEAST_PACKETS
        found = {"lost": lost, "wrong": self._load.wrong(), "dropped here": self._load.kernel_drops()}
        assert not any(found.values()), found
        assert self.counters()["dropped_fault"] == 0

    def close(self) -> None:
        self._load.close()


@contextmanager
def live_call(folder: Path, slots: int = 1) -> Iterator[LiveCall]:
    """`slots`: how many others Anna and Boris can see; with one they see each other and nobody else."""
    log = folder / "worker.log"
    with log.open("wb") as errors, bench_worker(log=errors.fileno()) as worker:
        call = LiveCall(worker, DtlsIdentity(), slots)
        try:
            yield call
        finally:
            call.close()
    assert "Traceback" not in log.read_text()


def element(extension_id: int, data: bytes) -> bytes:
    """One header extension element of the one-byte form (RFC 8285 section 4.2)."""
    return bytes([extension_id << 4 | len(data) - 1]) + data


def rtp(
    payload_type: int, sequence: int, ssrc: int, payload: bytes = b"media", *, mid: str = "", rid: str = ""
) -> bytes:
    """A packet as a publisher sends it (RFC 3550 section 5.1), with the ids that `BenchClient` offers."""
    elements = (element(_MID_ID, mid.encode()) if mid else b"") + (element(_RID_ID, rid.encode()) if rid else b"")
    elements += bytes(-len(elements) % 4)
    extension = struct.pack("!HH", 0xBEDE, len(elements) // 4) + elements
    header = struct.pack("!BBHII", 0x90, payload_type, sequence & 0xFFFF, sequence * 960 & 0xFFFFFFFF, ssrc)
    return header + extension + payload
