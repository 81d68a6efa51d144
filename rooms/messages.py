"""Every wire message of the rooms domain, declared once. TypeScript types are generated from this file."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from contract.messages import Command, Message
from rooms.roles import Assurance, Role


class VerdictCode(StrEnum):
    """The closed list of admission verdicts, in the order in which they are tried; the first that matches wins."""

    LINK_INVALID = "link_invalid"
    LINK_REVOKED = "link_revoked"
    NOT_INVITED = "not_invited"
    REMOVED = "removed"
    ENTERED_IN_ERROR = "entered_in_error"
    CANCELLED = "cancelled"
    FINISHED = "finished"
    PAYMENT_LAPSED = "payment_lapsed"
    PAYMENT_REFUNDED = "payment_refunded"
    PAYMENT_PENDING = "payment_pending"
    PAYMENT_REQUIRED = "payment_required"
    IDENTITY_REQUIRED = "identity_required"
    CONSENT_REQUIRED = "consent_required"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    WAITING_FOR_PRACTITIONER = "waiting_for_practitioner"
    ADMITTED = "admitted"


class DeviceState(StrEnum):
    """What a participant's microphone or camera is doing, as the others are told."""

    ON = "on"
    OFF = "off"
    BLOCKED = "blocked"
    MISSING = "missing"


class ConnectionState(StrEnum):
    """A participant's link to the room, as the others are told."""

    ABSENT = "absent"
    CONNECTING = "connecting"
    LIVE = "live"
    UNSTABLE = "unstable"
    RECONNECTING = "reconnecting"
    GONE = "gone"


class LeaveReason(StrEnum):
    LEFT = "left"
    LOST = "lost"
    REMOVED = "removed"
    SHUT_OUT = "shut_out"
    """The link was revoked, or the clinic took them off the appointment."""


# Values


class ClinicView(Message, frozen=True):
    name: str
    phone: str
    time_zone: str
    """IANA name, such as `Europe/Moscow`."""


class PersonView(Message, frozen=True):
    """One invited person as the others may see them."""

    id: str
    name: str
    role: Role
    specialty: str = ""
    relationship: str = ""


class ConsentView(Message, frozen=True):
    """The text to be accepted before the first entry."""

    version: str
    text_ru: str
    text_en: str
    accepted: bool


class AppointmentView(Message, frozen=True):
    """What a participant may know of the appointment on the join page."""

    id: str
    clinic: ClinicView
    starts_at: datetime
    ends_at: datetime
    moved: bool
    """The start was changed since the appointment was made."""
    title: str
    subject_name: str
    people: tuple[PersonView, ...]
    payment_url: str = ""
    cabinet_url: str = ""
    manage_url: str = ""
    record_url: str = ""
    price: str = ""


class VerdictView(Message, frozen=True):
    """The answer to «may I come in?», complete enough to draw the join page from it."""

    code: VerdictCode
    server_time: datetime
    wait_seconds: int | None = None
    """Seconds until the verdict is expected to change by itself; the server pushes the new one."""
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    me: PersonView | None = None
    clinic: ClinicView | None = None
    """Whom to call. Absent only for `link_invalid`, which reveals nothing."""
    appointment: AppointmentView | None = None
    """Absent for those who are shut out (`link_invalid`, `link_revoked`, `not_invited`, `removed`)."""
    consent: ConsentView | None = None
    paid_after_lapse: bool = False
    """Money came after the reservation had lapsed: the clinic has it and will call; it is not lost."""
    disclaimer: bool = False
    """The clinic must say that a consultation does not replace a visit."""
    delay_minutes: int | None = None
    inside_elsewhere: bool = False
    """The same person is in the room on another device: entering means taking over."""


class MediaState(Message, frozen=True):
    microphone: DeviceState
    camera: DeviceState


class ParticipantView(Message, frozen=True):
    """One participant of the live room."""

    person: PersonView
    assurance: Assurance
    connection: ConnectionState
    media: MediaState


class RoomNotice(StrEnum):
    """Something about the appointment that staff in a live room should know; nobody is thrown out for it."""

    PAYMENT_REFUNDED = "payment_refunded"
    CANCELLED = "cancelled"


