"""Deletes what is no longer needed, clinic by clinic as its policy says, a piece at a time.

Appointments go with their people, links, devices and consents; the audit trail, which holds identifiers only, is kept
much longer. Owned by the server process.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from contract.clock import Clock
from rooms.storage.clinics import ClinicRecord
from rooms.storage.records import AuditEntry
from rooms.storage.store import Store, Transaction

RECEIPTS_KEPT = timedelta(days=30)
"""How long a repeated webhook is recognised by its id."""
SWEEP_SECONDS = 3600.0
FIRST_SWEEP_SECONDS = 60.0
"""Not at once: a server that has just started has people to let back in."""
PIECE = 100
"""Rows of one transaction: whoever else writes waits no longer than for these."""

_log = structlog.get_logger()

_Removal = Callable[[Transaction], Awaitable[int]]


class Retention:
    """Call `start` once, and `close` at the end."""

    def __init__(self, store: Store, clock: Clock, first_after: float = FIRST_SWEEP_SECONDS) -> None:
        self._store = store
        self._clock = clock
        self._first_after = first_after
        self._sweeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._sweeping = asyncio.create_task(self._sweep_forever(), name="retention")

    async def close(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)

    async def sweep(self) -> None:
        """Removes everything that is due; one clinic that fails does not keep the others waiting."""
        now = self._clock.now()
        async with self._store.read() as transaction:
            records = await transaction.clinics.all()
        await self._remove(lambda transaction: transaction.expired.remove_sessions(now, PIECE))
        for record in records:
            try:
                await self._sweep_clinic(record, now)
            except Exception as error:
                _log.error("retention_failed", clinic=record.clinic.id, error=type(error).__name__)

    async def _sweep_clinic(self, record: ClinicRecord, now: datetime) -> None:
        clinic, policy = record.clinic.id, record.policy
        ended_before = now - timedelta(days=policy.appointments_kept_days)
        audited_before = now - timedelta(days=policy.audit_kept_days)

        async def appointments(transaction: Transaction) -> int:
            removed = await transaction.expired.remove_appointments(clinic, ended_before, PIECE)
            if removed:
                detail = f"appointments {removed}"
                await transaction.audit.add(AuditEntry(now, clinic, None, "retention.removed", detail=detail))
            return removed

        await self._remove(appointments)
        await self._remove(lambda transaction: transaction.expired.remove_receipts(clinic, now - RECEIPTS_KEPT, PIECE))
        await self._remove(lambda transaction: transaction.expired.remove_audit(clinic, audited_before, PIECE))

    async def _remove(self, removal: _Removal) -> None:
        while True:
            async with self._store.write() as transaction:
                removed = await removal(transaction)
            if removed < PIECE:
                return

    async def _sweep_forever(self) -> None:
        await asyncio.sleep(self._first_after)
        while True:
            try:
                await self.sweep()
            except Exception as error:
                _log.error("retention_failed", error=type(error).__name__)
            await asyncio.sleep(SWEEP_SECONDS)
