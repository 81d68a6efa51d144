"""What a measured page saw and heard, and what follows from it. Moments are milliseconds since the epoch.

A page's camera draws its clock into the picture, lights a flash in it while it beeps, and beeps at every full second
(`bench/browser/camera.ts`); the other page notes when frames are on the glass and when beeps come.
"""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

BEEP_EVERY_MS = 1000
SOUND_LEVEL = 0.004
"""Root mean square above which there is sound; the quiet tone between the beeps has 0.014."""
BREAK_MS = 500
"""A shorter gap is no break for people."""


class SeenFrame(msgspec.Struct, frozen=True):
    drawn: float
    shown: float
    flash: bool


class HeardLevel(msgspec.Struct, frozen=True):
    at: float
    level: float


class Sensed(msgspec.Struct, frozen=True):
    """In order of time, but pictures: a frame may be told twice, or be replaced by an older one's connection."""

    seen: list[SeenFrame]
    unreadable: int
    beeps: list[float]
    """Onsets."""
    levels: list[HeardLevel]


def glass_to_glass(frames: Sequence[SeenFrame]) -> list[float]:
    """Milliseconds from drawing to showing, a figure for each frame."""
    return [frame.shown - frame.drawn for frame in frames]


def longest_gap(moments: Sequence[float]) -> float:
    """Milliseconds."""
    return max((later - earlier for earlier, later in pairwise(moments)), default=0.0)


def sound_after_picture(sensed: Sensed) -> list[float]:
    """For each beep: how many milliseconds later than its flash it came; negative when the sound came first.

    The flash stands in the first frame drawn after the full second, so the time from the second to that drawing is
    taken off: otherwise the camera's frame interval would be counted as the platform's.
    """
    offsets = []
    flashes = [later for earlier, later in pairwise(sensed.seen) if later.flash and not earlier.flash]
    for flash in flashes:
        shown = flash.shown - flash.drawn % BEEP_EVERY_MS
        nearest = min((beep - shown for beep in sensed.beeps), key=abs, default=BEEP_EVERY_MS)
        if abs(nearest) < BEEP_EVERY_MS / 2:
            offsets.append(nearest)
    return offsets


def new_pictures(sensed: Sensed) -> list[float]:
    """When a picture newer than all before was shown."""
    newest, moments = 0.0, []
    for frame in sensed.seen:
        if frame.drawn > newest:
            newest = frame.drawn
            moments.append(frame.shown)
    return moments


def sounding(sensed: Sensed) -> list[float]:
    """When there was sound."""
    return [level.at for level in sensed.levels if level.level > SOUND_LEVEL]


def back_after(harmed: float, moments: Sequence[float], ended: float) -> float | None:
    """Seconds from the harm to the end of the last break; 0 without a break, None when it never ended."""
    points = [harmed, *(moment for moment in moments if harmed < moment < ended), ended]
    breaks = [later for earlier, later in pairwise(points) if later - earlier > BREAK_MS]
    if not breaks:
        return 0.0
    return None if breaks[-1] == ended else (breaks[-1] - harmed) / 1000
