"""A call on bad networks, each figure beside its clean run: `python -m bench.faults` (needs root: own network).

One real Chromium receives; the others in the room are people by aiortc, an engine of its own. The browser's path leads
through a UDP relay (`bench/impairment.py`):

* `leg`: 5 % loss and 100 ms in each direction; then a NAT that forgets its port; then ten seconds of nothing;
* `worker`: the media worker is killed;
* `tcp`: a join behind a firewall that lets no UDP through, in front of a server in another network namespace;
* `slow`: of three who receive a page that sends three layers (a second Chromium, as aiortc sends one), one is limited
  to 400 kbit/s, and later freed.

Nobody presses anything. *Back* = from then on new pictures and sound without a break of half a second.
"""

import argparse
import subprocess
import sys
from itertools import pairwise
from typing import TypeVar

import msgspec

from bench.browsers import drive_browsers
from bench.call import Watched
from bench.report import Cell, percentile, print_result, print_table
from bench.senses import (
    SOUND_LEVEL,
    Sensed,
    back_after,
    longest_gap,
    new_pictures,
    sound_after_picture,
    sounding,
)

SECONDS = 20
SLOW_SETTLED_MS = 5000
ENOUGH = 0.9
"""Of the clean frame rate, to count as recovered."""
HELD_MS = 2000

T = TypeVar("T")
Fields = dict[str, Cell]


class Happened(Sensed, frozen=True):
    harmed: float
    ended: float

    def back(self) -> float | None:
        """Seconds from the harm to the end of the last break, of pictures and of sound."""
        each = [back_after(self.harmed, moments, self.ended) for moments in (new_pictures(self), sounding(self))]
        return None if None in each else max(back for back in each if back is not None)

    def back_from_nothing(self) -> float | None:
        """`back` of a call that was still before `harmed`: at least until the first picture and the first sound."""
        back, begun = self.back(), self.begun()
        return None if back is None or begun is None else max(back, begun)

    def gap(self) -> float:
        """Seconds of the longest break of pictures or of sound."""
        whole = ([self.harmed, *moments, self.ended] for moments in (new_pictures(self), sounding(self)))
        return max(longest_gap(moments) for moments in whole) / 1000

    def begun(self) -> float | None:
        """Seconds until there were both a picture and a sound."""
        pictures = (frame.shown for frame in self.seen if frame.drawn > self.harmed)
        sounds = (level.at for level in self.levels if level.level > SOUND_LEVEL)
        first = [min((at for at in each if at > self.harmed), default=None) for each in (pictures, sounds)]
        return None if None in first else (max(at for at in first if at is not None) - self.harmed) / 1000


class Leg(msgspec.Struct, frozen=True):
    clean: Watched
    lossy: Watched
    calm: Happened
    rebinding: Happened
    blackout: Happened


class Killed(msgspec.Struct, frozen=True):
    calm: Happened
    killed: Happened


class Joined(Happened, frozen=True):
    protocol: str


class Joins(msgspec.Struct, frozen=True):
    free: Joined | None
    blocked: Joined | None


class Sample(msgspec.Struct, frozen=True):
    at: float
    frames: int
    height: int
    audio_received: int
    audio_lost: int


class Period(msgspec.Struct, frozen=True):
    """Samples of the slow receiver, and what the others decoded meanwhile, by name."""

    started: float
    samples: list[Sample]
    sensed: Sensed
    others: dict[str, int]
    seconds: float

    def frames_per_second(self, since: float = 0) -> float:
        samples = [each for each in self.samples if each.at >= since]
        if len(samples) < 2:
            return 0
        return 1000 * (samples[-1].frames - samples[0].frames) / (samples[-1].at - samples[0].at)

    def audio_loss_percent(self, since: float = 0) -> float:
        samples = [each for each in self.samples if each.at >= since]
        lost = samples[-1].audio_lost - samples[0].audio_lost
        return 100 * lost / max(1, lost + samples[-1].audio_received - samples[0].audio_received)

    def height(self, since: float = 0) -> float:
        return percentile((each.height for each in self.samples if each.at >= since), 50)

    def sound_after_picture(self) -> float | None:
        """Milliseconds, in the middle; negative when the sound comes first."""
        offsets = sound_after_picture(self.sensed)
        return percentile(offsets, 50) if offsets else None

    def others_frames_per_second(self) -> float:
        return min(self.others.values()) / self.seconds


class Slow(msgspec.Struct, frozen=True):
    clean: Period
    limited: Period
    freed: Period


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.faults", description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of each watched period")
    parser.add_argument("--only", choices=("leg", "worker", "tcp", "slow"), action="append")
    chosen = parser.parse_args()
    wanted = chosen.only or ["leg", "worker", "tcp", "slow"]

    def drive(scenario: str, result: type[T]) -> T | None:
        return _drive(scenario, chosen.seconds, result) if scenario in wanted else None

    fields: Fields = {
        **_leg(drive("leg", Leg)),
        **_slow(drive("slow", Slow)),
        **_tcp(drive("tcp", Joins)),
        **_worker(drive("worker", Killed)),
    }
    print_result(fields)
    return 0


