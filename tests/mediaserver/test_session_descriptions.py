"""Reading real offers, accepting, answering; and what is done with broken ones."""

import re

import pytest
from aiortc import sdp
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import ErrorCode, InputError
from mediaserver.dtls import Fingerprint
from mediaserver.ice import IceCredentials
from mediaserver.negotiated import Direction, ExtensionIds, Kind, Negotiated
from mediaserver.negotiation import Negotiation
from mediaserver.sdp_read import Offer, read_offer
from mediaserver.sdp_write import LocalParameters, write_answer
from tests.mediaserver.raw_client import browser_offer

BROWSERS = ["chromium", "firefox", "aiortc"]
LOCAL = LocalParameters(
    addresses=("192.0.2.1", "2001:db8::1"),
    port=40000,
    ice=IceCredentials("ours", "o" * 24),
    fingerprint=Fingerprint("sha-256", "AA:BB"),
    session=1,
    version=1,
)


def accept(browser: str) -> tuple[Offer, Negotiated]:
    offer = read_offer(browser_offer(browser))
    return offer, Negotiation().accept(offer, h264_by_all=True)


@pytest.mark.parametrize("browser", BROWSERS)
def test_all_sections_of_a_real_offer_are_accepted(browser: str) -> None:
    _, negotiated = accept(browser)
    assert [(section.kind, section.direction, section.slot) for section in negotiated.sections] == [
        (Kind.AUDIO, Direction.PUBLISH, -1),
        (Kind.VIDEO, Direction.PUBLISH, -1),
        (Kind.AUDIO, Direction.SUBSCRIBE, 0),
        (Kind.VIDEO, Direction.SUBSCRIBE, 0),
        (Kind.AUDIO, Direction.SUBSCRIBE, 1),
        (Kind.VIDEO, Direction.SUBSCRIBE, 1),
    ]
    for section in negotiated.sections:
        names = [codec.name for codec in section.codecs]
        assert names[0] == ("opus" if section.kind is Kind.AUDIO else "VP8")
        if section.kind is Kind.VIDEO:
            assert section.codecs[0].rtx_payload_type
            assert section.codecs[0].nack
            assert section.codecs[0].pli
            assert section.codecs[0].remb


@pytest.mark.parametrize(
    ("browser", "audio", "video", "seen"),
    [
        ("chromium", ExtensionIds(mid=4, audio_level=1, transport_cc=3), ExtensionIds(mid=4, transport_cc=3), 2),
        ("firefox", ExtensionIds(mid=3, audio_level=1, transport_cc=7), ExtensionIds(mid=3, transport_cc=7), 4),
        ("aiortc", ExtensionIds(mid=1, audio_level=2), ExtensionIds(mid=1, abs_send_time=3), 3),
    ],
)
def test_extension_ids_are_the_clients(browser: str, audio: ExtensionIds, video: ExtensionIds, seen: int) -> None:
    _, negotiated = accept(browser)
    assert negotiated.sections[0].extensions == audio
    assert negotiated.sections[1].extensions == video
    receiving = negotiated.sections[3].extensions
    assert receiving == ExtensionIds(mid=audio.mid, abs_send_time=seen)
    assert not any(codec.transport_cc for codec in negotiated.sections[3].codecs)


def test_declared_streams_are_paired_with_their_retransmissions() -> None:
    _, negotiated = accept("chromium")
    assert negotiated.sections[1].ssrcs == ((1038915013, 3498601069),)


