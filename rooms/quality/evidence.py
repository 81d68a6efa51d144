"""What the server itself saw of one consultation: seconds of two-way media, each person's seconds, each break. Pure.

It is evidence (for refunds), so nothing of it comes from a browser, and what was not seen is not claimed: time in which
nobody watched is counted apart. A break is the time from which somebody who was live is so no longer, until they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from contract.ids import ParticipantId
from rooms.media_port import Flow
from rooms.messages import ConnectionState
from rooms.roles import Role

LONGEST_STEP_SECONDS = 15.0
"""Longer steps between two looks were not watched: the machine slept, or its clock was moved."""
MOST_BREAKS = 500
"""Of one person in one consultation: a link that falters for hours may neither fill the database nor take the place
of what happens to others. What is beyond is still counted, by person and cause."""

PATIENT_SIDE = frozenset({Role.PATIENT, Role.RELATED_PERSON})

_Way = tuple[str, str]
"""From whom, to whom."""


class BreakCause(StrEnum):
    """Why somebody who was live is so no longer; the first cause stands for the whole break."""

    NETWORK = "network"
    """The person's own way to us: silence, or a new connection made by their page."""
    WORKER_LOST = "worker_lost"
    """A process of ours that carried their media ended."""
    SERVER_RESTARTED = "server_restarted"
    """All of our processes ended, or the machine did."""
    TAKEN_OVER = "taken_over"
    """The same person went on on another device."""
    RELOADED = "reloaded"
    """The same device came anew, such as by a reload."""
    LEFT = "left"
    REMOVED = "removed"
    SHUT_OUT = "shut_out"


@dataclass(frozen=True, slots=True)
class Break:
    participant: ParticipantId
    cause: BreakCause
    began_at: datetime
    ended_at: datetime | None = None
    """None: it never ended, or has not yet."""


@dataclass(frozen=True, slots=True)
class PersonTime:
    """Seconds that one person was told to be in each state, after they were live for the first time."""

    live: float = 0.0
    unstable: float = 0.0
    gone: float = 0.0
    """With a seat, and no connection: reconnecting, connecting anew, gone."""

    @classmethod
    def of(cls, state: ConnectionState, seconds: float) -> "PersonTime":
        if state is ConnectionState.LIVE:
            return cls(live=seconds)
        if state is ConnectionState.UNSTABLE:
            return cls(unstable=seconds)
        return cls() if state is ConnectionState.ABSENT else cls(gone=seconds)

    def __add__(self, more: "PersonTime") -> "PersonTime":
        return PersonTime(self.live + more.live, self.unstable + more.unstable, self.gone + more.gone)


@dataclass(frozen=True, slots=True)
class Present:
    """One person as the others are told."""

    role: Role
    state: ConnectionState
    with_media: bool = True
    """They came with sound or picture, not for text only."""

    @property
    def seated(self) -> bool:
        return self.state is not ConnectionState.ABSENT


People = Mapping[ParticipantId, Present]


@dataclass(frozen=True, slots=True)
class Flowing:
    """From whom to whom packets went since the look before."""

    sound: frozenset[_Way] = frozenset()
    picture: frozenset[_Way] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    counted_until: datetime
    """People's seconds are counted up to here."""
    two_way_sound: float = 0.0
    """Seconds in which sound went both ways between the practitioner and somebody on the patient's side."""
    two_way_picture: float = 0.0
    unobserved: float = 0.0
    """Seconds in which nobody watched: the server was not running, or the media worker could not be asked."""
    people: Mapping[ParticipantId, PersonTime] = field(default_factory=dict)
    """Everybody who was ever live."""
    breaks: tuple[Break, ...] = ()
    breaks_left_out: int = 0
    """Beyond `MOST_BREAKS`."""
    break_counts: Mapping[tuple[ParticipantId, BreakCause], int] = field(default_factory=dict)
    """How many breaks there were, those that are left out too."""
    sampled_at: datetime | None = None
    present: People = field(default_factory=dict)
    finished: bool = False
    unwatched: bool = False
    """The look before failed: until the next one succeeds, time is not counted."""
    set_back: timedelta = timedelta()
    """By how much the machine's clock was set back meanwhile. The evidence's own time goes on from where it was."""


def moved(before: Iterable[Flow], now: Iterable[Flow]) -> Flowing:
    """What grew between two looks. Who is seen for the first time proves nothing yet: slots are used again."""
    known = {(flow.publisher, flow.subscriber): flow for flow in before}
    sound, picture = set(), set()
    for flow in now:
        way = (flow.publisher, flow.subscriber)
        earlier = known.get(way)
        if earlier is not None and flow.sound > earlier.sound:
            sound.add(way)
        if earlier is not None and flow.picture > earlier.picture:
            picture.add(way)
    return Flowing(frozenset(sound), frozenset(picture))


def observe(evidence: Evidence, at: datetime, people: People, cause: BreakCause | None = None) -> Evidence:
    """Somebody's state changed, perhaps. `cause`: why, when it is known; else the state itself says it."""
    if evidence.finished:
        return evidence
    evidence = _advance(evidence, at)
    for person, now in people.items():
        if now.state is ConnectionState.LIVE:
            evidence = _lives(evidence, person)
        elif person in evidence.people and _was_live(evidence, person):
            evidence = _broken(evidence, person, cause or _cause_of(now.state), evidence.counted_until)
    return replace(evidence, present=dict(people))


