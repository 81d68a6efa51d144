"""The peers of one room, in the order in which they joined, and who is shown on whose slots."""

import time
from collections.abc import Callable

from contract.errors import ErrorCode, LimitError
from mediaserver.active_speaker import LISTEN_SECONDS, ActiveSpeaker
from mediaserver.link_messages import FlowEntry, RoomCounters, SlotEntry
from mediaserver.media_peer import MediaPeer
from mediaserver.negotiated import SCREEN_SLOT
from mediaserver.peer_media import connect_slot, disconnect_slot
from mediaserver.settings import MAXIMUM_PEERS, MAXIMUM_PUBLISHERS
from mediaserver.tiles import Tile
from mediaserver.transport_state import TransportState
from mediaserver.wanted import Wanted, wanted_layers

SlotsChanged = Callable[[str, tuple[SlotEntry, ...], int], None]
"""Called with the peer, its slots and how many it lacks."""
TellWanted = Callable[[MediaPeer, Wanted], None]
TellSpeaker = Callable[[str | None], None]

_TOLD_APART = 2
"""People, of whom more are told who speaks."""
_BEGINS_SECONDS = 8.0
"""So long a camera may take to send its first picture."""
_LOOK_SECONDS = 0.5
"""How often it is looked whether cameras send what they were told to."""


class MediaRoom:
    """Assigns publishers to slots: stable while both stay, in the order of joining, first free slot first."""

    def __init__(self, slots_changed: SlotsChanged, tell_wanted: TellWanted, tell_speaker: TellSpeaker) -> None:
        self.peers: dict[str, MediaPeer] = {}
        self.screen: str | None = None
        """Whose screen is shown, by name: it outlives a connection."""
        self._slots_changed = slots_changed
        self._tell_wanted = tell_wanted
        self._tell_speaker = tell_speaker
        self._listener = ActiveSpeaker()
        self._next_listening = 0.0
        self._next_look = 0.0
        self._watching: list[MediaPeer] = []
        """Who is there to be sent pictures."""

    @property
    def speaker(self) -> str | None:
        """Who speaks, by name."""
        return self._listener.speaker

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
        self._assign_all(except_peer=None)

    def view(self, peer: MediaPeer, tiles: dict[str, Tile]) -> None:
        """How large the peer's page shows what it receives."""
        peer.transport.media.view(tiles)
        self._look_for_wanted(time.monotonic())

    def tick(self, now: float) -> None:
        """Tells what down-links have chosen, what is not wanted any more when it has stayed so, and who speaks."""
        if now >= self._next_listening:
            # A little less, since ticks that come as often are never quite even.
            self._next_listening = now + 0.9 * LISTEN_SECONDS
            self._listen(now)
        self._note_who_watches(now)
        chose = [peer.transport.media.take_changed_choices() for peer in self.peers.values()]
        if any(chose) or (now >= self._next_look and self._several_layers_are_told()):
            self._next_look = now + _LOOK_SECONDS
            self._look_for_wanted(now)
        for peer in self.peers.values():
            if peer.wanted is not None and peer.wanted.pending:
                told = peer.wanted.due(now)
                if told is not None:
                    self._tell_wanted(peer, told)

    def _several_layers_are_told(self) -> bool:
        return any(peer.wanted is not None and len(peer.wanted.told.camera) > 1 for peer in self.peers.values())

    def _note_who_watches(self, now: float) -> None:
        watching = [peer for peer in self.peers.values() if peer.watches(now)]
        if watching == self._watching:
            return
        self._watching = watching
        for peer in self.peers.values():
            peer.transport.media.set_gone(peer.transport.state is TransportState.GONE)
        self._look_for_wanted(now)

    def _listen(self, now: float) -> None:
        """Between two people there is nobody to be told apart from."""
        before = self._listener.speaker
        if before is None and len(self.peers) <= _TOLD_APART:
            return
        heard = {peer.name: peer.transport.media.sound_level(now) for peer in self.peers.values() if peer.publishes}
        self._listener.hear(heard if len(heard) > _TOLD_APART else {}, now)
        if self._listener.speaker != before:
            self._tell_speaker(self._listener.speaker)

    def negotiated(self, peer: MediaPeer, *, reconnect: bool) -> None:
        """After an answer: fills the peer's slots and shows the peer to the others.

        `reconnect`: the peer's media is a new object, so those who see it must be connected again. The peer itself
        learns its slots with the answer, not by an event.
        """
        if reconnect:
            for other in self.peers.values():
                if peer.name in other.slots:
                    connect_slot(peer.transport.media, other.transport.media, other.slots.index(peer.name))
                if peer.name == other.screen:
                    connect_slot(peer.transport.media, other.transport.media, SCREEN_SLOT)
        self._assign_all(except_peer=peer)

    def counters(self) -> RoomCounters:
        """What was counted of everybody here, and between whom packets went."""
        return RoomCounters(
            peers={name: peer.transport.media.statistics() for name, peer in self.peers.items()},
            flows=tuple(
                FlowEntry(publisher, name, *peer.transport.media.sent_on(slot))
                for name, peer in self.peers.items()
                for slot, publisher in enumerate(peer.slots)
                if publisher is not None
            ),
        )

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
        self._look_for_wanted(time.monotonic())

    def _look_for_wanted(self, now: float) -> None:
        """What is told lags behind what is wanted: subscriptions leave a layer before it falls silent."""
        for peer in self.peers.values():
            if peer.wanted is None:
                continue
            wanted = self._with_its_first(peer, self._wanted_of(peer, now), now)
            camera = peer.substitutes.beside(wanted.camera, peer.transport.media.sent_layers(), now)
            wanted = wanted._replace(camera=camera)
            peer.transport.media.want_layers(wanted.camera)
            told = peer.wanted.aim(wanted, now)
            if told is not None:
                self._tell_wanted(peer, told)

    def _with_its_first(self, publisher: MediaPeer, wanted: Wanted, now: float) -> Wanted:
        """Chromium tells what its down-link holds only when its first encoding, the whole picture, has sent: so it does
        once, also where everybody has a use for less."""
        begins = now - publisher.camera_since < _BEGINS_SECONDS
        if not wanted.camera or not begins or publisher.transport.media.has_sent_whole():
            return wanted
        return wanted._replace(camera=wanted.camera | {publisher.camera_layers - 1})

    def _wanted_of(self, publisher: MediaPeer, now: float) -> Wanted:
        others = [peer for peer in self.peers.values() if peer is not publisher and peer.watches(now)]
        wished = [
            peer.transport.media.wished_layer(peer.slots.index(publisher.name))
            for peer in others
            if publisher.name in peer.slots
        ]
        screens = [peer.transport.media.wished_layer(SCREEN_SLOT) for peer in others if peer.screen == publisher.name]
        return Wanted(wanted_layers(publisher.camera_layers, wished), any(layer >= 0 for layer in screens))

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
        return self._assign_screen(subscriber) or changed

    def _assign_screen(self, subscriber: MediaPeer) -> bool:
        sharer = self.peers.get(self.screen) if self.screen is not None else None
        shown = sharer is not None and sharer is not subscriber and subscriber.receives_screen
        name = sharer.name if sharer is not None and shown else None
        if name == subscriber.screen:
            return False
        subscriber.screen = name
        if sharer is not None and shown:
            connect_slot(sharer.transport.media, subscriber.transport.media, SCREEN_SLOT)
        else:
            disconnect_slot(subscriber.transport.media, SCREEN_SLOT)
        return True
