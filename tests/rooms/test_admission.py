"""Admission over the whole time line, all policies, roles and time zones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contract.ids import AppointmentId
from rooms.admission import OVERRUN, REENTRY, TABLE, Entry, LinkState, Verdict, admit, entry_window
from rooms.messages import VerdictCode
from rooms.model import (
    Appointment,
    AppointmentStatus,
    EncounterStatus,
    InvitationStatus,
    Participant,
    PaymentStatus,
)
from rooms.policy import DEFAULT_POLICY, EXAMPLE_POLICIES, Policy
from rooms.roles import STAFF_ROLES, Assurance, Role
from tests.rooms.support import END, START, a_participant, an_appointment

MINUTE = timedelta(minutes=1)
ZONES = tuple(ZoneInfo(name) for name in ("Europe/Moscow", "Asia/Vladivostok", "America/New_York"))
VALID = Entry(link=LinkState.VALID, consents=frozenset({"2026-1"}))
WITH_DOCTOR = replace(VALID, practitioner_present=True)
PATIENT, DOCTOR = a_participant(Role.PATIENT), a_participant(Role.PRACTITIONER)

policies = pytest.mark.parametrize("name", EXAMPLE_POLICIES)
zones = pytest.mark.parametrize("zone", ZONES, ids=str)
roles = pytest.mark.parametrize("role", list(Role))


def code(
    appointment: Appointment,
    participant: Participant = PATIENT,
    entry: Entry = VALID,
    now: datetime = START,
    policy: Policy = DEFAULT_POLICY,
) -> VerdictCode:
    return admit(appointment, participant, entry, now, policy).code


def test_the_table_has_every_code_in_the_declared_order() -> None:
    assert [one for one, _ in TABLE] == list(VerdictCode)


# One row a code: how it is brought about, for a patient. Each case also carries everything that comes later in the
# order, as far as that is possible, so that the test fails when two rows change places.

LATE = END + timedelta(days=2)
WRONG = replace(
    an_appointment(PaymentStatus.REQUIRED, AppointmentStatus.ENTERED_IN_ERROR), encounter=EncounterStatus.FINISHED
)
STRICT = Policy(assurance_minimum=Assurance.CODE, consent_version="9", consent_text_ru="да", consent_text_en="yes")


def unpaid(payment: PaymentStatus) -> Appointment:
    return an_appointment(payment, AppointmentStatus.PENDING)


PENDING = replace(
    unpaid(PaymentStatus.PENDING),
    payment=replace(unpaid(PaymentStatus.PENDING).payment, pending_since=LATE - MINUTE),
)
CASES: dict[VerdictCode, tuple[Appointment, Participant, Entry, datetime]] = {
    VerdictCode.LINK_INVALID: (WRONG, replace(PATIENT, invitation=InvitationStatus.WITHDRAWN), Entry(), LATE),
    VerdictCode.LINK_REVOKED: (
        WRONG,
        replace(PATIENT, invitation=InvitationStatus.WITHDRAWN),
        Entry(link=LinkState.REVOKED),
        LATE,
    ),
    VerdictCode.NOT_INVITED: (WRONG, replace(PATIENT, invitation=InvitationStatus.WITHDRAWN), VALID, LATE),
    VerdictCode.REMOVED: (WRONG, replace(PATIENT, invitation=InvitationStatus.REMOVED), VALID, LATE),
    VerdictCode.ENTERED_IN_ERROR: (WRONG, PATIENT, VALID, LATE),
    VerdictCode.CANCELLED: (replace(WRONG, status=AppointmentStatus.CANCELLED), PATIENT, VALID, LATE),
    VerdictCode.FINISHED: (replace(WRONG, status=AppointmentStatus.PENDING), PATIENT, VALID, LATE),
    VerdictCode.PAYMENT_LAPSED: (unpaid(PaymentStatus.LAPSED), PATIENT, VALID, LATE),
    VerdictCode.PAYMENT_REFUNDED: (unpaid(PaymentStatus.REFUNDED), PATIENT, VALID, LATE),
    VerdictCode.PAYMENT_PENDING: (PENDING, PATIENT, VALID, LATE),
    VerdictCode.PAYMENT_REQUIRED: (unpaid(PaymentStatus.REQUIRED), PATIENT, VALID, LATE),
    VerdictCode.IDENTITY_REQUIRED: (an_appointment(), PATIENT, VALID, LATE),
    VerdictCode.CONSENT_REQUIRED: (an_appointment(), PATIENT, replace(VALID, assurance=Assurance.CODE), LATE),
    VerdictCode.TOO_EARLY: (
        an_appointment(),
        PATIENT,
        replace(VALID, assurance=Assurance.CODE, consents=frozenset({"9"})),
        START - timedelta(hours=1),
    ),
    VerdictCode.TOO_LATE: (
        an_appointment(),
        PATIENT,
        replace(VALID, assurance=Assurance.CODE, consents=frozenset({"9"})),
        LATE,
    ),
    VerdictCode.WAITING_FOR_PRACTITIONER: (
        an_appointment(),
        PATIENT,
        replace(VALID, assurance=Assurance.OIDC, consents=frozenset({"9"})),
        START,
    ),
    VerdictCode.ADMITTED: (
        an_appointment(),
        PATIENT,
        replace(WITH_DOCTOR, assurance=Assurance.OIDC, consents=frozenset({"9"})),
        START,
    ),
}


@pytest.mark.parametrize("expected", list(VerdictCode))
def test_every_code_is_reached_before_all_that_come_later(expected: VerdictCode) -> None:
    appointment, participant, entry, now = CASES[expected]
    assert code(appointment, participant, entry, now, STRICT) is expected


def test_another_appointments_participant_is_not_invited() -> None:
    stranger = replace(PATIENT, appointment=AppointmentId("apt_2"))
    assert code(an_appointment(), stranger, WITH_DOCTOR) is VerdictCode.NOT_INVITED
    assert admit(an_appointment(), None, VALID, START, DEFAULT_POLICY).code is VerdictCode.NOT_INVITED
    assert admit(None, None, VALID, START, DEFAULT_POLICY).code is VerdictCode.LINK_INVALID


@policies
@zones
def test_the_window_opens_and_closes_to_the_second_in_every_zone(name: str, zone: ZoneInfo) -> None:
    policy, second = EXAMPLE_POLICIES[name], timedelta(seconds=1)
    appointment = an_appointment(start=START.astimezone(zone))
    opens = START - policy.opens_before_start_minutes * MINUTE
    closes = END + policy.closes_after_end_minutes * MINUTE

    def at(moment: datetime) -> VerdictCode:
        return code(appointment, PATIENT, WITH_DOCTOR, moment.astimezone(zone), policy)

    assert at(opens - second) is VerdictCode.TOO_EARLY
    assert at(opens) is VerdictCode.ADMITTED
    assert at(closes) is VerdictCode.ADMITTED
    assert at(closes + second) is VerdictCode.TOO_LATE


@policies
@roles
def test_payment_binds_everybody_but_staff(name: str, role: Role) -> None:
    verdict = code(
        unpaid(PaymentStatus.REQUIRED), a_participant(role), WITH_DOCTOR, START - MINUTE, EXAMPLE_POLICIES[name]
    )
    lapsed = name == "s2"  # booked a day ago, ten minutes to pay
    expected = VerdictCode.PAYMENT_LAPSED if lapsed else VerdictCode.PAYMENT_REQUIRED
    assert verdict is (VerdictCode.ADMITTED if role in STAFF_ROLES else expected)


@roles
def test_consent_binds_the_patients_side_alone(role: Role) -> None:
    entry = replace(WITH_DOCTOR, consents=frozenset())
    bound = role in {Role.PATIENT, Role.RELATED_PERSON}
    expected = VerdictCode.CONSENT_REQUIRED if bound else VerdictCode.ADMITTED
    assert code(an_appointment(), a_participant(role), entry, START, EXAMPLE_POLICIES["s0"]) is expected


@roles
def test_only_staff_enter_an_empty_room_and_before_the_window(role: Role) -> None:
    staff = role in STAFF_ROLES
    early = code(an_appointment(), a_participant(role), VALID, START - timedelta(hours=5))
    assert early is (VerdictCode.ADMITTED if staff else VerdictCode.TOO_EARLY)
    waiting = code(an_appointment(), a_participant(role), VALID, START)
    assert waiting is (VerdictCode.ADMITTED if staff else VerdictCode.WAITING_FOR_PRACTITIONER)


def test_a_participant_may_need_more_assurance_than_the_policy_asks() -> None:
    strict = replace(DOCTOR, assurance_minimum=Assurance.OIDC)
    assert code(an_appointment(), strict, replace(VALID, assurance=Assurance.CODE)) is VerdictCode.IDENTITY_REQUIRED
    assert code(an_appointment(), strict, replace(VALID, assurance=Assurance.OIDC)) is VerdictCode.ADMITTED


def test_who_arrived_in_time_is_never_too_late_because_the_doctor_was() -> None:
    arrived = replace(an_appointment(), arrived_at=START, status=AppointmentStatus.ARRIVED)
    late = END + timedelta(hours=3)
    verdict = admit(arrived, PATIENT, VALID, late, DEFAULT_POLICY)
    assert verdict.code is VerdictCode.WAITING_FOR_PRACTITIONER
    assert verdict.delay_minutes == 210
    assert code(arrived, DOCTOR, VALID, late) is VerdictCode.ADMITTED
    assert code(arrived, PATIENT, VALID, END + OVERRUN + timedelta(hours=1)) is VerdictCode.TOO_LATE
    assert code(an_appointment(), DOCTOR, VALID, late) is VerdictCode.TOO_LATE


LIVE = replace(
    an_appointment(),
    encounter=EncounterStatus.IN_PROGRESS,
    status=AppointmentStatus.FULFILLED,
    started_at=START,
)
MEMBER = replace(PATIENT, joined_at=START)


@pytest.mark.parametrize("payment", list(PaymentStatus))
@pytest.mark.parametrize("status", [AppointmentStatus.FULFILLED, AppointmentStatus.CANCELLED, AppointmentStatus.NOSHOW])
def test_members_of_a_live_consultation_come_back_whatever_happened(
    payment: PaymentStatus, status: AppointmentStatus
) -> None:
    live = replace(LIVE, payment=replace(LIVE.payment, status=payment), status=status)
    for now in (START - timedelta(days=1), START, END + timedelta(hours=5)):
        assert code(live, MEMBER, VALID, now) is VerdictCode.ADMITTED


def test_a_consultation_nobody_finished_does_not_stay_open_for_ever() -> None:
    left = replace(LIVE, emptied_at=END + timedelta(hours=1))
    assert code(left, MEMBER, VALID, END + timedelta(hours=1) + REENTRY) is VerdictCode.ADMITTED
    assert code(left, MEMBER, VALID, END + timedelta(hours=1, seconds=1) + REENTRY) is VerdictCode.TOO_LATE


def test_somebody_called_into_a_live_consultation_is_not_too_late() -> None:
    assert code(LIVE, a_participant(Role.INTERPRETER), VALID, END + timedelta(hours=1)) is VerdictCode.ADMITTED


def test_pending_payment_is_shown_for_two_minutes_then_pay_again() -> None:
    appointment = replace(PENDING, payment=replace(PENDING.payment, pending_since=START))
    verdict = admit(appointment, PATIENT, VALID, START + timedelta(seconds=30), DEFAULT_POLICY)
    assert (verdict.code, verdict.wait_seconds) == (VerdictCode.PAYMENT_PENDING, 90)
    assert code(appointment, PATIENT, VALID, START + 2 * MINUTE) is VerdictCode.PAYMENT_REQUIRED


def test_reservations_lapse_by_the_clock_only_where_the_bridge_owns_that() -> None:
    fresh = replace(unpaid(PaymentStatus.REQUIRED), created_at=START - timedelta(hours=1))
    lapse = START - timedelta(minutes=50)
    s2 = EXAMPLE_POLICIES["s2"]
    assert code(fresh, PATIENT, VALID, lapse - timedelta(seconds=1), s2) is VerdictCode.PAYMENT_REQUIRED
    assert code(fresh, PATIENT, VALID, lapse, s2) is VerdictCode.PAYMENT_LAPSED
    assert code(fresh, PATIENT, VALID, START, EXAMPLE_POLICIES["s0"]) is VerdictCode.PAYMENT_LAPSED
    assert code(fresh, PATIENT, VALID, END, EXAMPLE_POLICIES["s1"]) is VerdictCode.PAYMENT_REQUIRED


def test_a_reschedule_moves_the_window_and_the_wait() -> None:
    moved = replace(an_appointment(), starts_at=START + timedelta(days=1), ends_at=END + timedelta(days=1))
    verdict = admit(moved, PATIENT, WITH_DOCTOR, START, DEFAULT_POLICY)
    assert moved.moved
    assert (verdict.code, verdict.wait_seconds) == (VerdictCode.TOO_EARLY, 24 * 3600 - 600)


moments = st.integers(-3 * 24 * 60, 3 * 24 * 60).map(lambda minutes: START + minutes * MINUTE)
optional_moments = st.none() | moments


@st.composite
def situations(draw: st.DrawFn) -> tuple[Appointment, Participant, Entry, datetime, Policy]:
    payment = draw(st.sampled_from(PaymentStatus))
    base = an_appointment(
        payment, draw(st.sampled_from(AppointmentStatus)), START.astimezone(draw(st.sampled_from(ZONES)))
    )
    pending = draw(moments) if payment is PaymentStatus.PENDING else None
    appointment = replace(
        base,
        payment=replace(base.payment, pending_since=pending, expires_at=draw(optional_moments)),
        encounter=draw(st.sampled_from(EncounterStatus)),
        arrived_at=draw(optional_moments),
        emptied_at=draw(optional_moments),
    )
    participant = replace(
        a_participant(draw(st.sampled_from(Role))),
        invitation=draw(st.sampled_from(InvitationStatus)),
        joined_at=draw(optional_moments),
    )
    entry = Entry(
        link=draw(st.sampled_from(LinkState)),
        assurance=draw(st.sampled_from(Assurance)),
        consents=draw(st.sampled_from([frozenset(), frozenset({"2026-1"})])),
        practitioner_present=draw(st.booleans()),
    )
    policy = draw(st.sampled_from(list(EXAMPLE_POLICIES.values())))
    return appointment, participant, entry, draw(moments), policy


@given(situations(), st.floats(0.0, 1.0, exclude_max=True))
@example((an_appointment(), PATIENT, VALID, START, DEFAULT_POLICY), 0.5)
def test_a_verdict_holds_until_it_says_to_look_again(
    situation: tuple[Appointment, Participant, Entry, datetime, Policy], part: float
) -> None:
    appointment, participant, entry, now, policy = situation
    verdict = admit(appointment, participant, entry, now, policy)
    until = verdict.looks_again_at
    later = now + (timedelta(days=30) if until is None else until - now) * part
    assert _lasting(admit(appointment, participant, entry, later, policy)) == _lasting(verdict)
    assert until is None or until > now


def _lasting(verdict: Verdict) -> tuple[object, ...]:
    return verdict.code, verdict.opens_at, verdict.closes_at, verdict.delay_minutes


@given(situations())
def test_staff_never_meet_payment_consent_or_lead_time(
    situation: tuple[Appointment, Participant, Entry, datetime, Policy],
) -> None:
    appointment, participant, entry, now, policy = situation
    verdict = admit(appointment, participant, entry, now, policy)
    if participant.role in STAFF_ROLES:
        assert not verdict.code.startswith("payment_")
        assert verdict.code not in {
            VerdictCode.CONSENT_REQUIRED,
            VerdictCode.TOO_EARLY,
            VerdictCode.WAITING_FOR_PRACTITIONER,
        }


@given(situations())
def test_nobody_enters_without_link_invitation_or_after_the_end(
    situation: tuple[Appointment, Participant, Entry, datetime, Policy],
) -> None:
    appointment, participant, entry, now, policy = situation
    if admit(appointment, participant, entry, now, policy).code is VerdictCode.ADMITTED:
        assert entry.link is LinkState.VALID
        assert participant.invitation is InvitationStatus.INVITED
        assert appointment.encounter is not EncounterStatus.FINISHED
        assert appointment.status is not AppointmentStatus.ENTERED_IN_ERROR


def test_the_window_is_in_utc_terms_over_a_clock_change() -> None:
    # New York put its clocks forward on 8 March 2026 at 07:00 UTC.
    start = datetime(2026, 3, 8, 7, 5, tzinfo=UTC)
    window = entry_window(an_appointment(start=start.astimezone(ZoneInfo("America/New_York"))), DEFAULT_POLICY)
    assert window.opens_at.astimezone(UTC) == start - 10 * MINUTE
