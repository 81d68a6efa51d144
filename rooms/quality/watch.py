"""Looks at every live room some times a minute: tells how good the links are, and keeps the evidence."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from contract.clock import Clock
from contract.errors import KonsiliumError
from contract.ids import AppointmentId, ParticipantId, PeerId, RoomId
from rooms.live_room import Events, LiveRoom
from rooms.media_port import Flow, LinkMeasure, MediaPort, RoomMeasure
from rooms.messages import ConnectionState, LinkQuality, QualityChanged
from rooms.quality.evidence import (
    BreakCause,
    Evidence,
    Present,
    fail_to_sample,
    finish,
    moved,
    observe,
    resume,
    sample,
)
from rooms.quality.link_level import Judged, judge
from rooms.storage.store import Store

SAMPLE_SECONDS = 2.5
FLUSH_SECONDS = 10.0
ROOMS_AT_ONCE = 16
"""Asked of the media workers in one go: counting many at once would hold their packets up."""

_log = structlog.get_logger()


@dataclass(slots=True)
class _Kept:
    """One live room, as far as its quality goes."""

    evidence: Evidence | None = None
    loaded: bool = False
    """The evidence was stored by an earlier life of the room, and is to be taken up."""
    changed: bool = False
    written: set[int] = field(default_factory=set)
    """Numbers of breaks that are stored and over."""
    people: dict[ParticipantId, Present] = field(default_factory=dict)
    flows: tuple[Flow, ...] = ()
    links: dict[ParticipantId, LinkMeasure] = field(default_factory=dict)
    judged: dict[ParticipantId, Judged] = field(default_factory=dict)
    users: int = 0
    """Who is coming in just now: until they are the room may look forgotten."""

    @property
    def media_is_live(self) -> bool:
        """Somebody's media is there, so the worker has something to count."""
        return any(one.with_media and one.state is ConnectionState.LIVE for one in self.people.values())

    @property
    def empty(self) -> bool:
        return not self.users and not any(one.seated for one in self.people.values())


