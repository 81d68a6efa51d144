"""How soon a call is back by itself after something broke: `python -m bench.recovery` (needs root: own network).

Two real Chromium browsers in a call; then the media worker is killed, or the server, or the patient's network
interface goes away and another one comes, or a firewall begins to drop UDP and TCP is left. Nobody presses anything.
Back = from then on both pages show new pictures and hear sound without a break of half a second; after the killing of
the server also: both pages have stopped saying that their connection is in trouble, because media outlives it. Each
repetition has a server and browsers of its own.
"""

import argparse
import math

import msgspec

from bench.browsers import drive_browsers
from bench.report import Cell, median, print_result, print_table
from bench.senses import Sensed, back_after, new_pictures, sounding

SECONDS_WATCHED = {"worker_killed": 12, "server_killed": 20, "network_change": 15, "udp_blocked": 20}
SIDES = ("patient", "doctor")


class Side(Sensed, frozen=True):
    complained: float
    """When the page said last that its connection is in trouble; 0 = never."""


class Run(msgspec.Struct, frozen=True):
    harmed: float
    ended: float
    patient: Side
    doctor: Side


class Runs(msgspec.Struct, frozen=True):
    runs: list[Run]


class Back(msgspec.Struct, frozen=True):
    """Seconds from the harm; infinite when it was not seen to come back."""

    pictures: float
    sound: float
    calm: float

    @property
    def media(self) -> float:
        return max(self.pictures, self.sound)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.recovery", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--only", choices=SECONDS_WATCHED, action="append")
    chosen = parser.parse_args()
    repetitions = str(chosen.repetitions)
    found: dict[str, list[Back]] = {harm: [] for harm in SECONDS_WATCHED}
    for harm in chosen.only or SECONDS_WATCHED:
        seconds = SECONDS_WATCHED[harm]
        measured = drive_browsers("recovery", harm, repetitions, str(seconds), result=Runs, own_network=True)
        found[harm] = [_back(run) for run in measured.runs]
    rows: list[list[Cell]] = [
        [harm, number, back.pictures, back.sound, back.calm]
        for harm, backs in found.items()
        for number, back in enumerate(backs, 1)
    ]
    print_table(
        "Seconds until both sides have it back", ["harm", "run", "pictures", "sound", "no word of trouble"], rows
    )
    print_result(
        {
            "worker_killed_back_s": median(back.media for back in found["worker_killed"]),
            "server_killed_back_s": median(max(back.media, back.calm) for back in found["server_killed"]),
            "network_change_back_s": median(back.media for back in found["network_change"]),
            "udp_blocked_back_s": median(back.media for back in found["udp_blocked"]),
        }
    )


def _back(run: Run) -> Back:
    def both(kind: str) -> float:
        return max(_back_of(run, getattr(run, side), kind) for side in SIDES)

    return Back(pictures=both("pictures"), sound=both("sound"), calm=both("calm"))


def _back_of(run: Run, side: Side, kind: str) -> float:
    if kind == "calm":
        still = run.ended - side.complained < 1000
        return math.inf if still else max(0.0, (side.complained - run.harmed) / 1000)
    moments = new_pictures(side) if kind == "pictures" else sounding(side)
    back = back_after(run.harmed, moments, run.ended)
    return math.inf if back is None else back


if __name__ == "__main__":
    main()
