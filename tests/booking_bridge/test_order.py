"""Whatever way news overtakes news, an appointment ends as if all of it had come in the order of its versions."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_bridge.apply import change, create
from booking_bridge.events import AppointmentCreated, AppointmentUpdated, BookingEvent
from booking_bridge.webhook import parse_event
from rooms.admission import Entry, LinkState, admit
from rooms.messages import VerdictCode
from rooms.model import Appointment, AppointmentStatus, CancellationReason, PaymentStatus
from rooms.policy import DEFAULT_POLICY
from tests.rooms.support import CLINIC, END, START, a_participant
from tests.rooms.world import an_event, whole

BOOKED_AT = START - timedelta(days=1)
NEXT_DAY = {"starts_at": (START + timedelta(days=1)).isoformat(), "ends_at": (END + timedelta(days=1)).isoformat()}
KINDS = {
    "moved": ("appointment.rescheduled", NEXT_DAY),
    "cancelled": ("appointment.cancelled", {}),
    "no-show": ("appointment.cancelled", {"status": "noshow"}),
    "told anew": ("appointment.updated", whole(title="Повторный приём")),
    "booked": ("appointment.updated", whole(status="booked")),
    "free": ("appointment.updated", whole(payment={"required": False})),
    "pending": ("payment.pending", {}),
    "succeeded": ("payment.succeeded", {}),
    "refunded": ("payment.refunded", {}),
    "lapsed": ("payment.lapsed", {}),
}
MONEY = ("pending", "succeeded", "refunded", "lapsed")


def history(*kinds: str) -> list[BookingEvent]:
    """The creation, and what happened then, each with the next version."""
    first = parse_event(an_event("appointment.created", 1, **whole()))
    later = [parse_event(an_event(KINDS[kind][0], version, **KINDS[kind][1])) for version, kind in enumerate(kinds, 2)]
    return [first, *later]


def told(events: list[BookingEvent]) -> Appointment:
    """Sends the events; one for an appointment not known yet is sent again at the end, as the answer asks."""
    appointment: Appointment | None = None
    waiting = list(events)
    while waiting:
        event = waiting.pop(0)
        if appointment is not None:
            appointment = change(appointment, event, DEFAULT_POLICY, START) or appointment
        elif isinstance(event, AppointmentCreated | AppointmentUpdated):
            appointment = create(event, CLINIC.id, BOOKED_AT)
        else:
            waiting.append(event)
    assert appointment is not None
    return appointment


def verdict(appointment: Appointment) -> VerdictCode:
    """What the patient is told at the booked time, with the doctor there."""
    person = a_participant()
    person = type(person)(person.id, appointment.id, person.reference, person.role, person.name)
    entry = Entry(LinkState.VALID, practitioner_present=True)
    return admit(appointment, person, entry, appointment.starts_at, DEFAULT_POLICY).code


def _is_sensible(kinds: list[str]) -> bool:
    """What lapses has neither lapsed before nor been paid for, and costs something; what goes back has come."""
    lapse = kinds.index("lapsed") if "lapsed" in kinds else 0
    refund = kinds.index("refunded") if "refunded" in kinds else None
    paid = {"succeeded", "booked"}
    if refund is not None and not paid & set(kinds[:refund]):
        return False
    if {"free", "lapsed"} <= set(kinds):
        return False
    return kinds.count("lapsed") <= 1 and not paid & set(kinds[:lapse])


@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.data())
def test_nobody_is_let_in_or_kept_out_by_the_order_of_delivery(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(sorted(KINDS)), max_size=5).filter(_is_sensible))
    events = history(*kinds)
    in_order, shuffled = told(events), told(data.draw(st.permutations(events)))
    assert (shuffled.title, shuffled.starts_at, shuffled.first_starts_at) == (
        in_order.title,
        in_order.starts_at,
        in_order.first_starts_at,
    )
    admitted = VerdictCode.ADMITTED
    assert (verdict(shuffled) is admitted) == (verdict(in_order) is admitted), (kinds, shuffled)


def after(*order: int, of: list[BookingEvent]) -> Appointment:
    """The creation, then the events of these versions in this order."""
    return told([of[version - 1] for version in (1, *order)])


@pytest.mark.parametrize("later", ["pending", "lapsed"])
def test_money_is_not_lost_to_what_overtook_it(later: str) -> None:
    assert verdict(after(3, 2, of=history("succeeded", later))) is VerdictCode.ADMITTED


def test_a_cancellation_is_not_lost_to_a_change_that_says_nothing_of_it() -> None:
    for order in ((2, 3), (3, 2)):
        assert after(*order, of=history("cancelled", "told anew")).status is AppointmentStatus.CANCELLED
    created_by_the_update = told(history("cancelled", "told anew")[:0:-1])
    assert created_by_the_update.status is AppointmentStatus.CANCELLED


def test_a_refund_heard_before_its_payment_still_is_one() -> None:
    assert after(3, 2, of=history("succeeded", "refunded")).payment.status is PaymentStatus.REFUNDED


def test_a_lapse_heard_after_the_money_that_came_too_late_still_keeps_out() -> None:
    assert verdict(after(3, 2, of=history("lapsed", "succeeded"))) is VerdictCode.PAYMENT_LAPSED


@pytest.mark.parametrize("then", [["succeeded"], ["refunded", "succeeded"]])
def test_money_after_a_lapse_admits_nobody_however_often_it_comes(then: list[str]) -> None:
    assert verdict(told(history("lapsed", "succeeded", *then))) is not VerdictCode.ADMITTED
    assert verdict(told(history("lapsed", "succeeded", *then, "booked"))) is VerdictCode.ADMITTED


@pytest.mark.parametrize("kind", ["cancelled", "no-show"])
def test_a_lapse_does_not_undo_that_it_was_over(kind: str) -> None:
    over, lapsed = told(history(kind)), told(history(kind, "lapsed"))
    assert (lapsed.status, lapsed.cancellation) == (over.status, over.cancellation)
    assert lapsed.cancellation is not CancellationReason.PAYMENT_LAPSED


def test_where_it_was_first_is_told_by_the_creation_alone() -> None:
    updated = parse_event(an_event("appointment.updated", 2, **whole(**NEXT_DAY)))
    appointment = told([updated, *history()])
    assert (appointment.first_starts_at, appointment.starts_at) == (START, START + timedelta(days=1))
