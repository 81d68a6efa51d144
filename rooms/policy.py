"""A clinic's rules, where the guides of clinics disagree: declared once, validated, shipped with examples."""

from enum import StrEnum
from typing import Annotated

import msgspec

from rooms.roles import Assurance

Minutes = Annotated[int, msgspec.Meta(ge=0, le=7 * 24 * 60)]
KeptDays = Annotated[int, msgspec.Meta(ge=31, le=100 * 366)]
"""Longer than links work after the end (`rooms.reception.LINK_LIFETIME`)."""
Text = Annotated[str, msgspec.Meta(max_length=20_000)]


class PaymentDeadline(StrEnum):
    """Until when an unpaid reservation can be paid."""

    MINUTES_AFTER_BOOKING = "minutes_after_booking"
    """It lapses `lapse_after_minutes` after it was made (or at the start, if that is sooner)."""
    START = "start"
    """It lapses at the start."""
    WINDOW = "window"
    """«At the door»: it can be paid for as long as people may come in, and never lapses before."""


class LapseOwner(StrEnum):
    """Who says that an unpaid reservation has lapsed."""

    BOOKING_SYSTEM = "booking_system"
    BRIDGE = "bridge"
    """We do it by the clock, for a booking system that can't."""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The rules of one clinic. Stored as JSON; refused by `msgspec` when out of bounds."""

    opens_before_start_minutes: Minutes = 10
    closes_after_end_minutes: Minutes = 15
    payment_deadline: PaymentDeadline = PaymentDeadline.WINDOW
    lapse_after_minutes: Minutes = 0
    lapse_owner: LapseOwner = LapseOwner.BOOKING_SYSTEM
    cancel_until_start: bool = True
    """The page to cancel or move is offered only before the start."""
    assurance_minimum: Assurance = Assurance.LINK
    """For those who are not staff."""
    staff_assurance_minimum: Assurance = Assurance.LINK
    consent_version: Annotated[str, msgspec.Meta(max_length=40)] = ""
    """Empty: the clinic asks for no consent."""
    consent_text_ru: Text = ""
    consent_text_en: Text = ""
    disclaimer: bool = False
    """The page must say that a consultation does not replace a visit; accepted together with the consent."""

    appointments_kept_days: KeptDays = 365
    """After its end an appointment is deleted, with its people, links, devices and consents."""
    audit_kept_days: KeptDays = 1826
    """Who did what, by identifiers only."""

    def __post_init__(self) -> None:
        if self.audit_kept_days < self.appointments_kept_days:
            raise ValueError("the audit is kept at least as long as the appointments: audit_kept_days is too small")
        if self.consent_version and not (self.consent_text_ru and self.consent_text_en):
            raise ValueError("a consent version needs its text in Russian and in English")
        if self.disclaimer and not self.consent_version:
            raise ValueError("a disclaimer is accepted with the consent: give its version and texts")
        by_minutes = self.payment_deadline is PaymentDeadline.MINUTES_AFTER_BOOKING
        if by_minutes != (self.lapse_after_minutes > 0):
            raise ValueError("lapse_after_minutes goes with payment_deadline minutes_after_booking, and only with it")


_CONSENT_RU = (
    "Я согласен(на) на обработку моих персональных данных и сведений о здоровье для проведения консультации "
    "и на консультацию с применением телемедицинских технологий."
)
_CONSENT_EN = (
    "I agree that my personal data and health information are processed for this consultation, "
    "and to be consulted by means of telemedicine."
)

DEFAULT_POLICY = Policy()

EXAMPLE_POLICIES: dict[str, Policy] = {
    "default": DEFAULT_POLICY,
    "s0": Policy(
        opens_before_start_minutes=10,
        payment_deadline=PaymentDeadline.START,
        lapse_owner=LapseOwner.BRIDGE,
        consent_version="2026-1",
        consent_text_ru=_CONSENT_RU,
        consent_text_en=_CONSENT_EN,
    ),
    "s1": Policy(
        opens_before_start_minutes=0,
        closes_after_end_minutes=0,
        payment_deadline=PaymentDeadline.WINDOW,
        cancel_until_start=False,
    ),
    "s2": Policy(
        opens_before_start_minutes=2,
        payment_deadline=PaymentDeadline.MINUTES_AFTER_BOOKING,
        lapse_after_minutes=10,
        lapse_owner=LapseOwner.BRIDGE,
        consent_version="2026-1",
        consent_text_ru="Онлайн-консультация не заменяет очный приём. " + _CONSENT_RU,
        consent_text_en="An online consultation does not replace a visit. " + _CONSENT_EN,
        disclaimer=True,
    ),
}
"""How the clinics whose guides we know work; every admission test runs through all of them."""


def parse_policy(data: bytes | str) -> Policy:
    """Reads a policy from JSON. Raises `msgspec.ValidationError` when it breaks a rule."""
    return msgspec.json.decode(data, type=Policy)
