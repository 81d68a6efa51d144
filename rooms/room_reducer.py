"""How an event changes a snapshot. The web client has the same reducer; both run `tests/fixtures/room/*.json`."""

import msgspec

from rooms.messages import Event, ParticipantChanged, RoomChanged, RoomSnapshot


def apply(snapshot: RoomSnapshot, event: Event) -> RoomSnapshot:
    """The next snapshot. Events that the snapshot already contains, and those of no room, change nothing."""
    if isinstance(event, ParticipantChanged) and event.version > snapshot.version:
        changed = event.participant
        known = any(one.person.id == changed.person.id for one in snapshot.participants)
        kept = tuple(changed if one.person.id == changed.person.id else one for one in snapshot.participants)
        participants = kept if known else (*kept, changed)
        return msgspec.structs.replace(snapshot, version=event.version, participants=participants)
    if isinstance(event, RoomChanged) and event.version > snapshot.version:
        return msgspec.structs.replace(
            snapshot,
            version=event.version,
            started_at=event.started_at,
            notice=event.notice,
            finished=event.finished,
            screen=event.screen,
        )
    return snapshot
