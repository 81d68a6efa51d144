"""A light client for load: real ICE, DTLS and SRTP, hardly any work a packet."""

import secrets
import socket
import struct
import time
from dataclasses import dataclass
from typing import cast

import pylibsrtp
from aioice import stun
from aioice.candidate import candidate_priority
from OpenSSL import SSL

from mediaserver.dtls import MAXIMUM_DATAGRAM, DtlsIdentity

AUDIO_TYPE, VIDEO_TYPE, REPAIR_TYPE = 111, 96, 97
"""Payload types of what we send."""
BUFFER_BYTES = 1 << 20

_SO_MEMINFO = 55
_DROPS_WORD = 8
_KEY, _SALT = 16, 12
_PATIENCE_SECONDS = 2.0
_REPEAT_SECONDS = 0.1
"""How long a handshake waits before it sends what may have come too early again."""
_PAUSE_SECONDS = 0.01

_SESSION = """v=0
o=- {session} 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE {mids}
a=ice-ufrag:{ufrag}
a=ice-pwd:{password}
a=fingerprint:sha-256 {fingerprint}
a=setup:active
"""
_SECTION = """m={kind} 9 UDP/TLS/RTP/SAVPF {formats}
c=IN IP4 0.0.0.0
a=mid:{mid}
a={direction}
a=rtcp-mux
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
"""
_SENDING = """a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
"""
_AUDIO = """a=rtpmap:{audio} opus/48000/2
a=fmtp:{audio} useinbandfec=1;usedtx=1
"""
_VIDEO = """a=rtpmap:{video} VP8/90000
a=rtcp-fb:{video} nack
a=rtcp-fb:{video} nack pli
a=rtcp-fb:{video} goog-remb
a=rtcp-fb:{video} transport-cc
a=rtpmap:{repair} rtx/90000
a=fmtp:{repair} apt={video}
"""


@dataclass(frozen=True, slots=True)
class Section:
    """One m-section of ours."""

    kind: str
    mid: str
    direction: str
    payload_type: int


