"""The one place where a client's session description (RFC 8866, RFC 8829) is read.

Tolerant of what browsers differ in, strict about what the media path needs, and closed to surprises: whatever is
wrong with the text becomes one `InputError(BAD_OFFER)`.
"""

import re
from dataclasses import dataclass

from aiortc import sdp

from contract.errors import ErrorCode, InputError
from mediaserver.dtls import Fingerprint
from mediaserver.ice import IceCredentials
from mediaserver.negotiated import Direction, Kind

MAXIMUM_BYTES = 64 * 1024
MAXIMUM_SECTIONS = 32
MAXIMUM_LINES = 400
"""Of one section; a browser's longest has 180."""
MAXIMUM_WILDCARDS = 64
"""Feedback lines for every codec at once; browsers write none."""
MAXIMUM_SSRCS = 16
MAXIMUM_LAYERS = 3

_DIRECTIONS = {
    "sendonly": Direction.PUBLISH,
    "sendrecv": Direction.PUBLISH,
    "recvonly": Direction.SUBSCRIBE,
    "inactive": Direction.INACTIVE,
}
_MAXIMUM_EXTENSION_ID = 14
_MAXIMUM_PAYLOAD_TYPE = 127
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
"""RFC 8839 section 5.4."""
_RID = re.compile(r"[A-Za-z0-9_-]{1,16}")
"""RFC 8851 section 10; no longer than fits a one-byte header extension."""


@dataclass(frozen=True, slots=True)
class OfferedCodec:
    """One payload type of a section, as offered."""

    name: str
    """Lower case, such as `vp8`, `rtx`."""
    payload_type: int
    clock_rate: int
    parameters: dict[str, str]
    feedback: frozenset[str]
    """Such as `nack`, `nack pli`, `transport-cc`."""


@dataclass(frozen=True, slots=True)
class OfferedSection:
    """One m-section; `usable` False: rejected, or of a kind that we don't carry."""

    mid: str
    media: str
    profile: str
    formats: str
    usable: bool
    kind: Kind
    direction: Direction
    codecs: tuple[OfferedCodec, ...]
    extensions: dict[str, int]
    """Header extension ids by URI."""
    ssrcs: tuple[tuple[int, int], ...]
    """Declared streams as (primary, retransmission) pairs; 0 = none."""
    rids: tuple[str, ...]
    """Simulcast streams that the client can send (RFC 8853), in the order of the offer."""
    slides: bool
    """`a=content:slides` (RFC 4796)."""


@dataclass(frozen=True, slots=True)
class Offer:
    sections: tuple[OfferedSection, ...]
    ice: IceCredentials
    fingerprints: tuple[Fingerprint, ...]


def read_offer(text: str) -> Offer:
    """Raises `InputError(BAD_OFFER)`, and nothing else, for whatever can't be answered."""
    if len(text.encode("utf-8", "replace")) > MAXIMUM_BYTES:
        raise _bad("the description is too large")
    if not text.startswith("v=0"):
        raise _bad("no session description")
    _check_bounds(text)
    try:
        return _read(text)
    except InputError:
        raise
    except Exception:
        # `aiortc.sdp` raises anything from StopIteration to AssertionError for bad input.
        raise _bad("the description can't be read") from None


def _check_bounds(text: str) -> None:
    """`aiortc.sdp` looks for each line's owner one by one, so that long sections cost the square of their length."""
    sections, length, wildcards = 0, 0, 0
    for line in text.splitlines():
        begins = line.startswith("m=")
        sections += begins
        length = 1 if begins else length + 1
        wildcards += line.startswith("a=rtcp-fb:*")
        if sections > MAXIMUM_SECTIONS:
            raise _bad("too many sections")
        if length > MAXIMUM_LINES or wildcards > MAXIMUM_WILDCARDS:
            raise _bad("too many lines in a section")


def _read(text: str) -> Offer:
    description = sdp.SessionDescription.parse(text)
    if not description.media:
        raise _bad("no sections")
    bundled = _bundled(description)
    _, groups = sdp.grouplines(text)
    sections = tuple(_section(media, lines, bundled) for media, lines in zip(description.media, groups, strict=True))
    mids = [section.mid for section in sections]
    if len(set(mids)) != len(mids) or not all(_is_token(mid) for mid in mids):
        raise _bad("every section needs a mid of its own")
    usable = [media for media, section in zip(description.media, sections, strict=True) if section.usable]
    if not usable:
        raise _bad("no section that can be used")
    return Offer(sections, _ice(usable), _fingerprints(usable))


def _bundled(description: sdp.SessionDescription) -> frozenset[str]:
    """The mids of the BUNDLE group (RFC 9143); a lone section is its own."""
    for group in description.group:
        if group.semantic == "BUNDLE":
            bundled = frozenset(str(item) for item in group.items)
            if not bundled <= {str(media.rtp.muxId) for media in description.media}:
                raise _bad("the bundle names a section that is not there")
            return bundled
    if len(description.media) == 1:
        return frozenset({str(description.media[0].rtp.muxId)})
    raise _bad("all sections must be bundled")


