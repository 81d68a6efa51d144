"""Simulated microphones: who is found to speak, how soon, and who is not."""

import random
from collections.abc import Callable

import pytest

from mediaserver.active_speaker import HOLD_SECONDS, LISTEN_SECONDS, QUIET_SECONDS, ActiveSpeaker

VOICE = 0x80
MUTED = 127


class Room:
    """`says[name]` is asked for a loudness in dBov at each listening."""

    def __init__(self, *names: str) -> None:
        self.active = ActiveSpeaker()
        self.random = random.Random(7)
        self.now = 100.0
        self.says: dict[str, Callable[[], int]] = {name: self.noise() for name in names}
        self.changes: list[str | None] = []
        self.bit = VOICE

    def noise(self, loudness: int = -70) -> Callable[[], int]:
        return lambda: loudness + self.random.randint(-3, 3)

    def speech(self, loudness: int = -25, background: int = -70) -> Callable[[], int]:
        """Syllables, and a short gap now and then."""
        return lambda: self.random.choice([loudness] * 7 + [loudness - 8, background]) + self.random.randint(-4, 4)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / LISTEN_SECONDS)):
            self.now += LISTEN_SECONDS
            levels = {name: self.bit | min(127, -says()) for name, says in self.says.items()}
            before = self.active.speaker
            self.active.hear(levels, self.now)
            if self.active.speaker != before:
                self.changes.append(self.active.speaker)


@pytest.fixture
def room() -> Room:
    room = Room("anna", "boris", "vera")
    room.run(5.0)
    return room


def test_noise_is_nobody(room: Room) -> None:
    room.run(60)
    assert room.changes == []


def test_a_voice_is_found_within_half_a_second(room: Room) -> None:
    room.says["anna"] = lambda: -25
    room.run(0.3)
    assert room.active.speaker is None
    room.run(0.2)
    assert room.active.speaker == "anna"


def test_who_speaks_from_the_first_moment_is_found() -> None:
    room = Room("anna", "boris", "vera")
    room.says["boris"] = room.speech()
    room.run(1.0)
    assert room.active.speaker == "boris"


@pytest.mark.parametrize("loudness", [-10, -30, -45])
def test_microphones_of_different_loudness_are_equal(room: Room, loudness: int) -> None:
    room.says["anna"] = room.noise(-75)
    room.says["boris"] = room.noise(loudness - 40)
    room.run(5)
    room.says["boris"] = room.speech(loudness, loudness - 40)
    room.run(1.5)
    assert room.active.speaker == "boris"


def test_coughs_change_nothing(room: Room) -> None:
    room.says["anna"] = room.speech()
    room.run(5)
    for _ in range(20):
        room.says["boris"] = lambda: -10
        room.run(0.2)
        room.says["boris"] = room.noise()
        room.run(1.0)
    room.says["anna"] = room.noise()
    room.run(1.0)
    room.says["boris"] = lambda: -10
    room.run(0.2)
    assert room.changes == ["anna"]


def test_a_long_talk_with_pauses_is_one_turn(room: Room) -> None:
    for _ in range(30):
        room.says["anna"] = room.speech()
        room.run(4.0)
        room.says["anna"] = room.noise()
        room.run(1.2)
    assert room.changes == ["anna"]


def test_turns_are_taken_and_held(room: Room) -> None:
    names = ["anna", "boris", "vera"]
    for turn in range(9):
        for name in names:
            room.says[name] = room.speech() if name == names[turn % 3] else room.noise()
        room.run(HOLD_SECONDS + 1.5)
        assert room.active.speaker == names[turn % 3]
    assert len(room.changes) == 9


def test_quick_turns_do_not_flap(room: Room) -> None:
    seconds = 60
    for turn in range(seconds):
        for place, name in enumerate(["anna", "boris", "vera"]):
            room.says[name] = room.speech() if place == turn % 3 else room.noise()
        room.run(1.0)
    assert len(room.changes) <= seconds / HOLD_SECONDS


def test_who_speaks_keeps_the_word_against_one_who_joins_in(room: Room) -> None:
    room.says["anna"] = room.speech(-25)
    room.run(5)
    room.says["vera"] = room.speech(-28)
    room.run(20)
    assert room.changes == ["anna"]


def test_an_echo_of_the_speaker_is_not_the_speaker(room: Room) -> None:
    said: list[int] = []

    def speaks() -> int:
        said.append(room.random.choice([-20, -22, -25, -70]))
        return said[-1]

    room.says["anna"] = speaks
    room.says["boris"] = lambda: max(-70, said[-1] - 28) if said else -70
    room.run(30)
    assert room.changes == ["anna"]


def test_a_vacuum_cleaner_is_no_voice_for_long(room: Room) -> None:
    room.says["vera"] = room.noise(-30)
    room.run(8)
    room.says["anna"] = room.speech()
    room.run(3)
    assert room.active.speaker == "anna"
    room.run(30)
    assert room.active.speaker == "anna"


def test_silence_ends_it_after_a_while(room: Room) -> None:
    room.says["anna"] = room.speech()
    room.run(3)
    room.says["anna"] = room.noise()
    room.run(QUIET_SECONDS - 1)
    assert room.active.speaker == "anna"
    room.run(2)
    assert room.changes == ["anna", None]


def test_the_muted_never_speak_and_unmuting_is_no_voice(room: Room) -> None:
    for _ in range(5):
        room.says["anna"] = lambda: -MUTED
        room.run(5)
        room.says["anna"] = room.noise(-66)
        room.run(5)
    assert room.changes == []


def test_packets_without_voice_do_not_count_where_the_bit_is_known(room: Room) -> None:
    room.bit = 0
    room.says["anna"] = room.speech()
    room.run(10)
    assert room.changes == []


def test_where_the_bit_is_never_set_loudness_counts() -> None:
    room = Room("anna", "boris", "vera")
    room.bit = 0
    room.run(5)
    room.says["anna"] = room.speech()
    room.run(1)
    assert room.active.speaker == "anna"


def test_who_leaves_speaks_no_more_and_is_forgotten(room: Room) -> None:
    room.says["anna"] = room.speech()
    room.run(3)
    del room.says["anna"]
    room.run(0.1)
    assert room.active.speaker is None
    assert set(room.active._voices) == {"boris", "vera"}


def test_a_standstill_is_not_taken_for_a_voice(room: Room) -> None:
    room.now += 30
    room.says["anna"] = lambda: -20
    room.run(0.1)
    assert room.active.speaker is None
