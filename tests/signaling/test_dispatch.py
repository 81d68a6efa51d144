"""Every message × role × place is allowed or refused as the table says; bad input becomes an error code."""

import logging
from dataclasses import replace

import pytest

from contract.errors import ErrorCode
from contract.ids import ParticipantId
from mediaserver.settings import MAXIMUM_PUBLISHERS
from rooms.messages import COMMANDS, VerdictCode
from rooms.roles import Role
from server.web_application import PING_SECONDS
from signaling.acknowledgement import Acknowledgement
from signaling.dispatch import CREDENTIALS_BURST, OFFER_BURST, TOLD_BURST, TOLD_PER_SECOND, Dispatcher
from signaling.outbox import OUTGOING_LIMIT
from signaling.payload_size import MAXIMUM_PAYLOAD
from signaling.permissions import CAPABILITIES, RULES, Place
from signaling.session import DeviceSession
from tests.signaling.fakes import PAYLOADS, FakeConsultations, NoLongerThere, caller, verdict

# Written by hand a second time on purpose: a slip in the table must show.
NEEDS_SEAT = {
    "room.leave",
    "media.offer",
    "media.state",
    "media.view",
    "screen.share",
    "screen.stop",
    "consultation.finish",
    "participant.remove",
}
ONLY_PRACTITIONER = {"consultation.finish", "participant.remove"}
NOT_FOR_STAFF = {"consent.accept"}
ONLY_PATIENTS_SIDE = {"payment.returned"}


def expected_code(name: str, role: Role, place: Place) -> ErrorCode | None:
    if name in ONLY_PRACTITIONER and role is not Role.PRACTITIONER:
        return ErrorCode.FORBIDDEN
    if name in NOT_FOR_STAFF and role in (Role.PRACTITIONER, Role.CONSULTANT):
        return ErrorCode.FORBIDDEN
    if name in ONLY_PATIENTS_SIDE and role not in (Role.PATIENT, Role.RELATED_PERSON):
        return ErrorCode.FORBIDDEN
    if name in NEEDS_SEAT and place is Place.LOBBY:
        return ErrorCode.NOT_IN_ROOM
    return None


async def send(name: str, payload: object, role: Role = Role.PATIENT, place: Place = Place.ROOM) -> Acknowledgement:
    domain = FakeConsultations()
    return await Dispatcher(domain.handlers()).answer(caller(role), place, DeviceSession(), name, (payload,))


def test_tables_name_every_command_and_role() -> None:
    assert set(RULES) == set(COMMANDS) == set(PAYLOADS)
    assert set(CAPABILITIES) == set(Role)


@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", COMMANDS)
async def test_allowed_or_refused_as_the_table_says(name: str, role: Role, place: Place) -> None:
    domain = FakeConsultations()
    payload = {"id": "1", **PAYLOADS[name]}
    answer = await Dispatcher(domain.handlers()).answer(caller(role), place, DeviceSession(), name, (payload,))
    code = expected_code(name, role, place)
    assert (answer["ok"], len(domain.asked)) == (code is None, 1 if code is None else 0)
    if code is not None:
        assert answer["error"]["code"] == code


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: {**good, "surprise": 1},
        lambda good: {key: value for key, value in good.items() if key != "id"},
        lambda good: {**good, "id": 7},
        lambda good: {**good, "id": ""},
        lambda good: {**good, "id": "x" * 65},
        lambda good: [good],
        lambda _: None,
        lambda _: "text",
        lambda _: b"bytes",
    ],
)
async def test_what_is_not_understood_is_refused(name: str, spoil: object) -> None:
    assert callable(spoil)
    answer = await send(name, spoil({"id": "1", **PAYLOADS[name]}), Role.PRACTITIONER)
    assert answer["error"]["code"] == ErrorCode.BAD_MESSAGE


async def test_wrong_number_of_payloads_is_refused() -> None:
    dispatcher = Dispatcher(FakeConsultations().handlers())
    for arguments in ((), ({"id": "1"}, {"id": "2"})):
        answer = await dispatcher.answer(caller(), Place.LOBBY, DeviceSession(), "admission.check", arguments)
        assert answer["error"]["code"] == ErrorCode.BAD_MESSAGE


@pytest.mark.parametrize("name", ["", "connect", "room.joined", "__class__", "trigger_event"])
async def test_unknown_commands_are_answered(name: str) -> None:
    assert (await send(name, {"id": "1"}))["error"]["code"] == ErrorCode.UNKNOWN_MESSAGE


@pytest.mark.parametrize(
    "payload",
    [
        {"id": "1", "version": "x" * (MAXIMUM_PAYLOAD + 1)},
        {"id": "1", "version": ["x"] * (MAXIMUM_PAYLOAD + 1)},
        {"id": "1", "k" * (MAXIMUM_PAYLOAD + 1): 1},
    ],
)
async def test_oversize_is_refused_before_it_is_read(payload: dict[str, object]) -> None:
    assert (await send("consent.accept", payload))["error"]["code"] == ErrorCode.TOO_LARGE


async def test_deeply_nested_input_is_refused() -> None:
    nested: object = 1
    for _ in range(20_000):
        nested = [nested]
    assert (await send("consent.accept", {"id": "1", "version": nested}))["error"]["code"] == ErrorCode.BAD_MESSAGE


