"""Everybody who is connected but not in a room: told whenever their verdict changes, by an event or by the clock."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import structlog

from contract.clock import Clock
from contract.ids import AppointmentId, ConnectionId
from rooms.keyed_lock import KeyedLock
from rooms.messages import AdmissionChanged, VerdictCode, VerdictView
from rooms.outbox import Caller, Outbox
from rooms.reception import Facts, Judgement, Reception

_log = structlog.get_logger()

TRY_AGAIN = timedelta(seconds=1)
"""After people could not be told because storage failed."""

LONGEST_SLEEP_SECONDS = 30.0
"""So that a machine that slept, or a clock that was set, is noticed."""


@dataclass(slots=True)
class _Waiting:
    caller: Caller
    told: VerdictView | None = None


class Lobby:
    def __init__(self, reception: Reception, outbox: Outbox, clock: Clock, joined: Callable[[Caller], bool]) -> None:
        """`joined`: whether the connection holds its seat; those are not told verdicts."""
        self._reception = reception
        self._outbox = outbox
        self._clock = clock
        self._joined = joined
        self._waiting: dict[AppointmentId, dict[ConnectionId, _Waiting]] = {}
        self._due: dict[AppointmentId, datetime] = {}
        self._locks = KeyedLock()
        self._changed = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None

    def enter(self, caller: Caller) -> None:
        self._waiting.setdefault(caller.appointment, {})[caller.connection] = _Waiting(caller)
        if self._timer is None:
            self._timer = asyncio.create_task(self._watch_clock(), name="lobby clock")

    def leave(self, caller: Caller) -> None:
        waiting = self._waiting.get(caller.appointment, {})
        waiting.pop(caller.connection, None)
        if not waiting:
            self._waiting.pop(caller.appointment, None)
            self._due.pop(caller.appointment, None)

    def holds(self, caller: Caller) -> bool:
        """Whether the connection is still there."""
        return caller.connection in self._waiting.get(caller.appointment, {})

    async def judge(self, caller: Caller) -> Judgement:
        """The present verdict, given as an answer: it counts as told."""
        _, judgement = await self.look_up(caller)
        return judgement

    async def look_up(self, caller: Caller) -> tuple[Facts | None, Judgement]:
        """Like `judge`, with the facts. Takes turns with `refresh`, so that no older verdict is told after a newer."""
        async with self._locks.hold(caller.appointment):
            facts = await self._reception.facts(caller.appointment)
            judgement = self._reception.judge(facts, caller.participant, caller.session)
            waiting = self._waiting.get(caller.appointment, {}).get(caller.connection)
            if waiting is not None:
                waiting.told = judgement.view
                self._plan(caller.appointment, [judgement])
            return facts, judgement

    async def refresh(self, appointment: AppointmentId) -> None:
        """Looks at everybody who waits for this appointment anew, and tells those whose verdict changed."""
        async with self._locks.hold(appointment):
            if appointment not in self._waiting:
                return
            try:
                facts = await self._reception.facts(appointment)
            except Exception:
                self._due[appointment] = self._clock.now() + TRY_AGAIN
                self._changed.set()
                raise
            judgements = []
            for waiting in list(self._waiting.get(appointment, {}).values()):
                caller = waiting.caller
                person = None if facts is None else facts.participant(caller.participant)
                if person is not None and person.role is not caller.role:
                    # What a connection may do goes by the role it came with: it has to come anew.
                    self._outbox.close(caller.connection)
                if self._joined(caller):
                    continue
                judgement = self._reception.judge(facts, caller.participant, caller.session)
                judgements.append(judgement)
                if waiting.told is None or _essence(waiting.told) != _essence(judgement.view):
                    waiting.told = judgement.view
                    self._outbox.send(caller.connection, AdmissionChanged(verdict=judgement.view))
                if judgement.code is VerdictCode.LINK_REVOKED:
                    self._outbox.close(caller.connection)
            self._due.pop(appointment, None)
            self._plan(appointment, judgements)

    async def refresh_all(self) -> None:
        for appointment in list(self._waiting):
            await self.refresh(appointment)

    async def close(self) -> None:
        self._waiting.clear()
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            await asyncio.gather(self._timer, return_exceptions=True)

    def _plan(self, appointment: AppointmentId, judgements: list[Judgement]) -> None:
        moments = [one.verdict.looks_again_at for one in judgements if one.verdict.looks_again_at is not None]
        if appointment in self._due:
            moments.append(self._due[appointment])
        if moments and self._due.get(appointment) != min(moments):
            self._due[appointment] = min(moments)
            self._changed.set()

    async def _watch_clock(self) -> None:
        while True:
            now = self._clock.now()
            for appointment in [one for one, due in self._due.items() if due <= now]:
                self._due.pop(appointment, None)
                await self._refresh_or_log(appointment)
            self._changed.clear()
            next_due = min(self._due.values(), default=None)
            wait = LONGEST_SLEEP_SECONDS
            if next_due is not None:
                wait = min(wait, max(0.0, (next_due - self._clock.now()).total_seconds()))
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _refresh_or_log(self, appointment: AppointmentId) -> None:
        """One appointment that can't be read must not stop the clock of all others."""
        try:
            await self.refresh(appointment)
        except Exception as error:
            _log.error("lobby_refresh_failed", appointment=appointment, error=type(error).__name__)


def _essence(view: VerdictView) -> VerdictView:
    """The view without what changes with every second; the page counts those down itself."""
    epoch = datetime.min.replace(tzinfo=view.server_time.tzinfo)
    return msgspec.structs.replace(view, server_time=epoch, wait_seconds=None)
