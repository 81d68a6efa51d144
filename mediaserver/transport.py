"""One peer's transport: addresses, ICE credentials, DTLS, SRTP, and the state they are in."""

import asyncio
from collections.abc import Callable

import pylibsrtp

from mediaserver import ice
from mediaserver.drops import Drop, Drops
from mediaserver.dtls import DtlsIdentity, DtlsServer, DtlsState, Fingerprint
from mediaserver.generation import Directory, Generation, check_limit
from mediaserver.ice import BindingRequest, IceCredentials
from mediaserver.kinds import RTP, kind_of
from mediaserver.path import Endpoint, Path
from mediaserver.peer_media import PeerMedia
from mediaserver.peer_sink import PeerSink
from mediaserver.places import LONGEST_PACKET, Place, Places
from mediaserver.refusals import Refused, no_keys, reason_of, too_many_packets
from mediaserver.settings import (
    CONNECT_DEADLINE,
    FREED_AFTER,
    GONE_AFTER,
    HANDSHAKE_DEADLINE,
    MAXIMUM_GENERATIONS,
    MAXIMUM_SOURCES,
    PACKETS_BURST,
    PACKETS_PER_SECOND,
    STRAYS_PER_SECOND,
    UNSTABLE_AFTER,
)
from mediaserver.socket_names import Address
from mediaserver.srtp import Handle, SrtpSession, Unprotect
from mediaserver.token_bucket import TokenBucket
from mediaserver.transport_state import TransportState, may_follow
from mediaserver.way import Way

_place = Places(1).each[0]
"""For what was not received in one; read at once."""


class _Receiving:
    """What every packet reads or writes, close together in memory (as in `outgoing.OutgoingHeader`)."""

    __slots__ = ("_forwarder", "_handle", "_heard_at", "_packets", "_unprotect")