@pytest.mark.parametrize("browser", BROWSERS)
def test_the_answer_mirrors_the_offer(browser: str) -> None:
    offer, negotiated = accept(browser)
    text = write_answer(offer, negotiated, LOCAL)
    answer = sdp.SessionDescription.parse(text)
    assert [media.rtp.muxId for media in answer.media] == [section.mid for section in offer.sections]
    assert [media.direction for media in answer.media] == ["recvonly"] * 2 + ["sendonly"] * 4
    assert all(media.dtls is not None and media.dtls.role == "server" for media in answer.media)
    assert all(media.ice is not None and media.ice.iceLite for media in answer.media)
    assert all(media.rtcp_mux for media in answer.media)
    candidates = answer.media[0].ice_candidates
    addresses = ["192.0.2.1", "2001:db8::1"]
    assert [(item.protocol, item.ip, item.port) for item in candidates] == [
        (protocol, address, 40000) for protocol in ("udp", "tcp") for address in addresses
    ]
    assert [item.tcpType for item in candidates] == [None, None, "passive", "passive"]
    priorities = [item.priority for item in candidates]
    assert priorities == sorted(set(priorities), reverse=True), "UDP first, earlier announced addresses first"
    assert max(priorities) < 1 << 31
    for section, media in zip(negotiated.sections, answer.media, strict=True):
        if section.direction is Direction.SUBSCRIBE:
            assert media.msid == f"slot-{section.slot} slot-{section.slot}-{section.kind}"
            assert tuple(item.ssrc for item in media.ssrc) == tuple(ssrc for ssrc in section.ssrcs[0] if ssrc)
    assert "video-orientation" not in text
    sounds = re.findall(r"m=audio 9 \S+ (.+)\r\n", text)
    assert sounds == {"chromium": ["111 63"] * 3, "firefox": ["109"] * 3, "aiortc": ["96"] * 3}[browser]
    assert text.count("a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n") == (3 if browser == "chromium" else 0)
    assert "minptime=10;useinbandfec=1;usedtx=1" in text


@pytest.mark.parametrize("blocks", ["111/0", "0", "", "111;x=1", "111/111/x"])
def test_red_of_anything_but_the_chosen_opus_is_not_accepted(blocks: str) -> None:
    text = browser_offer("chromium").replace("a=fmtp:63 111/111", f"a=fmtp:63 {blocks}")
    negotiated = Negotiation().accept(read_offer(text), h264_by_all=True)
    assert {codec.name for section in negotiated.sections for codec in section.codecs} == {"opus", "VP8", "H264"}


def test_h264_comes_after_vp8_and_only_as_constrained_baseline() -> None:
    offer, negotiated = accept("chromium")
    codecs = negotiated.sections[1].codecs
    assert [codec.name for codec in codecs][:1] == ["VP8"]
    text = write_answer(offer, negotiated, LOCAL)
    profiles = re.findall(r"profile-level-id=(\w+)", text)
    assert all(profile.startswith("42e0") for profile in profiles)


def test_ssrcs_and_slots_stay_over_a_renegotiation() -> None:
    negotiation = Negotiation()
    first = negotiation.accept(read_offer(browser_offer("chromium")), h264_by_all=True)
    text = browser_offer("chromium")
    # Slot 0 falls out of use, a slot is added at the end.
    sections = re.split(r"(?=^m=)", text, flags=re.MULTILINE)
    sections[3] = sections[3].replace("a=recvonly", "a=inactive")
    added = [re.sub(r"a=mid:\d+", f"a=mid:{mid}", sections[at]) for at, mid in ((5, 6), (6, 7))]
    again = "".join([*sections, *added]).replace("BUNDLE 0 1 2 3 4 5", "BUNDLE 0 1 2 3 4 5 6 7")
    second = negotiation.accept(read_offer(again), h264_by_all=True)
    before = {section.mid: section for section in first.sections}
    for section in second.sections:
        if section.direction is Direction.SUBSCRIBE and section.mid in before:
            assert (section.ssrcs, section.slot) == (before[section.mid].ssrcs, before[section.mid].slot)
    assert [section.slot for section in second.sections[-2:]] == [2, 2]
    third = negotiation.accept(read_offer(browser_offer("chromium")), h264_by_all=True)
    assert third.sections[2].slot == 0
    assert third.sections[2].ssrcs != first.sections[2].ssrcs
    assert third.sections[3].ssrcs == first.sections[3].ssrcs
    ours = [ssrc for section in second.sections[2:] for pair in section.ssrcs for ssrc in pair if ssrc]
    assert len(set(ours)) == len(ours)


def test_firefox_says_port_0_for_later_sections_and_means_it_not() -> None:
    text = browser_offer("firefox")
    assert "m=video 0 " in text
    assert all(section.usable for section in read_offer(text).sections)
    rejected = text.replace("a=bundle-only\r\n", "")
    assert [section.usable for section in read_offer(rejected).sections] == [True] + [False] * 5


def test_what_we_do_not_carry_is_rejected_in_its_place() -> None:
    text = browser_offer("chromium").replace("BUNDLE 0 1", "BUNDLE 0 data 1")
    first, second, rest = re.split(r"(?=^m=audio|^m=video)", text, maxsplit=2, flags=re.MULTILINE)
    channel = (
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:data\r\na=sctp-port:5000\r\n"
    )
    offer = read_offer(first + second + channel + rest)
    answer = write_answer(offer, Negotiation().accept(offer, h264_by_all=True), LOCAL)
    assert "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n" in answer
    assert "a=group:BUNDLE 0 1 2 3 4 5\r\n" in answer


