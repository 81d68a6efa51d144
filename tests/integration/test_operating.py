"""A node as its operator sees it, with whole processes: metrics, drain, a worker's restart, evidence over deaths."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rooms.assembly import DATABASE_FILE
from tests.integration.media_client import MediaClient, loopback_candidates
from tests.integration.node_process import MEDIA, Node, join, node, offer_of, person, take_answer

pytestmark = pytest.mark.timeout(180)

PATIENCE = 90.0


async def konsilium(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", *arguments, "--json", "--data", str(folder)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode or 0, json.loads(out)


async def metrics(at: Node) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{at.url}/metrics") as response:
        assert response.status == 200
        return await response.text()


async def test_a_drained_node_lets_live_rooms_end_and_then_ends_itself(tmp_path: Path) -> None:
    async with (
        node(tmp_path) as at,
        person(at, "admitted", "practitioner") as doctor,
        person(at, "waiting_for_practitioner", "practitioner") as late,
    ):
        await doctor.done("room.join", media=MEDIA)
        status, told = await konsilium(tmp_path, "drain", "--exit-when-empty")
        assert (status, told["draining"]) == (0, True)
        rooms = told["rooms"]
        assert (await late.ask("room.join", media=MEDIA))["error"]["code"] == "draining"
        text = await metrics(at)
        assert "konsilium_draining 1.0" in text
        assert f"konsilium_rooms {float(rooms)}" in text
        assert 'konsilium_joins_total{outcome="draining"} 1.0' in text
        # A server process that is started again goes on draining, and the members come back.
        os.kill(at.pid("server"), signal.SIGKILL)
        assert (await at.event())["role"] == "server"
        await late.connect_again()
        await doctor.connect_again()
        assert (await late.ask("room.join", media=MEDIA))["error"]["code"] == "draining"
        status, told = await konsilium(tmp_path, "undrain")
        assert (status, told["draining"]) == (0, False)
        await late.done("room.join", media=MEDIA)


async def test_an_empty_node_that_drains_ends(tmp_path: Path) -> None:
    async with node(tmp_path, "--workers", "2") as at:
        status, told = await konsilium(tmp_path, "restart-worker", "worker-1")
        assert (status, [one["retiring"] for one in told["workers"]]) == (0, [False, True, False])
        event = await at.event()
        assert (event["event"], event["role"]) == ("child_restarted", "worker")
        async with asyncio.timeout(PATIENCE):
            while not (told := (await konsilium(tmp_path, "status"))[1])["workers"][1]["spare"]:
                await asyncio.sleep(0.2)
        assert [one["losses"] for one in told["workers"]] == [0, 1, 0]
        assert (await konsilium(tmp_path, "restart-worker", "worker-7"))[0] == 1
        assert told["rooms"] == 0
        await konsilium(tmp_path, "drain", "--exit-when-empty")
        assert await asyncio.wait_for(at.process.wait(), PATIENCE) == 0


async def test_evidence_survives_the_death_of_the_server_and_tells_that_of_a_worker(tmp_path: Path) -> None:
    with loopback_candidates():
        async with (
            node(tmp_path) as at,
            person(at, "admitted", "practitioner") as doctor,
            person(at, "admitted", "patient") as patient,
        ):
            people = (doctor, patient)
            media = [MediaClient(None, "", name, light) for name, light in (("doctor", 200), ("patient", 90))]  # type: ignore[arg-type]  # offers travel by Socket.IO here
            try:
                for one, client in zip(people, media, strict=True):
                    await join(one, client)
                first = await stored(tmp_path, lambda row: row["two_way_sound"] > 5 and row["two_way_picture"] > 5)
                # The demonstration's own people were there before them, and left.
                before = breaks(tmp_path)
                os.kill(at.pid("server"), signal.SIGKILL)
                assert (await at.event())["role"] == "server"
                for one, client in zip(people, media, strict=True):
                    await one.connect_again()
                    await one.done("room.join", media=MEDIA, resume=client.connection, resume_number=client.number)
                grown = first["two_way_sound"] + 5
                await stored(tmp_path, lambda row: row["two_way_sound"] > grown and row["unobserved"] > 0)
                assert breaks(tmp_path) == before, "the conversation went on without the server"
                os.kill(at.pid("worker"), signal.SIGKILL)
                fresh = [MediaClient(None, "", name, light) for name, light in (("doctor", 200), ("patient", 90))]  # type: ignore[arg-type]  # as above
                media += fresh
                for one, client in zip(people, fresh, strict=True):
                    await one.told("media.lost")
                    client.connection += " after the death of the worker"
                    await take_answer(client, await one.done("media.offer", offer=await offer_of(client)))
                await stored(tmp_path, lambda _: len([one for one in breaks(tmp_path)[len(before) :] if one[1]]) == 2)
                assert {cause for cause, _ in breaks(tmp_path)[len(before) :]} == {"worker_lost"}
                text = await metrics(at)
                assert 'konsilium_worker_losses_total{worker="worker-0"} 1.0' in text
                assert doctor.participant is not None
                assert doctor.participant not in text
            finally:
                await asyncio.gather(*(one.close() for one in media))


def rows(folder: Path, query: str) -> list[sqlite3.Row]:
    with sqlite3.connect(f"file:{folder / DATABASE_FILE}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def breaks(folder: Path) -> list[tuple[str, str | None]]:
    return [(row["cause"], row["ended_at"]) for row in rows(folder, "SELECT cause, ended_at FROM media_breaks")]


async def stored(folder: Path, enough: Callable[[sqlite3.Row], bool]) -> sqlite3.Row:
    """Waits until what is stored of the one consultation with media is enough."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for row in rows(folder, "SELECT * FROM quality ORDER BY two_way_sound DESC LIMIT 1"):
                if enough(row):
                    return row
            await asyncio.sleep(0.5)