async def test_error_detail_is_bounded() -> None:
    answer = await send("consent.accept", {"id": "1", "version": "1", "y" * 5000: 1})
    assert len(answer["error"]["detail"]) <= 200


async def test_domain_errors_keep_their_code_and_verdict(caplog: pytest.LogCaptureFixture) -> None:
    from rooms.consultations import NotAdmitted

    domain = FakeConsultations(raises=NoLongerThere())
    dispatcher = Dispatcher(domain.handlers())
    payload = {"id": "1", **PAYLOADS["room.join"]}
    with caplog.at_level(logging.DEBUG):
        answer = await dispatcher.answer(caller(), Place.LOBBY, DeviceSession(), "room.join", (payload,))
        assert answer["error"] == {"code": "conflict", "detail": "no longer there", "verdict": None}
        domain.raises = NotAdmitted(verdict(VerdictCode.TOO_EARLY))
        answer = await dispatcher.answer(caller(), Place.LOBBY, DeviceSession(), "room.join", (payload,))
    assert answer["error"]["code"] == "not_admitted"
    assert answer["error"]["verdict"]["code"] == "too_early"
    assert answer["error"]["verdict"]["server_time"] == "2030-05-01T12:00:00Z"
    assert not caplog.records


async def test_a_bug_is_answered_as_internal_and_says_nothing() -> None:
    domain = FakeConsultations(raises=RuntimeError("secret"))
    payload = {"id": "1", **PAYLOADS["room.join"]}
    answer = await Dispatcher(domain.handlers()).answer(caller(), Place.LOBBY, DeviceSession(), "room.join", (payload,))
    assert answer["error"] == {"code": "internal", "detail": "", "verdict": None}


@pytest.mark.parametrize("hostile", ["\ud800", "fine \udfff", 2**53, -(10**30)])
async def test_values_that_nobody_can_store_are_refused(hostile: object) -> None:
    offer = {"connection": "one", "number": 1, "sdp": "v=0"}
    for field in offer:
        answer = await send("media.offer", {"id": "1", "offer": {**offer, field: hostile}})
        assert answer["error"]["code"] == ErrorCode.BAD_MESSAGE
    answer = await send("participant.remove", {"id": "1", "participant": hostile}, Role.PRACTITIONER)
    assert answer["error"]["code"] == ErrorCode.BAD_MESSAGE


async def test_offers_of_one_participant_are_limited_and_nobody_elses() -> None:
    domain = FakeConsultations()
    dispatcher = Dispatcher(domain.handlers())
    codes = []
    for number in range(OFFER_BURST + 3):
        name = ("media.offer", "room.join")[number % 2]
        who, payload = caller(connection=f"sid{number}"), {"id": str(number), **PAYLOADS[name]}
        answer = await dispatcher.answer(who, Place.ROOM, DeviceSession(), name, (payload,))
        codes.append(answer["ok"] or answer["error"]["code"])
    assert codes == [True] * OFFER_BURST + [ErrorCode.TOO_MANY] * 3
    payload = {"id": "1", **PAYLOADS["media.offer"]}
    other = replace(caller(), participant=ParticipantId("prt_2"))
    assert (await dispatcher.answer(other, Place.ROOM, DeviceSession(), "media.offer", (payload,)))["ok"]
    assert (
        await dispatcher.answer(
            caller(), Place.ROOM, DeviceSession(), "media.state", ({"id": "2", **PAYLOADS["media.state"]},)
        )
    )["ok"]


async def test_one_participant_tells_everybody_so_often_over_all_connections() -> None:
    domain = FakeConsultations()
    dispatcher = Dispatcher(domain.handlers())
    codes = []
    names = ("media.state", "screen.share", "screen.stop")
    for number in range(TOLD_BURST + 6):
        name = names[number % 3]
        who, payload = caller(connection=f"sid{number}"), {"id": str(number), **PAYLOADS[name]}
        answer = await dispatcher.answer(who, Place.ROOM, DeviceSession(), name, (payload,))
        codes.append(answer["ok"] or answer["error"]["code"])
    assert codes[:TOLD_BURST] == [True] * TOLD_BURST
    assert codes[-1] == ErrorCode.TOO_MANY
    payload = {"id": "1", **PAYLOADS["media.view"]}
    assert (await dispatcher.answer(caller(), Place.ROOM, DeviceSession(), "media.view", (payload,)))["ok"]


def test_who_stalls_is_noticed_before_others_can_fill_their_queue() -> None:
    noticed = 2 * PING_SECONDS
    assert (MAXIMUM_PUBLISHERS - 1) * (TOLD_BURST + TOLD_PER_SECOND * noticed) < OUTGOING_LIMIT


async def test_credentials_are_given_to_one_participant_so_often() -> None:
    dispatcher = Dispatcher(FakeConsultations().handlers())
    codes = []
    for number in range(CREDENTIALS_BURST + 2):
        payload = ({"id": str(number)},)
        answer = await dispatcher.answer(
            caller(connection=f"sid{number}"), Place.LOBBY, DeviceSession(), "media.servers", payload
        )
        codes.append(answer["ok"] or answer["error"]["code"])
    assert codes == [True] * CREDENTIALS_BURST + [ErrorCode.TOO_MANY] * 2
