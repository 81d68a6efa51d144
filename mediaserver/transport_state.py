"""The life of one peer's transport, as a table."""

from enum import StrEnum


class TransportState(StrEnum):
    """The values are told to the server in `PeerState.state`."""

    NEW = "new"
    """Answered; nothing verified has come yet."""
    CONNECTING = "connecting"
    """A connectivity check was verified; DTLS is shaking hands."""
    LIVE = "live"
    UNSTABLE = "unstable"
    """Silent for a moment."""
    GONE = "gone"
    """Silent for so long that the others are told."""
    FREED = "freed"
    """Closed for good."""


_ALLOWED: dict[TransportState, frozenset[TransportState]] = {
    TransportState.NEW: frozenset({TransportState.CONNECTING, TransportState.FREED}),
    TransportState.CONNECTING: frozenset({TransportState.LIVE, TransportState.FREED}),
    TransportState.LIVE: frozenset({TransportState.UNSTABLE, TransportState.GONE, TransportState.FREED}),
    TransportState.UNSTABLE: frozenset({TransportState.LIVE, TransportState.GONE, TransportState.FREED}),
    TransportState.GONE: frozenset({TransportState.LIVE, TransportState.FREED}),
    TransportState.FREED: frozenset(),
}


def may_follow(before: TransportState, after: TransportState) -> bool:
    return after in _ALLOWED[before]
