"""The media workers as the rooms domain sees them: which room lives on which worker, and what became of it."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from contract.errors import ErrorCode, KonsiliumError, MissingError, UnavailableError
from contract.ids import PeerId, RoomId
from mediaserver.link_messages import (
    Answer,
    Disconnect,
    DoneReply,
    Measure,
    MeasureReply,
    Notice,
    Offer,
    PeerEntry,
    PeerState,
    ShareScreen,
    SlotEntry,
    Slots,
    Speaker,
    Statistics,
    StatisticsReply,
    TileEntry,
    View,
    Wanted,
)
from mediaserver.tiles import TileSize
from rooms.media_port import LivingMedia, MediaListener, RoomMeasure
from rooms.messages import ConnectionState, MediaAnswer, MediaWanted, SessionDescription, SlotView, Tile
from server.room_measure import room_measure
from server.worker_link import LinkState, WorkerLink

log = structlog.get_logger("server.media_link")

OTHERS_START_SECONDS = 2.0
"""A worker that lives answers within milliseconds; one that is just being started may join later."""

FREED = "freed"
_STATES = {
    "connecting": ConnectionState.CONNECTING,
    "live": ConnectionState.LIVE,
    "unstable": ConnectionState.UNSTABLE,
    "gone": ConnectionState.GONE,
    FREED: ConnectionState.GONE,
}

_PeerKey = tuple[RoomId, PeerId]


@dataclass(slots=True)
class _Peer:
    connection: str
    state: str
    slots: tuple[SlotView, ...] = ()
    missing_slots: int = 0
    wanted: MediaWanted | None = None
    replaces: "_Peer | None" = None
    """The connection that goes on when the worker refuses this one's offer."""


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One worker, as the operator and the metrics are told."""

    name: str
    up: bool
    spare: bool
    retiring: bool
    rooms: int
    cpu_share: float
    """Of a core, over the last seconds."""
    losses: int


class MediaLink:
    """Implements `rooms.media_port.MediaPort` over the workers' sockets.

    The last worker is the spare at first: it gets rooms only when no other is there. When a worker is lost, the
    spare takes its part, and the restarted worker is the next spare.
    """

    def __init__(self, sockets: Sequence[Path]) -> None:
        self._listeners: list[MediaListener] = []
        self._placements: dict[RoomId, WorkerLink] = {}
        self._peers: dict[_PeerKey, _Peer] = {}
        self._unfreed: dict[WorkerLink, set[_PeerKey]] = {}
        """Peers whose worker could not be told that they are gone."""
        self._screens: dict[RoomId, PeerId] = {}
        """Who shares a screen: told again with each new connection, which a worker may know nothing of."""
        self._links = [WorkerLink(path, self._worker_up, self._worker_down, self._noticed) for path in sockets]
        self._spare = self._links[-1] if len(self._links) > 1 else None

    async def start(self, seconds: float) -> None:
        """Waits until one worker answers and gives the others a moment too, so that living media is known before the
        first person comes back. Raises `UnavailableError` when none answers in time."""
        waits = {asyncio.create_task(link.wait_up()) for link in self._links}
        _, late = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if late and self.ready:
            _, late = await asyncio.wait(late, timeout=OTHERS_START_SECONDS)
        for wait in late:
            wait.cancel()
        if not self.ready:
            raise UnavailableError(ErrorCode.MEDIA_UNAVAILABLE, "no media worker answers")

    @property
    def ready(self) -> bool:
        """Whether somebody could join now."""
        return any(link.state is LinkState.UP for link in self._links)

    async def close(self) -> None:
        """Ends the links; workers go on for their grace time."""
        for link in self._links:
            await link.close()

    def listen(self, listener: MediaListener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def offer(self, room: RoomId, peer: PeerId, offer: SessionDescription) -> MediaAnswer:
        link = self._placements.get(room) or self._place(room)
        before = self._peers.get((room, peer))
        if before is None or before.connection != offer.connection:
            self._peers[room, peer] = _Peer(offer.connection, "connecting", replaces=before)
        try:
            answer = await link.ask(
                lambda number: Offer(
                    request=number,
                    room=room,
                    peer=peer,
                    connection=offer.connection,
                    number=offer.number,
                    sdp=offer.sdp,
                ),
                Answer,
            )
        except KonsiliumError:
            self._restore(room, peer, before)
            raise
        self._unfreed.get(link, set()).discard((room, peer))
        if self._screens.get(room) == peer and (before is None or before.connection != offer.connection):
            await self._tell_screen_again(link, room, peer)
        views = _views(answer.slots)
        known = self._peers.get((room, peer))
        if known is not None:
            known.slots, known.missing_slots, known.replaces = views, answer.missing_slots, None
        return MediaAnswer(
            description=SessionDescription(connection=offer.connection, number=offer.number, sdp=answer.sdp),
            slots=views,
            missing_slots=answer.missing_slots,
        )

    def resume(self, room: RoomId, peer: PeerId, connection: str) -> LivingMedia | None:
        known = self._peers.get((room, peer))
        if known is None or known.connection != connection or room not in self._placements:
            return None
        shares_screen = self._screens.get(room) == peer
        return LivingMedia(_STATES[known.state], known.slots, known.missing_slots, known.wanted, shares_screen)

    def peers(self) -> tuple[tuple[RoomId, PeerId], ...]:
        return tuple(self._peers)

    def state_of(self, room: RoomId, peer: PeerId) -> ConnectionState | None:
        known = self._peers.get((room, peer))
        return None if known is None else _STATES[known.state]

    async def measure(self, rooms: Sequence[RoomId]) -> dict[RoomId, RoomMeasure]:
        by_link: dict[WorkerLink, list[str]] = {}
        for room in rooms:
            link = self._placements.get(room)
            if link is not None and link.state is LinkState.UP:
                by_link.setdefault(link, []).append(room)
        measures: dict[RoomId, RoomMeasure] = {}
        for link, named in by_link.items():
            with contextlib.suppress(UnavailableError):
                reply = await link.ask(partial(Measure, rooms=tuple(named)), MeasureReply)
                measures |= {RoomId(room): room_measure(counters) for room, counters in reply.rooms.items()}
        return measures

    async def view(self, room: RoomId, peer: PeerId, tiles: tuple[Tile, ...]) -> None:
        link = self._placements.get(room)
        if link is not None:
            entries = tuple(TileEntry(tile.mid, TileSize(tile.size), tile.main) for tile in tiles)
            await link.ask(lambda number: View(request=number, room=room, peer=peer, tiles=entries), DoneReply)

    async def share_screen(self, room: RoomId, peer: PeerId | None) -> None:
        link = self._placements.get(room)
        if link is not None:
            await self._tell_screen(link, room, peer)
        # Not before the worker agreed: else a later connection would show what its owner was told had failed.
        if peer is None:
            self._screens.pop(room, None)
        else:
            self._screens[room] = peer

    async def _tell_screen(self, link: WorkerLink, room: RoomId, peer: PeerId | None) -> None:
        await link.ask(lambda number: ShareScreen(request=number, room=room, peer=peer), DoneReply)

    async def _tell_screen_again(self, link: WorkerLink, room: RoomId, peer: PeerId) -> None:
        """The offer was answered: what becomes of the screen can't undo that."""
        try:
            await self._tell_screen(link, room, peer)
        except KonsiliumError as error:
            log.warning("screen_not_told", worker=link.path.name, code=error.code.value)

    async def disconnect(self, room: RoomId, peer: PeerId) -> None:
        link = self._placements.get(room)
        if self._screens.get(room) == peer:
            del self._screens[room]
        self._forget_peer(room, peer)
        if link is None:
            return
        try:
            await link.ask(lambda number: Disconnect(request=number, room=room, peer=peer), DoneReply)
        except UnavailableError:
            log.warning("peer_left_on_lost_worker", worker=link.path.name)
            if link.state is LinkState.UP:
                self._unfreed.setdefault(link, set()).add((room, peer))

    async def counters(self) -> dict[str, dict[str, int]]:
        """The counters of each worker that answers, by worker name; a worker that is lost meanwhile is left out."""
        counters: dict[str, dict[str, int]] = {}
        for link in self._links:
            with contextlib.suppress(UnavailableError):
                reply = await link.ask(partial(Statistics, peers=False), StatisticsReply)
                counters[link.path.stem] = reply.counters
        return counters

    def workers(self) -> list[WorkerView]:
        """Every worker, the one that was the first spare last."""
        rooms = Counter(self._placements.values())
        return [
            WorkerView(
                name=link.path.stem,
                up=link.state is LinkState.UP,
                spare=link is self._spare,
                retiring=link.retiring,
                rooms=rooms[link],
                cpu_share=link.load.share,
                losses=link.losses,
            )
            for link in self._links
        ]

    def retire(self, name: str, *, at_once: bool) -> WorkerView:
        """Has a worker's process ended, and so started anew: now, or once the last of its rooms is over. Raises
        `MissingError` for an unknown one, `UnavailableError` for one that is not there."""
        link = next((link for link in self._links if link.path.stem == name), None)
        if link is None:
            raise MissingError(ErrorCode.NOT_FOUND, f"no such worker: {name}")
        if link.state is not LinkState.UP:
            raise UnavailableError(ErrorCode.MEDIA_UNAVAILABLE, f"{name} is not there")
        link.retiring = True
        if at_once:
            link.end_worker()
        self._end_if_idle(link)
        return next(view for view in self.workers() if view.name == name)

    def _end_if_idle(self, link: WorkerLink) -> None:
        if link.retiring and link not in self._placements.values():
            link.end_worker()

    def _place(self, room: RoomId) -> WorkerLink:
        up = [link for link in self._links if link.state is LinkState.UP]
        if not up:
            raise UnavailableError(ErrorCode.MEDIA_UNAVAILABLE, "no media worker is there")
        now, rooms = time.monotonic(), Counter(self._placements.values())
        chosen = min(up, key=lambda link: (link.retiring, link is self._spare, link.load.steps(now), rooms[link]))
        chosen.load.placed(now)
        self._placements[room] = chosen
        return chosen

    def _restore(self, room: RoomId, peer: PeerId, before: _Peer | None) -> None:
        if before is None or room not in self._placements:
            self._forget_peer(room, peer)
        elif before.state == FREED:
            self._forget_peer(room, peer)
            self._tell_state(room, peer, ConnectionState.GONE)
        else:
            self._peers[room, peer] = before

    def _forget_peer(self, room: RoomId, peer: PeerId) -> None:
        self._peers.pop((room, peer), None)
        if not any(key[0] == room for key in self._peers):
            link = self._placements.pop(room, None)
            if link is not None:
                self._end_if_idle(link)

    def _worker_up(self, link: WorkerLink, peers: tuple[PeerEntry, ...]) -> None:
        """Takes up what lives on the worker; rooms that should live there and do not are lost, peers are gone."""
        peers = self._without_unfreed(link, peers)
        alive = {RoomId(entry.room) for entry in peers}
        present = {(RoomId(entry.room), PeerId(entry.peer)) for entry in peers}
        self._lose(frozenset(room for room, placed in self._placements.items() if placed is link and room not in alive))
        for room, peer in [key for key in self._peers if self._placements.get(key[0]) is link and key not in present]:
            self._forget_peer(room, peer)
            self._tell_state(room, peer, ConnectionState.GONE)
        for entry in peers:
            room, peer = RoomId(entry.room), PeerId(entry.peer)
            if self._placements.setdefault(room, link) is link:
                self._peers[room, peer] = _Peer(entry.connection, entry.state)
                if entry.shares_screen:
                    self._screens[room] = peer
                self._tell_state(room, peer, _STATES[entry.state])
        log.info("worker_up", worker=link.path.name, rooms=len(alive))

    def _without_unfreed(self, link: WorkerLink, peers: tuple[PeerEntry, ...]) -> tuple[PeerEntry, ...]:
        """Tells the worker, before anything else is asked of it, whom it must free."""
        unfreed = self._unfreed.pop(link, set())
        for room, peer in unfreed:
            link.tell(partial(Disconnect, room=room, peer=peer))
        return tuple(entry for entry in peers if (RoomId(entry.room), PeerId(entry.peer)) not in unfreed)

    def _worker_down(self, link: WorkerLink) -> None:
        self._unfreed.pop(link, None)
        log.warning("worker_lost", worker=link.path.name)
        if self._spare is not None and link is not self._spare and self._spare.state is LinkState.UP:
            self._spare = link
        self._lose(frozenset(room for room, placed in self._placements.items() if placed is link))

    def _lose(self, rooms: frozenset[RoomId]) -> None:
        if not rooms:
            return
        for room in rooms:
            del self._placements[room]
        self._peers = {key: peer for key, peer in self._peers.items() if key[0] not in rooms}
        for listener in list(self._listeners):
            listener.worker_lost(rooms)

    def _noticed(self, link: WorkerLink, notice: Notice) -> None:
        if isinstance(notice, Speaker):
            self._speaker_noticed(link, notice)
            return
        room, peer = RoomId(notice.room), PeerId(notice.peer)
        known = self._peers.get((room, peer))
        if known is None or self._placements.get(room) is not link:
            return
        if isinstance(notice, Slots):
            known.slots, known.missing_slots = _views(notice.slots), notice.missing_slots
            for listener in list(self._listeners):
                listener.slots_changed(room, peer, known.slots, known.missing_slots)
        elif notice.connection != known.connection:
            if known.replaces is not None and isinstance(notice, PeerState) and notice.state in _STATES:
                # It matters again when the offer of the new connection is refused.
                _note(known.replaces, notice)
        elif isinstance(notice, Wanted):
            known.wanted = MediaWanted(connection=notice.connection, camera=notice.camera, screen=notice.screen)
            for listener in list(self._listeners):
                listener.wanted_changed(room, peer, known.wanted)
        else:
            self._state_noticed(room, peer, known, notice)

    def _speaker_noticed(self, link: WorkerLink, notice: Speaker) -> None:
        room = RoomId(notice.room)
        if self._placements.get(room) is not link:
            return
        speaker = None if notice.peer is None else PeerId(notice.peer)
        for listener in list(self._listeners):
            listener.speaker_changed(room, speaker)

    def _state_noticed(self, room: RoomId, peer: PeerId, known: _Peer, notice: PeerState) -> None:
        known.state = notice.state if notice.state in _STATES else known.state
        if notice.state == FREED:
            self._forget_peer(room, peer)
        self._tell_state(room, peer, _STATES[known.state])

    def _tell_state(self, room: RoomId, peer: PeerId, state: ConnectionState) -> None:
        for listener in list(self._listeners):
            listener.peer_state_changed(room, peer, state)


def _note(peer: _Peer, notice: PeerState) -> None:
    if notice.connection == peer.connection:
        peer.state = notice.state


def _views(entries: tuple[SlotEntry, ...]) -> tuple[SlotView, ...]:
    return tuple(SlotView(mid=entry.mid, participant=entry.peer) for entry in entries)
