"""What an offer and our answer agreed on, in the terms of the packet path. Produced by `sdp_*`, used by forwarding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

NO_SLOT = -1
SCREEN_SLOT = -2
"""The slot of sections that show the room's shared screen."""


class Kind(StrEnum):
    AUDIO = "audio"
    VIDEO = "video"


class Direction(StrEnum):
    """From the peer's point of view."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class ExtensionIds:
    """Header extension ids (RFC 8285) of one section; 0 = not negotiated."""

    mid: int = 0
    rid: int = 0
    repaired_rid: int = 0
    audio_level: int = 0
    abs_send_time: int = 0
    transport_cc: int = 0


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload format. `rtx_payload_type` 0 = no retransmission (RFC 4588)."""

    name: str
    """`opus`, `red`, `VP8` or `H264`."""
    payload_type: int
    clock_rate: int
    rtx_payload_type: int = 0
    nack: bool = False
    pli: bool = False
    remb: bool = False
    transport_cc: bool = False
    blocks: int = 0
    """Of `red`: the payload type of what is in it (RFC 2198)."""

    def carries(self, other: Codec) -> bool:
        """Whether a payload of `other` may go out under this one as it came."""
        return self.name == other.name and self.blocks == other.blocks


@dataclass(frozen=True, slots=True)
class Section:
    """One accepted m-section.

    PUBLISH: `ssrcs` are those the offer declared (may be empty: learnt from mid), as (primary, rtx) pairs.
    SUBSCRIBE: exactly one pair, ours, stable for the section's life; rtx 0 where there is none.
    """

    mid: str
    kind: Kind
    direction: Direction
    codecs: tuple[Codec, ...]
    extensions: ExtensionIds
    ssrcs: tuple[tuple[int, int], ...]
    slot: int = NO_SLOT
    """SUBSCRIBE: which slot (pair of audio and video) the section belongs to, from 0; or `SCREEN_SLOT`."""
    rids: tuple[str, ...] = ()
    """PUBLISH: simulcast layers (RFC 8853), low to high; empty: one layer without a rid."""
    slides: bool = False
    """Shows a screen (RFC 4796), not a camera."""

    @property
    def canonical_name(self) -> str:
        """The CNAME (RFC 3550 section 6.5.1) of what we send on a section."""
        return "screen" if self.slot == SCREEN_SLOT else f"slot-{self.slot}"


@dataclass(frozen=True, slots=True)
class Negotiated:
    """One peer's accepted sections, in the order of the offer."""

    sections: tuple[Section, ...]

    @property
    def video_formats(self) -> frozenset[int]:
        """Every payload type of pictures, retransmissions included; within a bundle a number has one meaning."""
        return frozenset(
            number
            for section in self.sections
            if section.kind is Kind.VIDEO
            for codec in section.codecs
            for number in (codec.payload_type, codec.rtx_payload_type)
            if number
        )