class Transport(_Receiving):
    """Owns everything of one connection below its media; freed by `close`. Times are `time.monotonic` seconds."""

    __slots__ = (
        "__weakref__",
        "_ceiling",
        "_checked_at",
        "_checks_in_use",
        "_directory",
        "_drops",
        "_dtls",
        "_dtls_timer",
        "_entered_at",
        "_generations",
        "_incoming",
        "_sources",
        "_state_changed",
        "_strays",
        "_unprotect_rtcp",
        "_way",
        "fingerprints",
        "media",
        "own_fingerprint",
        "sink",
        "state",
        "video_formats",
    )

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
        self._checks_in_use = check_limit(now)
        self._strays = TokenBucket(STRAYS_PER_SECOND, STRAYS_PER_SECOND, now)
        self._sources: set[bytes] = set()
        """SSRCs, in network order, from which something authentic came."""
        self._packets = 0
        """Authentic ones since the last look at the ceiling."""
        self._ceiling = TokenBucket(PACKETS_PER_SECOND, PACKETS_BURST, now)
        self._incoming: SrtpSession | None = None
        self._handle: Handle = None
        self._unprotect: Unprotect = no_keys
        self._unprotect_rtcp: Unprotect = no_keys
        self._entered_at = now
        self._heard_at = self._checked_at = now
        """When the last authentic packet came, or a check on the way in use; and the last check on any."""
        self.sink = PeerSink(drops, self._accept_incoming, self._forget_incoming)
        self._way = Way(self.sink)
        self.media = PeerMedia(self.sink, drops)
        self._forwarder = self.media.forwarder

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

    def may_check(self, endpoint: Endpoint, address: Address, generation: Generation, arrival: float) -> bool:
        """Whether a verified check is still within its limit. Copies of checks, sent from elsewhere, use up another
        limit than those of the way in use."""
        path = endpoint.paths.get(address)
        limit = self._checks_in_use if path is not None and path is self._way.path else generation.limit
        return limit.take(arrival)

    def receive_check(
        self, endpoint: Endpoint, address: Address, request: BindingRequest, generation: Generation, arrival: float
    ) -> None:
        """A verified connectivity check (RFC 8445 section 7.3.1)."""
        if request.sender_controlled:
            self._drops.counts[Drop.STUN_ROLE_CONFLICT] += 1
            self._send(endpoint, address, ice.role_conflict_response(request.transaction, generation.password))
            return
        path = self._path(endpoint, address)
        self._way.confirm(path)
        self._send(endpoint, address, ice.success_response(request.transaction, address, generation.password))
        if request.use_candidate:
            self._nominate(path, generation, arrival)
        self._checked_at = arrival
        if path is self._way.path:
            self._heard_at = arrival
        if self.state is TransportState.NEW:
            self._enter(TransportState.CONNECTING, arrival)

    def _path(self, endpoint: Endpoint, address: Address) -> Path:
        known = endpoint.paths.get(address)
        return known if known is not None and known.transport is self else Path(endpoint, address, self)

    def receive_dtls(self, path: Path, datagram: bytes, arrival: float) -> None:
        """Only from confirmed paths. Answers go back on the same path."""
        if self._way.path is None or self.state is TransportState.CONNECTING:
            self._way.use(path)
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

    def receive_rtp(self, path: Path, place: Place, length: int, arrival: float) -> None:
        """The hot path: authenticate, decrypt, hand on (RFC 3711)."""
        unprotect = self._unprotect
        try:
            packet = unprotect(self._handle, place, length)
        except (pylibsrtp.Error, ValueError) as error:
            self._drops.counts[reason_of(error)] += 1
            return
        self._heard_at = arrival
        self._packets += 1
        if not path.settled:
            self._way.heard(path, length)
        self._forwarder.receive_rtp(packet, arrival)

    def receive_media(self, path: Path, packet: bytes, arrival: float) -> None:
        """RTP that lies elsewhere, or RTCP."""
        length = len(packet)
        if length > LONGEST_PACKET:
            self._drops.counts[Drop.TOO_LONG] += 1
            return
        _place.view[:length] = packet
        if kind_of(packet[0], packet[1]) == RTP:
            self.receive_rtp(path, _place, length, arrival)
        else:
            self._receive_rtcp(path, length, arrival)

    def _receive_rtcp(self, path: Path, length: int, arrival: float) -> None:
        source = _place.content[4:8]
        if not self._has_room(source):
            return
        try:
            packet = self._unprotect_rtcp(self._handle, _place, length)
        except (pylibsrtp.Error, ValueError) as error:
            self._drops.counts[reason_of(error)] += 1
            return
        self._heard_at = arrival
        self._packets += 1
        self._add_source(source)
        if not path.settled:
            self._way.heard(path, length)
        self.media.receive_rtcp(packet, arrival)

    def _accept_incoming(self, ssrc: int) -> bool:
        """libsrtp keeps a stream of every SSRC that was authentic; there are not more of them than we count."""
        source = ssrc.to_bytes(4, "big")
        if not self._has_room(source):
            if self._incoming is not None:
                self._incoming.remove_stream(ssrc)
            return False
        self._add_source(source)
        return True

    def _has_room(self, source: bytes) -> bool:
        if source in self._sources or len(self._sources) < MAXIMUM_SOURCES:
            return True
        self._drops.counts[Drop.SRTP_TOO_MANY_SOURCES] += 1
        return False

    def _add_source(self, source: bytes) -> None:
        if source not in self._sources:
            self._sources.add(source)
            self._directory.add_source(self, source)
            self._look_for_room()

    def receive_stray_media(self, endpoint: Endpoint, address: Address, packet: bytes, arrival: float) -> None:
        """A packet with one of our sources from an unknown address; adopted only if it is authentic and fresh."""
        if self._strays.take(arrival):
            self.receive_media(Path(endpoint, address, self), packet, arrival)
        else:
            self._drops.counts[Drop.MEDIA_UNKNOWN_ADDRESS] += 1

    @property
    def path(self) -> Path | None:
        """The way in use; None before there is one, and after it has ended."""
        return self._way.path or self._way.adopted

    def path_lost(self, path: Path) -> None:
        """The TCP connection behind it has ended."""
        self._way.lost(path)

    def tick(self, now: float) -> None:
        """Several times a second: silence, deadlines, and how much came."""
        if self._incoming is not None:
            self._keep_to_ceiling(self._incoming, now)
        silence = now - max(self._heard_at, self._checked_at)
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
        """Frees everything; a second call does nothing. Nothing that it owns knows it afterwards: a connection goes
        with its last reference and does not wait for the collector of cycles."""
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
        self._unprotect = self._unprotect_rtcp = no_keys
        self._way.close()
        self._enter(TransportState.FREED, self._entered_at)
        self._state_changed = _tell_nobody

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
        self._incoming, self._handle = sessions.incoming, sessions.incoming.handle
        self._keep_to_ceiling(sessions.incoming, now)
        self.sink.set_keys(sessions.outgoing)
        self._enter(TransportState.LIVE, now)
        self.media.set_active()

    def _keep_to_ceiling(self, session: SrtpSession, now: float) -> None:
        """Nothing is read while more has come than the limit allows; so the packet path need not look at it."""
        packets, self._packets = self._packets, 0
        if self._ceiling.spend(packets, now):
            self._unprotect, self._unprotect_rtcp = session.unprotect, session.unprotect_rtcp
            self._look_for_room()
        else:
            self._unprotect = self._unprotect_rtcp = too_many_packets

    def _look_for_room(self) -> None:
        """When there is no room for another source, its packets are not decrypted: without the window of its stream
        they could be sent again and again."""
        if len(self._sources) >= MAXIMUM_SOURCES and self._unprotect is not too_many_packets:
            self._unprotect = self._unprotect_known

    def _unprotect_known(self, handle: Handle, place: Place, length: int) -> bytes:
        if self._incoming is None or place.content[8:12] not in self._sources:
            raise Refused(Drop.SRTP_TOO_MANY_SOURCES)
        return self._incoming.unprotect(handle, place, length)

    def _nominate(self, path: Path, generation: Generation, arrival: float) -> None:
        """A nominated pair ends the credentials older than its own."""
        restarted = self._generations[0] is not generation
        while self._generations[0] is not generation:
            self._directory.remove_generation(self._generations.pop(0))
        if self._incoming is None:
            self._way.use(path)
        else:
            self._way.nominate(path, arrival - self._heard_at, restarted=restarted)

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
        path = self._way.path
        if path is not None:
            self._send(path.endpoint, path.address, datagram)

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


def _tell_nobody(state: TransportState) -> None:
    """There is no state after the last one."""
