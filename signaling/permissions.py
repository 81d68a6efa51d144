"""The one table of who may do what, and from where. The dispatcher asks it before any command is handled."""

from dataclasses import dataclass
from enum import StrEnum

from rooms.roles import STAFF_ROLES, Role


class Capability(StrEnum):
    """Something a role may or may not do."""

    ASK_ADMISSION = "ask_admission"
    ACCEPT_CONSENT = "accept_consent"
    PAY = "pay"
    ENTER_ROOM = "enter_room"
    EXCHANGE_MEDIA = "exchange_media"
    FINISH_CONSULTATION = "finish_consultation"
    REMOVE_PARTICIPANT = "remove_participant"


class Place(StrEnum):
    """Where a connection is: on the join page, or holding the participant's seat in the live room."""

    LOBBY = "lobby"
    ROOM = "room"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a command needs."""

    capability: Capability
    places: frozenset[Place]
    binds_connection: bool = False
    """Its effect belongs to the very connection that sent it: the same command repeated on another connection is done
    again instead of being answered from memory."""
    carries_snapshot: bool = False
    """Its answer carries a snapshot: events of the connection wait until the answer is sent."""
    carries_offer: bool = False
    """A media worker may have to read a session description for it, which costs a hundred times what others do."""
    gives_credentials: bool = False
    """Its answer is worth something to strangers."""
    is_told: bool = False
    """Everybody in the room is told of it."""
    leads_to: Place | None = None
    """Where the connection is once the command was done."""


_ANYWHERE = frozenset(Place)
_ROOM_ONLY = frozenset({Place.ROOM})

RULES: dict[str, Rule] = {
    "admission.check": Rule(Capability.ASK_ADMISSION, _ANYWHERE, binds_connection=True),
    "consent.accept": Rule(Capability.ACCEPT_CONSENT, _ANYWHERE),
    "payment.returned": Rule(Capability.PAY, _ANYWHERE),
    "room.join": Rule(
        Capability.ENTER_ROOM,
        _ANYWHERE,
        binds_connection=True,
        carries_snapshot=True,
        carries_offer=True,
        leads_to=Place.ROOM,
    ),
    "room.leave": Rule(Capability.ENTER_ROOM, _ROOM_ONLY, leads_to=Place.LOBBY),
    "media.servers": Rule(Capability.EXCHANGE_MEDIA, _ANYWHERE, gives_credentials=True),
    "media.offer": Rule(Capability.EXCHANGE_MEDIA, _ROOM_ONLY, binds_connection=True, carries_offer=True),
    "media.state": Rule(Capability.EXCHANGE_MEDIA, _ROOM_ONLY, is_told=True),
    "media.view": Rule(Capability.EXCHANGE_MEDIA, _ROOM_ONLY, binds_connection=True),
    "screen.share": Rule(Capability.EXCHANGE_MEDIA, _ROOM_ONLY, is_told=True),
    "screen.stop": Rule(Capability.EXCHANGE_MEDIA, _ROOM_ONLY, is_told=True),
    "consultation.finish": Rule(Capability.FINISH_CONSULTATION, _ROOM_ONLY),
    "participant.remove": Rule(Capability.REMOVE_PARTICIPANT, _ROOM_ONLY),
}

_EVERYBODY = frozenset({Capability.ASK_ADMISSION, Capability.ENTER_ROOM, Capability.EXCHANGE_MEDIA})
_LEADS = frozenset({Capability.FINISH_CONSULTATION, Capability.REMOVE_PARTICIPANT})


def _capabilities(role: Role) -> frozenset[Capability]:
    granted = _EVERYBODY
    if role not in STAFF_ROLES:
        granted |= {Capability.ACCEPT_CONSENT}
    if role in {Role.PATIENT, Role.RELATED_PERSON}:
        granted |= {Capability.PAY}
    if role is Role.PRACTITIONER:
        granted |= _LEADS
    return granted


CAPABILITIES: dict[Role, frozenset[Capability]] = {role: _capabilities(role) for role in Role}
