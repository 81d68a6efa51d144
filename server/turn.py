"""TURN: which servers pages may use, and time-limited credentials for them (draft-uberti-behave-turn-rest-00)."""

import base64
import hashlib
import hmac
import re
from pathlib import Path

from contract.clock import Clock
from contract.ids import ParticipantId
from rooms.messages import IceServer, IceServers

CREDENTIAL_SECONDS = 12 * 60 * 60
"""Longer than any consultation: a relay in use is asked for its credential again and again."""
SHORTEST_SECRET = 16
_OPAQUE_LENGTH = 20

_URL = re.compile(
    r"(?P<scheme>turns?):(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>\d{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?"
)


def parse_turn_url(text: str) -> str:
    """A URL of RFC 7065 as it is. Raises `ValueError` with words for whoever wrote it."""
    found = _URL.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 1) < 65536:
        raise ValueError("a TURN server looks like turn:turn.clinic.example:3478?transport=udp or turns:…:443")
    if found["scheme"] == "turns" and found["transport"] == "udp":
        raise ValueError("browsers speak TURN over DTLS nowhere: leave ?transport=udp out")
    return text


def read_secret(file: Path) -> bytes:
    """The secret shared with the TURN server, which alone is in the file.

    Raises `OSError`, or `ValueError` when the file is for everybody's eyes, or holds too little.
    """
    if file.stat().st_mode & 0o007:
        raise ValueError("everybody on this machine may open it: chmod 0640 or less")
    secret = file.read_bytes().strip()
    if len(secret) < SHORTEST_SECRET or b"\n" in secret:
        raise ValueError(f"it must hold one line of at least {SHORTEST_SECRET} characters")
    return secret


class TurnServers:
    """Implements `rooms.ice_servers.IceServerSource`."""

    def __init__(self, urls: tuple[str, ...], secret: bytes, clock: Clock) -> None:
        """`clock`: the real time, which the TURN server knows too."""
        self._urls = urls
        self._secret = secret
        self._clock = clock

    def issue(self, participant: ParticipantId) -> IceServers:
        """The user name is the time when it ends and a number of the person that says nothing to others, always the
        same, so that the TURN server can limit each person."""
        ends = int(self._clock.now().timestamp()) + CREDENTIAL_SECONDS
        username = f"{ends}:{self._opaque(participant)}"
        digest = hmac.digest(self._secret, username.encode(), hashlib.sha1)
        server = IceServer(urls=self._urls, username=username, credential=base64.b64encode(digest).decode())
        return IceServers(servers=(server,), expires_seconds=CREDENTIAL_SECONDS)

    def _opaque(self, participant: ParticipantId) -> str:
        return hmac.new(self._secret, b"participant " + participant.encode(), hashlib.sha256).hexdigest()[
            :_OPAQUE_LENGTH
        ]