class RoomSnapshot(Message, frozen=True):
    """The whole live room. `apply(snapshot, events)` equals the next snapshot."""

    version: int
    room: str
    started_at: datetime | None
    participants: tuple[ParticipantView, ...]
    """Everybody invited, the absent included, in order of invitation."""
    notice: RoomNotice | None = None
    finished: bool = False
    screen: str | None = None
    """Which participant shares a screen."""


class SessionDescription(Message, frozen=True):
    """An offer or an answer (RFC 8829). `number` rises by one with each offer of one RTCPeerConnection life;
    `connection` names that life (client-made), so that answers are never mixed up."""

    connection: str
    number: int
    sdp: str


class SlotView(Message, frozen=True):
    """Which participant's track a receive-only media section carries just now."""

    mid: str
    participant: str | None


class MediaAnswer(Message, frozen=True):
    description: SessionDescription
    slots: tuple[SlotView, ...]
    missing_slots: int = 0
    """How many more audio and video pairs the client should offer to see everybody."""


class IceServer(Message, frozen=True):
    """A TURN server under its addresses, as `RTCIceServer` of the W3C takes it."""

    urls: tuple[str, ...]
    username: str
    credential: str


class IceServers(Message, frozen=True):
    """None when media has no other way than straight to us. The credentials end after `expires_seconds`."""

    servers: tuple[IceServer, ...]
    expires_seconds: int


class TileSize(StrEnum):
    """How large a page shows a picture: hidden, a thumbnail, a part of the stage, the stage."""

    NONE = "none"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Tile(Message, frozen=True):
    """How one receive-only video section is shown just now."""

    mid: str
    size: TileSize
    main: bool = False
    """Who speaks or is pinned: the last to lose quality."""


Tiles = Annotated[tuple[Tile, ...], msgspec.Meta(max_length=32)]


# Commands


class CheckAdmission(Command, frozen=True):
    """Asks for the present verdict; answered with `VerdictView`."""


class AcceptConsent(Command, frozen=True):
    """Accepts the consent text (and the disclaimer) of this version; answered with `VerdictView`."""

    version: str


class PaymentReturned(Command, frozen=True):
    """The person came back from the clinic's payment page: for a short while the bank's answer is waited for. Only
    the booking system says whether it was paid. Answered with `VerdictView`."""


class JoinRoom(Command, frozen=True):
    """Takes the participant's seat; answered with `JoinResult`.

    `offer` None: no media at all (text only), or, with `resume`, the RTCPeerConnection named there still lives.
    """

    media: MediaState
    offer: SessionDescription | None = None
    resume: str | None = None
    """`SessionDescription.connection` of the RTCPeerConnection to go on with after a lost socket."""
    resume_number: int = 0
    """The number of the last offer of that connection whose answer was applied."""
    take_over: bool = False


class LeaveRoom(Command, frozen=True):
    """Gives the seat up; answered with `Done`."""


class OfferMedia(Command, frozen=True):
    """A further offer: ICE restart, more slots, or a new RTCPeerConnection; answered with `MediaAnswer`."""

    offer: SessionDescription


class AskIceServers(Command, frozen=True):
    """Asks for the TURN servers that a connection may use where the network allows no other way; answered with
    `IceServers`. Only for those who are admitted, or wait for the practitioner."""


class SetMediaState(Command, frozen=True):
    """Tells the others what microphone and camera are doing; answered with `Done`."""

    media: MediaState


class ViewMedia(Command, frozen=True):
    """How large this page shows what it receives, all of it each time; answered with `Done`.

    Video sections that are not named count as large, so that nothing named means everything. A hidden page and
    «audio only» name all as `none`. Sound always comes.
    """

    tiles: Tiles


class ShareScreen(Command, frozen=True):
    """Becomes the one who shares a screen in this room; answered with `Done`.

    Practitioners take over from whoever shares; others are refused with `screen_in_use` meanwhile.
    """


class StopScreen(Command, frozen=True):
    """Ends the sharing of a screen; answered with `Done`, also when nobody shares.

    Practitioners may end anybody's; others are refused with `screen_in_use` when it is not their own.
    """


class FinishConsultation(Command, frozen=True):
    """Ends the consultation for everybody; practitioners only. Answered with `Done`."""


