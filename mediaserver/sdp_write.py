"""Our own writing of answers (RFC 8829 section 5.3, RFC 9143, RFC 8839): ICE-lite, passive DTLS, one bundle."""

from dataclasses import dataclass

from mediaserver import red
from mediaserver.candidates import candidate_lines
from mediaserver.dtls import Fingerprint
from mediaserver.ice import IceCredentials
from mediaserver.negotiated import Codec, Direction, ExtensionIds, Kind, Negotiated, Section
from mediaserver.negotiation import ABS_SEND_TIME, AUDIO_LEVEL, MID, REPAIRED_RID, RID, TRANSPORT_CC
from mediaserver.sdp_read import Offer, OfferedSection

_ANSWERED = {
    Direction.PUBLISH: "recvonly",
    Direction.SUBSCRIBE: "sendonly",
    Direction.INACTIVE: "inactive",
}
_OPUS = "minptime=10;useinbandfec=1;usedtx=1"


@dataclass(frozen=True, slots=True)
class LocalParameters:
    """Our side of the transport."""

    addresses: tuple[str, ...]
    port: int
    ice: IceCredentials
    fingerprint: Fingerprint
    session: int
    """The session id of the o-line, one for each connection."""
    version: int
    """Rises with each answer."""


def write_answer(offer: Offer, negotiated: Negotiated, local: LocalParameters) -> str:
    accepted = {section.mid: section for section in negotiated.sections}
    lines = [
        "v=0",
        f"o=- {local.session} {local.version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        f"a=group:BUNDLE {' '.join(accepted)}",
        "a=msid-semantic:WMS *",
    ]
    candidates = candidate_lines(local.addresses, local.port)
    for offered in offer.sections:
        section = accepted.get(offered.mid)
        if section is None:
            lines += _rejected(offered)
        else:
            # Browsers read the first section of a bundle, aiortc the last: each names the candidates.
            lines += _accepted(offered, section, local) + candidates
    return "\r\n".join(lines) + "\r\n"


def _rejected(offered: OfferedSection) -> list[str]:
    return [
        f"m={offered.media} 0 {offered.profile} {offered.formats}",
        "c=IN IP4 0.0.0.0",
        "a=inactive",
        f"a=mid:{offered.mid}",
    ]


def _accepted(offered: OfferedSection, section: Section, local: LocalParameters) -> list[str]:
    payload_types = [
        str(number) for codec in section.codecs for number in (codec.payload_type, codec.rtx_payload_type) if number
    ]
    lines = [
        f"m={offered.media} 9 {offered.profile} {' '.join(payload_types)}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{local.ice.ufrag}",
        f"a=ice-pwd:{local.ice.password}",
        f"a=fingerprint:{local.fingerprint.algorithm} {local.fingerprint.value}",
        "a=setup:passive",
        f"a=mid:{section.mid}",
        f"a={_ANSWERED[section.direction]}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    lines += _extension_lines(section.extensions)
    for codec in section.codecs:
        lines += _codec_lines(codec, offered)
    if section.rids:
        as_offered = [rid for rid in offered.rids if rid in section.rids]
        lines += [f"a=rid:{rid} recv" for rid in as_offered]
        lines.append(f"a=simulcast:recv {';'.join(as_offered)}")
    if section.direction is Direction.SUBSCRIBE:
        lines += _stream_lines(section)
    return lines


def _extension_lines(ids: ExtensionIds) -> list[str]:
    named = (
        (ids.mid, MID),
        (ids.rid, RID),
        (ids.repaired_rid, REPAIRED_RID),
        (ids.audio_level, AUDIO_LEVEL),
        (ids.abs_send_time, ABS_SEND_TIME),
        (ids.transport_cc, TRANSPORT_CC),
    )
    return [f"a=extmap:{number} {uri}" for number, uri in named if number]


def _codec_lines(codec: Codec, offered: OfferedSection) -> list[str]:
    number = codec.payload_type
    channels = "/2" if offered.kind is Kind.AUDIO else ""
    lines = [f"a=rtpmap:{number} {codec.name}/{codec.clock_rate}{channels}"]
    feedback = (
        (codec.remb, "goog-remb"),
        (codec.transport_cc, "transport-cc"),
        (codec.nack, "nack"),
        (codec.pli, "nack pli"),
    )
    lines += [f"a=rtcp-fb:{number} {name}" for wanted, name in feedback if wanted]
    if codec.name == "opus":
        lines.append(f"a=fmtp:{number} {_OPUS}")
    elif codec.name == red.NAME:
        lines.append(f"a=fmtp:{number} {codec.blocks}/{codec.blocks}")
    elif codec.name == "H264":
        lines.append(f"a=fmtp:{number} {_h264_parameters(number, offered)}")
    if codec.rtx_payload_type:
        lines.append(f"a=rtpmap:{codec.rtx_payload_type} rtx/{codec.clock_rate}")
        lines.append(f"a=fmtp:{codec.rtx_payload_type} apt={number}")
    return lines


def _h264_parameters(payload_type: int, offered: OfferedSection) -> str:
    chosen = next(codec for codec in offered.codecs if codec.payload_type == payload_type)
    profile = chosen.parameters["profile-level-id"]
    return f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}"


def _stream_lines(section: Section) -> list[str]:
    """The slot's two sections share a stream, so that browsers keep lips and sound together."""
    name = section.canonical_name
    stream = f"{name} {name}-{section.kind}"
    primary, repair = section.ssrcs[0]
    lines = [f"a=msid:{stream}"]
    if repair:
        lines.append(f"a=ssrc-group:FID {primary} {repair}")
    for ssrc in (primary, repair):
        if ssrc:
            lines += [f"a=ssrc:{ssrc} cname:{name}", f"a=ssrc:{ssrc} msid:{stream}"]
    return lines