def refused(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_offer(text)
    assert caught.value.code is ErrorCode.BAD_OFFER
    return caught.value.detail


CHROMIUM = browser_offer("chromium")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=0",
        "nonsense",
        "v=0\r\nm=audio\r\n",
        "v=x\r\n",
        "\0" + CHROMIUM,
        CHROMIUM[: len(CHROMIUM) // 2],
        CHROMIUM.replace("a=rtcp-mux\r\n", ""),
        CHROMIUM.replace("a=group:BUNDLE", "a=group:LS"),
        CHROMIUM.replace("a=setup:actpass", "a=setup:passive"),
        CHROMIUM.replace("a=setup:actpass", "a=setup:holdconn"),
        re.sub(r"a=fingerprint.*\r\n", "", CHROMIUM),
        re.sub(r"a=ice-ufrag.*\r\n", "", CHROMIUM),
        re.sub(r"a=ice-pwd.*\r\n", "a=ice-pwd:short\r\n", CHROMIUM),
        re.sub(r"a=ice-ufrag.*\r\n", "a=ice-ufrag:ours:theirs\r\n", CHROMIUM),
        re.sub(r"a=ice-ufrag.*\r\n", "a=ice-ufrag:\u0439\u0439\u0439\u0439\r\n", CHROMIUM),
        CHROMIUM.replace("a=mid:1\r\n", "a=mid:0\r\n"),
        CHROMIUM.replace("a=mid:1\r\n", ""),
        CHROMIUM.replace("a=mid:1\r\n", f"a=mid:{'x' * 40}\r\n"),
        CHROMIUM.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        CHROMIUM.replace("a=fmtp:111 ", "a=fmtp:77 "),
        CHROMIUM.replace("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 opus"),
        CHROMIUM.replace("a=extmap:1 ", "a=extmap:one "),
        CHROMIUM.replace("a=ssrc:", "a=ssrc:x"),
        CHROMIUM + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 40,
        CHROMIUM + "a=x:" + "y" * 70_000,
        CHROMIUM + "a=x\r\n" * 400,
        CHROMIUM + "".join(f"a=ssrc:{number} cname:x\r\n" for number in range(1, 2000)),
        CHROMIUM + "\x0b".join(f"a=ssrc:{number} cname:x" for number in range(1, 2000)),
        CHROMIUM + "a=rtcp-fb:* nack\r\n" * 65,
    ],
)
def test_broken_offers_are_refused_with_a_code(text: str) -> None:
    assert refused(text)


@pytest.mark.parametrize("browser", BROWSERS)
@settings(deadline=None)
@given(data=st.data())
def test_whatever_is_done_to_an_offer_it_is_read_or_refused(browser: str, data: st.DataObject) -> None:
    lines = browser_offer(browser).split("\r\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "double", "cut", "swap", "noise"]))
        if change == "drop" and len(lines) > 1:
            del lines[at]
        elif change == "double":
            lines.insert(at, lines[at])
        elif change == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
        elif change == "swap":
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] = lines[at][:6] + data.draw(st.text(max_size=20))
    try:
        offer = read_offer("\r\n".join(lines))
        answer = write_answer(offer, Negotiation().accept(offer, h264_by_all=True), LOCAL)
    except InputError:
        return
    assert answer.count("\r\nm=") == len(offer.sections)
    assert len(answer.split("\r\n")) == len(answer.splitlines()) + 1


@given(st.text(max_size=300))
def test_noise_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_offer(text)


@pytest.mark.parametrize("clock", ["0", "-90000", "9" * 400, "48000"])
def test_a_codec_with_an_impossible_clock_is_not_taken(clock: str) -> None:
    offer = read_offer(CHROMIUM.replace("VP8/90000", f"VP8/{clock}").replace("H264/90000", f"H264/{clock}"))
    assert {section.kind for section in Negotiation().accept(offer, h264_by_all=True).sections} == {Kind.AUDIO}


def test_a_payload_type_of_more_than_seven_bits_is_not_taken() -> None:
    offer = read_offer(re.sub(r"(?<=[ :])111(?=[ \r])", "200", CHROMIUM))
    assert {section.kind for section in Negotiation().accept(offer, h264_by_all=True).sections} == {Kind.VIDEO}
