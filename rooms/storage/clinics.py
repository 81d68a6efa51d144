"""Clinics with their policies and secrets."""

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.ids import ClinicId
from rooms.model import Clinic
from rooms.policy import Policy, parse_policy
from rooms.storage.tables import clinics


@dataclass(frozen=True, slots=True)
class ClinicRecord:
    clinic: Clinic
    policy: Policy
    webhook_secret: str
    """Needed as it is: signatures are symmetric."""


def hash_api_key(api_key: str) -> str:
    """API keys are long and random, so a plain hash is enough. Surrogates: see `rooms.links.hash_secret`."""
    return hashlib.sha256(api_key.encode("utf-8", "surrogatepass")).hexdigest()


class ClinicTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, clinic: ClinicId) -> ClinicRecord | None:
        row = (await self._connection.execute(select(clinics).where(clinics.c.id == clinic))).one_or_none()
        return None if row is None else _record(row)

    async def find_by_api_key(self, api_key: str) -> ClinicRecord | None:
        query = select(clinics).where(clinics.c.api_key_hash == hash_api_key(api_key))
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else _record(row)

    async def all(self) -> list[ClinicRecord]:
        return [_record(row) for row in await self._connection.execute(select(clinics).order_by(clinics.c.id))]

    async def put(self, record: ClinicRecord, api_key: str) -> None:
        """Adds the clinic or brings it up to date."""
        values = {
            "name": record.clinic.name,
            "phone": record.clinic.phone,
            "time_zone": record.clinic.time_zone,
            "policy": msgspec.json.encode(record.policy).decode(),
            "webhook_secret": record.webhook_secret,
            "api_key_hash": hash_api_key(api_key),
        }
        if await self.get(record.clinic.id) is None:
            await self._connection.execute(insert(clinics).values(id=record.clinic.id, **values))
        else:
            await self._connection.execute(update(clinics).where(clinics.c.id == record.clinic.id).values(**values))


def _record(row: Row[Any]) -> ClinicRecord:
    clinic = Clinic(ClinicId(row.id), row.name, row.phone, row.time_zone)
    return ClinicRecord(clinic, parse_policy(row.policy), row.webhook_secret)
