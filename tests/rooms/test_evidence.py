"""What is kept of a consultation: seconds of two-way media, people's seconds, breaks with their cause."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contract.ids import ParticipantId, PeerId
from rooms.media_port import Flow
from rooms.messages import ConnectionState
from rooms.quality import evidence as module
from rooms.quality.evidence import (
    Break,
    BreakCause,
    Evidence,
    Flowing,
    People,
    PersonTime,
    Present,
    fail_to_sample,
    finish,
    moved,
    observe,
    resume,
    sample,
)
from rooms.roles import Role
from tests.rooms.support import START

PATIENT, DOCTOR, INTERPRETER = ParticipantId("patient"), ParticipantId("doctor"), ParticipantId("interpreter")
ROLES = {PATIENT: Role.PATIENT, DOCTOR: Role.PRACTITIONER, INTERPRETER: Role.INTERPRETER}
LIVE, GONE, ABSENT = ConnectionState.LIVE, ConnectionState.GONE, ConnectionState.ABSENT
BOTH_WAYS = frozenset({(PATIENT, DOCTOR), (DOCTOR, PATIENT)})


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def people(patient: ConnectionState = LIVE, doctor: ConnectionState = LIVE) -> People:
    return {PATIENT: Present(Role.PATIENT, patient), DOCTOR: Present(Role.PRACTITIONER, doctor)}


def begun() -> Evidence:
    return observe(Evidence(START), START, people())


def test_two_way_seconds_need_both_directions_between_the_right_people() -> None:
    kept = sample(begun(), at(0), Flowing())
    kept = sample(kept, at(5), Flowing(sound=BOTH_WAYS, picture=frozenset({(PATIENT, DOCTOR)})))
    assert (kept.two_way_sound, kept.two_way_picture) == (5, 0)
    kept = sample(kept, at(10), Flowing(sound=frozenset({(INTERPRETER, DOCTOR), (DOCTOR, INTERPRETER)})))
    assert kept.two_way_sound == 5
    kept = sample(kept, at(12), Flowing(sound=BOTH_WAYS, picture=BOTH_WAYS))
    assert (kept.two_way_sound, kept.two_way_picture) == (7, 2)


def test_what_is_sent_to_somebody_who_is_gone_does_not_count() -> None:
    kept = sample(begun(), at(0), Flowing())
    kept = observe(kept, at(1), people(patient=GONE))
    assert sample(kept, at(5), Flowing(sound=BOTH_WAYS)).two_way_sound == 0


def test_packets_prove_something_only_when_they_grow_and_from_the_second_look_on() -> None:
    first = Flow(PeerId("a"), PeerId("b"), 10, 5)
    assert moved((), (first,)) == Flowing()
    assert moved((first,), (Flow(PeerId("a"), PeerId("b"), 11, 5),)) == Flowing(sound=frozenset({("a", "b")}))
    assert moved((first,), (Flow(PeerId("a"), PeerId("b"), 3, 6),)) == Flowing(picture=frozenset({("a", "b")}))


def test_a_break_has_its_length_and_the_first_cause() -> None:
    kept = observe(begun(), at(10), people(patient=ConnectionState.CONNECTING), BreakCause.WORKER_LOST)
    kept = observe(kept, at(11), people(patient=ConnectionState.UNSTABLE))
    kept = observe(kept, at(12), people())
    assert kept.breaks == (Break(PATIENT, BreakCause.WORKER_LOST, at(10), at(12)),)
    kept = observe(kept, at(20), people(patient=ConnectionState.UNSTABLE))
    kept = observe(kept, at(25), people(patient=ABSENT), BreakCause.LEFT)
    kept = observe(kept, at(30), people(patient=ABSENT, doctor=ABSENT))
    assert kept.breaks[1:] == (
        Break(PATIENT, BreakCause.NETWORK, at(20)),
        Break(DOCTOR, BreakCause.LEFT, at(30)),
    )
    assert [one.ended_at for one in finish(kept, at(40)).breaks] == [at(12), at(40), at(40)]
    assert kept.people[PATIENT] == PersonTime(live=18, unstable=6, gone=1)


def test_who_was_never_there_has_no_break() -> None:
    kept = observe(Evidence(START), START, people(patient=ConnectionState.CONNECTING))
    kept = observe(kept, at(5), people(patient=GONE))
    assert kept.breaks == ()
    assert PATIENT not in kept.people


def test_after_a_restart_only_what_was_lost_is_a_break() -> None:
    kept = resume(begun(), at(4), people(patient=ConnectionState.RECONNECTING))
    assert kept.unobserved == 4
    kept = observe(kept, at(6), people())
    assert kept.breaks == (Break(PATIENT, BreakCause.SERVER_RESTARTED, START, at(6)),)
    assert kept.people[DOCTOR] == PersonTime(live=2)


def test_an_empty_room_is_not_unobserved() -> None:
    left = observe(begun(), at(1), people(ABSENT, ABSENT), BreakCause.LEFT)
    back = resume(left, at(600), people(patient=LIVE, doctor=ABSENT))
    assert back.unobserved == 0
    assert back.breaks == (Break(PATIENT, BreakCause.LEFT, at(1), at(600)), Break(DOCTOR, BreakCause.LEFT, at(1)))


def test_a_clock_that_jumps_gives_nobody_seconds() -> None:
    kept = sample(begun(), START, Flowing())
    kept = sample(kept, at(7200), Flowing(sound=BOTH_WAYS))
    kept = sample(kept, at(100), Flowing(sound=BOTH_WAYS))
    assert (kept.two_way_sound, kept.unobserved, kept.people[PATIENT]) == (0, 7200, PersonTime())


def test_a_look_that_failed_is_time_that_nobody_watched() -> None:
    kept = sample(begun(), at(0), Flowing())
    kept = sample(kept, at(5), Flowing(sound=BOTH_WAYS))
    kept = fail_to_sample(kept, at(10))
    kept = observe(kept, at(12), people(patient=GONE))
    kept = observe(kept, at(13), people())
    # The first look that succeeds can't say when it flowed.
    kept = sample(kept, at(15), Flowing(sound=BOTH_WAYS))
    assert (kept.two_way_sound, kept.unobserved, kept.people[DOCTOR]) == (5, 10, PersonTime(live=5))
    kept = sample(kept, at(20), Flowing(sound=BOTH_WAYS))
    assert (kept.two_way_sound, kept.unobserved, kept.people[DOCTOR]) == (10, 10, PersonTime(live=10))


def test_a_clock_set_back_counts_no_second_twice_and_leaves_none_out() -> None:
    kept = sample(begun(), at(0), Flowing())
    kept = sample(kept, at(10), Flowing(sound=BOTH_WAYS))
    kept = observe(kept, at(3), people(patient=GONE))
    kept = observe(kept, at(6), people())
    kept = sample(kept, at(10), Flowing(sound=BOTH_WAYS))
    assert kept.counted_until == at(17)
    assert kept.breaks == (Break(PATIENT, BreakCause.NETWORK, at(10), at(13)),)
    assert kept.people == {PATIENT: PersonTime(live=14, gone=3), DOCTOR: PersonTime(live=17)}
    assert resume(kept, at(2), people()).counted_until == at(17)


def test_breaks_are_bounded() -> None:
    kept = begun()
    for second in range(module.MOST_BREAKS + 3):
        kept = observe(kept, at(second), people(patient=GONE))
        kept = observe(kept, at(second + 0.5), people())
    assert (len(kept.breaks), kept.breaks_left_out) == (module.MOST_BREAKS, 3)
    # One person's link may falter as it will: what happens to others is told all the same, and nothing stops counting.
    kept = observe(kept, at(900), people(patient=GONE, doctor=GONE), BreakCause.WORKER_LOST)
    assert kept.breaks[-1] == Break(DOCTOR, BreakCause.WORKER_LOST, at(900))
    assert kept.break_counts == {
        (PATIENT, BreakCause.NETWORK): module.MOST_BREAKS + 3,
        (PATIENT, BreakCause.WORKER_LOST): 1,
        (DOCTOR, BreakCause.WORKER_LOST): 1,
    }


STATES = st.sampled_from(list(ConnectionState))
WAYS = st.frozensets(st.tuples(st.sampled_from(list(ROLES)), st.sampled_from(list(ROLES))))
STEPS = st.lists(
    st.tuples(
        st.floats(-20, 20),
        st.one_of(
            st.tuples(st.dictionaries(st.sampled_from(list(ROLES)), STATES), st.none() | st.sampled_from(BreakCause)),
            st.builds(Flowing, WAYS, WAYS),
            st.just("failed"),
        ),
    ),
    max_size=40,
)


def played(steps: list[tuple[float, object]], again: bool = False) -> tuple[Evidence, datetime]:
    kept, now = Evidence(START), START
    for passed, happened in steps:
        now += timedelta(seconds=passed)
        if isinstance(happened, Flowing):
            kept = sample(kept, now, happened)
        elif happened == "failed":
            kept = fail_to_sample(kept, now)
        else:
            states, cause = happened  # type: ignore[misc]  # the other kind of step
            room = {person: Present(ROLES[person], state) for person, state in states.items()}  # type: ignore[has-type]
            for _ in range(1 + again):
                kept = observe(kept, now, room, cause)  # type: ignore[has-type]
    return kept, now


@given(STEPS)
def test_no_second_is_counted_twice(steps: list[tuple[float, object]]) -> None:
    kept, _ = played(steps)
    passed = (kept.counted_until - START).total_seconds() + 1e-3
    assert passed <= sum(max(0.0, seconds) for seconds, _ in steps) + 2e-3
    assert kept.two_way_sound <= passed
    assert kept.two_way_picture <= passed
    for time in kept.people.values():
        assert min(time.live, time.unstable, time.gone) >= 0
        assert time.live + time.unstable + time.gone + kept.unobserved <= passed


@given(STEPS)
def test_each_person_has_one_break_at_a_time(steps: list[tuple[float, object]]) -> None:
    kept, now = played(steps)
    for person in ROLES:
        mine = [one for one in kept.breaks if one.participant == person]
        assert all(one.ended_at is not None and one.began_at <= one.ended_at for one in mine[:-1])
        assert all(one.ended_at is not None and one.ended_at <= two.began_at for one, two in pairwise(mine))
    ended = finish(kept, now)
    assert all(one.ended_at is not None for one in ended.breaks)
    assert observe(ended, now, {}) == ended


@given(STEPS)
def test_the_same_news_twice_changes_nothing(steps: list[tuple[float, object]]) -> None:
    assert played(steps) == played(steps, again=True)
