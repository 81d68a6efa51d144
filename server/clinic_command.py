"""`konsilium clinic FILE`: sets a clinic up, or brings it up to date, also while the node is running."""

import argparse
import asyncio
import base64
import sys
from pathlib import Path

import msgspec
from sqlalchemy.exc import IntegrityError

from booking_bridge.answers import NewClinic
from booking_bridge.clinics import set_up_clinic
from contract.clock import SystemClock
from contract.errors import KonsiliumError
from rooms.assembly import DATABASE_FILE
from rooms.storage.database import Database
from rooms.storage.store import Store

SHORTEST_API_KEY = 32
"""API keys are stored as a plain hash, so they must be long and random."""

WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
WEBHOOK_SECRET_BYTES = (24, 64)
"""As the Standard Webhooks specification says, "Signature scheme"."""


class ClinicError(Exception):
    """The file can't be used; the text says why, without its values."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command is given besides the folder."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the clinic as JSON; holds secrets: mode 0600")


def run(file: Path, data: Path) -> int:
    """Reads the file and stores the clinic; the exit status."""
    try:
        clinic = read_clinic(file)
        if not data.is_dir():
            raise ClinicError(f"{data}: no such folder; start the node once, or give --data")
        asyncio.run(_store(clinic, data))
    except ClinicError as error:
        sys.stderr.write(f"konsilium: {error}\n")
        return 1
    sys.stdout.write(f"The clinic {clinic.id} is set up.\n")
    return 0


def read_clinic(file: Path) -> NewClinic:
    """Raises `ClinicError`."""
    try:
        clinic = msgspec.json.decode(file.read_bytes(), type=NewClinic)
    except OSError as error:
        raise ClinicError(f"{file}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ClinicError(f"{file}: {error}") from None
    if len(clinic.api_key) < SHORTEST_API_KEY:
        raise ClinicError(f"{file}: an api_key has at least {SHORTEST_API_KEY} random characters")
    if not _is_webhook_secret(clinic.webhook_secret):
        fewest, most = WEBHOOK_SECRET_BYTES
        raise ClinicError(f"{file}: a webhook_secret is whsec_ and {fewest} to {most} random bytes in base64")
    return clinic


def _is_webhook_secret(secret: str) -> bool:
    """Read strictly: the library skips what is no base64, and would sign with what is left."""
    try:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_SECRET_PREFIX), validate=True)
    except ValueError:
        return False
    fewest, most = WEBHOOK_SECRET_BYTES
    return secret.startswith(WEBHOOK_SECRET_PREFIX) and fewest <= len(key) <= most


async def _store(clinic: NewClinic, data: Path) -> None:
    store = Store(await Database.open(data / DATABASE_FILE))
    try:
        await set_up_clinic(store, clinic, SystemClock())
    except KonsiliumError as error:
        raise ClinicError(error.detail) from None
    except IntegrityError:
        raise ClinicError("another clinic has this api_key") from None
    finally:
        await store.close()
