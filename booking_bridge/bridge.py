"""The facade of the bridge: what HTTP handlers call."""

from collections.abc import Mapping

from contract.ids import ClinicId
from contract.messages import Message
from rooms.assembly import Rooms
from rooms.policy import Policy
from rooms.roles import Role


class IssuedLink(Message, frozen=True):
    """One participant's personal link."""

    participant: str
    """The booking system's identifier of the participant."""
    role: Role
    url: str


class WebhookAnswer(Message, frozen=True):
    """The body of the 200 answer."""

    result: str
    """`applied`, or `ignored` when a newer version was applied before."""
    appointment: str
    """Our identifier of the appointment."""
    version: int
    links: tuple[IssuedLink, ...] = ()


class NewClinic(Message, frozen=True):
    """What is needed to set a clinic up."""

    id: ClinicId
    name: str
    phone: str
    time_zone: str
    policy: Policy
    webhook_secret: str
    """`whsec_` + base64, as in the Standard Webhooks specification."""
    api_key: str
    """Stored hashed."""


class Bridge:
    def __init__(self, rooms: Rooms, link_base: str) -> None:
        """`link_base`: where links point, such as `https://clinic.example/j/`; the token is appended."""
        raise NotImplementedError

    async def receive(self, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Takes one webhook in.

        Raises `IdentityError` SIGNATURE_INVALID or SIGNATURE_STALE, `InputError` PAYLOAD_INVALID,
        `ConflictError` CONFLICT (same id, other body), `MissingError` NOT_FOUND (not known yet: send again).
        """
        raise NotImplementedError

    async def authenticate(self, api_key: str) -> ClinicId:
        """Whose API key this is. Raises `IdentityError(SESSION_REQUIRED)`."""
        raise NotImplementedError

    async def reissue_link(self, clinic: ClinicId, appointment: str, participant: str) -> IssuedLink:
        """Makes the old link useless and gives a new one. Raises `MissingError`. Names are the booking system's."""
        raise NotImplementedError

    async def revoke_link(self, clinic: ClinicId, appointment: str, participant: str) -> None:
        """Makes the link useless. Raises `MissingError`."""
        raise NotImplementedError

    async def add_clinic(self, clinic: NewClinic) -> None:
        """Sets a clinic up, or brings an existing one up to date."""
        raise NotImplementedError
