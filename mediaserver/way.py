"""Which of a transport's paths its packets take: the one where its peer's authentic packets come from.

A connectivity check does not cover the address it comes from (RFC 8489), and a lite agent makes none of its own: who
only reads a network can send a copy of a check from elsewhere. So a nomination alone moves a connection that is up only
where nothing contradicts it; SRTP and SRTCP, which can't be sent twice, decide.
"""

from mediaserver.path import Path
from mediaserver.peer_sink import PeerSink
from mediaserver.settings import MAXIMUM_PATHS, UNCONFIRMED_FACTOR, WAY_SILENT_AFTER


class Way:
    """Owns the paths of one transport; freed by `close`."""

    __slots__ = ("_on_trust", "_paths", "_sink", "_trusting", "adopted", "path")

    def __init__(self, sink: PeerSink) -> None:
        self._sink = sink
        self._paths: list[Path] = []
        self.path: Path | None = None
        """In use, and confirmed by a check; None before there is one, and after it has ended."""
        self.adopted: Path | None = None
        """An address that only SRTP vouches for; then `path` is None."""
        self._on_trust = False
        """A nomination alone brought `path` into use."""
        self._trusting = True
        """No such path has turned out wrong since the last ICE restart."""

    def confirm(self, path: Path) -> None:
        """A verified check came from there."""
        if path.endpoint.paths.get(path.address) is not path:
            self._add(path)
        path.confirmed = True
        if path is self.adopted:
            self._sink.renew_allowance()
            self.use(path)
        elif self.path is None and self.adopted is None:
            self.use(path)

    def nominate(self, path: Path, silence: float, *, restarted: bool) -> None:
        """A verified check that nominates (RFC 8445 section 7.3.1.5) while the connection is up.

        `silence`: seconds since the last sign of life on the way in use. `restarted`: no check with these credentials
        has nominated before. Else who still speaks elsewhere stays there, and moves with the next packet that is sent
        from the new address: those who send do so at once, those who only listen with their next RTCP.
        """
        if restarted:
            self._trusting = True
        if path is not self.path and (restarted or (self._trusting and silence > WAY_SILENT_AFTER)):
            self.use(path)
            self._on_trust = True

    def use(self, path: Path) -> None:
        if self.path is path:
            return
        if self.path is not None:
            self.path.settled = False
        self.path = path
        self.adopted = None
        self._on_trust = False
        self._sink.set_route(path.endpoint.route(path.address))

    def heard(self, path: Path, size: int) -> None:
        """An authentic packet of `size` bytes came by a path that is not settled: the way goes back there."""
        if path is not self.path and self._on_trust:
            self._trusting = self._on_trust = False
        if path.confirmed:
            self.use(path)
            self._on_trust = False
            path.settled = True
        elif path is self.adopted:
            self._sink.allow_more(UNCONFIRMED_FACTOR * size)
        else:
            self._adopt(path)

    def lost(self, path: Path) -> None:
        """The next check, or the next packet, says which way to go on."""
        if path in self._paths:
            self._paths.remove(path)
        if path is self.path:
            self.path = None
            self._sink.forget_route()

    def close(self) -> None:
        paths, self._paths = self._paths, []
        self.path = self.adopted = None
        for path in paths:
            path.endpoint.forget(path)

    def _adopt(self, path: Path) -> None:
        """A NAT may have changed its mind."""
        if path.endpoint.paths.get(path.address) is not path:
            self._add(path)
        if self.path is not None:
            self.path.settled = False
        self.path = None
        self.adopted = path
        self._sink.set_unconfirmed_route(path.endpoint.route(path.address))

    def _add(self, path: Path) -> None:
        if len(self._paths) == MAXIMUM_PATHS:
            oldest = next(known for known in self._paths if known is not self.path and known is not self.adopted)
            self._paths.remove(oldest)
            oldest.endpoint.forget(oldest)
        self._paths.append(path)
        path.endpoint.remember(path)
