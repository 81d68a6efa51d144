"""`apply(snapshot, events) == snapshot()` for any run of changes and each role; the web client's fixtures."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.ids import ConnectionId, ParticipantId, SessionId
from rooms.live_room import Events, LiveRoom, visible_to
from rooms.messages import (
    EVENTS,
    ConnectionState,
    DeviceState,
    MediaState,
    ParticipantChanged,
    RoomChanged,
    RoomNotice,
    RoomSnapshot,
)
from rooms.model import InvitationStatus
from rooms.roles import Assurance, Role
from rooms.room_reducer import apply
from rooms.seat import Seat, connection_state
from tests.rooms.support import APPOINTMENT, ON, START, a_participant

FIXTURES = Path(__file__).parent.parent / "fixtures" / "room"
PEOPLE = (
    a_participant(Role.PATIENT, "par_a"),
    a_participant(Role.PRACTITIONER, "par_b"),
    a_participant(Role.INTERPRETER, "par_c"),
)
LATE_GUEST = a_participant(Role.CONSULTANT, "par_d")

seats = st.builds(
    Seat,
    connection=st.sampled_from([None, ConnectionId("c1"), ConnectionId("c2")]),
    session=st.just(SessionId("s")),
    media=st.builds(MediaState, microphone=st.sampled_from(DeviceState), camera=st.sampled_from(DeviceState)),
    assurance=st.sampled_from(Assurance),
    transport=st.none() | st.sampled_from(ConnectionState),
)
who = st.sampled_from([person.id for person in PEOPLE])
steps = st.one_of(
    st.tuples(st.just("take"), who, seats),
    st.tuples(st.just("change"), who, seats),
    st.tuples(st.just("give up"), who, st.none()),
    st.tuples(st.just("lose"), who, st.sampled_from(["c1", "c2"])),
    st.tuples(st.just("rename"), who, st.text(max_size=3)),
    st.tuples(st.just("remove"), who, st.none()),
    st.tuples(st.just("guest"), st.none(), st.none()),
    st.tuples(st.just("note"), st.none(), st.none() | st.sampled_from(RoomNotice)),
    st.tuples(st.just("share"), who, st.none()),
    st.tuples(st.just("stop"), st.none(), st.none()),
    st.tuples(st.just("start"), st.none(), st.none()),
    st.tuples(st.just("finish"), st.none(), st.none()),
)


def do(room: LiveRoom, step: tuple[str, ParticipantId, object]) -> Events:
    kind, participant, value = step
    person = next((one for one in PEOPLE if one.id == participant), PEOPLE[0])
    if isinstance(value, Seat):
        return room.take_seat(participant, value) if kind == "take" else room.change_seat(participant, value)
    if kind == "lose":
        return room.lose_connection(participant, ConnectionId(str(value)))
    if kind == "note":
        return room.note(None if value is None else RoomNotice(str(value)))
    actions = {
        "give up": lambda: room.give_up_seat(participant),
        "rename": lambda: room.invite([replace(person, name=str(value))]),
        "remove": lambda: room.invite([replace(person, invitation=InvitationStatus.REMOVED)]),
        "guest": lambda: room.invite([LATE_GUEST]),
        "share": lambda: room.share_screen(participant),
        "stop": lambda: room.share_screen(None),
        "start": lambda: room.start(START),
        "finish": room.finish,
    }
    return actions[kind]()


@given(st.lists(steps, max_size=20), st.integers(0, 20), st.sampled_from(Role))
def test_snapshot_and_events_end_where_the_room_is(
    run: list[tuple[str, ParticipantId, object]], joined_after: int, role: Role
) -> None:
    room = LiveRoom(APPOINTMENT, None)
    earlier = list(room.invite(PEOPLE))
    for step in run[:joined_after]:
        earlier += do(room, step)
    snapshot = room.snapshot(role)
    # Events that the snapshot already contains may still arrive: they change nothing.
    for event in earlier:
        assert apply(snapshot, visible_to(role, event)) == snapshot
    for step in run[joined_after:]:
        for event in do(room, step):
            snapshot = apply(snapshot, visible_to(role, event))
    assert snapshot == room.snapshot(role)


def test_versions_rise_by_one_with_each_event() -> None:
    room = LiveRoom(APPOINTMENT, None)
    events = room.invite(PEOPLE) + room.take_seat(PEOPLE[0].id, Seat(ConnectionId("c"), None, ON, Assurance.LINK))
    events += room.start(START) + room.start(START) + room.finish()
    versions = [event.version for event in events if isinstance(event, ParticipantChanged | RoomChanged)]
    assert versions == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("connected", "transport", "told"),
    [
        (True, None, ConnectionState.LIVE),
        (True, ConnectionState.CONNECTING, ConnectionState.CONNECTING),
        (True, ConnectionState.LIVE, ConnectionState.LIVE),
        (True, ConnectionState.UNSTABLE, ConnectionState.UNSTABLE),
        (True, ConnectionState.GONE, ConnectionState.RECONNECTING),
        (False, None, ConnectionState.RECONNECTING),
        (False, ConnectionState.CONNECTING, ConnectionState.RECONNECTING),
        (False, ConnectionState.LIVE, ConnectionState.LIVE),
        (False, ConnectionState.UNSTABLE, ConnectionState.UNSTABLE),
        (False, ConnectionState.GONE, ConnectionState.GONE),
    ],
)
def test_what_others_are_told(connected: bool, transport: ConnectionState | None, told: ConnectionState) -> None:
    seat = Seat(ConnectionId("c") if connected else None, None, ON, Assurance.LINK, transport)
    assert connection_state(seat) is told
    assert connection_state(None) is ConnectionState.ABSENT


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_the_fixtures_that_the_web_client_runs_too(path: Path) -> None:
    fixture = json.loads(path.read_text())
    snapshot = msgspec.convert(fixture["snapshot"], RoomSnapshot)
    for event in fixture["events"]:
        snapshot = apply(snapshot, msgspec.convert(event["data"], EVENTS[event["name"]]))
    assert json.loads(msgspec.json.encode(snapshot)) == fixture["after"]


def test_there_are_fixtures() -> None:
    assert len(list(FIXTURES.glob("*.json"))) >= 4
