"""What the booking system is answered."""

from enum import StrEnum
from typing import Annotated

import msgspec

from booking_bridge.events import SHOWN
from contract.ids import AppointmentId, ClinicId
from contract.messages import Message
from rooms.policy import Policy
from rooms.roles import Role


class WebhookResult(StrEnum):
    APPLIED = "applied"
    IGNORED = "ignored"
    """Something newer was applied before."""


class IssuedLink(Message, frozen=True):
    """One participant's personal link."""

    participant: str
    """The booking system's identifier of the participant."""
    role: Role
    url: str


class WebhookAnswer(Message, frozen=True):
    """The body of the 200 answer."""

    result: WebhookResult
    appointment: str
    """Our identifier of the appointment."""
    version: int
    """The newest `data.version` applied so far."""
    links: tuple[IssuedLink, ...] = ()


class StoredAnswer(Message, frozen=True):
    """What is kept of an answer for a repeat. Not the links: a repeat is told those that work by then."""

    result: WebhookResult
    appointment: AppointmentId
    version: int


class NewClinic(Message, frozen=True):
    """What is needed to set a clinic up."""

    id: Annotated[ClinicId, msgspec.Meta(min_length=1, max_length=64, pattern=SHOWN)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=SHOWN)]
    phone: Annotated[str, msgspec.Meta(max_length=40, pattern=SHOWN)]
    time_zone: Annotated[str, msgspec.Meta(max_length=64)]
    policy: Policy
    webhook_secret: Annotated[str, msgspec.Meta(max_length=200)]
    """`whsec_` + base64, as in the Standard Webhooks specification."""
    api_key: str
    """Stored hashed."""
