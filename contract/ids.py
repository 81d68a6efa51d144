"""Identifiers. Each kind is a distinct type to the checker and a short URL-safe string on the wire."""

import secrets
from typing import NewType

ClinicId = NewType("ClinicId", str)
AppointmentId = NewType("AppointmentId", str)
ParticipantId = NewType("ParticipantId", str)
SessionId = NewType("SessionId", str)
"""One device of one participant: what the HttpOnly cookie stands for."""
ConnectionId = NewType("ConnectionId", str)
"""One Socket.IO connection."""
RoomId = NewType("RoomId", str)
"""The live room of an appointment; equals the appointment's id."""
PeerId = NewType("PeerId", str)
"""A participant as the media server sees it; equals the participant's id."""

_RANDOM_BYTES = 16


def new_id(prefix: str) -> str:
    """A fresh identifier such as `apt_9f…`: 128 random bits, URL-safe, never guessable."""
    return f"{prefix}_{secrets.token_urlsafe(_RANDOM_BYTES)}"
