"""Transactions: `async with store.write() as transaction`, then the aggregates by name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.storage.appointments import AppointmentTable
from rooms.storage.clinics import ClinicTable
from rooms.storage.database import Database
from rooms.storage.devices import DeviceSessionTable, LinkTable
from rooms.storage.expired import ExpiredRows
from rooms.storage.participants import ConsentTable, ParticipantTable
from rooms.storage.quality import QualityTable
from rooms.storage.records import AuditTable, ReceiptTable


class Transaction:
    def __init__(self, connection: AsyncConnection) -> None:
        self.clinics = ClinicTable(connection)
        self.appointments = AppointmentTable(connection)
        self.participants = ParticipantTable(connection)
        self.consents = ConsentTable(connection)
        self.links = LinkTable(connection)
        self.sessions = DeviceSessionTable(connection)
        self.receipts = ReceiptTable(connection)
        self.audit = AuditTable(connection)
        self.quality = QualityTable(connection)
        self.expired = ExpiredRows(connection)


class Store:
    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        async with self._database.read() as connection:
            yield Transaction(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """Commits at the end of the block; stores nothing when the block raises."""
        async with self._database.write() as connection:
            yield Transaction(connection)

    async def close(self) -> None:
        await self._database.close()
