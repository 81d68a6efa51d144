"""What kind of datagram it is, by its first byte (RFC 7983): everything but RTP of a known path, which is told apart
where it is read."""

from mediaserver.drops import Drop, Drops
from mediaserver.path import Endpoint, Path, Strangers
from mediaserver.socket_names import Address


class Demultiplexer:
    """What comes from an address that has not passed a verified STUN check gets no further than this."""

    def __init__(self, strangers: Strangers, drops: Drops) -> None:
        self._strangers = strangers
        self._counts = drops.counts

    def receive(self, endpoint: Endpoint, address: Address, path: Path | None, datagram: bytes, arrival: float) -> None:
        if len(datagram) < 13:
            self._counts[Drop.TOO_SHORT] += 1
            return
        first = datagram[0]
        if first < 4:
            self._strangers.receive_stun(endpoint, address, datagram, arrival)
        elif 19 < first < 64:
            if path is None or not path.confirmed:
                self._counts[Drop.DTLS_UNKNOWN_ADDRESS] += 1
            else:
                path.transport.receive_dtls(path, datagram, arrival)
        elif not 127 < first < 192:
            self._counts[Drop.UNKNOWN_PROTOCOL] += 1
        elif path is not None:
            path.transport.receive_media(path, datagram, arrival)
        else:
            self._strangers.receive_stray_media(endpoint, address, datagram, arrival)
