"""The bounds and times of a media worker, in seconds unless said otherwise."""

from dataclasses import dataclass
from pathlib import Path

from mediaserver.announced import Announced

UNSTABLE_AFTER = 3.0
GONE_AFTER = 8.0
FREED_AFTER = 30.0
"""RFC 7675 section 5.1: consent expires 30 s after the last authenticated packet."""
CONNECT_DEADLINE = 30.0
"""From the offer to the first verified connectivity check."""
HANDSHAKE_DEADLINE = 15.0
"""From the first verified connectivity check to the end of the DTLS handshake."""

WAY_SILENT_AFTER = 1.0
"""A path that a nomination names takes the place of one this silent. Who sends is never silent so long: a packet of
Opus comes each 400 ms even of silence."""

MAXIMUM_PUBLISHERS = 8
MAXIMUM_PEERS = 32
"""In one room."""
MAXIMUM_ROOMS = 500
MAXIMUM_PATHS = 16
"""Addresses of one transport."""
MAXIMUM_SOURCES = 64
"""Incoming SSRCs of one transport."""
PACKETS_PER_SECOND = 3000.0
PACKETS_BURST = 6000.0
"""Authentic media packets of one transport, RTCP included. A browser with a camera in three layers and a screen sends
some 4.3 Mbit/s, about 500 packets a second, and what a network held back for seconds comes at once."""
MAXIMUM_GENERATIONS = 3
"""ICE credentials of one transport that are valid at the same time."""
MAXIMUM_OFFERS = 200
"""Of one connection: each may leave sections, slots and SSRCs behind, which live as long as its keys. A client that
needs more makes a new connection."""
RECENT_PACKETS = 512
"""Of a picture's stream, kept to be sent again; about two seconds (a power of two)."""
DRAIN_SECONDS = 0.001
"""How long one socket is read in a turn of the loop; then the others, and the timers, have theirs."""
UNCONFIRMED_ALLOWANCE = 64 * 1024
"""Bytes to an adopted address before a connectivity check confirms it; more comes with what arrives from there."""
UNCONFIRMED_FACTOR = 3
CHECKS_PER_SECOND = 100.0
CHECKS_BURST = 200.0
STRAYS_PER_SECOND = 200.0
"""Of one transport's media from unknown addresses."""
MAXIMUM_TCP_CONNECTIONS = 1000
"""Of one worker, and so on."""
MAXIMUM_TCP_FROM_ADDRESS = 200
"""Many people may sit behind one address, each with some connections."""
MAXIMUM_TCP_UNVERIFIED = 200
"""That no verified connectivity check has come through yet; the oldest gives way to the next."""
TCP_VERIFY_DEADLINE = 10.0
"""From the connection to its first verified connectivity check."""
SHORT_FRAMES_PER_SECOND = 10.0
SHORT_FRAMES_BURST = 1000.0
"""Of one TCP connection: frames that are too short for anything, empty ones as well. Who sends more is cut."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What the command line of a worker says."""

    socket: Path
    udp_ports: range
    announce: tuple[Announced, ...]
    spare: bool = False
    probe_delays: bool = False
