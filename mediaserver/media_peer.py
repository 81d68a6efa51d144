"""One peer of a room: its connection's offers and answers, and who is on which of its slots."""

import secrets

from contract.errors import ConflictError, ErrorCode, InputError
from mediaserver.link_messages import SlotEntry
from mediaserver.negotiated import SCREEN_SLOT, Direction, Kind, Negotiated, Section
from mediaserver.negotiation import Negotiation
from mediaserver.sdp_read import Offer
from mediaserver.sdp_write import LocalParameters, write_answer
from mediaserver.settings import MAXIMUM_OFFERS
from mediaserver.transport import Transport
from mediaserver.transport_state import TransportState
from mediaserver.wanted import Substitutes, Wanted, WantedTeller

CONNECTING_SECONDS = 10.0
"""Who comes is taken for a viewer so long before anything connects, so that the picture is there at once."""


class MediaPeer:
    """Lives as long as its transport. Slots are filled by the room."""

    def __init__(self, name: str, connection: str, transport: Transport) -> None:
        self.name = name
        self.connection = connection
        self.transport = transport
        self.came_at = 0.0
        """When its first offer was answered."""
        self.number = 0
        """Of the last offer answered; they count from 1, whatever the client begins with is taken as it comes."""
        self.answer = ""
        self.slots: list[str | None] = []
        """Which peer is on each slot."""
        self.missing_slots = 0
        """How many publishers found no slot."""
        self.screen: str | None = None
        """Which peer's screen is on the screen section."""
        self.wanted: WantedTeller | None = None
        """Once it has a picture to send."""
        self.substitutes = Substitutes()
        self.camera_since = float("-inf")
        """When its camera was first offered."""
        self._negotiation = Negotiation()
        self._negotiated = Negotiated(())
        self._session = secrets.randbits(62)
        self._answers = 0

    def watches(self, now: float) -> bool:
        """Whether it is, or is about to be, there to be sent pictures."""
        if self.transport.state in (TransportState.NEW, TransportState.CONNECTING):
            return now - self.came_at < CONNECTING_SECONDS
        return self.transport.state in (TransportState.LIVE, TransportState.UNSTABLE)

    @property
    def publishes(self) -> bool:
        return any(section.direction is Direction.PUBLISH for section in self._negotiated.sections)

    @property
    def camera(self) -> Section | None:
        return self._picture(slides=False)

    @property
    def screen_section(self) -> Section | None:
        """On which it sends its screen."""
        return self._picture(slides=True)

    def _picture(self, *, slides: bool) -> Section | None:
        for section in self._negotiated.sections:
            if section.direction is Direction.PUBLISH and section.kind is Kind.VIDEO and section.slides is slides:
                return section
        return None

    @property
    def receives_screen(self) -> bool:
        return any(section.slot == SCREEN_SLOT for section in self._negotiated.sections)

    @property
    def shows_h264(self) -> bool:
        """Whether every picture it receives may come as H.264."""
        return all(
            any(codec.name == "H264" for codec in section.codecs)
            for section in self._negotiated.sections
            if section.direction is Direction.SUBSCRIBE and section.kind is Kind.VIDEO
        )

    def stored_answer(self, number: int) -> str | None:
        """The answer of a repeated offer; None when the offer is a new one.

        Raises `ConflictError(STALE_OFFER)` for one that is older than the last.
        """
        if not self.answer or number > self.number:
            return None
        if number < self.number:
            raise ConflictError(ErrorCode.STALE_OFFER, f"offer {number} after {self.number}")
        return self.answer

    def negotiate(
        self, offer: Offer, number: int, addresses: tuple[str, ...], port: int, now: float, *, h264_by_all: bool
    ) -> None:
        """Answers an offer: after it `answer` is set and `slots` has its new length.

        Raises `InputError(BAD_OFFER)`, and then nothing has changed.
        """
        if offer.fingerprints != self.transport.fingerprints:
            raise InputError(ErrorCode.BAD_OFFER, "another certificate needs another connection")
        if self._answers >= MAXIMUM_OFFERS:
            raise InputError(ErrorCode.BAD_OFFER, "so many offers need another connection")
        negotiated = self._negotiation.accept(offer, h264_by_all=h264_by_all)
        if not negotiated.sections:
            raise InputError(ErrorCode.BAD_OFFER, "no codec in common")
        self.transport.set_remote_credentials(offer.ice, now)
        self.transport.media.negotiate(negotiated)
        self.transport.video_formats = negotiated.video_formats
        self._negotiated = negotiated
        if not self._answers:
            self.came_at = now
        if self.camera is not None and self.camera_since < 0:
            self.camera_since = now
        self._answers += 1
        local = LocalParameters(
            addresses=addresses,
            port=port,
            ice=self.transport.credentials,
            fingerprint=self.transport.own_fingerprint,
            session=self._session,
            version=self._answers,
        )
        self.answer = write_answer(offer, negotiated, local)
        self.number = number
        needed = 1 + max((section.slot for section in negotiated.sections), default=-1)
        self.slots += [None] * (needed - len(self.slots))
        if self.wanted is None and (self.camera is not None or self.screen_section is not None):
            self.wanted = WantedTeller(Wanted(frozenset({self.camera_layers - 1}), screen=False))

    @property
    def camera_layers(self) -> int:
        return max(1, len(self.camera.rids)) if self.camera is not None else 1

    def camera_rids(self, layers: frozenset[int]) -> tuple[str, ...]:
        """As the page is told; a camera with one layer is called `h`."""
        rids = (self.camera.rids if self.camera is not None else ()) or ("h",)
        return tuple(rids[layer] for layer in sorted(layers) if layer < len(rids))

    def slot_entries(self) -> tuple[SlotEntry, ...]:
        """Who is on each receive-only section."""
        return tuple(
            SlotEntry(section.mid, self.screen if section.slot == SCREEN_SLOT else self.slots[section.slot])
            for section in self._negotiated.sections
            if section.direction is Direction.SUBSCRIBE
        )
