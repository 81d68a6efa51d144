"""All rooms of one worker process: what the server may ask for, and what it is told unasked."""

import asyncio
import time
from collections.abc import Callable

from contract.errors import ErrorCode, MissingError, UnavailableError
from mediaserver import sdp_read
from mediaserver.drops import Drops
from mediaserver.dtls import DtlsIdentity
from mediaserver.faults import Faults
from mediaserver.link_messages import (
    Answer,
    Notice,
    Offer,
    PeerEntry,
    PeerState,
    RoomCounters,
    SlotEntry,
    Slots,
    Speaker,
    TileEntry,
)
from mediaserver.link_messages import Wanted as WantedNotice
from mediaserver.media_peer import MediaPeer
from mediaserver.media_room import MediaRoom
from mediaserver.negotiated import Direction
from mediaserver.path_counters import path_of, peers_by_path
from mediaserver.port import Port
from mediaserver.pulse import Pulse
from mediaserver.settings import MAXIMUM_ROOMS
from mediaserver.switchboard import Switchboard
from mediaserver.ticks import TICK_SECONDS
from mediaserver.tiles import Tile
from mediaserver.traffic import Traffic
from mediaserver.transport import Transport
from mediaserver.transport_state import TransportState
from mediaserver.turns import Turns
from mediaserver.wanted import Wanted

_STEPS = 10
"""Of one round of ticks: those of a full worker, one after the other, would hold packets up for milliseconds."""
_STEP_SECONDS = TICK_SECONDS / _STEPS
_ROOM_STEPS = 2 * _STEPS
"""What concerns a whole room has time: who speaks is listened for every 100 ms."""
_SILENCE_EVERY = 5
"""Rounds."""
_PORT_SECONDS = 1.0


