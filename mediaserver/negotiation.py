"""What we accept of an offer. Remembers what must stay stable over the offers of one connection: SSRCs and slots."""

import secrets

from mediaserver import red
from mediaserver.negotiated import NO_SLOT, SCREEN_SLOT, Codec, Direction, ExtensionIds, Kind, Negotiated, Section
from mediaserver.sdp_read import Offer, OfferedCodec, OfferedSection

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

# RFC 7587 section 4.1; RFC 7741 section 6.1, RFC 6184 section 8.1.
_OPUS_CLOCK = 48_000
_VIDEO_CLOCK = 90_000
_CONSTRAINED_BASELINE = "42e0"
_LAYERS = ("l", "m", "h")
"""What our pages call them."""


class Negotiation:
    """One connection's memory. Not shared between connections: a new one has new keys, so new numbers."""

    def __init__(self) -> None:
        self._ssrcs: dict[str, tuple[int, int]] = {}
        self._slots: dict[str, int] = {}
        self._next_slot = {Kind.AUDIO: 0, Kind.VIDEO: 0}
        self._used: set[int] = {0}
        self._screen = ""
        """The mid of the section that shows the shared screen: there is one, and each gets every packet."""

    def accept(self, offer: Offer, *, h264_by_all: bool) -> Negotiated:
        """The sections that will carry media, or may later (INACTIVE), in the order of the offer.

        `h264_by_all`: everybody else in the room can show H.264, so this client may send it.
        """
        for section in offer.sections:
            self._used.update(ssrc for pair in section.ssrcs for ssrc in pair)
        subscribed = {item.mid for item in offer.sections if item.usable and item.direction is Direction.SUBSCRIBE}
        # A section that paused starts with new SSRCs: under the old ones a sequence number might come a second time.
        self._ssrcs = {mid: pair for mid, pair in self._ssrcs.items() if mid in subscribed}
        screens = [item.mid for item in offer.sections if item.mid in subscribed and _shows_a_screen(item)]
        if self._screen not in screens:
            self._screen = next(iter(screens), "")
        accepted = (self._section(offered, h264_by_all) for offered in offer.sections if offered.usable)
        return Negotiated(tuple(section for section in accepted if section is not None))

    def _section(self, offered: OfferedSection, h264_by_all: bool) -> Section | None:
        codecs = accepted_codecs(offered, h264_by_all)
        if not codecs:
            return None
        subscribing = offered.direction is Direction.SUBSCRIBE
        if subscribing and _shows_a_screen(offered) and offered.mid != self._screen:
            return None
        rids = accepted_rids(offered, codecs)
        if rids:
            # Layers are switched by rewriting VP8's picture numbers; their SSRCs are learnt, never declared.
            codecs = codecs[:1]
            declared: tuple[tuple[int, int], ...] = ()
        else:
            declared = offered.ssrcs
        return Section(
            mid=offered.mid,
            kind=offered.kind,
            direction=offered.direction,
            codecs=codecs,
            extensions=_extensions(offered, simulcast=bool(rids)),
            ssrcs=(self._own_ssrcs(offered, codecs),) if subscribing else declared,
            slot=self._slot(offered) if subscribing else NO_SLOT,
            rids=rids,
            slides=_shows_a_screen(offered),
        )

    def _own_ssrcs(self, offered: OfferedSection, codecs: tuple[Codec, ...]) -> tuple[int, int]:
        if offered.mid not in self._ssrcs:
            repaired = any(codec.rtx_payload_type for codec in codecs)
            self._ssrcs[offered.mid] = (self._fresh_ssrc(), self._fresh_ssrc() if repaired else 0)
        return self._ssrcs[offered.mid]

    def _fresh_ssrc(self) -> int:
        while (ssrc := secrets.randbits(32)) in self._used:
            pass
        self._used.add(ssrc)
        return ssrc

    def _slot(self, offered: OfferedSection) -> int:
        """The i-th receive-only audio and the i-th receive-only video make slot i, for good."""
        if _shows_a_screen(offered):
            return SCREEN_SLOT
        if offered.mid not in self._slots:
            self._slots[offered.mid] = self._next_slot[offered.kind]
            self._next_slot[offered.kind] += 1
        return self._slots[offered.mid]


def _shows_a_screen(offered: OfferedSection) -> bool:
    return offered.slides and offered.kind is Kind.VIDEO


