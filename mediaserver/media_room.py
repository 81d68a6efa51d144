"""The peers of one room, in the order in which they joined, and who is shown on whose slots."""

from collections.abc import Callable

from contract.errors import ErrorCode, LimitError
from mediaserver.link_messages import SlotEntry
from mediaserver.media_peer import MediaPeer
from mediaserver.peer_media import connect_slot, disconnect_slot
from mediaserver.settings import MAXIMUM_PEERS, MAXIMUM_PUBLISHERS

SlotsChanged = Callable[[str, tuple[SlotEntry, ...], int], None]
"""Called with the peer, its slots and how many it lacks."""


class MediaRoom:
    """Assigns publishers to slots: stable while both stay, in the order of joining, first free slot first."""

    def __init__(self, slots_changed: SlotsChanged) -> None:
        self.peers: dict[str, MediaPeer] = {}
        self.screen: str | None = None
        """Whose screen is shown, by name: it outlives a connection."""
        self._slots_changed = slots_changed

    def check_place_for(self, name: str) -> None:
        """Raises `LimitError(ROOM_FULL)`."""
        if name not in self.peers and len(self.peers) >= MAXIMUM_PEERS:
            raise LimitError(ErrorCode.ROOM_FULL, f"at most {MAXIMUM_PEERS} people")

    def check_publishers_with(self, name: str) -> None:
        """Raises `LimitError(ROOM_FULL)` when one more that sends is too many."""
        others = sum(peer.publishes for peer in self.peers.values() if peer.name != name)
        if others >= MAXIMUM_PUBLISHERS:
            raise LimitError(ErrorCode.ROOM_FULL, f"at most {MAXIMUM_PUBLISHERS} people with sound or picture")

    def all_show_h264(self, except_peer: str) -> bool:
        return all(peer.shows_h264 for peer in self.peers.values() if peer.name != except_peer)

    def put(self, peer: MediaPeer) -> MediaPeer | None:
        """Adds a peer, or puts a new connection in the place of the old one, which is returned."""
        replaced = self.peers.get(peer.name)
        self.peers[peer.name] = peer
        return replaced

    def remove(self, peer: MediaPeer) -> None:
        if self.peers.get(peer.name) is peer:
            del self.peers[peer.name]
            self._assign_all(except_peer=None)

    def share_screen(self, name: str | None) -> None:
        """From now on this peer's screen, or nobody's."""
        self.screen = name

    def negotiated(self, peer: MediaPeer, *, reconnect: bool) -> None:
        """After an answer: fills the peer's slots and shows the peer to the others.

        `reconnect`: the peer's media is a new object, so those who see it must be connected again. The peer itself
        learns its slots with the answer, not by an event.
        """
        if reconnect:
            for other in self.peers.values():
                if peer.name in other.slots:
                    connect_slot(peer.transport.media, other.transport.media, other.slots.index(peer.name))
        self._assign_all(except_peer=peer)

    def missing_slots(self, peer: MediaPeer) -> int:
        return sum(name not in peer.slots for name in self._publishers_for(peer))

    def _publishers_for(self, subscriber: MediaPeer) -> list[str]:
        return [peer.name for peer in self.peers.values() if peer.publishes and peer is not subscriber]

    def _assign_all(self, *, except_peer: MediaPeer | None) -> None:
        for peer in list(self.peers.values()):
            missing_before = peer.missing_slots
            changed = self._assign(peer)
            peer.missing_slots = self.missing_slots(peer)
            if peer is not except_peer and (changed or peer.missing_slots != missing_before):
                self._slots_changed(peer.name, peer.slot_entries(), peer.missing_slots)

    def _assign(self, subscriber: MediaPeer) -> bool:
        """Empties slots of those who left, then fills free ones."""
        changed = False
        publishers = self._publishers_for(subscriber)
        for slot, name in enumerate(subscriber.slots):
            if name is not None and name not in publishers:
                disconnect_slot(subscriber.transport.media, slot)
                subscriber.slots[slot] = None
                changed = True
        for name in publishers:
            if name not in subscriber.slots and None in subscriber.slots:
                slot = subscriber.slots.index(None)
                subscriber.slots[slot] = name
                connect_slot(self.peers[name].transport.media, subscriber.transport.media, slot)
                changed = True
        return changed
