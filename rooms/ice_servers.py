"""What the rooms domain needs to know of TURN servers: whom to ask for their addresses and credentials."""

from typing import Protocol

from contract.ids import ParticipantId
from rooms.messages import IceServers, VerdictCode

ENTITLED = frozenset({VerdictCode.ADMITTED, VerdictCode.WAITING_FOR_PRACTITIONER})
"""Under these verdicts a person is about to need them; a relay is a resource that strangers would like to have."""


class IceServerSource(Protocol):
    def issue(self, participant: ParticipantId) -> IceServers:
        """Servers with credentials for this person alone, for a limited time."""
        ...


class NoIceServers:
    """When no TURN server is configured."""

    def issue(self, participant: ParticipantId) -> IceServers:
        return IceServers(servers=(), expires_seconds=0)
