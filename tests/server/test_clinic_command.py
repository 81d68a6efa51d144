"""`konsilium clinic`, run as a program beside a database that is in use."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from contract.ids import ClinicId
from rooms.assembly import DATABASE_FILE
from rooms.policy import EXAMPLE_POLICIES
from rooms.storage.database import Database
from rooms.storage.store import Store
from server.clinic_command import ClinicError, read_clinic

CLINIC = {
    "id": "clinic-7",
    "name": "Clinic",
    "phone": "+7 495 000-00-00",
    "time_zone": "Europe/Moscow",
    "policy": {"opens_before_start_minutes": 5},
    "webhook_secret": "whsec_YSBzZWNyZXQgb2YgdGhlIHRlc3RzIGFsb25l",
    "api_key": "k" * 43,
}


async def run(folder: Path, clinic: dict[str, Any], data: Path | None = None) -> tuple[int | None, str]:
    """The exit status, and what the program said."""
    file = folder / "clinic.json"
    file.write_text(json.dumps(clinic))
    command = (sys.executable, "-m", "server", "clinic", str(file), "--data", str(data or folder))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KONSILIUM_")}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_a_clinic_is_set_up_and_brought_up_to_date_while_the_database_is_in_use(tmp_path: Path) -> None:
    store = Store(await Database.open(tmp_path / DATABASE_FILE))
    try:
        assert (await run(tmp_path, CLINIC))[0] == 0
        assert (await run(tmp_path, {**CLINIC, "name": "Renamed"}))[0] == 0
        async with store.read() as transaction:
            record = await transaction.clinics.get(ClinicId("clinic-7"))
            by_key = await transaction.clinics.find_by_api_key(str(CLINIC["api_key"]))
    finally:
        await store.close()
    assert record is not None
    assert record.clinic.name == "Renamed"
    assert record.policy.opens_before_start_minutes == 5
    assert record.policy.payment_deadline is EXAMPLE_POLICIES["default"].payment_deadline
    assert by_key == record


async def test_what_is_wrong_is_said_without_values(tmp_path: Path) -> None:
    refused = (
        {**CLINIC, "policy": {"disclaimer": True}},
        {**CLINIC, "time_zone": "Moscow"},
        {**CLINIC, "webhook_secret": ""},
        {**CLINIC, "api_key": "short"},
        {**CLINIC, "colour": "blue"},
    )
    for clinic in refused:
        status, said = await run(tmp_path, clinic)
        assert status == 1
        assert said.startswith("konsilium: ")
        assert "Traceback" not in said
        assert str(CLINIC["api_key"]) not in said
    assert (await run(tmp_path, CLINIC))[0] == 0
    status, said = await run(tmp_path, {**CLINIC, "id": "clinic-8"})
    assert (status, said) == (1, "konsilium: another clinic has this api_key\n")
    status, said = await run(tmp_path, CLINIC, tmp_path / "nowhere")
    assert status == 1
    assert "no such folder" in said


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook_secret": "whsec_c2hvcnQ="},
        {"webhook_secret": "whsec_my own secret, which is no base64 at all, whatever it is"},
        {"webhook_secret": "YSBzZWNyZXQgb2YgdGhlIHRlc3RzIGFsb25l"},
        {"id": "x" * 65},
        {"id": ""},
        {"name": "x" * 201},
        {"policy": {"audit_kept_days": 31}},
    ],
)
def test_what_could_not_be_stored_or_would_sign_nothing_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    file = tmp_path / "clinic.json"
    file.write_text(json.dumps(CLINIC))
    assert read_clinic(file).id == CLINIC["id"]
    file.write_text(json.dumps({**CLINIC, **wrong}))
    with pytest.raises(ClinicError):
        read_clinic(file)
