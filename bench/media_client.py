"""A light client for load: real ICE, DTLS and SRTP, hardly any work a packet."""

import secrets
import socket
import struct
from typing import cast

import pylibsrtp
from aioice import stun
from aioice.candidate import candidate_priority
from OpenSSL import SSL

from mediaserver.dtls import MAXIMUM_DATAGRAM, DtlsIdentity

_SO_MEMINFO = 55
_DROPS_WORD = 8
_KEY, _SALT = 16, 12
_PATIENCE_SECONDS = 10.0
BUFFER_BYTES = 1 << 20

_SESSION = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
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
a=ice-ufrag:{ufrag}
a=ice-pwd:{password}
a=fingerprint:sha-256 {fingerprint}
a=setup:active
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
"""
_AUDIO = """a=rtpmap:111 opus/48000/2
a=fmtp:111 useinbandfec=1;usedtx=1
"""
_VIDEO = """a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
"""


class BenchClient:
    """One peer. After `connect`, `protect`, `protect_rtcp`, `unprotect` and the connected `socket` are ready."""

    def __init__(self, identity: DtlsIdentity, *, publishes: bool) -> None:
        self._identity = identity
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        self.audio_ssrc, self.video_ssrc = secrets.randbits(31) + 1, secrets.randbits(31) + 1
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self.socket.settimeout(_PATIENCE_SECONDS)
        self.offer = self._write_offer(publishes)
        self._check = b""

    def _write_offer(self, publishes: bool) -> str:
        fields = {
            "ufrag": self.ufrag,
            "password": self.password,
            "fingerprint": self._identity.fingerprint.value,
            "direction": "sendonly" if publishes else "recvonly",
        }
        audio = _SECTION.format(kind="audio", formats="111", mid="0", **fields) + _AUDIO
        video = _SECTION.format(kind="video", formats="96 97", mid="1", **fields) + _VIDEO
        if publishes:
            repair = self.video_ssrc + 1
            audio += f"a=ssrc:{self.audio_ssrc} cname:bench\n"
            video += f"a=ssrc-group:FID {self.video_ssrc} {repair}\n"
            video += f"a=ssrc:{self.video_ssrc} cname:bench\na=ssrc:{repair} cname:bench\n"
        return (_SESSION.format(**fields) + audio + video).replace("\n", "\r\n")

    def connect(self, answer: str) -> None:
        """ICE check, DTLS handshake, SRTP keys. Blocks; raises `TimeoutError` or `OSError`."""
        lines = [line.partition(":") for line in answer.splitlines()]
        values = {name: value for name, _, value in reversed(lines)}
        host, port = values["a=candidate"].split()[4:6]
        self.socket.connect((host, int(port)))
        self._send_check(values["a=ice-ufrag"], values["a=ice-pwd"])
        self._shake_hands()
        self.socket.setblocking(False)

    def _send_check(self, ufrag: str, password: str) -> None:
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{ufrag}:{self.ufrag}"
        request.attributes["PRIORITY"] = candidate_priority(1, "host")
        request.attributes["ICE-CONTROLLING"] = secrets.randbits(64)
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(password.encode())
        request.add_fingerprint()
        self.socket.send(bytes(request))
        response = stun.parse_message(self.socket.recv(2048))
        if response.message_class is not stun.Class.RESPONSE:
            raise OSError("the connectivity check was refused")

    def _shake_hands(self) -> None:
        connection = SSL.Connection(self._identity.context)
        connection.set_ciphertext_mtu(MAXIMUM_DATAGRAM)
        connection.set_connect_state()
        while True:
            try:
                connection.do_handshake()
                break
            except SSL.WantReadError:
                self._flush(connection)
                connection.bio_write(self.socket.recv(4096))
        self._flush(connection)
        material = connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (_KEY + _SALT))
        client, server, client_salt, server_salt = struct.unpack(f"{_KEY}s{_KEY}s{_SALT}s{_SALT}s", material)
        outgoing = _session(client + client_salt, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        incoming = _session(server + server_salt, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self.protect, self.protect_rtcp = outgoing.protect, outgoing.protect_rtcp
        self.unprotect = incoming.unprotect

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


def _session(key: bytes, direction: int) -> pylibsrtp.Session:
    profile = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    return pylibsrtp.Session(pylibsrtp.Policy(key=key, ssrc_type=direction, srtp_profile=profile))
