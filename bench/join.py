"""How long a patient waits from pressing «Войти» to the doctor's picture: `python -m bench.join`.

Two real Chromium browsers on this machine and a real server. The doctor is in the room; every join is made by a
browser started for it with a clean profile, and no connection exists before the press. The doctor's camera draws its
clock into the picture, and only a frame drawn after the press counts.
"""

import argparse

import msgspec

from bench.browsers import drive_browsers
from bench.report import median, percentile, print_result, print_table


class Join(msgspec.Struct, frozen=True):
    """When each step was reached (milliseconds since the epoch); a step may be overtaken by the next."""

    pressed: float
    shown: float
    """The first frame drawn after the press is on the glass."""
    drawn: float
    connection: float
    offered: float
    answered: float
    applied: float
    ice: float
    dtls: float
    packet: float
    decoded: float | None = None


class Joins(msgspec.Struct, frozen=True):
    joins: list[Join]


STEPS = {
    "connection": "RTCPeerConnection made",
    "offered": "offer made",
    "answered": "the server's acknowledgement is here",
    "applied": "answer applied",
    "ice": "ICE connected",
    "dtls": "DTLS connected",
    "packet": "first video packet",
    "drawn": "that frame was drawn by the doctor's camera",
    "decoded": "first decoded frame in a video element",
    "shown": "that frame on the glass",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.join", description=__doc__)
    parser.add_argument("--joins", type=int, default=40)
    count = parser.parse_args().joins
    joins = drive_browsers("join", str(count), result=Joins).joins
    rows = []
    for step, words in STEPS.items():
        taken = [moment - join.pressed for join in joins if (moment := getattr(join, step)) is not None]
        rows.append([words, median(taken), percentile(taken, 95), max(taken, default=None), len(taken)])
    print_table("Milliseconds after the press", ["step", "p50", "p95", "max", "joins"], rows)
    first_frames = [join.shown - join.pressed for join in joins]
    print_result(
        {
            "first_frame_ms_p50": median(first_frames),
            "first_frame_ms_p95": percentile(first_frames, 95),
            "joins": len(joins),
        }
    )


if __name__ == "__main__":
    main()
