"""Who of the transports is meant by what comes from an address not seen before."""

from mediaserver import ice
from mediaserver.drops import Drop, Drops
from mediaserver.generation import Generation
from mediaserver.path import Endpoint
from mediaserver.socket_names import Address
from mediaserver.transport import Transport


class Switchboard:
    """Finds transports by ICE username and, after an address change without ICE, by SSRC."""

    def __init__(self, drops: Drops) -> None:
        self._drops = drops
        self._by_username: dict[bytes, tuple[Transport, Generation]] = {}
        self._by_source: dict[bytes, Transport] = {}

    @property
    def sources(self) -> int:
        """Incoming SSRCs known just now, of all transports."""
        return len(self._by_source)

    def add_generation(self, transport: Transport, generation: Generation) -> None:
        self._by_username[generation.username] = (transport, generation)

    def remove_generation(self, generation: Generation) -> None:
        self._by_username.pop(generation.username, None)

    def add_source(self, transport: Transport, ssrc: bytes) -> None:
        """`ssrc` in network order. Two peers may have chosen the same one: the later is found, the other must wait
        for its next connectivity check."""
        self._by_source[ssrc] = transport

    def remove_source(self, transport: Transport, ssrc: bytes) -> None:
        if self._by_source.get(ssrc) is transport:
            del self._by_source[ssrc]

    def receive_stun(self, endpoint: Endpoint, address: Address, datagram: bytes, arrival: float) -> None:
        """RFC 8445 section 7.3: verified before anything is answered or believed."""
        counts = self._drops.counts
        request = ice.parse_binding_request(datagram)
        if request is None:
            counts[Drop.STUN_MALFORMED] += 1
            return
        found = self._by_username.get(request.username)
        if found is None:
            counts[Drop.STUN_UNKNOWN_USER] += 1
            return
        transport, generation = found
        # Before the limit: who knows but a user name, which goes in the clear, must not use it up.
        if not ice.integrity_is_right(datagram, request, generation.password):
            counts[Drop.STUN_BAD_INTEGRITY] += 1
        elif not transport.may_check(endpoint, address, generation, arrival):
            counts[Drop.STUN_RATE_LIMITED] += 1
        else:
            transport.receive_check(endpoint, address, request, generation, arrival)

    def receive_stray_media(self, endpoint: Endpoint, address: Address, packet: bytes, arrival: float) -> None:
        """A packet of a known source from an unknown address may be a peer behind a NAT that changed its mind: the
        transport believes it only when SRTP authenticates it."""
        source = packet[4:8] if 191 < packet[1] < 224 else packet[8:12]
        transport = self._by_source.get(source)
        if transport is None:
            self._drops.counts[Drop.MEDIA_UNKNOWN_ADDRESS] += 1
        else:
            transport.receive_stray_media(endpoint, address, packet, arrival)