def _section(media: sdp.MediaDescription, lines: list[str], bundled: frozenset[str]) -> OfferedSection:
    mid = str(media.rtp.muxId)
    # With it port 0 is no rejection (RFC 9143 section 6).
    bundle_only = "a=bundle-only" in lines
    carried = media.kind in ("audio", "video") and "RTP/SAVPF" in media.profile
    usable = carried and (media.port != 0 or bundle_only) and mid in bundled
    if usable and not media.rtcp_mux:
        raise _bad("RTP and RTCP must share a port")
    return OfferedSection(
        mid=mid,
        media=media.kind,
        profile=media.profile,
        formats=" ".join(str(item) for item in media.fmt),
        usable=usable,
        kind=Kind.VIDEO if media.kind == "video" else Kind.AUDIO,
        direction=_DIRECTIONS[media.direction or "sendrecv"],
        codecs=_codecs(media) if carried else (),
        extensions={item.uri: item.id for item in media.rtp.headerExtensions if 0 < item.id <= _MAXIMUM_EXTENSION_ID},
        ssrcs=_ssrcs(media),
        rids=_rids(lines),
        slides="a=content:slides" in lines,
    )


def _rids(lines: list[str]) -> tuple[str, ...]:
    """Of each simulcast stream (RFC 8853 section 5.1) the first alternative, paused ones included."""
    sendable = {line.removeprefix("a=rid:").split(" ")[0] for line in lines if re.match(r"a=rid:\S+ send\b", line)}
    for line in lines:
        found = re.match(r"a=simulcast:(?:.* )?send (\S+)", line)
        if found:
            first = [stream.split(",")[0].removeprefix("~") for stream in found[1].split(";")]
            named = [rid for rid in dict.fromkeys(first) if rid in sendable and _RID.fullmatch(rid)]
            return tuple(named[:MAXIMUM_LAYERS])
    return ()


def _codecs(media: sdp.MediaDescription) -> tuple[OfferedCodec, ...]:
    """In the order of the m-line, which is the order of preference."""
    by_payload_type = {codec.payloadType: codec for codec in media.rtp.codecs if codec.payloadType is not None}
    return tuple(
        OfferedCodec(
            name=codec.name.lower(),
            payload_type=payload_type,
            clock_rate=codec.clockRate,
            parameters={name: str(value) for name, value in codec.parameters.items()},
            feedback=frozenset(
                f"{item.type} {item.parameter}" if item.parameter else item.type for item in codec.rtcpFeedback
            ),
        )
        for payload_type, codec in ((item, by_payload_type.get(item)) for item in media.fmt)
        if codec is not None and payload_type <= _MAXIMUM_PAYLOAD_TYPE
    )


def _ssrcs(media: sdp.MediaDescription) -> tuple[tuple[int, int], ...]:
    """RFC 5576: FID groups pair a stream with its retransmissions."""
    pairs = {
        int(group.items[0]): int(group.items[1])
        for group in media.ssrc_group
        if group.semantic == "FID" and len(group.items) == 2
    }
    repairs = set(pairs.values())
    declared = [item.ssrc for item in media.ssrc[:MAXIMUM_SSRCS] if 0 < item.ssrc < 1 << 32]
    return tuple((ssrc, pairs.get(ssrc, 0)) for ssrc in declared if ssrc not in repairs)


def _ice(usable: list[sdp.MediaDescription]) -> IceCredentials:
    for media in usable:
        if media.ice is not None and media.ice.usernameFragment and media.ice.password:
            ufrag, password = media.ice.usernameFragment, media.ice.password
            if not _UFRAG.fullmatch(ufrag) or not 22 <= len(password) <= 256:
                raise _bad("ICE credentials of a wrong form")
            return IceCredentials(ufrag, password)
    raise _bad("no ICE credentials")


def _fingerprints(usable: list[sdp.MediaDescription]) -> tuple[Fingerprint, ...]:
    for media in usable:
        if media.dtls is not None and media.dtls.fingerprints:
            if media.dtls.role == "server":
                raise _bad("the client must be able to take the active DTLS role")
            return tuple(Fingerprint(item.algorithm.lower(), item.value.upper()) for item in media.dtls.fingerprints)
    raise _bad("no certificate fingerprint")


def _is_token(mid: str) -> bool:
    """Short enough for a one-byte header extension (RFC 8285), and nothing that could break a line."""
    return 0 < len(mid) <= 16 and mid.isascii() and mid.isprintable() and " " not in mid


def _bad(detail: str) -> InputError:
    return InputError(ErrorCode.BAD_OFFER, detail)
