"""The server's side of DTLS-SRTP (RFC 5763, RFC 5764, RFC 8827 section 6.5), on pyOpenSSL.

A handshake is a plain state machine: a datagram goes in, datagrams come out, nothing waits. So it needs neither a
task nor a queue, and a flood of datagrams costs no memory.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

import pylibsrtp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from mediaserver.settings import RECENT_PACKETS
from mediaserver.srtp import SrtpSession

MAXIMUM_DATAGRAM = 1200
MAXIMUM_RECORD = 16384
"""Bytes of content (RFC 6347 section 4.1)."""
REPLAY_WINDOW = RECENT_PACKETS
"""Packets of one SSRC: of those that came, and of those that went out, which a repaired one may come late for. libsrtp
moves the window word by word with each packet, so that a longer one costs."""

_RECORD_HEADER = 13
_DTLS_1_2 = 0xFEFD
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
    b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305"
)
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "sha-256": hashes.SHA256(),
    "sha-384": hashes.SHA384(),
    "sha-512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A certificate's digest as SDP writes it (RFC 8122 section 5)."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class _Profile:
    openssl_name: bytes
    libsrtp_profile: int
    key_length: int
    salt_length: int


# In the order of preference (RFC 7714, RFC 5764 section 4.1.2).
_PROFILES = (
    _Profile(b"SRTP_AEAD_AES_128_GCM", pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    _Profile(b"SRTP_AES128_CM_SHA1_80", pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
)


class DtlsIdentity:
    """The worker's key, certificate and OpenSSL context; made once a process, kept in memory only."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "konsilium")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .sign(key, hashes.SHA256())
        )
        self.fingerprint = Fingerprint("sha-256", _digest(certificate, "sha-256"))
        self.context = SSL.Context(SSL.DTLS_METHOD)
        self.context.set_max_proto_version(_DTLS_1_2)
        self.context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_QUERY_MTU)
        # The certificate is self-signed by design: what counts is its fingerprint, compared after the handshake.
        self.context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        self.context.use_certificate(certificate)
        self.context.use_privatekey(key)
        self.context.set_cipher_list(_CIPHERS)
        self.context.set_tlsext_use_srtp(b":".join(profile.openssl_name for profile in _PROFILES))


@dataclass(frozen=True, slots=True)
class SrtpSessions:
    """The two directions of one transport's SRTP."""

    incoming: SrtpSession
    outgoing: SrtpSession


class DtlsState(Enum):
    HANDSHAKE = "handshake"
    CONNECTED = "connected"
    CLOSED = "closed"
    """The other side said goodbye."""
    FAILED = "failed"


