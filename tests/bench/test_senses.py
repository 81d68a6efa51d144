from bench.senses import HeardLevel, SeenFrame, Sensed, back_after, new_pictures, sound_after_picture, sounding


def _sensed(seen: list[SeenFrame], beeps: list[float] | None = None) -> Sensed:
    return Sensed(seen=seen, unreadable=0, beeps=beeps or [], levels=[])


def _film(start: float, frames: int, delay: float) -> list[SeenFrame]:
    """30 frames a second, drawn from `start` on, with the flash in the first 100 ms of every second."""
    drawn = [start + number * 1000 / 30 for number in range(frames)]
    return [SeenFrame(drawn=moment, shown=moment + delay, flash=moment % 1000 < 100) for moment in drawn]


def test_sound_and_picture_of_the_same_delay_are_together() -> None:
    offsets = sound_after_picture(_sensed(_film(5020, 90, delay=80), beeps=[6080, 7080]))
    assert [round(offset, 6) for offset in offsets] == [0, 0]


def test_sound_that_comes_later_is_positive_and_missing_beeps_are_left_out() -> None:
    offsets = sound_after_picture(_sensed(_film(5020, 90, delay=80), beeps=[6180]))
    assert [round(offset) for offset in offsets] == [100]


def test_only_pictures_newer_than_all_before_are_new() -> None:
    seen = [SeenFrame(drawn=drawn, shown=shown, flash=False) for drawn, shown in ((1, 10), (1, 11), (3, 12), (2, 13))]
    assert new_pictures(_sensed(seen)) == [10, 12]


def test_silence_is_not_sound() -> None:
    levels = [HeardLevel(at=1, level=0.0), HeardLevel(at=2, level=0.014)]
    assert sounding(Sensed(seen=[], unreadable=0, beeps=[], levels=levels)) == [2]


def test_back_is_the_end_of_the_last_break() -> None:
    steady = [1000.0 + 30 * number for number in range(400)]
    assert back_after(1000, steady, 12_000) == 0
    broken = [moment for moment in steady if not 1200 < moment < 2500 and not 4000 < moment < 5000]
    assert back_after(1000, broken, 12_000) == 4.02
    assert back_after(1000, [moment for moment in steady if moment < 9000], 12_000) is None
    assert back_after(1000, [], 12_000) is None
