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


class Watched(Sensed, frozen=True):
    """One side for a while: what it sensed, and the browser's counters before and after (by their W3C names)."""

    seconds: float
    before: dict[str, float]
    after: dict[str, float]

    def counted(self, name: str) -> float:
        return self.after.get(name, 0) - self.before.get(name, 0)

    def milliseconds_each(self, total: str, count: str) -> float:
        """The average of a counter of seconds for each of what the other counts."""
        return 1000 * self.counted(total) / max(1, self.counted(count))

    @property
    def frames_per_second(self) -> float:
        return len(new_pictures(self)) / self.seconds

    @property
    def audio_loss_percent(self) -> float:
        lost = self.counted("inbound-rtp audio packetsLost")
        return 100 * lost / max(1, lost + self.counted("inbound-rtp audio packetsReceived"))

    @property
    def freezes(self) -> int:
        return int(self.counted("inbound-rtp video freezeCount"))


class LinkCounters(msgspec.Struct, frozen=True):
    received: int
    forwarded: int
    overflowed: int


class Call(msgspec.Struct, frozen=True):
    patient: Watched
    doctor: Watched
    limited: Watched
    limited_path: LinkCounters
    direct: Watched
    """The caller of two browsers without a server between: what the browsers alone take."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.call", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    seconds = str(parser.parse_args().seconds)
    limit = msgspec.json.encode(LIMIT).decode()
    call = drive_browsers("call", seconds, seconds, limit, result=Call)
    sides = {
        "patient": call.patient,
        "doctor": call.doctor,
        "patient, 1 Mbit/s": call.limited,
        "no server": call.direct,
    }
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
            "freezes": sum(side.freezes for side in both),
            "limited_fps": call.limited.frames_per_second,
            "limited_audio_loss_pct": call.limited.audio_loss_percent,
        }
    )


def _figures(side: Watched) -> dict[str, Cell]:
    delays, offsets = glass_to_glass(side.seen), sound_after_picture(side)
    each = side.milliseconds_each
    video, audio, sent = "inbound-rtp video ", "inbound-rtp audio ", "outbound-rtp video "
    return {
        "glass to glass, ms, p50": median(delays),
        "glass to glass, ms, p95": percentile(delays, 95),
        "sound after picture, ms, p50": median(offsets),
        "sound after picture, ms, p5": percentile(offsets, 5),
        "sound after picture, ms, p95": percentile(offsets, 95),
        "beeps matched with flashes": len(offsets),
        "new frames/s": side.frames_per_second,
        "video, kbit/s": side.counted(video + "bytesReceived") * 8 / 1000 / side.seconds,
        "freezes": side.freezes,
        "frozen, s": side.counted(video + "totalFreezesDuration"),
        "longest gap between frames, ms": longest_gap(new_pictures(side)),
        "video packets lost": int(side.counted(video + "packetsLost")),
        "keyframes": int(side.counted(video + "keyFramesDecoded")),
        "audio packets lost, %": side.audio_loss_percent,
        "audio concealed, %": 100
        * side.counted(audio + "concealedSamples")
        / max(1, side.counted(audio + "totalSamplesReceived")),
        "frames without a readable stamp": side.unreadable,
        "jitter buffer, video, ms": each(video + "jitterBufferDelay", video + "jitterBufferEmittedCount"),
        "jitter buffer, audio, ms": each(audio + "jitterBufferDelay", audio + "jitterBufferEmittedCount"),
        "decoding, ms a frame": each(video + "totalDecodeTime", video + "framesDecoded"),
        "first packet to decoded, ms": each(video + "totalProcessingDelay", video + "framesDecoded"),
        "own frames encoded/s": side.counted(sent + "framesEncoded") / side.seconds,
        "own encoding, ms a frame": each(sent + "totalEncodeTime", sent + "framesEncoded"),
        "own pacing, ms a packet": each(sent + "totalPacketSendDelay", sent + "packetsSent"),
    }


if __name__ == "__main__":
    main()
