"""Setting a clinic up: the tenant, its policy, and the secrets it shares with its booking system."""

import asyncio
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from booking_bridge.answers import NewClinic
from contract.clock import Clock
from contract.errors import ErrorCode, InputError
from rooms.model import Clinic
from rooms.storage.clinics import ClinicRecord
from rooms.storage.records import AuditEntry
from rooms.storage.store import Store


async def set_up_clinic(store: Store, clinic: NewClinic, clock: Clock) -> None:
    """Sets a clinic up, or brings an existing one up to date. Raises `InputError(PAYLOAD_INVALID)`."""
    try:
        await asyncio.to_thread(ZoneInfo, clinic.time_zone)
        Webhook(clinic.webhook_secret)
    except (ZoneInfoNotFoundError, EmptyWebhookSecretError, ValueError, OSError) as error:
        raise InputError(ErrorCode.PAYLOAD_INVALID, f"clinic {clinic.id}: {type(error).__name__}") from None
    tenant = Clinic(clinic.id, clinic.name, clinic.phone, clinic.time_zone)
    async with store.write() as transaction:
        record = ClinicRecord(tenant, clinic.policy, clinic.webhook_secret)
        await transaction.clinics.put(record, clinic.api_key)
        await transaction.audit.add(AuditEntry(clock.now(), clinic.id, None, "clinic.set_up"))