class QualityWatch:
    """Call `start` once and `close` at the end. `publish` tells everybody in a room.

    Evidence is in memory and stored every `FLUSH_SECONDS`, all rooms in one transaction: a killed server loses so much.
    """

    def __init__(
        self, store: Store, media: MediaPort, clock: Clock, publish: Callable[[AppointmentId, Events], None]
    ) -> None:
        self._store = store
        self._media = media
        self._clock = clock
        self._publish = publish
        self._kept: dict[AppointmentId, _Kept] = {}
        self._flushing = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._watching = asyncio.create_task(self._watch_forever(), name="quality of live rooms")

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self.flush()

    # Rooms

    @asynccontextmanager
    async def prepared(self, appointment: AppointmentId) -> AsyncIterator[None]:
        """Takes up what is stored of a room before somebody comes in."""
        kept = self._kept.setdefault(appointment, _Kept(loaded=True))
        kept.users += 1
        try:
            if kept.loaded and kept.evidence is None:
                async with self._store.read() as transaction:
                    evidence = await transaction.quality.get(appointment)
                if kept.loaded:
                    kept.loaded = evidence is not None
                    kept.evidence = evidence
                    kept.written = set() if evidence is None else _over(evidence)
            yield
        finally:
            kept.users -= 1

    def room_changed(self, room: LiveRoom, cause: BreakCause | None) -> Events:
        """Who sits there, or how, has changed; what people are to be told of it."""
        kept = self._kept.get(room.appointment)
        if kept is None:
            return ()
        before, people = kept.people, room.present()
        kept.people = people
        self._keep_evidence(kept, room, cause)
        changed = [person for person, now in people.items() if now != before.get(person)]
        return self._judge(kept, changed)

    def told(self, appointment: AppointmentId) -> Events:
        """The present state, for who has just come in."""
        kept = self._kept.get(appointment)
        return () if kept is None or not kept.judged else (_told(kept),)

    def _keep_evidence(self, kept: _Kept, room: LiveRoom, cause: BreakCause | None) -> None:
        at = self._clock.now()
        if kept.evidence is None:
            if not room.started:
                return
            kept.evidence = Evidence(at)
        kept.changed = True
        if kept.loaded:
            kept.loaded = False
            kept.evidence = resume(kept.evidence, at, kept.people)
        else:
            kept.evidence = observe(kept.evidence, at, kept.people, cause)
        if room.finished:
            kept.evidence = finish(kept.evidence, at)

    def _judge(self, kept: _Kept, people: Iterable[ParticipantId]) -> Events:
        before = _told(kept)
        for person in people:
            now = kept.people.get(person)
            if now is None or not now.with_media:
                kept.judged.pop(person, None)
                kept.links.pop(person, None)
            else:
                kept.judged[person] = judge(kept.judged.get(person), now.state, kept.links.get(person))
        after = _told(kept)
        return () if after == before else (after,)

    # Looking

    async def _watch_forever(self) -> None:
        loop = asyncio.get_running_loop()
        flush_at = loop.time() + FLUSH_SECONDS
        while True:
            rooms = [appointment for appointment, kept in self._kept.items() if not kept.empty]
            batches = [rooms[first : first + ROOMS_AT_ONCE] for first in range(0, len(rooms), ROOMS_AT_ONCE)] or [[]]
            for batch in batches:
                await asyncio.sleep(SAMPLE_SECONDS / len(batches))
                await self._guarded(self.look(batch))
            if loop.time() >= flush_at:
                flush_at = loop.time() + FLUSH_SECONDS
                await self._guarded(self.flush())

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            # Quality is told about calls; it must not end with one fault. The next look may do better.
            _log.error("quality_watch_failed", error=type(error).__name__)

    async def look(self, rooms: list[AppointmentId]) -> None:
        """One sample of these rooms."""
        try:
            measures = await self._media.measure([RoomId(appointment) for appointment in rooms]) if rooms else {}
        except KonsiliumError:
            measures = {}
        for appointment in rooms:
            kept = self._kept.get(appointment)
            if kept is None:
                continue
            measure = measures.get(RoomId(appointment))
            if measure is None and kept.media_is_live:
                self._missed(kept)
                continue
            self._seen(kept, measure or RoomMeasure({}, ()))
            events = self._judge(kept, list(kept.people))
            if events:
                self._publish(appointment, events)

    def _missed(self, kept: _Kept) -> None:
        if kept.evidence is not None and not kept.loaded:
            kept.evidence = fail_to_sample(kept.evidence, self._clock.now())
            kept.changed = True

    def _seen(self, kept: _Kept, measure: RoomMeasure) -> None:
        if kept.evidence is not None and not kept.loaded:
            kept.evidence = sample(kept.evidence, self._clock.now(), moved(kept.flows, measure.flows))
            kept.changed = True
        kept.flows = measure.flows
        links = measure.links
        kept.links = {person: links[PeerId(person)] for person in kept.people if PeerId(person) in links}

    # Keeping

    async def flush(self, only: AppointmentId | None = None) -> None:
        """Stores what has changed (of one room alone, if it is named), and forgets rooms in which nobody is."""
        async with self._flushing:
            kept_rooms = self._kept.items() if only is None else [(only, self._kept.get(only, _Kept()))]
            due = {name: kept for name, kept in kept_rooms if kept.changed and kept.evidence is not None}
            evidence = {name: kept.evidence for name, kept in due.items() if kept.evidence is not None}
            if evidence:
                for kept in due.values():
                    kept.changed = False
                try:
                    async with self._store.write() as transaction:
                        await transaction.quality.put(evidence, {name: kept.written for name, kept in due.items()})
                except BaseException:
                    for kept in due.values():
                        kept.changed = True
                    raise
            for name, stored in evidence.items():
                due[name].written |= _over(stored)
            for name in [name for name, kept in self._kept.items() if kept.empty and not kept.changed]:
                del self._kept[name]


def _over(evidence: Evidence) -> set[int]:
    return {number for number, one in enumerate(evidence.breaks) if one.ended_at}


def _told(kept: _Kept) -> QualityChanged:
    return QualityChanged(
        people=tuple(
            LinkQuality(participant=person, level=judged.level, measure=judged.measure)
            for person, judged in kept.judged.items()
        )
    )