class BenchClient:
    """One peer. After `connect`, `protect`, `protect_rtcp`, `unprotect` and the connected `socket` are ready."""

    def __init__(self, identity: DtlsIdentity, *, publishes: bool = False, receives: int = 0) -> None:
        """`receives`: how many people's sound and picture."""
        self._identity = identity
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        self.audio_ssrc, self.video_ssrc = secrets.randbits(31) + 1, secrets.randbits(31) + 1
        self.publishes = publishes
        self.receives = receives
        self.useful_types = frozenset((AUDIO_TYPE, VIDEO_TYPE))
        """Of what we receive; repairs and padding are not useful by themselves."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self.socket.settimeout(_REPEAT_SECONDS)

    @property
    def offer(self) -> str:
        """Own sound and picture, when it publishes, then a pair for each person it receives."""
        directions = ["sendonly"] * self.publishes + ["recvonly"] * self.receives
        sections: list[Section] = []
        for direction in directions:
            for kind, payload_type in (("audio", AUDIO_TYPE), ("video", VIDEO_TYPE)):
                sections.append(Section(kind, str(len(sections)), direction, payload_type))
        return self._describe(sections)

    def answer(self, offer: str) -> str:
        """Accepts all sound (Opus) and pictures (VP8) that a server offers to send."""
        sections = []
        for part in offer.split("\r\nm=")[1:]:
            lines = part.split("\r\n")
            mid = next(line for line in lines if line.startswith("a=mid:")).removeprefix("a=mid:")
            wanted = next(line for line in lines if line.startswith("a=rtpmap:") and _is_ours(line))
            payload_type = int(wanted.removeprefix("a=rtpmap:").split()[0])
            sections.append(Section(lines[0].split()[0], mid, "recvonly", payload_type))
        self.useful_types = frozenset(section.payload_type for section in sections)
        return self._describe(sections)

    def _describe(self, sections: list[Section]) -> str:
        mids = " ".join(section.mid for section in sections)
        text = _SESSION.format(
            session=secrets.randbits(31),
            mids=mids,
            ufrag=self.ufrag,
            password=self.password,
            fingerprint=self._identity.fingerprint.value,
        )
        return (text + "".join(self._describe_section(section) for section in sections)).replace("\n", "\r\n")

    def _describe_section(self, section: Section) -> str:
        audio = section.kind == "audio"
        repair = section.payload_type + 1
        text = _SECTION.format(
            kind=section.kind,
            formats=f"{section.payload_type}" if audio else f"{section.payload_type} {repair}",
            mid=section.mid,
            direction=section.direction,
        )
        if audio:
            text += _AUDIO.format(audio=section.payload_type)
        else:
            text += _VIDEO.format(video=section.payload_type, repair=repair)
        if section.direction == "sendonly":
            text += _SENDING
            text += self._declare(self.audio_ssrc, 0) if audio else self._declare(self.video_ssrc, self.video_ssrc + 1)
        return text

    @staticmethod
    def _declare(ssrc: int, repair: int) -> str:
        group = f"a=ssrc-group:FID {ssrc} {repair}\n" if repair else ""
        return group + "".join(f"a=ssrc:{each} cname:bench\n" for each in (ssrc, repair) if each)

    def connect(self, description: str) -> None:
        """ICE check, DTLS handshake, SRTP keys, towards the server of this answer or offer.

        Blocks; raises `TimeoutError` or `OSError`.
        """
        lines = [line.partition(":") for line in description.splitlines()]
        values = {name: value for name, _, value in reversed(lines)}
        host, port = values["a=candidate"].split()[4:6]
        self.socket.connect((host, int(port)))
        self._check(values["a=ice-ufrag"], values["a=ice-pwd"])
        if "a=ice-lite" not in values:
            self._await_check()
        self._shake_hands()
        self.socket.setblocking(False)

    def say_goodbye(self) -> None:
        """Ends the association (close_notify)."""
        self._connection.shutdown()
        self._flush(self._connection)

    def answer_check(self, datagram: bytes) -> None:
        """Servers that are not ICE-lite check us as well, again and again (RFC 7675)."""
        try:
            request = stun.parse_message(datagram)
            request.check_message_integrity(self.password.encode())
        except ValueError:
            return
        if request.message_class is not stun.Class.REQUEST:
            return
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
        )
        response.attributes["XOR-MAPPED-ADDRESS"] = self.socket.getpeername()
        response.add_message_integrity(self.password.encode())
        response.add_fingerprint()
        self.socket.send(bytes(response))

    def _check(self, ufrag: str, password: str) -> None:
        asked: set[bytes] = set()
        for _ in range(round(_PATIENCE_SECONDS / _REPEAT_SECONDS)):
            request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
            request.attributes["USERNAME"] = f"{ufrag}:{self.ufrag}"
            request.attributes["PRIORITY"] = candidate_priority(1, "host")
            request.attributes["ICE-CONTROLLING"] = secrets.randbits(64)
            request.attributes["USE-CANDIDATE"] = None
            request.add_message_integrity(password.encode())
            request.add_fingerprint()
            self.socket.send(bytes(request))
            asked.add(request.transaction_id)
            if self._succeeded(asked):
                return
        raise OSError("the connectivity check was not answered")

    def _await_check(self) -> None:
        """A server that checks us too drops a handshake that begins before."""
        try:
            self.answer_check(self.socket.recv(2048))
        except TimeoutError:
            return
        time.sleep(_PAUSE_SECONDS)

    def _succeeded(self, asked: set[bytes]) -> bool:
        while True:
            try:
                datagram = self.socket.recv(2048)
            except (TimeoutError, ConnectionRefusedError):
                return False
            if datagram[8:20] in asked:
                return stun.parse_message(datagram).message_class is stun.Class.RESPONSE
            self.answer_check(datagram)

    def _shake_hands(self) -> None:
        connection = SSL.Connection(self._identity.context)
        connection.set_ciphertext_mtu(MAXIMUM_DATAGRAM)
        connection.set_connect_state()
        waited = 0
        while True:
            try:
                connection.do_handshake()
                break
            except SSL.WantReadError:
                self._flush(connection)
            try:
                self._take(connection, self.socket.recv(4096))
            except TimeoutError:
                waited += 1
                if waited > _PATIENCE_SECONDS / _REPEAT_SECONDS:
                    raise
                connection.DTLSv1_handle_timeout()
        self._flush(connection)
        self._connection = connection
        if connection.get_selected_srtp_profile() != b"SRTP_AEAD_AES_128_GCM":
            raise OSError("the server has another SRTP profile than those it is compared with")
        material = connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (_KEY + _SALT))
        client, server, client_salt, server_salt = struct.unpack(f"{_KEY}s{_KEY}s{_SALT}s{_SALT}s", material)
        outgoing = _session(client + client_salt, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        incoming = _session(server + server_salt, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self.protect, self.protect_rtcp = outgoing.protect, outgoing.protect_rtcp
        self.unprotect, self.unprotect_rtcp = incoming.unprotect, incoming.unprotect_rtcp

    def _take(self, connection: SSL.Connection, datagram: bytes) -> None:
        if datagram[0] < 4:
            self.answer_check(datagram)
        elif datagram[0] < 64:
            connection.bio_write(datagram)

    def _flush(self, connection: SSL.Connection) -> None:
        try:
            flight = connection.bio_read(65536)
        except SSL.WantReadError:
            return
        while flight:
            end = 13 + int.from_bytes(flight[11:13], "big")
            self.socket.send(flight[:end])
            flight = flight[end:]

    def kernel_drops(self) -> int:
        """What the kernel threw away because this client read too slowly: the generator's fault, not the server's."""
        words = self.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)
        return cast(int, struct.unpack_from("@I", words, 4 * _DROPS_WORD)[0])


def _is_ours(line: str) -> bool:
    return line.lower().split()[1] in {"opus/48000/2", "vp8/90000"}


def _session(key: bytes, direction: int) -> pylibsrtp.Session:
    profile = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    return pylibsrtp.Session(pylibsrtp.Policy(key=key, ssrc_type=direction, srtp_profile=profile))
