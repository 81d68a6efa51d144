"""The demonstration clinic's appointments: one for every admission verdict."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rooms.messages import VerdictCode
from rooms.policy import EXAMPLE_POLICIES, Policy

CLINIC = "demo"
CONSENT_CLINIC = "demo-consent"
CLINICS: dict[str, tuple[str, Policy]] = {
    CLINIC: ("Клиника «Демонстрация»", EXAMPLE_POLICIES["default"]),
    CONSENT_CLINIC: ("Клиника «Согласие»", EXAMPLE_POLICIES["s0"]),
}
PATIENT = "patient"
PRACTITIONER = "practitioner"
LENGTH = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One appointment and what happened to it. `events` are webhook types with more of their data."""

    state: VerdictCode
    title: str
    starts_in: timedelta = timedelta(minutes=5)
    clinic: str = CLINIC
    paid: bool = True
    events: tuple[tuple[str, dict[str, Any]], ...] = ()
    patient: tuple[tuple[str, str], ...] = ()
    """More fields of the patient's entry."""

    @property
    def key(self) -> str:
        """How the demo page names the appointment."""
        return self.state.value


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(VerdictCode.WAITING_FOR_PRACTITIONER, "Приём терапевта"),
    Scenario(VerdictCode.ADMITTED, "Приём терапевта: врач уже начал"),
    Scenario(VerdictCode.TOO_EARLY, "Приём кардиолога", starts_in=timedelta(hours=2)),
    Scenario(VerdictCode.PAYMENT_REQUIRED, "Приём невролога", paid=False),
    Scenario(VerdictCode.PAYMENT_PENDING, "Приём окулиста", paid=False, events=(("payment.pending", {}),)),
    Scenario(VerdictCode.PAYMENT_LAPSED, "Приём хирурга", paid=False, events=(("payment.lapsed", {}),)),
    Scenario(VerdictCode.PAYMENT_REFUNDED, "Приём эндокринолога", events=(("payment.refunded", {}),)),
    Scenario(VerdictCode.CONSENT_REQUIRED, "Приём педиатра", clinic=CONSENT_CLINIC),
    Scenario(VerdictCode.IDENTITY_REQUIRED, "Приём психиатра", patient=(("assurance_minimum", "code"),)),
    Scenario(VerdictCode.TOO_LATE, "Приём дерматолога", starts_in=timedelta(hours=-3)),
    Scenario(VerdictCode.CANCELLED, "Приём уролога", events=(("appointment.cancelled", {"reason": "patient"}),)),
    Scenario(
        VerdictCode.ENTERED_IN_ERROR,
        "Приём гастроэнтеролога",
        events=(("appointment.cancelled", {"status": "entered-in-error"}),),
    ),
    Scenario(VerdictCode.FINISHED, "Приём аллерголога"),
    Scenario(VerdictCode.REMOVED, "Консилиум: участник удалён"),
    Scenario(VerdictCode.NOT_INVITED, "Приём ревматолога"),
    Scenario(VerdictCode.LINK_REVOKED, "Приём пульмонолога"),
)
BAD_LINK_TOKEN = "A" * 22
"""A link that was never issued: `link_invalid`."""