def resume(evidence: Evidence, at: datetime, people: People) -> Evidence:
    """A server that was started again takes up stored evidence: who was live then and is not any more has a break from
    the last moment that was watched. While nobody was there, nothing was missed."""
    before = evidence.counted_until
    now = max(at, before)
    watched = [person for person in evidence.people if _open_break(evidence, person) is None]
    gap = (now - before).total_seconds() if watched else 0.0
    taken_up = replace(
        evidence,
        counted_until=now,
        set_back=now - at,
        sampled_at=None,
        unobserved=evidence.unobserved + gap,
        present={},
    )
    for person in watched:
        if _state_of(people, person) is not ConnectionState.LIVE:
            taken_up = _broken(taken_up, person, BreakCause.SERVER_RESTARTED, before)
    return observe(taken_up, at, people)


def sample(evidence: Evidence, at: datetime, flowing: Flowing) -> Evidence:
    """A look at what flowed since the one before."""
    if evidence.finished:
        return evidence
    evidence = _advance(evidence, at)
    at = evidence.counted_until
    passed = 0.0 if evidence.sampled_at is None or evidence.unwatched else (at - evidence.sampled_at).total_seconds()
    watched = passed if passed <= LONGEST_STEP_SECONDS else 0.0
    return replace(
        evidence,
        sampled_at=at,
        unwatched=False,
        two_way_sound=evidence.two_way_sound + (watched if _two_way(evidence, flowing.sound) else 0.0),
        two_way_picture=evidence.two_way_picture + (watched if _two_way(evidence, flowing.picture) else 0.0),
    )


def fail_to_sample(evidence: Evidence, at: datetime) -> Evidence:
    """Nobody could say what flowed since the look before, although somebody was live."""
    if evidence.finished:
        return evidence
    return _advance(replace(evidence, unwatched=True), at)


def finish(evidence: Evidence, at: datetime) -> Evidence:
    """The consultation is over: what comes after is no break."""
    if evidence.finished:
        return evidence
    evidence = _advance(evidence, at)
    ended = tuple(one if one.ended_at else replace(one, ended_at=evidence.counted_until) for one in evidence.breaks)
    return replace(evidence, breaks=ended, finished=True)


def _advance(evidence: Evidence, at: datetime) -> Evidence:
    set_back = max(evidence.set_back, evidence.counted_until - at)
    at += set_back
    passed = (at - evidence.counted_until).total_seconds()
    counted = 0.0 if evidence.unwatched or passed > LONGEST_STEP_SECONDS else passed
    times = {
        person: time + PersonTime.of(_state_of(evidence.present, person), counted)
        for person, time in evidence.people.items()
    }
    unobserved = evidence.unobserved + passed - counted
    return replace(evidence, counted_until=at, set_back=set_back, people=times, unobserved=unobserved)


def _two_way(evidence: Evidence, ways: frozenset[_Way]) -> bool:
    live = {person: now.role for person, now in evidence.present.items() if now.state is ConnectionState.LIVE}
    return any(
        live.get(ParticipantId(one)) is Role.PRACTITIONER
        and live.get(ParticipantId(other)) in PATIENT_SIDE
        and (other, one) in ways
        for one, other in ways
    )


def _lives(evidence: Evidence, person: ParticipantId) -> Evidence:
    times = evidence.people if person in evidence.people else {**evidence.people, person: PersonTime()}
    number = None if _was_live(evidence, person) else _open_break(evidence, person)
    if number is None:
        return replace(evidence, people=times)
    ended = replace(evidence.breaks[number], ended_at=evidence.counted_until)
    breaks = (*evidence.breaks[:number], ended, *evidence.breaks[number + 1 :])
    return replace(evidence, people=times, breaks=breaks)


def _broken(evidence: Evidence, person: ParticipantId, cause: BreakCause, at: datetime) -> Evidence:
    counted = evidence.break_counts.get((person, cause), 0) + 1
    evidence = replace(evidence, break_counts={**evidence.break_counts, (person, cause): counted})
    if sum(one.participant == person for one in evidence.breaks) >= MOST_BREAKS:
        return replace(evidence, breaks_left_out=evidence.breaks_left_out + 1)
    return replace(evidence, breaks=(*evidence.breaks, Break(person, cause, at)))


def _open_break(evidence: Evidence, person: ParticipantId) -> int | None:
    numbers = range(len(evidence.breaks) - 1, -1, -1)
    last = next((number for number in numbers if evidence.breaks[number].participant == person), None)
    return last if last is not None and evidence.breaks[last].ended_at is None else None


def _state_of(people: People, person: ParticipantId) -> ConnectionState:
    known = people.get(person)
    return ConnectionState.ABSENT if known is None else known.state


def _was_live(evidence: Evidence, person: ParticipantId) -> bool:
    return _state_of(evidence.present, person) is ConnectionState.LIVE


def _cause_of(state: ConnectionState) -> BreakCause:
    return BreakCause.LEFT if state is ConnectionState.ABSENT else BreakCause.NETWORK
