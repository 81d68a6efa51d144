"""A million hostile datagrams at a media worker during a live call: `python -m bench.hostile`.

Seeded mutations of valid STUN, DTLS, RTP and RTCP from a stranger's address; the same, malformed inside but encrypted
with the session's own keys, from members of rooms; and both in frames over TCP. Meanwhile two others are in a call of
which each packet is counted by its sequence number. `datagrams` are those that the worker has read, by its own answer
to a check sent after them.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection

from bench.bombardment import ROOM, Offer, Progress, bombard
from bench.load import Load, Member, Rates
from bench.media_client import BenchClient
from bench.media_worker import BenchWorker, bench_worker
from bench.processes import resident_kilobytes
from bench.report import Cell, median, print_result, print_table
from mediaserver.dtls import DtlsIdentity

SEED = 20261121
DATAGRAMS = 1_000_000
RATES = Rates(video=110, audio=50)
WARM_UP = 0.1
"""Of the datagrams: caches, buffers and rings are filled by then."""
SAMPLES = 10
SLICE_SECONDS = 0.2


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.hostile", description=__doc__)
    parser.add_argument("--datagrams", type=int, default=DATAGRAMS)
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args()
    with tempfile.TemporaryFile() as log:
        with bench_worker(log=log.fileno()) as worker:
            fields, drops = measure(worker, chosen.datagrams, chosen.seed)
        log.seek(0)
        fields["tracebacks"] = log.read().count(b"Traceback")
    rows = sorted(drops.items(), key=lambda item: item[1], reverse=True)
    print_table("What the worker dropped", ["reason", "times"], rows)
    print_result({"bench": "hostile", "seed": chosen.seed, **fields})
    return 1 if fields["live_lost"] or fields["live_wrong"] or fields["faults"] or fields["tracebacks"] else 0


def measure(worker: BenchWorker, datagrams: int, seed: int) -> tuple[dict[str, Cell], dict[str, int]]:
    """The figures, and what was dropped for which reason."""
    identity = DtlsIdentity()
    people = [BenchClient(identity, publishes=True, receives=1) for _ in range(2)]
    for number, client in enumerate(people):
        client.connect(worker.answer(ROOM, f"live-{number}", client.offer))
    load = Load([[Member(client, client) for client in people]], RATES)
    load.run(1.0)
    ssrcs = [ssrc for client in people for ssrc in (client.audio_ssrc, client.video_ssrc)]
    parent, child = multiprocessing.Pipe()
    started = time.monotonic()
    process = multiprocessing.get_context("spawn").Process(target=bombard, args=(child, datagrams, seed, ssrcs))
    process.start()
    child.close()
    progress, sizes = follow(worker, load, parent, datagrams)
    process.join()
    seconds = time.monotonic() - started
    load.settle()
    expected, lost = load.losses()
    counters = worker.statistics().counters
    fields: dict[str, Cell] = {
        "datagrams": progress.datagrams,
        "tcp_frames": progress.tcp_frames,
        "sessions": progress.sessions,
        "live_packets": expected,
        "live_lost": lost,
        "live_wrong": load.wrong(),
        "generator_drops": load.kernel_drops(),
        "rss_growth": median(sizes[-SAMPLES:]) / median(sizes[:SAMPLES]),
        "faults": counters["dropped_fault"],
        "kernel_drops": counters["dropped_kernel_buffer_full"],
        "seconds": seconds,
    }
    load.close()
    drops = {name.removeprefix("dropped_"): count for name, count in counters.items() if name.startswith("dropped_")}
    return fields, {name: count for name, count in drops.items() if count}


def follow(worker: BenchWorker, load: Load, child: Connection, datagrams: int) -> tuple[Progress, list[int]]:
    """Keeps the call going and answers the hostile member's offers to the end. Also: sizes (KiB) after the warm-up."""
    progress, sizes = Progress(), list[int]()
    while not progress.done:
        load.run(SLICE_SECONDS)
        while child.poll() and not progress.done:
            told = child.recv()
            if isinstance(told, Offer):
                child.send(worker.answer(told.room, told.peer, told.sdp))
            else:
                progress = told
        if progress.datagrams > WARM_UP * datagrams:
            sizes.append(resident_kilobytes(worker.pid))
            sys.stderr.write(f"\r{progress.datagrams} of {datagrams} datagrams, {sizes[-1]} KiB")
    sys.stderr.write("\n")
    return progress, sizes


if __name__ == "__main__":
    sys.exit(main())
