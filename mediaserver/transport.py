"""One peer's transport: addresses, ICE credentials, DTLS, SRTP, and the state they are in."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import pylibsrtp

from mediaserver import ice
from mediaserver.drops import Drop, Drops
from mediaserver.dtls import DtlsIdentity, DtlsServer, DtlsState, Fingerprint
from mediaserver.ice import BindingRequest, IceCredentials
from mediaserver.path import Endpoint, Path
from mediaserver.peer_media import PeerMedia
from mediaserver.peer_sink import Address, PeerSink
from mediaserver.settings import (
    CHECKS_BURST,
    CHECKS_PER_SECOND,
    CONNECT_DEADLINE,
    FREED_AFTER,
    GONE_AFTER,
    HANDSHAKE_DEADLINE,
    MAXIMUM_GENERATIONS,
    MAXIMUM_PACKET,
    MAXIMUM_PATHS,
    MAXIMUM_SOURCES,
    UNCONFIRMED_ALLOWANCE,
    UNCONFIRMED_FACTOR,
    UNSTABLE_AFTER,
)
from mediaserver.srtp import SrtpSession, Unprotect
from mediaserver.token_bucket import TokenBucket
from mediaserver.transport_state import TransportState, may_follow


class Generation:
    """One pair of ICE credentials, ours and the client's; an ICE restart adds another (RFC 8445 section 9)."""

    __slots__ = ("limit", "local", "password", "remote", "username")

    def __init__(self, remote: IceCredentials, now: float) -> None:
        self.remote = remote
        self.local = IceCredentials.fresh()
        self.password = self.local.password.encode()
        self.username = f"{self.local.ufrag}:{remote.ufrag}".encode()
        self.limit = TokenBucket(CHECKS_PER_SECOND, CHECKS_BURST, now)


class Directory(Protocol):
    """Where a transport is found by its ICE usernames and sources."""

    def add_generation(self, transport: "Transport", generation: Generation) -> None: ...

    def remove_generation(self, generation: Generation) -> None: ...

    def add_source(self, transport: "Transport", ssrc: bytes) -> None: ...

    def remove_source(self, transport: "Transport", ssrc: bytes) -> None: ...


