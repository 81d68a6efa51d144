"""How good a call is: `python -m bench.call`.

Two real Chromium browsers, 640×360 at 30 frames/s with a clock in the picture and a beep every second. First a call
on this machine's own network, both sides watched; then a call in which the patient's down-link is limited by a UDP
relay (1 Mbit/s, headers counted, queue of 300 ms, from ten seconds after the start on).

Freezes are the browser's own `freezeCount` (W3C webrtc-stats). Audio loss is RTP's: `packetsLost` of lost and received.
"""

import argparse

import msgspec

from bench.browsers import drive_browsers
from bench.report import Cell, median, percentile, print_result, print_table
from bench.senses import Sensed, glass_to_glass, longest_gap, new_pictures, sound_after_picture

LIMIT = {"rate_kbps": 1000, "queue_ms": 300}


class Statistics(msgspec.Struct, frozen=True, rename="camel"):
    """As `bench/browser/statistics.ts`."""

    frames_decoded: int
    freeze_count: int
    total_freezes_duration: float
    frame_height: int
    video_bytes: int
    video_packets_lost: int
    audio_packets_received: int
    audio_packets_lost: int
    audio_packets_discarded: int
    audio_samples: int
    concealed_samples: int


class Watched(Sensed, frozen=True):
    """One side for a while: what it sensed, and the browser's counters before and after."""

    seconds: float
    before: Statistics
    after: Statistics

    def counted(self, name: str) -> float:
        grown: float = getattr(self.after, name) - getattr(self.before, name)
        return grown

    @property
    def frames_per_second(self) -> float:
        return len(new_pictures(self)) / self.seconds

    @property
    def audio_loss_percent(self) -> float:
        lost = self.counted("audio_packets_lost")
        return 100 * lost / max(1, lost + self.counted("audio_packets_received"))

    @property
    def concealed_percent(self) -> float:
        return 100 * self.counted("concealed_samples") / max(1, self.counted("audio_samples"))


class LinkCounters(msgspec.Struct, frozen=True):
    received: int
    forwarded: int
    overflowed: int


class Call(msgspec.Struct, frozen=True):
    patient: Watched
    doctor: Watched
    limited: Watched
    limited_path: LinkCounters


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.call", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    seconds = str(parser.parse_args().seconds)
    limit = msgspec.json.encode(LIMIT).decode()
    call = drive_browsers("call", seconds, seconds, limit, result=Call)
    sides = {"patient": call.patient, "doctor": call.doctor, "patient, 1 Mbit/s": call.limited}
    columns = [_figures(side) for side in sides.values()]
    rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
    print_table(f"What each side received in {seconds} s", ["", *sides], rows)
    path = call.limited_path
    print(f"\nThe limited path dropped {path.overflowed} of {path.received} packets because its queue was full.")
    both = [call.patient, call.doctor]
    print_result(
        {
            "glass_to_glass_ms_p50": max(median(glass_to_glass(side.seen)) for side in both),
            "glass_to_glass_ms_p95": max(percentile(glass_to_glass(side.seen), 95) for side in both),
            "av_offset_ms": max(abs(median(sound_after_picture(side))) for side in both),
            "freezes": sum(int(side.counted("freeze_count")) for side in both),
            "limited_fps": call.limited.frames_per_second,
            "limited_audio_loss_pct": call.limited.audio_loss_percent,
        }
    )


def _figures(side: Watched) -> dict[str, Cell]:
    delays, offsets = glass_to_glass(side.seen), sound_after_picture(side)
    return {
        "glass to glass, ms, p50": median(delays),
        "glass to glass, ms, p95": percentile(delays, 95),
        "sound after picture, ms, p50": median(offsets),
        "sound after picture, ms, p5": percentile(offsets, 5),
        "sound after picture, ms, p95": percentile(offsets, 95),
        "beeps matched with flashes": len(offsets),
        "frames/s": side.frames_per_second,
        "frame height": side.after.frame_height,
        "video, kbit/s": side.counted("video_bytes") * 8 / 1000 / side.seconds,
        "freezes": int(side.counted("freeze_count")),
        "frozen, s": side.counted("total_freezes_duration"),
        "longest gap between frames, ms": longest_gap(new_pictures(side)),
        "video packets lost": int(side.counted("video_packets_lost")),
        "audio packets lost, %": side.audio_loss_percent,
        "audio concealed, %": side.concealed_percent,
        "frames without a readable stamp": side.unreadable,
    }


if __name__ == "__main__":
    main()