class RemoveParticipant(Command, frozen=True):
    """Sends a participant out, with no way back; practitioners only. Answered with `Done`."""

    participant: str


class Done(Message, frozen=True):
    """Nothing to tell but that it was done."""


class JoinResult(Message, frozen=True):
    snapshot: RoomSnapshot
    me: str
    answer: MediaAnswer | None
    media_resumed: bool = False


# Events


class Event(Message, frozen=True):
    """From the server to browsers."""


class AdmissionChanged(Event, frozen=True):
    verdict: VerdictView


class ParticipantChanged(Event, frozen=True):
    """Somebody's state changed, joining and leaving included."""

    version: int
    participant: ParticipantView


class RoomChanged(Event, frozen=True):
    """The room's own fields changed."""

    version: int
    started_at: datetime | None
    notice: RoomNotice | None
    finished: bool
    screen: str | None


class SlotsChanged(Event, frozen=True):
    """Which participant is on which section, for this connection only."""

    slots: tuple[SlotView, ...]
    missing_slots: int = 0


class MediaWanted(Event, frozen=True):
    """Which of its pictures this page shall send now: somebody can see them. Told again whenever it changes.

    Until told of a `connection` its camera sends `h` alone and its screen nothing.
    """

    connection: str
    """`SessionDescription.connection`: what is told of another one is old."""
    camera: tuple[str, ...]
    """The rids (`l`, `m`, `h`) to be active. A camera without rids sends when there is any."""
    screen: bool


class MediaLost(Event, frozen=True):
    """The media worker is gone: make a new RTCPeerConnection and send `media.offer`."""


class LinkLevel(StrEnum):
    """How good somebody's link is."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    LOST = "lost"


class PictureMeasure(StrEnum):
    """What is done about a weak link, so that sound stays."""

    NONE = "none"
    PICTURE_REDUCED = "picture_reduced"
    PICTURE_OFF = "picture_off"


class LinkQuality(Message, frozen=True):
    participant: str
    level: LinkLevel
    measure: PictureMeasure
    """What is done to the pictures that this person is sent."""


class QualityChanged(Event, frozen=True):
    """How good everybody's link is and what is done about it: all who have media, told whenever one of them changes."""

    people: tuple[LinkQuality, ...]


class SeatLostReason(StrEnum):
    TAKEN_OVER = "taken_over"
    REMOVED = "removed"
    LINK_REVOKED = "link_revoked"
    """The link that this device came with was revoked or replaced: it may have leaked."""
    NOT_INVITED = "not_invited"
    """The clinic took the participant off the appointment."""


class SeatLost(Event, frozen=True):
    """This connection no longer holds the seat: taken over by another device, or shut out."""

    reason: SeatLostReason


COMMANDS: dict[str, type[Command]] = {
    "admission.check": CheckAdmission,
    "consent.accept": AcceptConsent,
    "payment.returned": PaymentReturned,
    "room.join": JoinRoom,
    "room.leave": LeaveRoom,
    "media.servers": AskIceServers,
    "media.offer": OfferMedia,
    "media.state": SetMediaState,
    "media.view": ViewMedia,
    "screen.share": ShareScreen,
    "screen.stop": StopScreen,
    "consultation.finish": FinishConsultation,
    "participant.remove": RemoveParticipant,
}

RESULTS: dict[str, type[Message]] = {
    "admission.check": VerdictView,
    "consent.accept": VerdictView,
    "payment.returned": VerdictView,
    "room.join": JoinResult,
    "room.leave": Done,
    "media.servers": IceServers,
    "media.offer": MediaAnswer,
    "media.state": Done,
    "media.view": Done,
    "screen.share": Done,
    "screen.stop": Done,
    "consultation.finish": Done,
    "participant.remove": Done,
}

EVENTS: dict[str, type[Event]] = {
    "admission.changed": AdmissionChanged,
    "participant.changed": ParticipantChanged,
    "room.changed": RoomChanged,
    "media.slots": SlotsChanged,
    "media.wanted": MediaWanted,
    "media.lost": MediaLost,
    "media.quality": QualityChanged,
    "seat.lost": SeatLost,
}