class Transport:
    """Owns everything of one connection below its media; freed by `close`. Times are `time.monotonic` seconds."""

    def __init__(
        self,
        directory: Directory,
        identity: DtlsIdentity,
        drops: Drops,
        fingerprints: tuple[Fingerprint, ...],
        state_changed: Callable[[TransportState], None],
        now: float,
    ) -> None:
        self.state = TransportState.NEW
        self.fingerprints = fingerprints
        """The client's."""
        self.video_formats: frozenset[int] = frozenset()
        """The payload types of pictures, as negotiated."""
        self.own_fingerprint = identity.fingerprint
        self._directory = directory
        self._drops = drops
        self._state_changed = state_changed
        self._dtls = DtlsServer(identity, fingerprints, self._send_dtls)
        self._dtls_timer: asyncio.TimerHandle | None = None
        self._generations: list[Generation] = []
        self._paths: list[Path] = []
        self._path: Path | None = None
        self._adopted: Path | None = None
        """An address that only SRTP vouches for."""
        self._sources: set[bytes] = set()
        self._incoming: SrtpSession | None = None
        self._unprotect: Unprotect = _no_keys
        self._unprotect_rtcp: Unprotect = _no_keys
        self._entered_at = now
        self._heard_at = now
        self.sink = PeerSink(drops, self._forget_incoming)
        self.media = PeerMedia(self.sink, drops)
        self._receive_rtp = self.media.receive_rtp
        self._receive_rtcp = self.media.receive_rtcp

    @property
    def credentials(self) -> IceCredentials:
        """Ours, for the next answer."""
        return self._generations[-1].local

    def set_remote_credentials(self, remote: IceCredentials, now: float) -> None:
        """Other credentials than before are an ICE restart: the old ones stay valid until the new pair is nominated."""
        if self._generations and self._generations[-1].remote == remote:
            return
        if len(self._generations) == MAXIMUM_GENERATIONS:
            self._directory.remove_generation(self._generations.pop(0))
        generation = Generation(remote, now)
        self._generations.append(generation)
        self._directory.add_generation(self, generation)

    def receive_check(
        self, endpoint: Endpoint, address: Address, request: BindingRequest, generation: Generation, arrival: float
    ) -> None:
        """A verified connectivity check (RFC 8445 section 7.3.1)."""
        if request.sender_controlled:
            self._drops.counts[Drop.STUN_ROLE_CONFLICT] += 1
            self._send(endpoint, address, ice.role_conflict_response(request.transaction, generation.password))
            return
        path = self._confirmed_path(endpoint, address)
        self._send(endpoint, address, ice.success_response(request.transaction, address, generation.password))
        self._heard_at = arrival
        if request.use_candidate:
            self._retire_before(generation)
        if request.use_candidate or path is self._adopted or (self._path is None and self._adopted is None):
            self._use(path)
        if self.state is TransportState.NEW:
            self._enter(TransportState.CONNECTING, arrival)

    def receive_dtls(self, path: Path, datagram: bytes, arrival: float) -> None:
        """Only from confirmed paths. Answers go back on the same path."""
        if self._path is None or self.state is TransportState.CONNECTING:
            self._use(path)
        self._dtls.receive(datagram)
        if self._dtls.state is DtlsState.FAILED:
            self._drops.counts[Drop.DTLS_REFUSED] += 1
            self.close()
        elif self._dtls.state is DtlsState.CLOSED:
            self.close()
        elif self._dtls.state is DtlsState.CONNECTED and self._incoming is None:
            self._start_srtp(arrival)
        else:
            self._arm_dtls_timer()

    def receive_media(self, path: Path, packet: bytes, arrival: float) -> None:
        """The hot path: authenticate, decrypt, hand on (RFC 3711, RFC 5761 section 4)."""
        is_rtcp = 191 < packet[1] < 224
        source = packet[4:8] if is_rtcp else packet[8:12]
        known = source in self._sources
        try:
            if not known and len(self._sources) >= MAXIMUM_SOURCES:
                self._drops.counts[Drop.SRTP_TOO_MANY_SOURCES] += 1
                return
            plain = self._unprotect_rtcp(packet) if is_rtcp else self._unprotect(packet)
        except (pylibsrtp.Error, ValueError) as error:
            self._count_refused(packet, error)
            return
        self._heard_at = arrival
        if not known:
            self._sources.add(source)
            self._directory.add_source(self, source)
        if path is not self._path:
            self._heard_elsewhere(path, len(packet))
        if is_rtcp:
            self._receive_rtcp(plain, arrival)
        else:
            self._receive_rtp(plain, arrival)

    def receive_stray_media(self, endpoint: Endpoint, address: Address, packet: bytes, arrival: float) -> None:
        """A packet with one of our sources from an unknown address; adopted only if it is authentic and fresh."""
        self.receive_media(Path(endpoint, address, self), packet, arrival)

    @property
    def path(self) -> Path | None:
        """The way in use; None before there is one, and after it has ended."""
        return self._path or self._adopted

    def path_lost(self, path: Path) -> None:
        """The next check, or the next packet on a confirmed path, says which way to go on."""
        if path in self._paths:
            self._paths.remove(path)
        if path is self._path:
            self._path = None
            self.sink.forget_address()

    def tick(self, now: float) -> None:
        """Several times a second: silence and deadlines."""
        silence = now - self._heard_at
        if self.state is TransportState.NEW:
            if now - self._entered_at > CONNECT_DEADLINE:
                self.close()
        elif self.state is TransportState.CONNECTING:
            if now - self._entered_at > HANDSHAKE_DEADLINE:
                self.close()
        elif silence > FREED_AFTER:
            self.close()
        elif silence > GONE_AFTER:
            self._enter(TransportState.GONE, now)
        elif silence > UNSTABLE_AFTER:
            self._enter(TransportState.UNSTABLE, now)
        else:
            self._enter(TransportState.LIVE, now)

    def close(self) -> None:
        """Frees everything; a second call does nothing."""
        if self.state is TransportState.FREED:
            return
        self.media.close()
        self._dtls.close()
        self._cancel_dtls_timer()
        self.sink.close()
        for generation in self._generations:
            self._directory.remove_generation(generation)
        for source in self._sources:
            self._directory.remove_source(self, source)
        paths, self._paths = self._paths, []
        self._path = self._adopted = None
        for path in paths:
            path.endpoint.forget(path)
        self._enter(TransportState.FREED, self._entered_at)

    def _enter(self, state: TransportState, now: float) -> None:
        if may_follow(self.state, state):
            self.state = state
            self._entered_at = now
            self._state_changed(state)

    def _start_srtp(self, now: float) -> None:
        sessions = self._dtls.srtp
        if sessions is None:
            return
        self._cancel_dtls_timer()
        self._incoming = sessions.incoming
        self._unprotect = sessions.incoming.unprotect
        self._unprotect_rtcp = sessions.incoming.unprotect_rtcp
        self.sink.set_keys(sessions.outgoing)
        self._enter(TransportState.LIVE, now)
        self.media.set_active()

    # Addresses

    def _confirmed_path(self, endpoint: Endpoint, address: Address) -> Path:
        path = endpoint.paths.get(address)
        if path is None or path.transport is not self:
            path = Path(endpoint, address, self)
            self._add_path(path)
        path.confirmed = True
        return path

    def _add_path(self, path: Path) -> None:
        if len(self._paths) == MAXIMUM_PATHS:
            oldest = next(known for known in self._paths if known is not self._path)
            self._paths.remove(oldest)
            oldest.endpoint.forget(oldest)
        self._paths.append(path)
        path.endpoint.paths[path.address] = path

    def _use(self, path: Path) -> None:
        if self._path is not path:
            self._path = path
            self._adopted = None
            self.sink.set_address(path.endpoint.socket, path.address)

    def _heard_elsewhere(self, path: Path, size: int) -> None:
        """An authentic packet came, and not from the address in use: a NAT may have changed its mind.

        While an adopted address is not confirmed no path is in use, so every packet passes here.
        """
        if path.confirmed:
            if self._path is None:
                self._use(path)
        elif path is self._adopted:
            self.sink.allow_more(UNCONFIRMED_FACTOR * size)
        else:
            if path not in self._paths:
                self._add_path(path)
            self._path = None
            self._adopted = path
            self.sink.set_unconfirmed_address(path.endpoint.socket, path.address, UNCONFIRMED_ALLOWANCE)

    def _retire_before(self, generation: Generation) -> None:
        """A nominated pair ends the credentials older than its own."""
        while self._generations[0] is not generation:
            self._directory.remove_generation(self._generations.pop(0))

    # Small things

    def _count_refused(self, packet: bytes, error: Exception) -> None:
        if self._incoming is None:
            reason = Drop.MEDIA_BEFORE_KEYS
        elif len(packet) > MAXIMUM_PACKET:
            reason = Drop.TOO_LONG
        elif str(error).startswith("replay"):
            reason = Drop.SRTP_REPLAYED
        else:
            reason = Drop.SRTP_AUTHENTICATION_FAILED
        self._drops.counts[reason] += 1

    def _forget_incoming(self, ssrc: int) -> None:
        source = ssrc.to_bytes(4, "big")
        if source in self._sources and self._incoming is not None:
            self._sources.remove(source)
            self._directory.remove_source(self, source)
            self._incoming.remove_stream(ssrc)

    def _send(self, endpoint: Endpoint, address: Address, datagram: bytes) -> None:
        try:
            endpoint.socket.sendto(datagram, address)
        except BlockingIOError:
            self._drops.counts[Drop.SEND_BUFFER_FULL] += 1
        except OSError:
            self._drops.counts[Drop.SEND_FAILED] += 1

    def _send_dtls(self, datagram: bytes) -> None:
        if self._path is not None:
            self._send(self._path.endpoint, self._path.address, datagram)

    def _arm_dtls_timer(self) -> None:
        self._cancel_dtls_timer()
        seconds = self._dtls.timeout()
        if seconds is not None:
            self._dtls_timer = asyncio.get_running_loop().call_later(seconds, self._repeat_flight)

    def _cancel_dtls_timer(self) -> None:
        if self._dtls_timer is not None:
            self._dtls_timer.cancel()
            self._dtls_timer = None

    def _repeat_flight(self) -> None:
        self._dtls.handle_timeout()
        if self._dtls.state is DtlsState.FAILED:
            self.close()
        else:
            self._arm_dtls_timer()


def _no_keys(packet: bytes) -> bytes:
    raise ValueError("no keys yet")