def _drive(scenario: str, seconds: int, result: type[T]) -> T | None:
    """None when the scenario failed: it has said why."""
    try:
        return drive_browsers("faults", scenario, str(seconds), result=result, own_network=True)
    except subprocess.CalledProcessError as error:
        print(f"{scenario}: {error}", file=sys.stderr)
        return None


def _leg(leg: Leg | None) -> Fields:
    names = ("loss5_fps_ratio", "loss5_concealed_pct", "rebinding_gap_s", "blackout10_back_s")
    if leg is None:
        return dict.fromkeys(names)
    rows: list[list[Cell]] = [
        ["new frames/s", leg.clean.frames_per_second, leg.lossy.frames_per_second],
        ["audio concealed, %", _concealed(leg.clean), _concealed(leg.lossy)],
        ["audio packets lost, %", leg.clean.audio_loss_percent, leg.lossy.audio_loss_percent],
        ["freezes", leg.clean.freezes, leg.lossy.freezes],
    ]
    print_table("5 % loss and 100 ms in each direction", ["", "clean", "impaired"], rows)
    gaps: list[Cell] = ["", leg.calm.gap(), leg.rebinding.gap(), leg.blackout.gap()]
    print_table("Longest break, s", ["", "clean", "NAT port changed", "after the blackout"], [gaps])
    values = (
        leg.lossy.frames_per_second / max(1.0, leg.clean.frames_per_second),
        _concealed(leg.lossy),
        leg.rebinding.gap(),
        leg.blackout.back_from_nothing(),
    )
    return dict(zip(names, values, strict=True))


def _concealed(watched: Watched) -> float:
    audio = "inbound-rtp audio "
    return 100 * watched.counted(audio + "concealedSamples") / max(1, watched.counted(audio + "totalSamplesReceived"))


def _slow(slow: Slow | None) -> Fields:
    names = ("slow_receiver_fps", "slow_receiver_audio_loss_pct", "others_fps_ratio", "slow_receiver_recovered_s")
    if slow is None:
        return dict.fromkeys(names)
    clean, limited, freed = slow.clean, slow.limited, slow.freed
    settled = limited.started + SLOW_SETTLED_MS
    rows: list[list[Cell]] = [
        ["slow: frames/s", clean.frames_per_second(), limited.frames_per_second(settled), freed.frames_per_second()],
        ["slow: picture height", clean.height(), limited.height(settled), freed.height(freed.started + 25_000)],
        ["slow: audio lost, %", clean.audio_loss_percent(), limited.audio_loss_percent(), freed.audio_loss_percent()],
        ["after 5 s: audio lost, %", None, limited.audio_loss_percent(settled), None],
    ]
    rows.append(["slow: sound after picture, ms", *(each.sound_after_picture() for each in (clean, limited, freed))])
    for name in clean.others:
        rows.append([f"{name}: frames/s", *(each.others[name] / each.seconds for each in (clean, limited, freed))])
    print_table("One of three limited to 400 kbit/s", ["", "clean", "limited", "freed"], rows)
    lower = limited.height(settled) < clean.height()
    values = (
        limited.frames_per_second(settled) if lower else None,
        limited.audio_loss_percent(),
        limited.others_frames_per_second() / max(1.0, clean.others_frames_per_second()),
        _recovered(clean, freed),
    )
    return dict(zip(names, values, strict=True))


def _recovered(clean: Period, freed: Period) -> float | None:
    """Seconds until picture size and frame rate were those of the clean time, and stayed so for two seconds."""
    size, rate = clean.height(), ENOUGH * clean.frames_per_second()
    since: float | None = None
    for earlier, later in pairwise(freed.samples):
        whole = later.height >= size
        since = (since or earlier.at) if whole else None
        if since is not None and later.at - since >= HELD_MS:
            held = [each for each in freed.samples if since <= each.at <= later.at]
            if 1000 * (held[-1].frames - held[0].frames) / (held[-1].at - held[0].at) >= rate:
                return (since - freed.started) / 1000
    return None


def _tcp(joins: Joins | None) -> Fields:
    if joins is None or joins.free is None or joins.blocked is None:
        return {"udp_blocked_tcp_s": None}
    free, blocked = joins.free, joins.blocked
    rows: list[list[Cell]] = [["seconds", free.begun(), blocked.begun()], ["by", free.protocol, blocked.protocol]]
    print_table("From «enter» to picture and sound", ["", "clean", "UDP blocked"], rows)
    return {"udp_blocked_tcp_s": blocked.begun() if blocked.protocol == "tcp" else None}


def _worker(killed: Killed | None) -> Fields:
    if killed is None:
        return {"worker_killed_back_s": None}
    row: list[Cell] = ["", killed.calm.gap(), killed.killed.gap()]
    print_table("Longest break, s", ["", "clean", "worker killed"], [row])
    return {"worker_killed_back_s": killed.killed.back()}


if __name__ == "__main__":
    sys.exit(main())
