"""A client of the media port that a test steers packet by packet: a UDP socket, STUN by aioice, DTLS by OpenSSL.

Independent of the code under test: nothing here is taken from `mediaserver` but the answer's text.
"""

import asyncio
import re
import socket
import struct
from pathlib import Path

import pylibsrtp
from aioice import stun
from aiortc import RTCCertificate
from OpenSSL import SSL

OFFERS = Path(__file__).parent / "offers"
PATIENCE = 10.0
AUDIO_SSRC = 3695941821
"""Declared by Chromium's offer."""
_PROFILES = {
    b"SRTP_AEAD_AES_128_GCM": (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    b"SRTP_AES128_CM_SHA1_80": (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}


def browser_offer(browser: str) -> str:
    """A real offer of `chromium`, `firefox` or `aiortc`: microphone, camera, two receive-only slots."""
    return (OFFERS / f"{browser}.sdp").read_bytes().decode()


def dtls_context(certificate: RTCCertificate, profiles: bytes) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    context.use_certificate(certificate._cert)
    context.use_privatekey(certificate._key)
    if profiles:
        context.set_tlsext_use_srtp(profiles)
    return context


def derive_sessions(connection: SSL.Connection) -> tuple[pylibsrtp.Session, pylibsrtp.Session]:
    """The client's (incoming, outgoing) SRTP sessions."""
    profile, key, salt = _PROFILES[connection.get_selected_srtp_profile()]
    material = connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
    client_key, server_key, client_salt, server_salt = struct.unpack(f"{key}s{key}s{salt}s{salt}s", material)
    any_in, any_out = pylibsrtp.Policy.SSRC_ANY_INBOUND, pylibsrtp.Policy.SSRC_ANY_OUTBOUND
    return (
        pylibsrtp.Session(pylibsrtp.Policy(server_key + server_salt, any_in, 0, profile)),
        pylibsrtp.Session(pylibsrtp.Policy(client_key + client_salt, any_out, 0, profile)),
    )


class RawClient:
    """Offers a browser's description under an own certificate and own ICE credentials."""

    def __init__(
        self,
        *,
        browser: str = "chromium",
        ufrag: str = "them",
        profiles: bytes = b"SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80",
        ipv6: bool = False,
    ) -> None:
        self._ipv6 = ipv6
        self.certificate = RTCCertificate.generateCertificate()
        self.password = "p" * 24
        self.ufrag = ufrag
        self._browser = browser
        self.dtls = SSL.Connection(dtls_context(self.certificate, profiles))
        self.dtls.set_connect_state()
        self.socket = self._new_socket()
        self._sequence = 100
        self.received: list[bytes] = []
        """STUN and DTLS taken out, everything else that came."""

    def offer(self) -> str:
        fingerprint = next(item for item in self.certificate.getFingerprints() if item.algorithm == "sha-256")
        text = browser_offer(self._browser)
        text = re.sub(r"a=fingerprint:\S+ \S+", f"a=fingerprint:sha-256 {fingerprint.value}", text)
        text = re.sub(r"a=ice-ufrag:\S+", f"a=ice-ufrag:{self.ufrag}", text)
        return re.sub(r"a=ice-pwd:\S+", f"a=ice-pwd:{self.password}", text)

    def accept(self, answer: str) -> None:
        def first(pattern: str) -> str:
            found = re.search(pattern, answer)
            assert found is not None
            return found[1]

        self.remote_ufrag = first(r"a=ice-ufrag:(\S+)")
        self.remote_password = first(r"a=ice-pwd:(\S+)")
        candidates = re.findall(r"a=candidate:\d+ 1 udp \d+ (\S+) (\d+)", answer)
        self.server = next((host, int(port)) for host, port in candidates if (":" in host) is self._ipv6)

    def check(
        self, *, nominate: bool = False, username: str = "", password: str = "", controlled: bool = False
    ) -> bytes:
        """A connectivity check."""
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = username or f"{self.remote_ufrag}:{self.ufrag}"
        message.attributes["PRIORITY"] = 1
        message.attributes["ICE-CONTROLLED" if controlled else "ICE-CONTROLLING"] = 7
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity((password or self.remote_password).encode())
        return bytes(message)

    def send(self, datagram: bytes) -> None:
        self.socket.sendto(datagram, self.server)

    async def connect_ice(self) -> stun.Message:
        self.send(self.check(nominate=True))
        return await self.stun_response()

    async def stun_response(self) -> stun.Message:
        message = stun.parse_message(await self.receive(lambda datagram: datagram[0] < 4))
        assert message.check_message_integrity(self.remote_password.encode())
        return message

    async def shake_hands(self) -> None:
        """DTLS as the client, over the present socket."""
        while True:
            try:
                self.dtls.do_handshake()
            except SSL.WantReadError:
                self.send_dtls()
                self.dtls.bio_write(await self.receive(lambda datagram: 19 < datagram[0] < 64))
            else:
                self.send_dtls()
                break
        self.incoming, self.outgoing = derive_sessions(self.dtls)

    def send_dtls(self) -> None:
        try:
            self.send(self.dtls.bio_read(1500))
        except SSL.Error:
            return

    def audio(self, ssrc: int = AUDIO_SSRC, payload: bytes = b"opus") -> bytes:
        """The next SRTP packet of a sound stream."""
        self._sequence += 1
        header = struct.pack("!BBHII", 0x80, 111, self._sequence, self._sequence * 960, ssrc)
        return self.outgoing.protect(header + payload)

    def move(self) -> None:
        """A NAT changed its mind: another port."""
        self.socket.close()
        self.socket = self._new_socket()

    async def receive(self, wanted: object = None) -> bytes:
        """The next datagram for which `wanted` holds."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            while True:
                datagram = await loop.sock_recv(self.socket, 2048)
                if not callable(wanted) or wanted(datagram):
                    return datagram
                self.received.append(datagram)

    def close(self) -> None:
        self.socket.close()

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if self._ipv6 else socket.AF_INET

    def _new_socket(self) -> socket.socket:
        opened = socket.socket(self.family, socket.SOCK_DGRAM)
        opened.bind(("::1" if self._ipv6 else "127.0.0.1", 0))
        opened.setblocking(False)
        return opened