class DtlsServer:
    """One DTLS association in the passive role.

    `send` is given each outgoing datagram. After `CONNECTED`, `srtp` holds the sessions.
    """

    def __init__(
        self, identity: DtlsIdentity, expected: tuple[Fingerprint, ...], send: Callable[[bytes], object]
    ) -> None:
        self._expected = expected
        self._send = send
        self._connection = SSL.Connection(identity.context)
        self._connection.set_ciphertext_mtu(MAXIMUM_DATAGRAM)
        self._connection.set_accept_state()
        self.state = DtlsState.HANDSHAKE
        self.failure = ""
        self.srtp: SrtpSessions | None = None

    def receive(self, datagram: bytes) -> None:
        """Takes one datagram that begins with a DTLS record. Changes `state`; never raises."""
        if self.state in (DtlsState.CLOSED, DtlsState.FAILED):
            return
        try:
            self._connection.bio_write(datagram)
            if self.state is DtlsState.HANDSHAKE:
                self._shake_hands()
            else:
                self._read_after_handshake()
        except SSL.Error:
            self._fail("handshake refused")
        self._flush()

    def timeout(self) -> float | None:
        """Seconds until `handle_timeout` is due; None when nothing waits for an answer."""
        return self._connection.DTLSv1_get_timeout() if self.state is DtlsState.HANDSHAKE else None

    def handle_timeout(self) -> None:
        """Sends the last flight again (RFC 6347 section 4.2.4)."""
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error:
            self._fail("no answer to the last flight")
        self._flush()

    def close(self) -> None:
        """Says goodbye (close_notify) when there is somebody to say it to."""
        if self.state is DtlsState.CONNECTED:
            try:
                self._connection.shutdown()
            except SSL.Error:
                self._fail("shutdown refused")
            self._flush()
        self.state = DtlsState.CLOSED if self.state is not DtlsState.FAILED else DtlsState.FAILED
        self.srtp = None
        self._send = _send_nothing

    def _shake_hands(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        if not self._fingerprint_matches():
            self._fail("fingerprint mismatch")
            return
        self.srtp = self._derive_sessions()
        if self.srtp is None:
            self._fail("no SRTP profile in common")
        else:
            self.state = DtlsState.CONNECTED

    def _read_after_handshake(self) -> None:
        # Reading lets OpenSSL repeat our last flight when the client missed it, and shows the goodbye. All of it:
        # what the client says besides is thrown away, and what is not read would pile up.
        try:
            while True:
                self._connection.recv(MAXIMUM_RECORD)
        except SSL.WantReadError:
            return
        except SSL.ZeroReturnError:
            self.state = DtlsState.CLOSED
        except SSL.Error:
            # An unauthenticated record must not end a living association (RFC 6347 section 4.1.2.7).
            return

    def _fingerprint_matches(self) -> bool:
        """At least one fingerprint of a known algorithm, and all of them right."""
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        known = [fingerprint for fingerprint in self._expected if fingerprint.algorithm in _DIGESTS]
        return (
            certificate is not None
            and bool(known)
            and all(_digest(certificate, fingerprint.algorithm) == fingerprint.value for fingerprint in known)
        )

    def _derive_sessions(self) -> SrtpSessions | None:
        """RFC 5764 section 4.2: client key, server key, client salt, server salt."""
        selected = self._connection.get_selected_srtp_profile()
        for profile in _PROFILES:
            if profile.openssl_name == selected:
                break
        else:
            return None
        key, salt = profile.key_length, profile.salt_length
        material = self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        client_key, server_key, client_salt, server_salt = struct.unpack(f"{key}s{key}s{salt}s{salt}s", material)
        return SrtpSessions(
            incoming=_session(profile, client_key + client_salt, pylibsrtp.Policy.SSRC_ANY_INBOUND),
            outgoing=_session(profile, server_key + server_salt, pylibsrtp.Policy.SSRC_ANY_OUTBOUND),
        )

    def _fail(self, failure: str) -> None:
        self.state = DtlsState.FAILED
        self.failure = failure
        self.srtp = None

    def _flush(self) -> None:
        while True:
            try:
                flight = self._connection.bio_read(65536)
            except SSL.Error:
                return
            for datagram in _datagrams(flight):
                self._send(datagram)


def _send_nothing(datagram: bytes) -> None:
    """After the end."""


def _session(profile: _Profile, key: bytes, direction: int) -> SrtpSession:
    policy = pylibsrtp.Policy(key=key, ssrc_type=direction, srtp_profile=profile.libsrtp_profile)
    # libsrtp then refuses to encrypt other content under a used SSRC + sequence number: with GCM that leaks the key.
    policy.allow_repeat_tx = False
    policy.window_size = REPLAY_WINDOW
    return SrtpSession(policy)


def _digest(certificate: x509.Certificate, algorithm: str) -> str:
    return certificate.fingerprint(_DIGESTS[algorithm]).hex(":").upper()


def _datagrams(flight: bytes) -> list[bytes]:
    """Cuts a flight at record borders: OpenSSL's memory BIO is a stream and forgets where a datagram ended."""
    datagrams: list[bytes] = []
    start = position = 0
    while position + _RECORD_HEADER <= len(flight):
        end = position + _RECORD_HEADER + int.from_bytes(flight[position + 11 : position + 13], "big")
        if end - start > MAXIMUM_DATAGRAM and position > start:
            datagrams.append(flight[start:position])
            start = position
        position = end
    if start < len(flight):
        datagrams.append(flight[start:])
    return datagrams