class MediaWorker:
    """Owns the port and every peer; freed by `close`. Runs on one event loop, nothing here waits."""

    def __init__(self, port: Port, drops: Drops, announce: tuple[str, ...]) -> None:
        """`announce`: the addresses told to clients."""
        self.notify: Callable[[Notice], None] = _tell_nobody
        self._port = port
        self._drops = drops
        self._faults = Faults(drops)
        self._announce = announce
        self._identity = DtlsIdentity()
        self._switchboard = Switchboard(drops)
        self._rooms: dict[str, MediaRoom] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._next_port_tick = 0.0
        self._peer_turns = Turns(_STEPS, self._peers)
        self._room_turns = Turns(_ROOM_STEPS, lambda: list(self._rooms.values()))
        self._traffic = Traffic()
        self._pulse = Pulse()

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._port.open(loop, self._switchboard)
        self._due = loop.time() + _STEP_SECONDS
        self._timer = loop.call_at(self._due, self._tick)
        self._pulse.expect(self._due)

    def close(self) -> None:
        """Says goodbye to every peer and frees the port."""
        if self._timer is not None:
            self._timer.cancel()
        for _, peer in self._peers():
            peer.transport.close()
        self._port.close()

    def offer(self, request: Offer) -> Answer:
        """Answers an offer (see `rooms.media_port.MediaPort.offer`). Raises `KonsiliumError`s; then nothing changed."""
        room = self._rooms.get(request.room)
        peer = room.peers.get(request.peer) if room is not None else None
        if room is not None and peer is not None and peer.connection == request.connection:
            answer = peer.stored_answer(request.number)
            if answer is None:
                answer = self._answer_again(room, peer, request)
        else:
            room, peer, answer = self._answer_first(room, request)
        return Answer(request.request, answer, peer.slot_entries(), peer.missing_slots)

    def view(self, room: str, name: str, tiles: tuple[TileEntry, ...]) -> None:
        """How large a peer shows what it receives. Raises `MissingError` for an unknown peer."""
        found = self._rooms.get(room)
        peer = found.peers.get(name) if found is not None else None
        if found is None or peer is None:
            raise MissingError(ErrorCode.NOT_FOUND, "no such peer")
        found.view(peer, {tile.mid: Tile(tile.size, tile.main) for tile in tiles})

    def share_screen(self, room: str, name: str | None) -> None:
        """Whose screen everybody sees; an unknown room is no error, whoever comes offers first."""
        found = self._rooms.get(room)
        if found is not None:
            found.share_screen(name)

    def disconnect(self, room: str, name: str) -> None:
        """Frees a peer, and ends the sharing of its screen; unknown ones are no error."""
        found = self._rooms.get(room)
        if found is not None and found.screen == name:
            found.share_screen(None)
        peer = self._find(room, name)
        if peer is not None:
            peer.transport.close()

    def inventory(self) -> tuple[PeerEntry, ...]:
        return tuple(
            PeerEntry(
                name,
                peer.name,
                peer.connection,
                peer.number,
                _told(peer.transport.state),
                shares_screen=room.screen == peer.name,
            )
            for name, room in self._rooms.items()
            for peer in room.peers.values()
        )

    def standing_notices(self) -> tuple[Notice, ...]:
        """What a server that was not there must know: who is on whose slots, was told to send what, and speaks."""
        notices: list[Notice] = []
        for room, peer in self._peers():
            notices.append(Slots(room, peer.name, peer.slot_entries(), peer.missing_slots))
            if peer.wanted is not None:
                notices.append(_wanted_notice(room, peer, peer.wanted.told))
        notices += [Speaker(name, room.speaker) for name, room in self._rooms.items()]
        return tuple(notices)

    def counters(self) -> dict[str, int]:
        self._port.count_kernel_drops()
        peers = self._peers()
        own = {"rooms": len(self._rooms), "peers": len(peers), "udp_port": self._port.number}
        traffic = self._traffic.with_living(peer.transport.media for _, peer in peers)
        ways = peers_by_path(peer.transport for _, peer in peers)
        own["tcp_connections"] = len(self._port.tcp)
        own["cpu_us"] = time.process_time_ns() // 1000
        own["incoming_ssrcs"] = self._switchboard.sources
        own["tasks"] = len(asyncio.all_tasks(self._loop)) if self._loop is not None else 0
        return self._drops.snapshot() | own | ways | traffic | self._pulse.take() | self._port.delays()

    def peer_counters(self) -> dict[str, dict[str, int]]:
        """By `room/peer`."""
        return {
            f"{room}/{peer.name}": peer.transport.media.statistics() | path_of(peer.transport)
            for room, peer in self._peers()
        }

    def measure(self, rooms: tuple[str, ...]) -> dict[str, RoomCounters]:
        """What was counted of these rooms; unknown ones are left out."""
        return {name: room.counters() for name in rooms if (room := self._rooms.get(name)) is not None}

    def _answer_first(self, room: MediaRoom | None, request: Offer) -> tuple[MediaRoom, MediaPeer, str]:
        """A new connection: replaces the peer's earlier one only when all went well."""
        offer = sdp_read.read_offer(request.sdp)
        room = room or self._new_room(request.room)
        room.check_place_for(request.peer)
        if any(section.usable and section.direction is Direction.PUBLISH for section in offer.sections):
            room.check_publishers_with(request.peer)
        now = time.monotonic()

        def state_changed(state: TransportState) -> None:
            self._state_changed(request.room, peer, state)

        transport = Transport(self._switchboard, self._identity, self._drops, offer.fingerprints, state_changed, now)
        peer = MediaPeer(request.peer, request.connection, transport)
        try:
            self._negotiate(room, peer, offer, request.number, now)
        except Exception:
            transport.close()
            raise
        self._rooms[request.room] = room
        replaced = room.put(peer)
        if replaced is not None:
            replaced.transport.close()
        room.negotiated(peer, reconnect=replaced is not None)
        return room, peer, peer.answer

    def _answer_again(self, room: MediaRoom, peer: MediaPeer, request: Offer) -> str:
        offer = sdp_read.read_offer(request.sdp)
        if any(section.usable and section.direction is Direction.PUBLISH for section in offer.sections):
            room.check_publishers_with(request.peer)
        self._negotiate(room, peer, offer, request.number, time.monotonic())
        room.negotiated(peer, reconnect=False)
        return peer.answer

    def _negotiate(self, room: MediaRoom, peer: MediaPeer, offer: sdp_read.Offer, number: int, now: float) -> None:
        h264_by_all = room.all_show_h264(except_peer=peer.name)
        peer.negotiate(offer, number, self._announce, self._port.number, now, h264_by_all=h264_by_all)

    def _new_room(self, name: str) -> MediaRoom:
        if len(self._rooms) >= MAXIMUM_ROOMS:
            raise UnavailableError(ErrorCode.MEDIA_UNAVAILABLE, "this worker has no room left")

        def slots_changed(peer: str, slots: tuple[SlotEntry, ...], missing: int) -> None:
            self.notify(Slots(name, peer, slots, missing))

        def tell_wanted(peer: MediaPeer, wanted: Wanted) -> None:
            self.notify(_wanted_notice(name, peer, wanted))

        def tell_speaker(peer: str | None) -> None:
            self.notify(Speaker(name, peer))

        return MediaRoom(slots_changed, tell_wanted, tell_speaker)

    def _find(self, room: str, name: str) -> MediaPeer | None:
        found = self._rooms.get(room)
        return found.peers.get(name) if found is not None else None

    def _peers(self) -> list[tuple[str, MediaPeer]]:
        return [(name, peer) for name, room in self._rooms.items() for peer in room.peers.values()]

    def _state_changed(self, room_name: str, peer: MediaPeer, state: TransportState) -> None:
        room = self._rooms.get(room_name)
        if room is None or (state is TransportState.FREED and peer.answer == ""):
            return
        self.notify(PeerState(room_name, peer.name, peer.connection, _told(state)))
        if state is TransportState.FREED:
            self._traffic.left(peer.transport.media)
            room.remove(peer)
            if not room.peers:
                self._rooms.pop(room_name, None)

    def _tick(self) -> None:
        """One step of the round in which everybody has a turn."""
        if self._loop is None:
            return
        began = self._loop.time()
        self._pulse.beat(began)
        # By the clock and not by the end of this step, so that rounds keep their length; a late loop runs none twice.
        self._due = max(self._due + _STEP_SECONDS, began)
        self._pulse.expect(self._due)
        self._timer = self._loop.call_at(self._due, self._tick)
        now = time.monotonic()
        peers, rooms = self._peer_turns.next(), self._room_turns.next()
        if now >= self._next_port_tick:
            self._next_port_tick = now + _PORT_SECONDS
            self._port.tick(now)
        looks_for_silence = self._peer_turns.rounds % _SILENCE_EVERY == 0
        for _, peer in peers:
            if peer.transport.state is TransportState.FREED:
                continue
            try:
                if looks_for_silence:
                    peer.transport.tick(now)
                peer.transport.media.tick(now)
            except Exception:
                # One peer's fault must not take the others' reports with it.
                self._faults.happened("a tick")
        for room in rooms:
            try:
                room.tick(now)
            except Exception:
                self._faults.happened("a room's tick")


def _told(state: TransportState) -> str:
    """The server knows no difference between an answer not used yet and a handshake under way."""
    return TransportState.CONNECTING.value if state is TransportState.NEW else state.value


def _wanted_notice(room: str, peer: MediaPeer, wanted: Wanted) -> WantedNotice:
    return WantedNotice(room, peer.name, peer.connection, peer.camera_rids(wanted.camera), wanted.screen)


def _tell_nobody(notice: Notice) -> None:
    """While no server is connected nobody is told; `Inventory` tells the next one."""
