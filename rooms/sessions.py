"""From a link to a device we know: exchange of tokens, cookies, forgetting."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from contract.ids import AppointmentId, ClinicId, ParticipantId, SessionId
from rooms.messages import VerdictView
from rooms.roles import Role


@dataclass(frozen=True, slots=True)
class Exchange:
    """What opening a link gave."""

    verdict: VerdictView
    participant: ParticipantId | None = None
    """None: the link opens nothing (`link_invalid`, `link_revoked`)."""
    cookie_secret: str | None = None
    """A new secret to set as cookie; None: the cookie that was sent stays good."""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a valid cookie stands for; with a connection's id it makes a `Caller`."""

    session: SessionId
    participant: ParticipantId
    appointment: AppointmentId
    clinic: ClinicId
    role: Role


class Sessions:
    """Device sessions of participants."""

    async def exchange(self, token: str, cookie_secrets: Mapping[str, str]) -> Exchange:
        """Opens a link. Never raises for a bad token: the verdict says what is wrong.

        `cookie_secrets`: what the browser holds already, by participant; whose link it is, is known only here.
        """
        raise NotImplementedError

    async def authenticate(self, participant: str, cookie_secret: str) -> Identity:
        """Raises `IdentityError` SESSION_REQUIRED (unknown or forgotten) or SESSION_EXPIRED."""
        raise NotImplementedError

    async def verdict(self, participant: str, cookie_secret: str) -> VerdictView:
        """The present verdict for a device. Raises like `authenticate`."""
        raise NotImplementedError

    async def forget(self, participant: str, cookie_secret: str) -> None:
        """Forgets this device; an unknown one is no error."""
        raise NotImplementedError
