"""The passive side of DTLS-SRTP, against OpenSSL as a client."""

import ast
import contextlib
import struct
import time
from pathlib import Path

import pylibsrtp
import pytest
from aiortc import RTCCertificate
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

import mediaserver
from mediaserver.dtls import MAXIMUM_DATAGRAM, DtlsIdentity, DtlsServer, DtlsState, Fingerprint
from tests.mediaserver.in_place import protect, unprotect
from tests.mediaserver.raw_client import derive_sessions, dtls_context

BOTH = b"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM"
IDENTITY = DtlsIdentity()
CERTIFICATE = RTCCertificate.generateCertificate()
FINGERPRINTS = tuple(Fingerprint(item.algorithm, item.value) for item in CERTIFICATE.getFingerprints())
RTP = struct.pack("!BBHII", 0x80, 111, 7, 960, 42) + b"payload"


class Pair:
    """A client and a server, with the wire between them in lists."""

    def __init__(self, fingerprints: tuple[Fingerprint, ...] = FINGERPRINTS, profiles: bytes = BOTH) -> None:
        self.to_client: list[bytes] = []
        self.server = DtlsServer(IDENTITY, fingerprints, self.to_client.append)
        self.client = SSL.Connection(dtls_context(CERTIFICATE, profiles))
        self.client.set_connect_state()

    def client_flight(self) -> bytes:
        with contextlib.suppress(SSL.WantReadError):
            self.client.do_handshake()
        try:
            return self.client.bio_read(65536)
        except SSL.Error:
            return b""

    def run(self) -> None:
        for _ in range(6):
            flight = self.client_flight()
            if flight:
                self.server.receive(flight)
            while self.to_client:
                self.client.bio_write(self.to_client.pop(0))


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(BOTH, b"SRTP_AEAD_AES_128_GCM"), (b"SRTP_AES128_CM_SHA1_80", b"SRTP_AES128_CM_SHA1_80")],
)
def test_a_handshake_gives_keys_that_fit(offered: bytes, chosen: bytes) -> None:
    pair = Pair(profiles=offered)
    pair.run()
    assert pair.server.state is DtlsState.CONNECTED
    assert pair.server.srtp is not None
    assert pair.client.get_selected_srtp_profile() == chosen
    incoming, outgoing = derive_sessions(pair.client)
    assert (
        unprotect(pair.server.srtp.incoming.unprotect, pair.server.srtp.incoming.handle, outgoing.protect(RTP)) == RTP
    )
    assert incoming.unprotect(protect(pair.server.srtp.outgoing.protect, pair.server.srtp.outgoing.handle, RTP)) == RTP


def test_the_same_number_is_never_encrypted_twice() -> None:
    pair = Pair()
    pair.run()
    assert pair.server.srtp is not None
    protect(pair.server.srtp.outgoing.protect, pair.server.srtp.outgoing.handle, RTP)
    with pytest.raises(pylibsrtp.Error):
        protect(pair.server.srtp.outgoing.protect, pair.server.srtp.outgoing.handle, RTP[:-1] + b"X")


@pytest.mark.parametrize(
    "fingerprints",
    [
        (Fingerprint("sha-256", "00:" * 31 + "00"),),
        (*FINGERPRINTS, Fingerprint("sha-256", "00:" * 31 + "00")),
        (Fingerprint("md5", "00"),),
        (),
    ],
)
def test_another_certificate_than_promised_is_refused(fingerprints: tuple[Fingerprint, ...]) -> None:
    pair = Pair(fingerprints)
    pair.run()
    assert pair.server.state is DtlsState.FAILED
    assert pair.server.failure == "fingerprint mismatch"
    assert pair.server.srtp is None


def test_no_common_profile_is_refused() -> None:
    pair = Pair(profiles=b"")
    pair.run()
    assert pair.server.state is DtlsState.FAILED


def test_a_lost_flight_is_sent_again() -> None:
    pair = Pair()
    pair.server.receive(pair.client_flight())
    assert pair.to_client
    pair.to_client.clear()
    seconds = pair.server.timeout()
    assert seconds is not None
    time.sleep(seconds + 0.01)
    pair.server.handle_timeout()
    assert pair.to_client
    pair.run()
    assert pair.server.state is DtlsState.CONNECTED
    assert pair.server.timeout() is None


def test_a_goodbye_is_heard_and_said() -> None:
    pair = Pair()
    pair.run()
    pair.client.shutdown()
    pair.server.receive(pair.client.bio_read(65536))
    assert pair.server.state is DtlsState.CLOSED
    other = Pair()
    other.run()
    other.server.close()
    other.client.bio_write(other.to_client[0])
    with pytest.raises(SSL.ZeroReturnError):
        other.client.recv(1)


def test_what_a_client_says_besides_is_thrown_away_and_does_not_pile_up() -> None:
    pair = Pair()
    pair.run()
    for _ in range(20):
        pair.client.send(b"x" * 1000)
        pair.server.receive(pair.client.bio_read(65536))
    assert pair.server.state is DtlsState.CONNECTED
    with pytest.raises(SSL.WantReadError):
        pair.server._connection.recv(1)


def test_datagrams_fit_the_path() -> None:
    pair = Pair()
    pair.server.receive(pair.client_flight())
    assert pair.to_client
    assert all(len(datagram) <= MAXIMUM_DATAGRAM for datagram in pair.to_client)


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5))
def test_noise_never_raises_nor_gives_keys(noise: list[bytes]) -> None:
    server = DtlsServer(IDENTITY, FINGERPRINTS, lambda _: None)
    for datagram in noise:
        server.receive(bytes([22]) + datagram)
    assert server.srtp is None


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300))
def test_noise_does_not_end_a_living_association(noise: bytes) -> None:
    pair = Pair()
    pair.run()
    pair.server.receive(bytes([22]) + noise)
    pair.server.receive(b"\x15\xfe\xfd\0\0\0\0\0\0\0\x07\0\x02\x01\0")
    assert pair.server.state is DtlsState.CONNECTED


def test_no_private_name_of_aiortc_is_used() -> None:
    """The contract with aiortc: its public session description parser, and nothing else."""
    used: set[str] = set()
    for file in Path(mediaserver.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aiortc"):
                used |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names if alias.name.startswith("aiortc")}
    assert used == {"aiortc.sdp"}
