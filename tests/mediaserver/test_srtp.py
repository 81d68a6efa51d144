"""Our way into libsrtp against pylibsrtp's own: a contract test, since pylibsrtp does not promise the names used."""

import pylibsrtp
import pytest

from mediaserver.places import LONGEST_PACKET
from mediaserver.srtp import SrtpSession
from tests.mediaserver.in_place import protect, unprotect

PROFILES = {
    pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM: bytes(range(28)),
    pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80: bytes(range(30)),
}
RTCP = bytes.fromhex("80c90001 00000007")


def policy(profile: int, direction: int) -> pylibsrtp.Policy:
    made = pylibsrtp.Policy(key=PROFILES[profile], ssrc_type=direction, srtp_profile=profile)
    made.allow_repeat_tx = False
    return made


def rtp(sequence: int, payload: bytes = b"payload") -> bytes:
    return b"\x80\x60" + sequence.to_bytes(2, "big") + bytes(7) + b"\x07" + payload


@pytest.mark.parametrize("profile", PROFILES)
def test_it_says_what_pylibsrtp_says(profile: int) -> None:
    outgoing = policy(profile, pylibsrtp.Policy.SSRC_ANY_OUTBOUND), policy(profile, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    incoming = policy(profile, pylibsrtp.Policy.SSRC_ANY_INBOUND), policy(profile, pylibsrtp.Policy.SSRC_ANY_INBOUND)
    ours, theirs = SrtpSession(outgoing[0]), pylibsrtp.Session(outgoing[1])
    our_end, their_end = SrtpSession(incoming[0]), pylibsrtp.Session(incoming[1])
    for sequence in range(3):
        packet = rtp(sequence, bytes(range(200)) * sequence)
        protected = protect(ours.protect, ours.handle, packet)
        assert protected == theirs.protect(packet)
        assert unprotect(our_end.unprotect, our_end.handle, protected) == their_end.unprotect(protected) == packet
    protected = protect(ours.protect_rtcp, ours.handle, RTCP)
    assert protected == theirs.protect_rtcp(RTCP)
    assert unprotect(our_end.unprotect_rtcp, our_end.handle, protected) == their_end.unprotect_rtcp(protected) == RTCP


@pytest.mark.parametrize("profile", PROFILES)
def test_what_libsrtp_refuses_is_an_error_with_its_words(profile: int) -> None:
    ours = SrtpSession(policy(profile, pylibsrtp.Policy.SSRC_ANY_OUTBOUND))
    end = SrtpSession(policy(profile, pylibsrtp.Policy.SSRC_ANY_INBOUND))
    protected = protect(ours.protect, ours.handle, rtp(1))
    with pytest.raises(pylibsrtp.Error, match="replay"):
        protect(ours.protect, ours.handle, rtp(1, b"other"))
    with pytest.raises(pylibsrtp.Error):
        unprotect(end.unprotect, end.handle, protected[:-1] + bytes([protected[-1] ^ 1]))
    assert unprotect(end.unprotect, end.handle, protected) == rtp(1)
    with pytest.raises(pylibsrtp.Error, match="replay"):
        unprotect(end.unprotect, end.handle, protected)
    for function in (ours.protect, ours.protect_rtcp):
        with pytest.raises(ValueError, match="too long"):
            protect(function, ours.handle, bytes(LONGEST_PACKET + 1))
        with pytest.raises(pylibsrtp.Error):
            protect(function, ours.handle, b"\x80")
    for opposite in (end.unprotect, end.unprotect_rtcp):
        with pytest.raises(ValueError, match="too long"):
            unprotect(opposite, end.handle, bytes(LONGEST_PACKET + 1))
        with pytest.raises(pylibsrtp.Error):
            unprotect(opposite, end.handle, b"\x80")


def test_the_longest_packet_fits_with_its_trailer() -> None:
    for profile in PROFILES:
        ours = SrtpSession(policy(profile, pylibsrtp.Policy.SSRC_ANY_OUTBOUND))
        longest = rtp(1, bytes(LONGEST_PACKET - 12))
        assert len(protect(ours.protect, ours.handle, longest)) > LONGEST_PACKET