def accepted_codecs(offered: OfferedSection, h264_by_all: bool) -> tuple[Codec, ...]:
    """Opus and RED of it for sound, in the client's order: browsers send what the answer has first, so that the page
    decides. VP8, then constrained baseline H.264 for pictures.

    Who sends is given H.264 beside VP8 only when all can show it, and without VP8 in any case: a picture for some is
    more than none. Who receives is asked for all it has, so that both are known of it.
    """
    if offered.kind is Kind.AUDIO:
        opus = _first(offered, "opus", _OPUS_CLOCK)
        wanted = [("opus", opus), (red.NAME, _red_of(opus, offered))]
        wanted.sort(key=lambda each: offered.codecs.index(each[1]) if each[1] is not None else 0)
    else:
        vp8 = _first(offered, "vp8", _VIDEO_CLOCK)
        with_h264 = h264_by_all or vp8 is None or offered.direction is Direction.SUBSCRIBE
        wanted = [("VP8", vp8), ("H264", _first_h264(offered) if with_h264 else None)]
    return tuple(_codec(name, codec, offered) for name, codec in wanted if codec is not None)


def accepted_rids(offered: OfferedSection, codecs: tuple[Codec, ...]) -> tuple[str, ...]:
    """Simulcast of VP8, where packets can tell their section and layer. Low to high: by the names that pages give, else
    the first is the highest. Of a section that may send later, too: Firefox keeps the layers that were answered."""
    told = MID in offered.extensions and RID in offered.extensions
    if offered.direction is not Direction.SUBSCRIBE and told and codecs[0].name == "VP8" and len(offered.rids) > 1:
        known = set(offered.rids) <= set(_LAYERS)
        return tuple(sorted(offered.rids, key=_LAYERS.index)) if known else offered.rids[::-1]
    return ()


def _first(offered: OfferedSection, name: str, clock_rate: int) -> OfferedCodec | None:
    return next((codec for codec in offered.codecs if codec.name == name and codec.clock_rate == clock_rate), None)


def _red_of(opus: OfferedCodec | None, offered: OfferedSection) -> OfferedCodec | None:
    """RED whose blocks are this Opus and nothing else (RFC 2198 section 5)."""
    for codec in offered.codecs:
        if opus is not None and codec.name == red.NAME and codec.clock_rate == _OPUS_CLOCK:
            blocks = [block for parameter in codec.parameters for block in parameter.split("/")]
            if set(blocks) == {str(opus.payload_type)}:
                return codec
    return None


def _first_h264(offered: OfferedSection) -> OfferedCodec | None:
    """RFC 6184 section 8.1: non-interleaved mode, profile 42e0 (RFC 7742 section 6.2)."""
    for codec in offered.codecs:
        profile = codec.parameters.get("profile-level-id", "").lower()
        if (
            codec.name == "h264"
            and codec.clock_rate == _VIDEO_CLOCK
            and profile.startswith(_CONSTRAINED_BASELINE)
            and codec.parameters.get("packetization-mode") == "1"
        ):
            return codec
    return None


def _codec(name: str, chosen: OfferedCodec, offered: OfferedSection) -> Codec:
    publishing = offered.direction is not Direction.SUBSCRIBE
    video = offered.kind is Kind.VIDEO
    repair = next(
        (
            codec.payload_type
            for codec in offered.codecs
            if codec.name == "rtx" and codec.parameters.get("apt") == str(chosen.payload_type)
        ),
        0,
    )
    return Codec(
        name=name,
        payload_type=chosen.payload_type,
        clock_rate=chosen.clock_rate,
        rtx_payload_type=repair if video else 0,
        nack=video and "nack" in chosen.feedback,
        pli=video and "nack pli" in chosen.feedback,
        # Towards us REMB tells the publisher its subscriber's limit; from the client it is the client's own estimate.
        remb=video and "goog-remb" in chosen.feedback,
        # Not where the client receives: it would then stop estimating by itself.
        transport_cc=publishing and "transport-cc" in chosen.feedback and TRANSPORT_CC in offered.extensions,
        blocks=int(next(iter(chosen.parameters)).split("/")[0]) if name == red.NAME else 0,
    )


def _extensions(offered: OfferedSection, *, simulcast: bool) -> ExtensionIds:
    publishing = offered.direction is not Direction.SUBSCRIBE
    ids = offered.extensions
    transport_cc = ids.get(TRANSPORT_CC, 0) if publishing else 0
    return ExtensionIds(
        mid=ids.get(MID, 0),
        rid=ids.get(RID, 0) if simulcast else 0,
        repaired_rid=ids.get(REPAIRED_RID, 0) if simulcast else 0,
        audio_level=ids.get(AUDIO_LEVEL, 0) if offered.kind is Kind.AUDIO else 0,
        abs_send_time=0 if transport_cc else ids.get(ABS_SEND_TIME, 0),
        transport_cc=transport_cc,
    )
